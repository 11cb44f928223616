"""The plan of a replay, as a value: complete before anything is written."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Literal

from ddsnap.core import canonical
from ddsnap.core.actions import Action, Unresolved
from ddsnap.core.counterparts import Terms
from ddsnap.core.deciding import decide_all
from ddsnap.core.decisions import Decisions, begin
from ddsnap.core.directory import Directory, read_directory
from ddsnap.core.holders import find_holders
from ddsnap.core.id_map import followed
from ddsnap.core.intended import intended_document
from ddsnap.core.loose_ends import LooseEnd, loose_ends
from ddsnap.core.patches import make_patches, plain_digest
from ddsnap.core.protection import find_protected, protected_at_once
from ddsnap.core.reach import lost_from, reached
from ddsnap.core.regained import find_regained
from ddsnap.core.removal import find_doomed, maker_of, plan_removal
from ddsnap.core.repointing import lost_ids, plan_repointing, repointed_document
from ddsnap.core.resolution import Resolution, is_symbolic
from ddsnap.core.unheard import NOTHING, Explained
from ddsnap.core.values import Address, Document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping
    from datetime import datetime

    from ddsnap.core.deletion import Deletions
    from ddsnap.core.id_map import IdMap, Origin
    from ddsnap.core.references import Reference
    from ddsnap.core.removal import Doomed
    from ddsnap.core.resolution import Ids
    from ddsnap.core.resource_type import Catalog
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
    spared: int = field(default=0, compare=False)
    """How many that ddsnap made the source has no more, which nobody asked to delete."""

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
    filtered: Collection[str] = (),
    unread: Collection[Address] = (),
    there: Mapping[str, str] | None = None,
    adopt: Mapping[Address, str] | None = None,
    create_similar: bool = False,
    quiet: bool = False,
    exact: bool = False,
    explained: Explained = NOTHING,
    names: Mapping[str, Collection[str]] | None = None,
    others: Mapping[Address, str] | None = None,
    now: datetime | None = None,
    deletions: Deletions | None = None,
    refused: Mapping[Address, str] | None = None,
    self_user: str = "",
    self_handle: str = "",
    is_preset: Callable[[Address], bool] = lambda _: False,
) -> Plan:
    """Say what brings the destination to what the source's documents intend.

    Both orgs are read twice at most, and no more bodies are held than differ. ``dependencies``
    adds to the selection what its resources need: within one org only what was lost, since what is
    there stays as it is unless it was selected. ``states`` are those of the snapshot's types,
    ``filtered`` those that it holds a part of, ``unread`` the policies that it may lack, ``there``
    the states of the destination's types; ``adopt`` names counterparts by hand, ``explained`` is
    what earlier runs made unrecorded, ``names`` what Datadog's tables hold there, ``others`` what
    stands there for another org's resources, ``refused`` what the destination would refuse and
    why, ``self_user`` and ``self_handle`` name who replays there. ``exact`` leaves references as
    they are to what neither org knows, ``is_preset`` says what the destination has of Datadog's
    own. Nothing is deleted without ``deletions``.
    """
    here, there_now = (
        read_directory(documents(), catalog, quiet=quiet, superseding=not same_org, now=now)
        for documents in (source, destination)
    )
    id_map = followed(id_map) if same_org else id_map
    lost = lost_from(here, there_now, catalog, id_map) if same_org else None
    resolution = Resolution(
        here,
        there_now,
        catalog,
        id_map,
        same_org=same_org,
        states=states or {},
        filtered=filtered,
        unread=unread,
        selected=_selected(here, catalog, selection, lost, dependencies=dependencies),
        quiet=quiet,
        exact=exact,
        others=others or {},
        is_preset=is_preset,
        deletes=deletions is not None and deletions.asked,
    )
    me = frozenset(filter(None, (self_user, self_handle)))
    terms = Terms(adopt or {}, create_similar, explained, there, names, now, refused or {}, me)
    decisions = begin(resolution, terms)
    holders = find_holders(here, catalog)
    ordered = decide_all(decisions, holders)
    doomed = find_doomed(decisions, deletions, selection or (lambda _: True))
    spared = len(doomed) if deletions and not deletions.asked else 0
    doomed = {} if spared else doomed
    removal = plan_removal(decisions, doomed, deletions, self_user)
    makers, repointing = _read_again(decisions, source, destination, doomed)
    position = {address: nth for nth, address in enumerate(decisions.actions)}
    actions = [
        _finish(decisions, action, position, holders) for action in decisions.actions.values()
    ]
    written = protected_at_once(actions, resolution)
    told = [replace(one, against=_against(resolution, one)) for one in (*written, *repointing)]
    going = [_by(action, makers) for action in removal]
    return Plan((*told, *going), ordered.cycles, resolution, spared)


def _read_again(
    decisions: Decisions, source: Documents, destination: Documents, doomed: Doomed
) -> tuple[dict[Address, str], list[Action]]:
    """Make the patches; return who made what is doomed, and what is re-pointed."""
    resolution, makers = decisions.resolution, dict[Address, str]()
    repointing: list[Action] = []

    def note(address: Address, there: Address, body: JSONObject) -> None:
        makers[address] = maker_of(resolution.catalog[there.type], body)

    resolution.protected.update(find_protected(decisions))
    resolution.lost.update(lost_ids(decisions))
    resolution.regained.update(find_regained(decisions, source))
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


def _selected(
    here: Directory,
    catalog: Catalog,
    selection: Callable[[Address], bool] | None,
    lost: Collection[Address] | None,
    *,
    dependencies: bool,
) -> Callable[[Address], bool]:
    if selection is None:
        return lambda _: True
    chosen = reached(here, catalog, selection, dependencies=dependencies, lost=lost)
    return chosen.__contains__


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
        value, found = resolution.known(reference), resolution.source.find(reference)
        if value is None:
            missing = resolution.missing(reference)
            value = resolution.value(reference)
            # What stays as it is blocks no more than a soft one.
            named = reference if value is None else replace(reference, soft=True)
            unresolved.append(Unresolved(named, missing.why, missing.text))
        if found is None or found.address not in position:
            continue
        if position[found.address] < position[action.address]:
            for other in (found.address, holders.get(found.address, found.address)):
                ahead = position.get(other, position[action.address])
                if ahead < position[action.address] and not decisions.actions[other].idle:
                    needs.add(other)
        elif action.writes and value is not None:
            undeleted = decisions.actions[found.address].undeletes and not reference.soft
            if is_symbolic(value) or undeleted:
                closes.append(reference)
    resolved = action.intended or _digest(resolution, action)
    return replace(
        action,
        intended=resolved,
        reasons=(*action.reasons, *_left_out(resolution, action)),
        origin=_origin(decisions, action),
        needs=tuple(sorted(needs)),
        unresolved=tuple(unresolved),
        closes=tuple(closes),
    )


def _left_out(resolution: Resolution, action: Action) -> list[str]:
    """Say which fields that nobody declared are not sent."""
    unknown = resolution.source.entries[action.address].unknown
    foreign = resolution.foreign(action.address.type, unknown) if action.writes else []
    return [f"without {name}, which nothing of the type has there" for name in foreign]


def _digest(resolution: Resolution, action: Action) -> str:
    """The digest of the plain intended document, where nothing differs or nothing is there yet."""
    entry = resolution.source.entries[action.address]
    there = resolution.destination.entries.get(Address(action.address.type, action.to))
    if action.kind not in ("create", "adopt", "unchanged") or entry.built_in:
        return ""
    if action.kind == "create":
        return plain_digest(resolution, entry, None)
    return plain_digest(resolution, entry, there) if there else ""


def _origin(decisions: Decisions, action: Action) -> Origin | Literal[""]:
    if action.kind == "create":
        return "created"
    there = Address(action.address.type, action.to)
    return decisions.known.origin(action.address, there) if action.to else ""
