"""Whether what a snapshot holds of an org is there, and what is not there is known to be gone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.counterparts import UNREAD
from ddsnap.core.fields import value_at
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.flows.planning import whole_types

if TYPE_CHECKING:
    from collections.abc import Collection

    from ddsnap.core.id_map import IdMap
    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.view import View


def was_read(view: View, type_name: str) -> bool:
    """Whether what a view holds of a type is what the org held then, and not from before."""
    return view.manifest.state_of(type_name).state not in UNREAD


def lives_in(view: View, there: Address, catalog: Catalog) -> bool:
    """Whether something is there; what is disabled is not, nor a policy without what it protects.

    Of what nobody captures, that is taken on trust.
    """
    type_ = catalog.get(there.type)
    if type_ is None:
        return True
    found = view.document(document_path(there), catalog)
    if found is None or (type_.disabled and value_at(found.body, type_.disabled)):
        return False
    objects = type_.discover.objects if type_.discover else {}
    kind, _, id_ = there.id.partition(":")
    return all(
        view.holds(document_path(Address(name, id_)))
        for name, prefix in objects.items()
        if prefix == kind and name in catalog
    )


def on_neither_side(
    mapped: IdMap, ours: View, theirs: View, read: Collection[str], catalog: Catalog
) -> set[Address]:
    """Return the addresses of a map that both orgs are known to hold no more.

    ``read`` are the types that were just read at the destination. Within one org nothing is
    dropped: its map onto itself leads from what was lost to what it is by now.
    """
    if ours.manifest.org.is_same(theirs.manifest.org):
        return set()
    known = whole_types(ours.manifest, catalog) & whole_types(theirs.manifest, catalog)
    return {
        address
        for address, entry in mapped.items()
        if address.type in known
        and address.type in read
        and not ours.holds(document_path(address))
        and not lives_in(theirs, Address(address.type, entry.id), catalog)
    }
