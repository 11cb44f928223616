"""Which resource of a destination is the one that a document speaks of.

Documents of two orgs are compared without what is bound to the org, and with their references
taken out, so that they can be compared before the destination's ids are known.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, TypeAlias

from ddsnap.core import canonical
from ddsnap.core.fields import EACH, FieldPath, Parts, Slot, covering, field_path, value_at
from ddsnap.core.normalize import is_secret
from ddsnap.core.quiet import without_quiet
from ddsnap.core.references import put, rewrite
from ddsnap.core.values import RESERVED, clone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime

    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

    Resolve: TypeAlias = Callable[[Reference], "str | None"]

Key: TypeAlias = "tuple[str, ...]"
"""The values by which Datadog tells resources of a type apart, each as canonical text."""

_HOLE: Final = "\0"
_LINKS: Final = "relationships"
"""The member of JSON:API that links resources: where all links are Datadog's, it says nothing."""


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """A portable document: its digest without its references, and those with their places.

    A place inside a set is told by the element that holds it, since its position means nothing.
    """

    digest: str
    holes: tuple[tuple[str, Reference], ...]

    def filled(self, resolve: Resolve) -> str | None:
        """Return the digest with references resolved; equal exactly for equal documents.

        ``None`` where one of them cannot be resolved.
        """
        if not self.holes:
            return self.digest
        values = [(place, resolve(reference)) for place, reference in self.holes]
        if any(value is None for _, value in values):
            return None
        told = "\n".join(f"{place}={value}" for place, value in sorted(values, key=str))
        return hashlib.sha256(f"{self.digest}\n{told}".encode()).hexdigest()


def portable(type_: ResourceType, body: JSONObject) -> JSONObject:
    """Return a copy of what people decided: without what is bound to the org or the time."""
    return _unbind(type_, clone(body))


def portable_digest(type_: ResourceType, body: JSONObject) -> str:
    """Return the digest of the portable document, references as they stand."""
    return canonical.digest(portable(type_, body))


def covers(there: JSON, sent: JSON) -> bool:
    """Whether a value holds all that was sent: a server trims texts, and fills in what is open.

    Something was sent in a marker's place.
    """
    if is_secret(sent):
        return there not in (None, "")
    if isinstance(sent, dict) and isinstance(there, dict):
        return all(covers(there.get(name), member) for name, member in sent.items())
    if isinstance(sent, list) and isinstance(there, list):
        return len(there) == len(sent) and all(map(covers, there, sent))
    if isinstance(sent, str) and isinstance(there, str):
        return there.strip() == sent.strip()
    return sent is None or canonical.same(there, sent)


def filled_in(there: JSON, sent: JSON) -> Iterator[JSON]:
    """Yield what a value that covers what was sent holds beside it."""
    if isinstance(sent, dict) and isinstance(there, dict):
        for name, member in there.items():
            yield from filled_in(member, sent.get(name))
    elif isinstance(sent, list) and isinstance(there, list):
        for one, other in zip(there, sent, strict=False):
            yield from filled_in(one, other)
    elif sent is None and there is not None:
        yield there


def named_by_id(type_: ResourceType) -> bool:
    """Whether the id is a name that people chose, or is made of other resources' ids."""
    return bool(type_.parts) or type_.id in type_.natural_key


def identifying(type_: ResourceType, body: JSONObject, now: datetime | None = None) -> JSONObject:
    """Return only what tells the document from others: its natural key and its id.

    With ``now``, what only time has made another is no other.
    """
    if type_.to_come and now is not None:
        body = type_.to_come(body, now)
    kept: JSONObject = {}
    for path in _identifying(type_):
        value = path.first(body)
        if value is not None:
            path.put(kept, value)
    return clone(kept)


def natural_key(
    type_: ResourceType,
    body: JSONObject,
    resolve: Resolve | None = None,
    references: Sequence[Reference] = (),
) -> Key | None:
    """Return the values at the resource's natural key, the ``references`` among them resolved.

    ``None`` where the type has none, where the document lacks it, or where a reference in it
    cannot be resolved. Datadog's own resources may have a key of their own.
    """
    if type_.built_in_key and is_built_in(type_, body):
        named = [value_at(body, path) for path in type_.built_in_key]
        return tuple(canonical.encode(_folded(value)).decode() for value in named)
    paths = [field_path(path) for path in key_fields(type_, body)]
    within = [ref for ref in references if any(path.covers(ref.parts) for path in paths)]
    if resolve is not None and within:
        known = {reference: resolve(reference) for reference in within}
        if None in known.values():
            return None
        body = rewrite(body, within, known.__getitem__)
    values = [path.first(body) for path in paths]
    if not values or all(value is None for value in values):
        return None
    return tuple(canonical.encode(value).decode() for value in values)


