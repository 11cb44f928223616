"""Reading back what ddsnap wrote itself: a member of another shape is damage, never a guess."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from ddsnap.errors import Damaged

if TYPE_CHECKING:
    from collections.abc import Collection

    from ddsnap.core.values import JSON, JSONObject

T = TypeVar("T", bound=str)


def as_object(value: JSON, what: str) -> JSONObject:
    """Return an object; ``what`` names it in errors."""
    if not isinstance(value, dict):
        raise Damaged(f"{what} is no object")
    return value


def exactly(body: JSONObject, members: Collection[str], what: str) -> None:
    """Refuse an object that has other members, or lacks one."""
    lacking, more = sorted(set(members) - body.keys()), sorted(body.keys() - set(members))
    if lacking:
        raise Damaged(f"{what} has no {lacking[0]}")
    if more:
        raise Damaged(f"{what} has an unknown member {more[0]!r}")


def text(body: JSONObject, name: str) -> str:
    """Return a member that is text."""
    value = body.get(name)
    if not isinstance(value, str):
        raise Damaged(f"its {name} is no text")
    return value


def one_of(body: JSONObject, name: str, words: Collection[T]) -> T:
    """Return a member that is one of these words."""
    value = body.get(name)
    for word in words:
        if value == word:
            return word
    raise Damaged(f"its {name} is none of {', '.join(map(repr, words))}")


def number(body: JSONObject, name: str) -> int:
    """Return a member that is a whole number."""
    value = body.get(name)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Damaged(f"its {name} is no number")
    return value


def flag(body: JSONObject, name: str) -> bool:
    """Return a member that is true or false."""
    value = body.get(name)
    if not isinstance(value, bool):
        raise Damaged(f"its {name} is neither true nor false")
    return value


def elements(body: JSONObject, name: str) -> list[JSON]:
    """Return a member that is a list."""
    value = body.get(name)
    if not isinstance(value, list):
        raise Damaged(f"its {name} is no list")
    return value


def objects(body: JSONObject, name: str) -> tuple[JSONObject, ...]:
    """Return a member that is a list of objects."""
    return tuple(
        as_object(element, f"an element of its {name}") for element in elements(body, name)
    )


def texts(value: JSON, what: str) -> dict[str, str]:
    """Return an object whose members are text."""
    body = as_object(value, what)
    return {name: text(body, name) for name in body}


def words(body: JSONObject, name: str) -> tuple[str, ...]:
    """Return a member that is a list of texts."""
    found = tuple(element for element in elements(body, name) if isinstance(element, str))
    if len(found) != len(elements(body, name)):
        raise Damaged(f"its {name} holds more than text")
    return found
