"""One attempt of one request: sent to one host, never redirected, read against a deadline."""

from __future__ import annotations

import os
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict
from requests.utils import get_environ_proxies
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NewConnectionError,
    ProxyError,
)
from urllib3.exceptions import TimeoutError as Urllib3Timeout

from ddsnap.api.hosts import host_of, is_loopback
from ddsnap.api.retry import Failure
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHUNK: Final = 1 << 16
_PROXY: Final = "https_proxy names the proxy, no_proxy the hosts that need none"
_NO_ADDRESS: Final = (requests.exceptions.InvalidURL, LocationValueError)
_NO_SCHEMA: Final = (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
_UNCONNECTED: Final = (ConnectTimeoutError, NewConnectionError)
_TIMEOUTS: Final = (requests.Timeout, Urllib3Timeout, TimeoutError)
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE", "CURL_CA_BUNDLE")


@dataclass(frozen=True)
class Timeouts:
    """Seconds: to connect, without a byte while reading, and for a request with its retries."""

    connect: float = 10.0
    read: float = 60.0
    total: float = 900.0


@dataclass(frozen=True)
class Reply:
    """An answer that arrived whole."""

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True)
class _Line:
    """The connections, and what stands before each target that is asked for on them."""

    pool: Any
    prefix: str


class Transport:
    """The connections to one host; proxies and certificates are looked up once.

    That is what requests knows best. Sending through it would look for both again, at each request,
    and cost as much as all else that a request takes: its connections are used as they are.
    """

    def __init__(
        self,
        base_url: str,
        headers: Mapping[str, str],
        timeouts: Timeouts,
        *,
        concurrency: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._base_url = base_url
        self._timeouts = timeouts
        self._clock = clock
        self._headers = dict(CaseInsensitiveDict({**requests.utils.default_headers(), **headers}))
        self._of_content = {**self._headers, "Content-Type": "application/json"}
        self._verify = _bundle()
        loopback = is_loopback(host_of(base_url))
        self._proxies = {} if loopback else get_environ_proxies(base_url)
        self._adapter = HTTPAdapter(pool_connections=1, pool_maxsize=concurrency, pool_block=True)
        self._line: _Line | None = None

    def send(
        self, method: str, target: str, content: bytes | None, seconds: float
    ) -> Reply | Failure:
        """Make the request within ``seconds``; ``target`` is path and query, already encoded."""
        deadline = self._clock() + seconds
        timeout = urllib3.Timeout(
            connect=max(0.001, min(self._timeouts.connect, seconds)),
            read=max(0.001, min(self._timeouts.read, seconds)),
        )
        try:
            line = self._line = self._line or self._found()
            answer = line.pool.urlopen(
                method,
                line.prefix + target,
                content,
                self._headers if content is None else self._of_content,
                retries=False,
                redirect=False,
                assert_same_host=False,
                timeout=timeout,
                preload_content=False,
            )
            try:
                return Reply(answer.status, answer.headers, self._read(answer, deadline))
            finally:
                answer.close()  # whatever was not read is nothing for the next request
                answer.release_conn()
        except (requests.RequestException, HTTPError, OSError) as error:
            return _failure(error)

    def close(self) -> None:
        """Close all connections."""
        self._adapter.close()

    def _found(self) -> _Line:
        """Find the way to the host, past a proxy where there is one."""
        asked = requests.Request("GET", f"{self._base_url}/").prepare()
        adapter: Any = self._adapter
        pool = adapter.get_connection_with_tls_context(asked, self._verify, self._proxies)
        adapter.cert_verify(pool, asked.url, self._verify, None)
        prefix = str(adapter.request_url(asked, self._proxies))
        return _Line(pool, prefix.removesuffix("/"))

    def _read(self, answer: Any, deadline: float) -> bytes:
        """Read the body as it comes, so that a trickle cannot hold a thread past the deadline."""
        chunks = []
        while chunk := answer.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            if self._clock() > deadline:
                raise requests.ReadTimeout("the answer came too slowly")
        return b"".join(chunks)


def _bundle() -> str | bool:
    """Return the certificates that the environment names, else the usual ones."""
    name = next((name for name in _BUNDLES if os.environ.get(name)), "")
    if name and not Path(os.environ[name]).exists():
        raise UsageError(f"{name} names {os.environ[name]}, which is not there")
    return os.environ[name] if name else True


def _failure(error: Exception) -> Failure:
    """Tell what an exception means for a second attempt."""
    cause = _cause(error)
    text = f"{type(cause).__name__}: {_words(cause)}"
    if isinstance(cause, ssl.SSLCertVerificationError):
        hint = "name your own authority's certificates in REQUESTS_CA_BUNDLE"
        return Failure(f"certificate refused: {text}", reached=False, lasting=True, hint=hint)
    proxy = _proxy_trouble(error, text)
    if proxy:
        lasting = not isinstance(error, ProxyError)
        return Failure(proxy, reached=False, lasting=lasting, hint=_PROXY)
    connected = not isinstance(error, _UNCONNECTED)
    # A refused connection and an unknown name are timeouts to urllib3.
    late = isinstance(error, _TIMEOUTS) or isinstance(cause, _TIMEOUTS)
    if isinstance(error, NewConnectionError) or not late:
        hint = "" if connected else "is the network there, and the site right?"
        return Failure(f"connection failed: {text}", reached=connected, hint=hint)
    return Failure(f"timeout: {text}", reached=connected)


def _proxy_trouble(error: Exception, text: str) -> str:
    """Say what is wrong with the proxy, if something is."""
    if isinstance(error, ProxyError):
        return f"the proxy failed: {text}"
    # The address itself was checked before: only a proxy's can be wrong, and may hold a password.
    if isinstance(error, _NO_ADDRESS):
        return "the proxy's address cannot be understood"
    return f"the proxy cannot be used: {text}" if isinstance(error, _NO_SCHEMA) else ""


def _cause(error: BaseException) -> BaseException:
    """Return the innermost exception: it has the words, its wrappers have the address."""
    for inner in (getattr(error, "reason", None), *error.args[::-1], error.__cause__):
        if isinstance(inner, BaseException) and inner is not error:
            return _cause(inner)
    return error


def _words(error: BaseException) -> str:
    """Return what an exception says; some say nothing, and some name objects at addresses."""
    said = getattr(error, "strerror", None) or str(error)
    return " ".join(str(said).split())[:200] or "no more is known"
