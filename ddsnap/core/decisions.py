"""What becomes of each resource: decided once what it refers to is decided."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ddsnap.core.actions import Action
from ddsnap.core.match import named_by_id, natural_key
from ddsnap.core.normalize import id_of
from ddsnap.core.references import rewrite
from ddsnap.core.resolution import symbol
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.match import Key
    from ddsnap.core.references import Reference
    from ddsnap.core.resolution import Missing, Resolution
    from ddsnap.core.resource_type import ResourceType


@dataclass(frozen=True, slots=True)
class Match:
    """The destination's counterpart of a resource, or why none can be named."""

    kind: Literal["mapped", "adopted", "similar", "ambiguous", "none"]
    id: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Decisions:
    """What was decided so far, and what later decisions must know of it."""

    resolution: Resolution
    adopt: Mapping[Address, str]
    create_similar: bool
    taken: set[Address]
    wanted: Counter[tuple[str, Key | str]]
    """How many resources of the source have one key, or one document."""
    actions: dict[Address, Action] = field(default_factory=dict)
    differing: set[Address] = field(default_factory=set)
    """Those whose patch is still to be made."""


def begin(
    resolution: Resolution, adopt: Mapping[Address, str], *, create_similar: bool
) -> Decisions:
    """Settle what needs no thought: resources whose counterparts are known by id."""
    taken = {Address(address.type, known.id) for address, known in resolution.id_map.items()}
    taken |= {Address(address.type, id_) for address, id_ in adopt.items()}
    wanted: Counter[tuple[str, Key | str]] = Counter()
    decisions = Decisions(resolution, adopt, create_similar, taken, wanted)
    for address, entry in resolution.source.entries.items():
        type_ = resolution.catalog.get(address.type)
        if type_ is None:
            continue
        wanted[address.type, natural_key(type_, entry.identifying) or entry.digest] += 1
        known = _known(decisions, address, type_)
        if known:
            resolution.ids[address] = known
            taken.add(Address(address.type, known))
    return decisions


def decide(decisions: Decisions, entry: Entry, waiting: Iterable[Reference]) -> None:
    """Decide on one resource; the references ``waiting`` are written after it."""
    resolution, address = decisions.resolution, entry.address
    type_ = resolution.catalog.get(address.type)
    if type_ is None:
        if resolution.selected(address):
            block(decisions, entry, ("no such type",), None)
        return
    match = _match(decisions, entry, type_)
    if match.id:
        resolution.ids[address] = match.id
        decisions.taken.add(Address(address.type, match.id))
    if not resolution.selected(address):
        return
    missing = _missing(resolution, entry, type_, set(waiting))
    if match.id:
        _meet(decisions, entry, type_, match, missing)
    elif match.kind in ("similar", "ambiguous"):
        resolution.causes[address] = address
        kind: Literal["similar", "ambiguous"] = (
            "similar" if match.kind == "similar" else "ambiguous"
        )
        reasons = (match.reason, *(trouble.text for trouble in missing))
        decisions.actions[address] = Action(kind, address, entry.title, reasons=reasons)
    else:
        _make(decisions, entry, type_, missing)


def block(
    decisions: Decisions, entry: Entry, reasons: tuple[str, ...], cause: Address | None
) -> None:
    """Let nothing be written for a resource; what is not there yet will not be there."""
    resolution, address = decisions.resolution, entry.address
    to = resolution.ids.get(address, "")
    if not _is_there(resolution, address, to):
        resolution.ids.pop(address, None)
        resolution.causes[address] = cause or address
        to = ""
    decisions.differing.discard(address)
    decisions.actions[address] = Action(
        "blocked", address, entry.title, to, reasons=reasons, cause=cause
    )


def _is_there(resolution: Resolution, address: Address, id_: str) -> bool:
    return Address(address.type, id_) in resolution.destination.entries


# --- matching


def _known(decisions: Decisions, address: Address, type_: ResourceType) -> str:
    resolution = decisions.resolution
    mapped = resolution.id_map.get(address)
    chosen = decisions.adopt.get(address) or (mapped.id if mapped else "")
    candidates = [chosen, type_.constant_id]
    if resolution.same_org:
        candidates.append(address.id)
    return next((id_ for id_ in candidates if id_ and _is_there(resolution, address, id_)), "")


def _match(decisions: Decisions, entry: Entry, type_: ResourceType) -> Match:
    resolution, address = decisions.resolution, entry.address
    known = resolution.ids.get(address)
    if known:
        adopted = decisions.adopt.get(address) == known and address not in resolution.id_map
        return Match("adopted" if adopted else "mapped", known)
    if type_.natural_key:
        references = entry.references
        key = natural_key(type_, entry.identifying, resolution.value, references)
        return _by_key(decisions, entry, type_, key)
    return Match("none") if type_.constant_id else _by_document(decisions, entry)


