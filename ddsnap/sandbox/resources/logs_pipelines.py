"""Log pipelines and their order: what a pipeline lacks is filled in, unknown ids are 400."""

from __future__ import annotations

import base64

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Json, Rejected, reject_logs
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.state import ORDER, enlist_pipeline

# Datadog API v1, schemas LogsProcessor and its members: what each type must have.
_REQUIRED: dict[str, tuple[str, ...]] = {
    "arithmetic-processor": ("expression", "target"),
    "array-map-processor": ("source", "target", "processors"),
    "array-processor": ("operation",),
    "attribute-remapper": ("sources", "target"),
    "category-processor": ("categories", "target"),
    "date-remapper": ("sources",),
    "decoder-processor": ("source", "target", "binary_to_text_encoding", "input_representation"),
    "exclude-attribute": ("attribute_to_exclude",),
    "geo-ip-parser": ("sources", "target"),
    "grok-parser": ("source", "grok"),
    "lookup-processor": ("source", "target"),
    "message-remapper": ("sources",),
    "pipeline": (),
    "schema-processor": ("schema", "mappers", "name"),
    "service-remapper": ("sources",),
    "span-id-remapper": ("sources",),
    "status-remapper": ("sources",),
    "string-builder-processor": ("template", "target"),
    "threat-intel-processor": ("source", "target"),
    "trace-id-remapper": ("sources",),
    "url-parser": ("sources", "target"),
    "user-agent-parser": ("sources", "target"),
}
_FILLED: dict[str, Body] = {
    "arithmetic-processor": {"is_replace_missing": False},
    "array-map-processor": {"preserve_source": True},
    "attribute-remapper": {"preserve_source": False, "override_on_conflict": False},
    "geo-ip-parser": {"ip_processing_behavior": "do-nothing"},
    "grok-parser": {"samples": []},
    "schema-category-mapper": {"fallback": {"values": {}, "sources": {}}},
    "schema-remapper": {"preserve_source": False, "override_on_conflict": False},
    "string-builder-processor": {"is_replace_missing": False},
    "url-parser": {"normalize_ending_slashes": False},
    "user-agent-parser": {"is_encoded": False},
}


_SHAPE: Shape = {
    "name~": "text",
    "description~": "text",
    "is_enabled": "flag",
    "tags~": ["text"],
    "filter~": {"query": "text"},
    "processors~": ["object"],
}
_PROCESSOR: Shape = {
    "type": "text",
    "name~": "text",
    "is_enabled": "flag",
    "sources~": ["text"],
    "samples~": ["text"],
    "tags~": ["text"],
    "filter~": {"query": "text"},
    "processors~": ["object"],
    "categories~": ["object"],
    "grok~": {"match_rules": "text", "support_rules": "text"},
    "operation~": "object",
    "schema~": "object",
    "mappers~": [{"type~": "text"}],
}


def list_pipelines(call: Call) -> Answer:
    """All pipelines at once, those of integrations included."""
    return Answer(pages.whole(call, call.org.table("logs_pipelines").values()))


def get_pipeline(call: Call) -> Answer:
    """One pipeline."""
    return Answer(_row(call))


def create_pipeline(call: Call) -> Answer:
    """Create, at the end of the order."""
    sent = _sent(call)
    row = {"id": new_pipeline_id(call), "type": "pipeline", **_stored(sent)}
    call.org.table("logs_pipelines")[row["id"]] = row
    enlist_pipeline(call.org, row["id"])
    return Answer(row)


def update_pipeline(call: Call) -> Answer:
    """Replace; the pipelines of integrations are not to be reached."""
    old, sent = _row(call), _sent(call)
    if old["is_read_only"]:
        page = b"<html><body><h1>404 Not Found</h1></body></html>"
        return Answer(raw=page, status=404, content_type="text/html")
    row = {"id": old["id"], "type": "pipeline", **_stored(sent)}
    call.org.table("logs_pipelines")[old["id"]] = row
    return Answer(row)


def delete_pipeline(call: Call) -> Answer:
    """Delete, from the order too."""
    row = _row(call)
    if row["is_read_only"]:
        raise _bad("Integration pipelines cannot be deleted")
    del call.org.table("logs_pipelines")[row["id"]]
    call.org.table("restriction_policies").pop(f"logs-pipeline:{row['id']}", None)
    order = call.org.table("logs_pipelines_order")[ORDER]
    order["pipeline_ids"] = [id_ for id_ in order["pipeline_ids"] if id_ != row["id"]]
    return Answer()


