"""Commits as values: parsed from git's bytes, and written as git's bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_IDENTITY = re.compile(rb"^(.*?)(?: (-?\d+) ([+-]\d{4,}))?$", re.DOTALL)
_TRAILER = re.compile(r"^([A-Za-z0-9][A-Za-z0-9-]*): ?(.*)$")


@dataclass(frozen=True, slots=True)
class CommitInfo:
    """What a commit says; ``time`` and ``zone`` are the committer's."""

    sha: str
    tree: str
    parents: tuple[str, ...]
    author: str
    time: int
    zone: str
    subject: str
    body: str
    trailers: tuple[tuple[str, str], ...]

    @property
    def when(self) -> datetime:
        """The time of the commit in the zone that it was made in."""
        offset = timedelta(hours=int(self.zone[1:-2]), minutes=int(self.zone[-2:]))
        sign = -1 if self.zone.startswith("-") else 1
        # Zones of a day and more are legal in git and unknown to datetime.
        zone = timezone(sign * offset) if offset < timedelta(days=1) else timezone.utc
        return datetime.fromtimestamp(self.time, zone)

    def trailer(self, name: str) -> str | None:
        """Return the last value of the trailer ``name``."""
        values = [value for key, value in self.trailers if key.lower() == name.lower()]
        return values[-1] if values else None


def parse_commit(sha: str, data: bytes) -> CommitInfo:
    """Read a raw commit. What is malformed in it comes out empty, never as an error."""
    head, _, message = data.partition(b"\n\n")
    headers: dict[bytes, bytes] = {}
    parents = []
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"parent":
            parents.append(value.decode("ascii", "replace"))
        elif key:  # a continued header starts with a space
            headers.setdefault(key, value)
    text = _decode(message, headers.get(b"encoding", b"utf-8"))
    author, _, _ = _split_identity(headers.get(b"author", b""))
    _, time, zone = _split_identity(headers.get(b"committer", b""))
    subject, _, body = text.strip("\n").partition("\n")
    return CommitInfo(
        sha=sha,
        tree=headers.get(b"tree", b"").decode("ascii", "replace"),
        parents=tuple(parents),
        author=author,
        time=time,
        zone=zone,
        subject=subject,
        body=body.strip("\n"),
        trailers=_trailers(text),
    )


def _decode(message: bytes, encoding: bytes) -> str:
    try:
        return message.decode(encoding.decode("ascii", "replace"), "replace")
    except LookupError:
        return message.decode("utf-8", "replace")


def _split_identity(value: bytes) -> tuple[str, int, str]:
    found = _IDENTITY.match(value)
    name, time, zone = found.groups() if found else (value, None, None)
    text = name.decode("utf-8", "replace")
    return text, int(time or 0), (zone or b"+0000").decode("ascii")


def _trailers(text: str) -> tuple[tuple[str, str], ...]:
    paragraphs = text.strip("\n").split("\n\n")
    if len(paragraphs) < 2:
        return ()
    found = [_TRAILER.match(line) for line in paragraphs[-1].strip("\n").split("\n")]
    pairs = [(match[1], match[2].strip()) for match in found if match]
    return tuple(pairs) if len(pairs) == len(found) else ()


def format_commit(
    tree: bytes,
    parents: Sequence[str],
    identity: tuple[bytes, bytes],
    time: datetime,
    message: str,
) -> bytes:
    """Return a raw commit without a signature; ``identity`` is author and committer."""
    author, committer = identity
    stamp = b" " + format_time(time)
    lines = [b"tree " + tree.hex().encode()]
    lines += [b"parent " + parent.encode() for parent in parents]
    lines += [b"author " + author + stamp, b"committer " + committer + stamp]
    text = message.replace("\0", "").strip("\n") + "\n"
    return b"\n".join(lines) + b"\n\n" + text.encode("utf-8", "replace")


def format_time(time: datetime) -> bytes:
    """Return seconds and zone as git writes them."""
    offset = time.utcoffset() or timedelta()
    minutes = abs(int(offset.total_seconds())) // 60
    sign = "-" if offset < timedelta() else "+"
    return f"{int(time.timestamp())} {sign}{minutes // 60:02}{minutes % 60:02}".encode()


def add_signature(commit: bytes, signature: bytes) -> bytes:
    """Return the raw commit with ``signature`` over its bytes as they were."""
    head, _, message = commit.partition(b"\n\n")
    folded = signature.rstrip(b"\n").replace(b"\n", b"\n ")
    return head + b"\ngpgsig " + folded + b"\n\n" + message
