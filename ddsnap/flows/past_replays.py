"""The replays that a journal tells of: which one was cut off, and what one of them did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.core import shapes
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.outcomes import read_outcomes
from ddsnap.core.values import Address
from ddsnap.errors import Damaged, Refused, UsageError
from ddsnap.flows.discreet import read_lines
from ddsnap.flows.id_map import read_map
from ddsnap.flows.journal import RECORD, parse_time, record_of
from ddsnap.flows.replay_journal import OPEN, OUTCOMES, PROGRESS, SHORT
from ddsnap.store.branches import branches_below
from ddsnap.store.history import log

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from ddsnap.core.id_map import Mapped
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.values import JSONObject
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

RUN: Final = "Ddsnap-Run"
STATE: Final = "Ddsnap-State"
CUT: Final = ("interrupted", "failed")
"""The states of a run that ended before its plan did."""

_REPLAYS: Final = ("run replay ", "run restore ", "run undo ")
TAKES_BACK: Final = ("undo", "unmute")
"""The kinds of runs that change what the maps say of other orgs' replays."""


class NoRun(UsageError):  # noqa: N818 - it says what there is
    """No run in a journal has the name that was given."""


@dataclass(frozen=True)
class Leftover:
    """A replay that says it goes on: it does, or it was cut off."""

    run: str
    commit: str
    record: JSONObject
    lines: tuple[JSONObject, ...] = ()
    """The run log, as far as it was published."""

    @property
    def who(self) -> str:
        """Who runs it, and where."""
        return who(self.record)

    @property
    def since(self) -> datetime | None:
        """When it started."""
        return parse_time(self.record.get("started"))

    @property
    def expires(self) -> datetime | None:
        """When another run may take it over."""
        return parse_time(self.record.get("expires"))

    def expired(self, now: datetime) -> bool:
        """Whether another run may take it over."""
        return self.expires is None or self.expires <= now


@dataclass(frozen=True)
class Undone:
    """What a run did, for the run that takes it back.

    ``created`` has, by source address, the id at the destination and what was last seen of it;
    ``updated`` and ``deleted`` are the destination's addresses, whose documents were as
    the snapshot ``before`` has them.
    """

    run: str
    commit: str
    record: JSONObject
    outcomes: tuple[Outcome, ...]
    mapped: Mapping[Address, Mapped]
    source: OrgIdentity
    destination: OrgIdentity
    before: str

    @property
    def created(self) -> dict[Address, tuple[str, str]]:
        """What it created: id at the destination, and the digest of it as it was read back."""
        made = (o for o in self.outcomes if o.to and _made(o))
        return {o.action.address: (o.to, self._seen(o.action.address, o.to)) for o in made}

    @property
    def updated(self) -> tuple[Address, ...]:
        """What it wrote to that was there before."""
        return self._there("update", "adopt", "unchanged")

    @property
    def deleted(self) -> tuple[Address, ...]:
        """What it deleted."""
        return self._there("delete")

    @property
    def wrote(self) -> frozenset[Address]:
        """What it wrote to at all, be it to create or to delete it."""
        return frozenset(_there(o) for o in self.outcomes if _wrote(o))

    def about(self, there: Address) -> Iterator[Address]:
        """Yield the source's addresses of what it had to do about something."""
        return (o.action.address for o in self.outcomes if _there(o) == there)

    @property
    def members(self) -> frozenset[str]:
        """The ids of what it created or deleted: lists and orders may get or lose those by it."""
        return frozenset(
            [id_ for id_, _ in self.created.values()] + [one.id for one in self.deleted]
        )

    @property
    def after(self) -> str:
        """The snapshot with what it wrote read back; empty where that could not be done."""
        after = str(self.record.get("after") or "")
        return after if after != self.before else ""

    def _there(self, *kinds: str) -> tuple[Address, ...]:
        wrote = (o for o in self.outcomes if o.action.kind in kinds and _wrote(o) and not _made(o))
        return tuple(map(_there, wrote))

    def _seen(self, address: Address, to: str) -> str:
        entry = self.mapped.get(address)
        return entry.seen if entry and entry.id == to else ""


def _there(outcome: Outcome) -> Address:
    return Address(outcome.action.address.type, outcome.to or outcome.action.to)


def _wrote(outcome: Outcome) -> bool:
    """Whether it changed the destination, for all that is known of a run that was cut off."""
    return outcome.wrote or outcome.may_have_written


def _made(outcome: Outcome) -> bool:
    """Whether the resource is there by this run, or by the one that it resumed."""
    action = outcome.action
    if action.kind == "create":
        return bool(outcome.to) and _wrote(outcome) and action.origin != "adopted"
    taken = action.kind == "adopt" and action.origin == "created"
    return taken and outcome.status in ("done", "unchanged")


