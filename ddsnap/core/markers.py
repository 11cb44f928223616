"""Markers that bear numbers, so that each can be followed through what is made of a document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.core import pointers
from ddsnap.core.normalize import SECRET, is_secret
from ddsnap.core.values import RESERVED, clone

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.fields import Parts
    from ddsnap.core.values import JSON, JSONObject

_NUMBER: Final = "n"
"""Beside the reserved member: which of a document's markers this is."""


def numbered(body: JSONObject, numbers: Mapping[Parts, int]) -> JSONObject:
    """Return a copy in which the markers at these places bear their numbers."""
    copy = clone(body)
    for parts, number in numbers.items():
        marker = pointers.get(copy, pointers.join(parts))
        if isinstance(marker, dict):
            marker[_NUMBER] = number
    return copy


def number_of(value: JSON) -> int | None:
    """Return the number that a marker bears; ``None`` for all else."""
    number = value.get(_NUMBER) if isinstance(value, dict) and is_secret(value) else None
    return number if isinstance(number, int) else None


def plain(body: JSON) -> JSON:
    """Return a copy of ``body`` whose markers are no longer numbered."""
    if is_secret(body):
        return {RESERVED: dict(SECRET)}
    if isinstance(body, dict):
        return {name: plain(value) for name, value in body.items()}
    return [plain(element) for element in body] if isinstance(body, list) else body
