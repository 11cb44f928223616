"""What a replay has left behind of itself: how it left each resource, as far as anybody knows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.match import covers, filled_in, portable, portable_digest
from ddsnap.core.regained import without_members
from ddsnap.core.times import time_of
from ddsnap.core.values import Address
from ddsnap.flows.arrivals import Arrivals
from ddsnap.flows.journal import parse_time
from ddsnap.flows.living import was_read
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.mute import is_own
from ddsnap.flows.past_writes import PastWrites, body_of
from ddsnap.flows.unheard import find_unheard
from ddsnap.flows.unsettled import own_open
from ddsnap.flows.view import View, snapshot_view

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.unheard import Explained
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.past_replays import Undone


_LATE: Final = timedelta(minutes=1)
"""How long after the last answer a request may have had its effect whose sender died."""


@dataclass(frozen=True)
class LeftBehind:
    """A replay into an org, and the org as it is ``now``.

    Where the replay was cut off before it read back what it wrote, a document counts as it is now
    if it equals what was sent, or holds all of it and says that nobody has changed it since.
    ``others`` are counterparts of other orgs' resources.
    """

    undone: Undone
    now: View
    catalog: Catalog
    others: Collection[Address] = ()
    since: Sequence[Undone] = ()
    """The runs that took something of it back since, the oldest first."""

    def made(self, known: Collection[Address]) -> dict[Address, str]:
        """Return what it created, with the digest of the document as it left it.

        What is ``known`` is somebody's, so that it is not what an unheard request has made.
        """
        told = {
            Address(address.type, id_): self._digest(address, Address(address.type, id_), seen)
            for address, (id_, seen) in self.undone.created.items()
        }
        return told | {there: self._now(there) for there in self._unrecorded({*known, *told})}

    def confirmed(self, known: Collection[Address]) -> dict[Address, str]:
        """Return what of this it found or left as it was meant to be, with the digest of that."""
        found: dict[Address, str] = {}
        for outcome in self.undone.outcomes:
            there = Address(outcome.action.address.type, outcome.to or outcome.action.to)
            if there in known and outcome.status in ("done", "unchanged"):
                found[there] = self._digest(outcome.action.address, there, "")
        return {there: digest for there, digest in found.items() if digest}

    def changed(self, before: View, made: Collection[Address] = ()) -> dict[Address, str]:
        """Return what it wrote to and is not as ``before``, with the digest as it left it.

        An order is as before if it is but for what was ``made``: that goes. Who was deleted is
        there, and only disabled.
        """
        updated = {*self.undone.updated, *filter(self._is_disabled, self.undone.deleted)}
        pairs = (
            (o.action.address, Address(o.action.address.type, o.to or o.action.to))
            for o in self.undone.outcomes
        )
        return {
            there: self._digest(address, there, "")
            for address, there in pairs
            if there in updated and not self._is_as(before, there, made)
        }

    def mute(self) -> Address | None:
        """Return the downtime that it made for itself."""
        told = self.undone.record.get("mute")
        if isinstance(told, dict):
            return Address(DOWNTIMES, str(told.get("id"))) if told.get("made") is True else None
        if self.after is not None:
            return None
        downtimes = self.now.documents(self.catalog, only=DOWNTIMES)
        own = (one.address for one in downtimes if is_own(one))
        return next((there for there in own if self._is_new(there)), None)

    @cached_property
    def _writes(self) -> PastWrites:
        return PastWrites(self.now.repo, self.undone, self.catalog)

    @property
    def before(self) -> View:
        """The org before it."""
        return self._writes.before

    @cached_property
    def after(self) -> View | None:
        """The org as it was read back, if it was."""
        after = self.undone.after
        return snapshot_view(self.now.repo, after, after) if after else None

    @cached_property
    def _wrote_until(self) -> datetime:
        record = self.undone.record
        told = parse_time(record.get("wrote_until")) or parse_time(record.get("finished"))
        requests = (sent for outcome in self.undone.outcomes for sent in outcome.requests)
        late = _LATE if any(sent.status == 0 for sent in requests) else timedelta()
        return (told or datetime.min.replace(tzinfo=timezone.utc)) + late

    def _digest(self, address: Address, there: Address, seen: str) -> str:
        """Return the digest of a document as the replay, or what took it back, has left it."""
        digest, type_ = self._left(address, there, seen), self.catalog[there.type]
        for step in self._steps:
            old, new = (body_of(view, there, self.catalog) for view in (step.before, step.now))
            known = old is not None and portable_digest(type_, old) == digest
            if old and new and known and step.has_made(there, old, new):
                digest = portable_digest(type_, new)
        return digest

    @cached_property
    def _steps(self) -> list[LeftBehind]:
        """The runs that took something back, each with the org as it was seen next."""
        befores = [snapshot_view(self.now.repo, one.before, one.before) for one in self.since]
        steps = [
            LeftBehind(run, seen, self.catalog)
            for run, seen in zip(self.since, [*befores[1:], self.now], strict=False)
        ]
        return [step if step.after is None else replace(step, now=step.after) for step in steps]

    def has_made(self, there: Address, old: JSONObject, new: JSONObject) -> bool:
        """Whether it was this run that made the ``old`` document the ``new`` one of ``now``."""
        if self.after is not None or there not in self.undone.wrote:
            return self._is_by(there, old, new)
        sent = [one for address in self.undone.about(there) for one in self._writes.sent(address)]
        return any(self._is_kept(there, one) for one in sent)

    def _is_by(self, there: Address, old: JSONObject, new: JSONObject) -> bool:
        """Whether it was this run that made the ``old`` document the ``new`` one that it read back.

        What it did not write to has lost what it deleted, at most, or got what it made.
        """
        run, type_ = self.undone, self.catalog[there.type]
        if there in run.wrote:
            return True
        own = (without_members(type_, portable(type_, body), run.members) for body in (old, new))
        return canonical.same(*own)

    def _left(self, address: Address, there: Address, seen: str) -> str:
        known = self.after is not None and was_read(self.after, there.type)
        body = body_of(self.after, there, self.catalog) if self.after and known else None
        if body is not None:
            old = body_of(self.before, there, self.catalog)
            # Somebody may have changed by then what it found as it should be.
            kept = body if old is None or self._is_by(there, old, body) else old
            return portable_digest(self.catalog[there.type], kept)
        if seen:
            return seen
        outcome = self._writes.outcomes.get(address)
        if outcome is not None and outcome.status == "done" and not outcome.requests:
            return outcome.action.against  # it was as it should be
        if there in self.undone.deleted:
            return self._now(there) if self._is_only_disabled(there) else ""
        kept_it = any(self._is_kept(there, one) for one in self._writes.sent(address))
        return self._now(there) if kept_it else ""

    def _is_disabled(self, there: Address) -> bool:
        body, path = body_of(self.now, there, self.catalog), self.catalog[there.type].disabled
        return bool(body and path and value_at(body, path))

    def _is_only_disabled(self, there: Address) -> bool:
        """Whether a document is as before but for that."""
        type_, found = self.catalog[there.type], []
        for view in (self.before, self.now):
            body = portable(type_, body_of(view, there, self.catalog) or {})
            field_path(type_.disabled).put(body, True)
            found.append(body)
        return canonical.same(*found)

    def _is_kept(self, there: Address, sent: JSONObject) -> bool:
        """Whether a document is what was sent, with no more than the server made of it."""
        body = body_of(self.now, there, self.catalog)
        if body is None:
            return False
        type_ = self.catalog[there.type]
        own = portable(type_, body)
        if not covers(own, sent):
            return False
        # Where nobody is told when it was changed, the server may have set no more than the time.
        told = value_at(body, type_.modified_at) if type_.modified_at else None
        times = map(time_of, filled_in(own, sent) if told is None else [told])
        until = self._wrote_until
        return canonical.same(own, sent) or all(time and time <= until for time in times)

    def _now(self, there: Address) -> str:
        body = body_of(self.now, there, self.catalog)
        return "" if body is None else portable_digest(self.catalog[there.type], body)

    def _is_new(self, there: Address) -> bool:
        return body_of(self.before, there, self.catalog) is None

    def _is_as(self, before: View, there: Address, made: Collection[Address]) -> bool:
        old, new = (body_of(view, there, self.catalog) for view in (before, self.now))
        if old is None or new is None:
            return False
        type_ = self.catalog[there.type]
        own = portable(type_, new)
        for slot in reversed([*field_path(type_.members).find(own)] if type_.orders else []):
            if Address(type_.orders, str(slot.value)) in made:
                slot.remove()
        return canonical.digest(own) == portable_digest(type_, old)

    def doubtful(self, known: Collection[Address]) -> list[Address]:
        """Return what it may have made and was cut off before it heard of it: nobody can tell."""
        found = self._unheard(known).doubtful
        return [there for there in sorted(found) if there not in known and there not in self.others]

    def _unrecorded(self, known: Collection[Address]) -> list[Address]:
        """Return what it made and was cut off before it heard of it, where that is sure.

        Nobody has changed it since, and it is no counterpart that anybody knows of.
        """
        found = self._unheard(known).taken
        made = {Address(a.type, id_): self._writes.sent(a) for a, id_ in found.items()}
        return [
            there
            for there, sent in made.items()
            if there not in known
            and there not in self.others
            and any(self._is_kept(there, one) for one in sent)
        ]

    def _unheard(self, known: Collection[Address]) -> Explained:
        told = self.undone
        arrivals = Arrivals(self.now, self.catalog, told.mapped, known)
        open_ = own_open(told.record, told.run, told.outcomes)
        return find_unheard(open_, arrivals, self._writes.source)
