"""Capture: one snapshot of an org, type by type, streaming from the API into a commit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ddsnap.core.manifest import NAME as MANIFEST
from ddsnap.core.manifest import Manifest, OrgIdentity, TypeState
from ddsnap.core.paths import parse_document_path
from ddsnap.core.values import Address
from ddsnap.errors import ApiError, ExitCode, Refused
from ddsnap.flows import journal
from ddsnap.flows.capture_type import TypeCapture
from ddsnap.flows.identity import check_identity
from ddsnap.flows.live import Seen
from ddsnap.flows.messages import capture_message
from ddsnap.flows.outcome import CaptureResult, ResourceChange, TypeOutcome
from ddsnap.flows.renormalize import renormalize
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.locks import org_lock
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.sweep import sweep

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.flows.run import Run

ATTRIBUTES: Final = b"* -text\n"
"""Keeps git from changing line ends, so that a clone shows the same bytes everywhere."""


@dataclass(frozen=True)
class Scope:
    """What a capture shall read: the configured types, and those that the command line names."""

    types: tuple[str, ...]
    only: frozenset[str] = frozenset()
    """Narrowed on the command line: every other type is carried over."""
    accept_loss: frozenset[str] = frozenset()


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
        work = _Capture(run, scope, writer, before)
        result = work.read_all()
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


@dataclass
class _Capture:
    """The work of one capture: what was read so far, and the commit that grows from it."""

    run: Run
    scope: Scope
    writer: SnapshotWriter
    before: Manifest | None
    seen: Seen = field(default_factory=Seen)

    def read_all(self) -> CaptureResult:
        """Read, or carry over, every type in scope; what left the scope is dropped."""
        result = CaptureResult(self.run.org, named=self.scope.only)
        for type_ in self.run.catalog.types:
            if type_.name in self.scope.types:
                result.types[type_.name] = outcome = self._one_type(type_)
                outcome.count = len(self.writer.files(type_.name))
                self._remember(type_, outcome)
        for name in self.before.types if self.before else ():
            left = [] if name in self.scope.types else self.writer.previous_files(name)
            if left:
                changes = [ResourceChange("left", _address(path)) for path in left]
                state = TypeState("uncaptured")
                result.types[name] = TypeOutcome(name, state, changes=changes, refreshed=False)
        return result

    def _one_type(self, type_: ResourceType) -> TypeOutcome:
        if self.scope.only and type_.name not in self.scope.only:
            self.writer.keep_folder(type_.name)
            state = self.before.state_of(type_.name) if self.before else TypeState("uncaptured")
            return TypeOutcome(type_.name, state, refreshed=False)
        self.run.sink("type_started", org=self.run.org, type=type_.name)
        capture_type = TypeCapture(self.run, self.writer, type_, self.seen)
        outcome = capture_type.read(accept_loss=type_.name in self.scope.accept_loss)
        self.run.sink(
            "type_finished",
            org=self.run.org,
            type=type_.name,
            state=outcome.state.state,
            reason=outcome.state.reason,
            count=len(self.writer.files(type_.name)),
        )
        return outcome

    def _remember(self, type_: ResourceType, outcome: TypeOutcome) -> None:
        """Keep the ids of a type that others are read through, kept documents included."""
        if not outcome.state.whole and outcome.refreshed:
            self.seen.unread.add(type_.name)
        if any(type_.name in _needed(other) for other in self.run.catalog.types):
            self.seen.ids[type_.name] = [
                _address(path).id for path in self.writer.files(type_.name)
            ]


def _needed(type_: ResourceType) -> set[str]:
    """The types whose ids are needed to read this one."""
    objects = type_.discover.objects if type_.discover else {}
    return {type_.parent, type_.orders, *objects}


def _address(path: str) -> Address:
    name, id_ = parse_document_path(path)
    return Address(name, id_ or path)


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
