"""What became of each action of a plan, as the journal keeps it: what was sent, and its result."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from ddsnap.core import canonical, shapes
from ddsnap.core.recorded_action import read_action
from ddsnap.errors import Damaged, UnstorableError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ddsnap.core.actions import Action
    from ddsnap.core.values import JSON, Address, JSONObject

Status: TypeAlias = Literal[
    "done",
    "unchanged",
    "failed",
    "blocked",
    "similar",
    "ambiguous",
    "deferred",
    "moved",
    "not reached",
]
STATUSES: Final[tuple[Status, ...]] = (
    "done", "unchanged", "failed", "blocked", "similar", "ambiguous", "deferred", "moved",
    "not reached",
)  # fmt: skip
SETTLED: Final = ("done", "unchanged", "deferred")
"""Those of which nothing is left to be done, be it that Datadog itself will see to it."""


@dataclass(frozen=True, slots=True)
class Sent:
    """One request that was sent, and what it was answered; never what its body or answer held.

    ``digest`` is the SHA-256 of its canonical body with markers in the place of secrets.
    """

    method: str
    route: str
    path: str
    status: int
    digest: str
    purpose: str

    def to_json(self) -> JSONObject:
        """Return it as it is recorded."""
        return {
            "method": self.method,
            "route": self.route,
            "path": self.path,
            "status": self.status,
            "digest": self.digest,
            "purpose": self.purpose,
        }

    @classmethod
    def from_json(cls, body: JSONObject) -> Sent:
        """Read it back. Raises ``Damaged``."""
        return cls(
            shapes.text(body, "method"),
            shapes.text(body, "route"),
            shapes.text(body, "path"),
            shapes.number(body, "status"),
            shapes.text(body, "digest"),
            shapes.text(body, "purpose"),
        )


@dataclass(frozen=True)
class Outcome:
    """What became of an action. ``to`` is the resource's id at the destination.

    ``settled`` are the RFC 6902 operations that lead from what was written to what the server made
    of it.
    """

    action: Action
    status: Status
    to: str = ""
    error: str = ""
    requests: tuple[Sent, ...] = ()
    settled: tuple[JSONObject, ...] = ()

    @property
    def result(self) -> str:
        """What people call it: what was done, or why it was not."""
        if self.status == "done":
            return _DONE.get(self.action.kind, self.status)
        return self.status

    @property
    def wrote(self) -> bool:
        """Whether it changed the destination, wholly or in part."""
        if self.status == "done":  # whatever was not refused had its effect
            return any(not 300 <= sent.status < 500 for sent in self.requests)
        return any(200 <= sent.status < 300 for sent in self.requests)

    @property
    def may_have_written(self) -> bool:
        """Whether a request had an effect, for all that its answer tells; a refusal says no."""
        return any(not 300 <= sent.status < 500 for sent in self.requests)

    def to_json(self) -> JSONObject:
        """Return it as it is recorded: the action, with ``to`` as it came out, not as planned."""
        return {
            **self.action.to_json(),
            "planned": self.action.to,
            "to": self.to,
            "status": self.status,
            "error": self.error,
            "requests": [sent.to_json() for sent in self.requests],
            "settled": list(self.settled),
        }

    @classmethod
    def from_json(cls, body: JSONObject) -> Outcome:
        """Read it back. Raises ``Damaged``."""
        action = read_action({**body, "to": shapes.text(body, "planned")})
        return cls(
            action,
            shapes.one_of(body, "status", STATUSES),
            shapes.text(body, "to"),
            shapes.text(body, "error"),
            tuple(map(Sent.from_json, shapes.objects(body, "requests"))),
            shapes.objects(body, "settled"),
        )


_DONE: Final = {"create": "created", "update": "updated", "adopt": "adopted", "delete": "deleted"}
RESULTS: Final = (*_DONE.values(), *STATUSES)
"""Every ``result``, in the order in which they are told."""


def counts(outcomes: Iterable[Outcome]) -> dict[str, int]:
    """Return how many outcomes there are of each result, in the order in which they are told."""
    found = Counter(outcome.result for outcome in outcomes)
    return {result: found[result] for result in RESULTS if found[result]}


def in_words(outcomes: Iterable[Outcome]) -> str:
    """Return the counts as people read them: an adoption is one, whether it wrote or not."""
    told = [*outcomes]
    adopted = [o for o in told if o.action.kind == "adopt" and o.status in ("done", "unchanged")]
    found = Counter(o.result for o in told)
    found["unchanged"] -= sum(o.status == "unchanged" for o in adopted)
    found["adopted"] = len(adopted)
    changed = sum(o.status == "done" and bool(o.requests) for o in adopted)
    notes = {"adopted": f" ({changed} of them changed)" if changed else ""}
    shown = (result for result in RESULTS if found[result])
    return ", ".join(f"{found[result]} {result}{notes.get(result, '')}" for result in shown)


def renamed(outcomes: Iterable[Outcome]) -> dict[Address, str]:
    """Return what Datadog would not undelete and is another one now, with its new id."""
    return {
        outcome.action.address: outcome.to
        for outcome in outcomes
        if outcome.action.undeletes and outcome.to not in ("", outcome.action.to)
    }


def write_line(value: JSON) -> bytes:
    """Return a value as one line of NDJSON, in the one form that a line has."""
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text.encode() + b"\n"


def write_outcomes(outcomes: Iterable[Outcome]) -> bytes:
    """Return outcomes as lines."""
    return b"".join(write_line(outcome.to_json()) for outcome in outcomes)


def read_outcomes(data: bytes) -> Iterator[Outcome]:
    """Yield outcomes from their lines. Raises ``Damaged`` with the number of the bad line."""
    *lines, rest = data.split(b"\n")
    for nth, line in enumerate(lines, 1):
        yield _read_line(line, f"line {nth}")
    if rest:
        raise Damaged(f"line {len(lines) + 1} is cut")


def read_actions(data: bytes) -> Iterator[Action]:
    """Yield the actions of outcomes that were only told, as planned. Raises ``Damaged``."""
    for line in data.splitlines():
        try:
            body = shapes.as_object(canonical.decode(line), "it")
        except UnstorableError as error:
            raise Damaged(error.message) from None
        yield read_action({**body, "to": shapes.text(body, "planned")})


def _read_line(line: bytes, where: str) -> Outcome:
    try:
        outcome = Outcome.from_json(shapes.as_object(canonical.decode(line), "it"))
        if write_line(outcome.to_json()) == line + b"\n":
            return outcome
    except (Damaged, UnstorableError) as error:
        raise Damaged(f"{where}: {error.message}") from None
    raise Damaged(f"{where}: it is not in canonical form")
