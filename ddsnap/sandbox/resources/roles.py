"""Roles, the permissions they grant, and the users who have them."""

from __future__ import annotations

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Json, reject
from ddsnap.sandbox.furnish import default_permissions, link
from ddsnap.sandbox.resources.common import (
    attributes_of,
    author,
    body_of,
    bump,
    data_of,
    found,
    is_uuid,
    linked,
    without,
)
from ddsnap.sandbox.resources.users import user_page
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.times import iso_z


def list_permissions(call: Call) -> Answer:
    """The whole catalogue, in one answer."""
    return Answer({"data": pages.whole(call, call.org.table("permissions").values())})


def list_roles(call: Call) -> Answer:
    """A page of roles."""
    words = call.query.get("filter", "").lower()
    rows = call.org.table("roles").values()
    page = pages.numbered(call, (r for r in rows if words in r["attributes"]["name"].lower()))
    counts = {"total_count": page.total, "total_filtered_count": page.total}
    return Answer({"data": page.items, "meta": {"page": counts}})


def get_role(call: Call) -> Answer:
    """One role."""
    return Answer({"data": _row(call)})


def create_role(call: Call) -> Answer:
    """Create; the default permissions come by themselves unless opted out of."""
    data = data_of(call, "roles")
    sent = attributes_of(data, "name")
    if "managed" in sent:
        raise reject(400, "Additional properties are not allowed ('managed' was unexpected)")
    _refuse_name(call, sent["name"], "")
    return Answer({"data": _short(_new_role(call, sent["name"], _wanted(call, data) or []))})


def update_role(call: Call) -> Answer:
    """Rename, or replace the permissions."""
    row = _changeable(call)
    data = data_of(call, "roles")
    if data.get("id") != row["id"]:
        text = "The id attribute in the request body does not match the role_id in the URL"
        raise reject(422, text)
    sent = attributes_of(data)
    wanted = _wanted(call, data)
    _refuse_name(call, sent.get("name"), row["id"])
    if sent.get("name"):
        row["attributes"]["name"] = sent["name"]
        call.org.table("roles")[row["id"]] = row
    if wanted is not None:
        row["relationships"]["permissions"]["data"] = wanted
    _touch(call, row)
    return Answer({"data": _short(row)})


def delete_role(call: Call) -> Answer:
    """Delete; users lose the role."""
    row = _changeable(call)
    del call.org.table("roles")[row["id"]]
    for user in call.org.table("users").values():
        links = user["relationships"]["roles"]
        links["data"] = [item for item in links["data"] if item["id"] != row["id"]]
    return NO_CONTENT


def clone_role(call: Call) -> Answer:
    """Create a role with the permissions of another."""
    old = _row(call)
    name = attributes_of(data_of(call, "roles"), "name")["name"]
    _refuse_name(call, name, "")
    return Answer({"data": _short(_new_role(call, name, list(_granted(old))))})


def permissions_of(call: Call) -> Answer:
    """The permissions that a role grants."""
    return Answer({"data": _permissions(call, _row(call))})


def add_permission(call: Call) -> Answer:
    """Grant one more permission."""
    row = _changeable(call)
    id_ = _one_permission(call)
    _set_permissions(call, row, {*(item["id"] for item in _granted(row)), id_})
    return Answer({"data": _permissions(call, row)})


def remove_permission(call: Call) -> Answer:
    """Take one permission back."""
    row = _changeable(call)
    id_ = _one_permission(call)
    _set_permissions(call, row, {item["id"] for item in _granted(row)} - {id_})
    return Answer({"data": _permissions(call, row)})


def users_of(call: Call) -> Answer:
    """The users who have a role."""
    return Answer(_users(call, _row(call)["id"]))


def add_user(call: Call) -> Answer:
    """Give a role to a user."""
    role, user = _row(call), _user(call)
    links = user["relationships"]["roles"]["data"]
    if all(item["id"] != role["id"] for item in links):
        links.append(link(role["id"], "roles"))
        bump(role["attributes"], "user_count", 1)
    return Answer(_users(call, role["id"]))


def remove_user(call: Call) -> Answer:
    """Take a role from a user."""
    role, user = _row(call), _user(call)
    links = user["relationships"]["roles"]
    kept = [item for item in links["data"] if item["id"] != role["id"]]
    bump(role["attributes"], "user_count", len(kept) - len(links["data"]))
    links["data"] = kept
    return Answer(_users(call, role["id"]))


