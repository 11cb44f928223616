"""Verifying the map from run to run: it changes by what a replay tells of, and by nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.core.fields import value_at
from ddsnap.core.outcomes import read_outcomes
from ddsnap.core.values import Address
from ddsnap.errors import DdsnapError, UsageError
from ddsnap.flows.faults import Fault
from ddsnap.flows.id_map import read_maps
from ddsnap.flows.journal import MAPS, RECORD
from ddsnap.flows.living import lives_in, on_neither_side
from ddsnap.flows.past_replays import TAKES_BACK, kind_of, taken_back, undoing
from ddsnap.flows.replay_journal import OPEN, OUTCOMES
from ddsnap.flows.view import snapshot_view
from ddsnap.store.trees import find_folder, tree_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ddsnap.core.id_map import Mapped
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository

Key: TypeAlias = "tuple[str, Address]"
"""The source org's public id, and the address there."""

_Steps: TypeAlias = "Callable[[Key, Mapped | None, Mapped | None], bool]"


def verify_map(
    repo: Repository, commit: str, earlier: str, record: JSONObject, catalog: Catalog
) -> Iterator[Fault]:
    """Yield what a run's commit changes in the map without having told of it."""
    if _folder(repo, commit) == _folder(repo, earlier):
        return
    kind = kind_of(record)
    if kind not in ("replay", "restore", *TAKES_BACK) or record.get("state") in OPEN:
        yield Fault(commit, MAPS, "it differs from the run's before, and no replay changed it")
        return
    told = _Told.by(list(read_outcomes(repo.read_file(commit, OUTCOMES) or b"")), record, catalog)
    before, after = _entries(repo, earlier), _entries(repo, commit)
    dropped = {key: entry for key, entry in before.items() if key not in after}
    lost = _lost(repo, record, dropped, catalog) if dropped else set()
    try:
        steps_back = _stepping_back(repo, earlier, record, told, catalog)
    except UsageError as error:
        yield Fault(commit, RECORD, error.message)
        return
    for key in sorted((before.keys() | after.keys()) - lost):
        old, new = before.get(key), after.get(key)
        if old == new or steps_back(key, old, new):
            continue
        if kind == "unmute" or not told.explains(*key, old, new):
            reason = f"no outcome tells why {key[1]} is mapped to {new.id if new else 'nothing'}"
            yield Fault(commit, MAPS, reason)
        elif new is not None and not told.owns(key[1], old, new):
            yield Fault(commit, MAPS, f"no outcome tells that {key[1]} was {new.origin}")


def _stepping_back(
    repo: Repository, earlier: str, record: JSONObject, told: _Told, catalog: Catalog
) -> _Steps:
    """Return the test whether a change of the map is that of a run that takes something back.

    Raises ``UsageError`` where the journal has no such run to take back.
    """
    kind = kind_of(record)
    if kind == "unmute":
        return _was_only_seen
    if kind != "undo":
        return lambda *_: False
    runs = [undoing(repo, earlier, run) for run in taken_back(record)]
    (start, *_) = repo.commit_info(runs[0].commit).parents or ("",)
    then = _entries(repo, start) if start else {}
    made = {Address(one.type, id_) for run in runs for one, (id_, _) in run.created.items()}
    back = {outcome.to for outcome in told.outcomes.values() if outcome.status == "done"}
    after = _view(repo, record.get("after") or record.get("before"))

    def steps_back(key: Key, old: Mapped | None, new: Mapped | None) -> bool:
        """Whether what was made, or is gone, is forgotten, or what was there before is known."""
        former = then.get(key)
        if new is None:
            there = Address(key[1].type, old.id if old else "")
            return former is None and (there in made or not lives_in(after, there, catalog))
        if former is None:
            return False
        return new.id in {former.id, *back} and replace(former, id=new.id) == new

    return steps_back


