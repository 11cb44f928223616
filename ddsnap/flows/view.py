"""One state of an org to look at: a snapshot, or the live org on top of its last snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.core.manifest import Manifest, OrgIdentity, TypeState
from ddsnap.core.paths import parse_document_path
from ddsnap.core.values import Address
from ddsnap.errors import StoreError
from ddsnap.flows.heirs import inheriting
from ddsnap.flows.identity import check_identity
from ddsnap.flows.read_org import Scope, read_org
from ddsnap.flows.renormalize import renormalized
from ddsnap.flows.snapshot import manifest_of, parse_document
from ddsnap.store.objects import BLOB, object_id
from ddsnap.store.trees import changed_paths, list_folder, read_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import Document
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.run import Run
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class View:
    """A commit and what lies over it: path -> bytes, or ``None`` where the file is gone."""

    repo: Repository
    label: str
    commit: str | None
    manifest: Manifest
    over: Mapping[str, bytes | None] = field(default_factory=dict)
    _folders: dict[str, dict[str, bytes]] = field(default_factory=dict, compare=False)

    def stored(self, path: str) -> bytes | None:
        """Return the object name of a file of the commit; each folder is read once."""
        folder, _, name = path.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = (
                list_folder(self.repo, self.commit, folder) if self.commit else {}
            )
        return self._folders[folder].get(name)

    def holds(self, path: str) -> bool:
        """Whether there is such a file."""
        if path in self.over:
            return self.over[path] is not None
        return self.stored(path) is not None

    def read(self, path: str) -> bytes | None:
        """Return a file's content."""
        if path in self.over:
            return self.over[path]
        sha = self.stored(path)
        return self.repo.read(sha, BLOB) if sha else None

    def paths(self, *, only: str = "") -> list[str]:
        """Return the paths of all documents, or of one type's, sorted."""
        stored = read_paths(self.repo, self.commit, only) if self.commit else {}
        over = {path for path in self.over if path.startswith(f"{only}/" if only else "")}
        gone = {path for path in over if self.over[path] is None}
        return sorted(path for path in (stored.keys() | over) - gone if "/" in path)

    def documents(self, catalog: Catalog, *, only: str = "") -> Iterator[Document]:
        """Yield every document, or every one of a type, normalized by today's rules."""
        for path in self.paths(only=only):
            document = self.document(path, catalog)
            if document is not None:
                yield document

    def addresses(self, catalog: Catalog, *, only: str = "") -> Iterator[Address]:
        """Yield the address of every document, or of every one of a type."""
        for path in self.paths(only=only):
            name, id_ = parse_document_path(path)
            if id_ is not None:
                yield Address(name, id_)
            elif document := self.document(path, catalog):  # its name is too long to hold the id
                yield document.address

    def document(self, path: str, catalog: Catalog, sha: bytes | None = None) -> Document | None:
        """Return one document, normalized by today's rules; ``sha`` saves looking it up."""
        data = self.repo.read(sha, BLOB) if sha and path not in self.over else self.read(path)
        if data is None:
            return None
        stale = path not in self.over and self.manifest.rules != catalog.rules
        return parse_document(path, data, catalog, stale=stale)


def snapshot_view(repo: Repository, commit: str, label: str) -> View:
    """Look at a snapshot. Raises ``StoreError`` where the commit is none."""
    return View(repo, label, commit, manifest_of(repo, commit, label))


def changed_between(old: View, new: View) -> Iterator[tuple[str, bytes | None, bytes | None]]:
    """Yield the paths that may differ between two views, sorted, with the commits' object names."""
    changed: dict[str, tuple[bytes | None, bytes | None]] = {}
    if old.commit != new.commit:
        for path, before, after in changed_paths(old.repo, old.commit, new.commit):
            changed[path] = (before, after)
    for path in {*old.over, *new.over} - changed.keys():
        changed[path] = (old.stored(path), new.stored(path))
    yield from ((path, *changed[path]) for path in sorted(changed) if "/" in path)


def live_view(run: Run, scope: Scope) -> tuple[View, CaptureResult]:
    """Read the live org over its last snapshot. Nothing is written; only changes are held."""
    run = inheriting(run)
    identity = run.gateway.identity()
    tip = run.repo.branch(run.snapshots)
    before = manifest_of(run.repo, tip, run.snapshots) if tip else None
    warnings = check_identity(run, identity.public_id, before)
    rules = before.rules if before else run.catalog.rules
    # What is kept stays as it was stored: the view renormalizes it, as it does any snapshot.
    draft = _LiveDraft(run.repo, tip, run.catalog if rules != run.catalog.rules else None)
    result = read_org(run, scope, draft, before)
    result.warnings += warnings
    states: dict[str, TypeState] = {name: out.state for name, out in result.types.items()}
    org = OrgIdentity(run.org, identity.public_id, run.site)
    filters = scope.selection.describe()
    manifest = Manifest(org, rules, states, scope.types, filters)
    return View(run.repo, f"live:{run.org}", tip, manifest, draft.over()), result


class _LiveDraft:
    """A draft that is never committed: what differs from the last snapshot stays in memory."""

    def __init__(self, repo: Repository, tip: str | None, newer: Catalog | None) -> None:
        self._repo = repo
        self._newer = newer
        self._old = read_paths(repo, tip) if tip else {}
        self._folders: dict[str, list[str]] = {}
        for path in sorted(self._old):
            self._folders.setdefault(path.partition("/")[0], []).append(path)
        self._new: dict[str, bytes | None] = {}

    def previous_files(self, folder: str) -> list[str]:
        return self._folders.get(folder, [])

    def files(self, folder: str) -> list[str]:
        return sorted(path for path in self._new if path.startswith(f"{folder}/"))

    def read_previous(self, path: str) -> bytes | None:
        sha = self._old.get(path)
        data = self._repo.read(sha, BLOB) if sha else None
        return renormalized(path, data, self._newer) if data and self._newer else data

    def keep_equal(self, path: str, data: bytes) -> bool:
        equal = self._old.get(path) == object_id(BLOB, data)
        if equal:
            self._new[path] = None
        return equal

    def keep(self, path: str) -> None:
        if path not in self._old:
            raise StoreError(f"there is no {path} to keep")
        self._new[path] = None

    def keep_folder(self, folder: str) -> None:
        self._new.update(dict.fromkeys(self.previous_files(folder)))

    def put(self, path: str, data: bytes) -> None:
        self._new[path] = data

    def drop(self, path: str) -> None:
        for inside in [p for p in self._new if p == path or p.startswith(f"{path}/")]:
            del self._new[inside]

    def over(self) -> dict[str, bytes | None]:
        """What lies over the last snapshot: new content, and ``None`` where a file is gone."""
        put = {path: data for path, data in self._new.items() if data is not None}
        gone = (path for path in self._old if "/" in path and path not in self._new)
        return {**put, **dict.fromkeys(gone)}
