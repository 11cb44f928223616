"""The plan of a replay, as a value: complete before anything is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

from ddsnap.core import canonical
from ddsnap.core.actions import Action, Unresolved
from ddsnap.core.counterparts import Terms
from ddsnap.core.decisions import Decisions, begin, block, decide
from ddsnap.core.directory import Directory, read_directory
from ddsnap.core.graph import Edge, Ordered, Strength, order
from ddsnap.core.holders import find_holders
from ddsnap.core.intended import intended_document
from ddsnap.core.loose_ends import LooseEnd, loose_ends
from ddsnap.core.patches import make_patches, plain_digest
from ddsnap.core.protection import block_unprotected, principals_first, protected_at_once
from ddsnap.core.references import identifies
from ddsnap.core.removal import find_doomed, maker_of, plan_removal
from ddsnap.core.repointing import lost_ids, plan_repointing, repointed_document
from ddsnap.core.resolution import Resolution, is_symbolic
from ddsnap.core.values import Address, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from ddsnap.core.deletion import Deletions
    from ddsnap.core.directory import Entry
    from ddsnap.core.id_map import IdMap, Origin
    from ddsnap.core.references import Reference
    from ddsnap.core.removal import Doomed
    from ddsnap.core.resolution import Ids
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSON, JSONObject

    Documents = Callable[[], Iterable[Document]]

__all__ = ["Action", "Plan", "Unresolved", "intended", "make_plan"]

FORMAT = 1
"""Of a plan's JSON."""


@dataclass(frozen=True)
class Plan:
    """Every action, in the order in which they can be taken, deletions last."""

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

    def loose_ends(self) -> list[LooseEnd]:
        """Return the names that block nothing and yet cannot be bound, the most frequent first."""
        return loose_ends(self.actions)

    def to_json(self, head: JSONObject | None = None) -> JSONObject:
        """Return the whole plan; the same orgs give the same JSON.

        ``head`` is what it takes to make it again: both orgs, the commit, the options.
        """
        counts: JSONObject = dict(self.counts())
        cycles: list[JSON] = [[str(address) for address in path] for path in self.cycles]
        actions: list[JSON] = [action.to_json() for action in self.actions]
        handles: list[JSON] = [end.to_json() for end in self.loose_ends()]
        return {
            "head": {**(head or {}), "format": FORMAT},
            "actions": actions,
            "counts": counts,
            "cycles": cycles,
            "handles": handles,
        }

    def digest(self, head: JSONObject | None = None) -> str:
        """Return the SHA-256 of the whole plan."""
        return canonical.digest(self.to_json(head))

    @cached_property
    def _by_address(self) -> dict[Address, Action]:
        return {action.address: action for action in self.actions}


def intended(
    plan: Plan,
    document: Document,
    *,
    ids: Ids | None = None,
    present: JSONObject | None = None,
    base: Literal["source", "destination"] = "source",
) -> JSONObject:
    """Return what the destination shall hold of ``document``, silenced if the plan is quiet.

    ``present`` is the destination's own document, if it has one. Where an action's ``base`` is the
    destination, ``document`` is that itself, and only its references are rewritten.
    """
    known = plan.resolution
    if known is None:
        raise ValueError("a plan that was read back cannot resolve references")
    if base == "destination":
        return repointed_document(document, known, ids=ids)
    return intended_document(document, known, ids=ids, present=present, quiet=known.quiet)


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
    self_user: str = "",
) -> Plan:
    """Say what brings the destination to what the source's documents intend.

    Both orgs are read twice at most, and no more bodies are held than differ. ``dependencies``
    adds to the selection what its resources need. ``states`` are those of the snapshot's types,
    ``there`` of the destination's; ``adopt`` names counterparts by hand, ``ours`` are resources
    that an interrupted run made, ``names`` what Datadog's tables hold there, ``self_user`` is the
    destination's id of who replays. Nothing is deleted without ``deletions``.
    """
    here = read_directory(source(), catalog, quiet=quiet)
    resolution = Resolution(
        here,
        read_directory(destination(), catalog, quiet=quiet),
        catalog,
        id_map,
        same_org=same_org,
        states=states or {},
        selected=_selected(here, catalog, selection, dependencies=dependencies),
        quiet=quiet,
    )
    terms = Terms(adopt or {}, create_similar, frozenset(ours), there, names, now)
    decisions = begin(resolution, terms)
    holders = find_holders(here, catalog)
    ordered = order(here.entries, _edges(here, catalog, holders))
    _decide_all(decisions, ordered)
    doomed = find_doomed(decisions, deletions, selection or (lambda _: True))
    removal = plan_removal(decisions, doomed, deletions, self_user)
    makers, repointing = _read_again(decisions, source, destination, doomed)
    position = {address: nth for nth, address in enumerate(decisions.actions)}
    actions = [
        _finish(decisions, action, position, holders) for action in decisions.actions.values()
    ]
    written = protected_at_once(actions, resolution)
    told = [replace(one, against=_against(resolution, one)) for one in (*written, *repointing)]
    going = [_by(action, makers) for action in removal]
    return Plan((*told, *going), ordered.cycles, resolution)


