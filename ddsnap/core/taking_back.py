"""Taking a replay back: which of what it made is deleted, and which stays, and why."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core.actions import Action
from ddsnap.core.deletion import also, for_good, goes_with, order_deletions
from ddsnap.core.id_map import followed
from ddsnap.core.presence import lives
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ddsnap.core.directory import Directory
    from ddsnap.core.id_map import IdMap
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog, ResourceType

_CHANGED: Final = "somebody has changed it since, so it stays"


@dataclass(frozen=True)
class TakenBack:
    """What a replay did, in the destination's addresses.

    ``made`` is what it created and ``changed`` what it wrote to, each with the digest of the
    document as the replay left it. ``others`` are counterparts of another org's resources, and of
    which; ``named`` are the types that were named on the command line: what nothing brings back
    must be.
    """

    made: Mapping[Address, str]
    changed: Mapping[Address, str]
    deleted: Collection[Address]
    others: Mapping[Address, str] = field(default_factory=dict)
    named: Collection[str] = ()

    def restorable(self, there: Directory, own: IdMap) -> set[Address]:
        """Return what gets its former document back: what nobody has touched since.

        What was deleted may be back, by ``own`` (the org's map onto itself) under another id.
        """
        changed = {one for one, seen in self.changed.items() if _is(there, one, seen)}
        back = {
            one
            for one, entry in followed(own).items()
            if Address(one.type, entry.id) in there.entries
        }
        gone = {one for one in self.deleted if one not in there.entries}
        return changed | (gone - back)


def plan_taking_back(taken: TakenBack, restoring: Plan, there: Directory, catalog: Catalog) -> Plan:
    """Return the plan that restores as ``restoring`` says, and deletes what was made."""
    made = [address for address in taken.made if lives(there, address, catalog)]
    kept = {one: why for one in made if (why := _why_not(taken, one, there, catalog))}
    for policy in [one for one, why in kept.items() if why == _CHANGED]:
        protected = goes_with(policy, made, there, catalog)
        if protected is not None:
            kept.setdefault(protected, f"somebody has changed {policy} since, so it stays")
    doomed = set(made) - kept.keys()
    own = {one for one in made if goes_with(one, doomed, there, catalog)}
    # Documents that are restored refer to nothing that was made after them.
    written = {action.address: () for action in restoring.actions if action.writes}
    going = order_deletions(there, set(made) - own, catalog, kept=kept, written=written)
    releasing = _referring(there, written)
    ended = (
        replace(action, needs=tuple(sorted({*action.needs, *releasing.get(action.address, ())})))
        for action in going
    )
    return replace(restoring, actions=(*restoring.actions, *_left(taken, there), *ended))


def _why_not(taken: TakenBack, address: Address, there: Directory, catalog: Catalog) -> str:
    """Say why something stays that the replay has made."""
    if not _is(there, address, taken.made[address]):
        return _CHANGED
    if address in taken.others:
        return also(taken.others[address])
    return spared(catalog[address.type], taken.named)


def spared(type_: ResourceType, named: Collection[str]) -> str:
    """Say why something stays unless its type is ``named``: nothing would bring it back.

    Who is only disabled can be enabled again.
    """
    return "" if type_.disabled else for_good(type_, named)


def _referring(there: Directory, written: Collection[Address]) -> dict[Address, set[Address]]:
    """Return what refers, before it is written, to what; what is written lets go of it."""
    found: dict[Address, set[Address]] = {}
    for address in written:
        entry = there.entries.get(address)
        for reference in entry.references if entry else ():
            target = there.find(reference)
            if target is not None:
                found.setdefault(target.address, set()).add(address)
    return found


def _left(taken: TakenBack, there: Directory) -> Iterator[Action]:
    """Name what was written to, and is not as the replay left it."""
    for address, seen in sorted(taken.changed.items()):
        if not _is(there, address, seen):
            entry = there.entries.get(address)
            title, to = (entry.title, address.id) if entry else ("", "")
            why = _CHANGED if entry else "it is gone since"
            yield Action("blocked", address, title, to, reasons=(why,))


def _is(there: Directory, address: Address, seen: str) -> bool:
    entry = there.entries.get(address)
    return entry is not None and entry.whole == seen
