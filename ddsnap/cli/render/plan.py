"""A plan as lines for people: what is written first, then what is not and why, deletions last."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.cli.render.fields import Line, change_lines
from ddsnap.cli.text import one_line
from ddsnap.core.changes import apply_patch, changes
from ddsnap.core.references import identifies
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from ddsnap.core.actions import Action, ActionKind, Unresolved
    from ddsnap.core.plan import Plan
    from ddsnap.core.values import JSONObject

    Present = Callable[[Action], JSONObject]
    """The portable document that the destination has now; empty where it has none."""

MOST_NAMED: Final = 10
"""Of the resources of a type, of one cause, and of the references that stay as they are."""

_SECTIONS: Final[tuple[tuple[ActionKind, str, str, str], ...]] = (
    ("create", "to create", "+", "green"),
    ("adopt", "to adopt", "=", "cyan"),
    ("update", "to update", "~", "yellow"),
    ("unchanged", "unchanged", ".", ""),
    ("similar", "similar", "?", "magenta"),
    ("ambiguous", "ambiguous", "?", "magenta"),
    ("deferred", "deferred", ">", ""),
    ("blocked", "blocked", "!", "red"),
    ("delete", "to delete", "-", "red"),
)
"""Each kind of action, in the order in which it is told: its words, its sign, its colour."""


def counted(plan: Plan) -> str:
    """Return ``12 to create, 3 to adopt``, or that there is nothing."""
    counts = plan.counts()
    parts = [f"{counts[kind]} {words}" for kind, words, _, _ in _SECTIONS if kind in counts]
    return ", ".join(parts) or "nothing to do"


def plan_lines(plan: Plan, present: Present | None = None) -> Iterator[Line]:
    """Yield the plan, without its head; with ``present``, field by field and all of it."""
    yield Line(counted(plan))
    for kind, words, sign, colour in _SECTIONS:
        actions = [action for action in plan.actions if action.kind == kind]
        if not actions or (kind == "unchanged" and present is None):
            continue
        yield Line("")
        yield Line(f"{words} ({len(actions)})", colour)
        if kind == "blocked":
            yield from _blocked(plan, actions, None if present else MOST_NAMED)
            continue
        for type_name, group in _by_type(actions).items():
            yield Line(f"{type_name} ({len(group)})", "", 1)
            shown = group if present else group[:MOST_NAMED]
            for action in shown:
                yield Line(f"{sign} {_headline(action)}", colour, 2)
                yield from _fields(action, present)
            if len(group) > len(shown):
                yield Line(f"... and {len(group) - len(shown)} more (-v names all)", "", 2)
    yield from _loose_ends(plan, None if present else MOST_NAMED)
    yield from _cycles(plan)


def _by_type(actions: Iterable[Action]) -> dict[str, list[Action]]:
    groups: dict[str, list[Action]] = {}
    for action in actions:
        groups.setdefault(action.address.type, []).append(action)
    return groups


def _headline(action: Action) -> str:
    text = _title(action.title) + action.address.id
    if action.to and "${" not in action.to and action.to != action.address.id:
        text += f" -> {action.to}"
    if action.patch:
        count = len(action.patch)
        text += f": {count} {'change' if count == 1 else 'changes'}"
    return one_line("; ".join((text, *action.reasons)))


def _title(title: str) -> str:
    return f'"{title}" ' if title else ""


def _fields(action: Action, present: Present | None) -> Iterator[Line]:
    """Yield what the action's patch changes in the destination's document."""
    if present is None or not action.patch:
        return
    old = present(action)
    new = apply_patch(old, action.patch)
    for change in changes(old, new):
        for line in change_lines(change, old, new, all_of_it=True):
            yield Line(line.text, line.colour, line.depth + 4)


# --- what is not written, and why --------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Chain:
    """Why a resource is blocked: what it needs, what that needs, and so on to the root."""

    action: Action
    links: tuple[str, ...]
    reason: str

    @property
    def root(self) -> str:
        """Where the trouble begins, in words."""
        if not self.links:
            return self.reason
        address = self.links[-1].split(" ", 1)[0]
        return f"{self.links[-1]}: {self.reason.removeprefix(address).strip()}"

    def __str__(self) -> str:
        action = self.action
        steps = "".join(f" <- needs {link}" for link in self.links)
        return f"{action.address.type} {_title(action.title)}{action.address.id}{steps}"


def chain_of(plan: Plan, action: Action, actions: Mapping[Address, Action]) -> Chain:
    """Follow what blocks an action to its root; ``actions`` are the plan's by address."""
    links: list[str] = []
    current, seen = action, {action.address}
    while True:
        address, why = _blocker(plan, current, actions)
        if address is None or address in seen:
            return Chain(action, tuple(links), "; ".join(current.reasons))
        links.append(f"{address} {_title(_title_of(plan, address))}".strip())
        there = actions.get(address)
        if there is None or why:
            return Chain(action, tuple(links), why or "; ".join(current.reasons))
        current = there
        seen.add(address)


