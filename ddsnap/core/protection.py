"""Access comes with the object: a policy follows at once what it protects, or neither is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.decisions import block
from ddsnap.core.graph import Edge, Strength
from ddsnap.core.references import identifies

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.actions import Action
    from ddsnap.core.decisions import Decisions
    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.values import Address


def principals_first(here: Directory, policy: Entry, protected: Address) -> Iterator[Edge]:
    """What a policy names comes before the object, so that the policy can follow at once."""
    for reference in policy.references:
        found = here.find(reference)
        if found is not None and found.address != protected:
            yield Edge(protected, found.address, Strength.SOFT)


UNREAD: Final = (
    "whether it is restricted was not read at the source: capture that, or --allow-unprotected"
)


def block_unread(decisions: Decisions) -> None:
    """No object is created of which nobody knows whether it has a policy."""
    resolution = decisions.resolution
    unread = {address.id for address in resolution.unread}
    kinds = {
        name: prefix
        for type_ in resolution.catalog.types
        for name, prefix in (type_.discover.objects.items() if type_.discover else ())
    }
    for address, action in list(decisions.actions.items()):
        kind = kinds.get(address.type)
        if kind and action.kind == "create" and f"{kind}:{address.id}" in unread:
            block(decisions, resolution.source.entries[address], (UNREAD,), None)


def block_unprotected(decisions: Decisions) -> bool:
    """No object is created whose policy cannot be bound: it would be open to everyone."""
    resolution, moved = decisions.resolution, False
    for address, action in list(decisions.actions.items()):
        protected = protects(action, resolution) if action.kind == "blocked" else None
        there = decisions.actions.get(protected) if protected else None
        if there is not None and there.kind == "create":
            entry = resolution.source.entries[there.address]
            reasons = (f"{address}, which protects it, cannot be written",)
            block(decisions, entry, reasons, action.cause or address)
            moved = True
    return moved


def protected_at_once(actions: list[Action], resolution: Resolution) -> Iterator[Action]:
    """Move each policy right behind the object that it protects, if nothing else is missing."""
    policies: dict[Address, list[Action]] = {}
    for action in actions:
        protected = protects(action, resolution)
        if protected is not None:
            policies.setdefault(protected, []).append(action)
    done: set[Address] = set()
    for action in actions:
        if action.address in done:
            continue
        following = policies.get(action.address, ())
        for step in (action, *following):
            if step is action or done.issuperset(step.needs):
                done.add(step.address)
                yield step


def find_protected(decisions: Decisions) -> set[Address]:
    """Return what a policy restricts in another org: one that is there, or is to be."""
    resolution = decisions.resolution
    actions = () if resolution.same_org else decisions.actions.values()
    held = (action for action in actions if action.kind in _HELD)
    return {found for action in held if (found := protects(action, resolution)) is not None}


_HELD: Final = ("create", "update", "adopt", "unchanged")


def protects(action: Action, resolution: Resolution) -> Address | None:
    """Return what a policy is about; ``None`` for any other action."""
    type_ = resolution.catalog.get(action.address.type)
    entry = resolution.source.entries.get(action.address)
    if type_ is None or not type_.discover or entry is None:
        return None
    for reference in entry.references:
        found = resolution.source.find(reference)
        if found is not None and identifies(type_, reference):
            return found.address
    return None
