"""How Datadog writes times."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


def iso(moment: datetime) -> str:
    """Write a time as most of the API does."""
    return moment.isoformat(timespec="microseconds")


def iso_z(moment: datetime) -> str:
    """Write a time as the roles API does: Z, and no trailing zeros in the fraction."""
    text = moment.strftime("%Y-%m-%dT%H:%M:%S.%f").rstrip("0").rstrip(".")
    return f"{text}Z"
