"""How a request is sent: with the org's own ids for names, never with a placeholder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ddsnap.core.fields import field_path, value_at
from ddsnap.core.values import clone
from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ddsnap.api.session import Session
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON

_GONE: Final = (404, 410)


@dataclass(frozen=True, slots=True)
class Written:
    """What a write was answered: ``item`` is the resource, as far as the answer holds it.

    A creation's whole ``answer`` may hold keys that are shown once.
    """

    status: int
    item: JSON = field(repr=False)
    answer: JSON = field(default=None, repr=False)


def send(
    session: Session,
    type_: ResourceType,
    request: Request,
    body: JSON,
    lookup: Callable[[str], Mapping[str, str]],
) -> Written:
    """Send a request with ``body``, which is its own with the secrets filled in.

    A deletion of what is gone already is done. A body that still holds a marker is refused.
    """
    answer = session.request(
        request.method,
        request.route,
        request.path,
        query=request.query,
        body=_with_ids(type_, body, lookup),
        expect=_GONE if request.purpose == "delete" else (),
    )
    return Written(answer.status, value_at(answer.body, request.item), answer.body)


def _with_ids(type_: ResourceType, body: JSON, lookup: Callable[[str], Mapping[str, str]]) -> JSON:
    """Return the body with the ids of this org where documents hold names."""
    if not type_.named or not isinstance(body, dict):
        return body
    body = clone(body)
    item = value_at(body, type_.envelope)
    for named in type_.named:
        ids = {name: id_ for id_, name in lookup(named.lookup).items()}
        for slot in field_path(named.at).find(item):
            if isinstance(slot.value, str):
                slot.set(_id_of(slot.value, ids, named.lookup))
    return body


def _id_of(name: str, ids: Mapping[str, str], lookup: str) -> str:
    # An id of this org may stand where its table had no name for it.
    if name in ids.values():
        return name
    if name not in ids:
        raise ApiError(f"this org has no {name!r} among its {lookup}")
    return ids[name]
