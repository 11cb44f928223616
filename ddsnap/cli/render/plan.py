"""A plan as lines for people: what is written first, then what is not and why, deletions last."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.cli.render.fields import Line, change_lines
from ddsnap.cli.text import one_line
from ddsnap.core.changes import apply_patch, changes
from ddsnap.core.intended import FIXED
from ddsnap.core.protection import protects
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ddsnap.core.actions import Action, ActionKind, Unresolved
    from ddsnap.core.loose_ends import LooseEnd
    from ddsnap.core.plan import Plan
    from ddsnap.core.values import JSONObject

    Present = Callable[[Action], JSONObject]
    """The portable document that the destination has now; empty where it has none."""

MOST_NAMED: Final = 10
"""Of the resources of a type, of one cause, and of the references that stay as they are."""

MOST_OF_MANY: Final = 3
"""The same, where a section has more actions than ``MANY``."""

MANY: Final = 60

SEE: Final = "see that the destination has"

MOST_ROOTS: Final = 20
"""Of the causes for which something is blocked."""

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


def counted(plan: Plan, moved: Collection[Address] = ()) -> str:
    """Return ``12 to create, 3 to adopt (1 of them changed)``, or that there is nothing.

    What has ``moved`` since somebody approved of it is left alone.
    """
    actions = [action for action in plan.actions if action.address not in moved]
    counts = Counter[str](action.kind for action in actions)
    changed = sum(action.kind == "adopt" and action.writes for action in actions)
    notes = {"adopt": f" ({changed} of them changed)" if changed else ""}
    told = ((kind, words) for kind, words, _, _ in _SECTIONS if kind in counts)
    parts = [f"{counts[kind]} {words}{notes.get(kind, '')}" for kind, words in told]
    parts += [f"{len(moved)} left alone"] if moved else []
    return ", ".join(parts) or "nothing to do"


def plan_lines(
    plan: Plan, present: Present | None = None, moved: Mapping[Address, str] | None = None
) -> Iterator[Line]:
    """Yield the plan, without its head; with ``present``, field by field and all of it.

    ``moved`` says of what is left alone why.
    """
    moved = moved or {}
    yield Line(counted(plan, moved))
    for kind, words, sign, colour in _SECTIONS:
        actions = [a for a in plan.actions if a.kind == kind and a.address not in moved]
        if not actions or (kind == "unchanged" and present is None):
            continue
        yield Line("")
        yield Line(f"{words} ({len(actions)})", colour)
        if kind == "blocked":
            yield from _blocked(plan, actions, None if present else MOST_NAMED)
            continue
        few = MOST_NAMED if len(actions) <= MANY else MOST_OF_MANY
        for type_name, group in _by_type(actions).items():
            yield Line(f"{type_name} ({len(group)})", "", 1)
            shown = group if present or len(group) == few + 1 else group[:few]
            for action in shown:
                yield Line(f"{sign} {_headline(action)}", colour, 2)
                yield from _fields(action, present)
            if len(group) > len(shown):
                yield Line(f"... and {len(group) - len(shown)} more (-v names all)", "", 2)
    most = None if present else MOST_NAMED
    if present is None:  # else they stand among the unchanged ones
        yield from _fixed(plan, most)
    yield from _left_alone(moved, most)
    yield from _loose_ends(plan, most)
    yield from _cycles(plan, most)


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


@dataclass(frozen=True)
class _Causes:
    """A plan, and which blocked policy holds up what it protects."""

    plan: Plan
    policies: Mapping[Address, Address]

    def chain_of(self, action: Action) -> Chain:
        """Follow what blocks an action to its root."""
        links: list[str] = []
        current, seen = action, {action.address}
        while True:
            address, why = self._blocker(current)
            if address is None or address in seen:
                return Chain(action, tuple(links), "; ".join(current.reasons))
            links.append(f"{address} {_title(_title_of(self.plan, address))}".strip())
            there = self.plan.action(address)
            if there is None or why:
                return Chain(action, tuple(links), why or "; ".join(current.reasons))
            current = there
            seen.add(address)

    def _blocker(self, action: Action) -> tuple[Address | None, str]:
        """Return what the action waits for in vain, and why, where the trouble begins there."""
        if action.kind != "blocked":
            return None, ""
        hard = [unresolved for unresolved in action.unresolved if not unresolved.reference.soft]
        if hard:
            address = _target(self.plan, hard[0])
            known = hard[0].why == "blocked" and self.plan.action(address)
            return address, "" if known else hard[0].text
        if action.cause is None:
            return None, ""  # the trouble is its own
        return self.policies.get(action.address, action.cause), ""


def _causes(plan: Plan) -> _Causes:
    policies: dict[Address, Address] = {}
    for action in plan.actions if plan.resolution else ():
        protected = protects(action, plan.resolution) if plan.resolution else None
        if protected is not None and action.kind == "blocked":
            policies.setdefault(protected, action.address)
    return _Causes(plan, policies)


def _target(plan: Plan, unresolved: Unresolved) -> Address:
    reference = unresolved.reference
    found = plan.resolution.source.find(reference) if plan.resolution else None
    return found.address if found else Address(reference.to[0], reference.value)


def _title_of(plan: Plan, address: Address) -> str:
    known = plan.resolution.source.entries.get(address) if plan.resolution else plan.action(address)
    return known.title if known else ""


def _blocked(plan: Plan, blocked: Iterable[Action], most: int | None) -> Iterator[Line]:
    """Yield the blocked ones by the root of their trouble, the gravest root first."""
    causes = _causes(plan)
    roots: dict[str, list[Chain]] = {}
    for action in blocked:
        chain = causes.chain_of(action)
        roots.setdefault(chain.root, []).append(chain)
    gravest = sorted(roots.items(), key=lambda pair: -len(pair[1]))
    shown = gravest if most is None else gravest[:MOST_ROOTS]
    for root, chains in shown:
        yield Line(one_line(f"{root} ({len(chains)})"), "", 1)
        yield from _cut([Line(one_line(f"! {chain}"), "red", 2) for chain in chains], most, 2)
    if len(gravest) > len(shown):
        others = sum(len(chains) for _, chains in gravest[len(shown) :])
        yield Line(f"... and {others} more, of other causes (-v names all)", "", 1)


def _fixed(plan: Plan, most: int | None) -> Iterator[Line]:
    """Yield what stays another than the source's for good, each time: nothing is written to it."""
    fixed = [
        action
        for action in plan.actions
        if action.kind == "unchanged" and any(reason.endswith(FIXED) for reason in action.reasons)
    ]
    if fixed:
        yield Line("")
        yield Line(f"unchanged, although they differ ({len(fixed)})")
    told = [Line(f". {action.address.type} {_headline(action)}", "", 1) for action in fixed]
    yield from _cut(told, most, 1)