def key_fields(type_: ResourceType, body: JSONObject) -> tuple[str, ...]:
    """Return the fields that tell this resource from others, as far as people decide about them."""
    for path, value, fields in type_.key_if:
        if canonical.same(value_at(body, path), value):
            return fields
    return type_.natural_key


def is_built_in(type_: ResourceType, body: JSONObject) -> bool:
    """Whether Datadog owns the resource: it is mapped by its key and never written."""
    return any(
        value_at(body, path) is not None and canonical.same(value_at(body, path), value)
        for path, value in type_.built_in
    )


def fingerprint(
    type_: ResourceType,
    body: JSONObject,
    references: Sequence[Reference],
    *,
    quiet: bool = False,
) -> Fingerprint:
    """Take the portable document of ``body``, whose ``references`` these are, apart.

    With ``quiet``, what silences a resource makes no difference.
    """
    return fingerprint_of(type_, portable(type_, body), references, quiet=quiet)


def fingerprint_of(
    type_: ResourceType,
    hollow: JSONObject,
    references: Sequence[Reference],
    *,
    quiet: bool = False,
) -> Fingerprint:
    """Take a portable document apart, as ``fingerprint`` does; ``hollow`` is changed by that."""
    kept = [ref for ref in references if not _is_bound(type_)(ref.parts)]
    put(hollow, kept, lambda _: _HOLE)
    places = _sort_sets(type_, hollow)
    if quiet and type_.quiet:
        without_quiet(type_, hollow)
    count: dict[str, int] = {}
    holes: list[tuple[str, Reference]] = []
    for reference in kept:
        place = _place(reference.parts, places)
        if reference.span is not None:
            count[str(reference.parts)] = nth = count.get(str(reference.parts), 0) + 1
            place = f"{place}#{nth}"
        holes.append((place, reference))
    return Fingerprint(canonical.digest(hollow), tuple(holes))


def _unbind(type_: ResourceType, body: JSONObject) -> JSONObject:
    body.pop(RESERVED, None)
    for path in _bound(type_):
        path.remove(body)
    for name in {*type_.natural_key} - {*key_fields(type_, body)} if type_.key_if else ():
        field_path(name).remove(body)
    if body.get(_LINKS) == {}:
        del body[_LINKS]
    for at, synonyms in type_.synonyms.items():
        for slot in field_path(at).find(body):
            if isinstance(slot.value, str):
                slot.set(synonyms.get(slot.value, slot.value))
    return body


def _sort_sets(type_: ResourceType, body: JSONObject) -> dict[Parts, str]:
    """Sort what is a set, the innermost first; return, by its old place, what each element is."""
    elements: dict[Parts, str] = {}
    for path in sorted(map(field_path, type_.unordered), key=lambda path: -len(path.steps)):
        slots: list[Slot] = [slot for slot in path.find(body) if isinstance(slot.value, list)]
        for slot in slots:
            told = [(canonical.encode(element).decode(), element) for element in _list(slot)]
            for position, (text, _) in enumerate(told):
                place: Parts = (*slot.parts, position)
                elements[place] = hashlib.sha256(text.encode()).hexdigest()[:16]
            slot.set([element for _, element in sorted(told, key=lambda pair: pair[0])])
    return elements


def _list(slot: Slot) -> list[JSON]:
    return slot.value if isinstance(slot.value, list) else []


def _place(parts: Parts, elements: dict[Parts, str]) -> str:
    told = [elements.get(parts[: end + 1], str(part)) for end, part in enumerate(parts)]
    return "/".join(told)


def _folded(value: JSON) -> JSON:
    """Datadog's own names differ in case between orgs."""
    return value.casefold() if isinstance(value, str) else value


@cache
def _bound(type_: ResourceType) -> tuple[FieldPath, ...]:
    """The paths of what a document does not take to another org."""
    kept = {*type_.natural_key, *(part.at for part in type_.parts)}
    kept |= {ref.at.removesuffix(EACH) for ref in type_.refs}
    paths = dict.fromkeys((type_.id, *type_.identity, *type_.provenance, *type_.derived))
    return tuple(field_path(path) for path in paths if path and path not in kept)


@cache
def _is_bound(type_: ResourceType) -> Callable[[Parts], bool]:
    return covering(_bound(type_))


@cache
def _identifying(type_: ResourceType) -> tuple[FieldPath, ...]:
    ids = tuple(part.at for part in type_.parts) or (type_.id,)
    marks = (path for path, _ in type_.built_in) if type_.built_in_key else ()
    others = [name for mark, _, fields in type_.key_if for name in (mark, *fields)]
    paths = dict.fromkeys((*type_.natural_key, *others, *type_.built_in_key, *marks, *ids))
    return tuple(field_path(path) for path in paths if EACH not in path)
