"""Ids made of several parts, as one text: joined by commas, and injective whatever a part holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def join_parts(parts: Iterable[str]) -> str:
    """Join the parts of an id; a ``%`` or ``,`` inside a part is percent-escaped."""
    return ",".join(part.replace("%", "%25").replace(",", "%2C") for part in parts)


def split_parts(id_: str) -> list[str]:
    """Take an id apart again: the inverse of :func:`join_parts` for one part or more."""
    return [part.replace("%2C", ",").replace("%25", "%") for part in id_.split(",")]
