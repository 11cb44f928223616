"""Monitors: paging by page or id, duplicates, composites, defaults, and guarded deletion."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Json, Rejected, reject
from ddsnap.sandbox.resources.common import (
    author,
    body_of,
    found,
    monitors_of,
    users_of_monitor,
    without,
)
from ddsnap.sandbox.resources.monitor_rules import check, filled
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

_WRITABLE = (
    "type", "name", "message", "tags", "query", "options", "priority", "restricted_roles",
    "draft_status",
)  # fmt: skip
_IDENTITY = ("type", "query", "name", "message", "options", "tags")
_MISSING = "Monitor not found"


def list_monitors(call: Call) -> Answer:
    """All at once, or by ``page``/``page_size``, or above ``id_offset``."""
    rows: Iterable[Body] = sorted(monitors_of(call.org).values(), key=lambda row: row["id"])
    rows = [row for row in rows if _selected(row, call.query)]
    if "id_offset" in call.query:
        rows = pages.after_id(call, rows, default=100, cap=1000)
    elif "page" in call.query:
        rows = pages.plain_numbered(call, rows, default=100, cap=1000).items
    else:
        rows = pages.whole(call, rows)
    return Answer([{"matching_downtimes": [], **without(row, "assets")} for row in rows])


def get_monitor(call: Call) -> Answer:
    """One monitor; runbooks and downtimes where asked for."""
    row = monitors_of(call.org).get(call.params["monitor_id"])
    if row is None:
        raise reject(404, _MISSING)
    row = dict(row)
    if call.query.get("with_assets") == "true":
        row["assets"] = _assets(call, row)
    else:
        row.pop("assets", None)
    if call.query.get("with_downtimes") == "true":
        row.setdefault("matching_downtimes", [])
    return Answer(row)


def create_monitor(call: Call) -> Answer:
    """Create, unless an equal one exists."""
    sent = body_of(call)
    row = _checked(call, sent)
    _refuse_duplicate(call, row, None)
    row = {"id": _new_id(call), "org_id": call.org.number, **row, **_born(call)}
    call.org.table("monitors")[str(row["id"])] = row
    _keep_assets(call, row["id"], sent)
    return Answer(_written(call, row))


def update_monitor(call: Call) -> Answer:
    """Change what was sent; options are replaced as a whole."""
    old = _row(call)
    sent = body_of(call)
    if sent.get("id") not in (None, old["id"]):
        raise reject(400, "The id in the body does not match the id in the path")
    kept = {name: old[name] for name in _WRITABLE if name in old}
    if _kind(sent.get("type", old["type"])) != _kind(old["type"]):
        raise reject(400, "The type of a monitor cannot be changed")
    row = {**old, **_checked(call, {**kept, **sent}), "modified": iso(call.org.now())}
    _refuse_duplicate(call, row, old["id"])
    call.org.table("monitors")[str(old["id"])] = row
    _keep_assets(call, old["id"], sent)
    return Answer(without(_written(call, row), "creator"))


def delete_monitor(call: Call) -> Answer:
    """Delete, unless a composite or an objective needs it (or force=true)."""
    row = _row(call)
    users = users_of_monitor(call.org, row["id"])
    if users and call.query.get("force") != "true":
        raise _in_use(row["id"], users)
    del call.org.table("monitors")[str(row["id"])]
    call.org.private("monitors", str(row["id"])).clear()
    return Answer({"deleted_monitor_id": row["id"]})


def can_delete(call: Call) -> Answer:
    """Say which of some monitors could be deleted."""
    ids = [int(text) for text in call.query.get("monitor_ids", "").split(",") if text.isdigit()]
    errors = {str(id_): _in_use(id_, used).answer.body["errors"]
              for id_ in ids if (used := users_of_monitor(call.org, id_))}  # fmt: skip
    free = [id_ for id_ in ids if str(id_) not in errors]
    return Answer({"data": {"ok": free}, "errors": errors or None}, 409 if errors else 200)


def validate_monitor(call: Call) -> Answer:
    """Check a definition without storing it."""
    _checked(call, body_of(call))
    return Answer({})


def validate_existing(call: Call) -> Answer:
    """Check a change of a monitor without storing it."""
    old = _row(call)
    _checked(call, {**{name: old[name] for name in _WRITABLE if name in old}, **body_of(call)})
    return Answer({})


def _kind(type_: Json) -> Json:
    # The server itself turns one of the two into the other.
    return "metric alert" if type_ == "query alert" else type_


def _row(call: Call) -> Body:
    if call.params["monitor_id"] in call.org.table("monitors of tests"):
        raise reject(400, "A monitor of type synthetics alert is written with its test")
    return found(call, "monitors", call.params["monitor_id"], reject(404, _MISSING))


def _selected(row: Body, query: dict[str, str]) -> bool:
    tags = [tag for tag in query.get("monitor_tags", "").split(",") if tag]
    named = query.get("name", "").lower() in str(row.get("name", "")).lower()
    return named and all(tag in row.get("tags", []) for tag in tags)


def _checked(call: Call, sent: Body) -> Body:
    check(call.org, sent, new="monitor_id" not in call.params)
    return filled({name: sent[name] for name in _WRITABLE if name in sent})


def _refuse_duplicate(call: Call, row: Body, but: int | None) -> None:
    for other in call.org.table("monitors").alike(row["name"]):
        if other["id"] != but and _same(other, row):
            org = call.org.number
            raise reject(400, f"Duplicate of an existing monitor_id:{other['id']} org_id:{org}")


def _same(one: Body, other: Body) -> bool:
    return all(one.get(name) == other.get(name) for name in _IDENTITY)


def _new_id(call: Call) -> int:
    id_ = call.org.new_int()
    while str(id_) in call.org.table("monitors"):
        id_ = call.org.new_int()
    return id_


def _born(call: Call) -> Body:
    now = call.org.now()
    person = author(call)
    return {
        "created_at": int(now.timestamp()) * 1000,
        "created": iso(now),
        "modified": iso(now),
        "deleted": None,
        "overall_state_modified": None,
        "overall_state": "No Data",
        "creator": {
            "name": person["name"],
            "email": person["email"],
            "handle": person["handle"],
            "id": call.org.number + 1,
        },
    }


def _keep_assets(call: Call, id_: int, sent: Body) -> None:
    if "assets" in sent:
        private = call.org.private("monitors", str(id_))
        private["assets"] = [_asset(id_, item) for item in sent["assets"] or []]


def _asset(id_: int, item: Json) -> Body:
    return {"monitor_id": id_, "template_variables": {}, "options": {}, **item}


def _written(call: Call, row: Body) -> Body:
    return {
        "restriction_policy": None,
        "assets": _assets(call, row),
        **without(row, "matching_downtimes", "assets"),
    }


def _assets(call: Call, row: Body) -> list[Json]:
    kept = call.org.private("monitors", str(row["id"]))
    found: list[Json] = (kept if "assets" in kept else row).get("assets", [])
    return found


def _in_use(id_: int, users: list[str]) -> Rejected:
    named = ", ".join(users)
    return reject(400, f"monitor [{id_}] is referenced in composite monitors or slos: [{named}]")


_ONE = "/api/v1/monitor/{monitor_id}"
ROUTES = (
    Route("GET", "/api/v1/monitor", list_monitors),
    Route("POST", "/api/v1/monitor", create_monitor),
    Route("GET", "/api/v1/monitor/can_delete", can_delete),
    Route("POST", "/api/v1/monitor/validate", validate_monitor),
    Route("GET", _ONE, get_monitor),
    Route("PUT", _ONE, update_monitor),
    Route("DELETE", _ONE, delete_monitor),
    Route("POST", _ONE + "/validate", validate_existing),
)
