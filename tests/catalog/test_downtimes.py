"""When a downtime can be written: what is over, what lasts, what is to come."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.requests import create_request, update_requests

DOWNTIMES = CATALOG["downtime_schedules"]
NOW = datetime(2026, 6, 10, 12, 0, tzinfo=timezone.utc)
PAST, SOON, LATER = "2026-06-10T10:00:00+00:00", "2026-06-10T14:00:00+00:00", "2027-01-01T00:00:00Z"


def downtime(schedule: dict[str, Any], message: str = "") -> dict[str, Any]:
    attributes = {"scope": "env:test", "monitor_identifier": {"monitor_tags": ["*"]},
                  "message": message, "schedule": schedule}  # fmt: skip
    return {"type": "downtime", "attributes": attributes}


def recurring(start: str | None, rrule: str = "FREQ=DAILY", duration: str = "1h") -> dict[str, Any]:
    one = {"start": start, "rrule": rrule, "duration": duration}
    return {"recurrences": [one], "timezone": "Europe/Paris"}


def created(schedule: dict[str, Any]) -> Any:
    body: Any = create_request(DOWNTIMES, downtime(schedule), now=NOW).body
    return body["data"]["attributes"]["schedule"]


def updated(wanted: dict[str, Any], present: dict[str, Any]) -> Any:
    requests = update_requests(DOWNTIMES, downtime(wanted), downtime(present), "d", now=NOW)
    body: Any = requests[0].body if requests else None
    return body and body["data"]["attributes"].get("schedule")


@pytest.mark.parametrize(
    ("schedule", "sent"),
    [
        ({"start": PAST, "end": SOON}, {"end": SOON}),
        ({"start": PAST}, {}),
        ({"start": SOON, "end": LATER}, {"start": SOON, "end": LATER}),
        ({}, {}),
    ],
)
def test_what_began_once_begins_now_and_keeps_its_end(schedule: Any, sent: Any) -> None:
    assert created(schedule) == sent


@pytest.mark.parametrize(
    ("start", "moved"),
    [
        ("2026-01-01T16:00:00", "2026-06-10T16:00:00"),  # 14:00 UTC is still to come
        ("2026-01-01T13:00:00", "2026-06-11T13:00:00"),  # 12:00 UTC, when it is over, is now
        ("2026-01-01T14:01:00", "2026-06-10T14:01:00"),  # in sixty seconds
        ("2026-06-11T09:00:00", "2026-06-11T09:00:00"),
        (None, None),
    ],
)
def test_what_recurs_begins_with_its_next_occurrence(start: Any, moved: Any) -> None:
    assert created(recurring(start))["recurrences"][0]["start"] == moved


def bridge(minutes: int) -> dict[str, Any]:
    once = "FREQ=DAILY;COUNT=1"
    return {"start": "2026-06-10T14:00:00", "duration": f"{minutes}m", "rrule": once}


@pytest.mark.parametrize(
    ("start", "duration", "minutes"),
    [
        ("2026-01-01T13:30:00", "1h", 30),
        ("2026-01-01T14:00:00", "1h", 60),
        ("2026-01-01T14:00:59", "1h", 60),  # before any request for it could arrive
        ("2026-01-01T13:00:30", "1h", 0),  # less than a minute is left
        ("2026-01-01T14:01:00", "1h", 0),  # it is still to come
    ],
)
def test_what_is_left_of_an_occurrence_is_bridged(start: str, duration: str, minutes: int) -> None:
    sent = created(recurring(start, duration=duration))["recurrences"]
    assert sent[:-1] == ([bridge(minutes)] if minutes else [])
    assert sent[-1]["rrule"] == "FREQ=DAILY"


def test_a_bridge_reaches_to_the_end_of_whatever_lasts_longest() -> None:
    both = [
        {"start": "2026-06-10T13:30:00", "rrule": "FREQ=DAILY;COUNT=1", "duration": "1h"},
        {"start": "2026-06-10T13:00:00", "rrule": "FREQ=WEEKLY", "duration": "2h"},
    ]
    sent = created({"recurrences": both, "timezone": "Europe/Paris"})["recurrences"]
    assert sent == [bridge(60), {**both[1], "start": "2026-06-17T13:00:00"}]


def test_what_is_over_makes_room_and_a_full_schedule_takes_no_bridge() -> None:
    lasting = recurring("2026-01-01T13:30:00")["recurrences"]
    over = recurring("2026-01-01T14:00:00", "FREQ=DAILY;COUNT=2")["recurrences"]
    four, zone = [*lasting, *lasting, *lasting, *lasting], {"timezone": "Europe/Paris"}
    assert len(created({"recurrences": [*four, *over], **zone})["recurrences"]) == 5
    sent = created({"recurrences": [*four, *lasting], **zone})["recurrences"]
    assert {one["rrule"] for one in sent} == {"FREQ=DAILY"}
    assert len(sent) == 5


def test_a_bridge_is_no_difference_and_stays_while_it_lasts() -> None:
    source = recurring("2026-01-01T13:30:00")
    there = created(source)
    for hours in (0, 0.4, 0.6, 30):
        now = NOW + timedelta(hours=hours)
        requests = update_requests(DOWNTIMES, downtime(source), downtime(there), "d", now=now)
        assert requests == []
    longer = recurring("2026-01-01T13:30:00", duration="2h")
    moved = {**there["recurrences"][1], "duration": "2h"}
    assert updated(longer, there)["recurrences"] == [bridge(30), moved]


def test_what_was_to_end_and_goes_on_there_is_left_alone() -> None:
    over = recurring("2026-01-01T14:00:00", "FREQ=DAILY;COUNT=2")
    assert updated(over, recurring("2026-01-01T14:00:00")) is None


def test_what_cannot_recur_any_more_is_sent_as_it_is() -> None:
    over = recurring("2026-01-01T14:00:00", "FREQ=DAILY;COUNT=2")
    assert created(over) == over
    assert created(recurring("soon")) == recurring("soon")
    assert created({"start": "soon"}) == {"start": "soon"}


def test_the_same_schedule_is_not_sent_again() -> None:
    there = downtime({"start": PAST, "end": SOON}, "old")
    requests = update_requests(
        DOWNTIMES, downtime({"start": PAST, "end": SOON}, "new"), there, "d", now=NOW
    )
    body: Any = requests[0].body
    assert "schedule" not in body["data"]["attributes"]
    assert body["data"]["attributes"]["message"] == "new"
    assert body["data"]["id"] == "d"


def test_a_schedule_that_comes_to_the_same_is_no_difference() -> None:
    moved = recurring("2026-03-01T14:00:00")
    assert updated(recurring("2026-01-01T14:00:00"), moved) is None
    counted = recurring("2026-06-01T14:00:00", "FREQ=DAILY;COUNT=20")
    assert updated(recurring("2026-06-03T14:00:00", "FREQ=DAILY;COUNT=18"), counted) is None


def test_the_start_of_what_lasts_is_not_moved() -> None:
    lasting = {"start": PAST, "end": SOON}
    assert updated({"start": PAST, "end": LATER}, lasting) == {"end": LATER}
    assert updated({"start": SOON, "end": LATER}, lasting) == {"end": LATER}
    lasting = recurring("2026-01-01T14:00:00")  # 12:00 to 13:00 UTC
    sent = updated(recurring("2026-01-01T15:00:00", duration="2h"), lasting)
    assert sent == recurring("2026-01-01T14:00:00", duration="2h")


def test_an_end_that_is_gone_is_said_to_be_gone() -> None:
    assert updated({"start": PAST}, {"start": PAST, "end": SOON}) == {"end": None}
    later = {"start": SOON, "end": LATER}
    assert updated({"start": SOON}, later) == {"start": SOON, "end": None}


def test_a_recurring_downtime_can_become_one_that_begins_now() -> None:
    lasting = recurring("2026-01-01T14:00:00")
    assert updated({"start": PAST}, lasting) == {"start": None}
    assert updated({"start": PAST, "end": LATER}, lasting) == {"end": LATER}


def test_what_lasts_is_not_written_for_the_sake_of_its_start() -> None:
    assert updated({"start": SOON}, {"start": PAST}) is None
    assert updated({"start": SOON, "end": LATER}, {"start": PAST, "end": LATER}) is None


def test_the_start_of_what_does_not_last_moves() -> None:
    resting = recurring("2026-01-01T09:00:00")
    sent = updated(recurring("2026-01-01T15:00:00"), resting)
    assert sent == recurring("2026-06-10T15:00:00")


@pytest.mark.parametrize("hours", range(0, 48, 5))
def test_nothing_is_sent_whenever_both_are_the_same(hours: int) -> None:
    now = NOW + timedelta(hours=hours)
    for schedule in ({"start": PAST, "end": SOON}, recurring("2026-01-01T14:00:00"), {}):
        one = downtime(schedule)
        assert update_requests(DOWNTIMES, one, one, "d", now=now) == []