def get_order(call: Call) -> Answer:
    """The order of all pipelines."""
    return Answer(call.org.table("logs_pipelines_order").setdefault(ORDER, {"pipeline_ids": []}))


def set_order(call: Call) -> Answer:
    """Replace the order; every pipeline must be named, each once."""
    ids = _sent(call).get("pipeline_ids")
    known = set(call.org.table("logs_pipelines"))
    if not isinstance(ids, list) or sorted(map(str, ids)) != sorted(known):
        raise reject_logs(422, "Unprocessable", "pipeline_ids must name each pipeline once")
    call.org.table("logs_pipelines_order")[ORDER] = {"pipeline_ids": ids}
    return get_order(call)


def new_pipeline_id(call: Call) -> str:
    """Return a new id: a uuid in the URL-safe alphabet."""
    raw = bytes.fromhex(call.org.new_uuid().replace("-", ""))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _row(call: Call) -> Body:
    row = call.org.table("logs_pipelines").get(call.params["pipeline_id"])
    if row is None:
        raise _bad("Non existing pipeline")
    return row


def _sent(call: Call) -> Body:
    if not isinstance(call.body, dict):
        raise _bad("Invalid request body")
    return call.body


def _stored(sent: Body) -> Body:
    check_shape(_SHAPE, sent, _mistyped)
    for name in ("id", "type", "is_read_only"):
        if name in sent:
            raise _bad(f"Unexpected field '{name}'")
    body = {"name": _name(sent), "is_enabled": sent.get("is_enabled", False),
            "is_read_only": False, **_inner(sent)}  # fmt: skip
    body["tags"] = sorted(set(sent.get("tags") or []))
    return body if sent.get("description") is None else {**body, "description": sent["description"]}


def _name(sent: Body) -> str:
    if not isinstance(sent.get("name"), str) or not sent["name"]:
        raise _bad("Missing field 'name'")
    return str(sent["name"])


def _inner(sent: Body) -> Body:
    found = sent.get("filter")
    query = found.get("query", "*") if isinstance(found, dict) else "*"
    processors = sent.get("processors") or []
    if not isinstance(processors, list):
        raise _bad("Invalid field 'processors'")
    return {"filter": {"query": query}, "processors": [_processor(item) for item in processors]}


def _processor(item: Json, *, nested: bool = False, bare: bool = False) -> Body:
    check_shape(_PROCESSOR, item, _mistyped, "processors")
    kind = item.get("type")
    if kind not in _REQUIRED or (nested and kind == "pipeline"):
        raise _bad(f"Unknown processor type: {kind}")
    missing = [name for name in _REQUIRED[kind] if item.get(name) is None]
    if missing:
        raise _bad(f"Missing field '{missing[0]}' in {kind}")
    row = {**_FILLED.get(kind, {}), **item}
    if not bare:  # what an array map holds has neither
        row = {"name": "", "is_enabled": False, **row}
    if kind == "pipeline":
        inner = [_processor(one, nested=True) for one in item.get("processors") or []]
        return {**row, "filter": item.get("filter") or {"query": "*"}, "processors": inner}
    if kind == "array-map-processor":
        row["processors"] = [_processor(one, nested=True, bare=True) for one in item["processors"]]
    if kind == "schema-processor":
        row["mappers"] = [{**_FILLED.get(one.get("type"), {}), **one} for one in item["mappers"]]
        row["schema"] = {"extensions": [], **item["schema"]}
    if kind == "array-processor" and item["operation"].get("type") == "append":
        row["operation"] = {"preserve_source": True, **item["operation"]}
    if kind == "grok-parser":
        row["grok"] = {"support_rules": "", **item["grok"]}
    return row


def _mistyped(at: str) -> Rejected:
    return _bad(f"Invalid value for field '{at}'")


def _bad(message: str) -> Rejected:
    return reject_logs(400, "InvalidArgument", message)


_ALL, _ONE = "/api/v1/logs/config/pipelines", "/api/v1/logs/config/pipelines/{pipeline_id}"
ROUTES = (
    Route("GET", _ALL, list_pipelines),
    Route("POST", _ALL, create_pipeline),
    Route("GET", _ONE, get_pipeline),
    Route("PUT", _ONE, update_pipeline),
    Route("DELETE", _ONE, delete_pipeline),
    Route("GET", "/api/v1/logs/config/pipeline-order", get_order),
    Route("PUT", "/api/v1/logs/config/pipeline-order", set_order),
)
