"""Corrections: one objective or a query of them, a span of time or a recurrence."""

from __future__ import annotations

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, reject
from ddsnap.sandbox.resources.common import attributes_of, author, data_of, found
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape

_CATEGORIES = ("Scheduled Maintenance", "Outside Business Hours", "Deployment", "Other")
_TARGETS = ("slo_id", "slo_query")
_NEVER_NULL = (*_TARGETS, "end", "duration", "rrule")
_WRITABLE = ("start", "end", "description", "category", "timezone", "rrule", "duration")
_SHAPE: Shape = {
    "slo_id~": "text",
    "slo_query~": "text",
    "description~": "text",
    "category~": "text",
    "timezone~": "text",
    "rrule~": "text",
}
_DEFAULTS = {"end": None, "description": "", "timezone": "UTC", "rrule": None, "duration": None}


def list_corrections(call: Call) -> Answer:
    """By ``offset`` and ``limit``, 25 at a time unless more are asked for."""
    rows = call.org.table("slo_corrections").values()
    page = pages.offset(call, rows, "offset", "limit", default=25)
    told = {"total_count": page.total, "total_filtered_count": len(page.items)}
    return Answer({"data": page.items, "meta": {"page": told}})


def get_correction(call: Call) -> Answer:
    """One correction."""
    return Answer({"data": _row(call)})


def create_correction(call: Call) -> Answer:
    """Create for exactly one of an objective and a query."""
    sent = attributes_of(data_of(call, "correction"))
    targets = [name for name in _TARGETS if name in sent]
    _check({"start": None, "category": None, **sent})
    if len(targets) != 1:
        raise reject(400, "Exactly one of slo_id or slo_query is required")
    if "slo_id" in sent and sent["slo_id"] not in call.org.table("service_level_objectives"):
        raise reject(404, f"SLO not found: {sent['slo_id']} not found")
    now = int(call.org.now().timestamp())
    row: Body = {
        "type": "correction",
        "id": call.org.new_uuid(),
        "attributes": {
            **{name: sent.get(name) for name in _TARGETS},
            **_DEFAULTS,
            **{name: sent[name] for name in _WRITABLE if name in sent},
            "created_at": now,
            "modified_at": now,
            "creator": _person(call),
            "modifier": None,
        },
    }
    call.org.table("slo_corrections")[row["id"]] = row
    # Right after the creation the times are not told yet.
    times = {"created_at": None, "modified_at": None}
    return Answer({"data": {**row, "attributes": {**row["attributes"], **times}}})


def update_correction(call: Call) -> Answer:
    """Change what was sent; a correction stays with its objective."""
    row = _row(call)
    sent, old = attributes_of(data_of(call, "correction")), row["attributes"]
    if "slo_id" in sent and sent["slo_id"] != old["slo_id"]:
        raise reject(400, "slo_id cannot be changed")
    if "slo_query" in sent and old["slo_id"] is not None:
        raise reject(400, "Exactly one of slo_id or slo_query is required")
    merged = {**old, **{name: sent[name] for name in (*_WRITABLE, "slo_query") if name in sent}}
    _check({**{name: value for name, value in merged.items() if value is not None}, **sent})
    now = int(call.org.now().timestamp())
    row["attributes"] = {**merged, "modified_at": now, "modifier": _person(call)}
    return Answer({"data": row})


def delete_correction(call: Call) -> Answer:
    """Delete for good."""
    del call.org.table("slo_corrections")[_row(call)["id"]]
    return NO_CONTENT


def _row(call: Call) -> Body:
    id_ = call.params["slo_correction_id"]
    missing = reject(404, f"slo correction public id {id_} not found")
    return found(call, "slo_corrections", id_, missing)


def _check(sent: Body) -> None:
    check_shape(_SHAPE, sent, lambda at: reject(400, f"{at}: Not a valid string"))
    for name in _NEVER_NULL:
        if name in sent and sent[name] is None:
            raise reject(400, f"{name}: Field may not be null")
    if sent["category"] not in _CATEGORIES:
        raise reject(400, f"category must be one of {', '.join(_CATEGORIES)}")
    for name in ("start", "end", "duration"):
        value = sent.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, type(None))):
            raise reject(400, f"{name}: Not a valid integer")
    if sent["start"] is None:
        raise reject(400, "start: Missing data for required field")
    if sent.get("end") is not None and sent["end"] <= sent["start"]:
        raise reject(400, "end must be after start")
    if "rrule" in sent and "duration" not in sent:
        raise reject(400, "duration is required with rrule")


def _person(call: Call) -> Body:
    person = author(call)
    shown = {name: person[name] for name in ("uuid", "handle", "email", "name", "icon")}
    return {"data": {"type": "users", "id": call.org.owner, "attributes": shown}}


_ALL, _ONE = "/api/v1/slo/correction", "/api/v1/slo/correction/{slo_correction_id}"
ROUTES = (
    Route("GET", _ALL, list_corrections),
    Route("POST", _ALL, create_correction),
    Route("GET", _ONE, get_correction),
    Route("PATCH", _ONE, update_correction),
    Route("DELETE", _ONE, delete_correction),
)
