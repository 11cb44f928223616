"""Replay: what a snapshot holds, written to an org, once, in order, and recorded for good."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ddsnap.core.match import portable_digest
from ddsnap.core.outcomes import SETTLED, Outcome, counts, renamed
from ddsnap.core.paths import document_path
from ddsnap.core.pending import pending
from ddsnap.core.values import Address
from ddsnap.errors import ApiError, AuthError, DdsnapError, ExitCode, Refused, UsageError
from ddsnap.flows import journal
from ddsnap.flows.account import entry_of, outcomes_of, patches_of, settled, told_by
from ddsnap.flows.act import ENDED
from ddsnap.flows.binding import Binding
from ddsnap.flows.capture import look, settle
from ddsnap.flows.carry_out import CarriedOut, Means, carry_out
from ddsnap.flows.discreet import Discreet
from ddsnap.flows.ground import check_ground
from ddsnap.flows.heirs import inheriting, knowing, models_of, shows
from ddsnap.flows.id_map import map_files, updated
from ddsnap.flows.lease import Lease
from ddsnap.flows.living import on_neither_side, was_read
from ddsnap.flows.mute import TAG, mute
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.newcomers import Newcomers
from ddsnap.flows.past_replays import CUT, newest
from ddsnap.flows.past_writes import body_of
from ddsnap.flows.prepare import check_limits, prepare
from ddsnap.flows.read_back import dangling, marked_among, policies_of, scope_of
from ddsnap.flows.repeating import again
from ddsnap.flows.replay_journal import Mute, stage_replay
from ddsnap.flows.sync import ALONE, Exchange, begin, publish, push_along
from ddsnap.flows.takeover import take_over, unfinished
from ddsnap.flows.unsettled import Unsettled, earlier
from ddsnap.flows.view import snapshot_view
from ddsnap.flows.work import Ground, Work
from ddsnap.flows.worker_keys import LOCATIONS, keep_keys, lost_keys
from ddsnap.store.locks import org_lock
from ddsnap.store.maintenance import maintain
from ddsnap.store.run_log import RunLog, events_of, forget, log_path
from ddsnap.store.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ddsnap.core.actions import Action
    from ddsnap.core.id_map import IdMap, Mapped
    from ddsnap.core.manifest import OrgIdentity
    from ddsnap.core.pending import Pending
    from ddsnap.core.values import JSON, Document
    from ddsnap.flows.account import Written
    from ddsnap.flows.compose import Reading
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.prepared import Order, Prepared
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.replay_journal import State
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View

_REMEMBERED: Final = 32 << 20
"""Bytes of documents: each is looked at to plan, to write, and to say what came of it."""


@dataclass
class Result:
    """A finished replay, as it is told."""

    prepared: Prepared
    outcomes: list[Outcome]
    state: State
    commit: str = ""
    mute: Mute | None = None
    mute_trouble: str = ""
    trouble: DdsnapError | None = None
    pushed: bool | None = None
    warnings: list[str] = field(default_factory=list)
    keys_at: list[str] = field(default_factory=list)
    """Where the keys of new private locations were written."""

    @property
    def org(self) -> str:
        """The destination's name."""
        return self.prepared.run.org

    @property
    def run_id(self) -> str:
        """The run's name in the journal."""
        return self.prepared.run.id

    @property
    def undo(self) -> str:
        """The command that takes the run back; empty where it wrote nothing."""
        muted = self.mute is not None and self.mute.made
        wrote = muted or any(outcome.may_have_written for outcome in self.outcomes)
        return f"ddsnap replay --undo {self.run_id[:12]} --to {self.org}" if wrote else ""

    @property
    def resume(self) -> str:
        """The command that goes on with the run; empty where it came to its end."""
        return f"ddsnap replay --resume --to {self.org}" if self.state in CUT else ""

    @property
    def pending(self) -> list[Pending]:
        """What people still have to do about what was made."""
        known = self.prepared.plan.resolution
        entries = known.source.entries.values() if known else ()
        disabled = {entry.address for entry in entries if entry.disabled}
        return [*pending(self.outcomes, self.prepared.run.catalog, disabled)]

    @property
    def again(self) -> str:
        """The command that asks for the same of the same snapshot; empty where nothing is left.

        Within one org its name does not mean that snapshot any more: the org was captured since.
        """
        return again(self.prepared.order, self.org) if self.state in (*CUT, "partial") else ""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many resources came to each end."""
        return counts(self.outcomes)


def replay(
    run: Run,
    order: Order,
    approve: Callable[[Prepared], None],
    exchange: Exchange = ALONE,
    show: Callable[[Prepared], None] = lambda _: None,
) -> Result:
    """Bring the run's org to what the snapshot holds, and record what was done.

    ``show`` is given the plan before it is held against its limits; ``approve`` raises to stop
    what is within them. Raises ``Refused`` before anything is
    written where the org is not the one that was meant, or is not free.
    """
    # Where there is a remote, its journal is the lock between machines.
    asked, exchange = exchange, replace(exchange, push=exchange.asked)
    with org_lock(run.repo, run.org, "replay"):
        sweep(run.repo)
        run.repo.remember(_REMEMBERED)
        warnings = begin(run.repo, exchange, (run.snapshots, run.journal))
        keys = run.gateway.identity()
        warnings += check_ground(run, order, keys)
        resume = order.resume or _is_cut_off(run, order.wishes.undo)
        take_over(run, run.org, exchange, resume=resume)
        last = newest(run.repo, run.repo.branch(run.journal))
        run = inheriting(run)
        cut_off = earlier(run.repo, run.org, order.source.manifest.org.public_id)
        seen: list[Reading] = []
        prepared = prepare(run, order, keys, partial(_looked, run, seen), cut_off)
        if shows(prepared.before, prepared.supplied.known - run.guard.known.values):
            run = knowing(run, prepared.supplied.known)
            prepared = prepare(run, order, keys, partial(_looked, run, seen), cut_off)
        prepared.warnings[:0] = warnings
        show(prepared)
        check_limits(prepared)
        approve(prepared)
        told = [*seen[-1].result.warnings]
        after = settle(run, seen[-1], exchange).warnings
        prepared.warnings += [text for text in after if text not in told]
        result = _Replay(run, prepared, exchange, last.sha if last else "").carry_out()
        ours = f"snapshots/{order.source.manifest.org.name}"
        result.warnings += push_along(run.repo, asked, ours) if ours != run.snapshots else []
    note = maintain(run.repo)
    result.warnings += [note.text] if note else []
    return result


def exit_code(result: Result) -> ExitCode:
    """Return what a finished replay answers to its caller."""
    if result.state == "interrupted":
        return ExitCode.INTERRUPTED
    if result.trouble is not None:
        return result.trouble.code
    whole = result.state == "done" and result.pushed is not False
    return ExitCode.DONE if whole else ExitCode.PARTIAL


def _looked(
    run: Run, seen: list[Reading], scope: Scope, so_far: CaptureResult | None
) -> tuple[View, CaptureResult]:
    """Read the destination; its snapshots go on to that once the plan is approved."""
    reading = look(run, scope, so_far)
    seen.append(reading)
    return snapshot_view(run.repo, reading.head, f"snapshots/{run.org}"), reading.result


class _Replay:
    """A replay that was approved."""

    def __init__(self, run: Run, prepared: Prepared, exchange: Exchange, last: str) -> None:
        self.run = knowing(run, prepared.supplied.known)
        self.prepared = prepared
        self.exchange = exchange
        self.record = prepared.record()
        self.lease = Lease(self.run, exchange, self.record, prepared.resume(), last)
        self._keys: Path | None = None
        self._kept: list[str] = []

    def carry_out(self) -> Result:
        """Write, read back, record."""
        if not self.prepared.writes:
            return self._finish(CarriedOut(), None, "")
        path = log_path(self.run.repo, self.run.org)
        with RunLog(path) as log:
            # Whatever the remote comes to know of a run, this repository knows to be over with it.
            log.add("begin", **self.prepared.begun())
            try:
                self.lease.start()
            except DdsnapError:  # it did not begin
                forget(path)
                raise
            carried, muted, trouble = self._write(log)
        result = self._finish(carried, muted, trouble)
        forget(path)
        return result

    def _write(self, log: RunLog) -> tuple[CarriedOut, Mute | None, str]:
        prepared, run = self.prepared, self.run
        binding, known = Binding(prepared.plan), prepared.known()
        ground = Ground(
            run,
            log,
            binding,
            prepared.supplied,
            prepared.started,
            known,
            Newcomers(
                run,
                prepared.reading.read_at,
                lambda name: {*known.get(name, ()), *binding.ids(name)},
                beside=prepared.order.wishes.create_similar,
            ),
            frozenset(filter(None, (prepared.keys.user, prepared.keys.handle))),
            prepared.keys.user,
            prepared.pause,
            self._keep,
            prepared.order.wishes.allow_self_lockout,
            self.lease.check_time,
        )
        muted, barred = None, {}
        if prepared.needs_mute:
            there = prepared.before.documents(run.catalog, only=DOWNTIMES)
            made = mute(ground, there)
            muted = Mute(made.id, made.made, made.requests) if made.id else None
            if made.why_not:
                why = f"the downtime for {TAG} could not be made: {made.why_not}"
                barred = {"monitors": why}
        if any(a.kind == "create" and a.address.type == LOCATIONS for a in prepared.plan.actions):
            self._keys = prepared.order.keys_folder()
        means = Means(
            self._load,
            lambda done: self._tick(log, done),
            run.gateway.concurrency,
            barred,
            prepared.moved,
            added=prepared.order.approved is None,
        )
        return carry_out(ground, prepared.plan, means), muted, barred.get("monitors", "")

    def _keep(self, address: Address, answer: JSON) -> None:
        """Keep the keys of a new private location outside of git: nobody shows them again.

        Raises ``UsageError`` where there is no answer that holds them, or no place for them.
        """
        if address.type == LOCATIONS and answer is None:
            raise UsageError(lost_keys(address))
        if address.type == LOCATIONS and self._keys is not None:
            path = keep_keys(self._keys, address, answer)
            self._kept += [str(path)] if path else []

    def _load(self, action: Action) -> Work:
        """Read the documents that an action is about."""
        before, catalog = self.prepared.before, self.run.catalog
        there = Address(action.address.type, action.to)
        if action.kind == "delete" or action.base == "destination":
            found = before.document(document_path(there), catalog)
            if found is None:
                raise Refused(f"{there} is not in the destination's snapshot")
            like = models_of(before, there, found, catalog)
            return Work(action, found.body, self.prepared.edit(found), like=like)
        stored, document = self.prepared.source.load(action.address)
        like = models_of(before, there, document, catalog)
        then = body_of(before, there, catalog) if catalog[there.type].orders else None
        return Work(action, stored.body, document, like=like, then=then)

    def _tick(self, log: RunLog, done: int) -> None:
        """Tell how far it is, and publish that from time to time."""
        self.run.sink("progress", org=self.run.org, done=done, total=self.prepared.writes)
        self.lease.renew(log)

    # --- the end

    def _finish(self, carried: CarriedOut, muted: Mute | None, mute_trouble: str) -> Result:
        """Read back what was written, and record all of it."""
        prepared, run = self.prepared, self.run
        wrote_until = run.latest_time()
        reached = {address: done.outcome for address, done in carried.done.items()}
        told = told_by(events_of(log_path(run.repo, run.org)), reached)
        why = ENDED if carried.interrupted else "the run ended before"
        outcomes = outcomes_of(_all_actions(prepared, carried), told, reached, why)
        after, result = self._read_back(outcomes, carried, muted)
        seen: dict[Address, str] = {}
        outcomes = [self._settled(outcome, told, after, seen) for outcome in outcomes]
        maps = self._maps(outcomes, told, after, seen)
        left = dangling(prepared.plan, outcomes, after)
        state = _state(outcomes, carried, left)
        notes = _renamed(outcomes, left)
        approved = prepared.order.approved if state in CUT else None
        record = replace(
            self.record,
            state=state,
            after=after.commit or "",
            mute=muted,
            error=carried.trouble.message if carried.trouble else "",
            requests=run.gateway.requests(),
            standing=journal.standing(run, result, prepared.reading) if result else {},
            warnings=[*prepared.warnings, *notes],
            approved=approved.to_json() if approved else {},
            wrote_until=wrote_until,
            unsettled=self._unsettled(outcomes, told, state).to_json(),
        )
        theirs = prepared.before.manifest.org
        files = {
            path: data
            for org, entries in maps.items()
            for path, data in map_files(entries, org, theirs).items()
        }
        rules = {rule.name: rule.text for rule in prepared.source.rules}
        discreet = Discreet.of(run)
        told_outcomes = [discreet.outcome(o) if o.settled or o.error else o for o in outcomes]
        final = Result(prepared, told_outcomes, state, mute=muted, mute_trouble=mute_trouble)
        final.trouble = carried.trouble
        final.keys_at = self._kept

        def compose() -> dict[str, str]:
            self.lease.check()
            final.commit = stage_replay(
                run,
                record,
                outcomes,
                patches_of(told),
                rules,
                maps=files,
                mapped=[org.name for org in maps],
                as_before=prepared.as_before.outcomes if prepared.as_before else b"",
            )
            return {run.journal: final.commit}

        published = publish(run.repo, self.exchange, (run.journal,), compose)
        final.pushed = published.pushed
        final.warnings += [*notes, *published.warnings]  # the others were told with the plan
        return final

    def _unsettled(
        self, outcomes: Sequence[Outcome], told: Mapping[Address, Written], state: State
    ) -> Unsettled:
        """Return what a later run has to look for: what this one could not find out."""
        earlier, wishes = self.prepared.earlier, self.prepared.order.wishes
        before = earlier.unsettled if earlier else Unsettled()
        return before.after(
            outcomes,
            self.run.id,
            {address: written.asked for address, written in told.items()},
            whole=state in ("done", "partial") and wishes.is_whole,
        )

    def _read_back(
        self, outcomes: Sequence[Outcome], carried: CarriedOut, muted: Mute | None
    ) -> tuple[View, CaptureResult | None]:
        """Return the destination as it is after the writes."""
        written = {o.action.address.type for o in outcomes if o.requests or o.status == "done"}
        written |= {DOWNTIMES} if muted and muted.made else set()
        if isinstance(carried.trouble, AuthError) or not written:
            return self.prepared.before, self.prepared.reading
        written |= {type_.name for type_ in self.run.catalog.types if type_.discover}
        scope = scope_of(outcomes, written, self.prepared.order.scope, self.run.catalog)
        heirs = replace(self.run.heirs, written=marked_among(outcomes, self.prepared.source))
        run = replace(self.run, heirs=heirs)
        try:
            reading = look(run, scope, self.prepared.reading)
            unread = any(one.troubled for one in reading.result.types.values())
            if carried.interrupted and unread:  # somebody would not wait for it
                raise ApiError(ENDED)
            result = settle(run, reading, self.exchange)
        except ApiError as error:
            told = f"what was written could not be read back: {error.message}"
            self.prepared.warnings.append(told)
            return self.prepared.before, self.prepared.reading
        label = f"snapshots/{self.run.org}"
        return snapshot_view(self.run.repo, result.commit or "", label), result

    def _settled(
        self,
        outcome: Outcome,
        told: Mapping[Address, Written],
        after: View,
        seen: dict[Address, str],
    ) -> Outcome:
        """Look at a resource as it was read back, and note its digest in ``seen``."""
        address = outcome.action.address
        written = told.get(address)
        if written is None or outcome.status != "done":
            return outcome
        there = self._there(outcome, after)
        if not outcome.requests:  # it was as it should be
            type_ = self.run.catalog[address.type]
            seen[address] = portable_digest(type_, there.body) if there else ""
            return outcome
        found, seen[address] = settled(
            outcome,
            written,
            lambda: self._load(outcome.action).base,
            there,
            self.run.catalog,
            now=self.prepared.started,
        )
        return found

    def _there(self, outcome: Outcome, after: View) -> Document | None:
        """Return what the destination was seen to hold of a resource."""
        there = Address(outcome.action.address.type, outcome.to)
        if not was_read(after, there.type):
            return None
        return after.document(document_path(there), self.run.catalog)

    def _maps(
        self,
        outcomes: Sequence[Outcome],
        told: Mapping[Address, Written],
        after: View,
        seen: Mapping[Address, str],
    ) -> Mapping[OrgIdentity, IdMap]:
        """Return the maps that change, by the org whose ids they map."""
        prepared = self.prepared
        if prepared.as_before:
            return {}
        mapped = self._map(outcomes, told, after, seen)
        if prepared.maps:
            return prepared.maps(mapped, outcomes, after)
        return {prepared.source.view.manifest.org: mapped}

    def _map(
        self,
        outcomes: Sequence[Outcome],
        told: Mapping[Address, Written],
        after: View,
        seen: Mapping[Address, str],
    ) -> dict[Address, Mapped]:
        """Return the map as the run leaves it."""
        before = self.prepared.id_map
        gone: set[Address] = set()
        entries: dict[Address, Mapped] = {}
        for outcome in outcomes:
            address = outcome.action.address
            if outcome.action.base == "destination":
                continue
            if outcome.action.kind == "delete":
                if outcome.status == "done":
                    gone |= {address, *policies_of(outcome, self.prepared.id_map, self.run.catalog)}
                continue
            entry = entry_of(
                outcome,
                told.get(address),
                before.get(address),
                partial(self._there, outcome, after),
                self.run.catalog,
                seen=seen.get(address, ""),
            )
            if entry is not None:
                entries[address] = entry
        read = {name for name, one in self.prepared.reading.types.items() if one.refreshed}
        ours = self.prepared.source.view
        gone |= on_neither_side(before, ours, after, read, self.run.catalog)
        return updated(before, entries, gone)


def _is_cut_off(run: Run, undone: str) -> bool:
    """Whether it is a run that did not end that is to be taken back: it is closed first."""
    left = unfinished(run.repo, run.org) if undone else None
    return left is not None and left.run.startswith(undone)


def _all_actions(prepared: Prepared, carried: CarriedOut) -> list[Action]:
    """Return what was planned, but for what turned out to need something else, and that."""
    planned = (a for a in prepared.plan.actions if a.address not in carried.added)
    return [*planned, *carried.added.values()]


def _renamed(outcomes: Sequence[Outcome], left: Sequence[Address]) -> list[str]:
    told = [
        f"{address} could not be undeleted and is {new} now"
        for address, new in renamed(outcomes).items()
    ]
    names = ", ".join(map(str, left))
    return [*told, f"these still point at an id that is lost: {names}"] if left else told


def _state(outcomes: Sequence[Outcome], carried: CarriedOut, left: Sequence[Address]) -> State:
    if carried.interrupted:
        return "interrupted"
    if carried.trouble is not None:
        return "failed"
    whole = not left and all(outcome.status in SETTLED for outcome in outcomes)
    return "done" if whole else "partial"