def _row(call: Call) -> Body:
    return found(call, "roles", call.params["role_id"])


def _changeable(call: Call) -> Body:
    row = _row(call)
    if row["attributes"].get("managed"):
        raise reject(400, "Managed roles cannot be modified")
    return row


def _granted(row: Body) -> list[Body]:
    granted: list[Body] = row["relationships"]["permissions"]["data"]
    return granted


def _refuse_name(call: Call, name: Json, but: str) -> None:
    if not isinstance(name, (str, type(None))):
        raise reject(400, "Invalid request body: 'name' must be a string")
    for row in call.org.table("roles").alike(str(name)):
        if row["id"] != but:
            raise reject(409, "A role with the same name already exists")


def _wanted(call: Call, data: Body) -> list[Body] | None:
    ids = linked(data, "permissions")
    opted_out = data["attributes"].get("default_permissions_opt_out") is True
    if ids is None and call.method == "PATCH":
        return None
    wanted = set(ids or [])
    for id_ in wanted:
        _check_permission(call, id_)
    if not opted_out:
        wanted.update(item["id"] for item in default_permissions(call.org))
    return [link(id_) for id_ in call.org.table("permissions") if id_ in wanted]


def _check_permission(call: Call, id_: str) -> None:
    if not is_uuid(id_):
        raise reject(400, f"invalid UUID [{id_}]")
    if id_ not in call.org.table("permissions"):
        raise reject(400, "Invalid input ")


def _new_role(call: Call, name: str, permissions: list[Body]) -> Body:
    now, handle = iso_z(call.org.now()), author(call)["handle"]
    row = {
        "id": call.org.new_uuid(),
        "type": "roles",
        "attributes": {
            "created_at": now,
            "created_by_handle": handle,
            "modified_at": now,
            "modified_by_handle": handle,
            "name": name,
            "team_count": 0,
            "user_count": 0,
        },
        "relationships": {"permissions": {"data": permissions}},
    }
    call.org.table("roles")[str(row["id"])] = row
    return row


def _touch(call: Call, row: Body) -> None:
    row["attributes"]["modified_at"] = iso_z(call.org.now())
    row["attributes"]["modified_by_handle"] = author(call)["handle"]


def _short(row: Body) -> Body:
    handles = ("created_by_handle", "modified_by_handle")
    return {**row, "attributes": without(row["attributes"], *handles)}


def _one_permission(call: Call) -> str:
    id_ = str(data_of(call, "permissions").get("id"))
    _check_permission(call, id_)
    return id_


def _set_permissions(call: Call, row: Body, ids: set[str]) -> None:
    ordered = [link(id_) for id_ in call.org.table("permissions") if id_ in ids]
    row["relationships"]["permissions"]["data"] = ordered
    _touch(call, row)


def _permissions(call: Call, row: Body) -> list[Body]:
    table = call.org.table("permissions")
    return [table[item["id"]] for item in _granted(row) if item["id"] in table]


def _user(call: Call) -> Body:
    data = body_of(call).get("data")
    if not isinstance(data, dict) or data.get("type") != "users":
        raise reject(400, "Invalid request body: type must be 'users'")
    return found(call, "users", str(data.get("id")))


def _users(call: Call, role: str) -> Body:
    rows = call.org.table("users").values()
    having = [r for r in rows if any(x["id"] == role for x in r["relationships"]["roles"]["data"])]
    return user_page(call, having)


_ONE = "/api/v2/roles/{role_id}"
ROUTES = (
    Route("GET", "/api/v2/permissions", list_permissions),
    Route("GET", "/api/v2/roles", list_roles),
    Route("POST", "/api/v2/roles", create_role),
    Route("GET", _ONE, get_role),
    Route("PATCH", _ONE, update_role),
    Route("DELETE", _ONE, delete_role),
    Route("POST", _ONE + "/clone", clone_role),
    Route("GET", _ONE + "/permissions", permissions_of),
    Route("POST", _ONE + "/permissions", add_permission),
    Route("DELETE", _ONE + "/permissions", remove_permission),
    Route("GET", _ONE + "/users", users_of),
    Route("POST", _ONE + "/users", add_user),
    Route("DELETE", _ONE + "/users", remove_user),
)
