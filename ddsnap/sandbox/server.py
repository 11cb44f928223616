"""The sandbox as a real HTTP/1.1 server on the loopback interface."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from http import HTTPStatus
from typing import TYPE_CHECKING

from cheroot.server import Gateway, HTTPServer

from ddsnap.errors import UsageError
from ddsnap.sandbox.org import SandboxOrg
from ddsnap.sandbox.service import Incoming, Outcome, Seen, Service, Write, encoded

if TYPE_CHECKING:
    from collections import Counter
    from types import TracebackType

    from ddsnap.sandbox.answers import Answer
    from ddsnap.sandbox.faults import Faults

_COMPRESS_ABOVE = 2048


class Sandbox:
    """An embedded Datadog with any number of orgs, told apart by their keys."""

    def __init__(self, *, port: int = 0, latency: float = 0.0) -> None:
        self._port = port
        self._service = Service(latency=latency)
        self._server: HTTPServer | None = None
        self._thread: threading.Thread | None = None
        self.crashes: list[str] = []
        """What the server itself got wrong; empty unless the sandbox has a bug."""

    @property
    def url(self) -> str:
        """The address of the API."""
        if self._server is None:
            raise UsageError("the sandbox is not running", hint="use it in a with statement")
        return f"http://127.0.0.1:{self._server.bind_addr[1]}"

    @property
    def orgs(self) -> dict[str, SandboxOrg]:
        """The orgs by name."""
        return self._service.orgs

    @property
    def faults(self) -> Faults:
        """The rules that make requests fail."""
        return self._service.faults

    @property
    def requests(self) -> Counter[Seen]:
        """How often each (org, method, route template, status) was seen; status 0 is a reset."""
        return self._service.requests

    @property
    def writes(self) -> list[Write]:
        """Every request other than GET, in order, with its body."""
        return self._service.writes

    def count(
        self, method: str = "", route: str = "", *, org: str = "", status: int | None = None
    ) -> int:
        """Return how many requests there were; what is left out matches all."""
        wanted = (org, method, route)
        with self._service.lock:
            seen = list(self.requests.items())
        return sum(
            times
            for (*names, code), times in seen
            if all(w in ("", n) for w, n in zip(wanted, names, strict=True))
            and status in (None, code)
        )

    def add_org(self, name: str, *, seed: int | None = None, size: int = 0) -> SandboxOrg:
        """Add a fresh org, or with a seed one of about ``size`` resources."""
        if name in self.orgs:
            raise UsageError(f"the sandbox already has an org named {name}")
        org = SandboxOrg(name)
        if seed is not None:
            org.grow(seed, size)
        self.orgs[name] = org
        return org

    def start(self) -> None:
        """Listen."""
        server = _Server(("127.0.0.1", self._port), _Gateway, minthreads=24)
        server.sandbox = self
        server.prepare()
        self._server = server
        self._service.closing.clear()
        self._thread = threading.Thread(target=server.serve, name="ddsnap-sandbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; the orgs stay as they are."""
        if self._server is None or self._thread is None:
            return
        self._service.closing.set()
        self._server.stop()
        self._thread.join()
        self._server = self._thread = None

    def perform(self, incoming: Incoming) -> Outcome:
        """Carry out a request that came over the socket."""
        return self._service.perform(incoming)

    def __enter__(self) -> Sandbox:  # noqa: PYI034 - typing.Self is newer than Python 3.10
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()


class _Server(HTTPServer):
    keep_alive_conn_limit = 500
    request_queue_size = 128
    expiration_interval = 0.02
    timeout = 60
    sandbox: Sandbox

    def error_log(self, msg: str = "", level: int = 20, traceback: bool = False) -> None:
        del traceback
        if level >= 40:
            self.sandbox.crashes.append(msg)


class _Gateway(Gateway):
    def respond(self) -> None:
        outcome = self.req.server.sandbox.perform(self._incoming())
        if outcome.answer is None:
            self._reset()
        else:
            self._send(outcome.answer, outcome)

    def _incoming(self) -> Incoming:
        path, _, query = self.req.uri.decode("latin-1").partition("?")
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in self.req.inheaders.items()
        }
        sized = "content-length" in headers or self.req.chunked_read
        body = self.req.rfile.read() if sized else b""
        return Incoming(self.req.method.decode("latin-1"), path, query, headers, body)

    def _send(self, answer: Answer, outcome: Outcome) -> None:
        body = encoded(answer)
        accepted = self.req.inheaders.get(b"Accept-Encoding", b"")
        headers = [("Content-Type", answer.content_type), *answer.headers, *outcome.headers]
        if len(body) > _COMPRESS_ABOVE and b"gzip" in accepted:
            body = gzip.compress(body, 1)
            headers.append(("Content-Encoding", "gzip"))
        if answer.status != 204:
            headers.append(("Content-Length", str(len(body))))
        self.req.status = f"{answer.status} {_phrase(answer.status)}".encode()
        self.req.outheaders = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in headers]
        self.req.ensure_headers_sent()
        if body:
            self.req.write(body[: len(body) // 2] if outcome.cut else body)
        if outcome.cut:
            self.req.close_connection = True

    def _reset(self) -> None:
        # Closing with a linger time of zero makes the kernel send RST instead of FIN.
        connection = self.req.conn
        linger = struct.pack("ii", 1, 0)
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        connection.linger = True
        socket.close(connection.socket.detach())
        self.req.close_connection = self.req.sent_headers = True


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unknown"
