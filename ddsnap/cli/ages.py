"""How long something takes, and how long ago it was, as people say it."""

from __future__ import annotations

from typing import Final

import click

from ddsnap.config import seconds

_UNITS: Final = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def duration(time: float) -> str:
    """Return ``2 d 4 h``, ``26 h``, ``5 min``: two units at most, rounded down."""
    left = max(0, int(time))
    parts: list[tuple[int, str]] = []
    for size, unit in _UNITS:
        count, left = divmod(left, size)
        if count or parts:
            parts.append((count, unit))
    told = [f"{count} {unit}" for count, unit in parts[:2] if count]
    return " ".join(told) or "0 s"


def seconds_of(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Read what an option was given as a duration; it is the option's callback."""
    if value is None:
        return None
    try:
        return seconds(value if not value.isdigit() else f"{value}s")
    except ValueError:
        raise click.BadParameter(f"'{value}' is no duration; write 90s, 15m, 2h") from None
