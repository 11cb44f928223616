"""The patches of a plan: what differs is read a second time, and nothing else is held."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.core import canonical
from ddsnap.core.changes import json_patch
from ddsnap.core.intended import fixed_at_creation, intended_document
from ddsnap.core.match import portable
from ddsnap.core.resolution import is_symbolic
from ddsnap.core.values import Address, Document
from ddsnap.core.written import as_there

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from ddsnap.core.actions import Action
    from ddsnap.core.decisions import Decisions
    from ddsnap.core.directory import Entry
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.values import JSONObject

    Documents: TypeAlias = "Callable[[], Iterable[Document]]"
    Readers: TypeAlias = "dict[Address, Callable[[JSONObject], None]]"
    """By the destination's address: what wants to see its body."""


def make_patches(
    decisions: Decisions, source: Documents, destination: Documents, readers: Readers
) -> None:
    """Make the patches of what differs; what then differs in nothing is unchanged.

    Both orgs are read once more, but only where it is needed; ``readers`` want bodies as well.
    """
    digested = {
        action.address for action in decisions.actions.values() if _wants_digest(decisions, action)
    }
    patching: dict[Address, Callable[[JSONObject], None]] = {}
    for document in source() if digested or decisions.differing else ():
        address = document.address
        if address in decisions.differing:
            there = Address(address.type, decisions.actions[address].to)
            data = canonical.encode(document.body)
            patching[there] = partial(_patch_one, decisions, address, data)
        elif address in digested:
            digest = canonical.digest(intended_document(document, decisions.resolution))
            decisions.actions[address] = replace(decisions.actions[address], intended=digest)
    for document in destination() if patching or readers else ():
        for wanting in (patching.pop(document.address, None), readers.get(document.address)):
            if wanting is not None:
                wanting(document.body)
    for patch in patching.values():
        patch({})


def plain_digest(resolution: Resolution, entry: Entry, there: Entry | None) -> str:
    """Return the digest of the plain intended document where no body is needed to know it.

    ``there`` is the destination's own entry where both are equal.
    """
    type_ = resolution.catalog[entry.address.type]
    values = [(reference, resolution.value(reference)) for reference in entry.references]
    foreign = resolution.foreign(type_.name, entry.unknown)
    shed = type_.sheds and any(resolution.known(ref) is None for ref in entry.references)
    bare = type_.superseded and entry.address in resolution.protected
    whole = not (foreign or type_.orders or shed or bare)
    if there is not None and whole and not (resolution.quiet and type_.quiet):
        return there.whole
    own = all(value in (None, reference.value) for reference, value in values)
    return entry.whole if own and whole else ""


def is_open(resolution: Resolution, entry: Entry) -> bool:
    """Whether some id in the intended document is not known yet."""
    values = (resolution.value(reference) for reference in entry.references)
    return any(value is not None and is_symbolic(value) for value in values)


def _wants_digest(decisions: Decisions, action: Action) -> bool:
    """Whether a creation's digest must be taken of its body: some of its references change."""
    if action.kind != "create":
        return False
    resolution = decisions.resolution
    entry = resolution.source.entries[action.address]
    return not is_open(resolution, entry) and not plain_digest(resolution, entry, None)


def _patch_one(decisions: Decisions, address: Address, data: bytes, present: JSONObject) -> None:
    resolution, action = decisions.resolution, decisions.actions[address]
    type_, entry = resolution.catalog[address.type], resolution.source.entries[address]
    own = canonical.decode(data)
    document = Document(address, own if isinstance(own, dict) else {})
    there = portable(type_, present)
    plain = intended_document(document, resolution)
    digest = "" if is_open(resolution, entry) else canonical.digest(plain)
    wanted = intended_document(
        document, resolution, present=there if present else None, quiet=resolution.quiet
    )
    if present:
        wanted = as_there(type_, wanted, there, decisions.terms.now)
    fixed = fixed_at_creation(type_, plain, there) if present else ()
    settled = _is_settled(decisions, address, action.to, digest)
    patch = () if settled or canonical.same(there, wanted) else tuple(json_patch(there, wanted))
    decisions.actions[address] = replace(
        action,
        kind="unchanged" if action.kind == "update" and not patch else action.kind,
        patch=patch,
        reasons=(*action.reasons, *fixed),
        intended=digest,
    )


def _is_settled(decisions: Decisions, address: Address, to: str, digest: str) -> bool:
    """Whether this is what was last written, and the destination what was read back after it."""
    mapped = decisions.resolution.id_map.get(address)
    there = decisions.resolution.destination.entries.get(Address(address.type, to))
    return (
        mapped is not None
        and there is not None
        and mapped.intended != ""
        and (mapped.id, mapped.intended, mapped.seen) == (to, digest, there.whole)
    )
