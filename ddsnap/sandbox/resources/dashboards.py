"""Dashboards: short listings, widget ids, tabs, and a bin from which they can be restored."""

from __future__ import annotations

import re

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Rejected, reject
from ddsnap.sandbox.resources.common import author, body_of, found
from ddsnap.sandbox.resources.dashboard_rules import check, with_tab_ids, with_widget_ids
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.times import iso

_HEADER = (
    "id", "title", "description", "layout_type", "url", "is_read_only", "created_at",
    "modified_at", "author_handle", "deleted_at",
)  # fmt: skip
_OPTIONAL = ("template_variable_presets", "tags", "restricted_roles", "reflow_type", "is_read_only")


def list_dashboards(call: Call) -> Answer:
    """Headers only; complete unless ``start`` or ``count`` is given."""
    deleted = call.query.get("filter[deleted]") == "true"
    rows = (call.org.bin if deleted else call.org.table("dashboards")).values()
    if "start" in call.query or "count" in call.query:
        shown = pages.offset(call, rows, "start", "count", default=100).items
    else:
        shown = pages.whole(call, rows)
    return Answer({"dashboards": [_header(row) for row in shown]})


def get_dashboard(call: Call) -> Answer:
    """One dashboard with its widgets."""
    return Answer(_row(call))


def create_dashboard(call: Call) -> Answer:
    """Create; titles need not be unique."""
    sent = _checked(call)
    now, person = iso(call.org.now()), author(call)
    id_ = call.org.new_short()
    born = {
        "author_handle": person["handle"],
        "author_name": person["name"],
        "created_at": now,
        "modified_at": now,
    }
    row = _composed(call, id_, sent, born)
    call.org.table("dashboards")[id_] = row
    return Answer(row)


def update_dashboard(call: Call) -> Answer:
    """Replace the whole dashboard."""
    old = _row(call)
    if old.get("is_read_only"):
        raise reject(403, "This dashboard is read-only")
    kept = {name: old.get(name) for name in ("author_handle", "author_name", "created_at")}
    row = _composed(call, old["id"], _checked(call), {**kept, "modified_at": iso(call.org.now())})
    call.org.table("dashboards")[old["id"]] = row
    return Answer(row)


def delete_dashboard(call: Call) -> Answer:
    """Move one dashboard to the bin."""
    row = _row(call)
    _throw_away(call, row["id"])
    return Answer({"deleted_dashboard_id": row["id"]})


def delete_many(call: Call) -> Answer:
    """Move several dashboards to the bin, all or none."""
    ids = _named(call)
    for id_ in ids:
        found(call, "dashboards", id_, _missing(id_))
    for id_ in ids:
        _throw_away(call, id_)
    return NO_CONTENT


def restore_many(call: Call) -> Answer:
    """Take dashboards out of the bin under their old ids, all or none."""
    ids = _named(call)
    for id_ in ids:
        if id_ not in call.org.bin:
            raise _missing(id_)
    for id_ in ids:
        row = {key: value for key, value in call.org.bin.pop(id_).items() if key != "deleted_at"}
        call.org.table("dashboards")[id_] = row
    return NO_CONTENT


def slug(title: str) -> str:
    """Return the readable end of a dashboard's address."""
    return re.sub(r"\s", "-", re.sub(r"[^a-z0-9\s-]", "", title.lower()))


def _row(call: Call) -> Body:
    id_ = call.params["dashboard_id"]
    return found(call, "dashboards", id_, _missing(id_))


def _missing(id_: str) -> Rejected:
    return reject(404, f"Dashboard with ID {id_} not found")


def _header(row: Body) -> Body:
    return {"is_read_only": False, "deleted_at": None, **{k: row[k] for k in _HEADER if k in row}}


def _checked(call: Call) -> Body:
    sent = body_of(call)
    check(call.org, sent)
    return sent


def _composed(call: Call, id_: str, sent: Body, provenance: Body) -> Body:
    widgets = with_widget_ids(call.org, sent["widgets"])
    notified = sent.get("notify_list")
    row = {
        "id": id_,
        "title": sent["title"],
        "description": sent.get("description"),
        "layout_type": sent["layout_type"],
        "url": f"/dashboard/{id_}/{slug(sent['title'])}",
        "template_variables": sent.get("template_variables"),
        "widgets": widgets,
        "notify_list": None if notified is None else sorted(notified),
        **provenance,
        **{name: sent[name] for name in _OPTIONAL if name in sent},
    }
    if "tabs" in sent:
        row["tabs"] = with_tab_ids(call.org, sent["tabs"] or [], widgets)
    return row


def _throw_away(call: Call, id_: str) -> None:
    row = call.org.table("dashboards").pop(id_)
    call.org.bin[id_] = {**row, "deleted_at": iso(call.org.now())}


def _named(call: Call) -> list[str]:
    data = body_of(call).get("data")
    if not isinstance(data, list) or not data:
        raise reject(400, "Invalid request body: 'data' is a required property")
    if any(not isinstance(item, dict) or item.get("type") != "dashboard" for item in data):
        raise reject(400, "Invalid request body: type must be 'dashboard'")
    return [str(item.get("id")) for item in data]


_ALL, _ONE = "/api/v1/dashboard", "/api/v1/dashboard/{dashboard_id}"
ROUTES = (
    Route("GET", _ALL, list_dashboards),
    Route("POST", _ALL, create_dashboard),
    Route("PATCH", _ALL, restore_many),
    Route("DELETE", _ALL, delete_many),
    Route("GET", _ONE, get_dashboard),
    Route("PUT", _ONE, update_dashboard),
    Route("DELETE", _ONE, delete_dashboard),
)
