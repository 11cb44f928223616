"""What the next capture of an org costs: its requests, type by type, if nothing changes till then.

What filters leave out of the snapshot, and items that a listing holds beside a type's own, are not
foreseen: nothing here knows of them.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ddsnap.api.pages import requests_for
from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.ids import split_parts
from ddsnap.core.normalize import id_of
from ddsnap.core.paths import document_path, parse_document_path
from ddsnap.core.resource_type import Pages
from ddsnap.core.routes import first_placeholder
from ddsnap.core.values import Address
from ddsnap.flows.earlier import Earlier
from ddsnap.flows.live import Seen, harvest

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.core.resource_type import Catalog, ResourceType, Section
    from ddsnap.core.rotation import Rotation
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.guard import Guard
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.view import View

IDENTITY: Final = 2
"""Every run first asks whose keys it has, and which orgs they see."""


@dataclass(frozen=True, slots=True)
class Cost:
    """The requests of one type: for its listing, for single resources, for tables of names."""

    type: str
    listing: int
    details: int
    lookups: int

    @property
    def requests(self) -> int:
        """All of them."""
        return self.listing + self.details + self.lookups


def predict(
    view: View | None,
    catalog: Catalog,
    scope: Scope,
    *,
    read_at: Mapping[str, float],
    now: float,
    guard: Guard,
) -> Iterator[Cost]:
    """Yield what each type in scope costs a capture at ``now`` on top of the snapshot ``view``.

    Without one, as if the org were empty: that is the least. ``read_at`` is what the journal says
    of when each type was read.
    """
    last = _Last(view, catalog, scope, guard)
    asked: set[str] = set()
    listed: set[str] = set()
    for type_ in catalog.types:
        if type_.name not in scope.types or (scope.only and type_.name not in scope.only):
            continue
        tables = {named.lookup for named in type_.named} - asked
        asked |= tables
        # What a type is read through is listed for it, where the run does not read that anyway.
        others = {n for n in (type_.parent, type_.orders) if n in catalog} - listed
        listed |= {type_.name, *others}
        manifest = view.manifest if view else None
        rotation = scope.rotation(manifest, read_at.get(type_.name), now)
        yield Cost(
            type_.name,
            last.listing(type_) + sum(last.listing(catalog[name]) for name in others),
            last.details(type_, rotation),
            sum(requests_for(catalog.lookups[table].pages, 0) for table in tables),
        )


@dataclass
class _Last:
    """The last snapshot, as far as it tells what there will be to ask for."""

    view: View | None
    catalog: Catalog
    scope: Scope
    guard: Guard
    _ids: dict[str, list[str]] = field(default_factory=dict)

    def listing(self, type_: ResourceType) -> int:
        """Return the requests of the type's listing, or of one for each parent."""
        if type_.discover:
            return 0
        if not type_.parent:
            return 1 if type_.constant_id else self._parts(type_)
        pages = None if type_.constant_id else type_.pages
        below = self._by_parent(type_)
        return sum(requests_for(pages, below[parent]) for parent in self.ids(type_.parent))

    def details(self, type_: ResourceType, rotation: Rotation) -> int:
        """Return the requests for resources that are read one by one."""
        if not (type_.discover or type_.detail or type_.sections):
            return 0
        ids, earlier = self._candidates(type_, rotation)
        own = 1 if type_.discover or type_.detail else 0
        sections = [one for one in type_.sections if one.read.path != type_.one_path]
        return sum(
            own + sum(self._section(type_, one, id_) for one in sections)
            for id_ in ids
            if earlier.reads_anyway(type_, id_)
        )

    def ids(self, name: str) -> list[str]:
        """Return the ids of a type's documents; none of a type that is out of scope."""
        if name not in self._ids:
            known = self.view is not None and name in self.scope.types and name in self.catalog
            paths = self.view.paths(only=name) if self.view and known else ()
            self._ids[name] = [self._id(self.catalog[name], path) for path in paths]
        return self._ids[name]

    def _candidates(self, type_: ResourceType, rotation: Rotation) -> tuple[list[str], Earlier]:
        def stored(id_: str) -> JSONObject | None:
            data = self._data(type_, id_)
            return None if data is None or self.guard.undecided(type_, id_, data) else _object(data)

        ids = self.ids(type_.name)
        if type_.discover is None:
            return ids, Earlier(rotation, stored)
        objects = type_.discover.objects
        seen = Seen({name: self.ids(name) for name in (type_.name, *objects)})
        current = {f"{prefix}:{id_}" for name, prefix in objects.items() for id_ in self.ids(name)}
        asked = frozenset(current.union(ids))
        return harvest(type_, seen), Earlier(rotation, stored, asked, frozenset(current))

    def _parts(self, type_: ResourceType) -> int:
        """Return the requests of a listing, and of the further ones that belong to it."""
        ids = self.ids(type_.name)
        further = Counter[int]()
        for id_ in ids if type_.also else ():
            body = _object(self._data(type_, id_) or b"{}")
            further.update(n for n, query in enumerate(type_.also) if _answers(body, query))
        return requests_for(type_.pages, len(ids) - further.total()) + sum(
            requests_for(type_.pages, further[n]) for n in range(len(type_.also))
        )

    def _by_parent(self, type_: ResourceType) -> Counter[str]:
        """Count a type's resources by the parent that their ids name."""
        name = first_placeholder(type_.path)
        at = next((n for n, part in enumerate(type_.parts) if part.name == name), 0)
        return Counter(split_parts(id_)[at] for id_ in self.ids(type_.name))

    def _section(self, type_: ResourceType, section: Section, id_: str) -> int:
        size = section.read.query.get("page[size]")
        if size is None:
            return 1
        held = value_at(_object(self._data(type_, id_) or b"{}"), section.at)
        count = len(held) if isinstance(held, list) else 0
        return requests_for(Pages("number", "page[number]", "page[size]", int(size)), count)

    def _data(self, type_: ResourceType, id_: str) -> bytes | None:
        return self.view.read(document_path(Address(type_.name, id_))) if self.view else None

    def _id(self, type_: ResourceType, path: str) -> str:
        _, id_ = parse_document_path(path)
        if id_ is not None or self.view is None:
            return id_ or ""
        return id_of(type_, _object(self.view.read(path) or b"{}"))


def _answers(body: JSONObject, query: Mapping[str, str]) -> bool:
    """Whether a listing with this query names the resource: its parameters are fields there."""
    return all(
        any(canonical.encode(slot.value).strip(b'"\n').decode() == wanted for slot in found)
        for found, wanted in ((field_path(f"**.{n}").find(body), v) for n, v in query.items())
    )


def _object(data: bytes) -> JSONObject:
    body = canonical.decode(data)
    return body if isinstance(body, dict) else {}
