"""Capture: one snapshot of an org, type by type, streaming from the API into a commit."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.core.manifest import NAME as MANIFEST
from ddsnap.core.manifest import Manifest, OrgIdentity
from ddsnap.errors import ApiError, ExitCode
from ddsnap.flows import journal
from ddsnap.flows.compose import ATTRIBUTES, Reading, check_rules, compose, trailers
from ddsnap.flows.filter_use import Watched, refuse_unused, unused_warnings
from ddsnap.flows.heirs import inheriting
from ddsnap.flows.identity import check_identity
from ddsnap.flows.messages import capture_message
from ddsnap.flows.read_org import Scope, read_org
from ddsnap.flows.renormalize import renormalize
from ddsnap.flows.snapshot import manifest_of
from ddsnap.flows.sync import ALONE, Exchange, begin, publish
from ddsnap.store.ancestry import commits_since
from ddsnap.store.locks import org_lock
from ddsnap.store.maintenance import maintain
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.sweep import sweep

if TYPE_CHECKING:
    from datetime import datetime

    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.run import Run


def capture(run: Run, scope: Scope, exchange: Exchange = ALONE) -> CaptureResult:
    """Make a snapshot of the org and record the run in its journal.

    Raises ``Refused`` before anything is recorded where the keys belong to another org, the lock is
    held or a branch has diverged from the remote's, and ``ApiError`` after the run was recorded as
    failed.
    """
    result = _capture(run, scope, exchange)
    note = maintain(run.repo)
    result.warnings += [note.text] if note else []
    return result


def _capture(run: Run, scope: Scope, exchange: Exchange) -> CaptureResult:
    branches = (run.snapshots, run.journal)
    with org_lock(run.repo, run.org, "capture"):
        sweep(run.repo)
        warnings = begin(run.repo, exchange, branches)
        started = run.clock()
        try:
            reading = _read(run, scope, started)
        except ApiError as error:
            failure = _Failure(run, started, error.message)
            publish(run.repo, exchange, branches, failure.compose)
            raise
        reading.result.requests = run.gateway.requests()
        reading.result.seconds = (run.clock() - started).total_seconds()
        reading.result.warnings = [*warnings, *reading.result.warnings]
        recording = _Recording(run, reading)
        published = publish(run.repo, exchange, branches, recording.compose)
        result = recording.result
        result.pushed = published.pushed
        result.warnings += published.warnings
        return result


def look(run: Run, scope: Scope, last: CaptureResult | None = None) -> Reading:
    """Read the org and stage its snapshot; no branch moves before ``settle``.

    That is for a run that holds the lock and records itself. ``last`` is what it has read before:
    the journal does not know that yet.
    """
    return _read(run, scope, run.clock(), last)


def settle(run: Run, reading: Reading, exchange: Exchange = ALONE) -> CaptureResult:
    """Let the org's snapshots go on to what was read."""
    recording = _Recording(run, reading, journal=False)
    published = publish(run.repo, exchange, (run.snapshots,), recording.compose)
    recording.result.warnings += published.warnings
    return recording.result


def exit_code(result: CaptureResult) -> ExitCode:
    """Return what a finished capture answers to its caller."""
    lacking = result.partial or result.pushed is False
    return ExitCode.PARTIAL if lacking else ExitCode.DONE


class _Recording:
    """The two commits of a run, composed as often as other runs move the branches."""

    def __init__(self, run: Run, reading: Reading, *, journal: bool = True) -> None:
        self._run = run
        self._reading = reading
        self._journal = journal
        self._snapshot = ""
        self._entry = ""
        self.result = reading.result

    def compose(self) -> dict[str, str]:
        """Return what each branch shall move to; what the remote has taken already is left out."""
        run, reading = self._run, self._reading
        offer = {}
        if not _holds(run, run.snapshots, self._snapshot, reading.tip):
            self._snapshot, self.result = compose(run, reading)
            offer[run.snapshots] = self._snapshot
        if self._journal and not _holds(run, run.journal, self._entry, reading.journal):
            new = _new_fields(self.result, journal.unknown_fields(run))
            self.result = replace(self.result, new_fields=new)
            if run.daily and journal.repeats(run, reading.started, self.result):
                return offer
            self._entry = journal.stage_capture(run, reading.started, self.result)
            offer[run.journal] = self._entry
        return offer


class _Failure:
    """The journal's entry of a run that could not read the org."""

    def __init__(self, run: Run, started: datetime, message: str) -> None:
        self._run = run
        self._started = started
        self._message = message
        self._base = run.repo.branch(run.journal)
        self._entry = ""

    def compose(self) -> dict[str, str]:
        """Return what the journal shall move to, unless the remote has taken it already."""
        run = self._run
        if _holds(run, run.journal, self._entry, self._base):
            return {}
        self._entry = journal.stage_failure(run, self._started, self._message)
        return {run.journal: self._entry}


def _holds(run: Run, branch: str, commit: str, base: str | None) -> bool:
    """Tell whether a branch that was at ``base`` holds the commit by now."""
    tip = run.repo.branch(branch)
    return bool(tip and commit) and commit in commits_since(run.repo, tip or "", base)


def _read(run: Run, scope: Scope, started: datetime, last: CaptureResult | None = None) -> Reading:
    """Read the org and stage it on top of the last snapshot."""
    run = inheriting(run)
    identity = run.gateway.identity()
    tip, log = run.repo.branch(run.snapshots), run.repo.branch(run.journal)
    before = manifest_of(run.repo, tip) if tip else None
    warnings = check_identity(run, identity.public_id, before)
    base = tip
    if tip and before:
        check_rules(run, before)
        if before.rules < run.catalog.rules:
            base = renormalize(run, tip, before)
    wanted, narrowing = Watched(scope.selection.filters), Watched(scope.narrowing.filters)
    scope = replace(scope, selection=wanted, narrowing=narrowing)
    with SnapshotWriter(run.repo, run.snapshots, base) as writer:
        known = last.read_at if last and last.commit == base else journal.read_times(run, base)
        result = read_org(run, scope, writer, before, known)
        refuse_unused(narrowing, result, writer, run.catalog)
        warnings = [*warnings, *unused_warnings(wanted, result, writer, run.catalog)]
        org = OrgIdentity(run.org, identity.public_id, run.site)
        states = {name: outcome.state for name, outcome in result.types.items()}
        states = {name: state for name, state in states.items() if name in scope.types}
        manifest = Manifest(org, run.catalog.rules, states, scope.types, scope.selection.describe())
        writer.put(MANIFEST, manifest.to_bytes())
        writer.put(".gitattributes", ATTRIBUTES)
        message = capture_message(run.org, result.changes, trailers(run, started, result))
        commit = writer.stage(message, time=run.clock())
        result.committed = commit is not None
        result.commit = commit or base
        result.warnings = [*warnings, *(note.text for note in writer.notes)]
    return Reading(started, tip, base, result.commit or "", log, result)


def _new_fields(result: CaptureResult, known: dict[str, list[str]]) -> dict[str, Counter[str]]:
    """The undeclared fields that no earlier run has named."""
    new: dict[str, Counter[str]] = {}
    for name, outcome in result.types.items():
        fresh = {f: n for f, n in outcome.unknown.items() if f not in known.get(name, [])}
        if fresh:
            new[name] = Counter(fresh)
    return new
