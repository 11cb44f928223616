"""Replay: what a snapshot holds, written to an org, once, in order, and recorded for good."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Final

from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.errors import DdsnapError, Refused, UsageError
from ddsnap.flows.binding import Binding
from ddsnap.flows.capture import look, settle
from ddsnap.flows.carry_out import CarriedOut, Means, carry_out
from ddsnap.flows.conclude import Conclusion
from ddsnap.flows.ground import check_ground
from ddsnap.flows.heirs import inheriting, knowing, models_of, shows
from ddsnap.flows.lease import Lease
from ddsnap.flows.mute import TAG, mute
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.newcomers import Newcomers
from ddsnap.flows.past_replays import newest
from ddsnap.flows.past_writes import body_of
from ddsnap.flows.prepare import check_limits, prepare
from ddsnap.flows.replay_journal import Mute
from ddsnap.flows.sync import ALONE, Exchange, begin, push_along
from ddsnap.flows.takeover import take_over, unfinished
from ddsnap.flows.unsettled import earlier
from ddsnap.flows.view import snapshot_view
from ddsnap.flows.work import Ground, Work
from ddsnap.flows.worker_keys import LOCATIONS, keep_keys, lost_keys
from ddsnap.store.locks import org_lock
from ddsnap.store.maintenance import maintain
from ddsnap.store.run_log import RunLog, forget, log_path
from ddsnap.store.sweep import sweep

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from ddsnap.core.actions import Action
    from ddsnap.core.values import JSON, Document
    from ddsnap.flows.compose import Reading
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.prepared import Order, Prepared
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.replay_result import Result
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View

_REMEMBERED: Final = 32 << 20
"""Bytes of documents: each is looked at to plan, to write, and to say what came of it."""


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
        shown = len(prepared.warnings)
        check_limits(prepared)
        approve(prepared)
        told = [*seen[-1].result.warnings]
        after = settle(run, seen[-1], exchange).warnings
        prepared.warnings += [text for text in after if text not in told]
        result = _Replay(run, prepared, exchange, last.sha if last else "").carry_out()
        result.warnings[:0] = prepared.warnings[shown:]
        ours = f"snapshots/{order.source.manifest.org.name}"
        result.warnings += push_along(run.repo, asked, ours) if ours != run.snapshots else []
    note = maintain(run.repo)
    result.warnings += [note.text] if note else []
    return result


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
        record = prepared.record()
        self.lease = Lease(self.run, exchange, record, prepared.resume(), last)
        self._end = Conclusion(self.run, prepared, record, self.lease, exchange, self._load)
        self._keys: Path | None = None
        self._kept: list[str] = []

    def carry_out(self) -> Result:
        """Write, read back, record."""
        if not self.prepared.writes:
            return self._end.conclude(CarriedOut(), None)
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
        result = self._end.conclude(carried, muted)
        result.mute_trouble, result.keys_at = trouble, self._kept
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
        silence = _Silence(ground, [*self._downtimes()]) if prepared.needs_mute else None
        if any(a.kind == "create" and a.address.type == LOCATIONS for a in prepared.plan.actions):
            self._keys = prepared.order.keys_folder()
        means = Means(
            self._load,
            lambda done: self._tick(log, done),
            # While the answers to some are awaited, the next ones are written down; the session
            # still makes no more requests at once than it may.
            2 * run.gateway.concurrency - 1,
            silence.fall if silence else dict,
            prepared.moved,
            added=prepared.order.approved is None,
        )
        carried = carry_out(ground, prepared.plan, means)
        return (carried, silence.muted, silence.trouble) if silence else (carried, None, "")

    def _downtimes(self) -> Iterable[Document]:
        return self.prepared.before.documents(self.run.catalog, only=DOWNTIMES)

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


@dataclass
class _Silence:
    """The downtime of a migration, among those that are ``there``; ``trouble`` says what it had."""

    ground: Ground
    there: Sequence[Document]
    muted: Mute | None = None
    trouble: str = ""

    def fall(self) -> Mapping[str, str]:
        """See to it that it is there; say why no monitor may be made where it is not."""
        made = mute(self.ground, self.there)
        self.muted = Mute(made.id, made.made, made.requests) if made.id else None
        if made.why_not:
            self.trouble = f"the downtime for {TAG} could not be made: {made.why_not}"
        return {"monitors": self.trouble} if self.trouble else {}


def _is_cut_off(run: Run, undone: str) -> bool:
    """Whether it is a run that did not end that is to be taken back: it is closed first."""
    left = unfinished(run.repo, run.org) if undone else None
    return left is not None and left.run.startswith(undone)
