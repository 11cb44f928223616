"""The past of an org, of a type and of a resource, line by line as it is read."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from ddsnap.catalog import CATALOG
from ddsnap.cli.named import moment, short, stamp
from ddsnap.cli.render.diff import attribution, drift_lines, record
from ddsnap.cli.text import one_line
from ddsnap.flows.drift import drift
from ddsnap.flows.messages import summary
from ddsnap.flows.view import snapshot_view

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ddsnap.cli.terminal import Terminal
    from ddsnap.flows.drift import Drift
    from ddsnap.flows.history import Version
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

_SNAPSHOT: Final = re.compile(r"(capture|normalize) [a-z0-9-]+: (.*)")
_RUN: Final = re.compile(
    r"run (?P<kind>\w+) (?:(?P<source>[a-z0-9-]+) -> |(?P<undoes>[0-9a-f]+) in )?"
    r"[a-z0-9-]+: (?P<summary>.*)"
)


def tell_all(terminal: Terminal, org: str, commits: Iterable[CommitInfo]) -> None:
    """Tell the snapshots of an org, and the replays into it."""
    for commit in commits:
        if _RUN.fullmatch(commit.subject):
            _tell_run(terminal, org, commit, always=False)
        else:
            kind, what = _subject(_SNAPSHOT, commit)
            _tell(terminal, "snapshot", commit, "", {"org": org, "kind": kind, "summary": what})


def tell_runs(terminal: Terminal, org: str, commits: Iterable[CommitInfo]) -> None:
    """Tell the runs against an org, with their states."""
    for commit in commits:
        _tell_run(terminal, org, commit, always=True)


def _tell_run(terminal: Terminal, org: str, commit: CommitInfo, *, always: bool) -> None:
    """Tell one run; ``always`` with its state, which the words of a replay imply."""
    match = _RUN.fullmatch(commit.subject)
    told = match.groupdict() if match else {"kind": "other", "summary": commit.subject}
    state = commit.trailer("Ddsnap-State") or "unknown"
    fields = {"org": org, "kind": told["kind"], "state": state, "summary": told["summary"]}
    if told["kind"] in ("replay", "restore", "undo"):
        fields |= {"source": told["source"] or org, "run": commit.trailer("Ddsnap-Run") or ""}
    if told["kind"] == "undo":
        fields["undoes"] = told["undoes"] or ""
    column = f"{state:<8}" if always else ""
    _tell(terminal, "run", commit, column, fields)


def tell_type(
    terminal: Terminal, repo: Repository, org: str, type_name: str, commits: Iterable[CommitInfo]
) -> None:
    """Tell the snapshots that changed a type, each with what it changed of it."""
    for commit in commits:
        kind, what = _subject(_SNAPSHOT, commit)
        if kind == "capture":
            what = f"{type_name}: {summary(_counts(repo, commit, type_name))}"
        fields = {"org": org, "type": type_name, "kind": kind, "summary": what}
        _tell(terminal, "snapshot", commit, "", fields)


def tell_resource(terminal: Terminal, org: str, versions: Iterable[Version]) -> None:
    """Tell the versions of a resource: when, who, and which fields."""
    for version in versions:
        if version.drift is None:  # the form alone changed
            continue
        commit = version.commit
        if terminal.json:
            told = {**record(version.drift), "time": stamp(commit), "commit": commit.sha}
            terminal.event("version", **{**told, "org": org, "kind": _kind(version.drift)})
        for line in _version_lines(terminal, version.drift, commit):
            terminal.line(line)


def _version_lines(terminal: Terminal, found: Drift, commit: CommitInfo) -> Iterator[str]:
    who = attribution(found)
    title = f'"{one_line(found.title)}"' if found.title else ""
    words = (moment(commit), short(commit.sha), _kind(found), title, who)
    yield "  ".join(word for word in words if word)
    fields = drift_lines(found, all_of_it=terminal.verbosity > 0)
    next(fields)
    yield from (f"  {line}" for line in fields if line.depth > 1)


def _kind(found: Drift) -> str:
    """Return what became of the resource: whoever dropped it, the snapshot lost it."""
    return "left scope" if found.kind == "unknown" else found.kind


def _tell(
    terminal: Terminal, event: str, commit: CommitInfo, column: str, fields: dict[str, str]
) -> None:
    if terminal.json:
        terminal.event(event, time=stamp(commit), commit=commit.sha, **fields)
    words = (moment(commit), short(commit.sha), column, one_line(_words(fields)))
    terminal.line("  ".join(word for word in words if word))


def _words(fields: dict[str, str]) -> str:
    kind, summary = fields["kind"], fields["summary"]
    if kind == "replay":
        return f"replay from {fields['source']}: {summary}"
    if kind == "undo":
        return f"undo of {fields['undoes']}: {summary}"
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
