"""From what was asked to the exact list of what would be written: nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Final

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
from ddsnap.flows.app_links import app_links
from ddsnap.flows.arrivals import Arrivals
from ddsnap.flows.as_before import basis_of, names_there, recall
from ddsnap.flows.id_map import read_map, read_others
from ddsnap.flows.mute import TYPE as DOWNTIMES
from ddsnap.flows.mute import server_now
from ddsnap.flows.past_writes import body_of
from ddsnap.flows.planning import (
    check_deletions,
    is_quiet,
    plan_replay,
    whole_types,
    with_organization,
)
from ddsnap.flows.prepared import Prepared
from ddsnap.flows.presets import presets_of
from ddsnap.flows.repeating import gone_before
from ddsnap.flows.replay_source import ReplaySource
from ddsnap.flows.supply import Need
from ddsnap.flows.transforming import principals_known
from ddsnap.flows.undo import made_since, read_undo, written_unlisted
from ddsnap.flows.unlisted import unlisted, unprotected, unread
from ddsnap.flows.unmute import read_unmute
from ddsnap.flows.validation import refusals
from ddsnap.flows.worker_keys import without_lost_keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime

    from ddsnap.api.identity import OrgIdentity as Keys
    from ddsnap.core.id_map import IdMap
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.saved_plan import Approved
    from ddsnap.core.unheard import Explained
    from ddsnap.core.values import Address, JSONObject
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.prepared import Order
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.run import Run
    from ddsnap.flows.unsettled import Earlier
    from ddsnap.flows.view import View

    Look = Callable[[Scope, CaptureResult | None], tuple[View, CaptureResult]]
    """Reads the destination, after what the same run may have read of it a moment ago."""

_PROTECTED: Final = "restriction_policies"


@dataclass(frozen=True, slots=True)
class _Needed:
    """What a selection of the source needs, and the types of which the destination is read."""

    addresses: frozenset[Address]
    types: frozenset[str]


@dataclass(frozen=True)
class _Seen:
    """The destination, as it was read for an order."""

    run: Run
    order: Order
    keys: Keys
    started: datetime
    there: View
    reading: CaptureResult

    @property
    def catalog(self) -> Catalog:
        return self.run.catalog

    def check_org(self) -> None:
        """Refuse to map ids of an org that could say which it is, and then could not."""
        if self.there.manifest.org.public_id != self.keys.public_id:
            raise Refused(
                f"the keys of {self.run.org} do not tell each time which org they belong to",
                "nothing was written; do it again",
            )

    @cached_property
    def names(self) -> dict[str, frozenset[str]]:
        """What the org's own tables and listings name."""
        return names_there(self.run)

    def map(self, source: OrgIdentity) -> IdMap:
        """Return the map from an org to this one."""
        run = self.run
        return read_map(run.repo, run.repo.branch(run.journal), source, self.there.manifest.org)

    def prepared(self, plan: Plan, source: ReplaySource, **more: Any) -> Prepared:
        """Return a plan with what it was made on."""
        return Prepared(
            self.run, self.order, plan, source, self.there, self.reading, self.keys, self.started,
            **more,
        )  # fmt: skip


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

    def seen(scope: Scope, so_far: CaptureResult | None = None) -> _Seen:
        found = _Seen(run, order, keys, started, *look(scope, so_far))
        found.check_org()
        return found

    if order.wishes.undo or order.wishes.unmute:
        undone = order.wishes.undo
        wrote = written_unlisted(run.repo, run.org, undone, run.catalog) if undone else frozenset()
        whole = seen(replace(order.scope, again=again(None) | wrote))
        own = _plan_undo(whole) if order.wishes.undo else _plan_unmute(whole)
        own.earlier = earlier
        return own
    selected = order.wishes.selection(order.source, run.catalog)
    needed = None if selected is None else _needed(run, order, selected)
    only = frozenset[str]() if needed is None else needed.types
    scope = replace(order.scope, again=again(None if needed is None else needed.addresses))
    prepared = _plan(seen(replace(scope, only=only)), earlier, selected)
    if only and _recreates(prepared):  # whatever names what was lost is to name the new one
        prepared = _plan(seen(scope, prepared.reading), earlier, selected)
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
    seen: _Seen, earlier: Earlier | None, selected: Callable[[Address], bool] | None
) -> Prepared:
    """Plan what brings the destination to what the snapshot holds."""
    order, there, catalog = seen.order, seen.there, seen.catalog
    ours, theirs = order.source.manifest.org, there.manifest.org
    basis = None if earlier else basis_of(seen.run, order, seen.keys, there, seen.started)
    found = recall(seen.run, basis) if basis else None
    if found is not None:
        return seen.prepared(
            found.plan,
            ReplaySource(order.source, catalog, order.rules),
            supplied=order.supply(()),
            quiet=is_quiet(ours, theirs, live=order.wishes.live),
            basis=found.basis,
            as_before=found,
        )
    id_map = {**seen.map(ours), **order.wishes.foreign(catalog)}
    source = _source(seen, id_map, selected)
    explained = _explained(seen, source, id_map, earlier)
    make = _planning(seen, source, id_map, explained, selected)
    plan, notes = make(), list[str]()
    if order.wishes.validate:
        refused, notes = refusals(seen.run, plan, source, there, seen.started)
        plan = make(refused=refused) if refused else plan
    plan = _with_lockouts(seen, plan)
    if selected is not None and not plan.actions:
        raise UsageError(
            f"{order.source.label} holds nothing of what was named",
            gone_before(order.source, order.wishes.types) if ours.is_same(theirs) else "",
        )
    _check_rules(order, source)
    prepared = seen.prepared(
        plan,
        source,
        id_map=id_map,
        quiet=plan.resolution is not None and plan.resolution.quiet,
        earlier=earlier,
        basis=basis.told(plan) if basis else {},
        warnings=[*notes, *unprotected(order.source, catalog, plan)],
        links=app_links(source, plan, ours.site, theirs.site),
    )
    _supply(prepared)
    if order.approved is not None:
        prepared.moved = _moved(order.approved, prepared)
    return prepared


