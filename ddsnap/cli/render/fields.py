"""How the fields of a document read to people: places by name, values short, texts by line."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from ddsnap.cli.text import one_line
from ddsnap.core.fields import value_at
from ddsnap.core.normalize import is_secret
from ddsnap.core.pointers import get, parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ddsnap.core.changes import Change
    from ddsnap.core.values import JSON

WIDEST: Final = 120
"""Characters of a value that are shown; of a longer text, only the surroundings of the change."""
MOST_LINES: Final = 12
"""Lines of a text's change that are shown unless everything is wanted."""

_CONTEXT: Final = 30
_LONG_TEXT: Final = 60
_MOST_COMPARED: Final = 4_000
_NAME_WIDTH: Final = 40
_PLAIN_KEY: Final = re.compile(r"[\w$@-]+")
_TITLES: Final = ("definition.title", "title", "name", "attributes.name", "id")
_TYPES: Final = ("definition.type", "type")


@dataclass(frozen=True, slots=True)
class Line:
    """One line for people: how deep it stands, and its colour on a terminal."""

    text: str
    colour: str = ""
    depth: int = 0

    def __str__(self) -> str:
        return "  " * self.depth + self.text


def place(pointer: str, document: JSON) -> str:
    """Return where ``pointer`` leads as people say it: ``widgets[0] (note "Help").layout.x``."""
    return one_line(_place(parse(pointer), document))


def shown(value: JSON, width: int = WIDEST) -> str:
    """Return a value on one line, cut to ``width``."""
    if is_secret(value):
        return "(secret)"
    try:
        text = json.dumps(value, ensure_ascii=False, sort_keys=True)
    except RecursionError:
        return "(a deeply nested value)"
    return _cut(one_line(text), width)


def change_lines(change: Change, old: JSON, new: JSON, *, all_of_it: bool = False) -> list[Line]:
    """Return the lines that tell one change between two documents."""
    document = old if change.kind == "remove" else new
    where = place(change.pointer, document)
    if change.kind == "replace":
        where = where or "the whole document"
        return _replacement(where, change.old, change.new, all_of_it=all_of_it)
    if change.kind == "move":
        came = parse(change.from_pointer or "")[-1]
        return [Line(f"{where}: moved here from [{came}]")]
    return [_one_side(change, document, where, 4 * WIDEST if all_of_it else WIDEST)]


def _one_side(change: Change, document: JSON, where: str, width: int) -> Line:
    """Tell what only one of the documents has."""
    added = change.kind == "add"
    value, colour = (change.new, "green") if added else (change.old, "red")
    way = change.pointer.rpartition("/")[0]
    if not isinstance(get(document, way), list):
        return Line(f"{where}: {'added' if added else 'removed'} {shown(value, width)}", colour)
    if not isinstance(value, (dict, list)):
        sign = "+" if added else "-"
        return Line(f"{place(way, document)}: {sign} {shown(value, width)}", colour)
    told = "inserted" if added else "removed"
    body = "" if _named(value) and width == WIDEST else f" {shown(value, width)}"
    return Line(f"{where}: {told}{body}", colour)


def _place(parts: Iterable[str], document: JSON) -> str:
    text, here = "", document
    for part in parts:
        if isinstance(here, list):
            here = here[int(part)]
            text += f"[{part}]{_label(here)}"
        else:
            here = here.get(part) if isinstance(here, dict) else None
            plain = _PLAIN_KEY.fullmatch(part)
            text += f"{'.' if text else ''}{part}" if plain else f"[{json.dumps(part)}]"
    return text


def _label(element: JSON) -> str:
    """Return what an element of a list is called: ``(timeseries "Latency")``."""
    words = [_first_text(element, _TYPES), _named(element)]
    told = " ".join(word for word in words if word)
    return f" ({told})" if told else ""


def _named(element: JSON) -> str:
    name = _first_text(element, _TITLES)
    return f'"{_cut(name, _NAME_WIDTH)}"' if name else ""


def _first_text(element: JSON, paths: Iterable[str]) -> str:
    values = (value_at(element, path) for path in paths)
    return next((value for value in values if isinstance(value, str) and value), "")


def _cut(text: str, width: int) -> str:
    left = len(text) - width
    return text if left <= 0 else f"{text[:width]}... ({left} more)"


# --- replacements ------------------------------------------------------------------------------


def _replacement(where: str, old: JSON, new: JSON, *, all_of_it: bool) -> list[Line]:
    if isinstance(old, str) and isinstance(new, str):
        if "\n" in old or "\n" in new or len(old) + len(new) > _LONG_TEXT:
            return [Line(f"{where}:"), *text_lines(old, new, None if all_of_it else MOST_LINES)]
    elif isinstance(old, (dict, list)) or isinstance(new, (dict, list)):
        return [
            Line(f"{where}:"),
            Line(f"- {shown(old)}", "red", 1),
            Line(f"+ {shown(new)}", "green", 1),
        ]
    return [Line(f"{where}: {shown(old)} -> {shown(new)}")]


def text_lines(old: str, new: str, most: int | None) -> list[Line]:
    """Return only the lines that differ between two texts, at most so many, and how many more."""
    ours, theirs = old.split("\n"), new.split("\n")
    if len(ours) + len(theirs) > _MOST_COMPARED:
        return [Line(f"text changed ({len(ours)} lines -> {len(theirs)} lines)", "", 1)]
    told = list(_text_lines(ours, theirs, whole=most is None))
    if most is None or len(told) <= most:
        return told
    return [*told[:most], Line(f"... and {len(told) - most} more lines", "", 1)]


def _text_lines(old: list[str], new: list[str], *, whole: bool) -> Iterator[Line]:
    for tag, i, i_end, j, j_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        pairs = list(zip_longest(old[i:i_end], new[j:j_end]))
        narrowed = pairs if whole else [_narrowed(a, b) for a, b in pairs]
        yield from (Line(f"- {one_line(a)}", "red", 1) for a, _ in narrowed if a is not None)
        yield from (Line(f"+ {one_line(b)}", "green", 1) for _, b in narrowed if b is not None)


def _narrowed(old: str | None, new: str | None) -> tuple[str | None, str | None]:
    """Cut what two long lines have in common, but for a little around the difference."""
    if old is None or new is None:
        return old and _cut(old, WIDEST), new and _cut(new, WIDEST)
    if max(len(old), len(new)) <= WIDEST:
        return old, new
    head = _common(old, new)
    tail = _common(old[head:][::-1], new[head:][::-1])
    start, end = max(0, head - _CONTEXT), max(0, tail - _CONTEXT)
    return _window(old, start, end), _window(new, start, end)


def _common(one: str, other: str) -> int:
    """Return how many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((nth for nth, (a, b) in pairs if a != b), min(len(one), len(other)))


def _window(text: str, start: int, end: int) -> str:
    middle = _cut(text[start : len(text) - end], 4 * WIDEST)
    return f"{'...' if start else ''}{middle}{'...' if end else ''}"
