"""JSON without limits: the serializer and parser for what orjson refuses or would change.

Integers of any size, any sensible depth, and bad items kept apart. Both are slow and rarely run.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, TypeAlias, cast

from ddsnap.core.pointers import join
from ddsnap.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.values import JSON, JSONObject

DEEPEST = 6_000
"""How deep values may be nested; an indented document grows with the square of its depth."""

_Step: TypeAlias = "str | int"


@dataclass(frozen=True, slots=True)
class Unstorable:
    """Stands in a parsed answer where JSON has no value: ``NaN``, ``1E400``, an endless integer."""

    text: str


# --- writing ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Open:
    """An array or object that is being written, and where in it we are."""

    children: Iterator[tuple[_Step, JSON]]
    closer: bytes
    step: _Step = 0


def write(value: JSON, *, integral: bool = False) -> bytes:
    """Return the canonical bytes; with ``integral``, 5.0 is written as 5."""
    parts: list[bytes] = []
    opened: list[_Open] = []
    node: JSON = value
    while True:
        if isinstance(node, (dict, list, tuple)) and node:
            opened.append(_open(node, opened))
            parts.append(b"{" if isinstance(node, dict) else b"[")
        else:
            parts.append(_scalar(node, opened, integral=integral))
        while opened:
            child = next(opened[-1].children, None)
            if child is not None:
                break
            parts.append(b"\n" + b"  " * (len(opened) - 1) + opened.pop().closer)
        else:
            return b"".join(parts) + b"\n"
        opened[-1].step, node = child
        parts.append(_lead(child[0], parts[-1], opened))


def _open(node: dict[str, JSON] | list[JSON], opened: list[_Open]) -> _Open:
    if len(opened) >= DEEPEST:
        raise UnstorableError(f"nested more than {DEEPEST} levels deep")
    if not isinstance(node, dict):
        return _Open(iter(enumerate(node)), b"]")
    if not all(isinstance(key, str) for key in node):
        raise _refused("an object with a key that is no text", opened)
    return _Open(iter(sorted(node.items())), b"}")


def _lead(step: _Step, last: bytes, opened: list[_Open]) -> bytes:
    """Return what stands before a child: comma, line break, indent and key."""
    comma = b"" if last in (b"{", b"[") else b","
    key = _text(step, opened) + b": " if isinstance(step, str) else b""
    return comma + b"\n" + b"  " * len(opened) + key


def _scalar(node: object, opened: list[_Open], *, integral: bool) -> bytes:
    if isinstance(node, str):
        return _text(node, opened)
    if node is None or isinstance(node, bool):
        return {None: b"null", True: b"true", False: b"false"}[node]
    if isinstance(node, (dict, list, tuple)):
        return b"{}" if isinstance(node, dict) else b"[]"
    if isinstance(node, float) and isfinite(node):
        return _integer(int(node), opened) if integral and node.is_integer() else _decimal(node)
    if isinstance(node, int):
        return _integer(node, opened)
    what = node.text if isinstance(node, Unstorable) else _name(node)
    raise _refused(what, opened)


def _name(node: object) -> str:
    if isinstance(node, float):
        return "NaN" if node != node else "Infinity" if node > 0 else "-Infinity"  # noqa: PLR0124
    return f"a Python {type(node).__name__}"


def _integer(number: int, opened: list[_Open]) -> bytes:
    try:
        return int.__repr__(number).encode()
    except ValueError:  # Python refuses to write integers of more than 4300 digits
        raise _refused("an integer of thousands of digits", opened) from None


def _decimal(number: float) -> bytes:
    """Return the shortest decimal in orjson's spelling: 0.00001, 1e-7, 1e+16."""
    text = float.__repr__(number)
    mantissa, e, exponent = text.partition("e")
    if not e:
        return text.encode()
    if int(exponent) == -5:
        sign = "-" if number < 0 else ""
        return f"{sign}0.0000{mantissa.lstrip('-').replace('.', '')}".encode()
    return f"{mantissa}e{int(exponent):+d}".encode()


_quote = json.JSONEncoder(ensure_ascii=False).encode


