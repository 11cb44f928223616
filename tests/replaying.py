"""One sandbox org copied into another by hand, request by request, as a replay does it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from ddsnap.api.gateway import Found, Gateway
from ddsnap.api.session import Session, Timeouts
from ddsnap.catalog import CATALOG
from ddsnap.core.fields import field_path
from ddsnap.core.match import is_built_in, natural_key, portable
from ddsnap.core.normalize import is_secret, normalize
from ddsnap.core.references import find_references, rewrite
from ddsnap.core.requests import (
    Request,
    create_request,
    delete_request,
    finish_requests,
    new_id,
    update_requests,
)
from ddsnap.core.values import Address, clone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.sandbox import Sandbox, SandboxOrg

SECRET = "a-value-of-a-test"


@dataclass
class Org:
    """An org behind a gateway, and all that was sent to it."""

    gateway: Gateway
    sent: list[Request] = field(default_factory=list)

    def read(self, type_: ResourceType, id_: str) -> dict[str, Any] | None:
        """The document of one resource; ``None``: it is gone."""
        if type_.direct:
            reading = self.gateway.read(type_, id_)
            return self.document(type_, reading.body) if isinstance(reading, Found) else None
        return self.documents(type_, (id_.partition(",")[0],)).get(id_)

    def documents(
        self, type_: ResourceType, parents: tuple[str, ...] = ()
    ) -> dict[str, dict[str, Any]]:
        """All documents of a type, by id."""
        if type_.discover:
            listed = [
                (f"{prefix}:{id_}", None)
                for name, prefix in type_.discover.objects.items()
                if name in CATALOG
                for id_ in self.ids(CATALOG[name])
            ]
        else:
            items = self.gateway.list(type_, parents=parents or self.parents(type_))
            listed = [(self.gateway.id_of(type_, item), item) for item in items]
        readings = self.gateway.read_many(type_, listed)
        return {
            id_: self.document(type_, reading.body)
            for id_, reading in readings
            if isinstance(reading, Found)
        }

    def ids(self, type_: ResourceType) -> list[str]:
        return [self.gateway.id_of(type_, item) for item in self.gateway.list(type_)]

    def parents(self, type_: ResourceType) -> tuple[str, ...]:
        return tuple(self.ids(CATALOG[type_.parent])) if type_.parent else ()

    def document(self, type_: ResourceType, body: Any) -> dict[str, Any]:
        names = {named.lookup: self.gateway.lookup(named.lookup) for named in type_.named}
        return normalize(type_, body, names=names).document.body

    def send(self, type_: ResourceType, request: Request) -> Any:
        """Send one request, with a value for each secret."""
        self.sent.append(request)
        return self.gateway.send(type_, request, filled(request.body)).item

    def create(self, type_: ResourceType, body: dict[str, Any], **more: Any) -> str:
        """Create a resource and finish it."""
        item = self.send(type_, create_request(type_, body, now=now(), **more))
        id_ = new_id(type_, body, item)
        for request in finish_requests(type_, body, id_, now=now(), **more):
            self.send(type_, request)
        return id_

    def update(
        self, type_: ResourceType, body: dict[str, Any], present: dict[str, Any], id_: str
    ) -> list[Request]:
        """Bring a resource from ``present`` to ``body``."""
        requests = update_requests(type_, body, present, id_, now=now())
        for request in requests:
            self.send(type_, request)
        return requests

    def delete(self, type_: ResourceType, id_: str, present: dict[str, Any]) -> None:
        self.send(type_, delete_request(type_, id_, present))


@dataclass
class Copy:
    """What of one org is in the other: ids by type and old id, the monitors of tests included."""

    source: Org
    destination: Org
    ids: dict[tuple[str, str], str] = field(default_factory=dict)
    made: dict[Address, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    adopted: dict[Address, tuple[str, dict[str, Any]]] = field(default_factory=dict)

    def run(self) -> list[Address]:
        """Copy whatever can be; return what is left."""
        left = {
            Address(type_.name, id_): body
            for type_ in CATALOG.types
            for id_, body in self.source.documents(type_).items()
        }
        moved = True
        while moved:
            ready = [address for address in left if self.intended(address, left[address])]
            for address in ready:
                self.copy(address, left.pop(address))
            moved = bool(ready)
        return list(left)

    def intended(self, address: Address, body: dict[str, Any]) -> dict[str, Any] | None:
        """The document in the destination's ids; ``None`` while some of them are not known."""
        type_ = CATALOG[address.type]
        references = find_references(body, type_, CATALOG)
        resolved = {ref: self.resolve(ref) for ref in references}
        if None in resolved.values():
            return None
        found = rewrite(clone(body), references, lambda ref: resolved[ref])
        return portable(type_, normalize(type_, found).document.body)

    def resolve(self, ref: Reference) -> str | None:
        known = (self.ids.get((name, ref.value)) for name in ref.to)
        found = next((id_ for id_ in known if id_), None)
        captured = any(name in CATALOG for name in ref.to)
        return ref.value if ref.by or (found is None and (ref.soft or not captured)) else found

    def copy(self, address: Address, body: dict[str, Any]) -> None:
        type_ = CATALOG[address.type]
        intended = self.intended(address, body)
        assert intended is not None
        if (address.type, address.id) in self.ids:  # known from the start
            return
        there = self.counterpart(type_, body, intended)
        if there:
            id_, present = there
            if not is_built_in(type_, present):
                self.destination.update(type_, intended, present, id_)
                self.adopted[address] = (id_, intended)
        else:
            id_ = self.destination.create(type_, intended)
            self.made[address] = (id_, intended)
        self.ids[address.type, address.id] = id_
        if address.type == "synthetics_tests" and body.get("monitor_id"):
            new = self.destination.gateway.read(type_, id_)
            assert isinstance(new, Found)
            for name in ("monitors", "synthetics_tests"):
                self.ids[name, str(body["monitor_id"])] = str(new.body["monitor_id"])

    def counterpart(
        self, type_: ResourceType, body: dict[str, Any], intended: dict[str, Any]
    ) -> tuple[str, dict[str, Any]] | None:
        key = natural_key(type_, {**body, **intended})
        if not type_.constant_id and (key is None or type_.parent or type_.discover):
            return None
        for id_, present in self.destination.documents(type_).items():
            if type_.constant_id or natural_key(type_, present) == key:
                return id_, present
        return None


def filled(value: Any) -> Any:
    """The body with an invented value for each marker."""
    if is_secret(value):
        return SECRET
    if isinstance(value, dict):
        return {key: filled(member) for key, member in value.items()}
    return [filled(element) for element in value] if isinstance(value, list) else value


def settled(body: dict[str, Any]) -> dict[str, Any]:
    """A document without what cannot be the same at another time, or place."""
    body = clone(body)
    field_path("attributes.schedule").remove(body)  # a downtime begins later than it did
    return body


def now() -> datetime:
    return datetime.now(timezone.utc)


@contextmanager
def reaching(box: Sandbox, org: SandboxOrg) -> Iterator[Org]:
    """Open a gateway to an org."""
    with Session(box.url, org.api_key, org.app_key, timeouts=Timeouts(2, 5, 9), retries=0) as one:
        yield Org(Gateway(one, CATALOG))
