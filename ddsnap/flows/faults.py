"""What verifying finds: things that should not be so, and how much was looked at."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Fault:
    """Something in the repository that should not be so."""

    commit: str
    path: str
    reason: str


@dataclass
class Checked:
    """How much was looked at; ``notes`` say what could not be, though nothing is wrong with it."""

    commits: int = 0
    documents: int = 0
    requests: int = 0
    """Requests of past replays that were recomputed."""
    notes: list[str] = field(default_factory=list)
