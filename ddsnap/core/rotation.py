"""When a resource that gives no sign of a change is read again, without remembering anything.

Each id has a moment of its own within a fixed span, from its hash. A resource is due when its
moment passed since the type was last read, so that each is read once a span, and evenly.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.core.fields import field_path, value_at
from ddsnap.core.kinds import without

if TYPE_CHECKING:
    from datetime import datetime

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

MARGIN: Final = 5.0
"""Seconds by which a change must be older than the reading that a document is trusted from."""
RESOLUTION: Final = 1.0
"""Seconds; what a hint without fractions may hide."""


@dataclass(frozen=True, slots=True)
class Rotation:
    """``last``: when the type was last read as a whole (epoch seconds, ``None``: never).

    ``again`` are ids that are due in any case.
    """

    last: float | None
    now: float
    every: float
    again: frozenset[str] = frozenset()

    def due(self, id_: str) -> bool:
        """Whether the moment of ``id_`` lies between the last reading and now."""
        if id_ in self.again or self.last is None or self.now - self.last >= self.every:
            return True
        phase = zlib.crc32(id_.encode("utf-8", "surrogatepass")) / 2**32 * self.every
        return (self.now - phase) // self.every > (self.last - phase) // self.every

    def settled(self, changed: datetime | None) -> bool:
        """Whether a change at that time was surely seen by the last reading."""
        if self.last is None or changed is None:
            return False
        return changed.timestamp() + RESOLUTION + MARGIN < self.last


def hints(type_: ResourceType) -> bool:
    """Whether the type's listing says, by a field that is stored, when a resource changed."""
    return type_.detail and bool(type_.hint) and type_.hint not in type_.volatile


def blind_spot(type_: ResourceType) -> str:
    """Return which edits are seen only when a resource's turn comes; empty: none."""
    if type_.discover:
        return "all but those of new objects"
    if hints(type_):
        return f"those that leave {type_.hint} as it was"
    return ""


def unchanged(
    type_: ResourceType, raw: frozenset[str], listed: JSONObject, stored: JSONObject
) -> bool:
    """Whether all that the listing says of a resource stands in its stored document.

    ``listed`` is the normalized item, ``raw`` the names that it had before: what normalizing left
    out of it, as a default, may not stand in the document either.
    """
    told = without(type_, listed, "derived")  # some of it is in the listing alone
    if value_at(told, type_.hint) is None or not _within(told, stored):
        return False
    never = {field_path(path).steps[0] for path in (*type_.volatile, *type_.derived)}
    return not (raw - told.keys() - never) & stored.keys()


def _within(part: JSON, whole: JSON) -> bool:
    """Whether every field of ``part`` has the same value in ``whole``; lists must be equal."""
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _within(value, whole[name]) for name, value in part.items())
    return part == whole and isinstance(part, bool) == isinstance(whole, bool)
