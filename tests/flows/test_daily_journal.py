"""Of the runs that find nothing changed one a day is enough, if that is asked; all else is kept."""

from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from ddsnap.errors import AuthError
from ddsnap.flows.capture import capture
from ddsnap.flows.read_org import Scope
from ddsnap.flows.run import new_run_id
from ddsnap.sandbox import Fault

DAY = datetime(2026, 11, 20, tzinfo=timezone.utc)


@pytest.fixture
def at(backup):
    """Capture at an hour of the first day; the value is how many runs are recorded then."""

    def capture_at(hour, *, daily=True, **scope):
        moment = DAY + timedelta(hours=hour)
        with backup.run() as run:
            timed = replace(run, clock=lambda: moment, daily=daily, id=new_run_id())
            capture(timed, Scope(backup.catalog.names, **scope))
        return backup.count("journal/us1")

    return capture_at


def rename(backup, title):
    next(iter(backup.org.table("monitors").values()))["name"] = title


def test_the_first_unchanged_run_of_a_day_is_recorded(backup, at):
    assert [at(hour) for hour in (1, 2, 3, 23, 24, 25, 49)] == [1, 2, 2, 2, 3, 3, 4]
    assert backup.count("snapshots/us1") == 1


def test_each_is_recorded_unless_that_is_asked(at):
    assert [at(hour, daily=False) for hour in (1, 2, 3)] == [1, 2, 3]


def test_a_run_that_changes_something_is_always_recorded(backup, at):
    recorded = []
    for hour in range(3):
        rename(backup, f"title {hour}")
        recorded.append(at(hour))
    assert recorded == [1, 2, 3]
    assert [at(hour) for hour in (4, 5)] == [4, 4]
    rename(backup, "another title")
    assert [at(hour) for hour in (6, 7, 8)] == [5, 5, 5]  # the day has its unchanged run


def test_a_run_that_read_something_else_is_recorded(at):
    narrow = {"only": frozenset({"monitors"})}
    assert [at(1), at(2), at(3, **narrow), at(4, **narrow), at(5)] == [1, 2, 3, 3, 3]


def test_trouble_and_the_end_of_it_are_recorded(backup, at):
    assert [at(1), at(2), at(3)] == [1, 2, 2]
    fault = backup.sandbox.faults.add(Fault(path="/api/v1/monitor$", status=403))
    assert [at(4), at(5)] == [3, 4]
    backup.sandbox.faults.remove(fault)
    assert [at(6), at(7), at(8)] == [5, 6, 6]
    fault = backup.sandbox.faults.add(Fault(status=401))
    with pytest.raises(AuthError):
        at(9)
    backup.sandbox.faults.remove(fault)
    assert [at(10), at(11)] == [8, 8]


def test_reading_goes_on_from_the_run_that_was_recorded(backup, at):
    at(1)
    for hour in range(2, 30, 3):
        rename(backup, "title") if hour == 20 else None
        at(hour)
    assert b'"title"' in backup.file(f"monitors/{next(iter(backup.org.table('monitors')))}.json")
