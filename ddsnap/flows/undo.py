"""Undo: what a replay did to an org is taken back, as far as nobody has touched it since."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core.actions import Action
from ddsnap.core.deletion import order_deletions
from ddsnap.core.directory import read_directory
from ddsnap.core.fields import value_at
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.match import portable_digest
from ddsnap.core.taking_back import TakenBack, plan_taking_back, spared
from ddsnap.core.values import Address
from ddsnap.errors import UsageError
from ddsnap.flows.id_map import read_maps, read_others
from ddsnap.flows.living import lives_in
from ddsnap.flows.mute import TAG
from ddsnap.flows.past_replays import NoRun, later_replays, steps_back, undoing, undone_by
from ddsnap.flows.past_writes import body_of
from ddsnap.flows.remains import remains
from ddsnap.flows.resumed import chain, followers
from ddsnap.flows.takeover import unfinished
from ddsnap.store.branches import branches_below

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

    from ddsnap.core.directory import Entry
    from ddsnap.core.id_map import IdMap, Mapped
    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.plan import Plan
    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.past_replays import Undone
    from ddsnap.flows.remains import Remains
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository

    Maps = Mapping[OrgIdentity, IdMap]


_MADE_SINCE: Final = "somebody has made one of its name since, so that stays"
_STRANGE: Final = "somebody made it while the run was cut off, so nobody knows how it was before"
_DOUBTFUL: Final = "it may be what the run made before it was cut off, and nobody can tell"


@dataclass(frozen=True)
class Undo:
    """Replays that are one and to be taken back, with the org as it is ``now``."""

    undone: Undone
    """The last of them."""
    earlier: tuple[str, ...]
    """Those that it went on with."""
    now: View
    catalog: Catalog
    taken: TakenBack
    former: tuple[Maps, Maps]
    """All maps before the replay, and as it left them."""
    silence: Address | None = None
    """The downtime that the replay made for itself."""
    strangers: Collection[Address] = ()
    """What it wrote to that somebody had made while it was cut off."""
    doubtful: Collection[Address] = ()
    """What it may have made and never heard of; nobody can tell."""
    warnings: tuple[str, ...] = ()

    def kept(self, own: IdMap) -> IdMap:
        """Return the map of the org onto itself, without what the replay has made."""
        made = self.taken.made
        return {a: entry for a, entry in own.items() if Address(a.type, entry.id) not in made}

    def selection(self, own: IdMap) -> Callable[[Address], bool]:
        """Return which documents of the snapshot before the replay are restored.

        ``own`` is what is kept of the map of the org onto itself.
        """
        directory = read_directory(self.now.documents(self.catalog), self.catalog)
        return self.taken.restorable(directory, own).__contains__

    def plan(self, restoring: Plan) -> Plan:
        """Return the plan that restores and deletes, and lets the downtime go last."""
        directory = read_directory(self.now.documents(self.catalog), self.catalog)
        restoring = replace(restoring, actions=tuple(map(_as_undone, restoring.actions)))
        plan = plan_taking_back(self.taken, restoring, directory, self.catalog)
        told = dict.fromkeys(self.doubtful, _DOUBTFUL) | dict.fromkeys(self.strangers, _STRANGE)
        staying = (_stays(directory.entries[one], told[one]) for one in sorted(told))
        plan = replace(plan, actions=(*plan.actions, *staying))
        silence = self.silence
        if silence is None or silence not in directory.entries:
            return plan
        stays = self._still_silenced(plan)
        kept = {silence: f"{stays} is silenced by it"} if stays else {}
        last = order_deletions(directory, [silence], self.catalog, kept=kept)
        return replace(plan, actions=(*plan.actions, *last))

    def consent(self, plan: Plan) -> str:
        """Return the command that deletes what stays since nothing brings it back, if it does."""
        kept = {a.address.type for a in plan.actions if a.kind == "blocked" and self._spares(a)}
        run, org = self.undone.run[:12], self.undone.destination.name
        types = " ".join(sorted({*kept, *self.taken.named}))
        return f"ddsnap replay --undo {run} {types} --to {org}" if kept else ""

    def _spares(self, action: Action) -> bool:
        why = spared(self.catalog[action.address.type], self.taken.named)
        return bool(why) and why in action.reasons

    def maps(
        self, own: IdMap, outcomes: Sequence[Outcome], after: View
    ) -> dict[OrgIdentity, dict[Address, Mapped]]:
        """Return the maps as they are once the replay is taken back.

        ``own`` is the map of the org onto itself as this run leaves it. What was made and is gone
        is in no map any more; what was deleted and is back is in those where it was.
        """
        repo, (before, then) = self.now.repo, self.former
        tip = repo.branch(f"journal/{self.undone.destination.name}") or ""
        maps = {org: dict(entries) for org, entries in read_maps(repo, tip).items()}
        mine = self.undone.destination
        maps[OrgIdentity(mine.name, mine.public_id, "")] = dict(own)
        back = {o.action.address: o.to for o in outcomes if o.status == "done" and o.to}
        for org in {*before, *then}:
            old, new = before.get(org, {}), then.get(org, {})
            for address in old.keys() | new.keys():
                if old.get(address) != new.get(address):
                    entry = self._entry(address, old.get(address), new.get(address), back, after)
                    _put(maps.setdefault(org, {}), address, entry, new.get(address))
        return maps

    def _entry(
        self,
        address: Address,
        old: Mapped | None,
        new: Mapped | None,
        back: Mapping[Address, str],
        after: View,
    ) -> Mapped | None:
        """What a map says of an address that the replay changed; ``new`` where that holds on."""
        if old is None:
            there = Address(address.type, new.id) if new else None
            return new if there and lives_in(after, there, self.catalog) else None
        there = Address(address.type, old.id)
        if there in back:
            return replace(old, id=back[there])
        return old if new is None and lives_in(after, there, self.catalog) else new

    def _still_silenced(self, plan: Plan) -> Address | None:
        going = {action.address for action in plan.actions if action.kind == "delete"}
        for document in self.now.documents(self.catalog, only="monitors"):
            tags = value_at(document.body, "tags")
            if isinstance(tags, list) and TAG in tags and document.address not in going:
                return document.address
        return None


@dataclass(frozen=True, slots=True)
class PastRun:
    """A replay by its whole id, its org, and the snapshot of that before it."""

    run: str
    org: str
    before: str


def find_run(repo: Repository, run: str, org: str = "") -> PastRun:
    """Find the replay whose id, or whose commit in the journal, begins so, be it cut off.

    It is looked for in any journal unless ``org`` says which. Raises ``UsageError`` where there is
    none, or more than one.
    """
    # The first replay of all may have been cut off before it came to a journal.
    known = sorted({*branches_below(repo, "journal"), *branches_below(repo, "snapshots")})
    found, trouble = _look(repo, run, [org] if org else known)
    if len(found) > 1:
        orgs = ", ".join(one.org for one in found)
        raise UsageError(f"runs of several orgs begin with {run}: {orgs}", "name one with --to")
    if found:
        return _whole(repo, found[0])
    for other in _look(repo, run, [name for name in known if name != org])[0] if org else ():
        raise UsageError(
            f"run {other.run[:12]} was one against {other.org}, not against {org}",
            f"`ddsnap replay --undo {other.run[:12]} --to {other.org}` takes it back",
        )
    raise trouble or UsageError(f"there is no run {run!r}", "nothing was replayed yet")


def _look(
    repo: Repository, run: str, orgs: Sequence[str]
) -> tuple[list[PastRun], UsageError | None]:
    """Return the runs of that name, one of each org, and the gravest reason why there is none."""
    found: list[PastRun] = []
    troubles: list[UsageError] = []
    for name in orgs:
        left = unfinished(repo, name)
        if left and run and left.run.startswith(run):
            found.append(PastRun(left.run, name, str(left.begun.get("before"))))
            continue
        try:
            undone = undoing(repo, repo.branch(f"journal/{name}"), run)
        except UsageError as error:
            troubles.append(error)
        else:
            found.append(PastRun(undone.run, name, undone.before))
    troubles.sort(key=lambda error: isinstance(error, NoRun))
    return found, troubles[0] if troubles else None


def _whole(repo: Repository, found: PastRun) -> PastRun:
    """Return the last of the runs that are one with a run, and the snapshot before the first."""
    left, tip = unfinished(repo, found.org), repo.branch(f"journal/{found.org}") or ""
    names = together(repo, found.org, found.run)
    first = names[0] if names else found.run
    if first == found.run:
        before = found.before
    elif left is not None and left.run == first:
        before = str(left.begun.get("before"))
    else:
        before = undoing(repo, tip, first).before
    return PastRun(names[-1] if names else found.run, found.org, before)


def together(repo: Repository, org: str, run: str) -> list[str]:
    """Return the runs that are taken back with a run, the oldest first: none if it is already."""
    tip = repo.branch(f"journal/{org}") or ""
    return [one for one in chain(repo, org, run) if not (tip and undone_by(repo, tip, one))]


def written_unlisted(repo: Repository, org: str, run: str, catalog: Catalog) -> frozenset[Address]:
    """Return what a run wrote of what no listing tells of: only a look says what became of it."""
    tip = repo.branch(f"journal/{org}")
    runs = together(repo, org, undoing(repo, tip, run).run)
    wrote = (there for one in runs for there in undoing(repo, tip, one).wrote)
    return frozenset(
        there for there in wrote if there.type in catalog and catalog[there.type].discover
    )


def read_undo(
    repo: Repository, now: View, run: str, catalog: Catalog, named: Collection[str] = ()
) -> Undo:
    """Find out what a run did. Of what nothing brings back, only ``named`` types are deleted.

    Raises ``UsageError`` where it was taken back already.
    """
    org = now.manifest.org.name
    tip = repo.branch(f"journal/{org}")
    undone = undoing(repo, tip, run)
    by = undone_by(repo, tip or "", undone.run)
    if by:
        raise UsageError(
            f"run {undone.run[:12]} was taken back by run {by[:12]}",
            f"`ddsnap replay --undo {by[:12]}` takes that back",
        )
    names = together(repo, org, undone.run)
    runs = [undoing(repo, tip, one) for one in names]
    others = _others(repo, tip or "", runs)
    left = remains(runs, now, catalog, others, steps_back(repo, tip or "", names))
    taken = TakenBack(left.made, left.changed, left.deleted, others, named)
    maps, earlier = _maps_around(repo, runs), tuple(names[:-1])
    later = [one for one in followers(repo, org, names) if not undone_by(repo, tip or "", one)]
    told = (
        f"run {one[:12]} found again what this one had made: --undo {one[:12]} before this,"
        " else what it made of that stays, and what that needs"
        for one in later
    )
    since = [one for one in later_replays(repo, tip or "", names) if one.run not in later]
    warnings = (*told, *_written_over(left, since, now, catalog))
    return Undo(
        runs[-1],
        earlier,
        now,
        catalog,
        taken,
        maps,
        left.mute,
        left.strangers,
        left.doubtful,
        warnings,
    )


def _written_over(
    left: Remains, later: Sequence[Undone], now: View, catalog: Catalog
) -> Iterator[str]:
    """Say which later runs have changed what would be taken back: those come first."""
    if not later:
        return
    then = left.made | left.changed
    moved = {
        there
        for there, digest in then.items()
        if (body := body_of(now, there, catalog))
        and portable_digest(catalog[there.type], body) != digest
    }
    for run in later:
        count = len(moved & run.wrote)
        if count:
            yield (
                f"run {run.run[:12]} has written to {count} of these since: --undo {run.run[:12]}"
                " before this, else they stay"
            )


def made_since(plan: Plan) -> dict[Address, str]:
    """Return what would be written over although somebody has made it since, and why it is not.

    It goes by the name of what was deleted. What equals that may take its place.
    """
    taken = (one for one in plan.actions if one.kind == "adopt" and one.writes)
    return {one.address: _MADE_SINCE for one in taken if one.origin != "created"}


def _as_undone(action: Action) -> Action:
    """Tell of what is like it without the options that an undo does not take."""
    alike = action.kind in ("similar", "ambiguous")
    return replace(action, reasons=(_MADE_SINCE,)) if alike else action


def _stays(entry: Entry, why: str) -> Action:
    return Action("blocked", entry.address, entry.title, entry.address.id, reasons=(why,))


def _maps_around(repo: Repository, runs: Sequence[Undone]) -> tuple[Maps, Maps]:
    """Return the maps before the first of these replays, and after the last.

    They are read before anything is written: nothing is once one of them is damaged. Raises
    ``Damaged`` and ``Refused``.
    """
    (earlier, *_) = repo.commit_info(runs[0].commit).parents or ("",)
    return read_maps(repo, earlier) if earlier else {}, read_maps(repo, runs[-1].commit)


def _others(repo: Repository, tip: str, runs: Sequence[Undone]) -> dict[Address, str]:
    """Return what is another org's by now, unless it is by the very runs that are taken back."""
    (earlier, *_), last = repo.commit_info(runs[0].commit).parents or ("",), runs[-1]
    before, then, now = (
        read_others(repo, commit, last.source, last.destination)
        for commit in (earlier, last.commit, tip)
    )
    return {
        there: other
        for there, other in now.items()
        if before.get(there) == other or then.get(there) != other
    }


def _put(
    entries: dict[Address, Mapped], address: Address, entry: Mapped | None, new: Mapped | None
) -> None:
    """Change a map where it still says what the replay has left."""
    if entries.get(address) != new:
        return
    if entry is None:
        entries.pop(address, None)
    else:
        entries[address] = entry
