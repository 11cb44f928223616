"""Taking over a replay that was cut off: what it did is recorded, and then found again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Literal

from ddsnap.core.id_map import Mapped
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.outcomes import Outcome
from ddsnap.core.saved_plan import Approved
from ddsnap.core.shapes import as_object, text
from ddsnap.errors import Damaged, DdsnapError, Refused
from ddsnap.flows.account import MUTE, Written, patches_of, told_by
from ddsnap.flows.id_map import map_files, read_map, updated
from ddsnap.flows.past_replays import did_not_end, leftover, refuse_open, replays
from ddsnap.flows.replay_journal import OPEN, Mute, Replayed, Source, stage_replay
from ddsnap.flows.silence import Silent
from ddsnap.flows.sync import publish
from ddsnap.flows.unsettled import Unsettled, earlier
from ddsnap.flows.wishes import Wishes
from ddsnap.store.locks import held_by
from ddsnap.store.run_log import MEND, forget, log_path, read_events

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from ddsnap.core.values import Address, JSONObject
    from ddsnap.flows.run import Run
    from ddsnap.flows.sync import Exchange
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class Unfinished:
    """A replay that did not end: ``begun`` is how its log begins, ``events`` all of it."""

    run: str
    begun: JSONObject
    events: Sequence[Mapping[str, object]]
    here: bool
    """Whether its log lies in this repository: its process is dead, since the lock is free."""

    def order(self) -> Begun:
        """Return what it was asked to do."""
        resume = self.begun.get("resume")
        told = resume if isinstance(resume, dict) else {}
        wishes = told.get("wishes")
        source = as_object(self.begun.get("source"), "source")
        return Begun(
            text(source, "commit"),
            text(source, "revision"),
            Wishes.from_json(wishes if isinstance(wishes, dict) else {}),
            self.rules(),
            "restore" if self.begun.get("kind") == "restore" else "replay",
            approved_by(told),
        )

    def rules(self) -> dict[str, str]:
        """Return the texts of its rules, in the order in which they apply."""
        resume = self.begun.get("resume")
        rules = resume.get("rules") if isinstance(resume, dict) else None
        told = rules.items() if isinstance(rules, dict) else ()
        return in_order({name: str(text) for name, text in told}, self.begun)


@dataclass(frozen=True)
class Begun:
    """What a replay that did not end was asked to do; ``rules`` are texts by name, in order.

    Where it was to carry out a saved plan, ``approved`` is what that allows.
    """

    commit: str
    revision: str
    wishes: Wishes
    rules: Mapping[str, str]
    kind: Literal["replay", "restore"]
    approved: Approved | None = None


def approved_by(told: JSONObject) -> Approved | None:
    """Return what a run was allowed to do, by its record. Raises ``Damaged``."""
    approved = told.get("approved")
    return None if approved is None else Approved.from_json(as_object(approved, "approved"))


def in_order(rules: Mapping[str, str], record: JSONObject) -> dict[str, str]:
    """Return rules in the order in which a run's record names them: objects in it are sorted."""
    names = record.get("transforms")
    named = [str(name) for name in names] if isinstance(names, list) else []
    return {name: rules[name] for name in (*named, *rules) if name in rules}


def unfinished(repo: Repository, org: str) -> Unfinished | None:
    """Return the replay into ``org`` that did not end, by its log here or by the journal."""
    tip = repo.branch(f"journal/{org}")
    events = read_events(log_path(repo, org))
    if events and events[0].get("event") == "begin":
        run = str(events[0].get("run"))
        if not _recorded(repo, tip, run):
            return Unfinished(run, events[0], events, here=True)  # type: ignore[arg-type]
    found = leftover(repo, tip)
    if found is None:
        return None
    return Unfinished(found.run, found.record, found.lines, here=False)


def cut_off(repo: Repository, org: str, now: datetime, *, here: bool = False) -> DdsnapError | None:
    """Return why nothing can be replayed into ``org`` until a run is gone on with; one or none.

    One that goes on, here or elsewhere, is none of these. Those of other machines are looked for in
    the whole journal, unless only what was cut off ``here`` is asked for.
    """
    if held_by(repo, org) or (here and not log_path(repo, org).exists()):
        return None
    try:
        left = unfinished(repo, org)
        found = None if here else leftover(repo, repo.branch(f"journal/{org}"))
    except DdsnapError:  # what is damaged is for others to tell
        return None
    if left is not None and left.here:
        return _cut_off(org, left)
    return did_not_end(found, org) if found is not None and found.expired(now) else None


def take_over(run: Run, org: str, exchange: Exchange, *, resume: bool) -> None:
    """Record a replay that did not end as interrupted, if there is one.

    Raises ``Refused`` where nobody asked for that, or where it may still be going on.
    """
    left = unfinished(run.repo, org)
    if left is None:
        forget(log_path(run.repo, org))
        return
    if not left.here:
        _check_expired(run, resume=resume)
    elif not resume:
        raise _cut_off(org, left)
    _record(run, left, exchange)
    forget(log_path(run.repo, org))


def refuse_cut_off(repo: Repository, org: str) -> None:
    """Refuse to go on beside what a replay that was cut off here has left. Raises ``Refused``."""
    left = unfinished(repo, org)
    if left is not None and left.here:
        raise _cut_off(org, left)


