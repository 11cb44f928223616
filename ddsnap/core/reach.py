"""What a selection brings along: what its resources need, what protects them, what is part of them.

Within one org only what was lost is brought along: what is there stays as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.fields import field_path
from ddsnap.core.references import identifies
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ddsnap.core.directory import Directory
    from ddsnap.core.id_map import IdMap
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog


def reached(
    here: Directory,
    catalog: Catalog,
    selection: Callable[[Address], bool],
    *,
    dependencies: bool,
    lost: Collection[Address] | None = None,
) -> set[Address]:
    """Return what is replayed: what is selected, its policies, and maybe what all that needs.

    ``lost`` is what the org itself has no more; ``None`` between two orgs, where all that is needed
    counts, be it there or not. What is lost comes back with its parts, as a team with its members.
    """
    policies = _by_target(protecting(here, catalog))
    parts = _by_target(_belonging(here, catalog)) if lost is not None else {}
    chosen = {address for address in here.entries if selection(address)}
    todo = list(chosen)
    while todo:
        address = todo.pop()
        found = [here.find(ref) for ref in here.entries[address].references if not ref.soft]
        wanted = [one.address for one in found if one] if dependencies else []
        if lost is not None:
            wanted = [one for one in (*wanted, *parts.get(address, ())) if one in lost]
        for other in (*wanted, *_protection(address, policies, lost, exact=not dependencies)):
            if other not in chosen:
                chosen.add(other)
                todo.append(other)
    return chosen


def consulted(here: Directory, catalog: Catalog, addresses: Collection[Address]) -> set[str]:
    """Return the types without which these could not be written as they are.

    Of them are those of which a list sheds what is not known to be there, those whose listings name
    what else there is, and, where only the roles that somebody holds are taken, or a role may let
    somebody administrate, whoever may hold one.
    """
    holders = {type_.name for type_ in catalog.types if type_.disabled}
    listing = {type_.beside: type_.name for type_ in catalog.types if type_.beside}
    types: set[str] = set()
    for address in addresses:
        type_, references = catalog.get(address.type), here.entries[address].references
        if type_ is None:
            continue
        if type_.administers or any(True for _ in inside(references, type_.held_roles)):
            types |= holders
        for reference in inside(references, type_.sheds):
            types.update(reference.to)
        types.update(listing[one.beside] for one in type_.among if one.beside in listing)
    return types


def inside(references: Collection[Reference], paths: Collection[str]) -> Iterator[Reference]:
    """Yield the references that stand in these fields."""
    places = [field_path(path) for path in paths]
    for reference in references if places else ():
        if any(place.covers(reference.parts) for place in places):
            yield reference


def _protection(
    address: Address,
    policies: Mapping[Address, list[Address]],
    lost: Collection[Address] | None,
    *,
    exact: bool,
) -> list[Address]:
    """Return the policies that come with an address; of what is there, only lost ones."""
    own = policies.get(address, [])
    if lost is None or address in lost:
        return own
    return [] if exact else [policy for policy in own if policy in lost]


def lost_from(here: Directory, there: Directory, catalog: Catalog, id_map: IdMap) -> set[Address]:
    """Return what an org held once and has no more, be it under another id."""
    lost = set()
    for address in here.entries:
        type_, mapped = catalog.get(address.type), id_map.get(address)
        ids = {address.id, mapped.id if mapped else "", type_.constant_id if type_ else ""}
        if not any(Address(address.type, id_) in there.entries for id_ in ids if id_):
            lost.add(address)
    return lost


def _by_target(pairs: Iterator[tuple[Address, Address]]) -> dict[Address, list[Address]]:
    found: dict[Address, list[Address]] = {}
    for address, target in pairs:
        found.setdefault(target, []).append(address)
    return found


def protecting(here: Directory, catalog: Catalog) -> Iterator[tuple[Address, Address]]:
    """Yield each policy with what it protects."""
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        for reference in entry.references if type_ and type_.discover else ():
            found = here.find(reference)
            if found is not None and type_ is not None and identifies(type_, reference):
                yield address, found.address


def _belonging(here: Directory, catalog: Catalog) -> Iterator[tuple[Address, Address]]:
    """Each resource that is part of another one, with that one."""
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        for reference in entry.references if type_ and type_.parent else ():
            found = here.find(reference)
            if found is not None and type_ is not None and found.address.type == type_.parent:
                yield address, found.address
