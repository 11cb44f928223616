"""A plan that was saved: what it was made of, and what has moved since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical, shapes
from ddsnap.core.plan import FORMAT
from ddsnap.core.values import Address
from ddsnap.errors import UnstorableError, UsageError

if TYPE_CHECKING:
    from ddsnap.core.plan import Plan
    from ddsnap.core.values import JSON, JSONObject

_MEMBERS: Final = {"head", "actions", "counts", "cycles"}
_MOVES: Final = ("action", "to", "patch", "against", "intended", "base", "undeletes")
"""The members of an action that say what it would do, and to what."""
_IDLE: Final = ("unchanged", "adopt")


def is_plan(saved: JSON) -> bool:
    """Whether it is a plan of any format."""
    return isinstance(saved, dict) and saved.keys() >= _MEMBERS


def read_plan(data: bytes, where: str) -> JSONObject:
    """Read a saved plan; ``where`` names the file. Raises ``UsageError``."""
    try:
        saved = canonical.decode(data)
    except UnstorableError as error:
        raise UsageError(f"{where} is damaged: {error.message}") from error
    head = saved.get("head") if isinstance(saved, dict) else None
    if not isinstance(saved, dict) or not isinstance(head, dict) or not is_plan(saved):
        raise UsageError(f"{where} is no plan", "`ddsnap plan REV --to ORG --out FILE` saves one")
    if head.get("format") != FORMAT:
        raise UsageError(
            f"{where} is in plan format {head.get('format')}; this ddsnap reads format {FORMAT}",
            "plan again with this ddsnap",
        )
    return saved


def compare(saved: JSONObject, plan: Plan) -> list[Address]:
    """Return, sorted, the actions of ``plan`` that are new, gone or other than in ``saved``.

    What is left alone, then and now, may have changed in between.
    """
    before = {
        Address(shapes.text(one, "type"), shapes.text(one, "id")): one
        for one in shapes.objects(saved, "actions")
    }
    now = {action.address: action.to_json() for action in plan.actions}
    return sorted(
        address
        for address in before.keys() | now.keys()
        if _moved(before.get(address), now.get(address))
    )


def _moved(before: JSONObject | None, now: JSONObject | None) -> bool:
    if before is None or now is None:
        return True
    idle = all(one["action"] in _IDLE and not one.get("patch") for one in (before, now))
    members = ("action", "to") if idle else _MOVES
    return any(not canonical.same(before.get(name), now.get(name)) for name in members)
