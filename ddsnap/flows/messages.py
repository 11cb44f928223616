"""The messages of machine-made commits: first what changed, then each resource, then trailers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from ddsnap.flows.outcome import ChangeKind, ResourceChange

MOST_LINES: Final = 200
_SIGNS: Final[dict[ChangeKind, str]] = {
    "added": "+",
    "changed": "~",
    "deleted": "-",
    "expired": "-",
    "left": "-",
}
_WORDS: Final = {**dict.fromkeys(_SIGNS, ""), "left": "left scope"}
NOTES: Final = {"expired": " (ended by itself)", "left": " (left scope)"}
"""Why a resource is gone, where nobody deleted it."""


def summary(counts: Counter[str]) -> str:
    """Return ``3 added, 2 changed, 1 deleted``, or ``no changes``."""
    parts = [f"{counts[kind]} {word or kind}" for kind, word in _WORDS.items() if counts[kind]]
    if counts["touched"]:
        parts.append(f"{counts['touched']} touched")
    return ", ".join(parts) or "no changes"


def capture_message(
    org: str, changes: Sequence[ResourceChange], trailers: Mapping[str, str]
) -> str:
    """Return the message of a snapshot commit."""
    counts = Counter[str](change.kind for change in changes)
    shown = [change for change in changes if change.kind in _SIGNS]
    lines = [_line(change) for change in shown[:MOST_LINES]]
    if len(shown) > MOST_LINES:
        lines.append(f"... and {len(shown) - MOST_LINES} more")
    body = "\n".join(lines)
    paragraphs = [f"capture {org}: {summary(counts)}", body, trailer_block(trailers)]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph) + "\n"


def trailer_block(trailers: Mapping[str, str]) -> str:
    """Return git trailers, one a line."""
    return "\n".join(f"{name}: {value}" for name, value in trailers.items())


def one_line(text: str) -> str:
    """Return ``text`` as one printable line: what cannot be printed is escaped."""
    safe = text.encode("utf-8", "backslashreplace").decode()
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in safe)


def _line(change: ResourceChange) -> str:
    title = f' "{one_line(change.title)}"' if change.title else ""
    by = f" by {one_line(change.by)}" if change.by else ""
    note = NOTES.get(change.kind, by)
    address = change.address
    return f"{_SIGNS[change.kind]} {address.type}{title} {one_line(address.id)}{note}"
