"""Circles of references that are at the destination already: compared as wholes, by walking both.

No resource of a circle can be compared by itself, since none of their ids is known before.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.references import Reference
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.values import Address


def equal_circles(
    resolution: Resolution, is_free: Callable[[Address], bool], entry: Entry
) -> list[Address]:
    """Return the free destination resources that equal ``entry`` with all that it leads to.

    What another resource of the source could claim just as well is not among them.
    """
    alike = _alike(resolution.destination, entry)
    found = [
        there
        for there in alike
        if is_free(there) and _walk(resolution, is_free, entry.address, there)
    ]
    rivals = [
        address
        for address in (_alike(resolution.source, entry) if found else ())
        if address != entry.address and address not in resolution.ids
    ]
    return [
        there
        for there in found
        if not any(_walk(resolution, is_free, rival, there) for rival in rivals)
    ]


def _alike(directory: Directory, entry: Entry) -> list[Address]:
    """Those that hold the same but for their references."""
    titled = directory.by_title.get((entry.address.type, entry.title), ())
    digest = entry.fingerprint.digest
    return [one for one in titled if directory.entries[one].fingerprint.digest == digest]


def _walk(
    resolution: Resolution, is_free: Callable[[Address], bool], start: Address, there: Address
) -> bool:
    """Whether everything undecided that ``start`` leads to pairs with what ``there`` leads to."""
    pairs, claimed = {start: there}, {there}
    todo = [start]
    while todo:
        address = todo.pop()
        ours = resolution.source.entries[address]
        theirs = resolution.destination.entries[pairs[address]]
        if ours.fingerprint.digest != theirs.fingerprint.digest:
            return False
        for mine, other in _facing(ours, theirs):
            if resolution.written(mine) == other.value:
                continue
            found, met = resolution.source.find(mine), resolution.destination.find(other)
            if found is None or met is None or found.address in resolution.ids:
                return False
            known = pairs.get(found.address)
            new = known is None and met.address not in claimed and is_free(met.address)
            if found.alias != met.alias or not (new or known == met.address):
                return False
            if new:
                pairs[found.address] = met.address
                claimed.add(met.address)
                todo.append(found.address)
    return True


def _facing(ours: Entry, theirs: Entry) -> list[tuple[Reference, Reference]]:
    """Pair the references of two documents by their places; of a set, in the order of reading."""
    places: defaultdict[str, list[Reference]] = defaultdict(list)
    for place, reference in theirs.fingerprint.holes:
        places[place].append(reference)
    return [
        (reference, places[place].pop(0))
        for place, reference in ours.fingerprint.holes
        if places[place]
    ]
