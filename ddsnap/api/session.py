"""Requests to one org: keys in headers only, retries, one rate budget, answers as JSON."""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote_plus, urlencode

from ddsnap import __version__
from ddsnap.api.answers import Answer, judge
from ddsnap.api.budget import RateBudget
from ddsnap.api.hosts import check_host
from ddsnap.api.patience import Patience, Withheld
from ddsnap.api.retry import IDEMPOTENT, Failure, Policy, Spent
from ddsnap.api.server_clock import ServerClock
from ddsnap.api.transport import Timeouts, Transport
from ddsnap.core.canonical import compact
from ddsnap.core.secrets import scrub
from ddsnap.core.values import RESERVED
from ddsnap.errors import ApiError, AuthError, DdsnapError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from contextlib import AbstractContextManager
    from types import TracebackType

    from typing_extensions import Self

    from ddsnap.core.values import JSON

T = TypeVar("T")
R = TypeVar("R")


class LostAnswer(ApiError):  # noqa: N818 - it says what happened
    """A POST or PATCH may have had its effect, but no answer tells: look before repeating it."""


@dataclass
class RouteCount:
    """The traffic of one route: requests made, repeated, refused by a limit; seconds waited."""

    requests: int = 0
    retries: int = 0
    limited: int = 0
    waited: float = 0.0


@dataclass(frozen=True)
class _Call:
    """A request, ready to be sent as often as needed."""

    method: str
    route: str
    path: str
    target: str
    content: bytes | None
    expect: Collection[int]

    @cached_property
    def name(self) -> str:
        return f"{self.method} {self.route}"


@dataclass
class _Cost:
    """What a call has cost until now."""

    began: float
    attempts: int = 0
    paced: float = 0.0
    limited: float = 0.0
    refused: int = 0
    """The status by which a limit has refused it."""
    failed: Failure | None = None
    """How it failed otherwise, last."""

    def spent(self, now: float) -> Spent:
        return Spent(self.attempts, now - self.began - self.paced, self.limited)


