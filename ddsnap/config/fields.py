"""How a marked value becomes a field: each function checks one form, or points at the mistake."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from ddsnap.config.marked import Marked
    from ddsnap.errors import ConfigError

T = TypeVar("T")

_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdw])", re.ASCII)


def seconds(text: str) -> float:
    """Read a duration such as ``10s``, ``15m`` or ``7d``; ``ValueError`` where it is none."""
    match = _DURATION.fullmatch(text)
    if match is None or float(match[1]) == 0:
        raise ValueError(text)
    return float(match[1]) * _UNITS[match[2]]


def section(
    node: Marked, make: Callable[..., T], fields: Mapping[str, Callable[[Marked], object]]
) -> T:
    """Build ``make`` from the members of a mapping; what is not given takes its default."""
    given = members(node)
    for name, member in given.items():
        if name not in fields:
            raise unknown(member, name, fields)
    return make(**{name: fields[name](member) for name, member in given.items()})


def members(node: Marked) -> dict[str, Marked]:
    """Return the members of a mapping; nothing at all is an empty one."""
    if node.value is None:
        return {}
    if not isinstance(node.value, dict):
        raise wrong(node, "a mapping of names to values")
    return node.value


def text(node: Marked) -> str:
    """Return a text that is not empty."""
    if not isinstance(node.value, str) or not node.value:
        hint = "put it in quotes" if isinstance(node.value, (int, float)) else ""
        raise wrong(node, "a text", hint)
    return node.value


def optional_text(node: Marked) -> str:
    """Return a text, empty for ``null``."""
    return "" if node.value is None else text(node)


def texts(node: Marked) -> tuple[str, ...]:
    """Return a list of texts, none of them twice."""
    if not isinstance(node.value, list):
        hint = f"write [{node.value}]" if isinstance(node.value, str) else ""
        raise wrong(node, "a list", hint)
    found: list[str] = []
    for item in node.value:
        if text(item) in found:
            raise item.place.error(f"duplicate name '{item.value}' in {node.name}")
        found.append(text(item))
    return tuple(found)


def matching(pattern: str, form: str) -> Callable[[Marked], tuple[str, ...]]:
    """Return the reader of a list whose texts all match ``pattern``."""

    def read(node: Marked) -> tuple[str, ...]:
        found = texts(node)
        for item in node.value if isinstance(node.value, list) else ():
            if not re.fullmatch(pattern, str(item.value)):
                raise item.place.error(f"'{item.value}' in {node.name} must read {form}")
        return found

    return read


def known(names: Iterable[str]) -> Callable[[Marked], tuple[str, ...]]:
    """Return the reader of a list of names that must all be among ``names`` (empty: any)."""
    allowed = tuple(names)

    def read(node: Marked) -> tuple[str, ...]:
        found = texts(node)
        for item in node.value if isinstance(node.value, list) and allowed else ():
            if item.value not in allowed:
                raise unknown(item, str(item.value), allowed, what="type")
        return found

    return read


def one_of(*choices: str) -> Callable[[Marked], str]:
    """Return the reader of a text that is one of a few."""

    def read(node: Marked) -> str:
        if node.value in choices:
            return text(node)
        wanted = f"{node.name} must be {' or '.join(choices)}"
        if isinstance(node.value, str) and node.value:
            raise node.place.error(f"{wanted}, not '{node.value}'")
        raise wrong(node, " or ".join(choices))

    return read


def whole(least: int) -> Callable[[Marked], int]:
    """Return the reader of a whole number of at least ``least``."""

    def read(node: Marked) -> int:
        if not isinstance(node.value, int) or isinstance(node.value, bool):
            raise wrong(node, "a whole number")
        if node.value < least:
            raise node.place.error(f"{node.name} must be {least} or more, not {node.value}")
        return node.value

    return read


def duration(node: Marked) -> float:
    """Return the seconds of a duration."""
    try:
        return seconds(text(node))
    except ValueError:
        raise wrong(node, "a duration", "write a number and a unit: 10s, 15m, 12h, 7d") from None


def wrong(node: Marked, wanted: str, hint: str = "") -> ConfigError:
    """Return the error for a value of another form; its text is only named where it is harmless."""
    return node.place.error(f"{node.name or 'the file'} must be {wanted}, not {_kind(node)}", hint)


def unknown(node: Marked, name: str, choices: Iterable[str], what: str = "key") -> ConfigError:
    """Return the error for a name that is none of ``choices``, with the nearest of them."""
    from difflib import get_close_matches  # noqa: PLC0415 - mistakes only

    near = get_close_matches(name, choices, n=1)
    said = node.name if what == "key" else name
    guess = f" (did you mean '{near[0]}'?)" if near else ""
    return node.key.error(f"unknown {what} '{said}'{guess}", f"known: {', '.join(choices)}")


def _kind(node: Marked) -> str:
    if isinstance(node.value, str):
        return "a text" if node.value else "an empty text"
    if isinstance(node.value, bool):
        return "true or false"
    names = {int: "a number", float: "a number", list: "a list", dict: "a mapping"}
    return names.get(type(node.value), "nothing")
