"""The plan of a replay, as a value: complete before anything is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.actions import Action, Unresolved
from ddsnap.core.changes import json_patch
from ddsnap.core.decisions import Decisions, begin, block, decide
from ddsnap.core.directory import Directory, read_directory
from ddsnap.core.graph import Edge, Ordered, Strength, order
from ddsnap.core.intended import fixed_at_creation, intended_document
from ddsnap.core.match import portable
from ddsnap.core.protection import block_unprotected, principals_first, protected_at_once
from ddsnap.core.references import identifies
from ddsnap.core.resolution import Resolution, is_symbolic
from ddsnap.core.values import Address, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from ddsnap.core.deletion import Deletions
    from ddsnap.core.directory import Entry
    from ddsnap.core.id_map import IdMap
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import JSON, JSONObject

    Documents = Callable[[], Iterable[Document]]

__all__ = ["Action", "Plan", "Unresolved", "intended", "make_plan"]


@dataclass(frozen=True)
class Plan:
    """Every action, in the order in which they can be taken."""

    actions: tuple[Action, ...]
    cycles: tuple[tuple[Address, ...], ...] = ()
    """The circles of references that are closed by a second write, each as a path."""
    resolution: Resolution | None = field(default=None, repr=False, compare=False)

    def counts(self) -> dict[str, int]:
        """Return how many actions there are of each kind."""
        return dict(sorted(Counter(action.kind for action in self.actions).items()))

    def action(self, address: Address) -> Action | None:
        """Return what becomes of one resource."""
        return self._by_address.get(address)

    def to_json(self) -> JSONObject:
        """Return the whole plan; the same orgs give the same JSON."""
        counts: JSONObject = dict(self.counts())
        cycles: list[JSON] = [[str(address) for address in path] for path in self.cycles]
        actions: list[JSON] = [action.to_json() for action in self.actions]
        return {"actions": actions, "counts": counts, "cycles": cycles}

    @property
    def _by_address(self) -> dict[Address, Action]:
        return {action.address: action for action in self.actions}


def intended(
    plan: Plan,
    document: Document,
    *,
    ids: Mapping[Address, str] | None = None,
    present: JSONObject | None = None,
) -> JSONObject:
    """Return what the destination shall hold of ``document``; see ``intended_document``."""
    if plan.resolution is None:
        raise ValueError("a plan that was read back cannot resolve references")
    return intended_document(document, plan.resolution, ids=ids, present=present)


def make_plan(
    source: Documents,
    destination: Documents,
    id_map: IdMap,
    catalog: Catalog,
    *,
    selection: Callable[[Address], bool] | None = None,
    dependencies: bool = False,
    same_org: bool = False,
    states: Mapping[str, str] | None = None,
    there: Mapping[str, str] | None = None,
    adopt: Mapping[Address, str] | None = None,
    create_similar: bool = False,
    quiet: bool = False,
    ours: Collection[Address] = (),
    names: Mapping[str, Collection[str]] | None = None,
    now: datetime | None = None,
    deletions: Deletions | None = None,
) -> Plan:
    """Say what brings the destination to what the source's documents intend.

    Both orgs are read twice at most, and no more bodies are held than differ. ``dependencies``
    adds to the selection what its resources need. ``states`` are those of the snapshot's types,
    ``adopt`` names counterparts by hand.
    """
    here = read_directory(source(), catalog)
    selected = selection or (lambda _: True)
    if selection is not None and dependencies:
        selected = _with_dependencies(here, selection).__contains__
    resolution = Resolution(
        here,
        read_directory(destination(), catalog),
        catalog,
        id_map,
        same_org=same_org,
        states=states or {},
        selected=selected,
    )
    decisions = begin(resolution, adopt or {}, create_similar=create_similar)
    ordered = order(here.entries, _edges(here, catalog))
    _decide_all(decisions, ordered)
    _patch(decisions, source, destination)
    position = {address: nth for nth, address in enumerate(decisions.actions)}
    actions = [_finish(decisions, action, position) for action in decisions.actions.values()]
    return Plan(tuple(protected_at_once(actions, resolution)), ordered.cycles, resolution)


def _with_dependencies(here: Directory, selection: Callable[[Address], bool]) -> set[Address]:
    chosen = {address for address in here.entries if selection(address)}
    todo = list(chosen)
    while todo:
        for reference in here.entries[todo.pop()].references:
            found = here.find(reference)
            if found and not reference.soft and found.address not in chosen:
                chosen.add(found.address)
                todo.append(found.address)
    return chosen


def _edges(here: Directory, catalog: Catalog) -> Iterator[Edge]:
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        for reference in entry.references:
            found = here.find(reference)
            if found is None or type_ is None:
                continue
            strength = Strength.SOFT if reference.soft or type_.orders else Strength.HARD
            if identifies(type_, reference):
                strength = Strength.FIXED
            yield Edge(address, found.address, strength)
            if strength is Strength.FIXED and type_.discover:
                yield from principals_first(here, entry, found.address)


# --- deciding


def _decide_all(decisions: Decisions, ordered: Ordered) -> None:
    entries = decisions.resolution.source.entries
    cut: dict[Address, set[Address]] = {}
    for edge in ordered.cut:
        cut.setdefault(edge.source, set()).add(edge.target)
    stuck = {address: path for path in ordered.stuck for address in path}
    for layer in ordered.layers:
        for address in layer:
            entry = entries[address]
            if address in stuck and decisions.resolution.selected(address):
                way = " -> ".join(str(step) for step in stuck[address])
                block(decisions, entry, (f"its id depends on itself: {way}",), None)
            else:
                decide(decisions, entry, _waiting(decisions, entry, cut.get(address, set())))
    _block_late(decisions)


def _waiting(decisions: Decisions, entry: Entry, targets: set[Address]) -> list[Reference]:
    """The references that are written only after their targets."""
    if not targets:
        return []
    found = ((ref, decisions.resolution.source.find(ref)) for ref in entry.references)
    return [reference for reference, there in found if there and there.address in targets]


def _block_late(decisions: Decisions) -> None:
    """Block what waits, over a circle or through its policy, for what turned out to be blocked."""
    resolution = decisions.resolution
    entries, catalog = resolution.source.entries, resolution.catalog
    moved = True
    while moved:
        moved = False
        for address, action in list(decisions.actions.items()):
            type_, entry = catalog.get(address.type), entries[address]
            if type_ is None or type_.orders or action.kind == "blocked" or entry.built_in:
                continue
            missing = [
                resolution.missing(reference)
                for reference in entry.references
                if not reference.soft and resolution.value(reference) is None
            ]
            if missing and (action.kind == "create" or address in decisions.differing):
                texts = tuple(trouble.text for trouble in missing)
                block(decisions, entry, texts, missing[0].cause)
                moved = True
        moved = block_unprotected(decisions) or moved


# --- patches and the rest of an action


def _patch(decisions: Decisions, source: Documents, destination: Documents) -> None:
    """Make the patches of what differs; what then differs in nothing is unchanged."""
    if not decisions.differing:
        return
    wanted: dict[Address, tuple[Address, bytes]] = {}
    for document in source():
        if document.address in decisions.differing:
            to = decisions.actions[document.address].to
            there = Address(document.address.type, to)
            wanted[there] = (document.address, canonical.encode(document.body))
    for document in destination():
        if document.address in wanted:
            _patch_one(decisions, *wanted.pop(document.address), document.body)
    for address, body in wanted.values():
        _patch_one(decisions, address, body, {})


def _patch_one(decisions: Decisions, address: Address, body: bytes, present: JSONObject) -> None:
    type_ = decisions.resolution.catalog[address.type]
    own = canonical.decode(body)
    document = Document(address, own if isinstance(own, dict) else {})
    there = portable(type_, present)
    plain = intended_document(document, decisions.resolution)
    wanted = intended_document(document, decisions.resolution, present=there if present else None)
    reasons = tuple(
        f"{path} differs, and only a creation can set it"
        for path in (fixed_at_creation(type_, plain, there) if present else ())
    )
    patch = () if canonical.same(there, wanted) else tuple(json_patch(there, wanted))
    action = decisions.actions[address]
    kind = "unchanged" if action.kind == "update" and not patch else action.kind
    decisions.actions[address] = replace(
        action, kind=kind, patch=patch, reasons=(*action.reasons, *reasons)
    )


def _finish(decisions: Decisions, action: Action, position: Mapping[Address, int]) -> Action:
    """Add what is only known when all is decided."""
    resolution = decisions.resolution
    closes: list[Reference] = []
    unresolved: list[Unresolved] = []
    needs: set[Address] = set()
    for reference in resolution.source.entries[action.address].references:
        value, found = resolution.value(reference), resolution.source.find(reference)
        if value is None:
            missing = resolution.missing(reference)
            unresolved.append(Unresolved(reference, missing.why, missing.text))
        if found is None or found.address not in position:
            continue
        if position[found.address] < position[action.address]:
            if not decisions.actions[found.address].idle:
                needs.add(found.address)
        elif action.writes and value is not None and is_symbolic(value):
            closes.append(reference)
    return replace(
        action,
        needs=tuple(sorted(needs)),
        unresolved=tuple(unresolved),
        closes=tuple(closes),
    )
