"""What others make at the destination between the plan and a creation, lest it is made twice.

A resource that is to be created cannot be read again just before. Where its type was listed a
while ago, as when somebody pondered over the plan, it is listed once more.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Condition
from typing import TYPE_CHECKING, Final

from ddsnap.core.match import natural_key
from ddsnap.core.normalize import title_of
from ddsnap.flows.lost import equals, read_whole

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.run import Run

FRESH: Final = 60.0
"""Seconds for which a listing is believed to be whole."""

_SHARE: Final = 20
"""A listing that takes long is believed longer, by so many times what it takes."""


@dataclass
class _Known:
    """What is known of one type: since when, and what was new then."""

    since: float
    spent: float = 0.0
    """How long its last listing took."""
    new: Mapping[str, JSONObject] = field(default_factory=dict)
    busy: int = 0
    """How many are being created: they are listed before anybody knows their ids."""
    settled: Condition = field(default_factory=Condition)


class Newcomers:
    """What is at the destination by now and nobody has planned with.

    ``read_at`` is when each type was read for the plan, by the server's clock; ``known`` are the
    ids of a type that are not new, by then or by now. With ``beside``, what has the same title and
    another body is in nobody's way.
    """

    def __init__(
        self,
        run: Run,
        read_at: Mapping[str, float],
        known: Callable[[str], Collection[str]],
        *,
        beside: bool = False,
    ) -> None:
        self._run = run
        self._known_ids = known
        self._beside = beside
        self._types = {
            type_.name: _Known(read_at.get(type_.name, 0.0)) for type_ in run.catalog.types
        }

    @contextmanager
    def creating(self, type_: ResourceType, body: JSONObject) -> Iterator[str]:
        """Give the id of what somebody has made that is like ``body``; empty if nobody has.

        Meanwhile ``body`` may be created. Raises ``ApiError`` where the type cannot be listed.
        """
        known = self._types[type_.name]
        with known.settled:
            if self._is_stale(known):
                known.settled.wait_for(lambda: not known.busy)
            if self._is_stale(known):
                self._look(type_, known)
            known.busy += 1
        try:
            yield self._like(type_, known, body)
        finally:
            with known.settled:
                known.busy -= 1
                known.settled.notify_all()

    def _is_stale(self, known: _Known) -> bool:
        return self._run.read_time() - known.since > FRESH + _SHARE * known.spent

    def _look(self, type_: ResourceType, known: _Known) -> None:
        gateway, began = self._run.gateway, self._run.read_time()
        ids = {*self._known_ids(type_.name)}
        listed = ((gateway.id_of(type_, item), item) for item in gateway.list(type_))
        known.new = {id_: item for id_, item in listed if id_ not in ids}
        known.since, known.spent = began, self._run.read_time() - began

    def _like(self, type_: ResourceType, known: _Known, body: JSONObject) -> str:
        gateway, title = self._run.gateway, title_of(type_, body)
        keyed = natural_key(type_, body) is not None
        for id_, item in known.new.items():
            if keyed or title_of(type_, item) == title:
                whole = read_whole(gateway, type_, id_, item)
                named = not keyed and title and not self._beside
                if whole and (named or equals(type_, whole, body)):
                    return id_
        return ""
