"""How long reading one by one takes: told once where it is long, and shown while it goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.flows.run import Run

LONG: Final = 30.0
"""From so many seconds on, somebody should know what is waited for."""


@dataclass
class Pace:
    """How far the reading of a type has come, and what rate limits let one expect of the rest."""

    run: Run
    type: ResourceType
    told: bool = False

    def __call__(self, done: int, total: int) -> None:
        """Take note that so many of the resources that are to be read one by one were."""
        requests, seconds = self.run.gateway.seconds_for(self.type, total - done)
        self.run.watch(self.type.name, done, total, seconds)
        if not self.told and seconds is not None and seconds > LONG:
            self.told = True
            about = {"requests": requests, "seconds": round(seconds)}
            self.run.sink("estimate", org=self.run.org, type=self.type.name, **about)
