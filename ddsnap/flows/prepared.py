"""A replay as it was asked for, and as it was planned: what its other parts hand on."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal

from ddsnap.config.model import DeleteLimit
from ddsnap.flows.app_links import AppLinks
from ddsnap.flows.replay_journal import Replayed, Source
from ddsnap.flows.supply import Need, Supplied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from ddsnap.api.identity import OrgIdentity as Keys
    from ddsnap.core.id_map import IdMap, Mapped
    from ddsnap.core.manifest import OrgIdentity
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.plan import Plan
    from ddsnap.core.saved_plan import Approved
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import Address, Document, JSONObject
    from ddsnap.flows.as_before import AsBefore
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.replay_source import ReplaySource
    from ddsnap.flows.run import Run
    from ddsnap.flows.undo import Undo
    from ddsnap.flows.unsettled import Earlier
    from ddsnap.flows.view import View
    from ddsnap.flows.wishes import Wishes

    Maps = Callable[[IdMap, Sequence[Outcome], View], dict[OrgIdentity, dict[Address, Mapped]]]

SECOND_LOOK: Final = 3.0
"""Seconds after which is looked again for what a lost request may have made."""


@dataclass(frozen=True)
class Order:
    """A replay as it was asked for: which snapshot, what of it, by which rules, over which org."""

    source: View
    revision: str
    wishes: Wishes
    scope: Scope
    """All that a capture of the destination would read."""
    rules: tuple[Rule, ...] = ()
    supply: Callable[[Iterable[Need]], Supplied] = lambda _: Supplied()
    max_deletes: DeleteLimit = field(default_factory=DeleteLimit)
    keys_folder: Callable[[], Path | None] = lambda: None
    """Where the keys of new private locations are kept."""
    kind: Literal["replay", "restore"] = "replay"
    resume: bool = False
    rehearsal: bool = False
    """Whether the run writes to a copy of the org: there something may stand in for a secret."""
    approved: Approved | None = None
    """Nothing but what it says is carried out."""
    second_look: float = SECOND_LOOK
    is_preset: Callable[[Address], bool] | None = None
    """Says in place of the org which of Datadog's own it has: a copy of an org knows of none."""
    idle: tuple[str, ...] = ()
    """The rules that there are, and that do not lead from the one org to the other."""


@dataclass
class Prepared:
    """A plan, and all that carrying it out needs."""

    run: Run
    order: Order
    plan: Plan
    source: ReplaySource
    before: View
    reading: CaptureResult
    keys: Keys
    started: datetime
    id_map: IdMap = field(default_factory=dict)
    supplied: Supplied = field(default_factory=Supplied)
    quiet: bool = False
    earlier: Earlier | None = None
    undo: Undo | None = None
    maps: Maps | None = None
    """Makes of the org's map onto itself, once the outcomes are known, all maps that change."""
    edit: Callable[[Document], Document] = lambda document: document
    """Makes of the org's own documents what is to be written."""
    lacking: tuple[Need, ...] = ()
    """The secrets without which something cannot be created; nobody has supplied them."""
    links: AppLinks = field(default_factory=AppLinks)
    """What leads back to the source's site."""
    warnings: list[str] = field(default_factory=list)
    moved: Mapping[Address, str] = field(default_factory=dict)
    """What is left alone, and why: it is not as the saved plan has it, or needs what is not."""
    basis: JSONObject = field(default_factory=dict)
    as_before: AsBefore | None = None
    """What the last replay planned, and found nothing to write either."""

    @cached_property
    def writes(self) -> int:
        """How many of its actions change the destination."""
        return sum(action.writes for action in self.plan.actions)

    @property
    def needs_mute(self) -> bool:
        """Whether monitors will be created that nobody shall hear yet."""
        monitors = (action for action in self.plan.actions if action.address.type == "monitors")
        return self.quiet and any(action.kind == "create" for action in monitors)

    def known(self) -> dict[str, set[str]]:
        """Return the destination's ids from before the run, of each type of which it makes one."""
        made = {action.address.type for action in self.plan.actions if action.kind == "create"}
        known = {
            name: {address.id for address in self.before.addresses(self.run.catalog, only=name)}
            for name in made
        }
        for address, mapped in self.id_map.items():
            if address.type in known:
                known[address.type].add(mapped.id)
        return known

    def pause(self) -> None:
        """Give the org time to show what it was sent."""
        time.sleep(self.order.second_look)

    def record(self) -> Replayed:
        """Return what the journal says of the run before it begins."""
        order, manifest = self.order, self.order.source.manifest
        return Replayed(
            "started",
            self.started,
            Source(
                manifest.org.name, manifest.org.public_id, order.source.commit or "", order.revision
            ),
            self.before.manifest.org,
            self.before.commit or "",
            kind=order.kind,
            selection=(*order.wishes.words, *order.wishes.filters),
            options=order.wishes.to_json(),
            transforms=tuple(rule.name for rule in self.source.rules),
            plan=self.as_before.digest if self.as_before else self.plan.digest(),
            identity=self.keys.user,
            handle=self.keys.handle,
            resumes=self.earlier.run if self.earlier else "",
            basis=self.basis,
            undoes=self.undo.undone.run if self.undo else "",
            undoes_too=self.undo.earlier if self.undo else (),
        )

    def resume(self) -> JSONObject:
        """Return what another run needs to go on."""
        approved = self.order.approved
        return {
            "wishes": self.order.wishes.to_json(),
            "rules": {rule.name: rule.text for rule in self.source.rules},
            **({"approved": approved.to_json()} if approved else {}),
        }

    def begun(self) -> dict[str, object]:
        """Return what the run log says first."""
        record = self.record()
        source, destination = record.source, record.destination
        return {
            "run": self.run.id,
            "started": self.started.isoformat(),
            "kind": record.kind,
            "source": {
                "org": source.org,
                "public_id": source.public_id,
                "commit": source.commit,
                "revision": source.revision,
            },
            "destination": {
                "name": destination.name,
                "public_id": destination.public_id,
                "site": destination.site,
            },
            "before": record.before,
            "plan": record.plan,
            "identity": record.identity,
            "handle": record.handle,
            "resumes": record.resumes,
            "transforms": [*record.transforms],
            "resume": self.resume(),
        }
