"""Reading one type from the live org: its documents, and what could not become one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.api.gateway import Gone, Unreadable
from ddsnap.core import canonical
from ddsnap.core.fields import field_path
from ddsnap.core.normalize import Normalized, normalize
from ddsnap.core.values import RESERVED, Address
from ddsnap.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from ddsnap.api.gateway import Gateway, Reading
    from ddsnap.api.pages import Lose
    from ddsnap.core.resource_type import Discover, ResourceType
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.earlier import Earlier

_MEMBER = f'"{RESERVED}":'.encode()


@dataclass(frozen=True, slots=True)
class Stored:
    """A document with its canonical bytes, ready to be stored."""

    normalized: Normalized
    data: bytes

    @property
    def address(self) -> Address:
        """Where the resource lives."""
        return self.normalized.document.address


@dataclass(frozen=True, slots=True)
class Problem:
    """A resource that could not be read or stored; its earlier document is kept."""

    address: Address
    reason: str
    nameless: bool = False
    """Whether only its place in the listing is known, which stands in the id's place."""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A resource that is proven to be as it is stored, or whose turn to be read has not come."""

    address: Address


@dataclass(frozen=True, slots=True)
class Vanished:
    """A resource that was listed, and gone when it was read by itself."""

    address: Address


Item: TypeAlias = "Stored | Problem | Unchanged | Vanished"


@dataclass
class Seen:
    """What the run has read so far: ids by type, for the types that are read through others."""

    ids: dict[str, list[str]] = field(default_factory=dict)
    """By type, the ids of the resources that exist, kept ones included."""
    existing: dict[str, set[str]] = field(default_factory=dict)
    """By type, what a whole listing of this run named: what filters leave out exists, too."""
    unread: set[str] = field(default_factory=set)
    """The types that could not be read as a whole."""

    def parents_of(self, type_: ResourceType) -> list[str]:
        """Return the ids of the resources that a type is listed below."""
        name = type_.parent
        return sorted({*self.existing.get(name, ()), *self.ids.get(name, ())})


def read_type(
    gateway: Gateway,
    type_: ResourceType,
    seen: Seen,
    earlier: Earlier,
    *,
    pace: Callable[[int, int], None],
    lose: Lose,
) -> Iterator[Item]:
    """Yield every resource of the type. A listing that fails raises ``ApiError`` on the way.

    ``pace`` is told how many of those that must be read one by one were, and of how many; ``lose``
    the places of the records that the server cannot list.
    """
    names = {named.lookup: gateway.lookup(named.lookup) for named in type_.named}
    if not (type_.discover or type_.detail or type_.sections):
        for item in gateway.list(type_, parents=seen.parents_of(type_), lose=lose):
            drop_ghosts(type_, item, seen.existing.get(type_.orders))
            yield _stored(type_, Address(type_.name, gateway.id_of(type_, item)), item, names)
        return
    wanted: list[tuple[str, JSONObject | None]] = []
    for id_, listed in _candidates(gateway, type_, seen, lose):
        if earlier.must_read(type_, id_, listed):
            wanted.append((id_, listed))
        else:
            yield Unchanged(Address(type_.name, id_))
    for done, (id_, reading) in enumerate(gateway.read_many(type_, wanted), 1):
        pace(done, len(wanted))
        yield to_item(type_, id_, reading, names)


def to_item(
    type_: ResourceType, id_: str, reading: Reading, names: Mapping[str, Mapping[str, str]]
) -> Item:
    """Turn what was read of one resource into what is stored of it."""
    address = Address(type_.name, id_)
    if isinstance(reading, Gone):
        return Vanished(address)
    if isinstance(reading, Unreadable):
        return Problem(address, reading.reason)
    return _stored(type_, address, reading.body, names)


def drop_ghosts(type_: ResourceType, body: JSONObject, existing: Collection[str] | None) -> None:
    """Leave out of an order what no longer exists: Datadog keeps deleted members in it a while."""
    if existing is None:
        return
    for slot in reversed(list(field_path(type_.members).find(body))):
        if str(slot.value) not in existing:
            slot.remove()


def _candidates(
    gateway: Gateway, type_: ResourceType, seen: Seen, lose: Lose
) -> list[tuple[str, JSONObject | None]]:
    """What there is to read one by one: the whole listing first, so that a page that fails does
    not cost a thousand requests."""
    if type_.discover:
        return [(id_, None) for id_ in harvest(type_, seen)]
    listed = gateway.list(type_, parents=seen.parents_of(type_), lose=lose)
    return [(gateway.id_of(type_, item), item) for item in listed]


def harvest(type_: ResourceType, seen: Seen) -> list[str]:
    """Return the ids to try of a type that has no listing."""
    discover = type_.discover
    if discover is None:
        return []
    known = (Address(name, id_) for name in discover.objects for id_ in seen.ids.get(name, ()))
    return sorted({*seen.ids.get(type_.name, ()), *discovered(discover, known)})


def discovered(discover: Discover, objects: Iterable[Address]) -> Iterator[str]:
    """Yield the ids under which a type without a listing has what it says of objects."""
    prefixes = discover.objects
    return (f"{prefixes[one.type]}:{one.id}" for one in objects if one.type in prefixes)


def _stored(
    type_: ResourceType,
    address: Address,
    body: JSONObject,
    names: Mapping[str, Mapping[str, str]],
) -> Item:
    try:
        normalized = normalize(type_, body, names=names)
        data = canonical.encode(normalized.document.body, parsed=True)
    except UnstorableError as error:
        return Problem(address, error.message)
    except KeyError:
        return Problem(address, "the answer holds no id")
    if data.count(_MEMBER) != normalized.markers:
        return Problem(address, f"it holds the member {RESERVED!r}, which is ddsnap's own")
    return Stored(normalized, data)
