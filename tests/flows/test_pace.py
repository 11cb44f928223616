"""How long a run takes by its rate limits: said once where it is long, and never guessed."""

import time
from dataclasses import replace

import pytest

from ddsnap.errors import ApiError
from ddsnap.flows.capture import capture
from ddsnap.flows.read_org import Scope


class EnoughError(ApiError):
    """What the test waited for has happened."""


@pytest.fixture
def observed(backup):
    """Capture dashboards until the first estimate; the value is what was told until then."""

    def observe(*types):
        events, watched = [], []

        def sink(event, /, **told):
            events.append((event, told))
            if event == "estimate":
                raise EnoughError("told")

        with backup.run() as run:
            told = replace(run, sink=sink, watch=lambda *now: watched.append(now))
            capture(told, Scope(types, full=True))
        return [told for event, told in events if event == "estimate"], watched

    return observe


def test_a_capture_that_limits_make_long_says_how_long(backup, observed):
    boards = len(backup.org.table("dashboards"))
    backup.sandbox.faults.limit("us1", 3, 1000, name="boards", path="/api/v1/dashboard/")
    began = time.time()
    (told,), watched = observed("dashboards")
    assert time.time() - began < 20
    assert (told["org"], told["type"]) == ("us1", "dashboards")
    assert told["requests"] == boards - 1
    windows = (boards - 1) / 3
    assert (windows - 2) * 1000 < told["seconds"] < (windows + 1) * 1000
    name, done, total, seconds = watched[-1]
    assert (name, done, total) == ("dashboards", 1, boards)
    assert seconds == pytest.approx(told["seconds"], abs=2)


def test_nothing_is_said_of_what_is_short(backup, observed):
    boards = len(backup.org.table("dashboards"))
    backup.sandbox.faults.limit("us1", 10 * boards, 3600, name="boards", path="/dashboard/")
    told, watched = observed("dashboards", "logs_metrics")
    assert told == []
    assert [now[1:3] for now in watched] == [(n, boards) for n in range(1, boards + 1)]
    assert {seconds for *_, seconds in watched} == {0.0}


def test_where_no_limit_is_known_nothing_is_guessed(observed):
    told, watched = observed("dashboards")
    assert told == []
    assert {seconds for *_, seconds in watched} == {None}