def _cut_off(org: str, left: Unfinished) -> Refused:
    return Refused(
        f"an earlier replay into {org} was cut off (run {left.run[:12]})",
        f"`ddsnap replay --resume --to {org}` goes on with it, and doubles nothing",
    )


def _recorded(repo: Repository, tip: str | None, run: str) -> bool:
    """Whether the journal knows how a run ended."""
    for info in replays(repo, tip) if tip else ():
        if info.trailer("Ddsnap-Run") == run:
            return info.trailer("Ddsnap-State") not in OPEN
    return False


def _check_expired(run: Run, *, resume: bool) -> None:
    """Refuse to take over what may be going on elsewhere."""
    tip, now = run.repo.branch(run.journal), run.clock()
    found = leftover(run.repo, tip)
    if found is not None and not (resume and found.expired(now)):
        refuse_open(run.repo, tip, run.org, now)


def _record(run: Run, left: Unfinished, exchange: Exchange) -> None:
    """Let the journal say what the run is known to have done."""
    begun, told = left.begun, told_by(left.events)
    ours, theirs = as_object(begun.get("source"), "source"), _org(begun)
    source = Source(
        text(ours, "org"), text(ours, "public_id"), text(ours, "commit"), text(ours, "revision")
    )
    resume, rules = begun.get("resume"), left.rules()
    record = Replayed(
        "interrupted",
        datetime.fromisoformat(str(begun["started"])),
        source,
        theirs,
        str(begun["before"]),
        kind="restore" if begun.get("kind") == "restore" else "replay",
        options=_options(resume),
        transforms=tuple(rules),
        plan=str(begun.get("plan", "")),
        identity=str(begun.get("identity", "")),
        handle=str(begun.get("handle", "")),
        resumes=str(begun.get("resumes", "")),
        mute=_mute(told),
        undoes=str(_options(resume).get("undo") or ""),
        error="the run was cut off",
        run=left.run,
        approved=_approved(resume),
        wrote_until=_last_answer(left.events),
    )
    outcomes = [_outcome(written) for address, written in told.items() if address.id != MUTE]
    record = replace(record, unsettled=_unsettled(run.repo, left, record, outcomes, told))
    from_org = OrgIdentity(source.org, source.public_id, "")

    def compose() -> dict[str, str]:
        tip = run.repo.branch(run.journal)
        if _recorded(run.repo, tip, left.run):  # by another that has gone on from there
            return {}
        before = read_map(run.repo, tip, from_org, theirs)
        mapped = updated(before, _entries(outcomes, told, before))
        commit = stage_replay(
            run,
            record,
            outcomes,
            patches_of(told),
            rules,
            maps=map_files(mapped, from_org, theirs),
        )
        return {run.journal: commit}

    publish(run.repo, exchange, (run.journal,), compose)


def _last_answer(events: Iterable[Mapping[str, object]]) -> datetime | None:
    """Return when the last answer came that is known of."""
    times = [at for event in events if isinstance(at := event.get("at"), (int, float))]
    return datetime.fromtimestamp(max(times), timezone.utc) if times else None


def _unsettled(
    repo: Repository,
    left: Unfinished,
    record: Replayed,
    outcomes: Sequence[Outcome],
    told: Mapping[Address, Written],
) -> JSONObject:
    """Return what it left open, beside what those before it did."""
    last = earlier(repo, record.destination.name, record.source.public_id)
    before = last.unsettled if last else Unsettled()
    at = {address: written.asked for address, written in told.items()}
    # Of a run of another machine is known what it has published, and until when it could write.
    silent = () if left.here else (Silent(left.run, str(left.begun.get("expires") or "")),)
    return before.after(outcomes, left.run, at, silent=silent).to_json()


def _mute(told: Mapping[Address, Written]) -> Mute | None:
    """The downtime that the run has made for itself."""
    made = next((written.to for address, written in told.items() if address.id == MUTE), "")
    return Mute(made, made=True) if made else None


def _org(begun: JSONObject) -> OrgIdentity:
    org = as_object(begun.get("destination"), "destination")
    return OrgIdentity(text(org, "name"), text(org, "public_id"), text(org, "site"))


def _approved(resume: object) -> JSONObject:
    approved = resume.get("approved") if isinstance(resume, dict) else None
    return approved if isinstance(approved, dict) else {}


def _options(resume: object) -> JSONObject:
    wishes = resume.get("wishes") if isinstance(resume, dict) else None
    return wishes if isinstance(wishes, dict) else {}


def _outcome(written: Written) -> Outcome:
    if written.outcome is not None:
        return written.outcome
    if written.action is None:
        raise Damaged("the log of a replay lacks the action that it tells of", MEND)
    sent = tuple(written.sent)
    return Outcome(written.action, "failed", written.to, error="the run was cut off", requests=sent)


def _entries(
    outcomes: Sequence[Outcome], told: Mapping[Address, Written], before: Mapping[Address, Mapped]
) -> dict[Address, Mapped]:
    """What is known to have been made; the rest is found again at the destination."""
    entries = {}
    for outcome in outcomes:
        action = outcome.action
        written = told[action.address]
        if not outcome.to or action.kind == "delete" or action.base == "destination":
            continue
        known = before.get(action.address)
        origin = action.origin or ("created" if action.kind == "create" else "adopted")
        if known is not None and known.id == outcome.to:
            origin = known.origin
        entries[action.address] = Mapped(outcome.to, origin, dict(written.aliases))
    return entries
