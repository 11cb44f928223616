"""The end of a replay: what was written is read back, settled, mapped and recorded."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from ddsnap.core.match import portable_digest
from ddsnap.core.outcomes import SETTLED, renamed
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.errors import ApiError, AuthError, Refused
from ddsnap.flows import journal
from ddsnap.flows.account import entry_of, outcomes_of, patches_of, settled, told_by
from ddsnap.flows.act import ENDED
from ddsnap.flows.capture import look, settle
from ddsnap.flows.discreet import Discreet
from ddsnap.flows.id_map import map_files, updated
from ddsnap.flows.living import on_neither_side, was_read
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.past_replays import CUT
from ddsnap.flows.read_back import dangling, marked_among, policies_of, scope_of
from ddsnap.flows.replay_journal import stage_replay
from ddsnap.flows.replay_result import Result
from ddsnap.flows.sync import publish
from ddsnap.flows.unsettled import Unsettled
from ddsnap.flows.view import snapshot_view
from ddsnap.store.run_log import events_of, log_path

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from ddsnap.core.actions import Action
    from ddsnap.core.id_map import IdMap, Mapped
    from ddsnap.core.manifest import OrgIdentity
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.values import Document
    from ddsnap.flows.account import Written
    from ddsnap.flows.carry_out import CarriedOut
    from ddsnap.flows.compose import Reading
    from ddsnap.flows.lease import Lease
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.prepared import Prepared
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.replay_journal import Mute, Replayed, State
    from ddsnap.flows.run import Run
    from ddsnap.flows.sync import Exchange, Published
    from ddsnap.flows.view import View
    from ddsnap.flows.work import Work


@dataclass(frozen=True)
class _Found:
    """What the log tells of each action, the org ``after`` it, and what was ``seen`` of each there.

    That is the digest of the portable document, empty where there is none.
    """

    told: Mapping[Address, Written]
    after: View
    seen: dict[Address, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Conclusion:
    """How a replay ends: ``load`` reads an action's documents, ``record`` is as it began."""

    run: Run
    prepared: Prepared
    record: Replayed
    lease: Lease
    exchange: Exchange
    load: Callable[[Action], Work]

    def conclude(self, carried: CarriedOut, muted: Mute | None) -> Result:
        """Read back what was written, and record all of it."""
        prepared, run = self.prepared, self.run
        wrote_until = run.latest_time()
        reached = {address: done.outcome for address, done in carried.done.items()}
        told = told_by(events_of(log_path(run.repo, run.org)), reached)
        why = ENDED if carried.interrupted else "the run ended before"
        outcomes = outcomes_of(_all_actions(prepared, carried), told, reached, why)
        after, result = self._read_back(outcomes, carried, muted)
        found = _Found(told, after)
        outcomes = [self._settled(outcome, found) for outcome in outcomes]
        maps = self._maps(outcomes, found)
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
        discreet = Discreet.of(run)
        told_outcomes = [discreet.outcome(o) if o.settled or o.error else o for o in outcomes]
        final = Result(prepared, told_outcomes, state, mute=muted, trouble=carried.trouble)
        final.commit, published = self._published(record, outcomes, patches_of(told), maps)
        final.pushed = published.pushed
        final.warnings += [*notes, *published.warnings]  # the others were told with the plan
        return final

    def _published(
        self,
        record: Replayed,
        outcomes: Sequence[Outcome],
        patches: Mapping[str, bytes],
        maps: Mapping[OrgIdentity, IdMap],
    ) -> tuple[str, Published]:
        """Move the journal on to the record of the run; return the commit too."""
        prepared, run = self.prepared, self.run
        theirs = prepared.before.manifest.org
        files = {
            path: data
            for org, entries in maps.items()
            for path, data in map_files(entries, org, theirs).items()
        }
        rules = {rule.name: rule.text for rule in prepared.source.rules}
        commit = ""

        def compose() -> dict[str, str]:
            nonlocal commit
            self.lease.check()
            commit = stage_replay(
                run,
                record,
                outcomes,
                patches,
                rules,
                maps=files,
                mapped=[org.name for org in maps],
                as_before=prepared.as_before.outcomes if prepared.as_before else b"",
            )
            return {run.journal: commit}

        published = publish(run.repo, self.exchange, (run.journal,), compose)
        return commit, published

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
            reading = self._look(run, scope)
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

    def _look(self, run: Run, scope: Scope) -> Reading:
        """Read the org again. Raises ``ApiError``, even where it does not say any more which it is.

        By now something was written, and that is to be recorded.
        """
        try:
            return look(run, scope, self.prepared.reading)
        except Refused as refusal:
            raise ApiError(refusal.message, refusal.hint) from None

    def _settled(self, outcome: Outcome, found: _Found) -> Outcome:
        """Look at a resource as it was read back, and note what was seen of it."""
        address = outcome.action.address
        written = found.told.get(address)
        if written is None or outcome.status != "done":
            return outcome
        there = self._there(outcome, found.after)
        if not outcome.requests:  # it was as it should be
            type_ = self.run.catalog[address.type]
            found.seen[address] = portable_digest(type_, there.body) if there else ""
            return outcome
        told, found.seen[address] = settled(
            outcome,
            written,
            lambda: self.load(outcome.action).base,
            there,
            self.run.catalog,
            now=self.prepared.started,
        )
        return told

    def _there(self, outcome: Outcome, after: View) -> Document | None:
        """Return what the destination was seen to hold of a resource."""
        there = Address(outcome.action.address.type, outcome.to)
        stale = after is self.prepared.before and bool(outcome.requests)  # nothing was read back
        if stale or not was_read(after, there.type):
            return None
        return after.document(document_path(there), self.run.catalog)

    def _maps(self, outcomes: Sequence[Outcome], found: _Found) -> Mapping[OrgIdentity, IdMap]:
        """Return the maps that change, by the org whose ids they map."""
        prepared = self.prepared
        if prepared.as_before:
            return {}
        mapped = self._map(outcomes, found)
        if prepared.maps:
            return prepared.maps(mapped, outcomes, found.after)
        return {prepared.source.view.manifest.org: mapped}

    def _map(self, outcomes: Sequence[Outcome], found: _Found) -> dict[Address, Mapped]:
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
                found.told.get(address),
                before.get(address),
                partial(self._there, outcome, found.after),
                self.run.catalog,
                seen=found.seen.get(address, ""),
            )
            if entry is not None:
                entries[address] = entry
        read = {name for name, one in self.prepared.reading.types.items() if one.refreshed}
        ours = self.prepared.source.view
        gone |= on_neither_side(before, ours, found.after, read, self.run.catalog)
        return updated(before, entries, gone)


def _all_actions(prepared: Prepared, carried: CarriedOut) -> list[Action]:
    """Return the planned actions and those added since, which replace planned ones."""
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
