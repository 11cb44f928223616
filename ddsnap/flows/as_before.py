"""What a replay that found nothing to write leaves to the next one: its plan, as long as it holds.

A plan follows from both snapshots, the maps, the rules, the options and the time. Where all of them
are as the last replay had them, its outcomes in the journal are those of this one.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from ddsnap import __version__
from ddsnap.core import canonical
from ddsnap.core.outcomes import read_actions
from ddsnap.core.plan import Plan
from ddsnap.core.values import Address
from ddsnap.errors import Damaged
from ddsnap.flows.journal import MAPS, parse_time, record_of
from ddsnap.flows.past_replays import replays
from ddsnap.flows.replay_journal import OPEN, OUTCOMES
from ddsnap.store.trees import find_folder, tree_of

if TYPE_CHECKING:
    from datetime import datetime

    from ddsnap.api.identity import OrgIdentity as Keys
    from ddsnap.core.actions import Action
    from ddsnap.core.resolution import Resolution
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.prepared import Order
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View


@dataclass(frozen=True)
class Basis:
    """What a plan was made on: its ``digest``, and the moment at which it was made."""

    digest: str
    now: datetime

    def told(self, plan: Plan) -> JSONObject:
        """Return what the journal keeps of it; empty where the plan has to be made anew.

        It holds ``until`` the first resource ends by itself.
        """
        known = plan.resolution
        if known is None or not all(_is_told(action, plan, known) for action in plan.actions):
            return {}
        entries = chain(known.source.entries.values(), known.destination.entries.values())
        ends = [entry.ends for entry in entries if entry.ends and entry.ends > self.now]
        cycles: list[JSON] = [[str(address) for address in path] for path in plan.cycles]
        until = min(ends).isoformat() if ends else ""
        made: JSONObject = {"digest": self.digest, "at": self.now.isoformat(), "until": until}
        return {**made, "cycles": cycles, "spared": plan.spared}

    def holds(self, told: JSONObject) -> bool:
        """Whether a plan that was made on this would be the same now."""
        made, until = parse_time(told.get("at")), parse_time(told.get("until"))
        return (
            told.get("digest") == self.digest
            and made is not None
            and made <= self.now
            and (until is None or self.now < until)
        )


@dataclass(frozen=True)
class AsBefore:
    """The plan of the last replay, which is also this one's, and what came of it."""

    plan: Plan
    digest: str
    basis: JSONObject
    outcomes: bytes
    """As the journal holds them."""


def basis_of(run: Run, order: Order, keys: Keys, before: View, now: datetime) -> Basis | None:
    """Return what a plan is made on; ``None`` where no commit holds all of it."""
    source, repo = order.source, run.repo
    if not (source.commit and before.commit) or source.over or before.over or order.approved:
        return None
    tip = repo.branch(run.journal)
    # What is another org's is neither adopted nor deleted, so that all maps count.
    mapped = find_folder(repo, tree_of(repo, tip), MAPS) if tip else None
    names: JSONObject = {name: [*sorted(found)] for name, found in names_there(run).items()}
    rules: list[JSON] = [[rule.name, rule.text] for rule in order.rules]
    told: JSONObject = {
        "version": __version__,
        "rules": run.catalog.rules,
        "kind": order.kind,
        "source": [tree_of(repo, source.commit).hex(), source.manifest.to_bytes().decode()],
        "destination": [tree_of(repo, before.commit).hex(), before.manifest.to_bytes().decode()],
        "maps": (mapped or b"").hex(),
        "wishes": order.wishes.to_json(),
        "transforms": rules,
        "identity": [keys.user, keys.handle, keys.uuid],
        "names": names,
    }
    return Basis(canonical.digest(told), now)


def names_there(run: Run) -> dict[str, frozenset[str]]:
    """Return what the org's own tables name, and its listings, as far as they were read."""
    tables = {name: run.gateway.lookup(name).values() for name in run.catalog.lookups}
    return {name: frozenset(found) for name, found in tables.items()} | run.gateway.beside()


def recall(run: Run, basis: Basis) -> AsBefore | None:
    """Return what the last replay planned, if this one would plan the same."""
    tip = run.repo.branch(run.journal)
    last = next(replays(run.repo, tip), None) if tip else None
    record = record_of(run.repo, last.sha) if last else {}
    told = record.get("basis")
    if last is None or record.get("state") in OPEN or not isinstance(told, dict):
        return None
    data = run.repo.read_file(last.sha, OUTCOMES) if basis.holds(told) else None
    if data is None:
        return None
    try:
        actions = tuple(read_actions(data))
    except Damaged:  # then it is planned again, and written anew
        return None
    spared = told.get("spared")
    plan = Plan(actions, _cycles(told), spared=spared if isinstance(spared, int) else 0)
    return AsBefore(plan, str(record.get("plan")), told, data)


def _cycles(told: JSONObject) -> tuple[tuple[Address, ...], ...]:
    cycles = told.get("cycles")
    paths = [path for path in cycles if isinstance(path, list)] if isinstance(cycles, list) else []
    return tuple(tuple(Address.parse(str(step)) for step in path) for path in paths)


def _is_told(action: Action, plan: Plan, known: Resolution) -> bool:
    """Whether nothing is written, and the actions alone say why."""
    if action.kind != "blocked":
        return not action.writes
    hard = [one.reference for one in action.unresolved if not one.reference.soft]
    if not hard:
        return action.cause is None
    types = {known.catalog.get(name) for reference in hard for name in reference.to}
    if any(type_ and type_.presets for type_ in types):  # which the org may have by now
        return False
    found = known.source.find(hard[0])
    named = Address(hard[0].to[0], hard[0].value)
    return found is None or (found.address == named and plan.action(named) is not None)
