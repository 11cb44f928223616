"""A runner's clock may be wrong: what changed is judged by the server's."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest

from ddsnap.flows.capture import capture
from ddsnap.flows.read_org import Scope

if TYPE_CHECKING:
    from orgs import Backup

    from ddsnap.flows.outcome import CaptureResult

LONG = 10_000 * 86400.0


def capture_at(backup: Backup, skew: timedelta) -> CaptureResult:
    """Capture with a clock that is wrong by ``skew``."""
    with backup.run() as run:
        wrong = replace(run, clock=lambda: datetime.now(timezone.utc) + skew)
        return capture(wrong, Scope(backup.catalog.names, full_every=LONG))


@pytest.mark.parametrize("hours", [-1, 1, 24 * 365])
def test_an_edit_is_not_missed_by_a_clock_that_is_wrong(backup: Backup, hours: int) -> None:
    """The second edit leaves the hint as it is, as within one second: a fresh hint decides."""
    dashboard = next(iter(backup.org.resources("dashboards").values()))
    soon = datetime.now(timezone.utc) + timedelta(minutes=1)  # however long the reading takes
    dashboard["modified_at"] = soon.isoformat()
    capture_at(backup, timedelta(hours=hours))
    dashboard["widgets"][0]["definition"]["title"] = "edited right after it was read"
    result = capture_at(backup, timedelta(hours=hours))
    assert [change.address.id for change in result.changes] == [dashboard["id"]]


@pytest.mark.parametrize("hours", [-1, 1])
def test_the_journal_tells_the_server_s_time(backup: Backup, hours: int) -> None:
    before = time.time()
    capture_at(backup, timedelta(hours=hours))
    record = json.loads(backup.git("show", f"journal/{backup.org.name}:run.json"))
    times = list(record["read_at"].values())
    assert set(record["read_at"]) == set(backup.catalog.names)
    assert before - 1 <= min(times) <= max(times) <= time.time()


def test_without_a_date_the_own_clock_counts(backup: Backup) -> None:
    with backup.run() as run:
        noon = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
        assert replace(run, clock=lambda: noon).read_time() == noon.timestamp()
