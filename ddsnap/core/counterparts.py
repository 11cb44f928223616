"""The destination's counterpart of each resource, or why none can be named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ddsnap.core.circles import equal_circles
from ddsnap.core.match import natural_key
from ddsnap.core.unheard import NOTHING, Explained
from ddsnap.core.values import Address
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from ddsnap.core.directory import Entry
    from ddsnap.core.id_map import Origin
    from ddsnap.core.match import Key
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.resource_type import ResourceType

UNREAD = ("stale", "partial", "unavailable", "uncaptured")
"""States of a type of which there may be more than was read."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a plan, and allowed."""

    adopt: Mapping[Address, str] = field(default_factory=dict)
    create_similar: bool = False
    explained: Explained = NOTHING
    """What earlier runs made, and did not live to record."""
    there: Mapping[str, str] | None = None
    """The states of the destination's types; without them everything counts as read."""
    names: Mapping[str, Collection[str]] | None = None
    """What the destination's own tables and listings name, as far as they were read."""
    now: datetime | None = None
    refused: Mapping[Address, str] = field(default_factory=dict)
    """What the destination has said that it would refuse, and why."""
    me: Collection[str] = ()
    """The names of the replaying identity: its id, its handle."""


@dataclass(frozen=True, slots=True)
class Match:
    """The destination's counterpart of a resource, or why none can be named."""

    kind: Literal["mapped", "adopted", "similar", "ambiguous", "none"]
    id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Counterparts:
    """Which of the destination's resources belong to someone already."""

    resolution: Resolution
    terms: Terms
    taken: set[Address]
    orphans: Mapping[Address, Address]
    """Destination resources whose own at the source is gone, with its address there."""
    wanted: Counter[tuple[str, Key]] = field(default_factory=Counter)
    """How many resources of the source have one natural key."""

    def take(self, address: Address, id_: str) -> None:
        """Give a destination resource to one of the source's."""
        self.resolution.ids[address] = id_
        self.taken.add(Address(address.type, id_))

    def drop(self, address: Address, id_: str) -> None:
        """Take a destination resource away from one of the source's again."""
        self.resolution.ids.pop(address, None)
        self.taken.discard(Address(address.type, id_))

    def free(self, addresses: Iterable[Address]) -> list[Address]:
        """Return those that belong to nobody."""
        return [address for address in addresses if address not in self.taken]

    def is_unmapped(self, address: Address) -> bool:
        """Whether a resource that nothing but its body speaks for belongs to nobody."""
        return address not in self.taken and not self.resolution.other(address)

    def origin(self, address: Address, there: Address) -> Origin:
        """Return what the map says of the resource, or shall say once it is adopted."""
        mapped = self.resolution.id_map.get(address)
        if mapped is not None and mapped.id == there.id:
            return mapped.origin
        return "created" if self.terms.explained.taken.get(address) == there.id else "adopted"


def counterparts(resolution: Resolution, terms: Terms) -> Counterparts:
    """Settle what needs no thought: resources whose counterparts are known by id."""
    _check_adopted(resolution, terms.adopt)
    orphans = {
        Address(address.type, mapped.id): address
        for address, mapped in resolution.id_map.items()
        if _is_gone(resolution, address)
    }
    taken = {Address(address.type, known.id) for address, known in resolution.id_map.items()}
    taken -= orphans.keys()
    for ids in (terms.explained.taken, terms.adopt):
        taken |= {Address(address.type, id_) for address, id_ in ids.items()}
    found = Counterparts(resolution, terms, taken, orphans)
    for address, entry in resolution.source.entries.items():
        type_ = resolution.catalog.get(address.type)
        if type_ is None:
            continue
        key = natural_key(type_, entry.identifying)
        if key is not None:
            found.wanted[address.type, key] += 1
        known = _known(resolution, terms, address, type_)
        if known:
            found.take(address, known)
    return found


def match(known: Counterparts, entry: Entry, type_: ResourceType) -> Match:
    """Return the counterpart of a resource, once those are known that it refers to."""
    resolution, address = known.resolution, entry.address
    id_ = resolution.ids.get(address)
    if id_:
        return _by_id(known, address, id_)
    if address in known.terms.explained.unclear:
        return Match("ambiguous", reason=known.terms.explained.unclear[address])
    if natural_key(type_, entry.identifying) is not None:
        key = natural_key(type_, entry.identifying, resolution.value, entry.references)
        return _by_key(known, entry, type_, key)
    return Match("none") if type_.constant_id else _by_document(known, entry, type_)


def _by_id(known: Counterparts, address: Address, id_: str) -> Match:
    mapped = known.resolution.id_map.get(address)
    if mapped and mapped.id == id_:
        return Match("mapped", id_)
    if known.terms.explained.taken.get(address) == id_:
        return Match("adopted", id_, "made by the run that was interrupted")
    return Match("adopted" if known.terms.adopt.get(address) == id_ else "mapped", id_)


