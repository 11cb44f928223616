"""Composing a snapshot from what a run read, on the tip that the branch has by now.

Where another run was faster, its snapshot is the ground: what this run found changed is laid over
it, what it did not touch stays, and what a run that started later has read is left to that one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Final

from ddsnap.core.manifest import NAME as MANIFEST
from ddsnap.core.paths import document_path
from ddsnap.errors import Refused
from ddsnap.flows import journal
from ddsnap.flows.messages import capture_message
from ddsnap.flows.renormalize import renormalize
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.ancestry import commits_since
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.trees import changed_paths

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.core.manifest import Manifest
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.outcome import CaptureResult, ResourceChange
    from ddsnap.flows.run import Run
    from ddsnap.store.commits import CommitInfo

ATTRIBUTES: Final = b"* -text\n"
"""Keeps git from changing line ends, so that a clone shows the same bytes everywhere."""

STARTED: Final = "Ddsnap-Started"
READ: Final = "Ddsnap-Read"
_READ_STATES: Final = ("complete", "partial", "rotating", "harvested")


@dataclass(frozen=True)
class Reading:
    """What a run read, staged on top of ``base``: the snapshot ``tip`` as today's rules have it."""

    started: datetime
    tip: str | None
    base: str | None
    head: str
    journal: str | None
    """The journal's tip when the run started."""
    result: CaptureResult


def compose(run: Run, reading: Reading) -> tuple[str, CaptureResult]:
    """Return the commit that the branch is to move to, and what it records."""
    tip = run.repo.branch(run.snapshots)
    later = _read_later(run, reading, tip)
    if tip is None or (tip == reading.tip and not later):
        return reading.head, reading.result
    return _compose_on(run, reading, tip, later)


def trailers(run: Run, started: datetime, result: CaptureResult) -> dict[str, str]:
    """Return what a snapshot commit says of the run that made it."""
    types = result.types.items()
    whole = [name for name, o in types if o.refreshed and o.state.whole and not o.narrowed]
    return {
        "Ddsnap-Org": run.org,
        "Ddsnap-Site": run.site,
        "Ddsnap-Version": run.author.version,
        STARTED: started.isoformat(timespec="milliseconds"),
        READ: " ".join(whole),
    }


def check_rules(run: Run, manifest: Manifest) -> None:
    """Refuse to write over what a newer ddsnap has written."""
    if manifest.rules > run.catalog.rules:
        raise Refused(
            f"{run.snapshots} was written by a newer ddsnap (rules {manifest.rules})",
            "install that version: an older one would rewrite its documents",
        )


def _compose_on(
    run: Run, reading: Reading, tip: str, later: frozenset[str]
) -> tuple[str, CaptureResult]:
    ours, theirs = manifest_of(run.repo, reading.head), manifest_of(run.repo, tip)
    _check_ground(run, ours, theirs)
    base = tip if theirs.rules == run.catalog.rules else renormalize(run, tip, theirs)
    laid = _own_changes(run, reading, tip, later)
    read = _read(reading.result)
    whole = {name for name in read if not reading.result.types[name].narrowed}
    with SnapshotWriter(run.repo, run.snapshots, base) as writer:
        writer.keep_folder("")
        for path, sha in laid.items():
            if sha is None:
                writer.drop(path)
            else:
                writer.take(path, sha)
        before = manifest_of(run.repo, reading.base) if reading.base else None
        manifest = _united(before, ours, theirs, whole - later)
        writer.put(MANIFEST, manifest.to_bytes())
        writer.put(".gitattributes", ATTRIBUTES)
        result = _recorded(reading.result, writer, laid)
        said = {**trailers(run, reading.started, result)}
        said[READ] = " ".join(name for name in said[READ].split() if name not in later)
        message = capture_message(run.org, result.changes, said)
        commit = writer.stage(message, time=run.clock())
        result.committed = commit is not None
        result.commit = commit or base
        result.superseded = bool(read) and read <= later
        result.read_at = _read_at(run, tip, result, later)
        result.warnings = [*result.warnings, *(note.text for note in writer.notes)]
    return result.commit, result


def _own_changes(
    run: Run, reading: Reading, tip: str, later: frozenset[str]
) -> dict[str, bytes | None]:
    """Return what this run found changed, but for what a run that started later has changed."""
    theirs: set[str] = set()
    for info in _snapshots_since(run, tip, reading.tip):
        if _started_later(journal.parse_time(info.trailer(STARTED)), reading):
            before = info.parents[0] if info.parents else None
            theirs.update(path for path, _, _ in changed_paths(run.repo, before, info.sha))
    return {
        path: sha
        for path, _, sha in changed_paths(run.repo, reading.base, reading.head)
        if "/" in path and path not in theirs and path.partition("/")[0] not in later
    }


