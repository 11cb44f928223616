"""The requests that an action takes, step by step: for who sends them, and for who checks them.

All follow from the snapshots, the patch and the ids that the journal holds, so a past replay can
be recomputed without a secret and without its org.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.changes import apply_patch
from ddsnap.core.fields import field_path
from ddsnap.core.references import find_references
from ddsnap.core.requests import (
    create_request,
    delete_request,
    finish_requests,
    leave_out,
    undelete_request,
    update_requests,
)
from ddsnap.core.resolution import is_symbolic
from ddsnap.core.values import clone
from ddsnap.errors import Damaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from ddsnap.core.actions import Action
    from ddsnap.core.fields import Parts
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.values import JSON, JSONObject


def waiting_places(body: JSONObject) -> tuple[Parts, ...]:
    """Return the places of an intended document that hold an id which does not exist yet."""
    return tuple(parts for parts, text in _texts(body, ()) if is_symbolic(text))


def closed_places(
    type_: ResourceType, body: JSONObject, catalog: Catalog, ids: Collection[str]
) -> tuple[Parts, ...]:
    """Return the same places once all is written: those that refer to one of ``ids``."""
    found = find_references(body, type_, catalog)
    return tuple(dict.fromkeys(ref.parts for ref in found if ref.value in ids))


def creating(
    type_: ResourceType, body: JSONObject, *, now: datetime, without: Collection[Parts] = ()
) -> Request:
    """Return the first request of a creation: it leaves out what is written when it exists."""
    return create_request(type_, body, now=now, without=without)


def completing(
    type_: ResourceType,
    body: JSONObject,
    id_: str,
    *,
    now: datetime,
    without: Collection[Parts] = (),
) -> list[Request]:
    """Return the requests that come right after a creation, by the id that it gave."""
    return finish_requests(type_, body, id_, now=now, without=without)


def closing(
    type_: ResourceType,
    body: JSONObject,
    id_: str,
    *,
    now: datetime,
    without: Collection[Parts] = (),
) -> list[Request]:
    """Return the requests that write what a creation left out, once its targets exist."""
    if not without:
        return []
    return update_requests(type_, body, leave_out(body, without), id_, now=now)


def updating(
    type_: ResourceType, body: JSONObject, present: JSONObject, id_: str, *, now: datetime
) -> list[Request]:
    """Return the requests of an update. One that closes a circle waits for its targets, whole."""
    return update_requests(type_, body, present, id_, now=now)


def locked(type_: ResourceType, body: JSONObject, identity: str) -> JSONObject:
    """Return a policy that leaves its object to one user alone, where the intended one failed."""
    policy = clone(body)
    principals: list[JSON] = [f"user:{identity}"]
    alone: list[JSON] = [{"relation": "editor", "principals": principals}]
    field_path(type_.nothing_when_empty).put(policy, alone)
    return policy


def intended_body(base: JSONObject, patch: Sequence[JSONObject]) -> JSONObject:
    """Return the intended document by its patch. Raises ``PatchError``."""
    body = apply_patch(base, patch)
    if not isinstance(body, dict):
        raise Damaged("the patch does not make an object")
    return body


def expected_requests(
    type_: ResourceType,
    action: Action,
    *,
    base: JSONObject,
    patch: Sequence[JSONObject],
    present: JSONObject | None,
    to: str,
    now: datetime,
    closes: Collection[Parts] = (),
    identity: str = "",
) -> list[Request]:
    """Return every request that an action may have taken.

    ``base`` is the document that ``patch`` turns into the intended one, ``present`` what the
    destination had, ``to`` the id there (empty where it was never created), ``closes`` the places
    that a creation left out. A policy may have been replaced by one for the ``identity`` alone.
    """
    if action.kind == "delete":
        return [delete_request(type_, to, present or {})]
    body = intended_body(base, patch)
    if action.kind == "create":
        requests = _of_creation(type_, body, to, now, closes)
    else:
        requests = updating(type_, body, present or {}, to, now=now)
    if identity and type_.discover and type_.nothing_when_empty:
        requests.append(creating(type_, locked(type_, body, identity), now=now))
    # Where a lost resource was brought back as it was, what is left is an update of the old one.
    if action.undeletes and (undelete := undelete_request(type_, action.to)):
        requests += [undelete, *updating(type_, body, base, action.to, now=now)]
    return requests


def _of_creation(
    type_: ResourceType,
    body: JSONObject,
    to: str,
    now: datetime,
    closes: Collection[Parts],
) -> list[Request]:
    requests = [creating(type_, body, now=now, without=closes)]
    if to:
        requests += completing(type_, body, to, now=now, without=closes)
        requests += closing(type_, body, to, now=now, without=closes)
    return requests


def _texts(value: JSON, parts: Parts) -> Iterator[tuple[Parts, str]]:
    if isinstance(value, str):
        yield parts, value
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _texts(member, (*parts, name))
    elif isinstance(value, list):
        for position, element in enumerate(value):
            yield from _texts(element, (*parts, position))
