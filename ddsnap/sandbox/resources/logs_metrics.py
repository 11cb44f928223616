"""Metrics made of logs: their id is a name that the client chooses, spelled as metrics are."""

from __future__ import annotations

import re

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Json, Rejected, reject
from ddsnap.sandbox.resources.common import attributes_of, data_of
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape

_TYPE = "logs_metrics"
_ODD = re.compile(r"[^A-Za-z0-9_.]")


def list_metrics(call: Call) -> Answer:
    """All metrics at once."""
    return Answer({"data": pages.whole(call, call.org.table(_TYPE).values())})


def get_metric(call: Call) -> Answer:
    """One metric."""
    return Answer({"data": _row(call)})


def create_metric(call: Call) -> Answer:
    """Create under the given name, with underscores for what no metric's name may hold."""
    data = data_of(call, _TYPE)
    if not isinstance(data.get("id"), str) or not data["id"][:1].isalpha():
        raise _bad("id must start with a letter")
    id_ = _ODD.sub("_", data["id"])
    if id_ in call.org.table(_TYPE):
        raise reject(409, f"conflict(Metric with name '{id_}' already exists)")
    sent = attributes_of(data)
    attributes = {**_decided(sent), "compute": _compute(sent.get("compute"))}
    row = {"id": id_, "attributes": attributes, "type": _TYPE}
    call.org.table(_TYPE)[id_] = row
    return Answer({"data": row})


def update_metric(call: Call) -> Answer:
    """Change filter, groups and percentiles; what is computed stays."""
    row, data = _row(call), data_of(call, _TYPE)
    if data.get("id") not in (None, row["id"]):
        raise _bad("the id in the body does not match the id in the path")
    sent, compute = attributes_of(data), dict(row["attributes"]["compute"])
    decided = {name: value for name, value in _decided(sent).items() if name in sent}
    wanted = sent.get("compute") or {}
    fixed = {name: value for name, value in wanted.items() if name != "include_percentiles"}
    if any(compute.get(name) != value for name, value in fixed.items()):
        raise _bad("aggregation_type and path cannot be changed")
    if "include_percentiles" in wanted:
        if compute["aggregation_type"] != "distribution":
            raise _bad("include_percentiles is for distributions")
        compute["include_percentiles"] = wanted["include_percentiles"]
    row["attributes"] = {**row["attributes"], **decided, "compute": compute}
    return Answer({"data": row})


def delete_metric(call: Call) -> Answer:
    """Delete."""
    del call.org.table(_TYPE)[_row(call)["id"]]
    return Answer(status=204)


def _row(call: Call) -> Body:
    id_ = call.params["metric_id"]
    row = call.org.table(_TYPE).get(id_)
    if row is None:
        raise reject(404, f"not_found(Metric with name '{id_}' not found)")
    return row


_SHAPE: Shape = {
    "filter~": {"query": "text"},
    "group_by~": [{"path~": "text", "tag_name~": "text"}],
    "compute~": {"aggregation_type": "text", "path~": "text", "include_percentiles": "flag"},
}


def _decided(sent: Body) -> Body:
    check_shape(_SHAPE, sent, lambda at: _bad(f"{at} is of the wrong type"))
    query = (sent.get("filter") or {}).get("query", "*")
    return {
        "filter": {"query": query},
        "group_by": [_group(item) for item in sent.get("group_by") or []],
    }


def _group(item: Json) -> Body:
    if not isinstance(item, dict) or not item.get("path"):
        raise _bad("a group needs a path")
    return {"path": item["path"], "tag_name": item.get("tag_name") or item["path"].lstrip("@")}


def _compute(sent: Json) -> Body:
    kind = sent.get("aggregation_type") if isinstance(sent, dict) else None
    if not isinstance(kind, str) or kind not in ("count", "distribution"):
        raise _bad("aggregation_type must be count or distribution")
    if kind == "count":
        return {"aggregation_type": kind}
    if not sent.get("path"):
        raise _bad("a distribution needs a path")
    told = bool(sent.get("include_percentiles", False))
    return {"aggregation_type": kind, "path": sent["path"], "include_percentiles": told}


def _bad(text: str) -> Rejected:
    return reject(400, f"invalid_argument({text})")


_ALL, _ONE = "/api/v2/logs/config/metrics", "/api/v2/logs/config/metrics/{metric_id}"
ROUTES = (
    Route("GET", _ALL, list_metrics),
    Route("POST", _ALL, create_metric),
    Route("GET", _ONE, get_metric),
    Route("PATCH", _ONE, update_metric),
    Route("DELETE", _ONE, delete_metric),
)
