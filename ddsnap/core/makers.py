"""Who made a resource, and when, as far as its document tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core.fields import value_at
from ddsnap.core.times import time_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

_MAKERS: Final = (
    "creator",
    "created_by",
    "created_by_handle",
    "author",
    "author_handle",
    "createdBy",
)


def may_be_by(type_: ResourceType, body: JSONObject, names: Collection[str]) -> bool:
    """Whether who has these ``names`` made the resource, or nobody tells who did.

    Without names, whose maker it is cannot be told either.
    """
    told = set(_makers(type_, body))
    return not told or not names or not told.isdisjoint(names)


def made_at(type_: ResourceType, body: JSONObject) -> float | None:
    """Return when the resource was made (seconds since 1970), where that is told."""
    made = time_of(value_at(body, type_.created_at)) if type_.created_at else None
    return made.timestamp() if made else None


def _makers(type_: ResourceType, body: JSONObject) -> Iterator[str]:
    for path in type_.provenance:
        if _last(path) in _MAKERS:
            yield from _names(value_at(body, path))


def _names(value: JSON) -> Iterator[str]:
    """The names in what the API says of a person: a handle, or an object that holds one."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name in ("handle", "email", "id", "uuid"):
            if isinstance(value.get(name), (str, int)):
                yield str(value[name])
        for inner in ("data", "attributes"):
            yield from _names(value.get(inner))


def _last(path: str) -> str:
    return path.rpartition(".")[2]
