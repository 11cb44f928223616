"""What a run intends and what came of it, on disk before and after each request.

One JSON object a line, only ever appended to. A line that a killed run left half-written counts as
not written.
"""

from __future__ import annotations

import json
import os
import threading
from contextlib import suppress
from queue import SimpleQueue
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias, cast

from ddsnap.core import canonical
from ddsnap.errors import Damaged, StoreError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

    from typing_extensions import Self

    from ddsnap.core.values import JSON
    from ddsnap.store.repository import Repository

Event: TypeAlias = "dict[str, object]"

MEND: Final = "move it away; what the run made is found again by key or content"
"""What to do about a log that cannot be read."""

_NAME: Final = "replay-{}.ndjson"


class _Given(NamedTuple):
    """A line to write; ``safe`` is set once it is on the disk, or the log is broken."""

    line: bytes
    event: str
    safe: threading.Event | None


def log_path(repo: Repository, org: str) -> Path:
    """Return where the log of a run that writes to ``org`` lies until the run is recorded."""
    return repo.git_dir / "ddsnap" / _NAME.format(org)


def logs(repo: Repository) -> dict[str, Path]:
    """Return the logs that there are, by org."""
    before, _, after = _NAME.partition("{}")
    found = sorted((repo.git_dir / "ddsnap").glob(_NAME.format("*")))
    return {path.name.removeprefix(before).removesuffix(after): path for path in found}


def read_events(path: Path) -> list[Event]:
    """Return what a log holds; nothing where there is none.

    Raises ``Damaged`` where more than the last line cannot be read.
    """
    return list(events_of(path))


def events_of(path: Path) -> Iterator[Event]:
    """Yield what a log holds, one after another: each may be as large as a document."""
    try:
        lines = path.open("rb")
    except FileNotFoundError:
        return
    with lines:
        yield from _events(lines, str(path))


def _events(lines: Iterable[bytes], where: str) -> Iterator[Event]:
    for number, line in enumerate(lines, 1):
        if not line.endswith(b"\n"):  # the last was never finished
            return
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        if not isinstance(event, dict):
            raise Damaged(f"{where}: line {number} is no event of a run", MEND)
        yield event


def forget(path: Path) -> None:
    """Remove a log whose run is recorded."""
    with suppress(FileNotFoundError):
        path.unlink()
        _sync_folder(path)


class RunLog:
    """Appends events; threads may share it.

    A thread of its own writes what they give it, all that has come at once: one that held a lock
    while the disk is at work would hold up all others. A kill may take the last few milliseconds
    of what was only noted.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o600)
        _sync_folder(path)
        self._given: SimpleQueue[_Given | None] = SimpleQueue()
        self._broken = ""
        self.writes = 0
        """How many requests were intended until now."""
        self._writer = threading.Thread(target=self._write_all, name="ddsnap-log", daemon=True)
        self._writer.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is KeyboardInterrupt:  # threads may still write, to whatever has its number
            with suppress(StoreError):
                self.sync()
            return
        self._given.put(None)
        self._writer.join()
        os.close(self._file)

    def add(self, event: str, /, **fields: object) -> None:
        """Append an event, and wait until it is on the disk; several threads wait together.

        Raises ``StoreError`` where that cannot be done, and ever after: a run that cannot write
        down what it does must do no more.
        """
        self._give(_encoded({"event": event, **fields}), event, safe := threading.Event())
        safe.wait()
        self._check()

    def note(self, event: str, /, **fields: object) -> None:
        """Append an event; it is on the disk with the next ``add``, or ``sync``."""
        self._give(_encoded({"event": event, **fields}), event)

    def sync(self) -> None:
        """Wait until all is on the disk. Raises ``StoreError`` where it is not."""
        self._give(b"", "", safe := threading.Event())
        safe.wait()
        self._check()

    def _give(self, line: bytes, event: str, safe: threading.Event | None = None) -> None:
        self._check()
        self._given.put(_Given(line, event, safe))

    def _check(self) -> None:
        if self._broken:
            raise StoreError(
                f"the run cannot write down what it does: {self.path}: {self._broken}",
                "make room there, or let it be written; then --resume goes on",
            )

    def _write_all(self) -> None:
        """Write what the others give, until they are done."""
        open_ = True
        while open_:
            given = [self._given.get()]
            while not self._given.empty():
                given.append(self._given.get())
            open_ = None not in given
            self._write([one for one in given if one is not None])

    def _write(self, given: Sequence[_Given]) -> None:
        waiting = [one.safe for one in given if one.safe is not None]
        try:
            if not self._broken:
                _write(self._file, b"".join(one.line for one in given))
                if waiting:
                    os.fsync(self._file)
        except OSError as error:
            self._broken = error.strerror or "it cannot be written"
        self.writes += sum(one.event == "intent" for one in given)
        for safe in waiting:
            safe.set()


def _encoded(event: Mapping[str, object]) -> bytes:
    return canonical.compact(cast("JSON", event)) + b"\n"


def _write(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