def _blocker(
    plan: Plan, action: Action, actions: Mapping[Address, Action]
) -> tuple[Address | None, str]:
    """Return what the action waits for in vain, and why, where the trouble begins there."""
    if action.kind != "blocked":
        return None, ""
    hard = [unresolved for unresolved in action.unresolved if not unresolved.reference.soft]
    if hard:
        address = _target(plan, hard[0])
        return address, "" if hard[0].why == "blocked" and address in actions else hard[0].text
    policy = next((a.address for a in actions.values() if _protects(plan, a, action)), None)
    return policy or action.cause, ""


def _protects(plan: Plan, policy: Action, action: Action) -> bool:
    """Whether ``policy`` is the blocked policy of the action's resource."""
    known = plan.resolution
    type_ = known.catalog.get(policy.address.type) if known else None
    if known is None or type_ is None or not type_.discover or policy.kind != "blocked":
        return False
    own = [r for r in known.source.entries[policy.address].references if identifies(type_, r)]
    found = [known.source.find(reference) for reference in own]
    return any(one is not None and one.address == action.address for one in found)


def _target(plan: Plan, unresolved: Unresolved) -> Address:
    reference = unresolved.reference
    found = plan.resolution.source.find(reference) if plan.resolution else None
    return found.address if found else Address(reference.to[0], reference.value)


def _title_of(plan: Plan, address: Address) -> str:
    entry = plan.resolution.source.entries.get(address) if plan.resolution else None
    return entry.title if entry else ""


def _blocked(plan: Plan, blocked: Iterable[Action], most: int | None) -> Iterator[Line]:
    """Yield the blocked ones by the root of their trouble, the gravest root first."""
    actions = {action.address: action for action in plan.actions}
    roots: dict[str, list[Chain]] = {}
    for action in blocked:
        chain = chain_of(plan, action, actions)
        roots.setdefault(chain.root, []).append(chain)
    for root, chains in sorted(roots.items(), key=lambda pair: -len(pair[1])):
        yield Line(one_line(f"{root} ({len(chains)})"), "", 1)
        yield from _cut([Line(one_line(f"! {chain}"), "red", 2) for chain in chains], most, 2)


def _loose_ends(plan: Plan, most: int | None) -> Iterator[Line]:
    """Yield the names that block nothing and yet cannot be bound, each once."""
    places: dict[tuple[str, str], list[Action]] = {}
    for action in plan.actions:
        for unresolved in action.unresolved if action.writes else ():
            reference = unresolved.reference
            fate = "stays as it is" if reference.soft else "is left out"
            what = f'{reference.to[0]} "{reference.value}" {fate}'
            places.setdefault((what, unresolved.text), []).append(action)
    told = [
        Line(one_line(f"{what}: {why}; {_where(actions)}"), "", 1)
        for (what, why), actions in sorted(places.items(), key=lambda pair: -len(pair[1]))
    ]
    if told:
        yield Line("")
        yield Line(f"names that the destination does not know ({len(told)})")
        yield from _cut(told, most, 1)


def _where(actions: list[Action]) -> str:
    """Return how often a name stands in the plan, and in which resource first."""
    first = f"{actions[0].address.type} {_title(actions[0].title)}{actions[0].address.id}"
    return f"in {first}" if len(actions) == 1 else f"in {len(actions)} places, as {first}"


def _cycles(plan: Plan) -> Iterator[Line]:
    if plan.cycles:
        yield Line("")
        yield Line(f"circles, each closed by a second write ({len(plan.cycles)})")
    for path in plan.cycles:
        yield Line(one_line(" -> ".join(map(str, path))), "", 1)


def _cut(told: list[Line], most: int | None, depth: int) -> Iterator[Line]:
    yield from told[:most]
    if most is not None and len(told) > most:
        yield Line(f"... and {len(told) - most} more (-v names all)", "", depth)
