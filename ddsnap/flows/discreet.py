"""What goes into the journal, without the secrets that a run knows or that give themselves away."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.secrets import Known, scrub
from ddsnap.errors import UnstorableError
from ddsnap.flows.messages import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.run import Run

_LONGEST: Final = 500
"""A server may answer a page of HTML."""


@dataclass(frozen=True)
class Discreet:
    """A filter that knows the secrets of a run."""

    known: Known

    @classmethod
    def of(cls, run: Run) -> Discreet:
        """Know what the run knows."""
        return cls(run.guard.known)

    def line(self, text: str) -> str:
        """Return a message as one line of sane length."""
        told = one_line(scrub(text, self.known.values))
        return told if len(told) <= _LONGEST else f"{told[: _LONGEST - 1]}…"

    def value(self, value: JSON) -> JSON:
        """Return any value, each text in it filtered."""
        if isinstance(value, str):
            return scrub(value, self.known.values)
        if isinstance(value, dict):
            return {str(self.value(name)): self.value(member) for name, member in value.items()}
        return [self.value(element) for element in value] if isinstance(value, list) else value

    def outcome(self, outcome: Outcome) -> Outcome:
        """Return an outcome whose messages, and what the server made of it, are filtered."""
        action = outcome.action
        unresolved = tuple(replace(u, text=self.line(u.text)) for u in action.unresolved)
        reasons = tuple(map(self.line, action.reasons))
        patch = tuple(
            {str(name): self._masked(member) for name, member in operation.items()}
            for operation in action.patch
        )
        title = self.line(action.title)
        told = replace(action, title=title, patch=patch, reasons=reasons, unresolved=unresolved)
        settled = tuple(
            {str(name): self.value(member) for name, member in operation.items()}
            for operation in outcome.settled
        )
        return replace(outcome, action=told, error=self.line(outcome.error), settled=settled)

    def holds(self, data: bytes) -> bool:
        """Whether a secret that the run knows stands in a file."""
        return self.known.maybe_in(data)

    def file(self, path: str, data: bytes) -> bytes:
        """Return a file without the secrets that the run knows."""
        if not self.holds(data):
            return data
        if path.endswith(".json"):
            return canonical.encode(self._masked(canonical.decode(data)))
        return _replaced(data.decode(), self.known).encode()

    def _masked(self, value: JSON) -> JSON:
        if isinstance(value, str):
            return _replaced(value, self.known)
        if isinstance(value, dict):
            masked: JSONObject = {
                _replaced(name, self.known): self._masked(member) for name, member in value.items()
            }
            return masked
        return [self._masked(element) for element in value] if isinstance(value, list) else value


def read_lines(data: bytes) -> Iterator[JSON]:
    """Yield the values of a file of lines; the last one may have been cut off in the middle."""
    for line in data.split(b"\n")[:-1]:
        with suppress(UnstorableError):
            yield canonical.decode(line)


def _replaced(text: str, known: Known) -> str:
    for secret in sorted(known.values, key=len, reverse=True):
        text = text.replace(secret, "***")
    return text
