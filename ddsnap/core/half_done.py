"""A saved plan that was carried out in part: ids are known by now, circles open, orders moved on.

None of that is somebody else's doing, so it must not look as if anything had moved.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.core import shapes
from ddsnap.core.changes import apply_patch
from ddsnap.core.fields import EACH, field_path, value_at
from ddsnap.core.match import covers, portable, portable_digest
from ddsnap.core.pointers import join
from ddsnap.core.references import find_references
from ddsnap.core.requests import leave_out
from ddsnap.core.resolution import symbol
from ddsnap.core.values import Address, clone
from ddsnap.core.written import created, creation, timely

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from ddsnap.core.plan import Plan
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

    Actions = Mapping[Address, JSONObject]
    """Actions as they are told, by the source's address."""

_SYMBOL: Final = re.compile(r"\$\{[^{}]*\}")
_ADDING: Final = ("add", "replace")


@dataclass(frozen=True)
class Present:
    """The destination as ``plan`` found it, at the time ``now``; ``read`` takes addresses there."""

    plan: Plan
    read: Callable[[Address], JSONObject | None]
    now: datetime

    def type_of(self, address: Address) -> ResourceType | None:
        """Return the type of a resource that is planned."""
        return self.plan.resolution.catalog.get(address.type) if self.plan.resolution else None

    def document(self, address: Address, now: JSONObject) -> JSONObject | None:
        """Return what the destination has where an action goes to."""
        return self.read(Address(address.type, str(now["to"])))


def bound(before: Actions, plan: Plan) -> dict[Address, JSONObject]:
    """Return the actions of a saved plan with the ids that ``plan`` knows of what is made since."""
    known = dict(_known(before, plan))
    if not known:
        return dict(before)
    return {
        address: {name: _bound(member, known) for name, member in action.items()}
        for address, action in before.items()
    }


def is_made(before: JSONObject, now: JSONObject, address: Address, there: Present) -> bool:
    """Whether what was to be created was made by the run that was cut off, as far as it came.

    It holds what its creation said, and only what that could not say is to be added.
    """
    if before["action"] != "create" or now["action"] not in ("adopt", "update"):
        return False
    patch = shapes.objects(now, "patch")
    if now["origin"] != "created" or any(one["op"] not in _ADDING for one in patch):
        return False
    type_, present = there.type_of(address), there.document(address, now)
    if type_ is None or present is None:
        return False
    wanted = apply_patch(portable(type_, present), list(patch))
    call = creation(type_, wanted) if isinstance(wanted, dict) else None
    if call is None or not isinstance(wanted, dict):
        return False
    sent = created(type_, call, leave_out(type_, wanted, _later(before, wanted, address, there)))
    return covers(portable(type_, present), timely(type_, sent, None, there.now))


def has_new_members(before: Actions, now: Actions, address: Address, there: Present) -> bool:
    """Whether an order is as it was, but for members that were made since."""
    type_ = there.type_of(address)
    if type_ is None or not type_.orders or before[address]["action"] != now[address]["action"]:
        return False
    made = {
        str(now[one]["to"])
        for one, action in before.items()
        if one.type == type_.orders and action["action"] == "create" and _is_there(now.get(one))
    }
    present = there.document(address, now[address]) if made else None
    return present is not None and _without(type_, present, made) == before[address]["against"]


def _known(before: Actions, plan: Plan) -> list[tuple[str, str]]:
    """The symbols of a saved plan whose ids are known."""
    found: list[tuple[str, str]] = []
    entries = plan.resolution.destination.entries if plan.resolution else {}
    for address, action in before.items():
        now = plan.action(address)
        if action.get("to") != symbol(address) or now is None or not _is_id(now.to):
            continue
        found.append((symbol(address), now.to))
        entry = entries.get(Address(address.type, now.to))
        found += [(symbol(address, at), id_) for at, id_ in entry.aliases.items()] if entry else []
    return found


def _is_id(to: str) -> bool:
    return bool(to) and _SYMBOL.search(to) is None


def _bound(value: JSON, known: Mapping[str, str]) -> JSON:
    if isinstance(value, str):
        return _SYMBOL.sub(lambda found: known.get(found[0], found[0]), value)
    if isinstance(value, list):
        return [_bound(element, known) for element in value]
    if isinstance(value, dict):
        return {name: _bound(member, known) for name, member in value.items()}
    return value


def _later(
    before: JSONObject, wanted: JSONObject, address: Address, there: Present
) -> list[Reference]:
    """The references that a creation leaves out, as they stand in what is wanted."""
    known = there.plan.resolution
    entry = known.source.entries.get(address) if known else None
    if known is None or entry is None:
        return []
    closes = shapes.objects(before, "closes")
    places = {(shapes.text(one, "at"), shapes.text(one, "value")) for one in closes}
    ours = (ref for ref in entry.references if (join(ref.parts), ref.value) in places)
    values = {known.value(ref) or ref.value for ref in ours}
    found = find_references(wanted, known.catalog[address.type], known.catalog)
    return [ref for ref in found if ref.value in values]


def _is_there(now: JSONObject | None) -> bool:
    return now is not None and now["action"] in ("adopt", "unchanged", "update")


def _without(type_: ResourceType, present: JSONObject, made: set[str]) -> str:
    """The digest of an order without some of its members."""
    at, _, by = type_.members.partition(EACH)
    body = clone(present)
    members = value_at(body, at)
    if isinstance(members, list):
        kept = [one for one in members if str(_name(one, by.lstrip("."))) not in made]
        field_path(at).put(body, kept)
    return portable_digest(type_, body)


def _name(member: JSON, by: str) -> JSON:
    return value_at(member, by) if by and isinstance(member, dict) else member
