"""Deltas in git's format, between two known versions of one thing: copy and insert, no search.

Text is compared by lines and trees by entries, which is what changes in them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ddsnap.store.objects import TREE

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENTRY: Final = re.compile(rb"[^\0]*\0.{20}", re.DOTALL)
_LINE: Final = re.compile(rb"[^\n]*\n|[^\n]+")
_LONGEST_COPY: Final = 0xFFFF
_LONGEST_INSERT: Final = 0x7F


def make_delta(kind: int, base: bytes, target: bytes) -> bytes:
    """Return the delta that makes ``target`` out of ``base``."""
    pattern = _ENTRY if kind == TREE else _LINE
    out = bytearray(_size(len(base)) + _size(len(target)))
    insert = bytearray()
    start = length = 0
    for offset, token in _matched(pattern, base, target):
        if offset is not None and length and offset == start + length:
            length += len(token)
            continue
        _copy(out, start, length)
        length = 0
        if offset is None:
            insert += token
            continue
        _insert(out, insert)
        start, length = offset, len(token)
    _copy(out, start, length)
    _insert(out, insert)
    return bytes(out)


def _matched(
    pattern: re.Pattern[bytes], base: bytes, target: bytes
) -> Iterator[tuple[int | None, bytes]]:
    """Yield the tokens of ``target``, each with its place in ``base``, if it can after the last."""
    places: dict[bytes, int] = {}
    follows: dict[int, bytes] = {}
    for found in pattern.finditer(base):
        places.setdefault(found[0], found.start())
        follows[found.start()] = found[0]
    expected = -1
    for found in pattern.finditer(target):
        token = found[0]
        offset = expected if follows.get(expected) == token else places.get(token)
        expected = -1 if offset is None else offset + len(token)
        yield offset, token


def _size(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _insert(out: bytearray, data: bytearray) -> None:
    for start in range(0, len(data), _LONGEST_INSERT):
        part = data[start : start + _LONGEST_INSERT]
        out.append(len(part))
        out += part
    data.clear()


def _copy(out: bytearray, start: int, length: int) -> None:
    while length:
        part = min(length, _LONGEST_COPY)
        code, arguments = 0x80, bytearray()
        for bit, byte in enumerate(start.to_bytes(4, "little") + part.to_bytes(3, "little")):
            if byte:
                code |= 1 << bit
                arguments.append(byte)
        out.append(code)
        out += arguments
        start += part
        length -= part
