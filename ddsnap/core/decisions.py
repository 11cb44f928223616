"""What becomes of each resource: decided once what it refers to is decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ddsnap.core.actions import Action
from ddsnap.core.counterparts import UNREAD, Match, counterparts, match
from ddsnap.core.match import named_by_id
from ddsnap.core.normalize import id_of
from ddsnap.core.owned import owned_through
from ddsnap.core.references import identifies, rewrite
from ddsnap.core.resolution import symbol
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ddsnap.core.counterparts import Counterparts, Terms
    from ddsnap.core.directory import Entry
    from ddsnap.core.references import Reference
    from ddsnap.core.resolution import Missing, Resolution
    from ddsnap.core.resource_type import ResourceType


@dataclass(frozen=True)
class Decisions:
    """What was decided so far, and what later decisions must know of it."""

    resolution: Resolution
    terms: Terms
    known: Counterparts
    actions: dict[Address, Action] = field(default_factory=dict)
    differing: set[Address] = field(default_factory=set)
    """Those whose patch is still to be made."""


def begin(resolution: Resolution, terms: Terms) -> Decisions:
    """Settle what needs no thought: resources whose counterparts are known by id."""
    return Decisions(resolution, terms, counterparts(resolution, terms))


def decide(decisions: Decisions, entry: Entry, waiting: Iterable[Reference]) -> None:
    """Decide on one resource; the references ``waiting`` are written after it."""
    resolution, address = decisions.resolution, entry.address
    type_ = resolution.catalog.get(address.type)
    if type_ is None:
        if resolution.selected(address):
            block(decisions, entry, ("no such type",), None)
        return
    found = match(decisions.known, entry, type_)
    if found.id and not _is_still_its_own(decisions, entry, type_, found.id):
        decisions.known.drop(address, found.id)
        anew = _follows_a_creation(decisions, entry, type_)
        found = Match("none") if anew else match(decisions.known, entry, type_)
    if found.id:
        decisions.known.take(address, found.id)
    if _is_over(decisions, entry) and not found.id:
        resolution.ended.add(address)
    if not resolution.selected(address):
        return
    idle = _why_idle(resolution, entry, type_)
    if idle:
        decisions.actions[address] = Action("unchanged", address, entry.title, reasons=(idle,))
        return
    missing = _missing(resolution, entry, type_, set(waiting))
    if found.id:
        _meet(decisions, entry, type_, found, missing)
    elif found.kind in ("similar", "ambiguous"):
        resolution.causes[address] = address
        kind: Literal["similar", "ambiguous"] = (
            "similar" if found.kind == "similar" else "ambiguous"
        )
        reasons = (found.reason, *(trouble.text for trouble in missing))
        decisions.actions[address] = Action(kind, address, entry.title, reasons=reasons)
    else:
        _make(decisions, entry, type_, missing)


def _is_still_its_own(decisions: Decisions, entry: Entry, type_: ResourceType, id_: str) -> bool:
    """Whether a counterpart is about what the resource is about: a policy names it by its id.

    What was lost and made again is another one; a policy of the old one does not protect it.
    """
    own = _owning(entry, type_)
    if not own:
        return True
    if _follows_a_creation(decisions, entry, type_):
        return False
    known = all(decisions.resolution.value(reference) is not None for reference in own)
    return not known or id_ == _new_id(decisions.resolution, entry, type_, id_)


def _follows_a_creation(decisions: Decisions, entry: Entry, type_: ResourceType) -> bool:
    """Whether what its id is made of is yet to be made, be it under an id that it had before."""
    found = map(decisions.resolution.source.find, _owning(entry, type_))
    actions = (decisions.actions.get(one.address) for one in found if one)
    return any(action.kind == "create" for action in actions if action)


def _owning(entry: Entry, type_: ResourceType) -> list[Reference]:
    """The references that its id is made of."""
    return [reference for reference in entry.references if identifies(type_, reference)]


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


def _is_over(decisions: Decisions, entry: Entry) -> bool:
    now = decisions.terms.now
    return now is not None and entry.ends is not None and entry.ends <= now


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


def _why_idle(resolution: Resolution, entry: Entry, type_: ResourceType) -> str:
    """Say why nothing is done about what is over, or is the policy of something that is gone."""
    if entry.address in resolution.ended:
        return f"it ended on {entry.ends:%Y-%m-%d}"
    own = _owning(entry, type_) if type_.discover else []
    lost = [resolution.missing(one) for one in own if resolution.value(one) is None]
    return next((missing.text for missing in lost if missing.why == "gone"), "")


def _meet(
    decisions: Decisions,
    entry: Entry,
    type_: ResourceType,
    found: Match,
    missing: Sequence[Missing],
) -> None:
    """Decide on a resource that is at the destination."""
    address, resolution = entry.address, decisions.resolution
    there = resolution.destination.entries[Address(address.type, found.id)]
    equal = entry.fingerprint.filled(resolution.written) == there.digest
    # What else restricts it counts until it is known what becomes of its policy.
    same = equal and not type_.orders and entry.fingerprint is not entry.bare
    owned = entry.owned or there.owned
    reasons = (found.reason,) if found.reason else ()
    adopted: Literal["adopt", "update"] = "adopt" if found.kind == "adopted" else "update"
    if owned or same:
        reasons = (owned,) if owned else reasons
        decisions.actions[address] = Action(
            "adopt" if adopted == "adopt" else "unchanged",
            address,
            entry.title,
            found.id,
            reasons=reasons,
        )
    elif type_.timely and _is_over(decisions, entry):
        _let_end(decisions, entry, there)
    elif missing:
        block(decisions, entry, tuple(trouble.text for trouble in missing), missing[0].cause)
    elif why := (
        _another(type_, entry, there) or _unwritable(decisions, entry) or _barred(decisions, there)
    ):
        block(decisions, entry, (why,), None)
    elif not _can_change(type_):
        block(decisions, entry, ("it differs, and no API changes it",), None)
    else:
        decisions.differing.add(address)
        decisions.actions[address] = Action(
            adopted, address, entry.title, found.id, reasons=reasons
        )


def _let_end(decisions: Decisions, entry: Entry, there: Entry) -> None:
    """What is over cannot be written; at the destination it may have been prolonged."""
    reason = f"it ended on {entry.ends:%Y-%m-%d}"
    if _is_over(decisions, there):
        decisions.actions[entry.address] = Action(
            "unchanged", entry.address, entry.title, there.address.id, reasons=(reason,)
        )
    else:
        why = f"{reason}, and goes on at the destination: cancel it there"
        block(decisions, entry, (why,), None)


def _another(type_: ResourceType, entry: Entry, there: Entry) -> str:
    """Say which field no update can change, and differs: the two cannot become one."""
    for path, own, other in zip(type_.immutable, entry.immutable, there.immutable, strict=True):
        if own != other:
            return (
                f"its {path} is '{own}', and '{other}' at the destination, where nobody can change"
                " it: delete it there, and the next replay makes it anew"
            )
    return ""


def _barred(decisions: Decisions, there: Entry) -> str:
    """Say why the replaying identity may not change what is at the destination."""
    if not there.author or there.author in decisions.terms.me:
        return ""
    return (
        f"it is read-only at the destination for all but its author, {there.author}, and"
        " administrators: open it there first"
    )


def _can_change(type_: ResourceType) -> bool:
    sections = any(section.write or section.add for section in type_.sections)
    return type_.update is not None or type_.toggle is not None or sections


def _unwritable(decisions: Decisions, entry: Entry) -> str:
    """Say what of the document itself Datadog would refuse, or should have refused."""
    known = decisions.terms.names or {}
    unknown = sorted(
        f"{name} ({lookup})"
        for lookup, name in entry.names
        if lookup in known and name not in known[lookup]
    )
    if unknown:
        return f"the destination does not know {', '.join(unknown)}"
    return entry.flaw or decisions.terms.refused.get(entry.address, "")


def _make(
    decisions: Decisions,
    entry: Entry,
    type_: ResourceType,
    missing: Sequence[Missing],
) -> None:
    """Decide on a resource that is not at the destination."""
    address, resolution = entry.address, decisions.resolution
    there = resolution.destination.entries
    owned = entry.owned or owned_through(type_, entry, there, resolution.catalog, resolution.ids)
    if owned:
        _await(decisions, entry, type_, owned)
    elif missing:
        block(decisions, entry, tuple(trouble.text for trouble in missing), missing[0].cause)
    elif why := _unwritable(decisions, entry) or _unseen(decisions, entry, type_):
        block(decisions, entry, (why,), None)
    elif type_.constant_id and _can_change(type_):
        resolution.ids[address] = type_.constant_id
        decisions.differing.add(address)
        decisions.actions[address] = Action("update", address, entry.title, type_.constant_id)
    elif type_.create is not None:
        _create(decisions, entry, type_)
    elif _can_change(type_) and named_by_id(type_):
        resolution.causes[address] = address
        reasons = ("the destination does not have it yet, and no API creates it",)
        decisions.actions[address] = Action("deferred", address, entry.title, reasons=reasons)
    else:
        block(decisions, entry, ("no API creates it",), None)


def _await(decisions: Decisions, entry: Entry, type_: ResourceType, owned: str) -> None:
    """Decide on what is nobody's to make and the destination does not have: it may come."""
    address, resolution = entry.address, decisions.resolution
    why = f"{owned} and is not at the destination"
    if type_.automatic:
        decisions.actions[address] = Action("unchanged", address, entry.title, reasons=(owned,))
    elif entry.title.casefold() in type_.stays_away:
        resolution.causes[address] = address
        reasons = (f"{why}, where nothing brings it",)
        decisions.actions[address] = Action("unchanged", address, entry.title, reasons=reasons)
    elif entry.arrives:
        resolution.causes[address] = address
        reasons = (f"{why}; {entry.arrives}",)
        decisions.actions[address] = Action("deferred", address, entry.title, reasons=reasons)
    else:
        block(decisions, entry, (why,), None)


