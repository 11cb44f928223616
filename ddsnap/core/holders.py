"""Who holds a role: nothing can be restricted to one that nobody active holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.decisions import block
from ddsnap.core.reach import inside
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ddsnap.core.decisions import Decisions
    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.resource_type import Catalog


def find_holders(here: Directory, catalog: Catalog) -> Mapping[Address, Address]:
    """Return one active holder of each role: whatever can be disabled holds what it refers to.

    Datadog refuses a monitor whose role has no active user.
    """
    holders: dict[Address, Address] = {}
    for role, holder in _held(here, catalog):
        holders.setdefault(role, holder)
    return holders


def block_unheld(decisions: Decisions) -> None:
    """Block what is new and restricted to a role that nobody active will hold there.

    Where the destination's users were not read, nobody can tell.
    """
    resolution, actions = decisions.resolution, decisions.actions
    there, catalog = resolution.destination, resolution.catalog
    present = dict(_held(there, catalog))
    coming = {
        role
        for role, holder in _held(resolution.source, catalog)
        if holder in actions and actions[holder].kind in _WRITTEN
    }
    for address, action in list(actions.items()) if present else ():
        entry, paths = resolution.source.entries[address], catalog[address.type].held_roles
        for role in _roles(entry, resolution.source, paths) if action.kind == "create" else ():
            if role in coming or Address(role.type, resolution.ids.get(role, "")) in present:
                continue
            title = resolution.source.entries[role].title
            why = f"no active user will hold {role} {title!r}, and Datadog refuses such a role"
            block(decisions, entry, (why,), None)
            break


_WRITTEN = ("create", "adopt", "update", "unchanged")


def _held(directory: Directory, catalog: Catalog) -> Iterator[tuple[Address, Address]]:
    """Each role that somebody active holds, with each who does."""
    for address, entry in directory.entries.items():
        type_ = catalog.get(address.type)
        if type_ is None or not type_.disabled or entry.disabled:
            continue
        for reference in entry.references:
            found = directory.find(reference)
            if found is not None:
                yield found.address, address


def _roles(entry: Entry, here: Directory, paths: Collection[str]) -> Iterator[Address]:
    for reference in inside(entry.references, paths):
        found = here.find(reference)
        if found is not None:
            yield found.address
