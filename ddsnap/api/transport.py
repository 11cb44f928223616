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

from ddsnap.api.hosts import host_of, is_loopback
from ddsnap.api.retry import Failure
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHUNK: Final = 1 << 16
_PROXY: Final = "https_proxy names the proxy, no_proxy the hosts that need none"
_NO_SCHEMA: Final = (requests.exceptions.InvalidSchema, requests.exceptions.MissingSchema)
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


class Transport:
    """The connections to one host; proxies and certificates are looked up once."""

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
        # A session of requests would look at the environment, and merge its cookies, hooks and
        # settings, for each request: that costs more than sending it.
        self._headers = CaseInsensitiveDict({**requests.utils.default_headers(), **headers})
        self._verify = _bundle()
        loopback = is_loopback(host_of(base_url))
        self._proxies = {} if loopback else get_environ_proxies(base_url)
        self._http = HTTPAdapter(pool_connections=1, pool_maxsize=concurrency, pool_block=True)

    def send(
        self, method: str, target: str, content: bytes | None, seconds: float
    ) -> Reply | Failure:
        """Make the request within ``seconds``; ``target`` is path and query, already encoded."""
        deadline = self._clock() + seconds
        try:
            with self._http.send(
                self._prepared(method, target, content),
                stream=True,
                timeout=(
                    max(0.001, min(self._timeouts.connect, seconds)),
                    max(0.001, min(self._timeouts.read, seconds)),
                ),
                verify=self._verify,
                proxies=self._proxies,
            ) as response:
                body = self._read(response.raw, deadline)
                return Reply(response.status_code, CaseInsensitiveDict(response.headers), body)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return _failure(error)

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def _prepared(
        self, method: str, target: str, content: bytes | None
    ) -> requests.PreparedRequest:
        prepared = requests.PreparedRequest()
        prepared.method = method
        prepared.prepare_url(self._base_url + target, None)
        prepared.headers = self._headers.copy()
        prepared.body = content
        prepared.prepare_content_length(content)
        if content is not None:
            prepared.headers["Content-Type"] = "application/json"
        return prepared

    def _read(self, raw: Any, deadline: float) -> bytes:
        """Read the body as it comes, so that a trickle cannot hold a thread past the deadline."""
        chunks = []
        while chunk := raw.read1(_CHUNK, decode_content=True):
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
        lasting = not isinstance(error, requests.exceptions.ProxyError)
        return Failure(proxy, reached=False, lasting=lasting, hint=_PROXY)
    if isinstance(error, requests.exceptions.InvalidHeader):
        return Failure(f"request refused: {type(error).__name__}", reached=False, lasting=True)
    if _is_timeout(error, cause):
        return Failure(f"timeout: {text}", reached=not isinstance(error, requests.ConnectTimeout))
    hint = "is the network there, and the site right?" if _never_connected(error) else ""
    return Failure(f"connection failed: {text}", reached=not _never_connected(error), hint=hint)


def _proxy_trouble(error: Exception, text: str) -> str:
    """Say what is wrong with the proxy, if something is."""
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy failed: {text}"
    # The address itself was checked before: only a proxy's can be wrong, and may hold a password.
    if isinstance(error, requests.exceptions.InvalidURL):
        return "the proxy's address cannot be understood"
    return f"the proxy cannot be used: {text}" if isinstance(error, _NO_SCHEMA) else ""


def _is_timeout(error: Exception, cause: BaseException) -> bool:
    kinds = (requests.Timeout, urllib3.exceptions.TimeoutError, TimeoutError)
    return isinstance(error, kinds) or isinstance(cause, kinds)


def _never_connected(error: Exception) -> bool:
    """Whether no connection was made, so that the server cannot have seen the request."""
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", None)
    return isinstance(
        reason,
        (
            urllib3.exceptions.NewConnectionError,
            urllib3.exceptions.ConnectTimeoutError,
            urllib3.exceptions.ProxyError,
        ),
    )


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
