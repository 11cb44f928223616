"""When a downtime can be written: never with a start in the past, never moved while it lasts.

Datadog refuses both ("Downtime cannot be scheduled in the past").
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


def timely(body: JSONObject, present: JSONObject | None, now: datetime) -> JSONObject:
    """Return the downtime with a start that can be written at ``now``.

    What began once begins now, what recurs with its next occurrence. At the destination
    (``present``) a schedule that comes to the same stays, and so does a start that is past.
    """
    wanted, there = value_at(body, _SCHEDULE), value_at(present, _SCHEDULE)
    if not isinstance(wanted, dict):
        return body
    future = _from_now(wanted, now)
    if isinstance(there, dict):
        if canonical.same(wanted, there) or canonical.same(future, _from_now(there, now)):
            future = there
        else:
            alike = ("recurrences" in wanted) == ("recurrences" in there)
            kept = _with_starts_of(there, wanted) if alike and _lasts(there, now) else future
            # A start that is null is now; a schedule that says nothing is refused.
            future = _ending(there, kept) or {"start": None}
    timed = clone(body)
    field_path(_SCHEDULE).put(timed, future)
    return timed


def _from_now(schedule: JSONObject, now: datetime) -> JSONObject:
    if isinstance(schedule.get("recurrences"), list):
        return {**schedule, "recurrences": _each_from_now(schedule, now)}
    start = _time(schedule.get("start"))
    past = start is not None and start <= now
    return _without_start(schedule) if past else schedule


def _each_from_now(schedule: JSONObject, now: datetime) -> list[JSON]:
    moved: list[JSON] = []
    for one in _recurrences(schedule):
        rest = _rest(one, schedule, now)
        if rest is None:  # none is left, or nobody can tell
            moved.append(one)
            continue
        start = rest.start.isoformat(timespec="seconds")
        moved.append({**one, "start": start, "rrule": rest.rule})
    return moved


def _rest(one: JSONObject, schedule: JSONObject, now: datetime) -> Recurrence | None:
    """Return what is left of a recurrence whose start is past."""
    recurrence = _read(one, schedule)
    if recurrence is None or recurrence.aware(recurrence.start) >= now + _AHEAD:
        return None
    return recurrence.next_after(now + _AHEAD)


def _lasts(schedule: JSONObject, now: datetime) -> bool:
    if "recurrences" in schedule:
        read = (_read(one, schedule) for one in _recurrences(schedule))
        return any(one.lasts_at(now) for one in read if one is not None)
    start, end = _time(schedule.get("start")), _time(schedule.get("end"))
    return (start is None or start <= now) and (end is None or now < end)


def _with_starts_of(there: JSONObject, wanted: JSONObject) -> JSONObject:
    """Return the wanted schedule for a downtime that lasts: its start cannot be moved."""
    if "recurrences" not in wanted:
        rest, other = _without_start(wanted), _without_start(there)
        return there if canonical.same(rest, other) else rest
    starts = [one.get("start") for one in _recurrences(there)]
    kept: list[JSON] = [
        {**one, "start": starts[nth]} if nth < len(starts) and starts[nth] else one
        for nth, one in enumerate(_recurrences(wanted))
    ]
    return {**wanted, "recurrences": kept}


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
