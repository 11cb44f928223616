"""An org's answers, recorded once and given again: HTTP without a network, on neither side."""

from __future__ import annotations

import pickle
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from ddsnap.api.answers import Answer
from ddsnap.api.gateway import Gateway
from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.flows.capture import capture
from ddsnap.flows.read_org import Scope
from ddsnap.flows.run import Author, Run
from ddsnap.sandbox.service import Incoming, encoded
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.sandbox import Sandbox, SandboxOrg

Answers = dict[str, tuple[int, bytes]]
"""Status and content by target, in the order in which they were asked for."""

# Read long after the seed's last edit, so that nothing is read again for having just changed.
FIRST = datetime.now(timezone.utc).replace(microsecond=0) + timedelta(days=1)
HOUR = timedelta(hours=1)


class Player:
    """What a gateway needs of a session, out of memory: of HTTP nothing is left but parsing."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.counters: dict[str, Any] = {}

    def request(self, _method: str, _route: str, path: str, **more: Any) -> Answer:
        status, content = self._answer(path, urlencode(more.get("query") or {}))
        return Answer(status, canonical.decode(content) if content else None, {})

    def map(self, function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        return map(function, items)

    def server_time(self) -> None:
        return None

    def _answer(self, path: str, query: str) -> tuple[int, bytes]:
        return self.answers[f"{path}?{query}"]


class Recorder(Player):
    """Asks a sandbox in this process, and keeps what it says."""

    def __init__(self, sandbox: Sandbox, org: SandboxOrg) -> None:
        super().__init__({})
        self._sandbox = sandbox
        self._keys: Mapping[str, str] = {
            "dd-api-key": org.api_key,
            "dd-application-key": org.app_key,
        }

    def _answer(self, path: str, query: str) -> tuple[int, bytes]:
        answer = self._sandbox.perform(Incoming("GET", path, query, self._keys, b"")).answer
        assert answer is not None
        self.answers[f"{path}?{query}"] = (answer.status, encoded(answer))
        return self.answers[f"{path}?{query}"]


def captured(folder: Path, session: Player, time: datetime, *, full: bool = False) -> CaptureResult:
    """Make a snapshot of ``us1`` at that time."""
    gateway: Any = Gateway(session, CATALOG)  # type: ignore[arg-type]
    author = Author("bench", "host", "0")
    with Repository.open(folder) as repo:
        run = Run(repo, gateway, CATALOG, "us1", "datadoghq.com", lambda: time, author)
        return capture(run, Scope(CATALOG.names, full=full))


def save(answers: Answers, file: Path) -> None:
    """Keep answers for other processes."""
    file.write_bytes(pickle.dumps(answers))


def load(file: Path) -> Answers:
    """Read answers that this run saved."""
    found: Answers = pickle.loads(file.read_bytes())
    return found
