"""The requests of an action: they follow from the intended document, the destination's, the ids.

Nothing here knows a clock or a secret, so that what was sent can be computed again: ``now`` is an
argument, and markers and the names of permissions stand in the bodies until they are sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.ids import join_parts
from ddsnap.core.match import portable
from ddsnap.core.normalize import id_of
from ddsnap.core.references import rewrite
from ddsnap.core.resource_type import Write
from ddsnap.core.routes import endpoint, family, filled, ids_by_name, variant
from ddsnap.core.values import clone
from ddsnap.core.written import (
    created,
    creation,
    patching,
    tells_all,
    timely,
    told,
    updatable,
    update_of,
    worded,
    wrapped,
)
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from ddsnap.core.fields import Parts
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Call, ResourceType, Section
    from ddsnap.core.values import JSON, JSONObject

Purpose: TypeAlias = Literal["create", "update", "section", "delete", "undelete", "lock"]


@dataclass(frozen=True)
class Request:
    """One request: ``route`` is the template of ``path``, ``item`` where the answer has the item.

    An ``item`` of ``""`` means the answer itself, ``data[*]`` a list of one.
    """

    method: str
    route: str
    path: str
    body: JSON = None
    query: Mapping[str, str] = field(default_factory=dict)
    item: str = ""
    purpose: Purpose = "update"

    def digest(self) -> str:
        """Return the SHA-256 of the canonical body, markers and names in place; ``""`` for none."""
        return self._digest

    @cached_property
    def _digest(self) -> str:
        return "" if self.body is None else canonical.digest(self.body)


def create_request(
    type_: ResourceType, body: JSONObject, *, now: datetime, without: Collection[Reference] = ()
) -> Request:
    """Return the request that creates the resource, but for the references ``without``.

    What there is one of by nature, like an order, is created by its update.
    """
    call = creation(type_, body)
    if call is None:
        return _update(type_, updatable(type_, body), {}, type_.constant_id, body)
    sent = timely(type_, told(type_, call, leave_out(type_, body, without)), None, now)
    own = family(type_, body)
    envelope = _envelope(type_, call, own.envelope if own else "")
    route = own.path if own else call.path
    return Request(
        call.method,
        route,
        filled(route, _ids(type_, body)),
        wrapped(worded(type_, call, sent), envelope, own.wrap if own else ""),
        call.query,
        envelope if call.answer is None else call.answer,
        "create",
    )


def finish_requests(
    type_: ResourceType,
    body: JSONObject,
    id_: str,
    *,
    now: datetime,
    without: Collection[Reference] = (),
) -> list[Request]:
    """Return the requests for what a creation could not say: sections, fields of updates alone."""
    call = creation(type_, body)
    if call is None or tells_all(type_, call):
        return []
    body = leave_out(type_, body, without)
    return update_requests(type_, body, created(type_, call, body), id_, now=now)


def update_requests(
    type_: ResourceType, body: JSONObject, present: JSONObject, id_: str, *, now: datetime
) -> list[Request]:
    """Return what turns the destination's document ``present`` into ``body``; [] if they are equal.

    Both may be portable or whole.
    """
    requests: list[Request] = []
    there = updatable(type_, present)
    wanted = timely(type_, updatable(type_, body), there, now)
    if type_.update and not canonical.same(wanted, there):
        requests.append(_update(type_, wanted, there, id_, body))
    for section in type_.sections:
        requests += _section(type_, section, body, present, id_)
    return requests


def check_request(
    type_: ResourceType, body: JSONObject, present: JSONObject | None, id_: str, *, now: datetime
) -> Request | None:
    """Return the question whether a write would be taken; ``None`` where there is nothing to ask.

    ``present`` is the destination's own document, ``None`` for what is new.
    """
    if type_.checks is None:
        return None
    if present is None:
        call, requests = type_.checks[0], [create_request(type_, body, now=now)]
    else:
        call, requests = type_.checks[1], update_requests(type_, body, present, id_, now=now)
    if not requests:
        return None
    path = filled(call.path, ids_by_name(type_, id_))
    return replace(requests[0], method=call.method, route=call.path, path=path)


def delete_request(type_: ResourceType, id_: str, present: JSONObject) -> Request:
    """Return the request that deletes the resource whose document is ``present``."""
    deletes = type_.variants.deletes if type_.variants else {}
    call = deletes.get(variant(type_, present), type_.delete)
    if call is None:
        raise UsageError(f"{type_.name} cannot be deleted")
    return _fixed(type_, call, id_, "delete")


def undelete_request(type_: ResourceType, id_: str) -> Request | None:
    """Return the request that brings a deleted resource back, where Datadog can do that."""
    return _fixed(type_, type_.undelete, id_, "undelete") if type_.undelete else None


def new_id(type_: ResourceType, body: JSONObject, item: JSON) -> str:
    """Return the id of a created resource: as ``item`` of the answer has it, else as ``body`` has.

    Answers leave out the parts of an id that their path named. Without an id anywhere it raises
    ``KeyError``.
    """
    answered = item if isinstance(item, dict) else {}
    if not type_.parts:
        return id_of(type_, answered)
    both = [(value_at(answered, part.at), value_at(body, part.at)) for part in type_.parts]
    return join_parts(str(answer or sent) for answer, sent in both)


def leave_out(
    type_: ResourceType, body: JSONObject, references: Collection[Reference]
) -> JSONObject:
    """Return ``body`` without these, in a copy: of a text, only what names them is missing.

    What is nothing without one of them is missing as a whole.
    """
    if not references:
        return body
    whole = {_waiting(type_, ref.parts) for ref in references if waits(type_, ref.parts)}
    alone = [ref for ref in references if not waits(type_, ref.parts)]
    left = rewrite(body, [ref for ref in alone if ref.span], lambda _: "")
    # From the end, so that no position moves before its turn.
    for parts in sorted({*whole, *(ref.parts for ref in alone if not ref.span)}, reverse=True):
        _remove(left, parts)
    return left


def waits(type_: ResourceType, parts: Parts) -> bool:
    """Whether the place lies in something that can be written later than the rest."""
    return _waiting(type_, parts) != parts


def _waiting(type_: ResourceType, parts: Parts) -> Parts:
    """Return the place of what is written later as a whole, where ``parts`` lies in such a one."""
    paths = (path for path in map(field_path, type_.later) if path.covers(parts))
    return next((parts[: len(path.steps)] for path in paths), parts)


def _update(
    type_: ResourceType, wanted: JSONObject, there: JSONObject, id_: str, whole: JSONObject
) -> Request:
    call = type_.update
    if call is None:
        raise UsageError(f"{type_.name} cannot be written")
    own = endpoint(type_, whole) if family(type_, whole) else None
    envelope = _envelope(type_, call, own.envelope if own else "")
    route = own.path if own else call.path
    if isinstance(call, Write) and call.patches:
        body: JSONObject = patching(type_, call.patches, there, wanted)
    else:
        sent = worded(type_, call, update_of(type_, wanted, there, id_, whole))
        body = wrapped(sent, envelope, own.wrap if own else "")
    return Request(
        call.method,
        route,
        filled(route, ids_by_name(type_, id_)),
        body,
        call.query,
        envelope if call.answer is None else call.answer,
        "update",
    )


def _envelope(type_: ResourceType, call: Call, own: str) -> str:
    return call.envelope if call.envelope is not None else own or type_.envelope


def _ids(type_: ResourceType, body: JSONObject) -> dict[str, str]:
    """Return the parts of an id that a document tells by itself."""
    places = {part.name: part.at for part in type_.parts} or {"id": type_.id}
    values = {name: value_at(body, at) for name, at in places.items()}
    return {name: str(value) for name, value in values.items() if value is not None}


def _section(
    type_: ResourceType, section: Section, body: JSONObject, present: JSONObject, id_: str
) -> Iterator[Request]:
    """Yield the requests that make a part with an API of its own what it shall be."""
    wanted, there = _elements(body, section.at), _elements(present, section.at)
    if wanted.keys() == there.keys():
        return
    own: JSONObject = {"id": id_, "type": value_at(portable(type_, body), "type")}
    if section.write:
        members: JSON = list(wanted.values())
        yield _sent(section.write, {section.write.envelope or "data": members}, {"id": id_})
    for change, here, other in ((section.add, wanted, there), (section.remove, there, wanted)):
        for key in here if change else ():
            if change and key not in other:
                ids = {"id": id_, "item": str(value_at(here[key], "id"))}
                yield _sent(change, wrapped(clone(own), change.envelope or ""), ids)


def _sent(call: Call, body: JSONObject, ids: Mapping[str, str]) -> Request:
    path = filled(call.path, ids)
    return Request(call.method, call.path, path, body, call.query, purpose="section")


def _elements(body: JSONObject, at: str) -> dict[str, JSON]:
    """Return the elements of a section, each by what it is."""
    found = value_at(body, at)
    elements = found if isinstance(found, list) else []
    return {canonical.digest(element): element for element in elements}


def _fixed(type_: ResourceType, call: Call, id_: str, purpose: Purpose) -> Request:
    """Return a request that names the resource and no more."""
    path = filled(call.path, ids_by_name(type_, id_))
    body = _naming(dict(call.body), id_) if call.body else None
    return Request(call.method, call.path, path, body, call.query, purpose=purpose)


def _naming(value: JSON, id_: str) -> JSON:
    if isinstance(value, dict):
        return {key: _naming(member, id_) for key, member in value.items()}
    if isinstance(value, list):
        return [_naming(element, id_) for element in value]
    return value.replace("{id}", id_) if isinstance(value, str) else value


def _remove(body: JSON, parts: Parts) -> None:
    *way, last = parts
    for step in way:
        body = body[step]  # type: ignore[index]
    del body[last]  # type: ignore[union-attr,arg-type]
