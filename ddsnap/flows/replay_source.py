"""The documents that a replay is about, as its transformations leave them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.core.paths import document_path
from ddsnap.core.tracing import stood_at
from ddsnap.core.transform import transform
from ddsnap.errors import StoreError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import Address, Document
    from ddsnap.flows.view import View


@dataclass
class ReplaySource:
    """A snapshot and the rules that apply to what is selected of it."""

    view: View
    catalog: Catalog
    rules: tuple[Rule, ...] = ()
    selected: Callable[[Address], bool] = lambda _: True
    resolvable: Callable[[Reference], bool] = lambda _: True
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    """What the destination's own tables hold."""
    matched: dict[str, set[Address]] = field(default_factory=dict)
    """What each rule has changed."""

    @property
    def matches(self) -> dict[str, int]:
        """How many documents each rule has changed."""
        return {rule: len(addresses) for rule, addresses in self.matched.items()}

    def documents(self) -> Iterator[Document]:
        """Yield every document; a rule that fails on one raises ``TransformError``."""
        for document in self.view.documents(self.catalog):
            yield self._transformed(document)

    def load(self, address: Address) -> tuple[Document, Document]:
        """Return a document as it is stored, and as the rules leave it."""
        stored = self.view.document(document_path(address), self.catalog)
        if stored is None:
            raise StoreError(f"{self.view.label} holds no {address}")
        return stored, self._transformed(stored)

    def stood_at(self, stored: Document, made: Document) -> dict[str, str]:
        """Return where each marker of a document, as the rules leave it, is in the stored one."""
        return stood_at(
            stored, made, self.rules, self.catalog, resolvable=self.resolvable, names=self.names
        )

    def _transformed(self, document: Document) -> Document:
        if not self.rules or not self.selected(document.address):
            return document
        new, applied = transform(
            document, self.rules, self.catalog, resolvable=self.resolvable, names=self.names
        )
        for one in applied:
            self.matched.setdefault(one.rule, set()).add(document.address)
        return new