def who(record: JSONObject) -> str:
    """Return by whom a run was started, and where."""
    by = record.get("by")
    told = by if isinstance(by, dict) else {}
    return f"{told.get('user') or 'somebody'} on {told.get('host') or 'some host'}"


def kind_of(record: JSONObject) -> str:
    """Return what people call a run: of the replays, what it was for."""
    options = record.get("options")
    unmutes = isinstance(options, dict) and bool(options.get("unmute"))
    plain = str(record.get("kind") or "other")
    return "undo" if record.get("undoes") else "unmute" if unmutes else plain


def runs(repo: Repository, tip: str) -> Iterator[CommitInfo]:
    """Yield the newest commit of each run, the newest run first."""
    seen: set[str] = set()
    for info in log(repo, tip):
        run = info.trailer(RUN) or info.sha
        if run not in seen:
            seen.add(run)
            yield info


def replays(repo: Repository, tip: str) -> Iterator[CommitInfo]:
    """Yield the newest commit of each replay and restore, the newest run first."""
    return (info for info in runs(repo, tip) if info.subject.startswith(_REPLAYS))


def last_replays(repo: Repository, org: str) -> Iterator[tuple[CommitInfo, JSONObject]]:
    """Yield the replays into an org with their records, the newest first."""
    tip = repo.branch(f"journal/{org}")
    for info in replays(repo, tip) if tip else ():
        yield info, record_of(repo, info.sha)


def replayed_into(repo: Repository) -> list[str]:
    """Return the orgs into which anything was ever replayed from another one."""
    found = ((org, repo.branch(f"journal/{org}")) for org in branches_below(repo, "journal"))
    return [
        org
        for org, tip in found
        if tip and any(info.subject.startswith("run replay ") for info in replays(repo, tip))
    ]


def mutes_of(repo: Repository, tip: str) -> frozenset[str]:
    """Return the ids of the downtimes that replays into an org have made for themselves."""
    told = (record_of(repo, info.sha).get("mute") for info in replays(repo, tip))
    return frozenset(
        str(mute.get("id")) for mute in told if isinstance(mute, dict) and mute.get("made") is True
    )


def leftover(repo: Repository, tip: str | None) -> Leftover | None:
    """Return the replay that goes on or was cut off, if there is one.

    No replay begins while another one is open, so the newest tells.
    """
    info = next(replays(repo, tip), None) if tip else None
    if info is None or info.trailer(STATE) not in OPEN:
        return None
    data = repo.read_file(info.sha, PROGRESS) or b""
    lines = tuple(line for line in read_lines(data) if isinstance(line, dict))
    return Leftover(info.trailer(RUN) or "", info.sha, record_of(repo, info.sha), lines)


def newest(repo: Repository, tip: str | None, but: str = "") -> CommitInfo | None:
    """Return the newest commit of the newest replay that is another run than ``but``."""
    found = (info for info in replays(repo, tip) if info.trailer(RUN) != but) if tip else ()
    return next(iter(found), None)


def refuse_open(repo: Repository, tip: str | None, org: str, now: datetime, own: str = "") -> None:
    """Refuse to write to an org into which another run than ``own`` replays."""
    found = leftover(repo, tip)
    if found is None or found.run == own:
        return
    if found.expired(now):
        raise did_not_end(found, org)
    raise Refused(
        f"{found.who} replays into {org}{_since(found)} (run {found.run[:SHORT]})",
        f"wait for it to end; if it died, --resume takes it over after {found.expires:%H:%M:%S %Z}",
    )


def did_not_end(found: Leftover, org: str) -> Refused:
    """Return why nothing is written beside a run that another machine has left."""
    return Refused(
        f"a replay into {org} by {found.who}{_since(found)} did not end (run {found.run[:SHORT]})",
        f"`ddsnap replay --resume --to {org}` takes it over: what it did is looked up first",
    )


def _since(found: Leftover) -> str:
    return f" since {found.since:%Y-%m-%d %H:%M:%S %Z}" if found.since else ""


def refuse_taken(repo: Repository, tip: str | None, org: str, own: str) -> None:
    """Refuse to go on with a run that is not open any more: another one has taken it over."""
    found = leftover(repo, tip)
    if found is not None and found.run == own:
        return
    raise Refused(
        f"another run has taken over the replay into {org}" + (f": {found.who}" if found else ""),
        f"it goes on from there; `ddsnap log --runs {org}` lists the runs",
    )


def refuse_overtaken(repo: Repository, tip: str | None, org: str, own: str, last: str) -> None:
    """Refuse to carry out, or to record, what was planned before another run has replayed.

    ``last`` is the newest replay that the plan knows: the commit of its record.
    """
    found = newest(repo, tip, own)
    if found is None or found.sha == last:
        return
    raise Refused(
        f"{who(record_of(repo, found.sha))} has replayed into {org} since this run looked at it"
        f" (run {(found.trailer(RUN) or '')[:SHORT]}); nothing was written",
        "run it again: it plans on what is there now",
    )