def _by_key(decisions: Decisions, entry: Entry, type_: ResourceType, key: Key | None) -> Match:
    directory, type_name = decisions.resolution.destination, entry.address.type
    there = directory.by_key.get((type_name, key), []) if key else []
    free = [found for found in there if found not in decisions.taken]
    own = natural_key(type_, entry.identifying)
    if not there:
        return Match("none")
    if own is not None and decisions.wanted[type_name, own] > 1:
        return Match("ambiguous", reason=f"{_told(there)} is wanted by several resources")
    if not free:
        return Match("ambiguous", reason=f"{_told(there)} belongs to another resource")
    if len(free) > 1:
        return Match("ambiguous", reason=f"{_told(free)} are alike")
    return Match("adopted", free[0].id)


def _by_document(decisions: Decisions, entry: Entry) -> Match:
    resolution, type_name = decisions.resolution, entry.address.type
    digest = entry.fingerprint.filled(resolution.written)
    equal = _free(decisions, resolution.destination, type_name, digest)
    if equal:
        if len(equal) > 1:
            return Match("ambiguous", reason=f"{_told(equal)} equal it")
        if decisions.wanted[type_name, entry.digest] > 1:
            return Match("ambiguous", reason=f"{_told(equal)} equals several resources")
        return Match("adopted", equal[0].id)
    titled = resolution.destination.by_title.get((type_name, entry.title), [])
    alike = [found for found in titled if found not in decisions.taken]
    if alike and not decisions.create_similar:
        return Match("similar", reason=f"{_told(alike)} has the same title and another body")
    return Match("none")


def _free(
    decisions: Decisions, directory: Directory, type_name: str, digest: str | None
) -> list[Address]:
    equal = directory.by_digest.get((type_name, digest), []) if digest else []
    return [found for found in equal if found not in decisions.taken]


def _told(addresses: Sequence[Address]) -> str:
    return ", ".join(str(address) for address in addresses)


# --- deciding


def _missing(
    resolution: Resolution, entry: Entry, type_: ResourceType, waiting: set[Reference]
) -> list[Missing]:
    """The hard references that cannot be bound. An order leaves such members out."""
    if type_.orders:
        return []
    return [
        resolution.missing(reference)
        for reference in entry.references
        if not reference.soft and reference not in waiting and resolution.value(reference) is None
    ]


def _meet(
    decisions: Decisions,
    entry: Entry,
    type_: ResourceType,
    match: Match,
    missing: Sequence[Missing],
) -> None:
    """Decide on a resource that is at the destination."""
    address, resolution = entry.address, decisions.resolution
    adopted = match.kind == "adopted"
    there = resolution.destination.entries[Address(address.type, match.id)]
    same = entry.fingerprint.filled(resolution.written) == there.digest and not type_.orders
    owned = entry.built_in or there.built_in
    if owned or same:
        reasons = ("it belongs to Datadog",) if owned else ()
        decisions.actions[address] = Action(
            "adopt" if adopted else "unchanged", address, entry.title, match.id, reasons=reasons
        )
    elif missing:
        block(decisions, entry, tuple(trouble.text for trouble in missing), missing[0].cause)
    elif not _can_change(type_):
        block(decisions, entry, ("it differs, and no API changes it",), None)
    else:
        decisions.differing.add(address)
        decisions.actions[address] = Action(
            "adopt" if adopted else "update", address, entry.title, match.id
        )


def _can_change(type_: ResourceType) -> bool:
    sections = any(section.write or section.add for section in type_.sections)
    return type_.update is not None or type_.toggle is not None or sections


def _make(
    decisions: Decisions,
    entry: Entry,
    type_: ResourceType,
    missing: Sequence[Missing],
) -> None:
    """Decide on a resource that is not at the destination."""
    address, resolution = entry.address, decisions.resolution
    if entry.built_in:
        block(decisions, entry, ("it belongs to Datadog and is not at the destination",), None)
    elif missing:
        block(decisions, entry, tuple(trouble.text for trouble in missing), missing[0].cause)
    elif type_.constant_id and _can_change(type_):
        resolution.ids[address] = type_.constant_id
        decisions.differing.add(address)
        decisions.actions[address] = Action("update", address, entry.title, type_.constant_id)
    elif type_.create is not None:
        to = _new_id(resolution, entry, type_)
        resolution.ids[address] = to
        lost = resolution.id_map.get(address)
        reasons = (f"{address.type}/{lost.id}, which it was mapped to, is gone",) if lost else ()
        decisions.actions[address] = Action("create", address, entry.title, to, reasons=reasons)
    elif _can_change(type_) and named_by_id(type_):
        resolution.causes[address] = address
        reasons = ("the destination does not have it yet, and no API creates it",)
        decisions.actions[address] = Action("deferred", address, entry.title, reasons=reasons)
    else:
        block(decisions, entry, ("no API creates it",), None)


def _new_id(resolution: Resolution, entry: Entry, type_: ResourceType) -> str:
    """The id it will have: known where it is a name or made of other ids, else symbolic."""
    if not named_by_id(type_):
        return symbol(entry.address)
    parts = [part.at for part in type_.parts] or [type_.id]
    own = [ref for ref in entry.references if ".".join(map(str, ref.parts)) in parts]
    return id_of(type_, rewrite(entry.identifying, own, resolution.value))
