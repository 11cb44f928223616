"""The order in which resources can be deleted: nothing goes while something else refers to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.actions import Action
from ddsnap.core.directory import read_directory
from ddsnap.core.graph import Edge, Strength, order

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from ddsnap.core.directory import Directory
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Address, Document


@dataclass(frozen=True, slots=True)
class Deletions:
    """The consent to delete, and how far it goes.

    ``complete`` are the types that the snapshot holds completely and unfiltered: of no other can
    anything be known to be gone. ``adopted`` includes what was adopted, ``named`` are the types
    that were named on the command line, ``self_user`` is the destination's id of who deletes.
    """

    complete: Collection[str]
    adopted: bool = False
    named: Collection[str] = ()
    self_user: str = ""


def plan_deletions(
    documents: Iterable[Document], doomed: Collection[Address], catalog: Catalog
) -> tuple[Action, ...]:
    """Return what becomes of the ``doomed`` among an org's ``documents``, dependents first.

    What Datadog owns, what no API deletes, and what a remaining document needs is blocked.
    """
    directory = read_directory(documents, catalog)
    going = {address for address in doomed if address in directory.entries}
    needed = _needed(directory, going, catalog)
    kept = {address: why for address in going if (why := _why_not(directory, address, catalog))}
    moved = True
    while moved:  # what is kept keeps what it refers to
        stay = {edge.target: edge for edge in needed if edge.source in kept}
        stay |= {edge.target: edge for edge in needed if edge.source not in going}
        new = {target: f"{edge.source} refers to it" for target, edge in stay.items()}
        moved = not new.keys() <= kept.keys()
        kept = {**new, **kept}
    ordered = order(going, needed)
    return tuple(
        _action(directory, address, kept.get(address, ""))
        for layer in reversed(ordered.layers)
        for address in layer
    )


def _needed(directory: Directory, going: set[Address], catalog: Catalog) -> list[Edge]:
    """The references to what is going; an order does not hold its members."""
    edges: list[Edge] = []
    for address, entry in sorted(directory.entries.items()):
        type_ = catalog.get(address.type)
        for reference in entry.references:
            found = directory.find(reference)
            holds = found is not None and found.address in going and found.address != address
            if found and holds and not reference.soft and type_ and not type_.orders:
                edges.append(Edge(address, found.address, Strength.HARD))
    return edges


def _why_not(directory: Directory, address: Address, catalog: Catalog) -> str:
    type_ = catalog.get(address.type)
    if type_ is None or type_.delete is None:
        return "no API deletes it"
    return "it belongs to Datadog" if directory.entries[address].built_in else ""


def _action(directory: Directory, address: Address, why_not: str) -> Action:
    title = directory.entries[address].title
    if why_not:
        return Action("blocked", address, title, address.id, reasons=(why_not,))
    return Action("delete", address, title, address.id)
