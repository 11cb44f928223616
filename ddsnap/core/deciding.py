"""Deciding on all resources, in the order of their references: causes come before effects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.decisions import block, decide
from ddsnap.core.graph import Edge, Strength, order
from ddsnap.core.holders import block_unheld
from ddsnap.core.protection import block_unprotected, block_unread, principals_first
from ddsnap.core.references import identifies
from ddsnap.core.requests import waits

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.core.decisions import Decisions
    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.graph import Ordered
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import Address


def decide_all(decisions: Decisions, holders: Mapping[Address, Address]) -> Ordered:
    """Decide on every resource of the source; return their order.

    ``holders`` come before what is restricted to the roles that they hold.
    """
    entries = decisions.resolution.source.entries
    here, catalog = decisions.resolution.source, decisions.resolution.catalog
    ordered = order(entries, _edges(here, catalog, holders))
    cut: dict[Address, set[Address]] = {}
    for edge in ordered.cut:
        cut.setdefault(edge.source, set()).add(edge.target)
    stuck = {address: path for path in ordered.stuck for address in path}
    for layer in ordered.layers:
        for address in layer:
            entry = entries[address]
            if address in stuck and decisions.resolution.selected(address):
                way = " -> ".join(str(step) for step in stuck[address])
                block(decisions, entry, (f"its id depends on itself: {way}",), None)
            else:
                decide(decisions, entry, _waiting(decisions, entry, cut.get(address, set())))
    block_unheld(decisions)
    block_unread(decisions)
    _block_late(decisions)
    return ordered


def _waiting(decisions: Decisions, entry: Entry, targets: set[Address]) -> list[Reference]:
    """The references that are written only after their targets."""
    if not targets:
        return []
    found = ((ref, decisions.resolution.source.find(ref)) for ref in entry.references)
    return [reference for reference, there in found if there and there.address in targets]


def _block_late(decisions: Decisions) -> None:
    """Block what waits, over a circle or through its policy, for what turned out to be blocked."""
    resolution = decisions.resolution
    entries, catalog = resolution.source.entries, resolution.catalog
    moved = True
    while moved:
        moved = False
        for address, action in list(decisions.actions.items()):
            type_, entry = catalog.get(address.type), entries[address]
            if type_ is None or type_.orders or action.kind == "blocked" or entry.built_in:
                continue
            missing = [
                resolution.missing(reference)
                for reference in entry.references
                if not reference.soft and resolution.value(reference) is None
            ]
            if missing and (action.kind == "create" or address in decisions.differing):
                texts = tuple(trouble.text for trouble in missing)
                block(decisions, entry, texts, missing[0].cause)
                moved = True
        moved = block_unprotected(decisions) or moved


def _edges(here: Directory, catalog: Catalog, holders: Mapping[Address, Address]) -> Iterator[Edge]:
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        for reference in entry.references:
            found = here.find(reference)
            if found is None or type_ is None:
                continue
            strength = _strength(type_, reference)
            yield Edge(address, found.address, strength)
            holder = holders.get(found.address, address)
            if holder != address and not type_.disabled:
                yield Edge(address, holder, Strength.SOFT)
            if strength is Strength.FIXED and type_.discover:
                yield from principals_first(here, entry, found.address)


def _strength(type_: ResourceType, reference: Reference) -> Strength:
    if identifies(type_, reference):
        return Strength.FIXED
    if reference.soft or type_.orders:
        return Strength.SOFT
    element = reference.span is None and isinstance(reference.parts[-1], int)
    return Strength.LOOSE if element or waits(type_, reference.parts) else Strength.HARD
