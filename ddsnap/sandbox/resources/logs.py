"""Log indexes, whose names are burnt once deleted, and their order."""

from __future__ import annotations

import re

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Json, Rejected, reject_logs
from ddsnap.sandbox.furnish import index
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.state import ORDER, enlist

_NAME = re.compile(r"[a-z][a-z0-9-]{0,199}")
_RETENTIONS = (3, 7, 15, 30, 45, 60, 90, 180, 360)
_PLAIN = ("tags", "daily_limit_reset", "daily_limit_warning_threshold_percentage",
          "num_flex_logs_retention_days")  # fmt: skip


def list_indexes(call: Call) -> Answer:
    """All indexes at once."""
    return Answer({"indexes": pages.whole(call, call.org.table("logs_indexes").values())})


def get_index(call: Call) -> Answer:
    """One index."""
    return Answer(_row(call))


def create_index(call: Call) -> Answer:
    """Create; a name serves once and for all."""
    sent = _sent(call)
    name = sent.get("name")
    if not isinstance(name, str) or _NAME.fullmatch(name) is None:
        raise _bad("Index name is missing or has characters other than a-z, 0-9 and -")
    if name in call.org.table("logs_indexes") or name in call.org.burnt:
        raise _bad(f"Index name '{name}' is already in use or was in use")
    if "disable_daily_limit" in sent:
        raise _bad("Unexpected field 'disable_daily_limit'")
    row = index(name, _query(sent))
    _fill(row, sent)
    call.org.table("logs_indexes")[name] = row
    enlist(call.org, name)
    return Answer(row)


def update_index(call: Call) -> Answer:
    """Replace the configuration; the name is in the path alone."""
    old, sent = _row(call), _sent(call)
    if "name" in sent:
        raise _bad("Unexpected field 'name'")
    row = {**index(old["name"], _query(sent)), "daily_limit": old["daily_limit"]}
    row["num_retention_days"] = old["num_retention_days"]
    _fill(row, sent)
    if sent.get("disable_daily_limit") is True:
        row["daily_limit"] = None
    call.org.table("logs_indexes")[old["name"]] = row
    return Answer(row)


def delete_index(call: Call) -> Answer:
    """Delete; the name stays in the order until the logs have aged out."""
    name = _row(call)["name"]
    del call.org.table("logs_indexes")[name]
    call.org.burnt.append(name)
    return Answer(status=202)


def get_order(call: Call) -> Answer:
    """The order, with indexes that are being deleted."""
    return Answer(call.org.table("logs_indexes_order")[ORDER])


def set_order(call: Call) -> Answer:
    """Replace the order; every index must be named, each once."""
    names = _sent(call).get("index_names")
    texts = isinstance(names, list) and all(isinstance(name, str) for name in names)
    if not isinstance(names, list) or not texts or len(set(names)) != len(names):
        raise _bad("index_names must name each index once")
    known = set(call.org.table("logs_indexes"))
    if known - set(names) or set(names) - known - set(call.org.burnt):
        raise _bad("index_names must name all indexes and no other")
    rest = [name for name in call.org.burnt if name not in names]
    call.org.table("logs_indexes_order")[ORDER] = {"index_names": names + rest}
    return get_order(call)


def _row(call: Call) -> Body:
    row = call.org.table("logs_indexes").get(call.params["name"])
    if row is None:
        raise reject_logs(404, "NotFound", "No such index")
    return row


def _sent(call: Call) -> Body:
    if not isinstance(call.body, dict):
        raise _bad("Invalid request body")
    return call.body


def _query(sent: Body) -> str:
    found = sent.get("filter")
    if not isinstance(found, dict) or not isinstance(found.get("query"), str):
        raise _bad("Missing field 'filter'")
    return str(found["query"])


_SHAPE: Shape = {
    "tags": ["text"],
    "daily_limit_reset": {"reset_time": "text", "reset_utc_offset": "text"},
    "daily_limit_warning_threshold_percentage": "number",
    "num_flex_logs_retention_days": "whole",
    "num_retention_days": "whole",
    "disable_daily_limit": "flag",
    "exclusion_filters~": [{"name~": "text", "is_enabled": "flag", "filter~": {"query": "text"}}],
}


def _fill(row: Body, sent: Body) -> None:
    check_shape(_SHAPE, sent, lambda at: _bad(f"Invalid value for field '{at}'"))
    if sent.get("num_flex_logs_retention_days") == 0:
        raise _bad("num_flex_logs_retention_days must be a positive number")
    if "num_retention_days" in sent:
        if sent["num_retention_days"] not in _RETENTIONS:
            raise _bad("num_retention_days is not among the retentions of this organization")
        row["num_retention_days"] = sent["num_retention_days"]
    if "daily_limit" in sent:
        limit = sent["daily_limit"]
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise _bad("daily_limit must be a positive number")
        row["daily_limit"] = sent["daily_limit"]
    row.update({name: sent[name] for name in _PLAIN if name in sent})
    row["exclusion_filters"] = [_exclusion(item) for item in sent.get("exclusion_filters") or []]


def _exclusion(item: Json) -> Body:
    if not isinstance(item, dict) or not item.get("name"):
        raise _bad("An exclusion filter needs a name")
    inner = item.get("filter") or {}
    rate = inner.get("sample_rate")
    if not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        raise _bad("An exclusion filter needs a sample_rate between 0 and 1")
    rate = float(rate)
    return {"name": item["name"], "is_enabled": bool(item.get("is_enabled", True)),
            "filter": {"query": inner.get("query", "*"), "sample_rate": rate}}  # fmt: skip


def _bad(message: str) -> Rejected:
    return reject_logs(400, "InvalidArgument", message)


_ALL, _ONE = "/api/v1/logs/config/indexes", "/api/v1/logs/config/indexes/{name}"
ROUTES = (
    Route("GET", _ALL, list_indexes),
    Route("POST", _ALL, create_index),
    Route("GET", _ONE, get_index),
    Route("PUT", _ONE, update_index),
    Route("DELETE", _ONE, delete_index),
    Route("GET", "/api/v1/logs/config/index-order", get_order),
    Route("PUT", "/api/v1/logs/config/index-order", set_order),
)
