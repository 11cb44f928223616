"""Reading a plan's action back from the JSON that it was recorded as."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ddsnap.core import shapes
from ddsnap.core.actions import Action, ActionKind, Unresolved
from ddsnap.core.pointers import parse
from ddsnap.core.references import Reference
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from ddsnap.core.values import JSONObject

KINDS: Final[tuple[ActionKind, ...]] = (
    "create", "adopt", "update", "unchanged", "similar", "blocked", "deferred", "ambiguous",
    "delete",
)  # fmt: skip


def read_action(body: JSONObject) -> Action:
    """Return the action. Its references keep what was recorded of them: place, types and value.

    Raises ``Damaged``.
    """
    cause = body.get("cause")
    return Action(
        kind=shapes.one_of(body, "action", KINDS),
        address=Address(shapes.text(body, "type"), shapes.text(body, "id")),
        title=shapes.text(body, "title"),
        to=shapes.text(body, "to"),
        patch=shapes.objects(body, "patch"),
        needs=tuple(map(Address.parse, shapes.words(body, "needs"))),
        reasons=shapes.words(body, "reasons"),
        cause=None if cause is None else Address.parse(shapes.text(body, "cause")),
        unresolved=tuple(map(_unresolved, shapes.objects(body, "unresolved"))),
        closes=tuple(map(_reference, shapes.objects(body, "closes"))),
        against=shapes.text(body, "against"),
        intended=shapes.text(body, "intended"),
        base=shapes.one_of(body, "base", ("source", "destination")),
        origin=shapes.one_of(body, "origin", ("created", "adopted", "")),
        undeletes=shapes.flag(body, "undeletes"),
    )


def _unresolved(body: JSONObject) -> Unresolved:
    return Unresolved(_reference(body), shapes.text(body, "why"), shapes.text(body, "text"))


def _reference(body: JSONObject) -> Reference:
    by = shapes.text(body, "by")
    return Reference(
        parts=tuple(map(_part, parse(shapes.text(body, "at")))),
        span=None,
        to=shapes.words(body, "to"),
        by="" if by == "id" else by,
        value=shapes.text(body, "value"),
        prefix="",
        soft=shapes.flag(body, "soft"),
    )


def _part(text: str) -> str | int:
    """Which part is a position only the document tells; its members are no numbers, as a rule."""
    return int(text) if re.fullmatch("0|[1-9][0-9]*", text) else text
