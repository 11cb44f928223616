"""Git objects as bytes: their kinds, their names, and who can read them."""

from __future__ import annotations

from hashlib import sha1
from typing import Protocol

COMMIT, TREE, BLOB, TAG = 1, 2, 3, 4
KINDS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob", TAG: b"tag"}


class Objects(Protocol):
    """Whatever objects can be read from, by their 20-byte names."""

    def read(self, sha: bytes, kind: int) -> bytes:
        """Return the content of the object ``sha``, which must be of this ``kind``."""
        ...


def object_id(kind: int, data: bytes) -> bytes:
    """Return the 20-byte name that git gives to ``data``."""
    digest = sha1(b"%s %d\0" % (KINDS[kind], len(data)))
    digest.update(data)
    return digest.digest()