def _text(text: str, opened: list[_Open]) -> bytes:
    try:
        return _quote(text).encode()
    except UnicodeEncodeError:
        raise _refused("text that is not valid Unicode", opened) from None


def _refused(what: str, opened: list[_Open]) -> UnstorableError:
    pointer = join(level.step for level in opened).encode("utf-8", "backslashreplace").decode()
    return UnstorableError(f"{what} at {pointer or 'the top'} cannot be stored as JSON", pointer)


# --- reading ---------------------------------------------------------------------------------


def _read_decimal(text: str) -> float | Unstorable:
    number = float(text)
    return number if isfinite(number) else Unstorable(text)


def _read_integer(text: str) -> int | Unstorable:
    try:
        return int(text)
    except ValueError:
        return Unstorable(f"an integer of {len(text)} digits")


_decoder = json.JSONDecoder(
    parse_float=_read_decimal, parse_int=_read_integer, parse_constant=Unstorable
)
_skip_space = re.compile(r"[ \t\n\r]*").match


def read(data: bytes) -> JSON:
    """Parse JSON bytes; what cannot be stored is kept in its place and refused by ``write``."""
    # Broken UTF-8 becomes lone surrogates, which only the item that holds them trips over.
    text = data.decode("utf-8", "surrogateescape")
    try:
        return cast("JSON", _decoder.decode(text))
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None
    except RecursionError:
        pass
    try:
        return _read_deep(text)
    except json.JSONDecodeError as error:
        raise _not_json(text, error) from None


def _not_json(text: str, error: json.JSONDecodeError) -> UnstorableError:
    if not text.strip():
        return UnstorableError("empty where JSON was expected")
    if text.lstrip().startswith("<"):
        return UnstorableError("not JSON but HTML or XML")
    if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated string"):
        return UnstorableError(f"JSON that is cut off after {len(text)} characters")
    where = f"line {error.lineno} column {error.colno}"
    return UnstorableError(f"not JSON: {error.msg} at {where}")


def _read_deep(text: str) -> JSON:
    """Parse without recursion."""
    opened: list[JSONObject | list[JSON]] = []
    keys: list[str] = []  # the current key of each open object
    at = _next(text, 0)
    while True:
        start = text[at : at + 1]
        value: JSON
        if start in ("{", "["):
            value = {} if start == "{" else []
            at = _next(text, at + 1)
            if text[at : at + 1] != _closer(value):
                at = _enter(text, at, value, keys)
                opened.append(value)
                if len(opened) > DEEPEST:
                    raise UnstorableError(f"nested more than {DEEPEST} levels deep")
                continue
            at += 1
        else:
            value, at = _decoder.raw_decode(text, at)
        at = _next(text, at)
        while opened:
            parent = opened[-1]
            _put(parent, keys, value)
            if text[at : at + 1] == ",":
                at = _enter(text, _next(text, at + 1), parent, keys)
                break
            if text[at : at + 1] != _closer(parent):
                raise json.JSONDecodeError("Expecting ',' delimiter", text, at)
            value, at = opened.pop(), _next(text, at + 1)
        else:
            if at != len(text):
                raise json.JSONDecodeError("Extra data", text, at)
            return value


def _next(text: str, at: int) -> int:
    found = _skip_space(text, at)
    return found.end() if found else at


def _closer(container: JSONObject | list[JSON]) -> str:
    return "}" if isinstance(container, dict) else "]"


def _enter(text: str, at: int, container: JSONObject | list[JSON], keys: list[str]) -> int:
    """Read the key of the next member, if it has one; return where its value starts."""
    if isinstance(container, list):
        return at
    if text[at : at + 1] != '"':
        raise json.JSONDecodeError("Expecting property name enclosed in double quotes", text, at)
    key, at = _decoder.raw_decode(text, at)
    at = _next(text, at)
    if text[at : at + 1] != ":":
        raise json.JSONDecodeError("Expecting ':' delimiter", text, at)
    keys.append(key)
    return _next(text, at + 1)


def _put(container: JSONObject | list[JSON], keys: list[str], value: JSON) -> None:
    if isinstance(container, dict):
        container[keys.pop()] = value
    else:
        container.append(value)
