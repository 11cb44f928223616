"""Damage on the disk: what reading raises where the bytes are not git's, told as one error."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from traceback import clear_frames
from typing import TYPE_CHECKING, Final

from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException
from dulwich.pack import PackFileDisappeared, UnresolvedDeltas

from ddsnap.errors import Damaged

if TYPE_CHECKING:
    from collections.abc import Iterator

DAMAGE: Final = (
    ApplyDeltaError,
    ArithmeticError,
    AssertionError,
    ChecksumMismatch,
    EOFError,
    FileFormatException,
    LookupError,
    MemoryError,  # a length that no object has
    OSError,
    PackFileDisappeared,
    RecursionError,  # deltas that lead to one another
    TypeError,
    UnresolvedDeltas,
    ValueError,
    struct.error,
    zlib.error,
)
"""What dulwich raises on damaged files: there is no common parent."""

SEE: Final = "run `ddsnap verify` to see what else is damaged"
LACKING: Final = f"a shallow or partial clone? otherwise {SEE}"


def damaged(what: str, error: BaseException) -> Damaged:
    """Return the error that names what cannot be read, and why."""
    clear_frames(error.__traceback__)  # they hold views of files that are to be closed
    said = " ".join(str(error).split())[:200]
    reason = f"{type(error).__name__}: {said}" if said else type(error).__name__
    return Damaged(f"{what} cannot be read: {reason}", SEE)


@contextmanager
def damage_is_named(what: str) -> Iterator[None]:
    """Let damage that the block meets be an error that names ``what``."""
    try:
        yield
    except DAMAGE as error:
        raise damaged(what, error) from error
