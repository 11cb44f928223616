"""How far a selection reaches: access comes with what it protects, and needs come if wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.references import identifies

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddsnap.core.directory import Directory
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Address


def reached(
    here: Directory,
    catalog: Catalog,
    selection: Callable[[Address], bool],
    *,
    dependencies: bool,
) -> set[Address]:
    """Return what is replayed: what is selected, its policies, and maybe what all that needs."""
    policies: dict[Address, list[Address]] = {}
    for policy, target in _protecting(here, catalog):
        policies.setdefault(target, []).append(policy)
    chosen = {address for address in here.entries if selection(address)}
    todo = list(chosen)
    while todo:
        address = todo.pop()
        found = [here.find(ref) for ref in here.entries[address].references if not ref.soft]
        wanted = [one.address for one in found if one] if dependencies else []
        for other in (*wanted, *policies.get(address, ())):
            if other not in chosen:
                chosen.add(other)
                todo.append(other)
    return chosen


def _protecting(here: Directory, catalog: Catalog) -> Iterator[tuple[Address, Address]]:
    """Yield each policy with what it protects."""
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        for reference in entry.references if type_ and type_.discover else ():
            found = here.find(reference)
            if found is not None and type_ is not None and identifies(type_, reference):
                yield address, found.address
