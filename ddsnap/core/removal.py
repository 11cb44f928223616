"""What a replay deletes: only what ddsnap's own map says it made, and the source has no more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.core.administrators import keep_administrators
from ddsnap.core.deletion import also, for_good, goes_with, holds, order_deletions
from ddsnap.core.fields import value_at
from ddsnap.core.presence import lives
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ddsnap.core.actions import Action
    from ddsnap.core.decisions import Decisions
    from ddsnap.core.deletion import Deletions
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

Doomed = dict[Address, Address]
"""The source's addresses of what is to go, by those at the destination."""


def find_doomed(
    decisions: Decisions, deletions: Deletions | None, selection: Callable[[Address], bool]
) -> Doomed:
    """Return what ddsnap once wrote and the source has no more.

    What ended by itself, is disabled or belongs to another resource by now is not among it, and
    a policy goes with its object, never before it.
    """
    resolution = decisions.resolution
    there, catalog = resolution.destination, resolution.catalog
    claimed = {Address(address.type, id_) for address, id_ in resolution.ids.items()}
    doomed: Doomed = {}
    for address, mapped in sorted(resolution.id_map.items()) if deletions else ():
        target = Address(address.type, mapped.id)
        if (
            deletions is not None
            and (deletions.adopted or mapped.origin == "created")
            and address.type in deletions.complete
            and address not in resolution.source.entries
            and target not in claimed
            and selection(address)
            and _is_alive(decisions, target)
        ):
            doomed[target] = address
    own = {target for target in doomed if goes_with(target, doomed, there, catalog)}
    return {target: address for target, address in doomed.items() if target not in own}


def plan_removal(
    decisions: Decisions, doomed: Doomed, deletions: Deletions | None, self_user: str
) -> list[Action]:
    """Return the deletions, named by the source's addresses, after what lets go of their targets.

    Users whom nobody can do without stay, and so does what is another org's as well, and what
    nothing brings back, unless its type was named.
    """
    resolution, others = decisions.resolution, decisions.resolution.others
    kept = keep_administrators(decisions, doomed, self_user)
    for target in doomed:
        if target in others:
            kept.setdefault(target, also(others[target]))
        why = for_good(resolution.catalog[target.type], deletions.named if deletions else ())
        why = why or _another(decisions, target, doomed[target])
        if why:
            kept.setdefault(target, why)
    if not doomed:
        return []
    written = dict(_written(decisions))
    releasing = _releasing(decisions, doomed, written)
    actions = order_deletions(
        resolution.destination,
        doomed,
        resolution.catalog,
        kept=kept,
        written={there: targets for there, (_, targets) in written.items()},
    )
    return [_named(decisions, action, doomed, releasing) for action in actions]


def _another(decisions: Decisions, target: Address, address: Address) -> str:
    """Say why something may be another one than ddsnap has made, if its id is a name.

    An id that Datadog gives is given once; what was adopted was somebody else's from the start.
    """
    resolution, type_ = decisions.resolution, decisions.resolution.catalog[target.type]
    chosen = type_.id in type_.natural_key and not type_.parts and type_.discover is None
    mapped, entry = resolution.id_map[address], resolution.destination.entries[target]
    if not chosen or type_.delete is None or mapped.origin == "adopted":
        return ""
    same = entry.whole == mapped.seen
    return "" if same else "it is not as ddsnap left it: it may be another one of that name"


def maker_of(type_: ResourceType, body: JSONObject) -> str:
    """Return who made or last changed a resource, as far as it says so."""
    for path in (type_.modified_by, *type_.provenance):
        last = path.rpartition(".")[2]
        if path and last.startswith(_MAKERS):
            who = _who(value_at(body, path))
            if who:
                return who
    return ""


_MAKERS = ("modified_by", "modifier", "handle", "creator", "created_by", "author", "editor")


def _who(value: JSON) -> str:
    if isinstance(value, str):
        return value
    paths = ("handle", "email", "data.attributes.handle", "name")
    found = (value_at(value, path) for path in paths)
    return next((who for who in found if isinstance(who, str) and who), "")


def _is_alive(decisions: Decisions, target: Address) -> bool:
    resolution, now = decisions.resolution, decisions.terms.now
    entry = resolution.destination.entries.get(target)
    if entry is None or not lives(resolution.destination, target, resolution.catalog):
        return False
    return not (now and entry.ends and entry.ends <= now)


def _written(decisions: Decisions) -> Iterator[tuple[Address, tuple[Address, set[Address]]]]:
    """What is written, by its address there, and whom it will then need there."""
    resolution = decisions.resolution
    for address, action in decisions.actions.items():
        if action.kind != "create" and address not in decisions.differing:
            continue
        references = resolution.source.entries[address].references
        type_ = resolution.catalog[address.type]
        targets = {_target(decisions, ref) for ref in references if holds(type_, ref)}
        yield Address(address.type, action.to), (address, targets)


def _target(decisions: Decisions, reference: Reference) -> Address:
    value = decisions.resolution.value(reference) or ""
    found = decisions.resolution.destination.find(replace(reference, value=value))
    return found.address if found else Address(reference.to[0], value)


def _releasing(
    decisions: Decisions,
    doomed: Doomed,
    written: Mapping[Address, tuple[Address, set[Address]]],
) -> dict[Address, set[Address]]:
    """By what is to go: what refers to it now, and no more once it is written."""
    directory, releasing = decisions.resolution.destination, dict[Address, set[Address]]()
    for there, (address, targets) in written.items():
        entry = directory.entries.get(there)
        for reference in entry.references if entry else ():
            found = directory.find(reference)
            if found is not None and found.address in doomed and found.address not in targets:
                releasing.setdefault(found.address, set()).add(address)
    return releasing


def _named(
    decisions: Decisions,
    action: Action,
    doomed: Doomed,
    releasing: Mapping[Address, set[Address]],
) -> Action:
    address = doomed[action.address]
    needs = {doomed[there] for there in action.needs} | releasing.get(action.address, set())
    origin = decisions.resolution.id_map[address].origin
    return replace(action, address=address, needs=tuple(sorted(needs)), origin=origin)
