"""Whether the destination will know whom a binding names: asked before there is a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.match import natural_key
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog


def resolvable_principals(
    source: Directory,
    destination: Directory,
    catalog: Catalog,
    id_map: Mapping[Address, str],
    *,
    selected: Callable[[Address], bool] = lambda _: True,
    same_org: bool = False,
) -> Callable[[Reference], bool]:
    """Return the test of a reference: its target is at the destination, or will be made there.

    ``id_map`` holds destination ids, ``selected`` says what the replay takes along. What has two
    counterparts has none: nothing is written for it.
    """

    def mapped(address: Address) -> bool:
        id_ = id_map.get(address)
        known = id_ is not None or (same_org and address in destination.entries)
        read = address.type in catalog
        return known and (not read or Address(address.type, id_ or address.id) in there)

    def resolvable(reference: Reference) -> bool:
        found = source.find(reference)
        if found is not None:
            entry = source.entries[found.address]
            return mapped(found.address) or _will_be_there(entry, destination, catalog, selected)
        return any(
            mapped(Address(name, reference.value)) or (same_org and name not in catalog)
            for name in reference.to
        )

    there = destination.entries
    return resolvable


def _will_be_there(
    entry: Entry,
    destination: Directory,
    catalog: Catalog,
    selected: Callable[[Address], bool],
) -> bool:
    """Whether the resource has one counterpart at the destination, or none yet and is created."""
    type_ = catalog.get(entry.address.type)
    if type_ is None:
        return False
    key = natural_key(type_, entry.identifying)
    twins = destination.by_key.get((type_.name, key), []) if key is not None else []
    if twins:
        return len(twins) == 1
    return type_.create is not None and not entry.built_in and selected(entry.address)
