"""A server that answers from a script, and a clock that only moves when somebody sleeps."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

import pytest

from ddsnap.api.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@dataclass(frozen=True)
class Heard:
    """A request as it came over the wire."""

    method: str
    path: str
    query: dict[str, str]
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Say:
    """An answer; ``how`` may be reset, stall, trickle or cut."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    how: str = ""

    @property
    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return b"" if self.body is None else json.dumps(self.body).encode()


class Scripted:
    """A loopback server; ``script`` is a list that is used up, or a function of the request."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.connections = 0
        self.script: list[Say] | Callable[[Heard], Say] = []
        self.done = threading.Event()
        self._lock = threading.Lock()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def setup(self) -> None:
                owner.connections += 1
                super().setup()

            def serve(self) -> None:
                owner.serve(self)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = serve  # noqa: N815

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))
        self.thread.start()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        path, _, query = handler.path.partition("?")
        size = int(handler.headers.get("Content-Length") or 0)
        body = handler.rfile.read(size)
        heard = Heard(
            handler.command, path, dict(parse_qsl(query)), dict(handler.headers.items()), body
        )
        with self._lock:
            self.heard.append(heard)
            say = self.script(heard) if callable(self.script) else self.script.pop(0)
        self.answer(handler, say)

    def answer(self, handler: BaseHTTPRequestHandler, say: Say) -> None:
        if say.how == "reset":
            handler.close_connection = True
            return
        content = say.content
        handler.send_response(say.status)
        for name, value in {"Content-Type": "application/json", **say.headers}.items():
            handler.send_header(name, value)
        length = len(content) * 2 if say.how == "cut" else len(content)
        handler.send_header("Content-Length", str(length))
        handler.end_headers()
        handler.wfile.flush()
        if say.how == "stall":
            self.done.wait(5)
        if say.how == "trickle":
            self.trickle(handler, content)
        else:
            handler.wfile.write(content)
        handler.close_connection = say.how != ""

    def trickle(self, handler: BaseHTTPRequestHandler, content: bytes) -> None:
        for byte in content:
            try:
                handler.wfile.write(bytes([byte]))
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)

    def close(self) -> None:
        self.done.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()

    @property
    def paths(self) -> list[str]:
        return [unquote(heard.path) for heard in self.heard]


@pytest.fixture
def server() -> Iterator[Scripted]:
    scripted = Scripted()
    yield scripted
    scripted.close()


class Clock:
    """Time that stands still until somebody sleeps."""

    def __init__(self) -> None:
        self.time = 1000.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def connect(server: Scripted, clock: Clock) -> Iterator[Callable[..., Session]]:
    """Open sessions to the scripted server that end with the test."""
    opened: list[Session] = []

    def open_session(**options: Any) -> Session:
        options = {
            "clock": clock,
            "sleep": clock.sleep,
            "now": lambda: 1_800_000_000.0,
            "draw": lambda: 0.5,
            **options,
        }
        opened.append(Session(options.pop("url", server.url), "api-k3y", "app-k3y", **options))
        return opened[-1]

    yield open_session
    for session in opened:
        session.close()


@pytest.fixture
def say() -> type[Say]:
    return Say
