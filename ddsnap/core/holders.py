"""Who holds a role: nothing can be restricted to one that nobody active holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.directory import Directory
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Address


def find_holders(here: Directory, catalog: Catalog) -> Mapping[Address, Address]:
    """Return one active holder of each role: whatever can be disabled holds what it refers to.

    Datadog refuses a monitor whose role has no active user.
    """
    holders: dict[Address, Address] = {}
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        if type_ is None or not type_.disabled or entry.disabled:
            continue
        for reference in entry.references:
            found = here.find(reference)
            if found is not None:
                holders.setdefault(found.address, address)
    return holders
