"""Field paths: the small language in which declarations name places in a document."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from ddsnap.core.values import JSON

EACH: Final = "[*]"
DEEP: Final = "**"

Parts: TypeAlias = tuple["str | int", ...]
"""The members and positions that lead from the top of a document to a place in it."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One place in a document: its container, its key there, and the way to it."""

    container: list[JSON] | dict[str, JSON]
    key: str | int
    parts: Parts

    @property
    def value(self) -> JSON:
        """What stands there."""
        return self.container[self.key]  # type: ignore[index]

    def set(self, value: JSON) -> None:
        """Put another value in its place."""
        self.container[self.key] = value  # type: ignore[index]

    def remove(self) -> None:
        """Take the place itself out."""
        del self.container[self.key]  # type: ignore[arg-type]


@dataclass(frozen=True)
class FieldPath:
    """A compiled field path."""

    text: str
    steps: tuple[str, ...]

    @cached_property
    def plain(self) -> bool:
        """Whether it goes through members alone, and so to one place: most paths, and quickly."""
        return EACH not in self.steps and DEEP not in self.steps

    @cached_property
    def way(self) -> tuple[str, ...]:
        """The steps to what holds the place."""
        return self.steps[:-1]

    def find(self, document: JSON) -> Iterator[Slot]:
        """Yield every place in ``document`` that the path names and that is there."""
        if not self.plain:
            yield from _find(document, self.steps, 0, ())
            return
        holder, last = _follow(document, self.way), self.steps[-1]
        if isinstance(holder, dict) and last in holder:
            yield Slot(holder, last, self.steps)

    def first(self, document: JSON) -> JSON:
        """Return the first value there, or ``None``."""
        if self.plain:
            return _follow(document, self.steps)
        return next((slot.value for slot in self.find(document)), None)

    def remove(self, document: JSON) -> None:
        """Take every such place out of ``document``."""
        if self.plain:
            holder = _follow(document, self.way)
            if isinstance(holder, dict):
                holder.pop(self.steps[-1], None)
            return
        for slot in reversed(list(self.find(document))):
            slot.remove()

    def put(self, document: dict[str, JSON], value: JSON) -> None:
        """Set the place, making the objects on the way; for paths of plain members only."""
        *way, last = self.steps
        here = document
        for step in way:
            there = here.setdefault(step, {})
            if not isinstance(there, dict):
                here[step] = there = {}
            here = there
        here[last] = value

    def covers(self, parts: Parts) -> bool:
        """Whether ``parts`` is such a place, or lies inside one."""
        return _covers(self.steps, parts)


@cache
def field_path(text: str) -> FieldPath:
    """Compile ``attributes.bindings[*].principals``; the empty path has no steps."""
    steps = re.findall(r"\[\*\]|\*\*|[^.\[\]]+", text)
    return FieldPath(text, tuple(steps))


def covering(paths: Iterable[FieldPath]) -> Callable[[Parts], bool]:
    """Return the test whether any of ``paths`` covers a place; most places need no look at any."""
    by_first: dict[str | int, list[FieldPath]] = {}
    anywhere: list[FieldPath] = []
    for path in paths:
        if path.steps and path.steps[0] not in (EACH, DEEP):
            by_first.setdefault(path.steps[0], []).append(path)
        else:
            anywhere.append(path)

    def covers(parts: Parts) -> bool:
        candidates = by_first.get(parts[0], ()) if parts else ()
        return any(path.covers(parts) for path in (*candidates, *anywhere))

    return covers


def value_at(document: JSON, path: str) -> JSON:
    """Return the first value at ``path`` (the document itself for the empty path), or ``None``."""
    return field_path(path).first(document) if path else document


def _follow(here: JSON, steps: tuple[str, ...]) -> JSON:
    """Return what stands behind these members, or ``None``."""
    for step in steps:
        if not isinstance(here, dict):
            return None
        here = here.get(step)
    return here


def _find(here: JSON, steps: tuple[str, ...], index: int, parts: Parts) -> Iterator[Slot]:
    step, last = steps[index], index == len(steps) - 1
    if step == DEEP:
        yield from _find(here, steps, index + 1, parts)
        for key, value in _members(here):
            if isinstance(value, (dict, list)):
                yield from _find(value, steps, index, (*parts, key))
    elif step == EACH:
        if isinstance(here, list):
            for position, value in enumerate(here):
                if last:
                    yield Slot(here, position, (*parts, position))
                else:
                    yield from _find(value, steps, index + 1, (*parts, position))
    elif isinstance(here, dict) and step in here:
        if last:
            yield Slot(here, step, (*parts, step))
        else:
            yield from _find(here[step], steps, index + 1, (*parts, step))


def _members(value: JSON) -> Iterator[tuple[str | int, JSON]]:
    if isinstance(value, dict):
        yield from value.items()
    elif isinstance(value, list):
        yield from enumerate(value)


def _covers(steps: tuple[str, ...], parts: Parts) -> bool:
    if not steps:
        return True
    if steps[0] == DEEP:
        return any(_covers(steps[1:], parts[skip:]) for skip in range(len(parts) + 1))
    if not parts:
        return False
    fits = isinstance(parts[0], int) if steps[0] == EACH else parts[0] == steps[0]
    return fits and _covers(steps[1:], parts[1:])
