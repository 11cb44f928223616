"""What people do not decide about, in words: what Datadog or another source owns, and its parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at
from ddsnap.core.match import is_built_in
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.core.directory import Entry
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSONObject


def owned(type_: ResourceType, body: JSONObject) -> str:
    """Say who decides about a resource; empty where people do."""
    return f"it {type_.owned}" if is_built_in(type_, body) else ""


def owned_parts(
    entries: Mapping[Address, Entry], catalog: Catalog
) -> Iterator[tuple[Address, str]]:
    """Yield the parts of what is owned, with why people do not decide about them either."""
    for address, entry in entries.items():
        type_ = catalog.get(address.type)
        if type_ is not None and type_.parent and not entry.owned:
            why = owned_through(type_, entry, entries, catalog)
            if why:
                yield address, why


def owned_through(
    type_: ResourceType,
    entry: Entry,
    entries: Mapping[Address, Entry],
    catalog: Catalog,
    ids: Mapping[Address, str] | None = None,
) -> str:
    """Say why people do not decide about a part of something; empty where they do.

    ``ids`` lead to what that is among the ``entries`` of another org.
    """
    for part in type_.parts if type_.parent else ():
        id_ = value_at(entry.identifying, part.at)
        whole = Address(part.to, id_ if isinstance(id_, str) else "")
        if ids is not None:
            whole = Address(part.to, ids.get(whole, ""))
        if part.to == type_.parent and whole in entries and entries[whole].owned:
            return f"its {part.name} {catalog[whole.type].owned}"
    return ""
