"""Verifying: what the repository holds is whole, canonical, and follows from what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.manifest import NAME as MANIFEST
from ddsnap.core.manifest import parse_manifest
from ddsnap.core.normalize import normalize
from ddsnap.core.paths import document_path
from ddsnap.errors import DdsnapError
from ddsnap.flows.faults import Checked, Fault
from ddsnap.flows.id_map import checked_map
from ddsnap.flows.journal import MAPS, RECORD
from ddsnap.flows.past_replays import kind_of
from ddsnap.flows.verify_map import verify_map
from ddsnap.flows.verify_replay import is_replay, verify_replay
from ddsnap.store.history import log
from ddsnap.store.objects import BLOB
from ddsnap.store.trees import changed_paths, find_folder, tree_of, walk_files

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository


__all__ = ["Checked", "Fault", "verify_branch", "verify_journal", "verify_snapshot"]


def verify_branch(
    repo: Repository, tip: str, catalog: Catalog, checked: Checked
) -> Iterator[Fault]:
    """Yield what is wrong in the history of snapshots that ends at ``tip``.

    Each commit is checked for what it changed, so that every document of every snapshot is looked
    at exactly once.
    """
    history = list(log(repo, tip))
    for newer, older in zip(history, [*history[1:], None], strict=True):
        checked.commits += 1
        before = older.sha if older and newer.parents else None
        yield from _verify_commit(repo, newer.sha, before, catalog, checked)


def verify_snapshot(
    repo: Repository, commit: str, catalog: Catalog, checked: Checked
) -> Iterator[Fault]:
    """Yield what is wrong in one snapshot."""
    checked.commits += 1
    yield from _verify_commit(repo, commit, None, catalog, checked)


def verify_journal(
    repo: Repository, tip: str, catalog: Catalog, checked: Checked
) -> Iterator[Fault]:
    """Yield what is wrong in an org's journal.

    Each run's record must be there and canonical, each map whole, and what a replay sent must
    follow from what the journal holds of it.
    """
    maps: set[bytes] = set()
    history = list(log(repo, tip))
    for commit, earlier in zip(history, [*history[1:], None], strict=True):
        checked.commits += 1
        damaged = list(_map_faults(repo, commit.sha, maps))
        yield from damaged
        try:
            data = repo.read_file(commit.sha, RECORD)
            record = canonical.decode(data) if data is not None else None
        except DdsnapError as error:
            yield Fault(commit.sha, RECORD, error.message)
            continue
        if not isinstance(record, dict) or "run" not in record:
            yield Fault(commit.sha, RECORD, "it is missing or no record of a run")
        elif canonical.encode(record) != data:
            yield Fault(commit.sha, RECORD, "it is not in canonical form")
        else:
            yield from _of_run(commit, record)
            if is_replay(record):
                yield from _of_replay(repo, commit, record, catalog, checked)
            if earlier and not damaged:
                yield from _of_map(repo, commit, earlier.sha, record, catalog)


def _of_run(commit: CommitInfo, record: JSONObject) -> Iterator[Fault]:
    """Yield what the record and the commit's own message tell differently."""
    for name in ("run", "state", "org"):
        told = commit.trailer(f"Ddsnap-{name.capitalize()}")
        if told != record.get(name):
            yield Fault(commit.sha, RECORD, f"its {name} is not that of the commit: {told}")
    told = commit.subject.partition(" ")[2].partition(" ")[0]
    kind, plain = kind_of(record), str(record.get("kind"))
    # What takes something back changes maps in its own way, and quiet ends within one org.
    if told != ("undo" if kind == "undo" else plain) or (kind, plain) == ("unmute", "replay"):
        yield Fault(commit.sha, RECORD, f"its kind is not that of the commit: {told}")


def _of_map(
    repo: Repository, commit: CommitInfo, earlier: str, record: JSONObject, catalog: Catalog
) -> Iterator[Fault]:
    try:
        yield from verify_map(repo, commit.sha, earlier, record, catalog)
    except DdsnapError:  # an earlier map or the outcomes are damaged, which is told of these
        return


def _of_replay(
    repo: Repository, commit: CommitInfo, record: JSONObject, catalog: Catalog, checked: Checked
) -> Iterator[Fault]:
    try:
        yield from verify_replay(repo, commit, record, catalog, checked)
    except DdsnapError as error:  # an object is lost or damaged, or a shallow history lacks it
        yield Fault(commit.sha, "", error.message)


def _map_faults(repo: Repository, commit: str, seen: set[bytes]) -> Iterator[Fault]:
    """Yield the damaged among those files of the map that no newer commit has."""
    path = MAPS
    try:
        tree = find_folder(repo, tree_of(repo, commit), MAPS)
        if tree is None or tree in seen:
            return
        seen.add(tree)
        for path, sha in walk_files(repo, tree, MAPS):
            if sha not in seen:
                seen.add(sha)
                checked_map(repo.read(sha, BLOB), path, commit, "the journal")
    except DdsnapError as error:
        yield Fault(commit, path, error.message)


def _verify_commit(
    repo: Repository, commit: str, before: str | None, catalog: Catalog, checked: Checked
) -> Iterator[Fault]:
    try:
        manifest = parse_manifest(repo.read_file(commit, MANIFEST), commit[:12])
        changed = list(changed_paths(repo, before, commit))
    except DdsnapError as error:
        yield Fault(commit, MANIFEST, error.message)
        return
    current = manifest.rules == catalog.rules
    for path, _, sha in changed:
        if sha is None or "/" not in path:
            continue
        checked.documents += 1
        reason = _fault(path, sha, repo, catalog, current=current)
        if reason:
            yield Fault(commit, path, reason)


def _fault(path: str, sha: bytes, repo: Repository, catalog: Catalog, *, current: bool) -> str:
    """Say what is wrong with a stored document; nothing for a good one."""
    try:
        data = repo.read(sha, BLOB)
        body = canonical.decode(data)
        if not isinstance(body, dict):
            return "it holds no object"
        if canonical.encode(body) != data:
            return "it is not in canonical form"
        type_ = catalog.get(path.partition("/")[0])
        return _misplaced(type_, path, body, data) if type_ and current else ""
    except DdsnapError as error:
        return error.message


def _misplaced(type_: ResourceType, path: str, body: JSONObject, data: bytes) -> str:
    try:
        document = normalize(type_, body).document
    except KeyError as error:
        return str(error.args[0])
    if document_path(document.address) != path:
        return f"it is the document of {document.address}"
    return "" if canonical.encode(document.body) == data else "it is not normalized"