def _source(seen: _Seen, id_map: IdMap, selected: Callable[[Address], bool] | None) -> ReplaySource:
    """Return the snapshot's documents as the rules make them."""
    order, catalog = seen.order, seen.catalog
    resolvable = principals_known(
        order.rules,
        order.source,
        seen.there,
        catalog,
        id_map,
        selected=selected or (lambda _: True),
    )
    return ReplaySource(order.source, catalog, order.rules, resolvable=resolvable, names=seen.names)


def _explained(
    seen: _Seen, source: ReplaySource, id_map: IdMap, earlier: Earlier | None
) -> Explained:
    """Return what the requests have made of which an earlier run never heard."""
    if earlier is None:
        return NOTHING
    arrivals = Arrivals(seen.there, seen.catalog, id_map)
    explained = earlier.unsettled.explained(arrivals, seen.order.source, source.documents)
    return without_lost_keys(explained, seen.order.keys_folder)


def _planning(
    seen: _Seen,
    source: ReplaySource,
    id_map: IdMap,
    explained: Explained,
    selected: Callable[[Address], bool] | None,
) -> Callable[..., Plan]:
    """Return what makes the plan; what Datadog has ``refused`` is blocked in it."""
    run, order, there, catalog = seen.run, seen.order, seen.there, seen.catalog
    wishes, ours = order.wishes, order.source.manifest.org
    return partial(
        plan_replay,
        order.source,
        there,
        catalog,
        documents=source.documents,
        id_map=with_organization(id_map, order.source, catalog, seen.keys.uuid),
        selection=selected,
        dependencies=wishes.dependencies,
        live=wishes.live,
        adopt=wishes.adopted(order.source, catalog),
        create_similar=wishes.create_similar,
        explained=explained,
        names=seen.names,
        others=read_others(run.repo, run.repo.branch(run.journal), ours, there.manifest.org),
        now=seen.started,
        deletions=_deletions(order, catalog),
        self_user=seen.keys.user,
        self_handle=seen.keys.handle,
        unread=() if wishes.allow_unprotected else unread(order.source, catalog),
        is_preset=order.is_preset or presets_of(run),
    )


def _moved(approved: Approved, prepared: Prepared) -> dict[Address, str]:
    """Return what is not as it was approved of, and what needs that: why."""
    plan, before, catalog = prepared.plan, prepared.before, prepared.run.catalog

    def read(address: Address) -> JSONObject | None:
        return body_of(before, address, catalog)

    moved = compare(approved, Present(plan, read, prepared.started))
    why = dict.fromkeys(moved, "it is not as the saved plan has it")
    needing = dependents(plan, moved)
    return why | {one: f"{it} is not as the saved plan has it" for one, it in needing.items()}


def _plan_undo(seen: _Seen) -> Prepared:
    """Plan to restore what a run wrote to, and to delete what it made."""
    run, order, catalog = seen.run, seen.order, seen.catalog
    undo = read_undo(run.repo, seen.there, order.wishes.undo, catalog, order.wishes.types)
    id_map = seen.map(seen.there.manifest.org)
    kept = undo.kept(id_map)
    make = partial(
        plan_replay,
        order.source,
        seen.there,
        catalog,
        id_map=with_organization(kept, order.source, catalog, seen.keys.uuid),
        selection=undo.selection(kept),
        dependencies=False,
        exact=True,
        now=seen.started,
        self_user=seen.keys.user,
        self_handle=seen.keys.handle,
    )
    plan = make()
    theirs = made_since(plan)
    plan = make(refused=theirs) if theirs else plan
    plan = undo.plan(_with_lockouts(seen, plan))
    prepared = seen.prepared(
        plan,
        ReplaySource(order.source, catalog),
        id_map=id_map,
        undo=undo,
        maps=undo.maps,
        warnings=[*undo.warnings],
    )
    consent = undo.consent(plan)
    if consent:
        prepared.warnings.append(f"what nothing brings back stays; `{consent}` deletes it too")
    _supply(prepared)
    return prepared


def _plan_unmute(seen: _Seen) -> Prepared:
    """Plan to let be heard what a migration has silenced."""
    there, catalog, order = seen.there, seen.catalog, seen.order
    unmute = read_unmute(there, catalog, server_now(seen.run), tests=order.wishes.resume_tests)
    nothing = plan_replay(there, there, catalog, selection=lambda _: False, exact=True)
    prepared = seen.prepared(
        unmute.plan(nothing), ReplaySource(order.source, catalog),
        maps=unmute.maps, edit=unmute.edit,
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


def _with_lockouts(seen: _Seen, plan: Plan) -> Plan:
    """Return the plan with a word on what Datadog will refuse, unless it was allowed."""
    states = {name: state.state for name, state in seen.there.manifest.types.items()}
    allowed, user = seen.order.wishes.allow_self_lockout, seen.keys.user
    return plan if allowed or not user else with_lockouts(plan, user, states)


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
