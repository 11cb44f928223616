"""The ids that the destination has given until now, and documents in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.core.directory import aliases_of, named_types
from ddsnap.core.id_map import Mapped
from ddsnap.core.intended import intended_document
from ddsnap.core.match import identifying
from ddsnap.core.pointers import join
from ddsnap.core.references import find_references
from ddsnap.core.repointing import repointed_document
from ddsnap.core.requests import leave_out
from ddsnap.core.resolution import is_symbolic
from ddsnap.core.values import Address, Document

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ddsnap.core.plan import Plan
    from ddsnap.core.references import Reference
    from ddsnap.core.values import JSONObject

Base: TypeAlias = Literal["source", "destination"]
"""Whose document it is."""


class Binding:
    """Binds references exactly, as far as their targets are at the destination by now."""

    def __init__(self, plan: Plan) -> None:
        if plan.resolution is None:
            raise ValueError("a plan that was read back cannot resolve references")
        resolution = plan.resolution
        ahead = {action.address for action in plan.actions if action.kind == "create"}
        self._ids: dict[Address, str | Mapped] = {
            address: id_
            for address, id_ in resolution.ids.items()
            if address not in ahead and not is_symbolic(id_)
        }
        self._resolution = replace(resolution, ids={})
        self._catalog = resolution.catalog
        self._named = named_types(resolution.catalog)

    def bind(self, address: Address, id_: str, item: JSONObject) -> dict[str, str]:
        """Note the id that a resource has got, and its other ids; return these by pointer."""
        aliases = aliases_of(self._catalog[address.type], item)
        told = {join(parts): alias for parts, alias in aliases.items()}
        self._ids[address] = Mapped(id_, "created", told)
        entry = self._resolution.source.entries.get(address)
        if entry is not None and address.type in self._named:
            there = Address(address.type, id_)
            known = identifying(self._catalog[address.type], item)
            self._resolution.destination.entries[there] = replace(
                entry, address=there, identifying=known
            )
        return told

    def ids(self, type_name: str) -> list[str]:
        """Return the ids of a type that are known by now."""
        return [
            known.id if isinstance(known, Mapped) else known
            for address, known in list(self._ids.items())
            if address.type == type_name
        ]

    def owner(self, type_name: str, id_: str) -> Address | None:
        """Return whose counterpart a resource of the destination is by now."""
        for address, known in list(self._ids.items()):
            there = known.id if isinstance(known, Mapped) else known
            if address.type == type_name and there == id_:
                return address
        return None

    def other(self, there: Address) -> str:
        """Return which resource of another org something is the counterpart of; empty for none."""
        return self._resolution.other(there)

    def digest(self, document: Document) -> str:
        """Return the digest of a document of the source, portable, as the plan has found it."""
        return self._resolution.source.entries[document.address].whole

    def references(self, document: Document, base: Base = "source") -> Sequence[Reference]:
        """Return what a document refers to; the plan has found it, but in the destination's."""
        address, entries = document.address, self._resolution.source.entries
        if base == "source" and address in entries:
            return entries[address].references
        return find_references(document.body, self._catalog[address.type], self._catalog)

    def missing(self, document: Document, base: Base = "source") -> list[Reference]:
        """Return the references that cannot be bound (yet), and that the document needs."""
        if self._catalog[document.address.type].orders:
            return []
        return [
            reference
            for reference in self.references(document, base)
            if not reference.soft and self.value(reference) is None
        ]

    def value(self, reference: Reference) -> str | None:
        """Return what stands in a reference's place at the destination, once that is known."""
        return self._resolution.value(reference, self._ids)

    def target(self, reference: Reference) -> Address | None:
        """Return what a reference names at the source."""
        found = self._resolution.source.find(reference)
        return found.address if found else None

    def why(self, reference: Reference) -> str:
        """Say why a reference cannot be bound."""
        return self._resolution.missing(reference).text

    def plain(self, document: Document, base: Base = "source") -> JSONObject:
        """Return what the snapshot means, in the destination's ids."""
        references = self.references(document, base)
        return intended_document(document, self._resolution, ids=self._ids, references=references)

    def written(
        self,
        document: Document,
        present: JSONObject | None,
        without: Collection[Reference] = (),
        *,
        base: Base = "source",
    ) -> JSONObject:
        """Return what is to be written: quiet where that is wanted, over what is ``present``.

        ``without`` are references that are written later. With the ``base`` destination, the
        document is its own, of which only references are rewritten.
        """
        if base == "destination":
            return repointed_document(document, self._resolution, ids=self._ids)
        references = None if without else self.references(document)
        if without:
            type_ = self._catalog[document.address.type]
            document = Document(document.address, leave_out(type_, document.body, without))
        return intended_document(
            document,
            self._resolution,
            ids=self._ids,
            present=present,
            quiet=self._resolution.quiet,
            references=references,
        )
