"""What a document was made of, wherever that is stored: what is redacted there is redacted in it.

A secret that a replay was given stands in the destination in clear. No rule may know it for one
there, and the next run knows nothing of its value.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.behind import holds_marker
from ddsnap.core.paths import document_path
from ddsnap.core.secrets import Known, maybe_marked
from ddsnap.core.values import Address
from ddsnap.errors import Damaged, Refused, UnstorableError
from ddsnap.flows.id_map import read_maps

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from ddsnap.core.id_map import Mapped
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Document, JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class Heirs:
    """What is known of the past of an org's documents.

    ``written`` are the documents that a replay has just written, as far as they hold markers.
    """

    repo: Repository | None = None
    journal: str | None = None
    """The tip of the org's journal."""
    written: Mapping[Address, JSONObject] = field(default_factory=dict, repr=False)

    def models(self, address: Address, last: bytes | None) -> Iterator[JSONObject]:
        """Yield the documents whose markers a document keeps: the ``last`` one that was stored,
        or else the one that it was made of; and what was just written."""
        data = last if last is not None else self._origin(address)
        body = _object(data) if data is not None and maybe_marked(data) else {}
        if body:
            yield body
        if address in self.written:
            yield self.written[address]

    def ids(self, address: Address) -> Iterator[str]:
        """Yield what a resource of another org, or of this one before it was lost, is called."""
        for _, entries in self._maps:
            if address in entries:
                yield entries[address].id

    def _origin(self, address: Address) -> bytes | None:
        found = self._origins.get(address)
        tip = self.repo.branch(f"snapshots/{found[0]}") if self.repo and found else None
        if self.repo is None or found is None or tip is None:
            return None
        return self.repo.read_file(tip, document_path(found[1]))

    @cached_property
    def _origins(self) -> Mapping[Address, tuple[str, Address]]:
        return {
            Address(address.type, mapped.id): (org, address)
            for org, entries in self._maps
            for address, mapped in entries.items()
        }

    @cached_property
    def _maps(self) -> list[tuple[str, Mapping[Address, Mapped]]]:
        if self.repo is None or self.journal is None:
            return []
        try:
            maps = read_maps(self.repo, self.journal)
        except (Damaged, Refused):  # that is for a replay to refuse, and never for a backup
            return []
        return [(org.name, entries) for org, entries in maps.items()]


def inheriting(run: Run) -> Run:
    """Return the run, which redacts what was made of what is redacted."""
    heirs = replace(run.heirs, repo=run.repo, journal=run.repo.branch(run.journal))
    return replace(run, heirs=heirs, guard=run.guard.inherited(heirs.ids))


def knowing(run: Run, secrets: Iterable[str]) -> Run:
    """Return the run, which knows these secrets too: it records none of them anywhere."""
    return replace(run, guard=run.guard.knowing(secrets))


def shows(view: View, secrets: Iterable[str]) -> bool:
    """Whether a view, that knew nothing of them, shows one of these secrets."""
    known = Known.of(secrets)
    return bool(known.values) and any(
        known.maybe_in(view.read(path) or b"") for path in view.paths()
    )


def models_of(
    before: View, there: Address, document: Document, catalog: Catalog
) -> tuple[JSONObject, ...]:
    """Return the document whose markers one of the destination keeps when it is read.

    ``document`` is what is written there, and counts where ``before`` the run was none.
    """
    path = document_path(there)
    data = before.read(path) if there.id else None
    if data is None:
        return (document.body,) if holds_marker(document.body) else ()
    found = before.document(path, catalog) if maybe_marked(data) else None
    return (found.body,) if found else ()


def _object(data: bytes) -> JSONObject:
    try:
        body = canonical.decode(data)
    except UnstorableError:
        return {}
    return body if isinstance(body, dict) else {}
