"""Is the backup of an org fresh and complete? Told by its journal and last snapshot alone."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.core.fields import value_at
from ddsnap.errors import ExitCode
from ddsnap.flows.journal import parse_time, record_of, times_in
from ddsnap.flows.past_replays import RUN, STATE, kind_of, replays, who
from ddsnap.flows.replay_journal import OPEN
from ddsnap.flows.snapshot import manifest_of
from ddsnap.flows.takeover import cut_off
from ddsnap.store.ancestry import commits_since, relation
from ddsnap.store.history import log
from ddsnap.store.locks import held_by

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from ddsnap.core.manifest import Manifest, TypeState
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.errors import DdsnapError
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.remote import Remote
    from ddsnap.store.repository import Repository

Verdict: TypeAlias = Literal["fresh", "old", "incomplete", "failed", "never"]

CODES: dict[Verdict, ExitCode] = {
    "fresh": ExitCode.DONE,
    "old": ExitCode.PARTIAL,
    "incomplete": ExitCode.PARTIAL,
    "failed": ExitCode.FAILED,
    "never": ExitCode.FAILED,
}
_CAPTURE = "run capture "


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest capture of an org, as the journal has it; times are seconds since 1970."""

    commit: str
    state: str
    finished: float | None
    seconds: float
    requests: int
    counts: Counter[str]
    error: str
    secrets: int
    """How many secrets wait for a decision."""


@dataclass(frozen=True, slots=True)
class LastReplay:
    """The newest replay into an org; ``open`` where it says that it goes on."""

    run: str
    commit: str
    kind: str
    state: str
    source: str
    finished: float | None
    counts: Counter[str]
    by: str
    open: bool


@dataclass(frozen=True)
class Status:
    """What is known of an org's backup."""

    org: str
    run: LastRun | None = None
    failures: int = 0
    """How many captures have failed since the last that did not."""
    snapshot: str | None = None
    read_at: float | None = None
    """Since when (seconds since 1970) each type, but for the unavailable, was read as a whole."""
    types: Mapping[str, TypeState] | None = None
    """The types in scope that are not whole."""
    named: bool = False
    """Whether the configuration names its types, so that none may be unavailable."""
    unpushed: int | None = None
    """How many commits a remote is not known to have; ``None`` without a remote."""
    held_by: str = ""
    """Who works on the org now."""
    replay: LastReplay | None = None
    cut_off: DdsnapError | None = None
    """Why nothing can be replayed into the org before a run that did not end is gone on with."""

    @property
    def lacking(self) -> dict[str, TypeState]:
        """The types that should be in the backup as a whole and are not."""
        missing = {"unavailable"} if not self.named else set[str]()
        return {n: s for n, s in (self.types or {}).items() if s.state not in missing}

    @property
    def unavailable(self) -> dict[str, TypeState]:
        """The types that these keys, or this site, do not give."""
        return {n: s for n, s in (self.types or {}).items() if s.state == "unavailable"}

    def verdict(self, now: float, max_age: float) -> Verdict:
        """Return the one word that matters most."""
        if self.snapshot is None:
            return "failed" if self.run and self.run.state == "failed" else "never"
        if self.run and self.run.state == "failed":
            return "failed"
        if self.lacking or self.read_at is None or (self.run and self.run.state == "partial"):
            return "incomplete"
        return "old" if now - self.read_at > max_age else "fresh"


def status_of(
    repo: Repository,
    org: str,
    *,
    types: Collection[str] = (),
    named: bool = False,
    remote: Remote | None = None,
) -> Status:
    """Look at an org's backup. ``types`` are those that the configuration wants, ``named`` each."""
    tip, journal = repo.branch(f"snapshots/{org}"), repo.branch(f"journal/{org}")
    runs = _captures(repo, journal) if journal else iter(())
    newest, failures = None, 0
    for info in runs:
        newest = newest or info
        if info.trailer("Ddsnap-State") != "failed":
            break
        failures += 1
    record = record_of(repo, newest.sha) if newest else {}
    last = record_of(repo, journal) if journal else {}
    manifest = manifest_of(repo, tip, org) if tip else None
    wanted = types or (manifest.scope_types if manifest else ())
    states = _not_whole(manifest, wanted)
    return Status(
        org,
        _last_run(newest.sha, record) if newest else None,
        failures,
        tip,
        _read_at(times_in(last, tip), [name for name in wanted if name not in states], states),
        states,
        named,
        _unpushed(repo, remote, org) if remote else None,
        held_by(repo, org),
        _last_replay(repo, journal) if journal else None,
        cut_off(repo, org, datetime.now(timezone.utc)),
    )


def _captures(repo: Repository, journal: str) -> Iterator[CommitInfo]:
    return (info for info in log(repo, journal) if info.subject.startswith(_CAPTURE))


def _not_whole(manifest: Manifest | None, wanted: Collection[str]) -> dict[str, TypeState]:
    if manifest is None:
        return {}
    states = {name: manifest.state_of(name) for name in wanted}
    return {name: state for name, state in states.items() if not state.whole}


def _read_at(
    times: Mapping[str, float], whole: Collection[str], others: Mapping[str, TypeState]
) -> float | None:
    """Return the earliest reading; ``None`` where that of one type is not known."""
    absent = ("unavailable", "uncaptured")
    needed = [*whole, *(name for name, state in others.items() if state.state not in absent)]
    if not needed or any(name not in times for name in needed):
        return None
    return min(times[name] for name in needed)


def _last_run(commit: str, record: JSONObject) -> LastRun:
    time, error = parse_time(record.get("finished")), record.get("error")
    return LastRun(
        commit,
        str(record.get("state") or "unknown"),
        time.timestamp() if time else None,
        _number(record.get("seconds")),
        int(sum(_number(value_at(route, "requests")) for route in _values(record, "requests"))),
        _counts(record),
        error if isinstance(error, str) else "",
        int(sum(_number(value_at(type_, "secret_count")) for type_ in _values(record, "types"))),
    )


def _last_replay(repo: Repository, journal: str) -> LastReplay | None:
    info = next(replays(repo, journal), None)
    if info is None:
        return None
    record, state = record_of(repo, info.sha), info.trailer(STATE) or "unknown"
    time = parse_time(record.get("finished"))
    return LastReplay(
        info.trailer(RUN) or "",
        info.sha,
        kind_of(record),
        state,
        str(value_at(record, "source.org") or ""),
        time.timestamp() if time else None,
        _counts(record),
        who(record),
        state in OPEN,
    )


def _unpushed(repo: Repository, remote: Remote, org: str) -> int:
    """Count the commits that the remote was not seen to have; nobody is asked."""
    count = 0
    for branch in (f"snapshots/{org}", f"journal/{org}"):
        here, there = repo.branch(branch), remote.last_seen(branch)
        if here is None or (there and relation(repo, here, there) in ("same", "behind")):
            continue
        count += sum(1 for _ in commits_since(repo, here, there))
    return count


def _counts(record: JSONObject) -> Counter[str]:
    counts = record.get("counts")
    told = counts.items() if isinstance(counts, dict) else ()
    return Counter({kind: int(_number(number)) for kind, number in told})


def _values(record: JSONObject, name: str) -> list[JSON]:
    held = record.get(name)
    return [*held.values()] if isinstance(held, dict) else []


def _number(value: JSON) -> float:
    return value if isinstance(value, (int, float)) and not isinstance(value, bool) else 0
