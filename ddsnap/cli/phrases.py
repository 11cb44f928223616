"""How events read to people: one function per event, of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from ddsnap.cli.text import one_line

Phrase: TypeAlias = Callable[[Mapping[str, Any]], str]


def _type_finished(event: Mapping[str, Any]) -> str:
    """Tell of a type that could not be read whole; the others go without saying."""
    if event["state"] in ("complete", "rotating", "harvested"):
        return ""
    reason = f" ({one_line(event['reason'])})" if event["reason"] else ""
    return f"{event['org']}: {event['type']} {event['state']}, {event['count']}{reason}"


PHRASES: Final[dict[str, Phrase]] = {
    "type_finished": _type_finished,
}
"""An event that is not here, or whose phrase is empty, is told only with ``-v``."""
