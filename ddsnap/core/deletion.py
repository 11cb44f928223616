"""The order in which resources can be deleted: nothing goes while something else refers to it.

Of what refers to one another in a circle one has to be the first; whether it may is the server's
decision.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.actions import Action
from ddsnap.core.fields import field_path
from ddsnap.core.graph import Edge, Strength, order
from ddsnap.core.presence import is_orphan
from ddsnap.core.references import identifies

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ddsnap.core.directory import Directory
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import Address


@dataclass(frozen=True, slots=True)
class Deletions:
    """The consent to delete, and how far it goes; what is not ``asked`` for is only counted.

    ``complete`` are the types that the snapshot holds completely and unfiltered: of no other can
    anything be known to be gone. ``adopted`` includes what was adopted, ``named`` are the types
    that were named on the command line: what nothing brings back must be.
    """

    complete: Collection[str]
    adopted: bool = False
    named: Collection[str] = ()
    asked: bool = True


def order_deletions(
    directory: Directory,
    doomed: Collection[Address],
    catalog: Catalog,
    *,
    kept: Mapping[Address, str] | None = None,
    written: Mapping[Address, Collection[Address]] | None = None,
) -> tuple[Action, ...]:
    """Return what becomes of the ``doomed``; ``kept`` says why some of them must stay.

    ``written`` are, by address, those that a document will refer to once it is written.
    """
    going = {address for address in doomed if address in directory.entries}
    needed = _needed(directory, going, catalog, written or {})
    stay = {address: why for address in going if (why := _why_not(directory, address, catalog))}
    stay |= {address: why for address, why in (kept or {}).items() if address in going}
    moved = True
    while moved:  # what is kept keeps what it refers to
        edges = [edge for edge in needed if edge.source in stay or edge.source not in going]
        new = {edge.target: f"{edge.source} refers to it" for edge in reversed(edges)}
        moved = not new.keys() <= stay.keys()
        stay = {**new, **stay}
    ordered = order(going, [*needed, *_loose(directory, going, catalog)])
    cut = {(edge.source, edge.target) for edge in ordered.cut}
    dependents: dict[Address, list[Address]] = {}
    for edge in needed:
        if edge.source in going and (edge.source, edge.target) not in cut:
            dependents.setdefault(edge.target, []).append(edge.source)
    return tuple(
        _action(directory, address, stay.get(address, ""), dependents.get(address, ()))
        for layer in reversed(ordered.layers)
        for address in layer
    )


def _needed(
    directory: Directory,
    going: set[Address],
    catalog: Catalog,
    written: Mapping[Address, Collection[Address]],
) -> list[Edge]:
    """The references that hold what is going."""
    if not going:
        return []
    edges = [
        Edge(address, target, Strength.HARD)
        for address, targets in written.items()
        for target in targets
        if target in going and target != address
    ]
    for address, entry in directory.entries.items():
        type_ = catalog.get(address.type)
        if type_ is None or address in written or is_orphan(directory, address, catalog):
            continue
        if entry.disabled and address not in going:  # so it is deleted: it is there in name only
            continue
        # A policy goes with its object, and so lets go of whom it names.
        holder = goes_with(address, going, directory, catalog) or address
        for reference in entry.references:
            if not holds(type_, reference):
                continue
            found = directory.find(reference)
            if found is not None and found.address in going - {address, holder}:
                edges.append(Edge(holder, found.address, _strength(reference)))
    return sorted(edges)


def _loose(directory: Directory, going: set[Address], catalog: Catalog) -> Iterator[Edge]:
    """What names others that go, but holds none: it goes first, lest their going changes it."""
    for address in sorted(going):
        type_ = catalog.get(address.type)
        for reference in directory.entries[address].references if type_ else ():
            found = directory.find(reference)
            if found is not None and found.address in going and not reference.soft:
                yield Edge(address, found.address, Strength.SOFT)


def _strength(reference: Reference) -> Strength:
    """How firmly a reference holds: one in a list only uses its target and can be cut first.

    One that stands by itself says where the whole comes from. So a variable that is taken from a
    test goes before the test, though the test may use it.
    """
    listed = any(isinstance(part, int) for part in reference.parts)
    return Strength.LOOSE if listed else Strength.HARD


def holds(type_: ResourceType, reference: Reference) -> bool:
    """Whether what is referred to cannot go while the reference stands.

    Orders and lists lose a member that goes, and a policy goes with its object.
    """
    member = any(field_path(path).covers(reference.parts) for path in type_.keeps_others)
    own = type_.discover is not None and identifies(type_, reference)
    return not (reference.soft or type_.orders or member or own)


def goes_with(
    target: Address, doomed: Collection[Address], directory: Directory, catalog: Catalog
) -> Address | None:
    """Return what goes and takes its policy ``target`` along; ``None`` for all else."""
    type_ = catalog[target.type]
    references = directory.entries[target].references if type_.discover else ()
    found = [directory.find(ref) for ref in references if identifies(type_, ref)]
    return next((one.address for one in found if one and one.address in doomed), None)


def for_good(type_: ResourceType, named: Collection[str]) -> str:
    """Say why what nothing brings back stays, unless its type is ``named``; empty where it goes."""
    why = "" if type_.name in named else type_.irreversible
    return f"{why}; that is only done to a type that is named" if why else ""


def also(other: str) -> str:
    """Say why nothing is deleted that is the counterpart of another org's resource, too."""
    return f"it is also {other}"


def _why_not(directory: Directory, address: Address, catalog: Catalog) -> str:
    type_ = catalog.get(address.type)
    if type_ is None or type_.delete is None:
        return "no API deletes it"
    return directory.entries[address].owned


def _action(
    directory: Directory, address: Address, why_not: str, dependents: Collection[Address]
) -> Action:
    entry = directory.entries[address]
    if why_not:
        return Action(
            "blocked", address, entry.title, address.id, reasons=(why_not,), against=entry.whole
        )
    needs = tuple(sorted(dependents))
    return Action("delete", address, entry.title, address.id, needs=needs, against=entry.whole)
