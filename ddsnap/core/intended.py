"""The document that a destination shall hold, made of the source's document."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.fields import DEEP, EACH, field_path, value_at
from ddsnap.core.match import portable
from ddsnap.core.normalize import normalize
from ddsnap.core.quiet import hush
from ddsnap.core.references import find_references, rewrite
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.core.fields import Parts
    from ddsnap.core.references import Reference
    from ddsnap.core.resolution import Ids, Resolution
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, Document, JSONObject


def intended_document(
    document: Document,
    resolution: Resolution,
    *,
    ids: Ids | None = None,
    present: JSONObject | None = None,
    quiet: bool = False,
    references: Sequence[Reference] | None = None,
) -> JSONObject:
    """Return what the destination shall hold: in its ids, without what is bound to an org.

    ``ids`` are those created since the plan was made; other ones to be created are symbolic, and
    what cannot be resolved stays as it is. ``present`` is the destination's own document. With
    ``quiet`` a new resource is silent, and how loud a present one is stays as it is there.
    ``references`` are the document's, where they are known already.
    """
    type_ = resolution.catalog[document.address.type]
    resolve = partial(resolution.value, ids=ids)
    if references is None:
        references = find_references(document.body, type_, resolution.catalog)
    body = rewrite(document.body, references, resolve)
    lists = (*type_.sheds, *((type_.members.partition(EACH)[0],) if type_.orders else ()))
    if lists:
        missing = [ref.parts for ref in references if resolution.known(ref, ids) is None]
        for path in lists:
            _leave_out(path, body, missing)
    if quiet:
        hush(type_, body, present)
    for path in type_.superseded if document.address in resolution.protected else ():
        settle(path, body, present or {})
    normalized = normalize(type_, body)
    body = normalized.document.body
    for path in resolution.foreign(type_.name, normalized.unknown):
        field_path(path).remove(body)
    body = portable(type_, body)
    if present is not None:
        if type_.orders and type_.members:
            _keep_others(type_, body, present)
        for path in () if resolution.same_org else type_.keeps_others:
            _keep_elements(path, body, _theirs(path, resolution, type_, present))
        for path in type_.create_only:
            settle(path, body, present)
    return body


FIXED: Final = "differs, and only a creation can set it"
"""How the reason ends for which a field is left as it is."""


def fixed_at_creation(
    type_: ResourceType, body: JSONObject, present: JSONObject
) -> tuple[str, ...]:
    """Name the fields that differ although only a creation can set them."""
    return tuple(
        f"{path} {FIXED}"
        for path in type_.create_only
        if not canonical.same(value_at(body, path), value_at(present, path))
    )


def merge_order(wanted: list[JSON], present: list[JSON], by: str = "") -> list[JSON]:
    """Put what only ``present`` has into ``wanted``, behind its neighbour there.

    ``by`` is the field that tells elements apart. Merging again changes nothing.
    """
    merged, names = list(wanted), [value_at(element, by) for element in wanted]
    after = -1
    for element in present:
        name = value_at(element, by)
        if name in names:
            after = names.index(name)
        else:
            after += 1
            merged.insert(after, element)
            names.insert(after, name)
    return merged


def is_reordered(type_: ResourceType, then: JSONObject, now: JSONObject) -> bool:
    """Whether the members that an order had ``then`` stand in another order; others may be new."""
    at, _, by = type_.members.partition(EACH)
    named = [
        [value_at(element, by.lstrip(".")) for element in members]
        for members in (value_at(then, at), value_at(now, at))
        if isinstance(members, list)
    ]
    if len(named) < 2:
        return False
    old, new = named
    return [name for name in old if name in new] != [name for name in new if name in old]


def _keep_others(type_: ResourceType, body: JSONObject, present: JSONObject) -> None:
    """An order is always sent whole: members that only the destination has keep their place."""
    at, _, by = type_.members.partition(EACH)
    wanted, there = value_at(body, at), value_at(present, at)
    if isinstance(wanted, list) and isinstance(there, list):
        field_path(at).put(body, merge_order(wanted, there, by.lstrip(".")))


def _theirs(
    path: str, resolution: Resolution, type_: ResourceType, present: JSONObject
) -> Sequence[JSON]:
    """Return what the destination has in a set, without what is gone where the source has it.

    Only where deletions are allowed is that taken off.
    """
    at = field_path(path)
    found = at.first(present)
    elements = found if isinstance(found, list) else []
    if not resolution.deletes:
        return elements
    ours, depth = resolution.mapped, len(at.steps)
    gone = {
        reference.parts[depth]
        for reference in find_references(present, type_, resolution.catalog)
        if at.covers(reference.parts)
        and any(Address(name, reference.value) in ours for name in reference.to)
    }
    return [element for nth, element in enumerate(elements) if nth not in gone]


def _keep_elements(path: str, body: JSONObject, theirs: Sequence[JSON]) -> None:
    """What only the destination has in a set stays there."""
    wanted = value_at(body, path)
    told = [*theirs, *(wanted if isinstance(wanted, list) else ())]
    if told:
        by_bytes = {canonical.encode(element): element for element in told}
        field_path(path).put(body, [by_bytes[key] for key in sorted(by_bytes)])


def _leave_out(path: str, body: JSONObject, missing: Sequence[Parts]) -> None:
    """A list names only what will be at the destination."""
    at = field_path(path)
    members = at.first(body)
    if isinstance(members, list):
        depth = len(at.steps)
        gone = {parts[depth] for parts in missing if parts[:depth] == at.steps}
        at.put(body, [member for nth, member in enumerate(members) if nth not in gone])


def settle(path: str, body: JSONObject, present: JSONObject) -> None:
    """Take a field that only a creation can set as the destination has it."""
    if EACH in path or DEEP in path:
        return
    value = value_at(present, path)
    if value is None:
        field_path(path).remove(body)
    else:
        field_path(path).put(body, value)
