"""What every run against an org is given, and what it tells while it goes."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from ddsnap.flows.guard import Guard
from ddsnap.flows.heirs import Heirs

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.api.gateway import Gateway
    from ddsnap.core.resource_type import Catalog
    from ddsnap.store.repository import Repository


class Sink(Protocol):
    """Where a run's events go: to a terminal, to a log, or nowhere."""

    def __call__(self, event: str, /, **fields: object) -> None:
        """Take one event."""


class Watch(Protocol):
    """What shows how far the reading of a type one by one has come."""

    def __call__(self, name: str, done: int, total: int, seconds: float | None, /) -> None:
        """Take how many were read, of how many, and how long the rest takes if that is known."""


def unwatched(_name: str, _done: int, _total: int, _seconds: float | None) -> None:
    """A watch that nobody looks at."""


def silent(_event: str, /, **_fields: object) -> None:
    """A sink that drops every event."""


def new_run_id() -> str:
    """Return a name that no other run has."""
    return uuid.uuid4().hex


@dataclass(frozen=True, slots=True)
class Author:
    """By whom a run was started."""

    user: str
    host: str
    version: str


@dataclass(frozen=True)
class Run:
    """One run against one org. ``arguments`` hold no secrets; ``clock`` tells UTC."""

    repo: Repository
    gateway: Gateway
    catalog: Catalog
    org: str
    site: str
    clock: Callable[[], datetime]
    author: Author
    public_id: str = ""
    """The org that the configuration pins, if it does."""
    arguments: tuple[str, ...] = ()
    sink: Sink = field(default=silent)
    guard: Guard = field(default_factory=Guard)
    """What is done about secrets that no declaration names."""
    id: str = field(default_factory=new_run_id)
    """The run's name in the journal, and in the requests that it makes."""
    daily: bool = False
    """Whether of the runs that find nothing changed one a day is recorded, not each."""
    watch: Watch = field(default=unwatched)
    heirs: Heirs = field(default_factory=Heirs)
    """What its org's documents were before, or were made of."""

    def read_time(self) -> float:
        """Return the time (seconds since 1970) by the clock that dates changes: the server's."""
        told = self.gateway.server_time()
        return self.clock().timestamp() if told is None else told

    def latest_time(self) -> datetime:
        """Return a time before which is whatever the server has done for this run until now.

        The server's clock is known to the second at best, and early.
        """
        told, now = self.gateway.server_time(), self.clock()
        return max(now, datetime.fromtimestamp(told or 0, timezone.utc))

    @property
    def snapshots(self) -> str:
        """The branch of this org's snapshots."""
        return f"snapshots/{self.org}"

    @property
    def journal(self) -> str:
        """The branch of this org's runs."""
        return f"journal/{self.org}"