def _check_adopted(resolution: Resolution, adopt: Mapping[Address, str]) -> None:
    """Refuse what was named by hand and cannot be."""
    owners = {
        Address(address.type, known.id): address for address, known in resolution.id_map.items()
    }
    for address, id_ in adopt.items():
        there = Address(address.type, id_)
        told = f"cannot adopt {there} as {address}"
        if address not in resolution.source.entries:
            raise UsageError(f"{told}: the snapshot holds no {address}")
        if there not in resolution.destination.entries:
            raise UsageError(f"{told}: it is not at the destination")
        owner = owners.setdefault(there, address)
        if owner != address and not _is_gone(resolution, owner):
            raise UsageError(f"{told}: it belongs to {owner}")


def _is_gone(resolution: Resolution, address: Address) -> bool:
    """Whether the source is known to have the resource no more."""
    state = resolution.states.get(address.type, "complete" if not resolution.states else "")
    return address not in resolution.source.entries and state == "complete"


def _known(resolution: Resolution, terms: Terms, address: Address, type_: ResourceType) -> str:
    mapped = resolution.id_map.get(address)
    candidates = [
        terms.adopt.get(address, ""),
        mapped.id if mapped else "",
        _made(terms, address),
        type_.constant_id,
    ]
    if resolution.same_org:
        candidates.append(address.id)
    there = resolution.destination.entries
    return next((id_ for id_ in candidates if id_ and Address(address.type, id_) in there), "")


def _made(terms: Terms, address: Address) -> str:
    """What an earlier run made of it, unless somebody has given that to another."""
    made = terms.explained.taken.get(address, "")
    given = (one.type == address.type and id_ == made for one, id_ in terms.adopt.items())
    return "" if made and any(given) else made


# --- by what Datadog itself tells them apart


def _by_key(known: Counterparts, entry: Entry, type_: ResourceType, key: Key | None) -> Match:
    directory, type_name = known.resolution.destination, entry.address.type
    there = directory.by_key.get((type_name, key), []) if key else []
    free = known.free(there)
    own = natural_key(type_, entry.identifying)
    if not there:
        return Match("none")
    if own is not None and known.wanted[type_name, own] > 1:
        return Match("ambiguous", reason=f"{_told(there)} is wanted by several resources")
    if not free:
        return Match("ambiguous", reason=f"{_told(there)} belongs to another resource")
    if len(free) > 1:
        return Match("ambiguous", reason=f"{_told(free)} are alike; {_adopting(entry, free)}")
    return _adopted(known, free[0])


def _adopted(known: Counterparts, there: Address) -> Match:
    own = known.orphans.get(there)
    reason = f"it was {own}, which is gone from the source" if own else ""
    return Match("adopted", there.id, reason)


# --- by what they hold


def _by_document(known: Counterparts, entry: Entry, type_: ResourceType) -> Match:
    resolution, type_name = known.resolution, entry.address.type
    digest = entry.fingerprint.filled(resolution.written)
    directory = resolution.destination
    found = directory.by_digest.get((type_name, digest), ()) if digest else ()
    equal = [there for there in found if known.is_unmapped(there)]
    if digest is None:
        equal = equal_circles(resolution, known.is_unmapped, entry)
    rivals = _unmatched(known, resolution.source.by_digest[type_name, entry.digest])
    if equal:
        return _by_equality(known, entry, equal, rivals)
    foreign = [there for there in found if resolution.other(there)] if type_.duplicate else []
    if foreign:  # no second one can be made, and both orgs would write to the one
        told = f"{foreign[0]} equals it and is {resolution.other(foreign[0])}"
        return Match("ambiguous", reason=told)
    titled = directory.by_title.get((type_name, entry.title), ())
    alike = [there for there in titled if known.is_unmapped(there)]
    if alike and not known.terms.create_similar:
        have = "has" if len(alike) == 1 else "have"
        told = f"{_told(alike)} {have} the same title and another body"
        return Match("similar", reason=f"{told}; {_ways_out(entry, alike)}")
    return Match("none")


def _by_equality(
    known: Counterparts, entry: Entry, equal: Sequence[Address], rivals: Sequence[Address]
) -> Match:
    if len(equal) > 1:
        return Match("ambiguous", reason=f"{_told(equal)} equal it; {_adopting(entry, equal)}")
    if len(rivals) > 1:
        return Match("ambiguous", reason=f"{_told(equal)} equals several resources")
    return _adopted(known, equal[0])


def _ways_out(entry: Entry, alike: Sequence[Address]) -> str:
    return f"{_adopting(entry, alike)}, --create-similar creates another"


def _adopting(entry: Entry, there: Sequence[Address]) -> str:
    """Say how a counterpart is named by hand."""
    which, it = (there[0].id, "it") if len(there) == 1 else ("ID", "one of them")
    return f"--adopt {entry.address}={which} takes {it} over"


def _unmatched(known: Counterparts, addresses: Iterable[Address]) -> list[Address]:
    return [address for address in addresses if address not in known.resolution.ids]


def _told(addresses: Sequence[Address]) -> str:
    return ", ".join(str(address) for address in addresses)
