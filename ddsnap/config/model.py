"""What ``ddsnap.yaml`` says, as values."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.values import JSON


def _nothing() -> Mapping[str, JSON]:
    return MappingProxyType({})


@dataclass(frozen=True)
class Reference:
    """Where a key is to be found: ``env:NAME``, ``file:PATH`` or ``command:...``."""

    kind: Literal["env", "file", "command"]
    target: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.target}"


@dataclass(frozen=True)
class Org:
    """A Datadog organization and how to reach it; ``site`` or ``api_url``, never both."""

    name: str
    site: str = ""
    api_url: str = ""
    public_id: str = ""
    api_key: Reference | None = None
    app_key: Reference | None = None


@dataclass(frozen=True)
class Capture:
    """What a capture takes, and how hard it works."""

    types: tuple[str, ...] = ("all",)
    exclude: tuple[str, ...] = ()
    filters: tuple[str, ...] = ()
    concurrency: int = 16
    full_every: float = 7 * 86400.0
    """Seconds within which everything is read once."""


@dataclass(frozen=True)
class DeleteLimit:
    """How many deletions a replay may make: a count, or a share of what is there."""

    count: int | None = 20
    percent: float | None = None

    def of(self, present: int) -> int:
        """Return the limit where ``present`` resources are there."""
        if self.percent is not None:
            return int(present * self.percent / 100)
        return self.count or 0

    def __str__(self) -> str:
        return f"{self.percent:g}%" if self.percent is not None else str(self.count)


@dataclass(frozen=True)
class Replay:
    """What a replay applies, and how much it may delete."""

    transforms: tuple[str, ...] = ("all",)
    max_deletes: DeleteLimit = field(default_factory=DeleteLimit)


@dataclass(frozen=True)
class Journal:
    """Whether each unchanged run is recorded, or one a day."""

    unchanged: str = "always"


@dataclass(frozen=True)
class Secrets:
    """Where secrets are supplied from, and the verdicts on what looks like one (TYPE:POINTER)."""

    file: str = ""
    allow: tuple[str, ...] = ()
    redact: tuple[str, ...] = ()


@dataclass(frozen=True)
class Http:
    """Patience with the API, in seconds and attempts."""

    connect: float = 10.0
    read: float = 60.0
    total: float = 900.0
    retries: int = 8


@dataclass(frozen=True)
class Config:
    """``ddsnap.yaml``, checked. Paths in it are relative to the folder of ``file``."""

    version: int
    file: str = "ddsnap.yaml"
    remote: str = "origin"
    orgs: Mapping[str, Org] = field(default_factory=dict)
    capture: Capture = field(default_factory=Capture)
    replay: Replay = field(default_factory=Replay)
    journal: Journal = field(default_factory=Journal)
    secrets: Secrets = field(default_factory=Secrets)
    http: Http = field(default_factory=Http)
    types: Mapping[str, JSON] = field(default_factory=_nothing)
    """Further resource types, or additions to the built-in ones, as they stand in the file."""
