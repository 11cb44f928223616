"""The past of an org, of a type and of a resource, line by line as it is read."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from ddsnap.catalog import CATALOG
from ddsnap.cli.named import moment, short, stamp
from ddsnap.cli.render.diff import attribution, drift_lines, record
from ddsnap.cli.text import one_line
from ddsnap.core.fields import value_at
from ddsnap.flows.drift import drift
from ddsnap.flows.journal import record_of
from ddsnap.flows.messages import summary
from ddsnap.flows.past_replays import RUN, STATE, kind_of, who
from ddsnap.flows.replay_journal import SHORT
from ddsnap.flows.view import snapshot_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ddsnap.cli.terminal import Terminal
    from ddsnap.flows.drift import Drift
    from ddsnap.flows.history import Version
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

_SNAPSHOT: Final = re.compile(r"(capture|normalize) [a-z0-9-]+: (.*)")
_RUN: Final = re.compile(r"run [^:]+: (.*)")


def tell_all(terminal: Terminal, repo: Repository, org: str, commits: Iterable[CommitInfo]) -> None:
    """Tell the snapshots of an org, and the replays into it."""
    for commit in commits:
        if commit.trailer(RUN):
            _tell_run(terminal, repo, org, commit, always=False)
        else:
            kind, what = _subject(_SNAPSHOT, commit)
            _tell(terminal, "snapshot", commit, (), {"org": org, "kind": kind, "summary": what})


def tell_runs(
    terminal: Terminal, repo: Repository, org: str, commits: Iterable[CommitInfo]
) -> None:
    """Tell the runs against an org, with their ids and states, and who started them."""
    for commit in commits:
        _tell_run(terminal, repo, org, commit, always=True)


def _tell_run(
    terminal: Terminal, repo: Repository, org: str, commit: CommitInfo, *, always: bool
) -> None:
    """Tell one run; ``always`` with its id and state, which are of use for some alone."""
    record = record_of(repo, commit.sha)
    match = _RUN.fullmatch(commit.subject)
    kind = kind_of(record) if record and match else "other"
    state, run = commit.trailer(STATE) or "unknown", commit.trailer(RUN) or ""
    what = match[1] if match else commit.subject
    by = who(record) if record else ""
    fields = {"org": org, "kind": kind, "state": state, "summary": what, "run": run, "by": by}
    source = value_at(record, "source.org")
    if source:
        fields |= {"source": str(source), "undoes": str(record.get("undoes") or "")}
    columns = (run[:SHORT].ljust(SHORT), f"{state:<8}") if always else ()
    _tell(terminal, "run", commit, columns, fields)


def tell_type(
    terminal: Terminal, repo: Repository, org: str, type_name: str, commits: Iterable[CommitInfo]
) -> None:
    """Tell the snapshots that changed a type, each with what it changed of it."""
    for commit in commits:
        kind, what = _subject(_SNAPSHOT, commit)
        if kind == "capture":
            what = f"{type_name}: {summary(_counts(repo, commit, type_name))}"
        fields = {"org": org, "type": type_name, "kind": kind, "summary": what}
        _tell(terminal, "snapshot", commit, (), fields)


def tell_resource(
    terminal: Terminal, org: str, versions: Iterable[Version], *, ids: bool = False
) -> None:
    """Tell the versions of a resource: when, who, which fields, and under which of its ``ids``."""
    for version in versions:
        if version.drift is None:  # the form alone changed
            continue
        commit = version.commit
        if terminal.json:
            told = {**record(version.drift), "time": stamp(commit), "commit": commit.sha}
            terminal.event("version", **{**told, "org": org, "kind": _kind(version.drift)})
        for line in _version_lines(terminal, version.drift, commit, ids=ids):
            terminal.line(line)


def _version_lines(
    terminal: Terminal, found: Drift, commit: CommitInfo, *, ids: bool
) -> Iterator[str]:
    who = attribution(found)
    title = f'"{one_line(found.title)}"' if found.title else ""
    id_ = one_line(found.address.id) if ids else ""
    words = (moment(commit), short(commit.sha), _kind(found), title, id_, who)
    yield "  ".join(word for word in words if word)
    fields = drift_lines(found, all_of_it=terminal.verbosity > 0)
    next(fields)
    yield from (f"  {line}" for line in fields if line.depth > 1)


def _kind(found: Drift) -> str:
    """Return what became of the resource: whoever dropped it, the snapshot lost it."""
    return "left scope" if found.kind == "unknown" else found.kind


def _tell(
    terminal: Terminal,
    event: str,
    commit: CommitInfo,
    columns: tuple[str, ...],
    fields: dict[str, str],
) -> None:
    if terminal.json:
        terminal.event(event, time=stamp(commit), commit=commit.sha, **fields)
    by = f"by {fields['by']}" if fields.get("by") else ""
    words = (moment(commit), short(commit.sha), *columns, one_line(_words(fields)), one_line(by))
    terminal.line("  ".join(word for word in words if word))


def _words(fields: dict[str, str]) -> str:
    kind, summary = fields["kind"], fields["summary"]
    if kind == "replay":
        return f"replay from {fields['source']}: {summary}"
    if kind == "undo":
        return f"undo of {fields['undoes'][:SHORT]}: {summary}"
    return summary if kind == "capture" else f"{kind}: {summary}"


def _subject(form: re.Pattern[str], commit: CommitInfo) -> tuple[str, str]:
    """Return kind and summary of a commit that ddsnap made; whose subject is not its own, whole."""
    match = form.fullmatch(commit.subject)
    return (match[1], match[2]) if match else ("other", commit.subject)


def _counts(repo: Repository, commit: CommitInfo, type_name: str) -> Counter[str]:
    after = snapshot_view(repo, commit.sha, commit.sha)
    if not commit.parents:
        return Counter(added=len(after.paths(only=type_name)))
    before = snapshot_view(repo, commit.parents[0], commit.parents[0])
    found = drift(before, after, CATALOG, types=(type_name,), touched=True)
    return Counter("left" if one.kind == "unknown" else one.kind for one in found)
