"""Text from an organization, made fit for a terminal: it may hold anything, escapes included."""

from __future__ import annotations

import re
from textwrap import wrap
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from ddsnap.core.values import JSON

# C0, DEL and C1; line separators; what turns the direction of text; halves of a surrogate pair.
_CONTROL = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff"
)
_SHORT: Final = 12
"""Characters of a cell that stands beside the name of its row."""

_LOOSE = re.compile(f"[{_CONTROL}]")
_STRICT = re.compile(f"[\t\n{_CONTROL}]")


def one_line(text: str) -> str:
    """Return ``text`` on one line, each control character as its escape."""
    return _STRICT.sub(_escape, text)


def lines(text: str) -> str:
    """Return ``text`` with its lines and tabs, every other control character as its escape."""
    return _LOOSE.sub(_escape, text)


def cell(value: JSON) -> str:
    """Return a value as it stands in a table."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, list):
        return ", ".join(cell(item) for item in value)
    return "" if value is None else one_line(str(value))


def span(seconds: float) -> str:
    """Return how long something takes, as people say it: 45 s, 12 min, 3 h 20 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    hours = f"{minutes // 60} h " if minutes >= 60 else ""
    return f"{hours}{minutes % 60} min"


def aligned(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table in plain text, as wide as it needs to be, so that nothing is cut in a pipe."""
    table = [tuple(column.upper() for column in columns), *rows]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in table
    )


def blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> Iterator[str]:
    """Yield a table row by row: what is short in one line, and each of the rest in lines below."""
    longest = [max(map(len, column)) for column in zip(*rows, strict=True)]
    head = [nth for nth in range(len(columns)) if nth == 0 or 0 < longest[nth] <= _SHORT]
    for row in rows:
        beside = (f"{columns[nth]}: {row[nth]}" for nth in head[1:] if row[nth])
        yield "  ".join((row[0].ljust(longest[0]), *beside)).rstrip()
        for nth, text in enumerate(row):
            if text and nth not in head:
                told = f"{columns[nth]}: {text}"
                yield from wrap(
                    told, width, initial_indent="  ", subsequent_indent="    ",
                    break_on_hyphens=False,
                )  # fmt: skip


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape", "surrogatepass").decode("ascii")
