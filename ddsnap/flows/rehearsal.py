"""What a rehearsal takes from the real org, which is only read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.flows.ground import check_ground
from ddsnap.flows.takeover import refuse_cut_off
from ddsnap.flows.view import live_view

if TYPE_CHECKING:
    from ddsnap.api.identity import OrgIdentity as Keys
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.prepared import Order
    from ddsnap.flows.run import Run
    from ddsnap.flows.view import View


_STATUS: Final = {"unavailable": 403, "stale": 400}


@dataclass(frozen=True)
class Scene:
    """An org as it is now, and whom its keys belong to."""

    keys: Keys
    view: View
    reading: CaptureResult
    warnings: tuple[str, ...]
    locations: tuple[str, ...]
    """The locations of tests that Datadog has there; none where they could not be listed."""

    @property
    def closed(self) -> dict[str, int]:
        """The types whose listing the org did not give, and the HTTP status that leads to the same.

        A rehearsal must not see more than a replay would.
        """
        states = {name: found.state for name, found in self.view.manifest.types.items()}
        return {name: _STATUS[state] for name, state in states.items() if state in _STATUS}


def look(run: Run, order: Order) -> Scene:
    """Read all of the org. Raises ``Refused`` where a replay into it would be."""
    refuse_cut_off(run.repo, run.org)
    keys = run.gateway.identity()
    warnings = check_ground(run, order, keys)
    view, reading = live_view(run, order.scope)
    locations = tuple(sorted(run.gateway.beside().get("locations", ())))
    return Scene(keys, view, reading, (*warnings, *reading.warnings), locations)
