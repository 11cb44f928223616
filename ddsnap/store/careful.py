"""A repository that believes no object: each must hold what its name says, or is an error."""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException
from dulwich.pack import UnresolvedDeltas

from ddsnap.errors import StoreError
from ddsnap.store.objects import object_id
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

_DAMAGE: Final = (
    ApplyDeltaError,
    ArithmeticError,
    AssertionError,
    ChecksumMismatch,
    EOFError,
    FileFormatException,
    LookupError,
    MemoryError,  # a length that no object has
    OSError,
    RecursionError,  # deltas that lead to one another
    TypeError,
    UnresolvedDeltas,
    ValueError,
    struct.error,
    zlib.error,
)
"""What reading raises where the bytes on disk are not git's: there is no common parent."""


class CarefulRepository(Repository):
    """Reads as a repository does; whatever the disk holds, trouble is a ``StoreError``."""

    def read(self, sha: bytes, kind: int) -> bytes:
        """Return an object's content, which is checked against its name."""
        with _damage_is_named(sha.hex()):
            data = super().read(sha, kind)
        if object_id(kind, data) != sha:
            raise StoreError(
                f"the object {sha.hex()} holds something else", "run `git fsck --full`"
            )
        return data

    def resolve(self, revision: str) -> str:
        """Return the commit that any git revision names."""
        with _damage_is_named(revision):
            return super().resolve(revision)


@contextmanager
def _damage_is_named(name: str) -> Iterator[None]:
    try:
        yield
    except _DAMAGE as error:
        reason = f"{type(error).__name__}: {error}"
        raise StoreError(f"{name} cannot be read: {reason}", "run `git fsck --full`") from error
