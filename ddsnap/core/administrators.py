"""Nobody locks himself out: who replays, and the last who can administrate, stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.decisions import block
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.decisions import Decisions
    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.resource_type import Catalog

ALONE = "it is the last user who may administrate the org"
SELF = "it is the user who replays"


def keep_administrators(
    decisions: Decisions, doomed: Collection[Address], self_user: str
) -> dict[Address, str]:
    """Block what would disable or strip those users; of the ``doomed``, return why they stay."""
    weakened = {
        address: there
        for address, there in _written(decisions)
        if _loses(decisions, address, there)
    }
    kept = {there: SELF for there in doomed if _is_user(decisions, there, self_user)}
    for address, there in weakened.items():
        if there.id == self_user:
            block(decisions, decisions.resolution.source.entries[address], (SELF,), None)
    leaving = {there for there in doomed if there not in kept}
    leaving |= {there for there in weakened.values() if there.id != self_user}
    if _administrators(decisions) <= leaving and not _gained(decisions):
        for address, there in weakened.items():
            if there in _administrators(decisions) and there.id != self_user:
                block(decisions, decisions.resolution.source.entries[address], (ALONE,), None)
        kept |= {there: ALONE for there in doomed if there in _administrators(decisions)}
    return kept


def _is_user(decisions: Decisions, there: Address, id_: str) -> bool:
    type_ = decisions.resolution.catalog.get(there.type)
    return bool(type_ and type_.disabled and id_ and there.id == id_)


def _written(decisions: Decisions) -> Iterator[tuple[Address, Address]]:
    """The users that differ, with their addresses at the destination."""
    for address in sorted(decisions.differing):
        type_ = decisions.resolution.catalog[address.type]
        there = Address(address.type, decisions.actions[address].to)
        if type_.disabled and there in decisions.resolution.destination.entries:
            yield address, there


def _loses(decisions: Decisions, address: Address, there: Address) -> bool:
    resolution = decisions.resolution
    ours, theirs = resolution.source.entries[address], resolution.destination.entries[there]
    wanted = {resolution.value(reference) for reference in ours.references}
    stripped = any(reference.value not in wanted for reference in theirs.references)
    return (ours.disabled and not theirs.disabled) or stripped


def _administrators(decisions: Decisions) -> set[Address]:
    """The active users of the destination who hold the role that must not be without any."""
    resolution = decisions.resolution
    return {
        address
        for address, entry in resolution.destination.entries.items()
        if _administrates(entry, resolution.destination, resolution.catalog)
    }


def _administrates(entry: Entry, directory: Directory, catalog: Catalog) -> bool:
    type_ = catalog.get(entry.address.type)
    if type_ is None or not type_.disabled or entry.disabled:
        return False
    for reference in entry.references:
        found = directory.find(reference)
        role = catalog.get(found.address.type) if found else None
        title = directory.entries[found.address].title if found else ""
        if role is not None and role.held and title == role.held:
            return True
    return False


def _gained(decisions: Decisions) -> bool:
    """Whether some user who is written will administrate."""
    resolution = decisions.resolution
    return any(
        _administrates(resolution.source.entries[address], resolution.source, resolution.catalog)
        for address in decisions.differing
        if decisions.actions[address].to
    )
