"""The values that every layer speaks of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias, Union

JSON: TypeAlias = Union[bool, int, float, str, "list[JSON]", "dict[str, JSON]", None]
JSONObject: TypeAlias = "dict[str, JSON]"

RESERVED = "$ddsnap"
"""The member that ddsnap keeps for itself inside documents."""


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """Where a resource lives in an org: its type and its id, both as text."""

    type: str
    id: str

    def __str__(self) -> str:
        return f"{self.type}/{self.id}"

    @classmethod
    def parse(cls, text: str) -> Address:
        """Read ``type/id``; the id may itself hold slashes."""
        type_name, _, id_ = text.partition("/")
        return cls(type_name, id_)


@dataclass(frozen=True, slots=True)
class Document:
    """The normalized form of a resource, as stored."""

    address: Address
    body: JSONObject


def clone(body: JSONObject) -> JSONObject:
    """Return a copy that shares no object or list with ``body``."""
    return {
        key: _clone(value) if isinstance(value, _HOLDERS) else value for key, value in body.items()
    }


def _clone(value: list[JSON] | JSONObject) -> JSON:
    if isinstance(value, dict):
        return clone(value)
    return [_clone(element) if isinstance(element, _HOLDERS) else element for element in value]


_HOLDERS = (dict, list)
