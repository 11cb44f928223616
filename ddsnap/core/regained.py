"""Memberships that were lost with what was lost: in lists, in orders, of users in roles.

Datadog takes what is deleted out of them. The other members stay as the org has them today.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.fields import EACH, field_path, value_at
from ddsnap.core.intended import merge_order
from ddsnap.core.values import Address, clone

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ddsnap.core.decisions import Decisions
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, Document, JSONObject


@dataclass(frozen=True, slots=True)
class Regained:
    """What one resource gets back: by field, its members as the snapshot has them.

    ``targets`` are those of them that were lost; of the others only the order counts.
    """

    members: Mapping[str, list[JSON]]
    targets: frozenset[Address]


def find_regained(
    decisions: Decisions, source: Callable[[], Iterable[Document]]
) -> dict[Address, Regained]:
    """Return what gets back what members, by its address at the destination.

    What was selected itself becomes as the snapshot has it anyway.
    """
    resolution = decisions.resolution
    if not resolution.same_org:
        return {}
    lost = {a.address for a in decisions.actions.values() if a.kind == "create"}
    wanted = (
        {address: targets for address, targets in _members(decisions) if targets & lost}
        if lost
        else {}
    )
    found: dict[Address, Regained] = {}
    for document in source() if wanted else ():
        address = document.address
        if address in wanted:
            there = Address(address.type, resolution.ids[address])
            lists = _lists(resolution.catalog[address.type], document.body)
            found[there] = Regained(lists, frozenset(wanted[address] & lost))
    return found


def regain(type_: ResourceType, body: JSONObject, regained: Regained) -> JSONObject:
    """Return a copy of the destination's own document with the members that were lost."""
    body, lost = clone(body), {address.id for address in regained.targets}
    for at, by in _places(type_):
        present, members = value_at(body, at), regained.members.get(at, [])
        there = present if isinstance(present, list) else []
        names = {_name(member, by) for member in there}
        known = [member for member in members if _name(member, by) in names | lost]
        merged = merge_order(there, known, by)
        if at in type_.unordered:
            merged.sort(key=canonical.encode)
        if merged:
            field_path(at).put(body, merged)
    return body


def without_members(type_: ResourceType, body: JSONObject, ids: Collection[str]) -> JSONObject:
    """Return a copy of a document without those members: what goes leaves its lists by itself.

    A list of nobody is none.
    """
    body = clone(body)
    for at, by in _places(type_):
        for slot in [*field_path(at).find(body)]:
            members = slot.value if isinstance(slot.value, list) else []
            left = [one for one in members if _name(one, by) not in ids]
            if left:
                slot.set(left)
            else:
                slot.remove()
    return body


def _members(decisions: Decisions) -> Iterator[tuple[Address, set[Address]]]:
    """What is at the destination and was not selected, with its members at the source."""
    resolution = decisions.resolution
    here, there = resolution.source, resolution.destination
    for address, entry in here.entries.items():
        type_, id_ = resolution.catalog.get(address.type), resolution.ids.get(address, "")
        known = there.entries.get(Address(address.type, id_))
        if type_ is None or known is None or known.built_in or known.disabled:
            continue
        places = [field_path(at) for at, _ in _places(type_)]
        if places and address not in decisions.actions:
            inside = [ref for ref in entry.references if any(p.covers(ref.parts) for p in places)]
            found = [here.find(reference) for reference in inside]
            yield address, {one.address for one in found if one is not None}


def _lists(type_: ResourceType, body: JSONObject) -> dict[str, list[JSON]]:
    values = {at: value_at(body, at) for at, _ in _places(type_)}
    return {at: value for at, value in values.items() if isinstance(value, list)}


def _places(type_: ResourceType) -> list[tuple[str, str]]:
    """The lists of members, each with the field by which members are told apart."""
    places = [(at, "id") for at in type_.keeps_others]
    places += [(section.at, "id") for section in type_.sections if section.add]
    if type_.orders:
        at, _, by = type_.members.partition(EACH)
        places.append((at, by.lstrip(".")))
    return places


def _name(member: JSON, by: str) -> str:
    return str(value_at(member, by)) if by else str(member)
