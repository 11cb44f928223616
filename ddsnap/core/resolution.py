"""From the ids that a document names to those of the org that it is replayed into."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ddsnap.core.fields import value_at
from ddsnap.core.id_map import Mapped
from ddsnap.core.match import named_by_id
from ddsnap.core.pointers import join
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ddsnap.core.directory import Directory, Found
    from ddsnap.core.fields import Parts
    from ddsnap.core.id_map import IdMap
    from ddsnap.core.references import Reference
    from ddsnap.core.regained import Regained
    from ddsnap.core.resource_type import Catalog

Ids: TypeAlias = "Mapping[Address, str | Mapped]"
"""Ids at the destination by the source's address, with their aliases where they are ``Mapped``."""

Why: TypeAlias = Literal[
    "not selected", "unreadable", "filtered", "gone", "not captured", "blocked"
]

_UNREAD: Final = ("stale", "partial", "unavailable", "uncaptured", "harvested", "rotating")


@dataclass(frozen=True, slots=True)
class Missing:
    """A reference that cannot be resolved: why, in words, and where the trouble begins."""

    why: Why
    text: str
    cause: Address


@dataclass(frozen=True)
class Resolution:
    """What is known of both orgs; ``ids`` grows as it is decided what each resource becomes."""

    source: Directory
    destination: Directory
    catalog: Catalog
    id_map: IdMap
    same_org: bool = False
    states: Mapping[str, str] = field(default_factory=dict)
    filtered: Collection[str] = ()
    """The types of which the snapshot holds only what its filters let through."""
    selected: Callable[[Address], bool] = lambda _: True
    unread: Collection[Address] = ()
    """What the source may have for all that is known, of what nothing is created without it."""
    quiet: bool = False
    """Whether what is created there is silenced."""
    deletes: bool = False
    """Whether what the source has no more may be taken away there."""
    exact: bool = False
    """Whether documents stay as they were, references to what nobody knows included."""
    others: Mapping[Address, str] = field(default_factory=dict)
    """Destination resources that are counterparts of another org's, and of which."""
    is_preset: Callable[[Address], bool] = lambda _: False
    """Whether the destination has, under this very id, what Datadog has in every org."""
    ids: dict[Address, str] = field(default_factory=dict)
    """The destination id of each resource, symbolic where it is still to be created."""
    causes: dict[Address, Address] = field(default_factory=dict)
    """For resources that will not be there: where the trouble begins."""
    ended: set[Address] = field(default_factory=set)
    """Those that are over, and so will not be there either."""
    lost: dict[tuple[str, str], Found] = field(default_factory=dict)
    """What the source calls resources of its own org, by type and an id that they lost."""
    protected: set[Address] = field(default_factory=set)
    """What a policy will restrict there, in the place of what its document says."""
    regained: dict[Address, Regained] = field(default_factory=dict)
    """What gets members back that were lost, by its address at the destination."""

    def other(self, there: Address) -> str:
        """Return which resource of another org something is the counterpart of; empty for none.

        A restore takes what its own org has, whoever has made it.
        """
        return "" if self.same_org else self.others.get(there, "")

    @cached_property
    def mapped(self) -> frozenset[Address]:
        """What the map names at the destination, and stands for nothing of another org."""
        there = (Address(one.type, mapped.id) for one, mapped in self.id_map.items())
        return frozenset(one for one in there if not self.other(one))

    def value(self, reference: Reference, ids: Ids | None = None) -> str | None:
        """Return what stands in the reference's place at the destination.

        ``ids`` go before what was planned: they are the ids that were created since.
        """
        known = self.known(reference, ids)
        return reference.value if known is None and self.stays_dead(reference) else known

    def known(self, reference: Reference, ids: Ids | None = None) -> str | None:
        """Do as ``value``, but return ``None`` for an id that names nothing known."""
        found = self.source.find(reference)
        if found is None:
            return self._outside(reference)
        known = (ids or {}).get(found.address) or self.ids.get(found.address)
        if known is None:
            return reference.value if self._named_there(reference) else None
        if reference.by:
            return self._name_there(reference, found, known)
        return self.id_there(found, known)

    def stays_dead(self, reference: Reference) -> bool:
        """Whether it keeps an id that names nothing known: in one org ids do not move.

        Who may do what is never taken on trust: what is restricted to a role that is gone would be
        open to everyone if the org thought nothing of it.
        """
        if not self.same_org or reference.by or reference.prefix:
            return False
        types = (self.catalog.get(name) for name in reference.to)
        return self.source.find(reference) is None and not any(t and t.restricts for t in types)

    def _name_there(self, reference: Reference, found: Found, known: str | Mapped) -> str:
        """The name there, which Datadog may have chosen: that of a service account, say."""
        id_ = known.id if isinstance(known, Mapped) else known
        entry = self.destination.entries.get(Address(found.address.type, id_))
        name = value_at(entry.identifying, reference.by) if entry else None
        return name if isinstance(name, str) else reference.value

    def id_there(self, found: Found, known: str | Mapped) -> str | None:
        """Return the id of what was ``found`` at the source, which is ``known`` there."""
        if isinstance(known, Mapped):
            return known.id if found.alias is None else known.aliases.get(join(found.alias))
        return known if found.alias is None else self._alias(found.address, known, found.alias)

    def written(self, reference: Reference) -> str | None:
        """Return what is written there: a soft reference that nothing is known of stays."""
        value = self.value(reference)
        return reference.value if value is None and reference.soft else value

    def foreign(self, type_name: str, unknown: Collection[str]) -> list[str]:
        """Return those of the fields nobody declared that are not sent.

        The destination's own resources of the type show what it knows.
        """
        if self.same_org or not unknown or not self.catalog[type_name].fields:
            return []
        known = self.destination.unknown.get(type_name, ())
        return sorted(name for name in unknown if name not in known)

    def missing(self, reference: Reference) -> Missing:
        """Say why ``value`` answers nothing."""
        found = self.source.find(reference)
        if found is not None:
            return self._not_there(found)
        type_name = reference.to[0]
        cause = Address(type_name, reference.value)
        state = self.states.get(type_name)
        if type_name not in self.catalog or (self.states and state is None):
            return Missing("not captured", f"{type_name} are not captured", cause)
        if state in _UNREAD:
            text = f"{type_name} were not read completely at the source ({state})"
            return Missing("unreadable", text, cause)
        if any(name in self.filtered for name in reference.to):
            text = f"{cause} was filtered out of the snapshot, or is gone"
            return Missing("filtered", text, cause)
        return Missing("gone", f"{cause} is gone from the source", cause)

    def _not_there(self, found: Found) -> Missing:
        address = found.address
        if address in self.ended:
            return Missing("gone", f"{address} is over and not at the destination", address)
        if address not in self.causes and not self.selected(address):
            return Missing("not selected", f"{address} is not selected", address)
        cause = self.causes.get(address, address)
        return Missing("blocked", f"{address} is not written", cause)

    def _outside(self, reference: Reference) -> str | None:
        """What is not in the snapshot may still be known, or be there under the same name.

        Types that are not captured are taken on trust: from the map, and within one org.
        """
        for type_name in reference.to:
            address = Address(type_name, reference.value)
            mapped = self.id_map.get(address)
            unread = type_name not in self.catalog
            if mapped is not None and unread:  # named by hand, be it by id or by name
                return mapped.id
            if unread and self.same_org:
                return reference.value
            if not reference.by and mapped is not None and self._there(type_name, mapped.id):
                return mapped.id
        same = self.exact or self._named_there(reference) or self._is_preset(reference)
        return reference.value if same else None

    def _is_preset(self, reference: Reference) -> bool:
        """Whether it names one of Datadog's own, which the destination is asked for."""
        return not reference.by and any(
            self.catalog[name].presets and self.is_preset(Address(name, reference.value))
            for name in reference.to
            if name in self.catalog
        )

    def _named_there(self, reference: Reference) -> bool:
        found = self.destination.find(reference)
        if found is None:
            return False
        type_ = self.catalog.get(found.address.type)
        names = type_ is not None and found.alias is None and named_by_id(type_)
        return bool(reference.by) or self.same_org or names

    def _there(self, type_name: str, id_: str) -> bool:
        return Address(type_name, id_) in self.destination.entries

    def _alias(self, address: Address, known: str, alias: Parts) -> str | None:
        if is_symbolic(known):
            return symbol(address, alias)
        entry = self.destination.entries.get(Address(address.type, known))
        return entry.aliases.get(alias) if entry else None


def symbol(address: Address, alias: Parts = ()) -> str:
    """Return the text that stands for an id until its resource is created."""
    return f"${{{address}{'#' + join(alias) if alias else ''}}}"


def is_symbolic(text: str) -> bool:
    """Whether some id in ``text`` is not known yet."""
    return "${" in text
