"""What a capture came to, told to people and to programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.cli.text import one_line
from ddsnap.core.normalize import title_of
from ddsnap.core.paths import document_path
from ddsnap.flows.messages import NOTES, summary
from ddsnap.flows.snapshot import read_document

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.cli.terminal import Terminal
    from ddsnap.core.values import Address
    from ddsnap.flows.live import Problem
    from ddsnap.flows.outcome import CaptureResult, FoundSecret, ResourceChange, TypeOutcome
    from ddsnap.flows.run import Run

MOST: Final = 20
"""So many resources are named; ``-v`` names all."""

_SIGNS: Final = {
    "added": "+",
    "changed": "~",
    "deleted": "-",
    "expired": "-",
    "left": "-",
    "touched": ".",
}


def tell(terminal: Terminal, run: Run, result: CaptureResult, *, dry_run: bool = False) -> None:
    """Tell what a capture of an org came to: what changed, what is lacking, what to do next."""
    problems = list(_problems(run, result))
    if terminal.json:
        _tell_programs(terminal, result, problems, dry_run=dry_run)
    most = None if terminal.verbosity > 0 else MOST
    terminal.line(_headline(run, result, dry_run=dry_run))
    shown = [c for c in result.changes if c.kind != "touched" or terminal.verbosity > 0]
    _list(terminal, [_change_line(change) for change in shown], most)
    for name, fields in result.new_fields.items():
        for field, count in fields.items():
            what = f"{name}: new field '{field}' in {_several(count, 'resource')}"
            terminal.line(f"  {one_line(what)}; stored as it is")
    _tell_states(terminal, result)
    _list(terminal, [_problem_line(*problem) for problem in problems], most)
    _list(terminal, [_secret_line(found) for found in result.secrets], most)
    if result.secrets:
        terminal.warn(
            f"{run.org}: {_several(len(result.secrets), 'secret')} redacted; add each TYPE:POINTER"
            " (or TYPE/ID:POINTER, for one resource alone) to secrets.redact to keep it so, or to"
            " secrets.allow if it is none"
        )
    for warning in result.warnings:
        terminal.warn(f"{run.org}: {warning}")
    if result.committed:
        terminal.note(f"Next: git log {run.snapshots}, or ddsnap diff {run.org}")


def _headline(run: Run, result: CaptureResult, *, dry_run: bool) -> str:
    what = summary(result.counts)
    if dry_run:
        return f"{run.org}: {what} ({_size(result)}); dry run, nothing is written"
    if result.superseded:
        return f"{run.org}: superseded by a run that started later ({_size(result)})"
    if not result.committed:
        return f"{run.org}: {what} ({_size(result)})"
    if not result.counts:
        what = "no resource changed, but the state of types did"
    return f"{run.org}: {what}  -> {run.snapshots} {(result.commit or '')[:7]}"


def _size(result: CaptureResult) -> str:
    """Return ``306 resources, 9 types, 42 requests, 1.2 s``."""
    resources = sum(outcome.count for outcome in result.types.values())
    types = sum(outcome.state.state != "uncaptured" for outcome in result.types.values())
    parts = (
        _several(resources, "resource"),
        _several(types, "type"),
        _several(_requests(result), "request"),
        f"{result.seconds:.1f} s",
    )
    return ", ".join(parts)


def _tell_states(terminal: Terminal, result: CaptureResult) -> None:
    """Name each type that was not read as a whole, every time."""
    unread = []
    for outcome in result.types.values():
        state = outcome.state
        if state.state in ("stale", "partial"):
            terminal.warn(f"{result.org}: {_lacking(outcome)}")
        elif state.state == "unavailable":
            reason = f": {one_line(state.reason)}" if state.reason else ""
            terminal.line(f"  {outcome.name} is unavailable{reason}")
        elif state.state == "uncaptured" and not outcome.changes:
            unread.append(outcome.name)
    if unread:
        terminal.line(f"  not read yet: {', '.join(unread)}")


def _lacking(outcome: TypeOutcome) -> str:
    state = outcome.state
    kept = f"; its {_several(outcome.count, 'document')} kept" if state.state == "stale" else ""
    since = "" if outcome.refreshed else " (not read in this run)"
    return f"{outcome.name} is {state.state}: {state.reason or 'no reason known'}{kept}{since}"


def _problems(run: Run, result: CaptureResult) -> Iterator[tuple[Problem, str, bool]]:
    """Yield what could not be read, its title as last stored, and whether that is kept."""
    for outcome in result.types.values():
        for problem in outcome.problems:
            title, kept = _last_known(run, result.commit, problem.address)
            yield problem, title, kept


def _last_known(run: Run, commit: str | None, address: Address) -> tuple[str, bool]:
    type_ = run.catalog.get(address.type)
    if commit is None or type_ is None:
        return "", False
    if run.repo.read_file(commit, document_path(address)) is None:
        return "", False
    document = read_document(run.repo, commit, address, run.catalog)
    return title_of(type_, document.body) if document else "", True


def _change_line(change: ResourceChange) -> str:
    by = f" by {change.by}" if change.by else ""
    note = NOTES.get(change.kind, by)
    return f"{_SIGNS[change.kind]} {_named(change.address, change.title)}{note}"


def _problem_line(problem: Problem, title: str, kept: bool) -> str:
    result = "its last document is kept" if kept else "it is not in the snapshot"
    result = "what is known of it is kept" if problem.nameless else result
    return f"! {_named(problem.address, title)}: {problem.reason}; {result}"


def _secret_line(found: FoundSecret) -> str:
    return f"! {_named(found.address, found.title)}: {found.why} was redacted at {found.place}"


def _named(address: Address, title: str) -> str:
    return f'{address.type} "{title}" {address.id}' if title else f"{address.type} {address.id}"


def _list(terminal: Terminal, lines: list[str], most: int | None) -> None:
    for line in lines[:most]:
        terminal.line(f"  {one_line(line)}")
    if most is not None and len(lines) > most:
        terminal.line(f"  ... and {len(lines) - most} more (-v names all)")


def _tell_programs(
    terminal: Terminal,
    result: CaptureResult,
    problems: list[tuple[Problem, str, bool]],
    *,
    dry_run: bool,
) -> None:
    org = result.org
    for change in result.changes:
        where = {"type": change.address.type, "id": change.address.id}
        told = {"title": change.title, "by": change.by}
        terminal.event("change", org=org, kind=change.kind, **where, **told)
    for problem, title, kept in problems:
        where = {"type": problem.address.type, "id": problem.address.id}
        terminal.event("problem", org=org, **where, title=title, reason=problem.reason, kept=kept)
    for found in result.secrets:
        where = {"type": found.address.type, "id": found.address.id}
        told = {"title": found.title, "pointer": found.pointer, "why": found.why}
        terminal.event("secret", org=org, **where, **told)
    for name, fields in result.new_fields.items():
        for field, count in fields.items():
            terminal.event("new_field", org=org, type=name, field=field, count=count)
    for warning in result.warnings:
        terminal.event("warning", org=org, message=warning)
    terminal.event(
        "captured",
        org=org,
        state="partial" if result.partial else "done",
        dry_run=dry_run,
        commit=result.commit,
        new=result.committed,
        pushed=result.pushed,
        superseded=result.superseded,
        counts=dict(result.counts),
        types={name: _type(outcome) for name, outcome in result.types.items()},
        requests=_requests(result),
        seconds=round(result.seconds, 3),
    )


def _type(outcome: TypeOutcome) -> dict[str, object]:
    return {
        "state": outcome.state.state,
        "reason": outcome.state.reason,
        "count": outcome.count,
        "read": outcome.refreshed,
    }


def _requests(result: CaptureResult) -> int:
    return sum(route.requests for route in result.requests.values())


def _several(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