def _unseen(decisions: Decisions, entry: Entry, type_: ResourceType) -> str:
    """Say why it may be at the destination for all that is known."""
    there, name = decisions.terms.there, entry.address.type
    state = "" if there is None else there.get(name, "uncaptured")
    if state not in UNREAD or _follows_a_creation(decisions, entry, type_):
        return ""  # what belongs to something new cannot be there
    told = f"{name} were not read completely at the destination ({state})"
    return f"{told}: one may be there already"


def _create(decisions: Decisions, entry: Entry, type_: ResourceType) -> None:
    address, resolution = entry.address, decisions.resolution
    mapped = resolution.id_map.get(address)
    lost = mapped.id if mapped else address.id if resolution.same_org else ""
    reasons: tuple[str, ...] = ()
    to = _new_id(resolution, entry, type_, symbol(address))
    undeletes = resolution.same_org and type_.undelete is not None
    if undeletes:
        to, reasons = lost, ("undeleted where Datadog still has it",)
    elif mapped:
        reasons = (f"{address.type}/{lost}, which it was mapped to, is gone",)
    resolution.ids[address] = to
    decisions.actions[address] = Action(
        "create", address, entry.title, to, reasons=reasons, undeletes=undeletes
    )


def _new_id(resolution: Resolution, entry: Entry, type_: ResourceType, unknown: str) -> str:
    """The id it will have, where it is a name or made of other ids; else ``unknown``."""
    if not named_by_id(type_):
        return unknown
    own = _owning(entry, type_)
    return id_of(type_, rewrite(entry.identifying, own, resolution.value))
