"""What earlier captures know of one type, and what may therefore be left unread."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.core.fields import value_at
from ddsnap.core.normalize import normalize
from ddsnap.core.rotation import hints, unchanged
from ddsnap.core.times import time_of
from ddsnap.core.values import clone

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.rotation import Rotation
    from ddsnap.core.values import JSONObject


@dataclass(frozen=True)
class Earlier:
    """The documents of the last snapshot, and when they were last proven."""

    rotation: Rotation
    read: Callable[[str], JSONObject | None]
    """The stored document of an id."""
    asked: frozenset[str] = field(default_factory=frozenset)
    """For a type without a listing: the ids that were asked for before, found or not."""
    current: frozenset[str] = field(default_factory=frozenset)
    """For a type without a listing: the ids whose objects exist now."""

    def must_read(self, type_: ResourceType, id_: str, item: JSONObject | None) -> bool:
        """Whether a resource may have changed since the last capture, for all that is known."""
        if self.rotation.due(id_):
            return True
        if type_.discover:
            return self._new(id_)
        return item is None or not hints(type_) or self._changed(type_, id_, item)

    def reads_anyway(self, type_: ResourceType, id_: str) -> bool:
        """Whether a resource is read even if nothing has happened to it since the last capture."""
        if self.rotation.due(id_):
            return True
        if type_.discover:
            return self._new(id_)
        stored = self.read(id_) if hints(type_) else None
        return stored is None or not self._settled(type_, stored)

    def _new(self, id_: str) -> bool:
        return id_ not in self.asked or id_ not in self.current

    def _changed(self, type_: ResourceType, id_: str, item: JSONObject) -> bool:
        stored = self.read(id_)
        if stored is None:
            return True
        listed = normalize(type_, clone(item)).document.body
        same = unchanged(type_, frozenset(item), listed, stored)
        return not (same and self._settled(type_, stored))

    def _settled(self, type_: ResourceType, stored: JSONObject) -> bool:
        return self.rotation.settled(time_of(value_at(stored, type_.hint)))
