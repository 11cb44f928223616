"""The journal of replays: what was intended, sent and made of it, so that anyone can recompute it.

No secret gets in: every text passes the filter, and neither bodies nor answers are kept.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ddsnap.core.outcomes import counts, in_words, write_line, write_outcomes
from ddsnap.core.paths import document_path
from ddsnap.flows.discreet import Discreet, read_lines
from ddsnap.flows.journal import MAPS, head, last_standing, stage, traffic
from ddsnap.flows.messages import MOST_LINES, one_line

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from ddsnap.api.session import RouteCount
    from ddsnap.core.manifest import OrgIdentity
    from ddsnap.core.outcomes import Outcome, Sent
    from ddsnap.core.values import JSON, Address, JSONObject
    from ddsnap.flows.live import Problem
    from ddsnap.flows.run import Run

Kind: TypeAlias = Literal["replay", "restore"]
State: TypeAlias = Literal["started", "progress", "done", "partial", "failed", "interrupted"]

OUTCOMES: Final = "outcomes.ndjson"
PATCHES: Final = "patches"
PROGRESS: Final = "progress.ndjson"
RULES: Final = "rules"
OPEN: Final = ("started", "progress")
"""The states of a run that goes on, or was cut off."""

SHORT: Final = 12
"""Digits of the id by which a run is named."""

WRITES: Final = 2
"""The version of the requests: it rises when the same documents come to give other ones."""

_MOST_PROBLEMS: Final = 200
_SIGNS: Final = {
    "created": "+",
    "updated": "~",
    "adopted": "=",
    "deleted": "-",
    "failed": "!",
    "moved": "!",
    "ambiguous": "!",
}


@dataclass(frozen=True, slots=True)
class Source:
    """What was replayed: the snapshot of an org, as the user named it."""

    org: str
    public_id: str
    commit: str
    revision: str


@dataclass(frozen=True, slots=True)
class Mute:
    """The downtime that keeps what was replayed quiet, and whether this run made it."""

    id: str
    made: bool
    requests: tuple[Sent, ...] = ()


@dataclass(frozen=True)
class Replayed:
    """All that the record of a replay holds; ``started`` is the time that its requests know.

    ``before`` and ``after`` are the destination's snapshots, ``plan`` the plan's digest,
    ``identity`` is the user by whose keys it wrote, ``handle`` what that one is called.
    ``standing`` is what the next capture builds on (`journal.standing` of the last reading), by
    default what the last run has left. ``run`` is named where the record is that of another run,
    which this one closes. On an equal ``basis`` the next one finds as little to write, and
    ``unsettled`` is what it has to look for first. To what was ``approved`` a run is held that goes
    on with it. ``wrote_until`` is a time before which the answers to its writes came: who changed
    something later was somebody else.
    """

    state: State
    started: datetime
    source: Source
    destination: OrgIdentity
    before: str
    after: str = ""
    kind: Kind = "replay"
    selection: tuple[str, ...] = ()
    options: Mapping[str, JSON] = field(default_factory=dict)
    transforms: tuple[str, ...] = ()
    plan: str = ""
    identity: str = ""
    handle: str = ""
    mute: Mute | None = None
    warnings: Sequence[str] = ()
    problems: Sequence[Problem] = ()
    error: str = ""
    resumes: str = ""
    undoes: str = ""
    undoes_too: tuple[str, ...] = ()
    requests: Mapping[str, RouteCount] = field(default_factory=dict)
    standing: JSONObject = field(default_factory=dict)
    run: str = ""
    basis: JSONObject = field(default_factory=dict)
    approved: JSONObject = field(default_factory=dict)
    wrote_until: datetime | None = None
    unsettled: JSONObject = field(default_factory=dict)


def patch_path(address: Address) -> str:
    """Return where the patch of what was written of a resource is."""
    return f"{PATCHES}/{document_path(address)}"


def stage_replay(
    run: Run,
    replayed: Replayed,
    outcomes: Iterable[Outcome],
    patches: Mapping[str, bytes],
    rules: Mapping[str, str],
    *,
    maps: Mapping[str, bytes],
    mapped: Collection[str] = (),
    as_before: bytes = b"",
) -> str:
    """Stage what a replay did; return the commit.

    ``patches`` and ``maps`` are by path, ``rules`` the texts by name. ``maps`` are the whole maps
    of the orgs ``mapped``, by default of the source.
    What is ``as_before`` is the last replay's file of outcomes, which hold as its maps do.
    """
    discreet = Discreet.of(run)
    former = as_before if not discreet.holds(as_before) else b""
    told = [*outcomes] if former else [discreet.outcome(outcome) for outcome in outcomes]
    texts = {**patches, **{f"{RULES}/{name}.yaml": text.encode() for name, text in rules.items()}}
    # Ids are no secrets, whatever else is called so: they stand in the documents' paths as well.
    files = {path: discreet.file(path, data) for path, data in texts.items()}
    files |= {**maps, OUTCOMES: former or write_outcomes(told)}
    results = counts(told)
    what = in_words(told)
    record = _record(run, replayed, discreet) | {"counts": dict(results)}
    return stage(
        run,
        record | _masked(discreet, texts),
        subject(replayed, _ended(replayed, what)),
        body=_body(replayed, told),
        files=files,
        anew=[f"{MAPS}/{org}" for org in mapped or [replayed.source.org] if not as_before],
        parents=_parents(replayed),
    )


def stage_started(
    run: Run,
    replayed: Replayed,
    *,
    expires: datetime,
    resume: JSON = None,
) -> str:
    """Stage that a replay is about to write; return the commit.

    From ``expires`` on another run may take it over, with what ``resume`` says of it.
    """
    record = _open(run, replayed, Discreet.of(run), expires, resume)
    return stage(run, record, subject(replayed, replayed.state), parents=_parents(replayed))


def stage_progress(
    run: Run,
    replayed: Replayed,
    log: bytes,
    *,
    expires: datetime,
    resume: JSON = None,
) -> str:
    """Stage how far a replay has come, by the lines of its run log; return the commit."""
    discreet = Discreet.of(run)
    record = _open(run, replayed, discreet, expires, resume)
    lines = b"".join(write_line(discreet.value(line)) for line in read_lines(log))
    what = subject(replayed, replayed.state)
    return stage(run, record, what, files={PROGRESS: lines}, parents=_parents(replayed))


def subject(replayed: Replayed, what: str) -> str:
    """Return the first line of a replay's commit."""
    to = replayed.destination.name
    if replayed.undoes:
        return f"run undo {replayed.undoes[:SHORT]} in {to}: {what}"
    way = f"{replayed.source.org} -> {to}" if replayed.kind == "replay" else to
    return f"run {replayed.kind} {way}: {what}"


