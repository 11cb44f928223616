"""Restoring in place: what was lost and has a new id is pointed at again by all that knew the old.

That holds for documents of the org that the snapshot says nothing of, too: of those, only the
references are rewritten.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.core.actions import Action
from ddsnap.core.changes import json_patch
from ddsnap.core.directory import Found
from ddsnap.core.intended import settle
from ddsnap.core.match import named_by_id, portable
from ddsnap.core.normalize import normalize
from ddsnap.core.pointers import join
from ddsnap.core.references import find_references, identifies, rewrite
from ddsnap.core.regained import regain
from ddsnap.core.values import Address, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ddsnap.core.decisions import Decisions
    from ddsnap.core.directory import Entry
    from ddsnap.core.id_map import Mapped
    from ddsnap.core.references import Reference
    from ddsnap.core.resolution import Ids, Resolution
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject

Lost: TypeAlias = "Mapping[tuple[str, str], Found]"
"""What the source calls each resource of a type, by the id that it no longer has."""


def lost_ids(decisions: Decisions) -> dict[tuple[str, str], Found]:
    """Return the ids, other ids among them, that resources had in their own org and lost."""
    resolution, lost = decisions.resolution, dict[tuple[str, str], Found]()
    if not resolution.same_org:
        return lost
    there = resolution.destination
    for address, mapped in resolution.id_map.items():  # an earlier run may not have come so far
        back = Address(address.type, mapped.id) in there.entries
        if back and address.id != mapped.id and address not in there.entries:
            lost[address.type, address.id] = Found(address)
    for address, action in decisions.actions.items():
        type_ = resolution.catalog.get(address.type)
        if type_ is None or type_.constant_id or named_by_id(type_) or not action.to:
            continue
        for found, old in _old_ids(resolution, address):
            known = Address(address.type, old) in there.entries
            kept = old == action.to and not action.undeletes  # that may be refused
            if not kept and not known and (address.type, old) not in there.by_alias:
                lost[address.type, old] = found
    return lost


def plan_repointing(
    decisions: Decisions,
    lost: Lost,
    doomed: Collection[Address],
    add: Callable[[Action], None],
) -> dict[Address, Callable[[JSONObject], None]]:
    """Return, by address, what makes the action of each document that still names what is lost.

    So it is with what gets lost members back.
    """
    resolution = decisions.resolution
    back = {address for address, action in decisions.actions.items() if action.undeletes}
    lost = {old: found for old, found in lost.items() if found.address not in back}
    if not lost and not resolution.regained:
        return {}
    written = {Address(a.address.type, a.to) for a in decisions.actions.values() if a.to}
    return {
        address: partial(_repoint, decisions, lost, entry, add)
        for address, entry in sorted(resolution.destination.entries.items())
        if address not in doomed
        and address not in decisions.actions
        and address not in written
        and not entry.built_in
        and (address in resolution.regained or _stale(resolution, lost, entry))
    }


def repointed_document(
    document: Document, resolution: Resolution, *, ids: Ids | None = None
) -> JSONObject:
    """Return the destination's own document, its references to what was lost rewritten.

    Members that it lost are in it again.
    """
    type_ = resolution.catalog[document.address.type]
    regained = resolution.regained.get(document.address)
    own = regain(type_, document.body, regained) if regained else document.body

    def resolve(reference: Reference) -> str | None:
        found = _found(resolution, resolution.lost, type_, reference)
        return resolution.id_there(found, known) if found and (known := known_of(found)) else None

    def known_of(found: Found) -> str | Mapped | None:
        address = found.address
        mapped = resolution.id_map.get(address)
        return (ids or {}).get(address) or resolution.ids.get(address) or mapped

    references = find_references(own, type_, resolution.catalog)
    body = rewrite(own, references, resolve)
    body = portable(type_, normalize(type_, body).document.body)
    for path in type_.create_only:
        settle(path, body, portable(type_, document.body))
    return body


def still_pointing(
    resolution: Resolution, renamed: Collection[Address], written: Collection[Address]
) -> Iterator[tuple[Address, list[Address]]]:
    """Yield which documents of the destination name lost ids of what was ``renamed``, and whose.

    ``written`` are those that were written since: what they name was known by then.
    """
    lost = {old: found for old, found in resolution.lost.items() if found.address in renamed}
    for address, entry in sorted(resolution.destination.entries.items()):
        if lost and address not in written and not entry.built_in:
            targets = {found.address for found in _stale(resolution, lost, entry)}
            if targets:
                yield address, sorted(targets)


def repointed(
    resolution: Resolution, document: Document, wanted: JSONObject, targets: Collection[Address]
) -> Action:
    """Return what brings one of the destination's own documents to what is ``wanted`` of it."""
    address = document.address
    type_, there = resolution.catalog[address.type], resolution.destination.entries[address]
    patch = tuple(json_patch(portable(type_, document.body), wanted))
    reasons = tuple(f"{target} has a new id" for target in targets)
    action = Action(
        "update", address, there.title, address.id, patch, reasons=reasons, against=there.whole,
        base="destination",
    )  # fmt: skip
    return action if patch else _unwritable(action)


def _unwritable(action: Action) -> Action:
    reason = "it refers to what has a new id, and only a creation can set that"
    return replace(action, kind="blocked", reasons=(reason,))


def _old_ids(resolution: Resolution, address: Address) -> list[tuple[Found, str]]:
    mapped = resolution.id_map.get(address)
    olds = [(Found(address), address.id)]
    for parts, alias in resolution.source.entries[address].aliases.items():
        olds.append((Found(address, parts), alias))
        if mapped and join(parts) in mapped.aliases:
            olds.append((Found(address, parts), mapped.aliases[join(parts)]))
    return [*olds, (Found(address), mapped.id)] if mapped else olds


def _stale(resolution: Resolution, lost: Lost, entry: Entry) -> list[Found]:
    type_ = resolution.catalog.get(entry.address.type)
    if type_ is None:
        return []
    found = (_found(resolution, lost, type_, reference) for reference in entry.references)
    return [one for one in found if one is not None]


def _found(
    resolution: Resolution, lost: Lost, type_: ResourceType, reference: Reference
) -> Found | None:
    """What a reference at the destination meant; one that makes the id cannot be rewritten."""
    if reference.by or identifies(type_, reference):
        return None
    found = (lost.get((name, reference.value)) for name in reference.to)
    meant = next((one for one in found if one is not None), None)
    return meant if meant and resolution.destination.find(reference) is None else None


def _repoint(
    decisions: Decisions,
    lost: Lost,
    entry: Entry,
    add: Callable[[Action], None],
    body: JSONObject,
) -> None:
    resolution, address = decisions.resolution, entry.address
    type_ = resolution.catalog[address.type]
    wanted = repointed_document(Document(address, body), resolution)
    targets = {found.address for found in _stale(resolution, lost, entry)}
    regained = resolution.regained[address].targets if address in resolution.regained else ()
    actions = decisions.actions
    needs = sorted(one for one in {*targets, *regained} if one in actions and not actions[one].idle)
    action = Action(
        "update",
        address,
        entry.title,
        address.id,
        tuple(json_patch(portable(type_, body), wanted)),
        tuple(needs),
        (
            *(f"{target} has a new id" for target in sorted(targets)),
            *(f"it held {target}" for target in sorted(regained)),
        ),
        base="destination",
    )
    if not action.patch and not targets:
        return
    add(action if action.patch else _unwritable(action))
