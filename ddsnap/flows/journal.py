"""The journal of an org: one commit per run, which says what was done, by whom, and the result."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.fields import value_at
from ddsnap.errors import UnstorableError
from ddsnap.flows.discreet import Discreet
from ddsnap.flows.messages import one_line, summary, trailer_block
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.ancestry import commits_since
from ddsnap.store.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from ddsnap.api.session import RouteCount
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.outcome import CaptureResult, TypeOutcome
    from ddsnap.flows.run import Run
    from ddsnap.store.repository import Repository

RECORD: Final = "run.json"
MAPS: Final = "map"
FORMAT: Final = 1
_MOST_PROBLEMS: Final = 200
_STANDING: Final = ("public_id", "snapshot", "unknown_fields", "read_at")
"""What a run that failed leaves as the run before it said."""


def stage_capture(run: Run, started: datetime, result: CaptureResult) -> str:
    """Stage what a capture did, on top of the journal as it is by now; return the commit."""
    record: JSONObject = {
        **head(run, started, "capture", _state(result)),
        **standing(run, result),
        "types": _types(result),
        "counts": _counts(result.counts),
        "requests": traffic(result.requests),
        "warnings": list(result.warnings),
    }
    what = summary(result.counts) if result.committed else "unchanged"
    what = "superseded" if result.superseded else what
    return stage(run, record, f"run capture {run.org}: {what}")


def stage_failure(run: Run, started: datetime, message: str) -> str:
    """Stage that a capture failed, and why; return the commit."""
    told = Discreet.of(run).line(message)
    record = {**head(run, started, "capture", "failed"), "error": told, **last_standing(run)}
    return stage(run, record, f"run capture {run.org}: failed")


def standing(run: Run, result: CaptureResult, earlier: CaptureResult | None = None) -> JSONObject:
    """Return what the next run builds on: the snapshot in force, and what is known of it.

    ``earlier`` is what the same run read before, of more types perhaps.
    """
    known = unknown_fields(run)
    for name, fields in result.new_fields.items():
        known[name] = sorted({*known.get(name, []), *fields})
    return {
        "public_id": manifest_of(run.repo, result.commit).org.public_id if result.commit else "",
        "snapshot": {"commit": result.commit, "new": result.committed},
        "unknown_fields": {name: list(fields) for name, fields in known.items()},
        "read_at": {**(earlier.read_at if earlier else {}), **result.read_at},
    }


def last_standing(run: Run) -> JSONObject:
    """Return what the last run left standing, for a run that found out nothing itself."""
    last = last_record(run)
    return {name: last[name] for name in _STANDING if name in last}


def repeats(run: Run, started: datetime, result: CaptureResult) -> bool:
    """Whether a run found nothing that an equal run of the same day (UTC) has not recorded."""
    if result.committed or result.new_fields or _state(result) != "done":
        return False
    tip = run.repo.branch(run.journal)
    # What the last run says of the snapshot in force is what the next one builds on.
    if tip is None or value_at(record_of(run.repo, tip), "snapshot.commit") != result.commit:
        return False
    ours = _told({"types": _types(result), "warnings": [*result.warnings]})
    for commit in commits_since(run.repo, tip, None):
        record = record_of(run.repo, commit)
        if record.get("state") != "done" or _day(record) != started.astimezone(timezone.utc).date():
            return False
        if value_at(record, "snapshot.new") is False and _told(record) == ours:
            return True
    return False


def head(run: Run, started: datetime, kind: str, state: str) -> JSONObject:
    """Return what every record says first: which run, when, by whom, and how it ended."""
    finished = run.clock()
    author = run.author
    return {
        "format": FORMAT,
        "run": run.id,
        "kind": kind,
        "state": state,
        "org": run.org,
        "site": run.site,
        "started": started.isoformat(timespec="milliseconds"),
        "finished": finished.isoformat(timespec="milliseconds"),
        "seconds": round((finished - started).total_seconds(), 3),
        "by": {"user": author.user, "host": author.host, "version": author.version},
        "arguments": [*run.arguments],
    }


def traffic(requests: Mapping[str, RouteCount]) -> JSONObject:
    """Return the requests per route."""
    return {route: asdict(count) for route, count in requests.items()}


def stage(
    run: Run,
    record: JSONObject,
    subject: str,
    *,
    body: str = "",
    files: Mapping[str, bytes] | None = None,
    anew: Sequence[str] = (),
    parents: Sequence[str] = (),
) -> str:
    """Stage a run's commit on top of the journal; the maps of ids are carried over.

    Of the folders ``anew`` only what ``files`` holds is in them.
    """
    words = {"Ddsnap-Run": "run", "Ddsnap-State": "state", "Ddsnap-Org": "org"}
    trailers = trailer_block({name: str(record[member]) for name, member in words.items()})
    paragraphs = [subject, body, trailers]
    message = "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"
    base = run.repo.branch(run.journal)
    if base is None and parents:
        base = _root(run, record, subject)
    with SnapshotWriter(run.repo, run.journal, base) as writer:
        writer.keep_folder(MAPS)
        for folder in anew:
            writer.drop(folder)
        for path, data in (files or {}).items():
            writer.put(path, data)
        writer.put(RECORD, canonical.encode(record))
        writer.put(".gitattributes", b"* -text\n")
        return writer.stage(message, time=run.clock(), parents=parents, always=True) or ""


def _root(run: Run, record: JSONObject, subject: str) -> str:
    """Stage the beginning of a journal, so that the first parents of a run are runs alone."""
    begun = f"{subject.partition(': ')[0]}: started"
    return stage(run, {**record, "state": "started"}, begun)


def record_of(repo: Repository, commit: str) -> JSONObject:
    """Return the record of a run by its commit; empty where there is none."""
    data = repo.read_file(commit, RECORD)
    try:
        record = canonical.decode(data) if data else {}
    except UnstorableError:
        return {}
    return record if isinstance(record, dict) else {}


def parse_time(value: object) -> datetime | None:
    """Return a time as records and trailers hold it; ``None`` for anything else."""
    try:
        time = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return time if time.tzinfo else None


def last_record(run: Run) -> JSONObject:
    """Return the last run's record; empty where there is none."""
    tip = run.repo.branch(run.journal)
    return record_of(run.repo, tip) if tip else {}


