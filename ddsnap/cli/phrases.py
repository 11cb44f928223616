"""How events read to people: one function per event, of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ddsnap.cli.text import one_line, span

Phrase: TypeAlias = Callable[[Mapping[str, Any]], str]


def _type_finished(event: Mapping[str, Any]) -> str:
    """Tell of a type that could not be read whole; the others go without saying."""
    if event["state"] in ("complete", "rotating", "harvested"):
        return ""
    reason = f" ({one_line(event['reason'])})" if event["reason"] else ""
    return f"{event['org']}: {event['type']} {event['state']}, {event['count']}{reason}"


def _estimate(event: Mapping[str, Any]) -> str:
    left = f"{event['requests']} requests for {event['type']} are left"
    return f"{event['org']}: {left}; the rate limit lets them take {span(event['seconds'])}"


PHRASES: Final[dict[str, Phrase]] = {
    "type_finished": _type_finished,
    "estimate": _estimate,
}
"""An event that is not here, or whose phrase is empty, is told only with ``-v``."""
