"""When a downtime can be written: never with a start in the past, never moved while it lasts.

Datadog refuses both ("Downtime cannot be scheduled in the past"). So a recurring downtime begins
with its next occurrence; what is left of one under way is a recurrence of its own, which happens
once: a bridge. It says nothing of what people decided, and is over by itself.
"""

from __future__ import annotations

from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.recurrence import Recurrence, moment
from ddsnap.core.values import clone

if TYPE_CHECKING:
    from datetime import datetime

    from ddsnap.core.values import JSON, JSONObject

_SCHEDULE: Final = "attributes.schedule"
_AHEAD: Final = timedelta(seconds=60)
"""A recurrence begins so long after it was computed, as the request takes a while."""
_ONCE: Final = "FREQ=DAILY;COUNT=1"
_MOST: Final = 5
"""Recurrences of one downtime."""


def timely(body: JSONObject, present: JSONObject | None, now: datetime) -> JSONObject:
    """Return the downtime with a start that can be written at ``now``.

    What began once begins now, what recurs with its next occurrence, and what is left of one under
    way is bridged. At the destination (``present``) a schedule that comes to the same stays, and so
    does a start that is past.
    """
    wanted, there = value_at(body, _SCHEDULE), value_at(present, _SCHEDULE)
    if not isinstance(wanted, dict):
        return body
    future = _changed(wanted, there, now) if isinstance(there, dict) else _new(wanted, now)
    return _scheduled(body, future)


def to_come(body: JSONObject, now: datetime) -> JSONObject:
    """Return the downtime as it goes on from ``now``, whenever it has begun."""
    schedule = value_at(body, _SCHEDULE)
    if not isinstance(schedule, dict):
        return body
    return _scheduled(body, _from_now(schedule, now))


def end(body: JSONObject) -> datetime | None:
    """Return when the last occurrence of a recurring downtime is over; ``None`` for never."""
    schedule = value_at(body, _SCHEDULE)
    if not isinstance(schedule, dict):
        return None
    read = [_read(one, schedule) for one in _recurrences(schedule)]
    ends = [one.end() if one else None for one in read]
    known = [moment for moment in ends if moment is not None]
    return max(known) if known and len(known) == len(ends) else None


def _scheduled(body: JSONObject, schedule: JSONObject) -> JSONObject:
    """Return the downtime with another schedule."""
    changed = clone(body)
    field_path(_SCHEDULE).put(changed, schedule)
    return changed


def _new(wanted: JSONObject, now: datetime) -> JSONObject:
    future = _from_now(wanted, now)
    if "recurrences" not in wanted:
        return future
    following = _recurrences(future)
    bridge = _bridge(wanted, now) if len(following) < _MOST else []
    recurrences: list[JSON] = [*bridge, *following]
    return {**future, "recurrences": recurrences} if recurrences else wanted


def _changed(wanted: JSONObject, there: JSONObject, now: datetime) -> JSONObject:
    future = _from_now(wanted, now)
    if canonical.same(wanted, there) or canonical.same(future, _from_now(there, now)):
        return there
    alike = ("recurrences" in wanted) == ("recurrences" in there)
    if alike and _lasts(there, now):
        future = _with_starts_of(there, wanted, now)
    if future.get("recurrences") == []:  # that nothing follows cannot be said
        return there
    # A start that is null is now; a schedule that says nothing is refused.
    return _ending(there, future) or {"start": None}


def _from_now(schedule: JSONObject, now: datetime) -> JSONObject:
    """Return what is to come of a schedule, without what is over."""
    if isinstance(schedule.get("recurrences"), list):
        return {**schedule, "recurrences": _each_from_now(schedule, now)}
    start = _time(schedule.get("start"))
    past = start is not None and start <= now
    return _without_start(schedule) if past else schedule


def _each_from_now(schedule: JSONObject, now: datetime) -> list[JSON]:
    moved: list[JSON] = []
    for one in _recurrences(schedule):
        recurrence = _read(one, schedule)
        if recurrence is None or recurrence.aware(recurrence.start) >= now + _AHEAD:
            moved.append(one)
        elif rest := recurrence.next_after(now + _AHEAD):
            start = rest.start.isoformat(timespec="seconds")
            moved.append({**one, "start": start, "rrule": rest.rule})
        elif recurrence.end() is None:  # nobody can tell
            moved.append(one)
    return moved


def _bridge(schedule: JSONObject, now: datetime) -> list[JSONObject]:
    """Return what is left of what lasts, or is about to begin, as a recurrence that happens once.

    Datadog counts in minutes, so the rest of the last one is lost.
    """
    read = [one for one in (_read(one, schedule) for one in _recurrences(schedule)) if one]
    soon = now + _AHEAD - timedelta.resolution  # what begins later follows by itself
    ends = [last for last in (one.end_at(soon) for one in read) if last]
    if not ends:
        return []
    minutes = (max(ends) - now) // timedelta(minutes=1)
    start = read[0].local(now).isoformat(timespec="seconds")
    return [{"start": start, "duration": f"{minutes}m", "rrule": _ONCE}]


def _lasts(schedule: JSONObject, now: datetime) -> bool:
    if "recurrences" in schedule:
        read = (_read(one, schedule) for one in _recurrences(schedule))
        return any(one.lasts_at(now) for one in read if one is not None)
    start, end = _time(schedule.get("start")), _time(schedule.get("end"))
    return (start is None or start <= now) and (end is None or now < end)


def _with_starts_of(there: JSONObject, wanted: JSONObject, now: datetime) -> JSONObject:
    """Return the wanted schedule for a downtime that lasts: its start cannot be moved."""
    if "recurrences" not in wanted:
        rest, other = _without_start(wanted), _without_start(there)
        return there if canonical.same(rest, other) else rest
    coming = _coming(there, now)
    over = [one for one in _recurrences(there) if one not in coming]  # a bridge, say
    starts = [one.get("start") for one in coming]
    kept: list[JSON] = [
        {**one, "start": starts[nth]} if nth < len(starts) and starts[nth] else one
        for nth, one in enumerate(_coming(wanted, now))
    ]
    return {**wanted, "recurrences": [*over, *kept]} if kept else there


def _coming(schedule: JSONObject, now: datetime) -> list[JSONObject]:
    """Return the recurrences, as they stand, of which something is to come."""
    return [
        one
        for one in _recurrences(schedule)
        if _each_from_now({**schedule, "recurrences": [one]}, now)
    ]


def _without_start(schedule: JSONObject) -> JSONObject:
    return {name: value for name, value in schedule.items() if name != "start"}


def _ending(there: JSONObject, future: JSONObject) -> JSONObject:
    """Say that there is no end any more: an update leaves alone what it does not name."""
    endless = "end" in there and "end" not in future and "recurrences" not in future
    return {**future, "end": None} if endless else future


def _recurrences(schedule: JSONObject) -> list[JSONObject]:
    listed = schedule.get("recurrences")
    return [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []


def _read(one: JSONObject, schedule: JSONObject) -> Recurrence | None:
    """Return a recurrence whose first start is known; ``None`` where it begins when written."""
    start, zone = one.get("start"), schedule.get("timezone") or "UTC"
    if not isinstance(start, str):
        return None
    try:
        return Recurrence.parse(start, str(one.get("rrule")), str(one.get("duration")), str(zone))
    except ValueError:
        return None


def _time(text: JSON) -> datetime | None:
    """Return the time that a text tells; ``None`` for none, which means now, or never."""
    try:
        time = moment(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time.replace(tzinfo=timezone.utc) if time and not time.tzinfo else time
