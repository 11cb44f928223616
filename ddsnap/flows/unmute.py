"""Ending the quiet of a migration: what ddsnap made and silenced in an org is heard again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ddsnap.core.actions import Action
from ddsnap.core.changes import json_patch
from ddsnap.core.deletion import order_deletions
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.match import portable, portable_digest
from ddsnap.core.normalize import title_of
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address, Document, clone
from ddsnap.flows.id_map import read_maps
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.mute import find_mutes, is_own
from ddsnap.flows.past_replays import mutes_of
from ddsnap.flows.view import View, snapshot_view

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from ddsnap.core.id_map import IdMap, Mapped
    from ddsnap.core.manifest import OrgIdentity
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog, Quiet
    from ddsnap.core.values import JSON


@dataclass(frozen=True)
class Unmute:
    """What is silent in the org as it is ``now``; ``tests`` are to be resumed, too.

    ``mutes`` are the downtimes that silence it, and whether ddsnap has made them.
    """

    now: View
    catalog: Catalog
    maps_before: Mapping[OrgIdentity, Mapping[Address, Mapped]]
    mutes: Mapping[Address, bool]
    tests: bool = False

    def plan(self, empty: Plan) -> Plan:
        """Return the plan that lets everything be heard, and cancels ddsnap's downtime last."""
        edits = sorted(self._edits(), key=lambda action: action.address)
        known, own = empty.resolution, [one for one, ours in self.mutes.items() if ours]
        last = order_deletions(known.destination, own, self.catalog) if known else ()
        return replace(empty, actions=(*edits, *last))

    def edit(self, document: Document) -> Document:
        """Return a document as loud as it shall be."""
        body, type_ = clone(document.body), self.catalog[document.address.type]
        for quiet in type_.quiet:
            path = field_path(quiet.at)
            value = value_at(body, quiet.at)
            if quiet.element and isinstance(value, list):
                path.put(body, [one for one in value if one != quiet.value])
            elif self.tests and not quiet.element and value == quiet.value:
                path.put(body, self._loudness(document.address, quiet))
        return Document(document.address, body)

    def paused(self) -> int:
        """Return how many tests stay silent that are not at their source."""
        silent = (
            (one, quiet)
            for one in self._made()
            for quiet in self.catalog[one.address.type].quiet
            if not quiet.element and value_at(one.body, quiet.at) == quiet.value
        )
        return (
            0
            if self.tests
            else sum(self._loudness(one.address, quiet) != quiet.value for one, quiet in silent)
        )

    def foreign(self) -> list[Address]:
        """Return the downtimes for the tag that somebody else has made: they stay."""
        return [one for one, ours in self.mutes.items() if not ours]

    def maps(
        self, own: IdMap, outcomes: Sequence[Outcome], after: View
    ) -> dict[OrgIdentity, dict[Address, Mapped]]:
        """Return the maps with what was seen last of what has changed."""
        del own
        changed = {o.action.address for o in outcomes if o.status == "done" and o.requests}
        return {
            org: {
                address: self._seen(address, entry, after)
                if Address(address.type, entry.id) in changed
                else entry
                for address, entry in entries.items()
            }
            for org, entries in self.maps_before.items()
        }

    def _seen(self, address: Address, entry: Mapped, after: View) -> Mapped:
        there = Address(address.type, entry.id)
        found = after.document(document_path(there), self.catalog)
        seen = portable_digest(self.catalog[there.type], found.body) if found else ""
        return replace(entry, seen=seen) if entry.seen and seen else entry

    def _edits(self) -> Iterator[Action]:
        for document in self._made():
            address, type_ = document.address, self.catalog[document.address.type]
            before, wanted = (portable(type_, d.body) for d in (document, self.edit(document)))
            patch = tuple(json_patch(before, wanted))
            if patch:
                yield Action(
                    "update",
                    address,
                    title_of(type_, document.body),
                    address.id,
                    patch,
                    against=portable_digest(type_, document.body),
                    base="destination",
                )

    def _made(self) -> Iterator[Document]:
        """What ddsnap has created here of the types that it silences."""
        for there in self._sources:
            found = self.now.document(document_path(there), self.catalog)
            if found is not None:
                yield found

    @cached_property
    def _sources(self) -> dict[Address, tuple[OrgIdentity, Address]]:
        """Whose counterparts those are."""
        return {
            Address(address.type, entry.id): (org, address)
            for org, entries in self.maps_before.items()
            for address, entry in entries.items()
            if entry.origin == "created" and self.catalog[address.type].quiet
        }

    @cached_property
    def _snapshots(self) -> dict[OrgIdentity, View | None]:
        repo = self.now.repo
        tips = {org: repo.branch(f"snapshots/{org.name}") for org in self.maps_before}
        return {org: snapshot_view(repo, tip, org.name) if tip else None
                for org, tip in tips.items()}  # fmt: skip

    def _loudness(self, there: Address, quiet: Quiet) -> JSON:
        """What its source says, by the last snapshot of that; silent where nobody knows."""
        org, address = self._sources[there]
        view = self._snapshots[org]
        found = view.document(document_path(address), self.catalog) if view else None
        value = value_at(found.body, quiet.at) if found else None
        return quiet.value if value is None else value


def read_unmute(now: View, catalog: Catalog, time: datetime, *, tests: bool) -> Unmute:
    """Find out what is silenced in an org at that ``time``, by the maps in its journal."""
    tip = now.repo.branch(f"journal/{now.manifest.org.name}")
    found = [*find_mutes(now.documents(catalog, only=DOWNTIMES), time)]
    told = mutes_of(now.repo, tip) if tip and not all(map(is_own, found)) else ()
    mutes = {one.address: is_own(one) or one.address.id in told for one in found}
    return Unmute(now, catalog, read_maps(now.repo, tip) if tip else {}, mutes, tests)