def _read_again(
    decisions: Decisions, source: Documents, destination: Documents, doomed: Doomed
) -> tuple[dict[Address, str], list[Action]]:
    """Make the patches; return who made what is doomed, and what is re-pointed."""
    resolution, makers = decisions.resolution, dict[Address, str]()
    repointing: list[Action] = []

    def note(address: Address, there: Address, body: JSONObject) -> None:
        makers[address] = maker_of(resolution.catalog[there.type], body)

    resolution.lost.update(lost_ids(decisions))
    readers = plan_repointing(decisions, resolution.lost, doomed, repointing.append)
    readers |= {there: partial(note, address, there) for there, address in doomed.items()}
    make_patches(decisions, source, destination, readers)
    return makers, sorted(repointing, key=lambda action: action.address)


def _by(action: Action, makers: Mapping[Address, str]) -> Action:
    who = makers.get(action.address) if action.kind == "delete" else ""
    return replace(action, reasons=(*action.reasons, f"last written by {who}")) if who else action


def _against(resolution: Resolution, action: Action) -> str:
    entry = resolution.destination.entries.get(Address(action.address.type, action.to))
    return entry.whole if entry else ""


# --- selecting


def _selected(
    here: Directory,
    catalog: Catalog,
    selection: Callable[[Address], bool] | None,
    *,
    dependencies: bool,
) -> Callable[[Address], bool]:
    """Return what is replayed: policies come with what they protect, and maybe what is needed."""
    if selection is None:
        return lambda _: True
    policies: dict[Address, list[Address]] = {}
    for policy, target in _protecting(here, catalog):
        policies.setdefault(target, []).append(policy)
    chosen = {address for address in here.entries if selection(address)}
    todo = list(chosen)
    while todo:
        address = todo.pop()
        found = [here.find(ref) for ref in here.entries[address].references if not ref.soft]
        wanted = [one.address for one in found if one] if dependencies else []
        for other in (*wanted, *policies.get(address, ())):
            if other not in chosen:
                chosen.add(other)
                todo.append(other)
    return chosen.__contains__


def _protecting(here: Directory, catalog: Catalog) -> Iterator[tuple[Address, Address]]:
    """Each policy with what it protects."""
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        for reference in entry.references if type_ and type_.discover else ():
            found = here.find(reference)
            if found is not None and type_ is not None and identifies(type_, reference):
                yield address, found.address


def _edges(here: Directory, catalog: Catalog, holders: Mapping[Address, Address]) -> Iterator[Edge]:
    for address, entry in here.entries.items():
        type_ = catalog.get(address.type)
        for reference in entry.references:
            found = here.find(reference)
            if found is None or type_ is None:
                continue
            strength = _strength(type_, reference)
            yield Edge(address, found.address, strength)
            holder = holders.get(found.address, address)
            if holder != address and not type_.disabled:
                yield Edge(address, holder, Strength.SOFT)
            if strength is Strength.FIXED and type_.discover:
                yield from principals_first(here, entry, found.address)


def _strength(type_: ResourceType, reference: Reference) -> Strength:
    if identifies(type_, reference):
        return Strength.FIXED
    if reference.soft or type_.orders:
        return Strength.SOFT
    element = reference.span is None and isinstance(reference.parts[-1], int)
    return Strength.LOOSE if element else Strength.HARD


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


# --- the rest of an action


def _finish(
    decisions: Decisions,
    action: Action,
    position: Mapping[Address, int],
    holders: Mapping[Address, Address],
) -> Action:
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
            for other in (found.address, holders.get(found.address, found.address)):
                ahead = position.get(other, position[action.address])
                if ahead < position[action.address] and not decisions.actions[other].idle:
                    needs.add(other)
        elif action.writes and value is not None and is_symbolic(value):
            closes.append(reference)
    resolved = action.intended or _digest(resolution, action)
    return replace(
        action,
        intended=resolved,
        origin=_origin(decisions, action),
        needs=tuple(sorted(needs)),
        unresolved=tuple(unresolved),
        closes=tuple(closes),
    )


def _digest(resolution: Resolution, action: Action) -> str:
    """The digest of the plain intended document, where nothing differs or nothing is there yet."""
    entry = resolution.source.entries[action.address]
    there = resolution.destination.entries.get(Address(action.address.type, action.to))
    if (
        action.kind not in ("create", "adopt", "unchanged")
        or action.address.type not in resolution.catalog
    ):
        return ""
    if action.kind == "create":
        return plain_digest(resolution, entry, None)
    return plain_digest(resolution, entry, there) if there else ""


def _origin(decisions: Decisions, action: Action) -> Origin | Literal[""]:
    if action.kind == "create":
        return "created"
    there = Address(action.address.type, action.to)
    return decisions.known.origin(action.address, there) if action.to else ""