def unknown_fields(run: Run) -> dict[str, list[str]]:
    """Return, by type, the undeclared fields that earlier runs have named."""
    known = last_record(run).get("unknown_fields")
    if not isinstance(known, dict):
        return {}
    return {
        name: [str(field) for field in fields]
        for name, fields in known.items()
        if isinstance(fields, list)
    }


def read_times(run: Run, tip: str | None) -> dict[str, float]:
    """Return when each type was last read as a whole (epoch seconds), for the snapshot ``tip``.

    Nothing is known where another snapshot is the tip: somebody moved the branch.
    """
    return times_in(last_record(run), tip)


def times_in(record: JSONObject, tip: str | None) -> dict[str, float]:
    """Return what a run's record says of when the types of the snapshot ``tip`` were read."""
    times = record.get("read_at")
    if tip is None or value_at(record, "snapshot.commit") != tip or not isinstance(times, dict):
        return {}
    return {name: float(time) for name, time in times.items() if isinstance(time, (int, float))}


def _state(result: CaptureResult) -> str:
    return "superseded" if result.superseded else "partial" if result.partial else "done"


def _day(record: JSONObject) -> date | None:
    started = parse_time(record.get("started"))
    return started.astimezone(timezone.utc).date() if started else None


def _told(record: JSONObject) -> tuple[object, ...]:
    """What an unchanged run has to say: how completely each type was read, and what was odd."""
    types = record.get("types")
    entries = types.items() if isinstance(types, dict) else ()
    read = {name: value_at(entry, "state") for name, entry in entries if value_at(entry, "read")}
    return read, record.get("warnings")


def _types(result: CaptureResult) -> JSONObject:
    return {name: _type(outcome) for name, outcome in result.types.items()}


def _type(outcome: TypeOutcome) -> JSON:
    problems = outcome.problems
    body: JSONObject = {
        "state": outcome.state.state,
        "count": outcome.count,
        "read": outcome.refreshed,
        **_counts(Counter(change.kind for change in outcome.changes)),
    }
    if outcome.narrowed:
        body["narrowed"] = True
    if outcome.state.reason:
        body["reason"] = outcome.state.reason
    if problems:
        body["problems"] = [
            {"id": one_line(problem.address.id), "reason": one_line(problem.reason)}
            for problem in problems[:_MOST_PROBLEMS]
        ]
        body["problem_count"] = len(problems)
    if outcome.secrets:
        body["secrets"] = [
            {"id": one_line(found.address.id), "pointer": one_line(found.pointer), "why": found.why}
            for found in outcome.secrets[:_MOST_PROBLEMS]
        ]
        body["secret_count"] = len(outcome.secrets)
    return body


def _counts(counts: Counter[str]) -> JSONObject:
    return {kind: number for kind, number in sorted(counts.items()) if number}
