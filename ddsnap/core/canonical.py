"""The one form of JSON bytes in the repository, and the way into it.

Keys sorted by code point, two-space indent, one trailing newline, non-ASCII unescaped, and no
number changes its value. orjson is the fast path; what it cannot hold exactly takes `exact`.
"""

from __future__ import annotations

import hashlib
import json
import re
from math import isfinite
from typing import TYPE_CHECKING

import orjson

from ddsnap.core import exact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.values import JSON

_OPTIONS = (
    orjson.OPT_INDENT_2
    | orjson.OPT_SORT_KEYS
    | orjson.OPT_APPEND_NEWLINE
    | orjson.OPT_PASSTHROUGH_DATACLASS
    | orjson.OPT_PASSTHROUGH_DATETIME
)
_PROBE: list[JSON] = [0.00001, 1e-7, 1e16, -1.5e300]

ORJSON_AGREES = orjson.dumps(_PROBE, option=_OPTIONS) == exact.write(_PROBE)
"""Whether this orjson writes exponents as the form asks (before 3.13 some wrote 1e16)."""

_BOM = b"\xef\xbb\xbf"
_DIGITS_AS_ZEROS = bytes(0x30 if 0x30 <= byte <= 0x39 else 0x20 for byte in range(256))
_NINETEEN_DIGITS = b"0" * 19
_ZEROS = bytes(0x30 if 0x30 <= byte <= 0x39 else byte for byte in range(256))
# A line that holds a text ends with its quote, so these are numbers.
_POINT_ZERO = ((b".0,\n", b",\n"), (b".0\n", b"\n"))
_EXPONENT = re.compile(rb"e[-+]?[0-9]+,?\n")  # it begins with a letter, which is found quickly
_BEFORE_A_NUMBER = b"[:, \t\r\n"
_AFTER_A_NUMBER = b"]}, \t\r\n"


def encode(value: JSON, *, parsed: bool = False) -> bytes:
    """Return the canonical bytes of ``value``.

    What JSON cannot hold (NaN, lone surrogates, other Python objects) raises
    ``UnstorableError`` with the RFC 6901 pointer of the first such place. ``parsed`` promises
    that every number came out of ``decode``, which yields no NaN, and saves the search for one.
    """
    try:
        data = orjson.dumps(value, option=_OPTIONS)
    except orjson.JSONEncodeError:
        return exact.write(value)
    # orjson silently writes NaN and infinities as null
    if ORJSON_AGREES and (parsed or b"null" not in data or _all_null(value, data)):
        return data
    return exact.write(value)


def compact(value: JSON) -> bytes:
    """Return the bytes of ``value`` on one line, as they are sent or noted down.

    What JSON cannot hold raises ``ValueError`` or ``TypeError``.
    """
    try:
        data = orjson.dumps(value)
    except orjson.JSONEncodeError:
        pass
    else:
        if b"null" not in data or _all_null(value, data):
            return data
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def decode(data: bytes) -> JSON:
    """Parse a document or an HTTP answer.

    What parses but cannot be stored (NaN, 1E400, broken text) stays in its place, so that
    ``encode`` refuses the one item that holds it. What is no JSON raises ``UnstorableError``.
    """
    data = data.removeprefix(_BOM)
    if not _has_wide_integer(data):
        try:
            parsed: JSON = orjson.loads(data)
        except orjson.JSONDecodeError:
            pass
        else:
            return parsed
    return exact.read(data)


def same(a: JSON, b: JSON) -> bool:
    """Say whether two values mean the same: 5 is 5.0, but true is not 1.

    The order of lists counts, that of keys does not.
    """
    pairs = [(a, b)]
    while pairs:
        x, y = pairs.pop()
        if isinstance(x, dict) and isinstance(y, dict):
            if x.keys() != y.keys():
                return False
            pairs.extend((child, y[key]) for key, child in x.items())
        elif isinstance(x, list) and isinstance(y, list):
            if len(x) != len(y):
                return False
            pairs.extend(zip(x, y, strict=True))
        elif isinstance(x, bool) != isinstance(y, bool) or x != y:
            return False
    return True


def digest(value: JSON) -> str:
    """Return the SHA-256 (hex) of the canonical bytes, integral floats written as integers.

    So two values have one digest exactly if they are the ``same``: ``5`` and ``5.0`` share it.
    """
    data = encode(value)
    if b"-0.0" in data or (_may_hold_exponent(data) and _EXPONENT.search(data)):
        data = exact.write(value, integral=True)
    elif b".0" in data:
        for spelled, plain in _POINT_ZERO:
            data = data.replace(spelled, plain)
    return hashlib.sha256(data).hexdigest()


def _all_null(value: JSON, data: bytes) -> bool:
    """Say whether every ``null`` in ``data`` was a None; mostly the first levels tell."""
    unexplained = data.count(b"null")
    level: list[JSON] = [value]
    while level:
        unexplained -= level.count(None)
        if not unexplained:
            return True
        below: list[JSON] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(node.values())
            elif isinstance(node, (list, tuple)):
                below.extend(node)
        level = below
    return all(isfinite(number) for number in _floats(value))


def _may_hold_exponent(data: bytes) -> bool:
    """Say whether a number could be spelled with one; this search runs at memory speed."""
    zeros = data.translate(_ZEROS)
    return b"0e0" in zeros or b"0e-0" in zeros or b"0e+0" in zeros


def _floats(value: JSON) -> Iterator[float]:
    stack: list[JSON] = [value]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            continue
        if isinstance(node, dict):
            stack.extend(node.values())
        elif isinstance(node, (list, tuple)):
            stack.extend(node)
        elif isinstance(node, float):
            yield node


def _has_wide_integer(data: bytes) -> bool:
    """Say whether some integer needs more than 64 bits: orjson would return a float for it.

    The search runs at memory speed; only runs of 19 digits and more are looked at.
    """
    digits = data.translate(_DIGITS_AS_ZEROS)
    start = digits.find(_NINETEEN_DIGITS)
    while start >= 0:
        end = digits.find(b" ", start)
        end = len(digits) if end < 0 else end
        if _is_wide(data, start, end):
            return True
        start = digits.find(_NINETEEN_DIGITS, end)
    return False


def _is_wide(data: bytes, start: int, end: int) -> bool:
    negative = data[start - 1 : start] == b"-"
    first = start - negative
    if (
        data[first - 1 : first] not in _BEFORE_A_NUMBER
        or data[end : end + 1] not in _AFTER_A_NUMBER
    ):
        return False  # part of a word or of a decimal
    if end - start > 20:
        return True
    number = int(data[start:end])
    return number > 2**63 if negative else number >= 2**64
