"""A plan that was saved: what it was made of, and what has moved since."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical, shapes
from ddsnap.core.half_done import Present, bound, has_new_members, is_made
from ddsnap.core.plan import FORMAT
from ddsnap.core.protection import protects
from ddsnap.core.values import Address
from ddsnap.errors import UnstorableError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.actions import Action
    from ddsnap.core.half_done import Actions
    from ddsnap.core.plan import Plan
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.values import JSON, JSONObject

_MEMBERS: Final = {"head", "actions", "counts", "cycles"}
_ENDS: Final[tuple[str, ...]] = ("action", "to")
_MOVES: Final = (*_ENDS, "patch", "against", "intended", "base", "undeletes")
"""The members of an action that say what it would do, and to what: the first where it is idle."""
_IDLE: Final = ("unchanged", "adopt")
_DONE: Final = ("create", "adopt", "update")


@dataclass(frozen=True)
class Approved:
    """What somebody has approved of: the actions of a saved plan, for the org of this id."""

    public_id: str
    actions: tuple[JSONObject, ...]

    def to_json(self) -> JSONObject:
        """Return what of it tells later whether something has moved."""
        actions: list[JSON] = [_essence(action) for action in self.actions]
        return {"public_id": self.public_id, "actions": actions}

    @classmethod
    def from_json(cls, body: JSONObject) -> Approved:
        """Read what ``to_json`` wrote. Raises ``Damaged``."""
        return cls(shapes.text(body, "public_id"), shapes.objects(body, "actions"))


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


def compare(approved: Approved, there: Present) -> list[Address]:
    """Return, sorted, the actions of the present plan that are new, gone or not as approved of.

    What is left alone, then and now, may have changed in between; and what was carried out since
    has not moved.
    """
    plan = there.plan
    saved = {
        Address(shapes.text(one, "type"), shapes.text(one, "id")): one for one in approved.actions
    }
    now = {action.address: action.to_json() for action in plan.actions}
    before = bound(saved, plan)
    return sorted(
        address
        for address in before.keys() | now.keys()
        if _moved(before.get(address), now.get(address))
        and not _is_half_done(before, now, address, there)
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


def _is_half_done(before: Actions, now: Actions, address: Address, there: Present) -> bool:
    """Whether an action is other than it was because the plan was carried out in part."""
    if address not in before or address not in now:
        return False
    if is_made(before[address], now[address], address, there):
        return True
    return has_new_members(before, now, address, there)


def _moved(before: JSONObject | None, now: JSONObject | None) -> bool:
    if now is None:
        return before is None or before["action"] != "delete"
    if before is None:
        return True
    if now["action"] == "unchanged" and before["action"] in _DONE:
        return False
    members = _ENDS if _is_idle(before) and _is_idle(now) else _MOVES
    if before["action"] == now["action"] and not before.get("intended"):
        members = tuple(name for name in members if name != "intended")  # an id in it was symbolic
    return any(not canonical.same(before.get(name), now.get(name)) for name in members)


def _is_idle(action: JSONObject) -> bool:
    return action["action"] in _IDLE and not action.get("patch")


def _essence(action: JSONObject) -> JSONObject:
    """What tells whether an action is still the same, and little of the many that do nothing."""
    names = _ENDS if _is_idle(action) else (*_MOVES, "closes")
    return {name: action[name] for name in ("type", "id", *names) if name in action}
