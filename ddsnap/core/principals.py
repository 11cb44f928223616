"""Whether the destination will know whom a binding names: asked before there is a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.match import natural_key
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.id_map import IdMap
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog


def resolvable_principals(
    source: Directory,
    destination: Directory,
    catalog: Catalog,
    id_map: IdMap,
    *,
    selected: Callable[[Address], bool] = lambda _: True,
    same_org: bool = False,
) -> Callable[[Reference], bool]:
    """Return the test of a reference: its target is at the destination, or will be made there.

    ``selected`` says what the replay takes along. What has two counterparts has none: nothing is
    written for it. Types that are not captured are taken on trust: from the map, and in one org.
    """

    def mapped(address: Address) -> bool:
        known = id_map.get(address)
        if address.type not in catalog:
            return known is not None or same_org
        id_ = known.id if known else address.id if same_org else ""
        return Address(address.type, id_) in destination.entries

    def resolvable(reference: Reference) -> bool:
        found = source.find(reference)
        if found is not None:
            entry = source.entries[found.address]
            return mapped(found.address) or _will_be_there(entry, destination, catalog, selected)
        return any(mapped(Address(name, reference.value)) for name in reference.to)

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
