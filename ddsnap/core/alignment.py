"""Which elements of two lists are the same thing: equal, alike, moved, or on one side only."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.core.canonical import digest

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    from ddsnap.core.values import JSON

_IDENTITIES = (("id",), ("name",), ("title",), ("definition", "title"))
_ALIKE = 0.5  # share of members two elements must have in common to be one that was edited
_OTHER_IDENTITY = 0.2
_OTHER_TYPE = 0.3
_ALL_PAIRS = 64 * 64  # up to so many pairs are compared; in larger gaps only neighbours are
_NEIGHBOURS = 8
_CANDIDATES = 100_000


@dataclass(frozen=True, slots=True)
class Alignment:
    """Indexes into the old and the new list, ascending; ``old_of`` leads from new to old."""

    removed: list[int]
    added: list[int]
    old_of: dict[int, int]
    edited: frozenset[int]  # new indexes of pairs that are alike but not equal
    moved: frozenset[int]  # new indexes of the fewest pairs whose move restores the order


def align(old: list[JSON], new: list[JSON], *, ordered: bool = True) -> Alignment:
    """Pair the elements of ``old`` and ``new``; where not ``ordered``, nothing ever moves."""
    old_keys, new_keys = [_key(value) for value in old], [_key(value) for value in new]
    anchors = _longest_common(old_keys, new_keys)
    old_of, most = {j: i for i, j in anchors}, min(len(old), len(new))
    if len(old_of) < most:
        _pair_equal(old_keys, new_keys, old_of)
    equal = frozenset(old_of)
    if len(old_of) < most:
        _pair_identical(old, new, old_of)
    taken = set(old_of.values())
    if len(old_of) < most:
        for gap in _gaps(anchors if ordered else [], len(old), len(new)):
            _pair_alike(old, new, gap, old_of, taken)
    by_new = sorted(old_of)
    stays = {by_new[at] for at in _longest_rise([old_of[j] for j in by_new])}
    return Alignment(
        removed=_rest(len(old), taken),
        added=_rest(len(new), old_of),
        old_of=old_of,
        edited=frozenset(old_of) - equal,
        moved=frozenset(by_new) - stays if ordered else frozenset(),
    )


def _key(value: JSON) -> Hashable:
    """Return what is equal for equal elements: 5 is 5.0, but true is not 1."""
    if isinstance(value, (dict, list)):
        return (digest(value),)
    return (value, True) if isinstance(value, bool) else value


# --- equal elements ----------------------------------------------------------------------------


def _longest_common(old: Sequence[Hashable], new: Sequence[Hashable]) -> list[tuple[int, int]]:
    """Return a longest common subsequence as rising pairs of indexes."""
    start = 0
    shorter = min(len(old), len(new))
    while start < shorter and old[start] == new[start]:
        start += 1
    tail = 0
    while tail < shorter - start and old[-1 - tail] == new[-1 - tail]:
        tail += 1
    candidates = _candidates(old, new, range(start, len(old) - tail), range(start, len(new) - tail))
    rise = _longest_rise([j for _, j in candidates])
    ends = ((len(old) - at, len(new) - at) for at in range(tail, 0, -1))
    return [*((at, at) for at in range(start)), *(candidates[at] for at in rise), *ends]


def _candidates(
    old: Sequence[Hashable], new: Sequence[Hashable], old_at: range, new_at: range
) -> list[tuple[int, int]]:
    """Return the equal pairs, so ordered that a rise takes each element at most once."""
    where: defaultdict[Hashable, list[int]] = defaultdict(list)
    for j in new_at:
        where[new[j]].append(j)
    if sum(len(where.get(old[i], ())) for i in old_at) <= _CANDIDATES:
        return [(i, j) for i in old_at for j in reversed(where.get(old[i], []))]
    seen: Counter[Hashable] = Counter()
    pairs = []
    for i in old_at:  # very many equal elements: the first with the first, and so on
        matches, nth = where.get(old[i], []), seen[old[i]]
        seen[old[i]] += 1
        pairs += [(i, j) for j in matches[nth : nth + 1]]
    return pairs


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """Return the positions of a longest strictly rising subsequence (patience sorting)."""
    tops: list[int] = []
    top_at: list[int] = []
    before: list[int] = []
    for at, number in enumerate(numbers):
        pile = bisect_left(tops, number)
        before.append(top_at[pile - 1] if pile else -1)
        tops[pile : pile + 1] = [number]
        top_at[pile : pile + 1] = [at]
    rise = []
    at = top_at[-1] if top_at else -1
    while at >= 0:
        rise.append(at)
        at = before[at]
    return rise[::-1]


def _pair_equal(old: Sequence[Hashable], new: Sequence[Hashable], old_of: dict[int, int]) -> None:
    """Pair equal elements that stand elsewhere: they moved."""
    where: defaultdict[Hashable, list[int]] = defaultdict(list)
    for i in _rest(len(old), old_of.values()):
        where[old[i]].append(i)
    for key in where:
        where[key].reverse()
    for j in _rest(len(new), old_of):
        if where.get(new[j]):
            old_of[j] = where[new[j]].pop()


def _rest(length: int, taken: Iterable[int]) -> list[int]:
    gone = set(taken)
    return [at for at in range(length) if at not in gone]


# --- edited elements ---------------------------------------------------------------------------


def _pair_identical(old: list[JSON], new: list[JSON], old_of: dict[int, int]) -> None:
    """Pair elements that alone share an id, a name or a title."""
    for path in _IDENTITIES:
        old_at = _unique((_identity(old[i], path), i) for i in _rest(len(old), old_of.values()))
        new_at = _unique((_identity(new[j], path), j) for j in _rest(len(new), old_of))
        old_of.update((j, old_at[name]) for name, j in new_at.items() if name in old_at)


def _identity(value: JSON, path: tuple[str, ...]) -> str | int | None:
    for part in path:
        value = value.get(part) if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return value


def _unique(named: Iterable[tuple[str | int | None, int]]) -> dict[str | int, int]:
    found: dict[str | int, list[int]] = {}
    for name, at in named:
        if name is not None and name != "":
            found.setdefault(name, []).append(at)
    return {name: places[0] for name, places in found.items() if len(places) == 1}


def _gaps(
    anchors: list[tuple[int, int]], old_length: int, new_length: int
) -> Iterator[tuple[range, range]]:
    """Yield what lies between neighbouring anchors, where both lists have something."""
    i, j = -1, -1
    for next_i, next_j in [*anchors, (old_length, new_length)]:
        if next_i > i + 1 and next_j > j + 1:
            yield range(i + 1, next_i), range(j + 1, next_j)
        i, j = next_i, next_j


def _pair_alike(
    old: list[JSON],
    new: list[JSON],
    gap: tuple[range, range],
    old_of: dict[int, int],
    taken: set[int],
) -> None:
    """Pair what is left in a gap, the most similar first."""
    old_at = [i for i in gap[0] if i not in taken and isinstance(old[i], (dict, list))]
    new_at = [j for j in gap[1] if j not in old_of and isinstance(new[j], (dict, list))]
    old_facts = {i: _facts(old[i]) for i in old_at}
    new_facts = {j: _facts(new[j]) for j in new_at}
    scored = [
        (_likeness(old[i], new[j], old_facts[i], new_facts[j]), -abs(i - j), -i, -j)
        for i, j in _plausible(old_at, new_at)
    ]
    for score, _, minus_i, minus_j in sorted(scored, reverse=True):
        if score >= _ALIKE and -minus_i not in taken and -minus_j not in old_of:
            old_of[-minus_j] = -minus_i
            taken.add(-minus_i)


def _plausible(old_at: list[int], new_at: list[int]) -> Iterator[tuple[int, int]]:
    if len(old_at) * len(new_at) <= _ALL_PAIRS:
        yield from ((i, j) for i in old_at for j in new_at)
        return
    for nth, i in enumerate(old_at):
        near = nth * len(new_at) // len(old_at)
        for j in new_at[max(0, near - _NEIGHBOURS) : near + _NEIGHBOURS + 1]:
            yield i, j


def _facts(value: JSON) -> set[tuple[object, ...]]:
    """Return the members of ``value`` at any depth, and the leaves among them with values.

    Indexes are left out, so that an insertion further down does not make all else differ.
    """
    facts: set[tuple[object, ...]] = set()
    stack: list[tuple[str, JSON]] = [("", value)]
    while stack:
        path, node = stack.pop()
        facts.add((path,))
        if isinstance(node, dict):
            stack.extend((f"{path}/{key}", child) for key, child in node.items())
        elif isinstance(node, list):
            stack.extend((f"{path}/", child) for child in node)
        else:
            facts.add((path, _key(node)))
    facts.discard(("",))
    return facts


def _likeness(
    old: JSON, new: JSON, old_facts: set[tuple[object, ...]], new_facts: set[tuple[object, ...]]
) -> float:
    """Return the share of common facts, less where names or types say that these are two things."""
    if type(old) is not type(new):
        return 0.0
    score = 2 * len(old_facts & new_facts) / (len(old_facts) + len(new_facts) or 1)
    for path in (*_IDENTITIES, ("type",), ("definition", "type")):
        one, other = _identity(old, path), _identity(new, path)
        if one is not None and other is not None and one != other:
            score -= _OTHER_TYPE if path[-1] == "type" else _OTHER_IDENTITY
    return score
