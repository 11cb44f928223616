"""What an org holds, as far as finding and comparing resources needs it: everything but bodies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.core import canonical
from ddsnap.core.fields import Parts, field_path, value_at
from ddsnap.core.flaws import flaw_of
from ddsnap.core.match import (
    Fingerprint,
    Key,
    fingerprint_of,
    identifying,
    natural_key,
    portable,
)
from ddsnap.core.normalize import title_of, unknown_fields
from ddsnap.core.owned import owned, owned_parts
from ddsnap.core.reach import protecting
from ddsnap.core.references import find_references
from ddsnap.core.times import end_of
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime

    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSON, Document, JSONObject

Named: TypeAlias = "dict[str, tuple[str, ...]]"
"""The fields by which references name resources, by the resources' type."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One resource. ``aliases`` are its other ids, with their places in its body."""

    address: Address
    title: str
    references: tuple[Reference, ...]
    fingerprint: Fingerprint
    identifying: JSONObject
    aliases: dict[Parts, str]
    owned: str = ""
    """Why people do not decide about it, in words: it is never written."""
    whole: str = ""
    """The digest of the portable document."""
    bare: Fingerprint | None = None
    """The fingerprint without what a policy takes the place of, where there is any of it."""
    names: tuple[tuple[str, str], ...] = ()
    """What it names out of Datadog's own tables and listings: which one, and the name."""
    flaw: str = ""
    """Why it must not be written as it stands."""
    ends: datetime | None = None
    disabled: bool = False
    unknown: frozenset[str] = frozenset()
    """The fields that nobody declared."""
    immutable: tuple[str, ...] = ()
    """The values of the fields that nobody can change."""
    arrives: str = ""
    """How it comes to an org by itself."""
    author: str = ""
    """Who alone may change it, where it is read-only for all others."""

    @property
    def built_in(self) -> bool:
        """Whether somebody else than people decides about it."""
        return bool(self.owned)

    @property
    def digest(self) -> str:
        """The digest of the document with its references as they stand."""
        return self.fingerprint.filled(lambda reference: reference.value) or ""


@dataclass(frozen=True, slots=True)
class Found:
    """The resource that a reference names; ``alias`` is the place of the id that it uses."""

    address: Address
    alias: Parts | None = None


@dataclass(frozen=True)
class Directory:
    """The resources of one org, by every way in which they are looked for."""

    entries: dict[Address, Entry] = field(default_factory=dict)
    by_key: dict[tuple[str, Key], list[Address]] = field(default_factory=dict)
    by_digest: dict[tuple[str, str], list[Address]] = field(default_factory=dict)
    by_title: dict[tuple[str, str], list[Address]] = field(default_factory=dict)
    by_name: dict[tuple[str, str, str], Address] = field(default_factory=dict)
    by_alias: dict[tuple[str, str], Found | None] = field(default_factory=dict)
    unknown: dict[str, set[str]] = field(default_factory=dict)
    """By type, the fields that nobody declared and some resource has."""

    def find(self, reference: Reference) -> Found | None:
        """Return what the reference names here."""
        for type_name in reference.to:
            found = self._find(type_name, reference)
            if found is not None:
                return found
        return None

    def _find(self, type_name: str, reference: Reference) -> Found | None:
        if reference.by:
            named = self.by_name.get((type_name, reference.by, reference.value))
            return Found(named) if named else None
        address = Address(type_name, reference.value)
        if address in self.entries:
            return Found(address)
        return self.by_alias.get((type_name, reference.value))


def read_directory(
    documents: Iterable[Document],
    catalog: Catalog,
    *,
    quiet: bool = False,
    superseding: bool = False,
    now: datetime | None = None,
) -> Directory:
    """Go through the documents of an org once; none of their bodies is kept.

    With ``quiet``, documents that differ in what silences them count as equal; with
    ``superseding`` those that differ in what their policies take the place of; with ``now`` what
    has begun is known by what is still to come.
    """
    directory, named = Directory(), _named_fields(catalog)
    for document in documents:
        entry = _entry(document, catalog, now, quiet=quiet)
        directory.entries[entry.address] = entry
        for path in named.get(entry.address.type, ()):
            name = value_at(document.body, path)
            if isinstance(name, str):
                directory.by_name.setdefault((entry.address.type, path, name), entry.address)
    entries = directory.entries
    for address, why in [*owned_parts(entries, catalog)]:
        entries[address] = replace(entries[address], owned=why)
    for _, address in protecting(directory, catalog) if superseding else ():
        bare = entries[address].bare
        entries[address] = replace(entries[address], fingerprint=bare) if bare else entries[address]
    for entry in entries.values():
        type_ = catalog.get(entry.address.type)
        if type_ is not None:
            _list(directory, entry, type_)
    return directory


