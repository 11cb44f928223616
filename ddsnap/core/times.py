"""Times as Datadog writes them: ISO texts, or seconds since 1970."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Final

from ddsnap.core.fields import value_at

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import JSON, JSONObject

_FAR: Final = 2**35
"""Seconds; a larger number is no such time."""


def time_of(value: JSON) -> datetime | None:
    """Read an ISO time, or seconds since 1970; one without a zone is UTC, as Datadog has it."""
    if isinstance(value, int) and not isinstance(value, bool):
        return datetime.fromtimestamp(value, timezone.utc) if 0 < value < _FAR else None
    if not isinstance(value, str):
        return None
    try:
        time = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)


def end_of(type_: ResourceType, body: JSONObject) -> datetime | None:
    """Return when a resource ends by itself, if its type can and it says so."""
    told = time_of(value_at(body, type_.ends)) if type_.ends else None
    return type_.ends_by(body) if type_.ends_by and told is None else told
