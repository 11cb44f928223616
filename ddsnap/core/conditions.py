"""Conditions on one field: whether a value there, or none of them, is what was asked for.

A field is named with dots; lists on the way and at its end, nested ones too, stand for each of
their elements. Its values are compared as text: ``true``, ``false``, ``null``, numbers as JSON
writes them (``5`` for 5.0 too); objects have no text. Case counts.

    operator     holds when
    (none)       a value matches the regular expression from its beginning to its end
    ExactMatch   a value is the text, letter for letter
    SubString    the regular expression is found in a value
    Not          no value matches as a whole; so a field that is missing or empty holds
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ddsnap.core.values import JSON

OPERATORS: Final = ("ExactMatch", "SubString", "Not")

_EXACT_INTEGERS: Final = 2.0**53


class PatternError(ValueError):
    """A text is no regular expression; ``offset`` counts the characters before the mistake."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def pattern(text: str, flags: re.RegexFlag = re.DOTALL) -> re.Pattern[str]:
    """Compile a regular expression, or raise ``PatternError``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what another Python may read differently
            return re.compile(text, flags)
    except re.error as error:
        raise PatternError(error.msg, error.pos or 0) from None
    except (OverflowError, RecursionError):
        raise PatternError("too large", 0) from None


def condition(steps: Sequence[str], value: str, operator: str = "") -> Callable[[JSON], bool]:
    """Return the test of a document; raises ``PatternError``."""
    compiled = pattern(re.escape(value) if operator == "ExactMatch" else value)
    fits = compiled.search if operator == "SubString" else compiled.fullmatch
    wanted = operator != "Not"

    def holds(document: JSON) -> bool:
        return any(fits(text) for text in texts_at(document, steps)) is wanted

    return holds


def texts_at(value: JSON, steps: Sequence[str]) -> Iterator[str]:
    """Yield the text of each value that ``steps`` lead to."""
    if isinstance(value, list):
        for element in value:
            yield from texts_at(element, steps)
    elif isinstance(value, dict):
        if steps and steps[0] in value:
            yield from texts_at(value[steps[0]], steps[1:])
    elif not steps:
        yield _text(value)


def _text(value: bool | float | str | None) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < _EXACT_INTEGERS:
        value = int(value)
    return canonical.encode(value).decode().strip()
