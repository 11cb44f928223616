"""From one HTTP request to one outcome: keys, route, rate limit, faults, handler, record."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import cached_property
from threading import Event, Lock
from typing import TYPE_CHECKING
from urllib.parse import unquote

from ddsnap.sandbox.answers import Answer, Json, Rejected, reject
from ddsnap.sandbox.faults import Fault, Faults, Request
from ddsnap.sandbox.limits import rate_headers
from ddsnap.sandbox.resources import ROUTES
from ddsnap.sandbox.router import Call, Match, Route, Router, read_query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.sandbox.org import SandboxOrg

Seen = tuple[str, str, str, int]
"""One kind of request: org, method, route template (or "-"), status (0: no answer)."""

_ROUTER = Router(ROUTES)
_USUAL_TEXTS = {401: "Unauthorized", 403: "Forbidden", 404: "Not found", 429: "Too many requests"}
_LOGIN = b"<!DOCTYPE html><html><head><title>Log in</title></head><body>Log in</body></html>"


@dataclass(frozen=True)
class Incoming:
    """A request as it came from the socket; header names are in lower case."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Write:
    """A request that was meant to change something."""

    org: str
    method: str
    path: str
    raw: bytes
    status: int

    @cached_property
    def body(self) -> Json:
        """What was sent: as JSON where it is JSON, else as text."""
        try:
            return json.loads(self.raw) if self.raw else None
        except ValueError:
            return self.raw.decode("utf-8", "replace")


@dataclass(frozen=True)
class Outcome:
    """What goes back over the socket; without an answer the connection is reset."""

    answer: Answer | None
    headers: tuple[tuple[str, str], ...] = ()
    cut: bool = False


@dataclass
class Service:
    """All orgs of one sandbox and the record of what was asked of them."""

    orgs: dict[str, SandboxOrg] = field(default_factory=dict)
    faults: Faults = field(default_factory=Faults)
    requests: Counter[Seen] = field(default_factory=Counter)
    writes: list[Write] = field(default_factory=list)
    latency: float = 0.0
    closing: Event = field(default_factory=Event)
    lock: Lock = field(default_factory=Lock)

    def perform(self, incoming: Incoming) -> Outcome:
        """Carry out one request."""
        match = _ROUTER.find(incoming.method, incoming.path)
        incoming = replace(incoming, path=unquote(incoming.path))
        try:
            org = self._org_of(incoming, match)
        except Rejected as refused:
            return self._done("", incoming, match, Outcome(refused.answer))
        limit = self.faults.limit_of(org.name, incoming.path)
        if limit is not None and not limit.spend():
            outcome = Outcome(_plain(429), limit.headers())
            return self._done(org.name, incoming, match, outcome)
        outcome = self._answered(org, incoming, match)
        told = limit.headers() if limit is not None else ()
        outcome = replace(outcome, headers=told + outcome.headers)
        return self._done(org.name, incoming, match, outcome)

    def _org_of(self, incoming: Incoming, match: Match) -> SandboxOrg:
        api_key = incoming.headers.get("dd-api-key")
        app_key = incoming.headers.get("dd-application-key")
        needs_app_key = match.route is None or match.route.app_key
        if not api_key or (needs_app_key and not app_key):
            raise reject(401, "Unauthorized")
        for org in self.orgs.values():
            if org.api_key == api_key and (not needs_app_key or org.app_key == app_key):
                if needs_app_key and _is_disabled(org):
                    break
                return org
        raise reject(403, "Forbidden")

    def _answered(self, org: SandboxOrg, incoming: Incoming, match: Match) -> Outcome:
        params = read_query(incoming.query)
        asked = Request(org.name, incoming.method, incoming.path, incoming.query, params)
        faults = self.faults.take(asked)
        self.closing.wait(self.latency + sum(fault.latency for fault in faults))
        self.closing.wait(sum(fault.stall for fault in faults if not fault.after))
        before = next((f for f in faults if f.answers and not f.after), None)
        if before is not None:
            return _struck(before)
        outcome = Outcome(self._handled(org, incoming, match, asked, faults))
        self.closing.wait(sum(fault.stall for fault in faults if fault.after))
        after = next((f for f in faults if f.answers and f.after), None)
        outcome = _struck(after) if after is not None else outcome
        return replace(outcome, cut=any(fault.cut for fault in faults))

    def _handled(
        self,
        org: SandboxOrg,
        incoming: Incoming,
        match: Match,
        asked: Request,
        struck: tuple[Fault, ...],
    ) -> Answer:
        try:
            route = _route(match)
            body = self.faults.stored(asked, _sent(incoming), struck)
            call = Call(
                org,
                incoming.method,
                incoming.path,
                match.params,
                dict(asked.params),
                body,
                incoming.headers.get("user-agent", ""),
                struck,
            )
            with org.lock:
                return _frozen(org, call, route.handle(call))
        except Rejected as refused:
            return refused.answer

    def _done(self, org: str, incoming: Incoming, match: Match, outcome: Outcome) -> Outcome:
        template = match.route.template if match.route else "-"
        status = outcome.answer.status if outcome.answer else 0
        with self.lock:
            self.requests[(org, incoming.method, template, status)] += 1
            if incoming.method != "GET":
                write = Write(org, incoming.method, incoming.path, incoming.body, status)
                self.writes.append(write)
        return outcome


def _is_disabled(org: SandboxOrg) -> bool:
    """Whether the keys' owner was disabled, which takes the application key's power."""
    owner = org.table("users").get(org.owner)
    return owner is not None and bool(owner["attributes"].get("disabled"))


def encoded(answer: Answer) -> bytes:
    """Return the bytes of an answer's body."""
    if answer.raw is not None:
        return answer.raw
    if answer.body is None:
        return b""
    return json.dumps(answer.body, separators=(",", ":")).encode()


def _frozen(org: SandboxOrg, call: Call, answer: Answer) -> Answer:
    # Bodies are live rows: they become bytes before the lock is given up.
    body = org.view(answer.body) if call.method == "GET" else answer.body
    return replace(answer, raw=encoded(replace(answer, body=body)))


def _route(match: Match) -> Route:
    if match.route is None:
        raise reject(405, "Method Not Allowed") if match.known_path else reject(404, "Not found")
    return match.route


def _sent(incoming: Incoming) -> Json:
    if not incoming.body:
        return None
    try:
        return json.loads(incoming.body)
    except ValueError:
        raise reject(400, "Invalid JSON in the request body") from None


def _plain(status: int) -> Answer:
    return Answer({"errors": [_USUAL_TEXTS.get(status, "Internal error")]}, status)


def _struck(fault: Fault) -> Outcome:
    headers = tuple(fault.headers.items())
    if fault.reset:
        return Outcome(None)
    if fault.html:
        status = fault.status or 200
        return Outcome(Answer(raw=_LOGIN, status=status, content_type="text/html"), headers)
    if fault.raw is not None:
        return Outcome(Answer(raw=fault.raw, status=fault.status or 200), headers)
    answer = _plain(fault.status)
    if fault.body is not None:
        answer = replace(answer, body=fault.body)
    if fault.status == 429:
        named = {name.lower() for name in fault.headers}
        usual = rate_headers(1, 1, 0, 1, "sandbox")
        headers += tuple(pair for pair in usual if pair[0].lower() not in named)
    return Outcome(answer, headers)
