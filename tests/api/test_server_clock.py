"""What time it is at the server, from the dates of its answers."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import format_datetime

import pytest

from ddsnap.api.server_clock import ServerClock

NOON = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)


def date(time: datetime = NOON) -> dict[str, str]:
    return {"Date": format_datetime(time, usegmt=True)}


def test_nothing_is_known_before_an_answer_tells_it() -> None:
    assert ServerClock(lambda: 5.0).now() is None


def test_the_time_goes_on_from_the_latest_answer() -> None:
    local = [100.0]
    clock = ServerClock(lambda: local[0])
    clock.note(date())
    local[0] += 7.5
    assert clock.now() == NOON.timestamp() + 7.5
    clock.note(date(datetime(2026, 11, 21, 11, tzinfo=timezone.utc)))
    assert clock.now() == NOON.timestamp() - 3600


@pytest.mark.parametrize("said", ["", "yesterday", "Sat, 99 Nov 2026 12:00:00 GMT", "0", "\x00"])
def test_a_date_that_says_nothing_changes_nothing(said: str) -> None:
    clock = ServerClock(lambda: 0.0)
    clock.note({"Date": said})
    assert clock.now() is None
    clock.note(date())
    clock.note({"Date": said})
    clock.note({})
    assert clock.now() == NOON.timestamp()


def test_a_date_without_a_zone_is_utc() -> None:
    clock = ServerClock(lambda: 0.0)
    clock.note({"Date": "Sat, 21 Nov 2026 12:00:00 -0000"})
    assert clock.now() == NOON.timestamp()


def test_a_session_learns_the_time_and_is_never_ahead_of_it(server, say, connect) -> None:
    server.script = [say(body={})]
    session = connect()
    assert session.server_time() is None
    before = time.time()
    session.request("GET", "/api/v1/thing", "/api/v1/thing")
    told = session.server_time()
    assert before - 1 <= told <= time.time()
