"""Reading around one record that fails every page which holds it, by ever smaller pages."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from ddsnap.api.retry import OVERLOADED
from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.core.values import JSON


def may_be_one(error: ApiError) -> bool:
    """Whether one record may be the cause: a server that is overloaded fails for any."""
    return error.status >= 500 and error.status not in OVERLOADED


def read_around(
    ask: Callable[[int, int], JSON],
    count: Callable[[JSON], int],
    start: int,
    size: int,
    error: ApiError,
) -> tuple[list[JSON], int | None]:
    """Return the answers that hold a range but for one record, and where that is.

    ``ask`` reads ``size`` records from a multiple of ``size`` on, ``count`` says how many an answer
    holds. The record is ``None`` where all answers came. Raises ``error``, with which the whole
    range failed, unless it is that record alone: so a server that fails for all is asked but twice.
    """
    answers: list[JSON] = []
    followed = 0
    while size > 1:
        parts = next(n for n in range(2, size + 1) if size % n == 0)
        size //= parts
        held, failed = [], None
        for at in range(start, start + parts * size, size):
            answer = _asked(ask, at, size)
            if not isinstance(answer, ApiError):
                answers.append(answer)
                held.append(count(answer))
            elif failed is None and may_be_one(answer):
                failed = at
                held.append(size)
            else:
                raise error from answer
        # A part that is not full ends the list, unless the server gives less than it is asked for.
        if any(some < size and more for some, more in pairwise([*held, followed])):
            raise error
        if failed is None:
            return answers, None
        followed += sum(held[(failed - start) // size + 1 :])
        start = failed
    return answers, start


def _asked(ask: Callable[[int, int], JSON], at: int, size: int) -> JSON | ApiError:
    try:
        return ask(at, size)
    except ApiError as error:
        return error
