"""Whether a resource that an org lists is there at all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.references import identifies

if TYPE_CHECKING:
    from ddsnap.core.directory import Directory
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Address


def lives(directory: Directory, address: Address, catalog: Catalog) -> bool:
    """Whether a resource is there: not what is disabled, and no policy without what it protects."""
    entry = directory.entries.get(address)
    return entry is not None and not entry.disabled and not is_orphan(directory, address, catalog)


def is_orphan(directory: Directory, address: Address, catalog: Catalog) -> bool:
    """Whether a policy is left of something that is gone; Datadog may answer it all the same."""
    type_, entry = catalog.get(address.type), directory.entries.get(address)
    if type_ is None or type_.discover is None or entry is None:
        return False
    own = [ref for ref in entry.references if identifies(type_, ref)]
    told = (ref for ref in own if all(name in catalog for name in ref.to))
    return any(directory.find(ref) is None for ref in told)
