"""Drift as a comment on a pull request: a table, then what fits of each resource, folded."""

from __future__ import annotations

import re
from collections import Counter
from html import escape
from typing import TYPE_CHECKING, Final

from ddsnap.cli.render.diff import attribution, drift_lines, shown_kinds, summary
from ddsnap.cli.text import lines, one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.cli.render.diff import Counts
    from ddsnap.cli.render.fields import Line
    from ddsnap.flows.drift import Drift

_GUTTER: Final = {"green": "+ ", "red": "- "}
"""What a diff block begins a line with, so that it is coloured."""


class Report:
    """Takes drifts one by one; of their texts no more is held than will be shown."""

    def __init__(self, head: str, max_bytes: int, *, details: bool = True) -> None:
        self.counts: Counts = Counter()
        self._head = head
        self._max_bytes = max_bytes
        self._details = details
        self._blocks: list[str] = []
        self._room = max_bytes

    def add(self, drift: Drift) -> None:
        """Count a resource, and keep its text while there is room."""
        self.counts[drift.address.type, drift.kind] += 1
        if self._details and self._room > 0:
            block = _details(drift)
            size = _size(block)
            if size <= self._room:
                self._blocks.append(block)
                self._room -= size

    def text(self, unread: Sequence[tuple[str, str, str]] = ()) -> str:
        """Return the whole comment, not longer than was allowed."""
        top = [f"### {_code(self._head)}", f"**{summary(self.counts)}**"]
        notes = [f"- {_code(name)} not read as a whole at {_code(state)}: {_code(reason)}"
                 for name, state, reason in unread]  # fmt: skip
        table = [*_table(self.counts)] if self.counts else []
        return self._fit(["\n\n".join(top), "\n".join(table), "\n".join(notes)])

    def _fit(self, parts: list[str]) -> str:
        """Leave out resources from the end until all fits, and say how many."""
        fixed = "\n\n".join(part for part in parts if part)
        total = sum(self.counts.values())
        blocks = list(self._blocks)
        while True:
            left = total - len(blocks) if self._details else 0
            more = f"*{left} of {total} resources are left out here.*" if left else ""
            text = "\n\n".join(part for part in (fixed, *blocks, more) if part)
            if not blocks or _size(text) <= self._max_bytes:
                break
            blocks.pop()
        if _size(text) > self._max_bytes:  # the table alone is too much
            text = "\n\n".join(part for part in (parts[0], more) if part)
        return text


def _details(drift: Drift) -> str:
    told = attribution(drift)
    names = [drift.title, drift.address.id, told]
    words = [f"{drift.kind}: {drift.address.type}", *(_code(name) for name in names if name)]
    head, rows = " ".join(words), [_row(line) for line in [*drift_lines(drift)][1:]]
    if not rows:
        return f"- {head}"
    body = "\n".join(rows)
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", body)), default=0))
    return f"<details><summary>{head}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>"


def _row(line: Line) -> str:
    """Return a line with the sign of its colour in the first column."""
    gutter = _GUTTER.get(line.colour, "  ")
    indent = "  " * max(0, line.depth - 2)
    return lines(f"{gutter}{indent}{line.text.removeprefix(gutter)}")


def _table(counts: Counts) -> list[str]:
    kinds = shown_kinds(counts)
    rows = [f"| type | {' | '.join(kinds)} |", f"|---|{'--:|' * len(kinds)}"]
    for name in sorted({name for name, _ in counts}):
        cells = " | ".join(str(counts[name, kind] or "") for kind in kinds)
        rows.append(f"| {name} | {cells} |")
    return rows


def _code(text: str) -> str:
    """Return text of an org that neither formats nor mentions anybody."""
    return f"<code>{escape(one_line(text))}</code>"


def _size(text: str) -> int:
    return len(text.encode("utf-8", "backslashreplace")) + 2