def undoing(repo: Repository, journal_tip: str | None, run_id: str) -> Undone:
    """Return what a run did, by its id, its commit in the journal, or the beginning of either.

    Raises ``UsageError`` where no run, more than one, or none that replayed has that name, and
    ``Damaged`` where its record is not whole.
    """
    info = _find(repo, journal_tip, run_id)
    if not info.subject.startswith(_REPLAYS):
        raise UsageError(f"run {run_id} is no replay: {info.subject}", _LISTED)
    if info.trailer(STATE) in OPEN:
        raise UsageError(
            f"run {run_id} has not ended", "end it first: `ddsnap replay ... --resume`"
        )
    record = record_of(repo, info.sha)
    try:
        source, destination = _org(record, "source"), _org(record, "destination")
        before = shapes.text(record, "before")
        outcomes = tuple(read_outcomes(repo.read_file(info.sha, OUTCOMES) or b""))
    except Damaged as error:
        raise Damaged(
            f"{RECORD} or {OUTCOMES} of run {run_id} ({info.sha[:SHORT]}): {error.message}",
            "run `ddsnap verify`",
        ) from None
    mapped = read_map(repo, info.sha, source, destination)
    run = info.trailer(RUN) or ""
    return Undone(run, info.sha, record, outcomes, mapped, source, destination, before)


def steps_back(repo: Repository, journal_tip: str, runs: Collection[str]) -> list[Undone]:
    """Return the runs that took these back or ended their quiet, or took that back; oldest first.

    What they did to what these have made is nobody's change. What the undo of any other run has
    brought back may be somebody's: that run has written over it.
    """
    told = [(info, record_of(repo, info.sha)) for info in replays(repo, journal_tip)][::-1]
    found: list[str] = []
    left = {*runs}
    for info, record in told:
        run = info.trailer(RUN) or ""
        left.discard(run)
        quiet = not left and kind_of(record) == "unmute"
        if (quiet or not taken_back(record).keys().isdisjoint({*runs, *found})) and run not in runs:
            found.append(run)
    ended = {info.trailer(RUN) for info, _ in told if info.trailer(STATE) not in OPEN}
    return [undoing(repo, journal_tip, run) for run in found if run in ended]


def later_replays(repo: Repository, journal_tip: str, runs: Collection[str]) -> list[Undone]:
    """Return the replays since these that nobody has taken back, the newest first."""
    found: list[str] = []
    for info in replays(repo, journal_tip):
        run = info.trailer(RUN) or ""
        if run in runs:
            break
        steps_back_itself = kind_of(record_of(repo, info.sha)) in TAKES_BACK
        if info.trailer(STATE) not in OPEN and not steps_back_itself:
            found.append(run)
    return [undoing(repo, journal_tip, one) for one in found
            if not undone_by(repo, journal_tip, one)]  # fmt: skip


def undone_by(repo: Repository, journal_tip: str, run: str) -> str:
    """Return the run that took a run back, unless that was taken back itself; empty for none."""
    undoing_it = (
        info.trailer(RUN) or ""
        for info in replays(repo, journal_tip)
        if info.trailer(STATE) == "done" and run in taken_back(record_of(repo, info.sha))
    )
    return next((one for one in undoing_it if not undone_by(repo, journal_tip, one)), "")


def taken_back(record: JSONObject) -> dict[str, None]:
    """Return the runs that a run was to take back, the oldest first: one, and what it resumed."""
    others = record.get("undoes_too")
    before = map(str, others if isinstance(others, list) else ())
    return dict.fromkeys((*before, str(record.get("undoes"))))


_LISTED: Final = "`ddsnap log --runs ORG` lists the runs against an org by their ids"


def _find(repo: Repository, tip: str | None, run_id: str) -> CommitInfo:
    found = [
        info
        for info in (runs(repo, tip) if tip and run_id else ())
        if (info.trailer(RUN) or "").startswith(run_id) or info.sha.startswith(run_id)
    ]
    whole = [info for info in found if info.trailer(RUN) == run_id]
    if not found:
        raise NoRun(f"there is no run {run_id!r}", _LISTED)
    if len(found) > 1 and not whole:
        names = ", ".join(str(info.trailer(RUN))[:SHORT] for info in found[:3])
        raise UsageError(f"{len(found)} runs begin with {run_id}", f"name one: {names}")
    return (whole or found)[0]


def _org(record: JSONObject, name: str) -> OrgIdentity:
    org = shapes.as_object(record.get(name), name)
    label = shapes.text(org, "org" if name == "source" else "name")
    return OrgIdentity(label, shapes.text(org, "public_id"), str(org.get("site") or ""))
