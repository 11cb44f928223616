"""One pack per commit, written as a stream: whole objects, no deltas, durable before it is visible.

The temporary files are recognizable (see ``sweep``); the pack becomes visible with its index, which
comes last.
"""

from __future__ import annotations

import struct
import zlib
from contextlib import contextmanager
from hashlib import sha1
from itertools import accumulate
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.errors import StoreError
from ddsnap.store.objects import object_id
from ddsnap.store.owned import OwnedFile, sync_folder

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from typing_extensions import Self

PACK_PREFIX = "tmp_pack_ddsnap_"
INDEX_PREFIX = "tmp_idx_ddsnap_"

IndexEntries: TypeAlias = "Mapping[bytes, tuple[int, int]]"
"""20-byte name -> offset in the pack and CRC-32 of the packed bytes."""

_HEADER = struct.Struct(">4sLL")
_LARGE = 1 << 31
_OFS_DELTA = 6
_CHUNK = 1 << 20


def entry_header(kind: int, size: int) -> bytes:
    """Return the head of a pack entry: kind and size in groups of 4 and 7 bits."""
    byte = (kind << 4) | (size & 0x0F)
    size >>= 4
    out = bytearray()
    while size:
        out.append(byte | 0x80)
        byte = size & 0x7F
        size >>= 7
    out.append(byte)
    return bytes(out)


def _distance(back: int) -> bytes:
    """Return how far back in the pack a delta's base begins, as git writes it."""
    out = [back & 0x7F]
    while back := back >> 7:
        back -= 1
        out.append(back & 0x7F | 0x80)
    return bytes(reversed(out))


def build_index(entries: IndexEntries, pack_checksum: bytes) -> bytes:
    """Return a pack index, version 2; offsets of 2 GiB and more go to its 64-bit table."""
    names = sorted(entries)
    counts = [0] * 256
    for name in names:
        counts[name[0]] += 1
    offsets, large = [], []
    for name in names:
        offset = entries[name][0]
        if offset >= _LARGE:
            large.append(offset)
            offset = _LARGE | (len(large) - 1)
        offsets.append(offset)
    body = b"".join(
        [
            b"\xfftOc" + struct.pack(">L", 2),
            struct.pack(">256L", *accumulate(counts)),
            *names,
            struct.pack(f">{len(names)}L", *(entries[name][1] for name in names)),
            struct.pack(f">{len(names)}L", *offsets),
            struct.pack(f">{len(large)}Q", *large),
            pack_checksum,
        ]
    )
    return body + sha1(body).digest()


class PackWriter:
    """A pack being written into ``folder``; leaving the block without ``finish`` removes it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[bytes, tuple[int, int]] = {}
        self._offset = _HEADER.size
        self._temp: OwnedFile | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.abort()

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, sha: bytes) -> bool:
        return sha in self._entries

    def add(self, kind: int, data: bytes, sha: bytes | None = None) -> bytes:
        """Append an object unless this pack has it; ``sha`` where the caller knows it already."""
        sha = sha or object_id(kind, data)
        if sha not in self._entries:
            self._append(sha, entry_header(kind, len(data)), data)
        return sha

    def add_delta(self, sha: bytes, base: bytes, delta: bytes) -> None:
        """Append an object as its difference from ``base``, which this pack has already."""
        if sha not in self._entries:
            back = self._offset - self._entries[base][0]
            self._append(sha, entry_header(_OFS_DELTA, len(delta)) + _distance(back), delta)

    def _append(self, sha: bytes, head: bytes, data: bytes) -> None:
        packed = head + zlib.compress(data)
        with _disk_errors(self._folder):
            self._open().file.write(packed)
        self._entries[sha] = (self._offset, zlib.crc32(packed))
        self._offset += len(packed)

    def finish(self) -> Path | None:
        """Make the pack visible and return its path; without objects nothing is written."""
        if self._temp is None:
            return None
        with _disk_errors(self._folder):
            checksum = self._seal(self._temp)
            target = self._folder / f"pack-{checksum.hex()}.pack"
            # The index's temporary name tells a sweep which pack lacks its index.
            index = OwnedFile(self._folder, f"{INDEX_PREFIX}{checksum.hex()}_")
            try:
                index.file.write(build_index(self._entries, checksum))
                index.flush()
                index.path.chmod(0o444)
                self._temp.path.chmod(0o444)
                self._temp.publish(target)
                index.publish(target.with_suffix(".idx"))
            except OSError:
                index.discard()
                raise
            sync_folder(self._folder)
        self._temp = None
        return target

    def abort(self) -> None:
        """Remove what was written; nothing of it was visible."""
        if self._temp is not None:
            self._temp.discard()
            self._temp = None

    def _open(self) -> OwnedFile:
        if self._temp is None:
            self._temp = OwnedFile(self._folder, PACK_PREFIX)
            self._temp.file.write(_HEADER.pack(b"PACK", 2, 0))
        return self._temp

    def _seal(self, temp: OwnedFile) -> bytes:
        """Patch the count, append the checksum, and bring it all to the disk."""
        file = temp.file
        file.seek(0)
        file.write(_HEADER.pack(b"PACK", 2, len(self._entries)))
        file.seek(0)
        digest = sha1()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
        file.write(digest.digest())
        temp.flush()
        return digest.digest()


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            f"cannot write a pack into {folder}: {error.strerror or error}",
            "check free space and permissions; nothing was recorded",
        ) from error
