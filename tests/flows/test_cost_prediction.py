"""The prediction and the capture agree at any time, whoever's turn it is then."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.api.gateway import Gateway
from ddsnap.flows import journal
from ddsnap.flows.capture import capture
from ddsnap.flows.cost import IDENTITY, predict
from ddsnap.flows.read_org import Scope
from ddsnap.flows.view import snapshot_view

if TYPE_CHECKING:
    from orgs import Backup

DAY = 86400.0


class At(Gateway):
    """A way to an org whose server has the time that the test says."""

    moment = 0.0

    def server_time(self) -> float:
        return self.moment


def cost_and_requests(backup: Backup, moment: float, **options: Any) -> tuple[int, int]:
    """What a capture at that time was said to cost, and what it cost."""
    with backup.run() as opened:
        gateway = At(opened.gateway._session, opened.catalog)
        gateway.moment = moment
        run = replace(opened, gateway=gateway)
        scope = Scope(options.pop("types", run.catalog.names), **options)
        tip = run.repo.branch(run.snapshots)
        view = snapshot_view(run.repo, tip, run.org) if tip else None
        read_at = journal.read_times(run, tip)
        costs = predict(view, run.catalog, scope, read_at=read_at, now=moment, guard=run.guard)
        said = IDENTITY + sum(cost.requests for cost in costs)
        result = capture(run, scope)
        return said, sum(route.requests for route in result.requests.values())


@pytest.mark.parametrize("hours", [1, 24, 24 * 6, 24 * 8])
def test_the_rotation_is_foreseen_to_the_resource(backup: Backup, hours: int) -> None:
    start = 1_800_000_000.0
    cost_and_requests(backup, start)
    costs = set()
    for step in range(1, 5):
        said, made = cost_and_requests(backup, start + step * hours * 3600)
        assert said == made
        costs.add(said)
    assert len(costs) > 1 or hours in (1, 24 * 8)


def test_a_narrowed_capture_costs_less(backup: Backup) -> None:
    cost_and_requests(backup, 1_800_000_000.0)
    only = frozenset({"monitors", "team_memberships"})
    said, made = cost_and_requests(backup, 1_800_000_100.0, only=only)
    assert said == made
    full, _ = cost_and_requests(backup, 1_800_000_200.0, full=True)
    assert said < full


def test_a_type_left_out_is_neither_read_nor_looked_through(backup: Backup) -> None:
    names = tuple(name for name in backup.catalog.names if name != "dashboards")
    cost_and_requests(backup, 1_800_000_000.0)
    cost_and_requests(backup, 1_800_000_100.0, types=names)
    said, made = cost_and_requests(backup, 1_800_000_200.0, types=names)
    assert said == made