def _ended(replayed: Replayed, what: str) -> str:
    if replayed.state in ("failed", "interrupted"):
        return f"{replayed.state}, {what}" if what else replayed.state
    return what or "nothing to do"


def _open(
    run: Run, replayed: Replayed, discreet: Discreet, expires: datetime, resume: JSON
) -> JSONObject:
    told: JSONObject = {"expires": expires.isoformat(), "resume": discreet.value(resume)}
    return _record(run, replayed, discreet) | told


def _record(run: Run, replayed: Replayed, discreet: Discreet) -> JSONObject:
    source, destination, mute = replayed.source, replayed.destination, replayed.mute
    record: JSONObject = {
        **head(run, replayed.started, replayed.kind, replayed.state),
        "run": replayed.run or run.id,
        "now": replayed.started.isoformat(),
        "rules": run.catalog.rules,
        "writes": WRITES,
        "source": asdict(source),
        "destination": asdict(destination),
        "before": replayed.before,
        "after": replayed.after,
        "selection": [*replayed.selection],
        "options": dict(replayed.options),
        "transforms": [*replayed.transforms],
        "plan": replayed.plan,
        "identity": replayed.identity,
        "handle": replayed.handle,
        "mute": None if mute is None else _mute(mute),
        "warnings": [discreet.line(text) for text in replayed.warnings],
        "problems": [_problem(problem) for problem in replayed.problems[:_MOST_PROBLEMS]],
        "problem_count": len(replayed.problems),
        "error": discreet.line(replayed.error),
        "resumes": replayed.resumes,
        "undoes": replayed.undoes,
        **({"undoes_too": [*replayed.undoes_too]} if replayed.undoes_too else {}),
        "wrote_until": replayed.wrote_until.isoformat() if replayed.wrote_until else None,
        "requests": traffic(replayed.requests),
        **(replayed.standing or last_standing(run)),
        **({"basis": replayed.basis} if replayed.basis else {}),
        **({"approved": replayed.approved} if replayed.approved else {}),
        **replayed.unsettled,
    }
    return {name: discreet.value(value) for name, value in record.items()}


def _mute(mute: Mute) -> JSONObject:
    sent: list[JSON] = [request.to_json() for request in mute.requests]
    return {"id": mute.id, "made": mute.made, "requests": sent}


def _problem(problem: Problem) -> JSONObject:
    address = problem.address
    return {"type": address.type, "id": address.id, "reason": problem.reason}


def _masked(discreet: Discreet, files: Mapping[str, bytes]) -> JSONObject:
    """Name the files that a secret was taken out of: what they say cannot be recomputed."""
    paths: list[JSON] = [path for path in sorted(files) if discreet.holds(files[path])]
    return {"masked": paths} if paths else {}


def _parents(replayed: Replayed) -> list[str]:
    commits = (replayed.source.commit, replayed.before)
    return list(dict.fromkeys(commit for commit in commits if commit))


def _body(replayed: Replayed, outcomes: Sequence[Outcome]) -> str:
    source = replayed.source
    shown = [outcome for outcome in outcomes if outcome.result in _SIGNS]
    lines = [f"of {one_line(source.revision)} ({source.commit[:12]})"]
    lines += [_line(outcome) for outcome in shown[:MOST_LINES]]
    if len(shown) > MOST_LINES:
        lines.append(f"... and {len(shown) - MOST_LINES} more")
    return "\n".join(lines)


def _line(outcome: Outcome) -> str:
    address = outcome.action.address
    title = f' "{outcome.action.title}"' if outcome.action.title else ""
    to = f" -> {outcome.to}" if outcome.to not in ("", address.id) else ""
    why = f": {outcome.error}" if outcome.error else ""
    return one_line(f"{_SIGNS[outcome.result]} {address.type}{title} {address.id}{to}{why}")