def _read(result: CaptureResult) -> frozenset[str]:
    """The types of which a run has read anything that can be believed."""
    types = result.types.items()
    return frozenset(n for n, o in types if o.refreshed and o.state.state in _READ_STATES)


def _check_ground(run: Run, ours: Manifest, theirs: Manifest) -> None:
    check_rules(run, theirs)
    ids = (ours.org.public_id, theirs.org.public_id)
    if all(ids) and ids[0] != ids[1]:
        raise Refused(
            f"{run.snapshots} at the remote is of org {ids[1]}, this run is of org {ids[0]}",
            "a different org needs a name of its own in ddsnap.yaml",
        )


def _united(before: Manifest | None, ours: Manifest, theirs: Manifest, read: set[str]) -> Manifest:
    """Return what the composed snapshot says: of the types that we read, what we found."""
    old = set(before.scope_types) if before else set()
    mine, other = set(ours.scope_types), set(theirs.scope_types)
    scope = (other | (mine - old)) - (old - mine)
    states = {**ours.types, **theirs.types, **{name: ours.state_of(name) for name in read}}
    states = {name: state for name, state in states.items() if name in scope}
    return replace(ours, types=states, scope_types=tuple(sorted(scope)))


def _recorded(
    result: CaptureResult, writer: SnapshotWriter, laid: Mapping[str, bytes | None]
) -> CaptureResult:
    """Return the result with those changes alone that the commit makes."""
    types = {}
    for name, outcome in result.types.items():
        changes = [new for old in outcome.changes if (new := _change(old, writer, laid))]
        types[name] = replace(outcome, changes=changes, count=len(writer.files(name)))
    return replace(result, types=types)


def _change(
    change: ResourceChange, writer: SnapshotWriter, laid: Mapping[str, bytes | None]
) -> ResourceChange | None:
    path = document_path(change.address)
    before = writer.previous(path)
    if path not in laid or laid[path] == before:
        return None
    if laid[path] is None:
        return change
    if before is None:
        return replace(change, kind="added")
    return replace(change, kind="changed") if change.kind == "added" else change


def _read_at(run: Run, tip: str, result: CaptureResult, later: frozenset[str]) -> dict[str, float]:
    """Return since when the composed documents are known to be so: the earlier of two readings."""
    theirs = journal.read_times(run, tip)
    both = theirs.keys() & result.read_at.keys()
    return {
        name: theirs[name] if name in later else min(theirs[name], result.read_at[name])
        for name in sorted(both)
    }


def _read_later(run: Run, reading: Reading, tip: str | None) -> frozenset[str]:
    """The types that were read meanwhile by a run that started after this one."""
    return frozenset(
        name
        for when, names in (*_recorded_runs(run, reading), *_snapshots(run, reading, tip))
        if _started_later(when, reading)
        for name in names
    )


def _recorded_runs(run: Run, reading: Reading) -> Iterator[tuple[datetime | None, list[str]]]:
    journal_tip = run.repo.branch(run.journal)
    for commit in commits_since(run.repo, journal_tip, reading.journal) if journal_tip else ():
        record = journal.record_of(run.repo, commit)
        types = record.get("types")
        names = types.items() if isinstance(types, dict) else ()
        yield (
            journal.parse_time(record.get("started")),
            [name for name, entry in names if _was_read(entry)],
        )


def _snapshots(
    run: Run, reading: Reading, tip: str | None
) -> Iterator[tuple[datetime | None, list[str]]]:
    """What the commits themselves say; a remote may have got them before their journal."""
    for info in _snapshots_since(run, tip, reading.tip):
        yield journal.parse_time(info.trailer(STARTED)), (info.trailer(READ) or "").split()


def _snapshots_since(run: Run, tip: str | None, base: str | None) -> Iterator[CommitInfo]:
    for commit in commits_since(run.repo, tip, base) if tip else ():
        yield run.repo.commit_info(commit)


def _was_read(entry: object) -> bool:
    body: JSONObject = entry if isinstance(entry, dict) else {}
    whole = body.get("state") in _READ_STATES and not body.get("narrowed")
    return body.get("read") is True and whole


def _started_later(when: datetime | None, reading: Reading) -> bool:
    ours = datetime.fromisoformat(reading.started.isoformat(timespec="milliseconds"))
    return when is not None and when > ours
