"""After a write whose answer was lost: looking whether it had its effect.

What counts is new since the run began, is nobody else's counterpart, and, as far as the API tells,
was made after the request by the replaying identity. It equals what was sent, or is what a server
made of that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from ddsnap.api.gateway import Found
from ddsnap.core.fields import field_path
from ddsnap.core.makers import made_at, may_be_by
from ddsnap.core.match import covers, natural_key, portable, portable_digest
from ddsnap.core.names import same_name
from ddsnap.core.normalize import normalize
from ddsnap.core.rotation import MARGIN, RESOLUTION
from ddsnap.core.values import clone
from ddsnap.core.written import timely

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from datetime import datetime

    from ddsnap.api.gateway import Gateway
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.errors import ApiError


_LOOKS: Final = 2
"""How often is looked for what a lost request has made before it is made again."""


@dataclass(frozen=True, slots=True)
class Sought:
    """What was sent, and what cannot be it: the ids that were known before."""

    type: ResourceType
    body: JSONObject
    known: Collection[str]
    now: datetime
    """The run's time, by which requests are made."""
    parents: tuple[str, ...] = ()
    since: float | None = None
    """The server's time when it was sent: what is older is not it."""


class Unclear(Exception):  # noqa: N818 - an outcome, which whoever looks has to tell
    """What is there may be what was sent, or not: nothing may be sent again."""


def find_lost(
    gateway: Gateway, sought: Sought, me: Collection[str], pause: Callable[[], object]
) -> str:
    """Return the id of what a lost request has made; empty where it had no effect.

    ``me`` are the names of the replaying identity: its handle, its ids. A second look comes after
    a ``pause``. Raises ``Unclear``.
    """
    for nth in range(_LOOKS):
        if nth:
            pause()
        found, how = _look(gateway, sought, me)
        if len(found) > 1:
            raise Unclear(f"its answer was lost, and {', '.join(sorted(found))} {how}")
        if found:
            return found[0]
    return ""


def _look(gateway: Gateway, sought: Sought, me: Collection[str]) -> tuple[list[str], str]:
    """Return what the request may have made, and what speaks for that.

    What equals what was sent, else what holds all of it, else what is called the same.
    """
    type_ = sought.type
    equal, whole, alike = [], [], []
    for id_, body in _others(gateway, sought, me):
        if equals(type_, body, sought.body):
            equal.append(id_)
        elif _holds(sought, body):
            whole.append(id_)
        elif same_name(type_, body, sought.body):
            alike.append(id_)
    if equal or whole:
        return equal or whole, "equal it"
    return alike, "are called the same"


def _others(
    gateway: Gateway, sought: Sought, me: Collection[str]
) -> Iterator[tuple[str, JSONObject]]:
    """Yield what was not known before, and may be the replaying identity's work."""
    type_ = sought.type
    for item in gateway.list(type_, parents=sought.parents):
        id_ = gateway.id_of(type_, item)
        if id_ in sought.known:
            continue
        body = read_whole(gateway, type_, id_, item)
        if body is None:
            continue
        if may_be_by(type_, body, me) and not _is_older(sought, body):
            yield id_, body


def in_the_way(gateway: Gateway, sought: Sought, error: ApiError) -> str:
    """Return the id of what a creation was refused for, where it is the same resource.

    Empty where the ``error`` means something else.
    """
    type_ = sought.type
    named = re.search(type_.duplicate, error.message) if type_.duplicate else None
    if named:
        return named["id"]
    if error.status != HTTPStatus.CONFLICT or not natural_key(type_, sought.body):
        return ""
    found = [id_ for id_, body in _others(gateway, sought, ()) if equals(type_, body, sought.body)]
    return found[0] if len(found) == 1 else ""


def read_whole(
    gateway: Gateway, type_: ResourceType, id_: str, item: JSONObject
) -> JSONObject | None:
    """Return the document of what was listed; ``None`` where it is gone by now."""
    names = {named.lookup: gateway.lookup(named.lookup) for named in type_.named}
    reading = gateway.read(type_, id_, item) if type_.detail else Found(item)
    if not isinstance(reading, Found):
        return None
    return normalize(type_, clone(reading.body), names=names).document.body


def equals(type_: ResourceType, found: JSONObject, sent: JSONObject) -> bool:
    """Whether the resource is what was sent; its sections are written by later requests."""
    key = natural_key(type_, sent)
    if key is not None:
        return natural_key(type_, found) == key
    return _digest(type_, found) == _digest(type_, sent)


def _holds(sought: Sought, found: JSONObject) -> bool:
    """Whether the resource is what was sent, as the server may have filled it in."""
    type_ = sought.type
    sent = timely(type_, portable(type_, _first(type_, sought.body)), None, sought.now)
    return covers(portable(type_, _first(type_, found)), sent)


def _digest(type_: ResourceType, body: JSONObject) -> str:
    return portable_digest(type_, _first(type_, body))


def _first(type_: ResourceType, body: JSONObject) -> JSONObject:
    """Return what the first request of a creation says."""
    body = clone(body)
    for section in type_.sections:
        field_path(section.at).remove(body)
    return body


def _is_older(sought: Sought, body: JSONObject) -> bool:
    """Whether the resource was surely made before the request; the server's clock tells both."""
    made = made_at(sought.type, body)
    if made is None or sought.since is None:
        return False
    return made + RESOLUTION + MARGIN < sought.since
