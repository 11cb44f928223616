"""Capture: one snapshot of an org, type by type, streaming from the API into a commit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ddsnap.core.manifest import NAME as MANIFEST
from ddsnap.core.manifest import Manifest, OrgIdentity
from ddsnap.errors import ApiError, ExitCode, Refused
from ddsnap.flows import journal
from ddsnap.flows.identity import check_identity
from ddsnap.flows.messages import capture_message
from ddsnap.flows.read_org import Scope, read_org
from ddsnap.flows.renormalize import renormalize
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.locks import org_lock
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.sweep import sweep

if TYPE_CHECKING:
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.run import Run

ATTRIBUTES: Final = b"* -text\n"
"""Keeps git from changing line ends, so that a clone shows the same bytes everywhere."""


def capture(run: Run, scope: Scope) -> CaptureResult:
    """Make a snapshot of the org and record the run in its journal.

    Raises ``Refused`` before anything is recorded where the keys belong to another org or the lock
    is held, and ``ApiError`` after the run was recorded as failed.
    """
    with org_lock(run.repo, run.org, "capture"):
        sweep(run.repo)
        started = run.clock()
        try:
            result = _capture(run, scope)
        except ApiError as error:
            journal.record_failure(run, started, error.message)
            raise
        result.requests = run.gateway.requests()
        result.new_fields = _new_fields(result, journal.unknown_fields(run))
        result.seconds = (run.clock() - started).total_seconds()
        journal.record_capture(run, started, result)
        return result


def exit_code(result: CaptureResult) -> ExitCode:
    """Return what a finished capture answers to its caller."""
    return ExitCode.PARTIAL if result.partial else ExitCode.DONE


def _capture(run: Run, scope: Scope) -> CaptureResult:
    identity = run.gateway.identity()
    tip = run.repo.branch(run.snapshots)
    before = manifest_of(run.repo, tip) if tip else None
    warnings = check_identity(run, identity.public_id, before)
    if before and before.rules > run.catalog.rules:
        raise Refused(
            f"{run.snapshots} was written by a newer ddsnap (rules {before.rules})",
            "install that version: an older one would rewrite its documents",
        )
    if before and before.rules < run.catalog.rules:
        renormalize(run, before)
    with SnapshotWriter(run.repo, run.snapshots) as writer:
        result = read_org(run, scope, writer, before, journal.read_times(run, writer.tip))
        org = OrgIdentity(run.org, identity.public_id, run.site)
        states = {name: outcome.state for name, outcome in result.types.items()}
        states = {name: state for name, state in states.items() if name in scope.types}
        manifest = Manifest(org, run.catalog.rules, states, scope.types)
        writer.put(MANIFEST, manifest.to_bytes())
        writer.put(".gitattributes", ATTRIBUTES)
        message = capture_message(run.org, result.changes, _trailers(run, result))
        commit = writer.commit(message, time=run.clock())
        result.committed = commit is not None
        result.commit = commit or writer.tip
        result.warnings = [*warnings, *(note.text for note in writer.notes)]
    return result


def _trailers(run: Run, result: CaptureResult) -> dict[str, str]:
    read = [
        name for name, outcome in result.types.items() if outcome.refreshed and outcome.state.whole
    ]
    return {
        "Ddsnap-Org": run.org,
        "Ddsnap-Site": run.site,
        "Ddsnap-Version": run.author.version,
        "Ddsnap-Read": " ".join(read),
    }


def _new_fields(result: CaptureResult, known: dict[str, list[str]]) -> dict[str, Counter[str]]:
    """The undeclared fields that no earlier run has named."""
    new: dict[str, Counter[str]] = {}
    for name, outcome in result.types.items():
        fresh = {f: n for f, n in outcome.unknown.items() if f not in known.get(name, [])}
        if fresh:
            new[name] = Counter(fresh)
    return new
