"""A plan that was saved: what it was made of, and what has moved since."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical, shapes
from ddsnap.core.plan import FORMAT
from ddsnap.core.protection import protects
from ddsnap.core.values import Address
from ddsnap.errors import UnstorableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.actions import Action
    from ddsnap.core.plan import Plan
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.values import JSON, JSONObject

_MEMBERS: Final = {"head", "actions", "counts", "cycles"}
_MOVES: Final = ("action", "to", "patch", "against", "intended", "base", "undeletes")
"""The members of an action that say what it would do, and to what."""
_IDLE: Final = ("unchanged", "adopt")
_DONE: Final = ("create", "adopt", "update")


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

    What is left alone, then and now, may have changed in between; and what was carried out since
    has not moved.
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


def dependents(plan: Plan, moved: Collection[Address]) -> dict[Address, Address]:
    """Return what would be written and refers to what moved, or is protected by it: to which."""
    resolution = plan.resolution
    if resolution is None or not moved:
        return {}
    referring: dict[Address, list[Address]] = {}
    for action in plan.actions:
        if not action.writes or action.base == "destination" or action.kind == "delete":
            continue
        for address in _needed(action, resolution):
            referring.setdefault(address, []).append(action.address)
        protected = protects(action, resolution)
        if protected is not None:
            referring.setdefault(action.address, []).append(protected)
    found: dict[Address, Address] = {}
    todo = [*moved]
    while todo:
        address = todo.pop()
        for one in referring.get(address, ()):
            if one not in found and one not in moved:
                found[one] = address
                todo.append(one)
    return found


def _needed(action: Action, resolution: Resolution) -> Iterator[Address]:
    type_ = resolution.catalog.get(action.address.type)
    if type_ is None or type_.orders:  # an order is of whatever is there
        return
    for reference in resolution.source.entries[action.address].references:
        there = None if reference.soft else resolution.source.find(reference)
        if there is not None:
            yield there.address


def _moved(before: JSONObject | None, now: JSONObject | None) -> bool:
    if now is None:
        return before is None or before["action"] != "delete"
    if before is None:
        return True
    if now["action"] == "unchanged" and before["action"] in _DONE:
        return False
    idle = all(one["action"] in _IDLE and not one.get("patch") for one in (before, now))
    members: tuple[str, ...] = ("action", "to") if idle else _MOVES
    if before["action"] == now["action"] == "create" and not before.get("intended"):
        members = tuple(name for name in members if name != "intended")  # an id in it was symbolic
    return any(not canonical.same(before.get(name), now.get(name)) for name in members)