def _entry(document: Document, catalog: Catalog, now: datetime | None, *, quiet: bool) -> Entry:
    address, body = document.address, document.body
    type_ = catalog.get(address.type)
    if type_ is None:
        return Entry(address, "", (), Fingerprint("", ()), {}, {})
    references = tuple(find_references(body, type_, catalog))
    own = portable(type_, body)
    whole = canonical.digest(own)
    immutable = tuple(str(value_at(own, path)) for path in type_.immutable)
    return Entry(
        address,
        title_of(type_, body),
        references,
        fingerprint_of(type_, own, references, quiet=quiet),
        identifying(type_, body, now),
        aliases_of(type_, body),
        owned(type_, body),
        whole,
        _bare(type_, body, references, quiet=quiet),
        _names(type_, body),
        flaw_of(type_, body),
        end_of(type_, body),
        bool(type_.disabled and value_at(body, type_.disabled)),
        unknown_fields(type_, body),
        immutable,
        _arrives(type_, body),
        _author(type_, body),
    )


def _bare(
    type_: ResourceType, body: JSONObject, references: Iterable[Reference], *, quiet: bool
) -> Fingerprint | None:
    if all(value_at(body, path) is None for path in type_.superseded):
        return None
    own, paths = portable(type_, body), [field_path(path) for path in type_.superseded]
    for path in paths:
        path.remove(own)
    kept = [ref for ref in references if not any(path.covers(ref.parts) for path in paths)]
    return fingerprint_of(type_, own, kept, quiet=quiet)


def _arrives(type_: ResourceType, body: JSONObject) -> str:
    if type_.arrives is None or not owned(type_, body):
        return ""
    words, at = type_.arrives
    return words.format(value_at(body, at) or title_of(type_, body))


def _author(type_: ResourceType, body: JSONObject) -> str:
    if type_.read_only is None or value_at(body, type_.read_only[0]) is not True:
        return ""
    return str(value_at(body, type_.read_only[1]) or "nobody known")


def _list(directory: Directory, entry: Entry, type_: ResourceType) -> None:
    address = entry.address
    if entry.unknown:
        directory.unknown.setdefault(type_.name, set()).update(entry.unknown)
    key = natural_key(type_, entry.identifying)
    if key is not None:
        directory.by_key.setdefault((type_.name, key), []).append(address)
    else:
        directory.by_digest.setdefault((type_.name, entry.digest), []).append(address)
    if entry.title:
        directory.by_title.setdefault((type_.name, entry.title), []).append(address)
    for parts, alias in entry.aliases.items():
        # What several resources share, as the org's id, names none of them.
        shared = (type_.name, alias) in directory.by_alias
        directory.by_alias[type_.name, alias] = None if shared else Found(address, parts)


def _names(type_: ResourceType, body: JSONObject) -> tuple[tuple[str, str], ...]:
    places = [(named.at, named.lookup, "") for named in type_.named]
    for one in type_.among:
        if not (one.but and value_at(body, one.but[0]) == one.but[1]):
            places += [(one.at, one.beside, start) for start in one.starts]
    return tuple(
        (table, slot.value)
        for at, table, start in places
        for slot in field_path(at).find(body)
        if isinstance(slot.value, str) and slot.value.startswith(start)
    )


def aliases_of(type_: ResourceType, body: JSONObject) -> dict[Parts, str]:
    """Return the other ids of a resource, by their places in its body."""
    own: JSON = value_at(body, type_.id)
    slots = [slot for path in type_.identity for slot in field_path(path).find(body)]
    return {
        slot.parts: str(slot.value)
        for slot in slots
        if isinstance(slot.value, (str, int))
        and not isinstance(slot.value, bool)
        and slot.value != own
    }


def named_types(catalog: Catalog) -> frozenset[str]:
    """Return the types that references name by another field than their id."""
    return frozenset(_named_fields(catalog))


def foreign_types(catalog: Catalog) -> frozenset[str]:
    """Return the types that references lead to and that are not in the catalog."""
    return frozenset(to for to, _ in _targets(catalog) if to not in catalog)


def _named_fields(catalog: Catalog) -> Named:
    named: dict[str, set[str]] = {}
    for to, by in _targets(catalog):
        if by:
            named.setdefault(to, set()).add(by)
    return {to: tuple(sorted(fields)) for to, fields in named.items()}


def _targets(catalog: Catalog) -> Iterator[tuple[str, str]]:
    """The types that references lead to, each with the field by which they are named there."""
    for ref in (*catalog.known_refs, *(ref for type_ in catalog.types for ref in type_.refs)):
        yield from ((to, ref.by) for to in (*ref.to, *ref.prefixed.values()))
        yield from ((to, text.by) for text in ref.text for to in text.to)
