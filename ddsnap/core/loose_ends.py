"""Handles and links without a counterpart at the destination, each told once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddsnap.core.actions import Action
    from ddsnap.core.values import JSON, Address, JSONObject

_NAMED: Final = 3


@dataclass(frozen=True, slots=True)
class LooseEnd:
    """A name that is written as it is, or left out, with the resources that hold it."""

    type: str
    value: str
    soft: bool
    why: str
    text: str
    places: tuple[Action, ...]

    def to_json(self) -> JSONObject:
        """Return it with how often it stands in the plan, and in which resources first."""
        first: list[JSON] = [str(address) for address in self.first]
        fate = "stays" if self.soft else "left out"
        told: JSONObject = {"type": self.type, "name": self.value, "why": self.why}
        return {**told, "text": self.text, "fate": fate, "count": len(self.places), "in": first}

    @property
    def first(self) -> list[Address]:
        """The first resources that hold it."""
        return list(dict.fromkeys(action.address for action in self.places))[:_NAMED]


def loose_ends(actions: Iterable[Action]) -> list[LooseEnd]:
    """Gather what cannot be bound in what is written, the most frequent first."""
    places: dict[tuple[str, str, bool, str, str], list[Action]] = {}
    for action in actions:
        for unresolved in action.unresolved if action.writes else ():
            name = unresolved.reference
            key = (name.to[0], name.value, name.soft, unresolved.why, unresolved.text)
            places.setdefault(key, []).append(action)
    ends = [LooseEnd(*key, tuple(found)) for key, found in places.items()]
    return sorted(ends, key=lambda end: (-len(end.places), end.type, end.value))
