"""Policies that would shut out who replays, as far as a plan can know: by whom they name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from ddsnap.core.counterparts import UNREAD
from ddsnap.core.references import identifies
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.core.actions import Action
    from ddsnap.core.directory import Directory
    from ddsnap.core.plan import Plan
    from ddsnap.core.references import Reference
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.resource_type import ResourceType

ALLOWED_BY: Final = "--allow-self-lockout"
REASON: Final = f"it names neither you nor a role or team of yours: refused without {ALLOWED_BY}"


def with_lockouts(plan: Plan, user: str, states: Mapping[str, str]) -> Plan:
    """Return the plan with a word on each policy that shuts out the ``user`` of the destination.

    ``states`` are those of the destination's types. Where it is not known what the user belongs
    to, nothing is said.
    """
    known = plan.resolution
    if known is None:
        return plan
    me = next((Address(t.name, user) for t in known.catalog.types if t.disabled), None)
    if me is None or me not in known.destination.entries:
        return plan
    mine = {user, *_groups(known, me)}
    unknown = _unread(known, me, states)
    actions = [
        replace(action, reasons=(*action.reasons, REASON))
        if action.writes and _shuts_out(known, action, mine, unknown)
        else action
        for action in plan.actions
    ]
    return replace(plan, actions=tuple(actions))


def in_our_words(type_: ResourceType, trouble: str) -> str:
    """Return why a policy was refused, with ddsnap's option in the place of the API's parameter."""
    if not type_.override or "lockout" not in trouble.casefold().replace("_", ""):
        return trouble
    for parameter in type_.override:
        trouble = trouble.replace(f"set {parameter}", f"give {ALLOWED_BY}")
    return trouble if ALLOWED_BY in trouble else f"{trouble}; {ALLOWED_BY} writes it all the same"


def _shuts_out(known: Resolution, action: Action, mine: set[str], unknown: set[str]) -> bool:
    type_, entry = known.catalog[action.address.type], known.source.entries.get(action.address)
    if not type_.override or entry is None or action.kind == "delete":
        return False
    named = [reference for reference in entry.references if not identifies(type_, reference)]
    values = {known.value(reference) for reference in named}
    # Whoever is in the org belongs to it as a whole, which no type is.
    sure = all(r.to[0] in known.catalog and r.to[0] not in unknown for r in named)
    return bool(named) and sure and None not in values and not mine & values


def _groups(known: Resolution, me: Address) -> Iterator[str]:
    """Yield what the user belongs to at the destination, now or by the plan."""
    for reference in _of_user(known.destination, known, me):
        yield reference.value
    ours = [address for address, id_ in known.ids.items() if Address(address.type, id_) == me]
    for address in ours:
        for reference in _of_user(known.source, known, address):
            yield known.value(reference) or ""


def _of_user(directory: Directory, known: Resolution, user: Address) -> Iterator[Reference]:
    """Yield what a user refers to, and what it is a member of."""
    entry = directory.entries.get(user)
    yield from entry.references if entry else ()
    for other in directory.entries.values():
        type_ = known.catalog.get(other.address.type)
        if type_ is not None and type_.parts:
            named = [directory.find(reference) for reference in other.references]
            if any(found and found.address == user for found in named):
                yield from other.references


def _unread(known: Resolution, me: Address, states: Mapping[str, str]) -> set[str]:
    """Return the types whose members are not known, for their memberships were not read."""
    unread = (t for t in known.catalog.types if t.parts and states.get(t.name) in UNREAD)
    reaching = [t for t in unread if any(me.type == part.to for part in t.parts)]
    return {part.to for t in reaching for part in t.parts if part.to}
