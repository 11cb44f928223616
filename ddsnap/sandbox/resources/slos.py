"""Service level objectives: three types, two ways to write a ratio, and guarded deletion."""

from __future__ import annotations

import json

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Json, Rejected, reject
from ddsnap.sandbox.resources.common import author, body_of, found
from ddsnap.sandbox.resources.slo_rules import check, derived
from ddsnap.sandbox.router import Call, Route


def list_slos(call: Call) -> Answer:
    """By ``offset`` and ``limit``; by id, name or tag where the query asks for them."""
    rows = [row for row in call.org.table("service_level_objectives").values() if _asked(call, row)]
    page = pages.offset(call, rows, "offset", "limit", default=1000, cap=1000)
    told = {"total_count": page.total, "total_filtered_count": len(page.items)}
    return Answer({"data": page.items, "error": None, "metadata": {"page": told}})


def get_slo(call: Call) -> Answer:
    """One objective; the monitors that alert on it where the query asks for them."""
    row = _row(call)
    if call.query.get("with_configured_alert_ids") == "true":
        row = {**row, "configured_alert_ids": _alerts(call, row["id"])}
    return Answer({"data": row, "error": None})


def create_slo(call: Call) -> Answer:
    """Create; names need not be unique."""
    sent = body_of(call)
    check(call.org, sent)
    now, person = int(call.org.now().timestamp()), author(call)
    creator = {name: person[name] for name in ("name", "handle", "email")}
    born = {"creator": creator, "created_at": now, "modified_at": now}
    return _stored(call, call.org.new_uuid().replace("-", ""), sent, born)


def update_slo(call: Call) -> Answer:
    """Replace the whole objective but for its type."""
    old, sent = _row(call), body_of(call)
    if sent.get("type", old["type"]) != old["type"]:
        raise reject(400, "Invalid payload: the type of an SLO cannot be changed")
    sent = {**sent, "type": old["type"]}
    check(call.org, sent)
    kept: Body = {name: old[name] for name in ("creator", "created_at") if name in old}
    now = int(call.org.now().timestamp())
    return _stored(call, old["id"], sent, {**kept, "modified_at": now})


def delete_slo(call: Call) -> Answer:
    """Delete with its corrections, unless something shows it (or force=true)."""
    id_ = _row(call)["id"]
    users = _users(call, id_)
    if users and call.query.get("force") not in ("true", "True", "1"):
        text = f"SLO {id_} is referenced in {', '.join(users)}"
        raise Rejected(Answer({"data": [], "errors": {id_: text}}, 409))
    corrections = call.org.table("slo_corrections")
    for one in [i for i, row in corrections.items() if row["attributes"]["slo_id"] == id_]:
        del corrections[one]
    del call.org.table("service_level_objectives")[id_]
    return Answer({"data": [id_], "error": None})


def _users(call: Call, slo: str) -> list[str]:
    """Return which dashboards and monitors name an objective."""
    return [
        f"{type_name}/{id_}"
        for type_name in ("dashboards", "monitors")
        for id_, row in call.org.table(type_name).items()
        if slo in json.dumps(row)
    ]


def _alerts(call: Call, slo: str) -> list[int]:
    monitors = call.org.table("monitors").values()
    return [row["id"] for row in monitors if row["type"] == "slo alert" and slo in row["query"]]


def _row(call: Call) -> Body:
    id_ = call.params["slo_id"]
    missing = reject(404, f"SLO not found: {id_} not found")
    return found(call, "service_level_objectives", id_, missing)


def _asked(call: Call, row: Body) -> bool:
    ids = [part.strip() for part in call.query.get("ids", "").split(",") if part.strip()]
    name, tag = call.query.get("query", ""), call.query.get("tags_query", "")
    wanted = (not ids or row["id"] in ids) and name.lower() in row["name"].lower()
    return wanted and (not tag or tag in row["tags"])


def _stored(call: Call, id_: str, sent: Body, provenance: Body) -> Answer:
    row = {"id": id_, **derived(call.org, sent), **provenance}
    call.org.table("service_level_objectives")[id_] = row
    return Answer({"data": [{**row, **_as_sent(sent, row)}], "error": None})


def _as_sent(sent: Body, row: Body) -> Body:
    """The primary threshold's numbers: read as decimals, answered to a write as they came."""
    frames: dict[str, Json] = {item["timeframe"]: item for item in sent["thresholds"]}
    primary = frames[row["timeframe"]]
    numbers = {"target_threshold": primary["target"], "warning_threshold": primary.get("warning")}
    return {name: value for name, value in numbers.items() if value is not None}


_ALL, _ONE = "/api/v1/slo", "/api/v1/slo/{slo_id}"
ROUTES = (
    Route("GET", _ALL, list_slos),
    Route("POST", _ALL, create_slo),
    Route("GET", _ONE, get_slo),
    Route("PUT", _ONE, update_slo),
    Route("DELETE", _ONE, delete_slo),
)
