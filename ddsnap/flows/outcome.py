"""What a capture found out, type by type, as values that messages and the journal are made of."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.core.manifest import TypeState

if TYPE_CHECKING:
    from ddsnap.api.session import RouteCount
    from ddsnap.core.values import Address
    from ddsnap.flows.live import Problem

ChangeKind: TypeAlias = Literal["added", "changed", "deleted", "expired", "touched", "left"]


@dataclass(frozen=True, slots=True)
class ResourceChange:
    """One resource that differs from the last snapshot.

    ``expired`` is gone because it was over, ``left`` went out of scope.
    """

    kind: ChangeKind
    address: Address
    title: str = ""
    by: str = ""
    """Who modified it last, where the API says so."""


@dataclass(frozen=True, slots=True)
class FoundSecret:
    """A secret that was taken out of a document, and that nobody has decided about."""

    address: Address
    title: str
    pointer: str
    why: str

    @property
    def place(self) -> str:
        """What ``secrets.allow`` or ``secrets.redact`` may hold to decide about the type."""
        return f"{self.address.type}:{self.pointer}"


@dataclass
class TypeOutcome:
    """What became of one type in a capture."""

    name: str
    state: TypeState = field(default_factory=lambda: TypeState("complete"))
    count: int = 0
    changes: list[ResourceChange] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    secrets: list[FoundSecret] = field(default_factory=list)
    unknown: Counter[str] = field(default_factory=Counter)
    """Fields that the declaration does not know, and in how many resources they stand."""
    refreshed: bool = True
    """Whether this run read the type at all."""
    narrowed: bool = False
    """Whether it read all that a narrower run was asked for; the state tells of earlier runs."""

    @property
    def troubled(self) -> bool:
        """Whether something of this type that this run should have read was not."""
        unread = self.state.state in ("partial", "stale") and not self.narrowed
        return (unread and self.refreshed) or bool(self.problems)


@dataclass
class CaptureResult:
    """A finished capture. ``commit`` is the snapshot in force, new or not."""

    org: str
    commit: str | None = None
    committed: bool = False
    types: dict[str, TypeOutcome] = field(default_factory=dict)
    new_fields: dict[str, Counter[str]] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    read_at: dict[str, float] = field(default_factory=dict)
    """When each type was last read as a whole, in seconds since 1970."""
    requests: dict[str, RouteCount] = field(default_factory=dict)
    seconds: float = 0.0
    named: frozenset[str] = frozenset()
    """The types that were asked for by name."""
    superseded: bool = False
    """Whether a run that started later had read all of it before this one was recorded."""
    pushed: bool | None = None
    """Whether the remote took it; ``None`` where that was not asked."""

    @property
    def changes(self) -> list[ResourceChange]:
        """Every change, in the order of the types."""
        return [change for outcome in self.types.values() for change in outcome.changes]

    @property
    def counts(self) -> Counter[str]:
        """How many changes there are of each kind."""
        return Counter(change.kind for change in self.changes)

    @property
    def secrets(self) -> list[FoundSecret]:
        """Every secret that nobody has decided about, in the order of the types."""
        return [found for outcome in self.types.values() for found in outcome.secrets]

    @property
    def partial(self) -> bool:
        """Whether something could not be read, or waits for a decision."""
        return any(
            outcome.troubled or outcome.secrets or self._withheld(outcome)
            for outcome in self.types.values()
        )

    def _withheld(self, outcome: TypeOutcome) -> bool:
        """Whether a type is not to be had although this run was asked for it by name."""
        named = outcome.refreshed and outcome.name in self.named
        return named and outcome.state.state == "unavailable"
