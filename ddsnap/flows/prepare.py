"""From what was asked to the exact list of what would be written: nothing is written here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Final, Literal

from ddsnap.config.model import DeleteLimit
from ddsnap.core.deletion import Deletions
from ddsnap.core.directory import read_directory
from ddsnap.core.filling import needs as places_of
from ddsnap.core.half_done import Present
from ddsnap.core.lockout import with_lockouts
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.paths import document_path
from ddsnap.core.reach import consulted, reached
from ddsnap.core.saved_plan import compare, dependents
from ddsnap.core.secrets import maybe_marked
from ddsnap.core.transform import unmatched
from ddsnap.core.unheard import NOTHING
from ddsnap.errors import Refused, UsageError
from ddsnap.flows.app_links import AppLinks, app_links
from ddsnap.flows.arrivals import Arrivals
from ddsnap.flows.as_before import basis_of, names_there, recall
from ddsnap.flows.id_map import read_map, read_others
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.mute import server_now
from ddsnap.flows.planning import (
    check_deletions,
    is_quiet,
    plan_replay,
    whole_types,
    with_organization,
)
from ddsnap.flows.presets import presets_of
from ddsnap.flows.repeating import gone_before
from ddsnap.flows.replay_journal import Replayed, Source
from ddsnap.flows.replay_source import ReplaySource
from ddsnap.flows.supply import Need, Supplied
from ddsnap.flows.transforming import principals_known
from ddsnap.flows.undo import Undo, read_undo
from ddsnap.flows.unlisted import unlisted, unprotected, unread
from ddsnap.flows.unmute import read_unmute
from ddsnap.flows.validation import refusals
from ddsnap.flows.worker_keys import without_lost_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from ddsnap.api.identity import OrgIdentity as Keys
    from ddsnap.core.id_map import IdMap, Mapped
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.saved_plan import Approved
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import Address, Document, JSONObject
    from ddsnap.flows.as_before import AsBefore
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.run import Run
    from ddsnap.flows.unsettled import Earlier
    from ddsnap.flows.view import View
    from ddsnap.flows.wishes import Wishes

    Look = Callable[[Scope, CaptureResult | None], tuple[View, CaptureResult]]
    """Reads the destination, after what the same run may have read of it a moment ago."""
    Maps = Callable[[IdMap, Sequence[Outcome], View], dict[OrgIdentity, dict[Address, Mapped]]]

SECOND_LOOK: Final = 3.0
"""Seconds after which is looked again for what a lost request may have made."""

_PROTECTED: Final = "restriction_policies"


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
    id_map: IdMap
    keys: Keys
    started: datetime
    supplied: Supplied
    quiet: bool
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


@dataclass(frozen=True, slots=True)
class _Needed:
    """What a selection of the source needs, and the types of which the destination is read."""

    addresses: frozenset[Address]
    types: frozenset[str]


def prepare(
    run: Run, order: Order, keys: Keys, look: Look, earlier: Earlier | None = None
) -> Prepared:
    """Read the destination as far as the replay reaches, and plan.

    What is planned depends on nothing but what is read: a preview and a replay plan the same.
    """
    started, manifest = run.clock(), order.source.manifest
    if manifest.rules > run.catalog.rules:
        raise Refused(
            f"{order.source.label} was written by a newer ddsnap (rules {manifest.rules})",
            "install that version: an older one cannot read it reliably",
        )
    here = OrgIdentity(run.org, keys.public_id, run.site)
    id_map = read_map(run.repo, run.repo.branch(run.journal), manifest.org, here)
    again = partial(unlisted, run, order.source, id_map, same_org=manifest.org.is_same(here))
    if order.wishes.undo or order.wishes.unmute:
        view, reading = look(replace(order.scope, again=again(None)), None)
        plan_own = _plan_undo if order.wishes.undo else _plan_unmute
        own = plan_own(run, order, keys, view, reading=reading, started=started)
        own.earlier = earlier
        return own
    selected = order.wishes.selection(order.source, run.catalog)
    needed = None if selected is None else _needed(run, order, selected)
    only = frozenset[str]() if needed is None else needed.types
    scope = replace(order.scope, again=again(None if needed is None else needed.addresses))

    def plan(scope: Scope, so_far: CaptureResult | None = None) -> Prepared:
        view, reading = look(scope, so_far)
        return _plan(
            run, order, keys, view, reading=reading, started=started, earlier=earlier,
            selected=selected,
        )  # fmt: skip

    prepared = plan(replace(scope, only=only))
    if only and _recreates(prepared):  # whatever names what was lost is to name the new one
        prepared = plan(scope, prepared.reading)
    return prepared


def check_limits(prepared: Prepared) -> None:
    """Refuse more deletions than are allowed, and what is strictly to be as it was saved."""
    order, moved = prepared.order, prepared.moved
    if prepared.undo is None:  # that deletes what one run made, and nothing else
        check_deletions(prepared.plan, order.max_deletes)
    if moved and order.wishes.strict:
        count = "1 action is" if len(moved) == 1 else f"{len(moved)} actions are"
        raise Refused(
            f"{count} to be left alone: {min(moved)}: {moved[min(moved)]}",
            "plan again; without --strict the others are carried out",
        )


def _plan(
    run: Run,
    order: Order,
    keys: Keys,
    before: View,
    *,
    reading: CaptureResult,
    started: datetime,
    earlier: Earlier | None,
    selected: Callable[[Address], bool] | None,
) -> Prepared:
    catalog = run.catalog
    ours, theirs = order.source.manifest.org, before.manifest.org
    wishes = order.wishes
    basis = None if earlier else basis_of(run, order, keys, before, started)
    found = recall(run, basis) if basis else None
    if found is not None:
        source = ReplaySource(order.source, catalog, order.rules)
        return Prepared(
            run, order, found.plan, source, before, reading, {}, keys, started, order.supply(()),
            quiet=is_quiet(ours, theirs, live=wishes.live), basis=found.basis, as_before=found,
        )  # fmt: skip
    id_map = read_map(run.repo, run.repo.branch(run.journal), ours, theirs)
    id_map |= wishes.foreign(catalog)
    others = read_others(run.repo, run.repo.branch(run.journal), ours, theirs)
    resolvable = principals_known(
        order.rules, order.source, before, catalog, id_map, selected=selected or (lambda _: True)
    )
    names = names_there(run)
    source = ReplaySource(order.source, catalog, order.rules, resolvable=resolvable, names=names)
    explained = NOTHING
    if earlier is not None:
        arrivals = Arrivals(before, catalog, id_map)
        explained = earlier.unsettled.explained(arrivals, order.source, source.documents)
        explained = without_lost_keys(explained, order.keys_folder)
    planned = partial(
        plan_replay,
        order.source,
        before,
        catalog,
        documents=source.documents,
        id_map=with_organization(id_map, order.source, catalog, keys.uuid),
        selection=selected,
        dependencies=wishes.dependencies,
        live=wishes.live,
        adopt=wishes.adopted(order.source, catalog),
        create_similar=wishes.create_similar,
        explained=explained,
        names=names,
        others=others,
        now=started,
        deletions=_deletions(order, catalog),
        self_user=keys.user,
        self_handle=keys.handle,
        unread=() if wishes.allow_unprotected else unread(order.source, catalog),
        is_preset=order.is_preset or presets_of(run),
    )
    plan, notes = planned(), list[str]()
    if wishes.validate:
        refused, notes = refusals(run, plan, source, before, started)
        plan = planned(refused=refused) if refused else plan
    plan = _with_lockouts(plan, order, keys, before)
    if selected is not None and not plan.actions:
        raise UsageError(
            f"{order.source.label} holds nothing of what was named",
            gone_before(order.source, wishes.types) if ours.is_same(theirs) else "",
        )
    _check_rules(order, source)
    prepared = Prepared(
        run,
        order,
        plan,
        source,
        before,
        reading,
        id_map,
        keys,
        started,
        Supplied(),
        plan.resolution is not None and plan.resolution.quiet,
        earlier,
        basis=basis.told(plan) if basis else {},
        warnings=notes,
    )
    prepared.warnings += unprotected(order.source, catalog, plan)
    prepared.links = app_links(source, plan, ours.site, theirs.site)
    _supply(prepared)
    if order.approved is not None:
        prepared.moved = _moved(order.approved, prepared)
    return prepared


def _moved(approved: Approved, prepared: Prepared) -> dict[Address, str]:
    """Return what is not as it was approved of, and what needs that: why."""
    plan, before, catalog = prepared.plan, prepared.before, prepared.run.catalog

    def read(address: Address) -> JSONObject | None:
        found = before.document(document_path(address), catalog)
        return found.body if found else None

    moved = compare(approved, Present(plan, read, prepared.started))
    why = dict.fromkeys(moved, "it is not as the saved plan has it")
    needing = dependents(plan, moved)
    return why | {one: f"{it} is not as the saved plan has it" for one, it in needing.items()}


def _plan_undo(
    run: Run, order: Order, keys: Keys, now: View, *, reading: CaptureResult, started: datetime
) -> Prepared:
    """Plan to restore what a run wrote to, and to delete what it made."""
    undo = read_undo(run.repo, now, order.wishes.undo, run.catalog, order.wishes.types)
    source = ReplaySource(order.source, run.catalog)
    org = now.manifest.org
    id_map = read_map(run.repo, run.repo.branch(run.journal), org, org)
    kept = undo.kept(id_map)
    plan = plan_replay(
        order.source,
        now,
        run.catalog,
        id_map=with_organization(kept, order.source, run.catalog, keys.uuid),
        selection=undo.selection(kept),
        dependencies=False,
        exact=True,
        now=started,
        self_user=keys.user,
        self_handle=keys.handle,
    )
    plan = undo.plan(_with_lockouts(plan, order, keys, now))
    prepared = Prepared(
        run, order, plan, source, now, reading, id_map, keys, started, Supplied(), quiet=False,
        undo=undo, maps=undo.maps, warnings=[*undo.warnings],
    )  # fmt: skip
    consent = undo.consent(plan)
    if consent:
        prepared.warnings.append(f"what nothing brings back stays; `{consent}` deletes it too")
    _supply(prepared)
    return prepared


def _plan_unmute(
    run: Run, order: Order, keys: Keys, now: View, *, reading: CaptureResult, started: datetime
) -> Prepared:
    """Plan to let be heard what a migration has silenced."""
    unmute = read_unmute(now, run.catalog, server_now(run), tests=order.wishes.resume_tests)
    nothing = plan_replay(now, now, run.catalog, selection=lambda _: False, exact=True)
    prepared = Prepared(
        run, order, unmute.plan(nothing), ReplaySource(order.source, run.catalog), now, reading,
        {}, keys, started, Supplied(), quiet=False, maps=unmute.maps, edit=unmute.edit,
    )  # fmt: skip
    paused = unmute.paused()
    if paused:
        tests, they = ("test", "stays") if paused == 1 else ("tests", "stay")
        told = f"{paused} {tests} that ddsnap made {they} paused"
        prepared.warnings.append(f"{told}: --resume-tests lets run what runs at the source")
    prepared.warnings += [
        f"{downtime} is for the same tag and not made by ddsnap: it stays"
        for downtime in unmute.foreign()
    ]
    return prepared


def _with_lockouts(plan: Plan, order: Order, keys: Keys, there: View) -> Plan:
    """Return the plan with a word on what Datadog will refuse, unless it was allowed."""
    states = {name: state.state for name, state in there.manifest.types.items()}
    allowed = order.wishes.allow_self_lockout
    return plan if allowed or not keys.user else with_lockouts(plan, keys.user, states)


def _deletions(order: Order, catalog: Catalog) -> Deletions:
    wishes = order.wishes
    whole = whole_types(order.source.manifest, catalog)
    return Deletions(whole, wishes.delete_adopted, wishes.types, wishes.delete)


def _needed(run: Run, order: Order, selected: Callable[[Address], bool]) -> _Needed:
    """Return what the selection needs: it may be there, replayed or not."""
    directory = read_directory(order.source.documents(run.catalog), run.catalog)
    needed = reached(directory, run.catalog, selected, dependencies=True)
    types = {address.type for address in needed} | {_PROTECTED, DOWNTIMES}
    types |= consulted(directory, run.catalog, needed)
    types |= {run.catalog[name].parent for name in types if run.catalog[name].parent}
    return _Needed(frozenset(needed), frozenset(types) & frozenset(order.scope.types))


def _recreates(prepared: Prepared) -> bool:
    """Whether something that was lost in its own org will get a new id."""
    ours, theirs = prepared.order.source.manifest.org, prepared.before.manifest.org
    created = (action for action in prepared.plan.actions if action.kind == "create")
    return ours.is_same(theirs) and any(created)


def _check_rules(order: Order, source: ReplaySource) -> None:
    """Refuse rules that do nothing: whoever wrote one means something by it."""
    idle = unmatched(source.rules, source.matches)
    if idle and not order.wishes.allow_unmatched and not order.wishes.narrowed:
        raise UsageError(
            f"the transformation {idle[0].name} matches nothing in {order.source.label}",
            f"mend transforms/{idle[0].name}.yaml, or go on with --allow-unmatched",
        )


def _supply(prepared: Prepared) -> None:
    """Find the secrets that are to be written."""
    needs, order = [*_needs(prepared)], prepared.order
    prepared.supplied = order.supply(needs)
    prepared.lacking = tuple(_lacking(prepared, needs))
    if order.rehearsal:
        prepared.supplied = prepared.supplied.with_stand_ins(prepared.lacking)


def _needs(prepared: Prepared) -> Iterator[Need]:
    """The secrets that are not in what is to be written."""
    view = prepared.order.source
    for action in prepared.plan.actions:
        if not action.writes or action.kind == "delete" or action.base == "destination":
            continue
        data = view.read(document_path(action.address))
        if data is None or not maybe_marked(data):
            continue
        stored, made = prepared.source.load(action.address)
        places = places_of(made.body)
        if places:
            stood = prepared.source.stood_at(stored, made)
            yield Need(action.address, action.title, tuple(places), stood)


def _lacking(prepared: Prepared, needs: Iterable[Need]) -> Iterator[Need]:
    """What is still to be supplied for creations; an update may leave a secret as it is."""
    for need in needs:
        given = prepared.supplied.at(need.address)
        pointers = tuple(at for at in need.pointers if at not in given)
        action = prepared.plan.action(need.address)
        if pointers and action and action.kind == "create" and not action.undeletes:
            yield replace(need, pointers=pointers)
