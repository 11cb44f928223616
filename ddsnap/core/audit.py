"""The requests that an action may have taken, computed again from what the journal holds of it.

Snapshots, patch, ids and the time of the run are all that is needed: no secret, and no org.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.behind import is_set
from ddsnap.core.changes import apply_patch
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.match import fingerprint
from ddsnap.core.normalize import settle, unknown_fields
from ddsnap.core.pointers import find, join, parse
from ddsnap.core.references import find_references
from ddsnap.core.requests import (
    create_request,
    delete_request,
    finish_requests,
    leave_out,
    undelete_request,
    update_requests,
)
from ddsnap.core.transform import transform
from ddsnap.core.values import clone
from ddsnap.errors import Damaged

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from ddsnap.core.actions import Action
    from ddsnap.core.references import Reference
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import JSON, Document, JSONObject


def closed_references(
    type_: ResourceType,
    body: JSONObject,
    catalog: Catalog,
    ids: Collection[str],
    told: Collection[Reference] = (),
) -> tuple[Reference, ...]:
    """Return what a document, as it was written in the end, names and its creation did not.

    Those are the references to one of ``ids``, and those that were ``told`` of it.
    """
    known = {(ref.parts, ref.value) for ref in told}
    found = find_references(body, type_, catalog)
    return tuple(ref for ref in found if ref.value in ids or (ref.parts, ref.value) in known)


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


def follows(
    type_: ResourceType,
    stored: Document,
    wrote: JSONObject,
    rules: Sequence[Rule],
    catalog: Catalog,
    *,
    over: bool,
) -> bool:
    """Whether what was written may be what the rules make of a stored document.

    Both are compared without the ids that they name. Where it depends on more than one document
    there is no telling: what is left out of a list, or is as the destination had it where it was
    written ``over`` something there.
    """
    made = transform(stored, rules, catalog)[0].body
    loose = any(value_at(made, path) is not None for path in (*type_.sheds, *type_.superseded))
    if loose or type_.orders or type_.keeps_others or (over and type_.create_only):
        return True
    if unknown_fields(type_, made):
        return True
    # What is no id of the one org may look like one in a text of the other.
    spans = [ref.parts for ref in find_references(made, type_, catalog) if ref.span]
    if any(is_set(type_, parts[:depth]) for parts in spans for depth in range(len(parts))):
        return True
    texts = [*map(join, spans)]
    one, other = (_without(texts, body) for body in (made, wrote))
    prints = (
        fingerprint(type_, body, find_references(body, type_, catalog), quiet=True)
        for body in (one, other)
    )
    return len({known.digest for known in prints}) == 1


def _without(texts: Collection[str], body: JSONObject) -> JSONObject:
    """Return a copy of a document without the texts at some places."""
    copy = clone(body)
    for pointer in texts:
        holder, name = find(copy, pointer.rpartition("/")[0]), parse(pointer)[-1]
        if isinstance(holder, dict):
            holder[name] = None
        elif isinstance(holder, list) and int(name) < len(holder):
            holder[int(name)] = None
    return copy


def expected_requests(
    type_: ResourceType,
    action: Action,
    *,
    base: JSONObject,
    patch: Sequence[JSONObject],
    present: JSONObject | None,
    to: str,
    now: datetime,
    closes: Collection[Reference] = (),
    identity: str = "",
) -> list[Request]:
    """Return every request that an action may have taken.

    ``base`` is the document that ``patch`` turns into the intended one, ``present`` what the
    destination had, ``to`` the id there (empty where it was never created), ``closes`` the
    references that a creation left out. A policy may have been replaced by one for the ``identity``
    alone.
    """
    if action.kind == "delete":
        return [delete_request(type_, to, present or {})]
    body = intended_body(base, patch)
    if action.kind == "create":
        requests = list(_of_creation(type_, body, base, to, now=now, closes=closes))
    else:
        requests = update_requests(type_, body, present or {}, to, now=now)
    if action.kind == "adopt" and type_.create:  # it was to be made, and was there already
        requests.append(create_request(type_, body, now=now, without=closes))
    if identity and type_.discover and type_.nothing_when_empty:
        requests.append(create_request(type_, locked(type_, body, identity), now=now))
    if action.undeletes and (undelete := undelete_request(type_, action.to)):
        requests.append(undelete)
    return requests


def _of_creation(
    type_: ResourceType,
    body: JSONObject,
    base: JSONObject,
    to: str,
    *,
    now: datetime,
    closes: Collection[Reference],
) -> Iterator[Request]:
    left = leave_out(type_, body, closes)
    # A list of which nothing was left may have been left out, too.
    bare = (settle(type_, clone(left)),) if closes else ()
    yield create_request(type_, body, now=now, without=closes)
    yield from (create_request(type_, first, now=now) for first in bare)
    if not to:
        return
    yield from finish_requests(type_, body, to, now=now, without=closes)
    for first in bare:
        yield from finish_requests(type_, first, to, now=now)
    for first in (left, *bare):
        yield from update_requests(type_, body, first, to, now=now)
    # What Datadog brought back was brought up to date instead.
    for present in (base, {}):
        yield from update_requests(type_, body, present, to, now=now)