def _left_alone(moved: Mapping[Address, str], most: int | None) -> Iterator[Line]:
    """Yield what is not carried out, and why."""
    if moved:
        yield Line("")
        yield Line(f"left alone ({len(moved)})", "magenta")
        told = (f"{address}: {why}" for address, why in sorted(moved.items()))
        yield from _cut([Line(one_line(text), "", 1) for text in told], most, 1)


def _loose_ends(plan: Plan, most: int | None) -> Iterator[Line]:
    """Yield the names that block nothing and yet cannot be bound: those of one fate together."""
    ends = plan.loose_ends()
    if not ends:
        return
    yield Line("")
    yield Line(f"names that ddsnap binds to nothing there ({len(ends)})")
    alike: dict[tuple[str, bool, str], list[LooseEnd]] = {}
    for end in ends:
        alike.setdefault((end.type, end.soft, _why(end)), []).append(end)
    told = []
    for (type_name, soft, why), group in alike.items():
        if most is None or len(group) == 1:
            told += [_told(end) for end in group]
        else:
            fate = "stay as they are" if soft else "are left out"
            them = f", {SEE} them" if group[0].why == "not captured" and soft else ""
            told.append(f"{len(group)} {type_name} {fate}: {why}{them}: {_named(group)}")
    yield from _cut([Line(one_line(line), "", 1) for line in told], most, 1)


def _why(end: LooseEnd, *, one: bool = False) -> str:
    """Say why a name is not bound; of what nobody captures, where it stands."""
    if end.why == "not captured" and end.soft:
        return "mentioned in texts, and not captured"
    return end.text if one else end.text.removeprefix(f"{end.type}/{end.value} ")


def _named(ends: list[LooseEnd]) -> str:
    names = [f'"{end.value}"' for end in ends[:MOST_NAMED]]
    more = f" and {len(ends) - len(names)} more" if len(ends) > len(names) else ""
    places = sum(len(end.places) for end in ends)
    return f"{', '.join(names)}{more}, in {places} places"


def _told(end: LooseEnd) -> str:
    """Say what becomes of a name and why, how often it stands there, and in what first."""
    fate = "stays as it is" if end.soft else "is left out"
    action, count = end.places[0], len(end.places)
    where = f"{action.address.type} {_title(action.title)}{action.address.id}"
    where = f"in {where}" if count == 1 else f"in {count} places, as {where}"
    it = f", {SEE} it" if end.why == "not captured" and end.soft else ""
    return f'{end.type} "{end.value}" {fate}: {_why(end, one=True)}{it}; {where}'


def _cycles(plan: Plan, most: int | None) -> Iterator[Line]:
    if plan.cycles:
        yield Line("")
        yield Line(f"circles, each closed by a second write ({len(plan.cycles)})")
    told = [Line(one_line(" -> ".join(map(str, path))), "", 1) for path in plan.cycles]
    yield from _cut(told, most, 1)


def _cut(told: list[Line], most: int | None, depth: int) -> Iterator[Line]:
    yield from told[:most]
    if most is not None and len(told) > most:
        yield Line(f"... and {len(told) - most} more (-v names all)", "", depth)
