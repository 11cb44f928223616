"""Dashboard lists: a name in one API, the members in another, dashboards of integrations too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import Answer, Body, Rejected, reject
from ddsnap.sandbox.resources.common import author, body_of, found
from ddsnap.sandbox.resources.dashboards import slug
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from ddsnap.sandbox.org import SandboxOrg

_OURS = {"custom_timeboard": "ordered", "custom_screenboard": "free"}
_THEIRS = ("integration_screenboard", "integration_timeboard", "host_timeboard")


def list_lists(call: Call) -> Answer:
    """All lists, none with its members."""
    rows = pages.whole(call, call.org.table("dashboard_lists").values())
    return Answer({"dashboard_lists": [_head(row) for row in rows]})


def get_list(call: Call) -> Answer:
    """One list without its members."""
    return Answer(_head(_row(call)))


def create_list(call: Call) -> Answer:
    """Create an empty list; names need not be unique."""
    name, person, now = _name(call), author(call), iso(call.org.now())
    row = {
        "author": {"name": person["name"], "handle": person["handle"]},
        "created": now,
        "dashboards": None,
        "dashboard_count": 0,
        "id": call.org.new_int(),
        "is_favorite": False,
        "modified": now,
        "name": name,
        "type": "manual_dashboard_list",
    }
    call.org.table("dashboard_lists")[str(row["id"])] = row
    return Answer(row)


def rename_list(call: Call) -> Answer:
    """Rename; the same name is no change."""
    row, name = _row(call), _name(call)
    if name != row["name"]:
        row.update(name=name, modified=iso(call.org.now()))
    return Answer(_head(row))


def delete_list(call: Call) -> Answer:
    """Delete the list; the dashboards stay."""
    row = _row(call)
    del call.org.table("dashboard_lists")[str(row["id"])]
    return Answer({"deleted_dashboard_list_id": row["id"]})


def list_members(call: Call) -> Answer:
    """The headers of the members that exist."""
    org = call.org
    shown = [_header(org, item) for item in members(_row(call)) if exists(org, item)]
    return Answer({"dashboards": shown, "total": len(shown)})


def add_members(call: Call) -> Answer:
    """Add members; those that are there already are not told."""
    row, sent = _row(call), _sent(call)
    new = [item for item in sent if item not in members(row)]
    _keep(call, row, [*members(row), *new])
    return Answer({"added_dashboards_to_list": new})


def replace_members(call: Call) -> Answer:
    """Replace all members."""
    row, sent = _row(call), _sent(call)
    _keep(call, row, sent)
    return Answer({"dashboards": sent})


def remove_members(call: Call) -> Answer:
    """Remove members; those that are not there are not told."""
    row = _row(call)
    gone = [item for item in _items(call) if item in members(row)]
    _keep(call, row, [item for item in members(row) if item not in gone])
    return Answer({"deleted_dashboards_from_list": gone})


def members(row: Body) -> list[Body]:
    """Return a list's members by type and id."""
    return list(row.get("dashboards") or [])


def exists(org: SandboxOrg, item: Body) -> bool:
    """Say whether a member is there: of integrations every dashboard is."""
    if item["type"] in _THEIRS:
        return True
    board = org.table("dashboards").get(item["id"])
    return board is not None and board["layout_type"] == _OURS[item["type"]]


def _row(call: Call) -> Body:
    id_ = call.params["list_id"]
    missing = reject(404, f"Manual Dashboard List with id {id_} not found")
    return found(call, "dashboard_lists", id_, missing)


def _head(row: Body) -> Body:
    return {**row, "dashboards": None}


def _name(call: Call) -> str:
    name = body_of(call).get("name")
    if not isinstance(name, str) or not name:
        raise reject(400, "Missing required parameter: 'name'")
    return name


def _items(call: Call) -> list[Body]:
    items = body_of(call).get("dashboards")
    if not isinstance(items, list):
        raise reject(400, "Missing required parameter: 'dashboards'")
    for item in items:
        kind = item.get("type") if isinstance(item, dict) else None
        if (
            not isinstance(kind, str)
            or kind not in (*_OURS, *_THEIRS)
            or not isinstance(item.get("id"), str)
        ):
            raise reject(400, f"Invalid dashboard: {item}")
    return [{"type": item["type"], "id": item["id"]} for item in items]


def _sent(call: Call) -> list[Body]:
    items = _items(call)
    for item in items:
        if not exists(call.org, item):
            raise _missing(item)
    return items


def _missing(item: Body) -> Rejected:
    return reject(404, f"Dashboard with ID {item['id']} not found")


def _keep(call: Call, row: Body, items: list[Body]) -> None:
    row.update(dashboards=items, dashboard_count=len(items), modified=iso(call.org.now()))


def _header(org: SandboxOrg, item: Body) -> Body:
    board = org.table("dashboards").get(item["id"]) or _integration(item)
    return {
        "author": {"name": board.get("author_name"), "handle": board.get("author_handle")},
        "created": board.get("created_at"),
        "is_favorite": False,
        "is_shared": False,
        "modified": board.get("modified_at"),
        "title": board["title"],
        "type": item["type"],
        "id": item["id"],
        "url": board["url"],
        "is_read_only": board.get("is_read_only", False),
        "tags": board.get("tags"),
        "icon": None,
        "integration_id": board.get("integration_id"),
        "popularity": 0,
    }


def _integration(item: Body) -> Body:
    title = f"Integration {item['id']} - Overview"
    return {
        "title": title,
        "url": f"/dash/integration/{item['id']}/{slug(title)}",
        "is_read_only": True,
        "integration_id": item["id"],
    }


_ALL, _ONE = "/api/v1/dashboard/lists/manual", "/api/v1/dashboard/lists/manual/{list_id}"
_MEMBERS = "/api/v2/dashboard/lists/manual/{list_id}/dashboards"
ROUTES = (
    Route("GET", _ALL, list_lists),
    Route("POST", _ALL, create_list),
    Route("GET", _ONE, get_list),
    Route("PUT", _ONE, rename_list),
    Route("DELETE", _ONE, delete_list),
    Route("GET", _MEMBERS, list_members),
    Route("POST", _MEMBERS, add_members),
    Route("PUT", _MEMBERS, replace_members),
    Route("DELETE", _MEMBERS, remove_members),
)
