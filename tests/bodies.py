"""Every kind of request that is made of a document, with its placeholders filled in."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from recordings import recordings

from ddsnap.api.items import is_ours, place_parent, shaped
from ddsnap.core.fields import DEEP, EACH, field_path, value_at
from ddsnap.core.ids import join_parts
from ddsnap.core.match import is_built_in, portable
from ddsnap.core.normalize import normalize
from ddsnap.core.requests import (
    create_request,
    delete_request,
    finish_requests,
    undelete_request,
    update_requests,
)
from ddsnap.core.values import RESERVED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import ResourceType

Body = dict[str, Any]

NOW = datetime(2026, 11, 22, 12, tzinfo=timezone.utc)
UUID = "5d0b8a7e-3f44-4c0b-9a55-1f2d3c4b5a69"
ID = {"monitors": "12345", "notebooks": "12345", "dashboard_lists": "12345"}
"""An id at the destination, where it is not a UUID."""


def recorded_documents(type_: ResourceType) -> list[Body]:
    """What a capture makes of the recorded answers, as a destination shall hold it."""
    found: list[Body] = []
    for recording in recordings(type_.name):
        parent = recording.path.split("/")[4] if type_.parent else ""
        for answered in recording.items():
            item = place_parent(type_, copy.deepcopy(answered), parent)
            headed = recording.form == "list_item" and type_.detail
            if headed or not is_ours(type_, item):
                continue
            body = normalize(type_, shaped(type_, item, included(recording.answered))).document.body
            if not is_built_in(type_, body):
                found.append(portable(type_, body))
    return found


def included(answer: Any) -> list[Body]:
    """What stands beside the item in an answer."""
    return answer.get("included", []) if isinstance(answer, dict) else []


def creations(type_: ResourceType, body: Body) -> Iterator[Request]:
    """Yield all that is sent to make a resource, and to delete it and bring it back."""
    id_ = id_of(type_, body)
    if type_.create:
        yield create_request(type_, body, now=NOW)
        yield from finish_requests(type_, body, id_, now=NOW)
    else:
        yield create_request(type_, body, now=NOW)
    if type_.delete:
        yield delete_request(type_, id_, body)
        undelete = undelete_request(type_, id_)
        yield from [undelete] if undelete else []


def changes(type_: ResourceType, body: Body, present: Body) -> Iterator[Request]:
    """Yield what is sent to turn one document into another, as far as an update can."""
    body = copy.deepcopy(body)
    for path in type_.create_only:
        settle(path, body, present)
    yield from update_requests(type_, body, present, id_of(type_, present), now=NOW)


def settle(path: str, body: Body, present: Body) -> None:
    """Take what only a creation can set as it is there."""
    value = value_at(present, path)
    if EACH not in path and DEEP not in path and value is not None:
        field_path(path).put(body, copy.deepcopy(value))
    else:
        field_path(path).remove(body)


def id_of(type_: ResourceType, body: Body) -> str:
    """An id such as the destination may have given."""
    if type_.parts:
        return join_parts([str(value_at(body, part.at)) for part in type_.parts])
    own = body.get(type_.id) if type_.id in type_.natural_key or type_.constant_id else None
    return str(own or type_.constant_id or ID.get(type_.name, UUID))


def sent(type_: ResourceType, request: Request) -> Any:
    """The body as it goes over the wire: a secret for each marker, an id for each name."""
    body = filled(request.body)
    item = value_at(body, type_.envelope)
    for named in type_.named if isinstance(body, dict) else ():
        for slot in field_path(named.at).find(item):
            slot.set(UUID)
    return body


def filled(value: Any) -> Any:
    """A copy with a plain text in place of each marker."""
    if isinstance(value, dict):
        if RESERVED in value:
            return "s3cret"
        return {name: filled(member) for name, member in value.items()}
    return [filled(element) for element in value] if isinstance(value, list) else value


def pairs(type_: ResourceType, documents: list[Body]) -> Iterator[tuple[Body, Body]]:
    """Yield documents of one kind beside others, and beside themselves without one field."""
    for kind in kinds(type_, documents):
        yield from zip(kind, kind[1:] + kind[:1], strict=True)
        for whole, less in one_field_apart(kind):
            yield whole, less
            yield less, whole


def kinds(type_: ResourceType, documents: list[Body]) -> list[list[Body]]:
    """The documents of each kind that has endpoints, or fields, of its own."""
    by = type_.variants.by if type_.variants else ""
    grouped: dict[str, list[Body]] = {}
    for one in documents:
        grouped.setdefault(str(one.get(by)), []).append(one)
    return list(grouped.values())


def one_field_apart(documents: list[Body]) -> Iterator[tuple[Body, Body]]:
    """Yield documents beside themselves without a field that others of the type do lack."""
    for holder in ("", "attributes", "options"):
        held = [inner for one in documents if isinstance(inner := value_at(one, holder), dict)]
        for name in sorted({name for inner in held for name in inner}):
            path = f"{holder}.{name}" if holder else name
            having = [one for one in documents if value_at(one, path) is not None]
            if any(name not in inner for inner in held):
                for whole in having[:2]:
                    less = copy.deepcopy(whole)
                    field_path(path).remove(less)
                    yield whole, less
