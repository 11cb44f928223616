"""Recurrences: the next one in local time, clock changes, and what is left of a rule."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.recurrence import Recurrence, moment


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("start", "rule", "zone", "now", "following"),
    [
        ("2026-01-01T09:00:00", "FREQ=DAILY", "UTC", "2026-03-05T09:00:00", "2026-03-05T09:00:00"),
        ("2026-01-01T09:00:00", "FREQ=DAILY", "UTC", "2026-03-05T09:00:01", "2026-03-06T09:00:00"),
        ("2030-01-01T09:00:00", "FREQ=DAILY", "UTC", "2026-03-05T09:00:00", "2030-01-01T09:00:00"),
        # 09:00 in Paris is 08:00 UTC in winter and 07:00 in summer.
        ("2026-01-01T09:00:00", "FREQ=DAILY", "Europe/Paris", "2026-02-01T07:30:00",
         "2026-02-01T09:00:00"),
        ("2026-01-01T09:00:00", "FREQ=DAILY", "Europe/Paris", "2026-07-01T07:30:00",
         "2026-07-02T09:00:00"),
        ("2026-01-05T22:00:00", "FREQ=WEEKLY;BYDAY=MO,TH", "America/New_York",
         "2026-11-01T00:00:00", "2026-11-02T22:00:00"),
        ("2026-01-31T01:00:00", "FREQ=MONTHLY;BYMONTHDAY=-1", "UTC", "2026-02-01T00:00:00",
         "2026-02-28T01:00:00"),
        ("2026-01-01T09:00:00Z", "FREQ=DAILY", "Asia/Tokyo", "2026-01-02T00:00:00",
         "2026-01-02T18:00:00"),
    ],
)  # fmt: skip
def test_the_next_one_is_found_in_local_time(
    start: str, rule: str, zone: str, now: str, following: str
) -> None:
    rest = Recurrence.parse(start, rule, "1h", zone).next_after(at(now))
    assert rest is not None
    assert rest.start == datetime.fromisoformat(following)


@pytest.mark.parametrize(
    "rule", ["FREQ=DAILY;COUNT=3", "FREQ=DAILY;UNTIL=20260104", "FREQ=DAILY;UNTIL=20260103T090000Z"]
)
def test_a_rule_that_has_ended_has_no_next_one(rule: str) -> None:
    recurrence = Recurrence.parse("2026-01-01T09:00:00", rule, "1h", "UTC")
    assert recurrence.next_after(at("2026-01-03T09:00:00")) is not None
    assert recurrence.next_after(at("2026-01-04T09:00:01")) is None


def test_a_count_is_lowered_by_what_is_over() -> None:
    recurrence = Recurrence.parse("2026-01-01T09:00:00", "FREQ=DAILY;COUNT=10", "1h", "UTC")
    rest = recurrence.next_after(at("2026-01-04T00:00:00"))
    assert rest is not None
    assert rest.rule == "FREQ=DAILY;COUNT=7"


def test_it_lasts_between_its_start_and_its_end() -> None:
    recurrence = Recurrence.parse("2026-01-01T09:00:00", "FREQ=DAILY", "2h", "Europe/Paris")
    assert recurrence.lasts_at(at("2026-07-05T07:00:00"))
    assert recurrence.lasts_at(at("2026-07-05T08:59:59"))
    assert not recurrence.lasts_at(at("2026-07-05T09:00:00"))
    assert not recurrence.lasts_at(at("2026-07-05T06:59:59"))


def test_what_lasts_ends_with_the_last_of_what_overlaps() -> None:
    recurrence = Recurrence.parse("2026-01-01T09:00:00", "FREQ=DAILY", "30h", "UTC")
    assert recurrence.end_at(at("2026-01-01T10:00:00")) == at("2026-01-02T15:00:00")
    assert recurrence.end_at(at("2026-01-02T10:00:00")) == at("2026-01-03T15:00:00")
    assert recurrence.end_at(at("2026-01-01T08:00:00")) is None


@pytest.mark.parametrize(
    ("rule", "end"),
    [
        ("FREQ=DAILY;COUNT=3", "2026-01-03T11:00:00"),
        ("FREQ=DAILY;UNTIL=20260104T090000Z", "2026-01-04T11:00:00"),
        ("FREQ=DAILY;UNTIL=20251231", "2026-01-01T09:00:00"),
        ("FREQ=DAILY", None),
        ("FREQ=SECONDLY;COUNT=1000000", None),  # nobody walks through all of them
    ],
)
def test_it_ends_with_its_last_occurrence(rule: str, end: str | None) -> None:
    recurrence = Recurrence.parse("2026-01-01T09:00:00", rule, "2h", "UTC")
    assert recurrence.end() == (at(end) if end else None)


@pytest.mark.parametrize(
    ("start", "rule", "duration", "zone"),
    [
        ("soon", "FREQ=DAILY", "1h", "UTC"),
        ("2026-01-01T09:00:00", "FREQ=DAILY", "an hour", "UTC"),
        ("2026-01-01T09:00:00", "FREQ=DAILY", "1h", "Mars/Olympus"),
        ("2026-01-01T09:00:00", "FREQ=NEVER", "1h", "UTC"),
        ("2026-01-01T09:00:00", "daily", "1h", "UTC"),
        ("2026-01-01T09:00:00", "", "1h", "UTC"),
        ("2026-01-01T09:00:00", "FREQ=DAILY;COUNT=few", "1h", "UTC"),
        ("2026-01-01T09:00:00", "FREQ=DAILY;UNTIL=20269999", "1h", "UTC"),
    ],
)
def test_another_form_is_refused(start: str, rule: str, duration: str, zone: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Recurrence.parse(start, rule, duration, zone)


@settings(max_examples=60, deadline=None)
@given(
    start=st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31)),
    days=st.integers(0, 500),
    rule=st.sampled_from(["FREQ=DAILY", "FREQ=WEEKLY;INTERVAL=2", "FREQ=DAILY;COUNT=600"]),
    zone=st.sampled_from(["UTC", "Europe/Paris", "America/St_Johns"]),
)
def test_what_is_left_goes_on_as_the_whole_would(
    start: datetime, days: int, rule: str, zone: str
) -> None:
    whole = Recurrence(start.replace(microsecond=0), rule, timedelta(hours=1), zone)
    time = whole.aware(whole.start) + timedelta(days=days)
    rest = whole.next_after(time)
    assert rest is not None
    assert rest.aware(rest.start) >= time
    later = time + timedelta(days=40)
    assert rest.next_after(later) == whole.next_after(later)


def test_times_are_read_as_the_api_writes_them() -> None:
    assert moment("2026-01-01T09:00:00Z") == at("2026-01-01T09:00:00")
    assert moment("2026-01-01T09:00:00").tzinfo is None