def _was_only_seen(_: Key, old: Mapped | None, new: Mapped | None) -> bool:
    """Whether nothing but how a resource was seen last is another: quiet has ended."""
    return old is not None and new is not None and replace(new, seen=old.seen) == old


@dataclass(frozen=True)
class _Told:
    """What a replay says that bears on the map."""

    source: str
    outcomes: Mapping[Address, Outcome]
    deleted: Collection[Address]
    policies: Collection[str]
    """The ids of the policies that went with what was deleted."""
    constants: Mapping[str, str]
    """The ids, by type, of what there is one of in each org."""
    named: Collection[Address]
    """Those whose counterparts were named by hand: of some nothing is captured."""

    @classmethod
    def by(cls, outcomes: list[Outcome], record: JSONObject, catalog: Catalog) -> _Told:
        gone = [o.action for o in outcomes if o.action.kind == "delete" and o.status == "done"]
        return cls(
            str(value_at(record, "source.public_id") or ""),
            {outcome.action.address: outcome for outcome in outcomes if outcome.to},
            {action.address for action in gone},
            {
                f"{prefix}:{action.to}"
                for action in gone
                for type_ in catalog.types
                if type_.discover and (prefix := type_.discover.objects.get(action.address.type))
            },
            {type_.name: type_.constant_id for type_ in catalog.types},
            _named(record),
        )

    def explains(self, org: str, address: Address, old: Mapped | None, new: Mapped | None) -> bool:
        """Whether the run wrote what is mapped anew, or deleted what is not mapped any more."""
        if org != self.source:
            return False
        if new is None:
            return address in self.deleted or (old is not None and old.id in self.policies)
        return address in self.named or self._maps(address, old, new.id)

    def owns(self, address: Address, old: Mapped | None, new: Mapped) -> bool:
        """Whether ddsnap has made what is mapped, or has found it, as the map says.

        Only what it has made is it ever to delete.
        """
        if old is not None and old.id == new.id:
            return old.origin == new.origin
        outcome = self.outcomes.get(address)
        if outcome is None:
            return new.origin == "adopted"
        made = "created" if outcome.action.kind == "create" else "adopted"
        return new.origin == (outcome.action.origin or made)

    def _maps(self, address: Address, old: Mapped | None, id_: str) -> bool:
        """Whether a resource became the counterpart in this run, or was known to be it."""
        outcome = self.outcomes.get(address)
        known = (old.id if old else "", address.id, self.constants.get(address.type))
        made = outcome is not None and outcome.action.kind in ("create", "adopt")
        return outcome is not None and outcome.to == id_ and (made or id_ in known)


def _folder(repo: Repository, commit: str) -> bytes | None:
    return find_folder(repo, tree_of(repo, commit), MAPS)


def _entries(repo: Repository, commit: str) -> dict[Key, Mapped]:
    maps = read_maps(repo, commit)
    return {(org.public_id, one): entry for org, ids in maps.items() for one, entry in ids.items()}


def _lost(
    repo: Repository, record: JSONObject, dropped: Mapping[Key, Mapped], catalog: Catalog
) -> set[Key]:
    """Return those that neither org holds any more: a replay drops them, and sends nothing."""
    source = str(value_at(record, "source.public_id") or "")
    commits = (value_at(record, "source.commit"), record.get("after") or record.get("before"))
    try:
        ours, theirs = (_view(repo, sha) for sha in commits)
    except DdsnapError:  # what cannot be read explains nothing
        return set()
    mapped = {address: entry for (org, address), entry in dropped.items() if org == source}
    gone = on_neither_side(mapped, ours, theirs, catalog.names, catalog)
    return {(source, address) for address in gone}


def _view(repo: Repository, commit: object) -> View:
    return snapshot_view(repo, str(commit), str(commit)[:12])


def _named(record: JSONObject) -> set[Address]:
    adopt = value_at(record, "options.adopt")
    words = [str(word).rpartition("=")[0] for word in adopt] if isinstance(adopt, list) else []
    return {Address.parse(word) for word in words}
