"""Nobody locks himself out: who replays, and the last who can administrate, stay as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.decisions import block
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ddsnap.core.decisions import Decisions
    from ddsnap.core.directory import Directory, Entry
    from ddsnap.core.resource_type import Catalog

ALONE: Final = "it is the last user who may administrate the org"
SELF: Final = "it is the user who replays"
FROM_SELF: Final = "it would take {} from the user who replays"
FROM_ALL: Final = "nobody active would have {} any more"


def keep_administrators(
    decisions: Decisions, doomed: Collection[Address], self_user: str
) -> dict[Address, str]:
    """Block what would take its power from who replays, or from the last who can administrate.

    That may be by disabling a user, by taking a role from one, or by weakening the role itself.

    Of the ``doomed``, return why they stay.
    """
    holding, roles = _administrators(decisions), _weakened_roles(decisions)
    own = next((held for user, held in holding.items() if user.id == self_user), set())
    if own <= roles.keys():
        _block_roles(decisions, {there: roles.pop(there) for there in own}, FROM_SELF)
    weakened = {
        address: there
        for address, there in _written(decisions)
        if _loses(decisions, address, there)
    }
    kept = {there: SELF for there in doomed if _is_user(decisions, there, self_user)}
    for address, there in weakened.items():
        if there.id == self_user:
            _block(decisions, address, SELF)
    leaving = {there for there in doomed if there not in kept}
    leaving |= {there for there in weakened.values() if there.id != self_user}
    staying = (held for user, held in holding.items() if user not in leaving)
    if not any(held - roles.keys() for held in staying) and not _gained(decisions):
        for address, there in weakened.items():
            if there in holding and there.id != self_user:
                _block(decisions, address, ALONE)
        used = {there: roles[there] for held in holding.values() for there in held & roles.keys()}
        _block_roles(decisions, used, FROM_ALL)
        kept |= {there: ALONE for there in doomed if there in holding}
    return kept


def _block(decisions: Decisions, address: Address, why: str) -> None:
    block(decisions, decisions.resolution.source.entries[address], (why,), None)


def _block_roles(decisions: Decisions, roles: Mapping[Address, Address], why: str) -> None:
    for address in roles.values():
        type_ = decisions.resolution.catalog[address.type]
        _block(decisions, address, why.format(type_.administers))


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


def _weakened_roles(decisions: Decisions) -> dict[Address, Address]:
    """The roles of the destination that would let nobody administrate any more, with ours."""
    resolution, catalog = decisions.resolution, decisions.resolution.catalog
    weakened: dict[Address, Address] = {}
    for address in sorted(decisions.differing):
        there = Address(address.type, decisions.actions[address].to)
        ours, theirs = resolution.source.entries[address], resolution.destination.entries.get(there)
        if theirs and _empowers(theirs, catalog) and not _empowers(ours, catalog):
            weakened[there] = address
    return weakened


def _empowers(role: Entry, catalog: Catalog) -> bool:
    """Whether who holds it can administrate the org."""
    type_ = catalog.get(role.address.type)
    if type_ is None or not type_.held:
        return False
    named = any(name == type_.administers for _, name in role.names)
    return named or role.title == type_.held


def _administrators(decisions: Decisions) -> dict[Address, set[Address]]:
    """The active users of the destination who can administrate it, with the roles that let them."""
    resolution = decisions.resolution
    found = {
        address: _powers(entry, resolution.destination, resolution.catalog)
        for address, entry in resolution.destination.entries.items()
    }
    return {address: held for address, held in found.items() if held}


def _powers(user: Entry, directory: Directory, catalog: Catalog) -> set[Address]:
    """The roles that let a user administrate the org, if he is active."""
    type_ = catalog.get(user.address.type)
    if type_ is None or not type_.disabled or user.disabled:
        return set()
    found = (directory.find(reference) for reference in user.references)
    roles = {one.address for one in found if one}
    return {role for role in roles if _empowers(directory.entries[role], catalog)}


def _gained(decisions: Decisions) -> bool:
    """Whether some user who is written will administrate."""
    resolution = decisions.resolution
    return any(
        _powers(resolution.source.entries[address], resolution.source, resolution.catalog)
        for address in decisions.differing
        if decisions.actions[address].to
    )
