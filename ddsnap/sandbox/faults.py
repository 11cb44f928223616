"""Faults on demand: rules that say which request goes wrong, and how."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.sandbox.limits import RateLimit
from ddsnap.sandbox.mangling import mangled, mangled_at_random

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ddsnap.sandbox.answers import Json
    from ddsnap.sandbox.mangling import Mangle


@dataclass(frozen=True, eq=False)
class Fault:
    """One rule. The first group of fields says when it applies, the second what happens.

    ``nth`` counts the matching requests from 1; ``page`` is the page of a listing, from 0, in
    whatever style it is asked for, and ``covers`` a place in it that the page holds, by the sizes
    that are asked for; ``writes`` narrows a rule to what is no GET. With ``after``, the request
    takes effect before it goes wrong; a request that hangs and never takes effect is a ``stall``
    with a ``reset``.
    Effects: ``latency`` seconds; ``status`` (with ``body``, or Datadog's usual error); ``reset``
    of the connection; ``cut`` the answer in the middle; ``stall`` that many seconds without a
    byte; ``html``, a login page; ``raw`` bytes as the body; for listings ``clamp`` the page size,
    a ``total`` that lies, ``empty``, ``skip`` the item of this id or name; for writes ``mangle``
    what is sent before it is stored: "trim", "fill", "reorder", "drop" or a function.
    """

    path: str = ""
    method: str = ""
    org: str = ""
    query: str = ""
    nth: int | Collection[int] | None = None
    times: int | None = None
    page: int | None = None
    covers: int | None = None
    writes: bool = False

    after: bool = False
    latency: float = 0.0
    status: int = 0
    body: Json = None
    headers: Mapping[str, str] = field(default_factory=dict)
    reset: bool = False
    cut: bool = False
    stall: float = 0.0
    html: bool = False
    raw: bytes | None = None
    clamp: int = 0
    total: int | None = None
    empty: bool = False
    skip: str = ""
    mangle: Mangle = ""

    @property
    def answers(self) -> bool:
        """Say whether the fault takes the place of the answer."""
        return bool(self.status or self.reset or self.html or self.raw is not None)


@dataclass(frozen=True)
class Request:
    """What a fault looks at; the path is decoded and has no query."""

    org: str
    method: str
    path: str
    query: str
    params: Mapping[str, str]


class Faults:
    """The rules in force and how often each one struck; empty at the start."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rules: list[Fault] = []
        self._matched: dict[Fault, int] = {}
        self._struck: dict[Fault, int] = {}
        self._limits: list[tuple[str, RateLimit]] = []
        self._habits: list[tuple[str, int]] = []

    def add(self, fault: Fault) -> Fault:
        """Put a rule in force and return it."""
        with self._lock:
            self._rules.append(fault)
        return fault

    def remove(self, fault: Fault) -> None:
        """Lift one rule."""
        with self._lock:
            self._rules.remove(fault)

    def clear(self) -> None:
        """Lift all rules and all rate limits, and store what is sent as it is sent."""
        with self._lock:
            self._habits.clear()
            self._rules.clear()
            self._limits.clear()

    def struck(self, fault: Fault) -> int:
        """Return how often the rule has struck."""
        return self._struck.get(fault, 0)

    def limit(
        self, org: str, requests: int, period: float, *, name: str = "sandbox", path: str = ""
    ) -> RateLimit:
        """Allow an org so many requests per period (seconds) on the paths that match."""
        limit = RateLimit(requests, period, name, path)
        with self._lock:
            self._limits.append((org, limit))
        return limit

    def limit_of(self, org: str, path: str) -> RateLimit | None:
        """Return the first rate limit that a request counts against."""
        with self._lock:
            limits = list(self._limits)
        matching = (x for name, x in limits if name in ("", org) and re.search(x.path, path))
        return next(matching, None)

    def mangle_writes(self, seed: int, *, org: str = "") -> None:
        """From now on trim, fill in, reorder or drop from what is written, at random.

        What is done to a resource is the same for the same seed: texts are trimmed, members that
        were not sent are filled in, sets are stored in another order, optional members dropped.
        """
        with self._lock:
            self._habits.append((org, seed))

    def stored(self, request: Request, body: Json, struck: tuple[Fault, ...]) -> Json:
        """Return what is stored of what was sent."""
        for fault in struck:
            body = mangled(body, fault.mangle) if fault.mangle else body
        for org, seed in list(self._habits):
            if org in ("", request.org):
                body = mangled_at_random(seed, request.method, request.path, body)
        return body

    def take(self, request: Request) -> tuple[Fault, ...]:
        """Count a request against the rules and return those that strike it."""
        with self._lock:
            return tuple(rule for rule in self._rules if self._strikes(rule, request))

    def _strikes(self, rule: Fault, request: Request) -> bool:
        if not _matches(rule, request):
            return False
        self._matched[rule] = self._matched.get(rule, 0) + 1
        if not _due(rule.nth, self._matched[rule]):
            return False
        if rule.times is not None and self.struck(rule) >= rule.times:
            return False
        self._struck[rule] = self.struck(rule) + 1
        return True


def _matches(rule: Fault, request: Request) -> bool:
    return (
        rule.org in ("", request.org)
        and rule.method in ("", request.method)
        and not (rule.writes and request.method == "GET")
        and re.search(rule.path, request.path) is not None
        and re.search(rule.query, request.query) is not None
        and rule.page in (None, _page_of(request.params))
        and (rule.covers is None or rule.covers in _places_of(request.params))
    )


def _due(nth: int | Collection[int] | None, count: int) -> bool:
    if nth is None:
        return True
    return count == nth if isinstance(nth, int) else count in nth


_OFFSETS = (("start", "count"), ("page[offset]", "page[limit]"), ("offset", "limit"))


def _page_of(params: Mapping[str, str]) -> int:
    for name in ("page[number]", "page", "page_number"):
        if params.get(name, "").isdigit():
            return int(params[name])
    for start, size in _OFFSETS:
        if params.get(start, "").isdigit():
            return int(params[start]) // int(params.get(size) or 100)
    return 0


def _places_of(params: Mapping[str, str]) -> range:
    """Return the places of a listing that a page is to hold."""
    for start, size in _OFFSETS:
        if params.get(start, "").isdigit():
            return range(int(params[start]), int(params[start]) + int(params.get(size) or 100))
    size_given = params.get("page[size]") or params.get("page_size") or "100"
    first = _page_of(params) * int(size_given)
    return range(first, first + int(size_given))