class Session:
    """The way to one org's API. Threads may share it; close it, or use it in a ``with``."""

    def __init__(
        self,
        base_url: str,
        api_key: str,
        app_key: str,
        *,
        timeouts: Timeouts | None = None,
        retries: int = 8,
        concurrency: int = 16,
        allowed_hosts: Collection[str] = (),
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
        now: Callable[[], float] = time.time,
        draw: Callable[[], float] = random.random,
        user_agent_run_id: str = "",
    ) -> None:
        self.base_url = check_host(base_url, allowed_hosts)
        self.concurrency = concurrency
        self._keys = (_checked(api_key, "API key"), _checked(app_key, "application key"))
        self._clock, self._now, self._draw = clock, now, draw
        self._patience = Patience(sleep)
        timeouts = timeouts or Timeouts()
        self._policy = Policy(retries, timeouts.total)
        self._transport = Transport(
            self.base_url,
            self._headers(user_agent_run_id),
            timeouts,
            concurrency=concurrency,
            clock=clock,
        )
        self.budget = RateBudget(clock, self._patience.wait, draw)
        self._server_clock = ServerClock(clock)
        self._lock = threading.Lock()
        self._secrets = set(self._keys)
        self._counters: dict[str, RouteCount] = {}
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Wake whoever waits, let no further request start, and close all connections."""
        self._patience.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
        self._transport.close()

    def stop_waiting(self) -> None:
        """Give up what waits for a limit, or for another attempt, and let nothing wait any more.

        What is under way is answered, and what need not wait is still sent.
        """
        self._patience.lose()

    @property
    def hurried(self) -> bool:
        """Whether nothing waits any more."""
        return self._patience.over

    def patiently(self) -> AbstractContextManager[None]:
        """Let what this thread asks for wait in any case."""
        return self._patience.kept()

    @property
    def counters(self) -> dict[str, RouteCount]:
        """The traffic so far by route (``GET /api/v1/monitor/{id}``), sorted."""
        with self._lock:
            return {name: replace(count) for name, count in sorted(self._counters.items())}

    def server_time(self) -> float | None:
        """Return the time by the server's clock (seconds since 1970), as far as it is known."""
        return self._server_clock.now()

    def conceal(self, secrets: Iterable[str]) -> None:
        """Keep these out of every error from now on: a server may echo what it was sent."""
        with self._lock:
            self._secrets.update(secrets)

    def request(
        self,
        method: str,
        route: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: JSON = None,
        expect: Collection[int] = (),
    ) -> Answer:
        """Make a request, again where that is safe and helps.

        ``path`` is encoded already; ``route`` is its template, for the counters. Statuses in
        ``expect`` are returned, all other failures raised. A ``body`` of ``None`` sends none.
        """
        call = _call(method, route, path, query or {}, body=body, expect=expect)
        cost = _Cost(self._clock())
        try:
            return self._tried(call, cost)
        except Withheld:
            raise self._given_up(call, cost) from None

    def _tried(self, call: _Call, cost: _Cost) -> Answer:
        """Make attempts until one is answered, or none can help."""
        while True:
            self._pace(call, cost)
            outcome = self._attempt(call, cost)
            if isinstance(outcome, Answer):
                self._server_clock.note(outcome.headers)
                return outcome
            failure, headers = outcome
            wait = self._policy.pause(
                call.method,
                failure,
                headers,
                cost.spent(self._clock()),
                now=self._now(),
                draw=self._draw,
            )
            if wait is None:
                raise self._error(call, failure)
            self._before_retry(call, cost, failure, wait)

    def map(self, function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
        """Yield ``function(item)`` in order, computed by the pool; only a window is under way.

        What ``function`` raises is raised here. It must not call ``map``.
        """
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="ddsnap-api")
        under_way: deque[Future[R]] = deque()
        try:
            for item in items:
                under_way.append(self._pool.submit(function, item))
                if len(under_way) >= 2 * self.concurrency:
                    yield under_way.popleft().result()
            while under_way:
                yield under_way.popleft().result()
        finally:
            for future in under_way:
                future.cancel()

    def _headers(self, run_id: str) -> dict[str, str]:
        return {
            "DD-API-KEY": self._keys[0],
            "DD-APPLICATION-KEY": self._keys[1],
            "Accept": "application/json",
            "User-Agent": f"ddsnap/{__version__}" + (f" (run {run_id})" if run_id else ""),
        }

    def _pace(self, call: _Call, cost: _Cost) -> None:
        waited = self.budget.take(call.name)
        if waited:
            cost.paced += waited
            self._count(call, waited=waited)

    def _attempt(self, call: _Call, cost: _Cost) -> Answer | tuple[Failure, Mapping[str, str]]:
        """Make one attempt and say what it gave."""
        cost.attempts += 1
        headers: Mapping[str, str] = {}
        try:
            if self._patience.closed:
                raise Withheld("the run is ending")
            self._count(call, requests=1)
            seconds = self._policy.total - cost.spent(self._clock()).seconds
            reply = self._transport.send(call.method, call.target, call.content, seconds)
            if isinstance(reply, Failure):
                return reply, {}
            headers = reply.headers
        finally:
            self.budget.settle(call.name, headers)
        judged = judge(reply, call.expect)
        return judged if isinstance(judged, Answer) else (judged, headers)

    def _before_retry(self, call: _Call, cost: _Cost, failure: Failure, wait: float) -> None:
        """Wait; after a 429 everybody does who draws on that limit, by way of the budget."""
        self._count(call, retries=1, limited=int(failure.limited))
        if failure.limited:
            cost.refused, cost.limited = failure.status, cost.limited + wait
            self.budget.block(call.name, wait)
        else:
            cost.failed = failure
            self._count(call, waited=wait)
            self._patience.wait(wait)

    def _count(
        self,
        call: _Call,
        *,
        requests: int = 0,
        retries: int = 0,
        limited: int = 0,
        waited: float = 0.0,
    ) -> None:
        with self._lock:
            count = self._counters.setdefault(call.name, RouteCount())
            count.requests += requests
            count.retries += retries
            count.limited += limited
            count.waited += waited

    def _error(self, call: _Call, failure: Failure) -> ApiError:
        message = self._told(call, failure.message)
        if failure.status == 401:
            return AuthError(message, "check the org's API key and application key", status=401)
        if call.method not in IDEMPOTENT and failure.uncertain:
            return LostAnswer(message, status=failure.status)
        return ApiError(message, failure.hint, status=failure.status)

    def _given_up(self, call: _Call, cost: _Cost) -> ApiError:
        """Return what a request has come to that waits no more: it may have had its effect."""
        if cost.failed is not None:
            return self._error(call, cost.failed)
        limit = f"the rate limit refused it (HTTP {cost.refused}), and " if cost.refused else ""
        return Withheld(self._told(call, f"{limit}the run is ending"), status=cost.refused)

    def _told(self, call: _Call, message: str) -> str:
        """Say something of a call: a server may echo what it was sent, a path hold a token."""
        with self._lock:
            secrets = frozenset(self._secrets)
        return scrub(f"{message} ({call.method} {call.path})", secrets)


def _call(
    method: str,
    route: str,
    path: str,
    query: Mapping[str, str],
    *,
    body: JSON,
    expect: Collection[int],
) -> _Call:
    """Make the bytes of a request, and refuse those that no server may see."""
    content = None if body is None else compact(body)
    target = f"{path}?{urlencode(query)}" if query else path
    if RESERVED.encode() in (content or b"") or RESERVED in unquote_plus(target):
        raise DdsnapError(f"a request holds ddsnap's own {RESERVED} ({method} {route})")
    return _Call(method, route, path, target, content, expect)


def _checked(key: str, name: str) -> str:
    """Return a key that can stand in a header; the message about another one never shows it."""
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise UsageError(f"the {name} is empty or holds characters that no key has")
    return key
