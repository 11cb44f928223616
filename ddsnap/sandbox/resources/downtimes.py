"""Downtimes: cancelled ones stay readable, ended ones vanish, equal ones are refused."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Json, Rejected, reject
from ddsnap.sandbox.furnish import link
from ddsnap.sandbox.resources.common import (
    attributes_of,
    data_of,
    is_uuid,
    monitors_of,
    without,
)
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.times import iso

_TYPE = "downtime_schedules"
_WRITABLE = (
    "display_timezone", "message", "monitor_identifier", "mute_first_recovery_notification",
    "notify_end_states", "notify_end_types", "schedule", "scope",
)  # fmt: skip
_MOST_RECURRENCES = 5
_PAST = "Downtime cannot be scheduled in the past"
_LATE = timedelta(minutes=1)
_SHAPE: Shape = {
    "display_timezone~": "text",
    "message~": "text",
    "monitor_identifier~": {"monitor_id": "whole", "monitor_tags": ["text"]},
    "mute_first_recovery_notification": "flag",
    "notify_end_states": ["text"],
    "notify_end_types": ["text"],
    "schedule~": {
        "start~": "text",
        "end~": "text",
        "timezone~": "text",
        "recurrences": [{"duration~": "text", "rrule~": "text", "start~": "text"}],
    },
    "scope~": "text",
}
_ENUMS = {
    "notify_end_states": {"alert", "no data", "warn"},
    "notify_end_types": {"canceled", "expired"},
}
_DURATION = re.compile(r"([1-9]\d*)([mhdw])")
_SECONDS = {"m": 60, "h": 3600, "d": 86400, "w": 604800}


def list_downtimes(call: Call) -> Answer:
    """A page of downtimes, thirty by default; who made them is told when asked."""
    now = call.org.now()
    rows = [row for row in call.org.table(_TYPE).values() if not _ended(row, now)]
    if call.query.get("current_only") == "true":
        rows = [row for row in rows if _status(row, now) == "active"]
    page = pages.offset(call, rows, "page[offset]", "page[limit]", default=30)
    wanted = _wanted(call)
    shown = [_shown(row, now, wanted) for row in page.items]
    told = {"meta": {"page": {"total_filtered_count": page.total}}}
    return Answer({"data": shown, **_included(call, page.items, wanted), **told})


def get_downtime(call: Call) -> Answer:
    """One downtime."""
    row, wanted = _row(call), _wanted(call)
    shown = _shown(row, call.org.now(), wanted)
    return Answer({"data": shown, **_included(call, [row], wanted)})


def create_downtime(call: Call) -> Answer:
    """Create, unless an equal one is there; without a start it begins now."""
    sent = _sent(call)
    for name in ("scope", "monitor_identifier"):
        if not sent.get(name):
            raise reject(400, f"'{name}' is a required property")
    now = call.org.now()
    row = downtime(call.org.new_uuid(), _checked(call, sent, now), call.org.owner, now)
    _refuse_equal(call, row)
    call.org.table(_TYPE)[row["id"]] = row
    return _written(call, row)


def update_downtime(call: Call) -> Answer:
    """Change what was sent."""
    row = _row(call)
    if data_of(call, "downtime").get("id") not in (None, "", row["id"]):
        raise reject(400, "The id in the body does not match the id in the path")
    sent, now = _sent(call), call.org.now()
    old = row["attributes"]
    if _status(row, now) == "active":
        _refuse_other_start(old["schedule"], sent.get("schedule") or {})
    if "schedule" in sent and {"start", "end"} & old["schedule"].keys() & sent["schedule"].keys():
        sent["schedule"] = {**old["schedule"], **sent["schedule"]}
    row["attributes"] = {**old, **_checked(call, sent, now), "modified": iso(now)}
    call.org.table(_TYPE)[row["id"]] = row
    return _written(call, row)


def cancel_downtime(call: Call) -> Answer:
    """Cancel; the downtime stays readable."""
    row = _row(call)
    now = iso(call.org.now())
    row["attributes"].update(canceled=now, modified=now)
    return NO_CONTENT


def downtime(id_: str, attributes: Body, owner: str, now: datetime) -> Body:
    """Return a downtime as it is kept."""
    monitor = attributes["monitor_identifier"].get("monitor_id")
    when = {"created": iso(now), "modified": iso(now), "canceled": None}
    usual = {
        "message": None,
        "display_timezone": "UTC",
        "mute_first_recovery_notification": False,
        "notify_end_types": ["expired"],
        "notify_end_states": ["alert", "no data", "warn"],
    }
    return {
        "type": "downtime",
        "id": id_,
        "attributes": {"status": "", **usual, **attributes, **when},
        "relationships": {
            "created_by": {"data": link(owner, "users")},
            "monitor": {"data": link(str(monitor), "monitor") if monitor else None},
        },
    }


def _row(call: Call) -> Body:
    id_ = call.params["downtime_id"]
    if not is_uuid(id_):
        raise reject(400, "Invalid URL param: downtime_id must be an uuid")
    row = call.org.table(_TYPE).get(id_)
    if row is None or _ended(row, call.org.now()):
        raise reject(404, "Downtime not found")
    return row


def _sent(call: Call) -> Body:
    sent = attributes_of(data_of(call, "downtime"))
    _refuse_others(sent, _WRITABLE)
    check_shape(_SHAPE, sent)
    return sent


def _refuse_others(sent: Body, known: tuple[str, ...]) -> None:
    odd = [name for name in sent if name not in known]
    if odd:
        raise reject(400, f"Additional properties are not allowed ('{odd[0]}' was unexpected)")


def _refuse_other_start(old: Body, sent: Body) -> None:
    # A start that is no recurrence's may move, as recorded: to null, which is now.
    if "recurrences" not in sent or "recurrences" not in old:
        return
    starts = [one.get("start") for one in sent["recurrences"]]
    if starts != [one.get("start") for one in old["recurrences"]]:
        raise reject(400, "Cannot move the start of a downtime that is active")


def _checked(call: Call, sent: Body, now: datetime) -> Body:
    checked = dict(sent)
    for name, known in _ENUMS.items():
        if set(sent.get(name, ())) - known:
            raise _invalid(name)
    for name in ("scope", "monitor_identifier", "schedule"):
        if name in sent and not sent[name] and not (name == "schedule" and call.method == "POST"):
            raise _invalid(name)
    if "monitor_identifier" in sent:
        _check_monitors(call, sent["monitor_identifier"])
    if "schedule" in sent or call.method == "POST":
        checked["schedule"] = _schedule(sent.get("schedule") or {}, now, new=call.method == "POST")
    return checked


def _check_monitors(call: Call, sent: Json) -> None:
    if not isinstance(sent, dict) or set(sent) not in ({"monitor_id"}, {"monitor_tags"}):
        raise _invalid("monitor_identifier")
    if "monitor_id" in sent and str(sent["monitor_id"]) not in monitors_of(call.org):
        raise reject(404, "Monitor not found")


def _schedule(sent: Json, now: datetime, *, new: bool) -> Body:
    if not isinstance(sent, dict):
        raise _invalid("schedule")
    if "recurrences" in sent:
        _refuse_others(sent, ("recurrences", "timezone"))
        return _recurring(sent, now, new=new)
    _refuse_others(sent, ("start", "end"))
    start, end = _moment(sent.get("start")), _moment(sent.get("end"))
    if new and (start or now) < now - _LATE:
        raise reject(400, _PAST)
    if end is not None and end <= (start or now):
        raise reject(400, _PAST)
    begin = sent["start"] if start else iso(now)
    return {"start": _zone(begin), "end": _zone(sent["end"]) if end else None}


def _recurring(sent: Body, now: datetime, *, new: bool) -> Body:
    recurrences = sent["recurrences"]
    if not isinstance(recurrences, list) or not 0 < len(recurrences) <= _MOST_RECURRENCES:
        raise _invalid("recurrences")
    for one in recurrences:
        _refuse_others(one, ("rrule", "duration", "start"))
        if not str(one.get("rrule", "")).startswith("FREQ="):
            raise _invalid("rrule")
        if not _DURATION.fullmatch(str(one.get("duration"))):
            raise _invalid("duration")
    zone = sent.get("timezone") or "UTC"
    here = now.astimezone(_clock(zone)).replace(tzinfo=None)
    # Without a start it begins the moment it is written.
    recurrences = [
        {**one, "start": one.get("start") or here.isoformat(timespec="seconds")}
        for one in recurrences
    ]
    windows = [_window(one, zone) for one in recurrences]
    if new and any(start < now - _LATE for start, _ in windows):
        raise reject(400, _PAST)
    start, end = min(window for window in windows if window[1] > now or window is windows[-1])
    return {"current_downtime": {"start": start.isoformat(), "end": end.isoformat()},
            "recurrences": recurrences, "timezone": zone}  # fmt: skip


def _window(one: Body, zone: str) -> tuple[datetime, datetime]:
    """The first window of a recurrence, whose start is a local time."""
    start = _local(one["start"]).replace(tzinfo=_clock(zone)).astimezone(timezone.utc)
    match = _DURATION.fullmatch(one["duration"])
    length = int(match[1]) * _SECONDS[match[2]] if match else 0
    return start, start + timedelta(seconds=length)


def _local(text: Json) -> datetime:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise _invalid("start") from None
    if moment.tzinfo is not None:
        raise _invalid("start")
    return moment


def _clock(zone: str) -> tzinfo:
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):  # not every machine has the zones
        return timezone.utc


def _moment(text: Json) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(_zone(str(text)))
    except ValueError:
        raise _invalid("schedule") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)


def _zone(text: str) -> str:
    return re.sub("Z$", "+00:00", text)


def _status(row: Body, now: datetime) -> str:
    own = row["attributes"]
    if own["canceled"]:
        return "canceled"
    schedule = own["schedule"]
    window = schedule.get("current_downtime") or schedule
    start, end = _moment(window.get("start")), _moment(window.get("end"))
    if end is not None and end <= now:
        return "scheduled" if "recurrences" in schedule else "ended"
    return "scheduled" if start is not None and start > now else "active"


def _ended(row: Body, now: datetime) -> bool:
    return _status(row, now) == "ended"


def _refuse_equal(call: Call, row: Body) -> None:
    now = call.org.now()
    table = call.org.table(_TYPE)
    same = [
        other["id"] for other in table.like(row) if _status(other, now) in ("scheduled", "active")
    ]
    if same:
        text = "The downtime being created is a duplicate of one or more existing downtimes"
        raise reject(400, f"{text}: {same}")


def _wanted(call: Call) -> set[str]:
    return {name for name in call.query.get("include", "").split(",") if name}


def _shown(row: Body, now: datetime, wanted: set[str]) -> Body:
    attributes = {**row["attributes"], "status": _status(row, now)}
    links = {name: data for name, data in row.get("relationships", {}).items() if name in wanted}
    shown = {**without(row, "relationships"), "attributes": attributes}
    return {**shown, "relationships": links} if links else shown


def _included(call: Call, rows: list[Body], wanted: set[str]) -> Body:
    found: dict[str, Body] = {}
    for name in sorted(wanted):
        for row in rows:
            data = row.get("relationships", {}).get(name, {}).get("data")
            if data:
                found[f"{name}:{data['id']}"] = _other(call, name, data["id"])
    return {"included": [item for item in found.values() if item]} if wanted else {}


def _other(call: Call, name: str, id_: str) -> Body:
    if name == "monitor":
        monitor = monitors_of(call.org).get(id_, {})
        return {"type": "monitor", "id": int(id_), "attributes": {"name": monitor.get("name")}}
    person = call.org.table("users").get(id_)
    if person is None:
        return {}
    return {"type": "users", "id": id_, "attributes": without(person["attributes"], "mfa_enabled")}


def _written(call: Call, row: Body) -> Answer:
    wanted = {"created_by", "monitor"}
    return Answer({"data": _shown(row, call.org.now(), wanted), **_included(call, [row], wanted)})


def _invalid(name: str) -> Rejected:
    return reject(400, f"The value provided for parameter '{name}' is invalid")


_ALL, _ONE = "/api/v2/downtime", "/api/v2/downtime/{downtime_id}"
ROUTES = (
    Route("GET", _ALL, list_downtimes),
    Route("POST", _ALL, create_downtime),
    Route("GET", _ONE, get_downtime),
    Route("PATCH", _ONE, update_downtime),
    Route("DELETE", _ONE, cancel_downtime),
)
