"""Users and service accounts: unique handles, roles of their own, disabled instead of deleted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Json, reject
from ddsnap.sandbox.furnish import icon, link, user
from ddsnap.sandbox.resources.common import attributes_of, bump, data_of, found, linked, without
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.times import iso

if TYPE_CHECKING:
    from collections.abc import Iterable

_ONLY_READ = ("mfa_enabled",)


def list_users(call: Call) -> Answer:
    """A page of users, disabled ones too."""
    rows = [row for row in call.org.table("users").values() if _selected(row, call.query)]
    return Answer(user_page(call, rows))


def user_page(call: Call, rows: list[Body]) -> Body:
    """Return the body that lists users."""
    page = pages.numbered(call, rows, cap=1000)
    total = len(call.org.table("users")) if len(rows) == page.total else page.total
    counts = {"total_count": total, "total_filtered_count": page.total, "max_page_size": 1000}
    body = {"data": pages.map_page(page, _listed), "meta": {"page": counts}}
    extra = included_roles(call, page.items)
    return {**body, "included": extra} if extra else body


def get_user(call: Call) -> Answer:
    """One user."""
    row = found(call, "users", call.params["user_id"], reject(404, "user not found"))
    return _answer(call, row, row)


def create_user(call: Call) -> Answer:
    """Create a pending user; the handle is the e-mail."""
    data = data_of(call, "users")
    attributes = attributes_of(data, "email")
    email = attributes["email"]
    _refuse_bad_email(email)
    _check_own(attributes)
    if attributes.get("service_account"):
        raise reject(400, "Service accounts are created at /api/v2/service_accounts")
    if call.org.table("users").alike(email):
        raise reject(409, f"User {email} already exists")
    return _created(call, data, user(call.org, call.org.new_uuid(), email, iso(call.org.now())))


def create_service_account(call: Call) -> Answer:
    """Create a service account; its handle is its uuid, so no e-mail is refused."""
    data = data_of(call, "users")
    attributes = attributes_of(data, "email")
    _refuse_bad_email(attributes["email"])
    _check_own(attributes)
    if attributes.get("service_account") is not True:
        raise reject(400, "Invalid request body: 'service_account' must be true")
    row = user(call.org, call.org.new_uuid(), attributes["email"], iso(call.org.now()))
    row["attributes"].update(handle=row["id"], service_account=True, verified=True, status="Active")
    return _created(call, data, row)


def update_user(call: Call) -> Answer:
    """Change name, e-mail or the disabled state; roles have calls of their own."""
    id_ = call.params["user_id"]
    row = found(call, "users", id_)
    data = data_of(call, "users")
    if data.get("id") != id_:
        raise reject(422, "UUIDs in the URL and request body do not match")
    sent = attributes_of(data)
    _check_own(sent)
    if "email" in sent:
        _refuse_bad_email(sent["email"])
    own = row["attributes"]
    own.update({name: sent[name] for name in ("name", "email", "title") if name in sent})
    own.update(icon=icon(own["email"]), modified_at=iso(call.org.now()))
    if "disabled" in sent:
        _disable(own, disabled=sent["disabled"])
    return _answer(call, row, _as_written(row))


def disable_user(call: Call) -> Answer:
    """Disable; the user stays listed."""
    row = found(call, "users", call.params["user_id"])
    _disable(row["attributes"], disabled=True)
    row["attributes"]["modified_at"] = iso(call.org.now())
    return NO_CONTENT


def included_roles(call: Call, rows: Iterable[Body]) -> list[Body]:
    """Return the roles of some users, and those roles' permissions."""
    table = call.org.table("roles")
    ids = {item["id"]: None for row in rows for item in row["relationships"]["roles"]["data"]}
    roles = [table[id_] for id_ in ids if id_ in table]
    granted = {item["id"]: None for role in roles for item in _granted(role)}
    known = call.org.table("permissions")
    return [_short_role(role) for role in roles] + [known[id_] for id_ in granted if id_ in known]


def _created(call: Call, data: Body, row: Body) -> Answer:
    roles = linked(data, "roles") or []
    if any(id_ not in call.org.table("roles") for id_ in roles):
        raise reject(400, "Invalid input ")
    sent = data["attributes"]
    row["attributes"].update({n: sent[n] for n in ("name", "title") if n in sent})
    order = [id_ for id_ in call.org.table("roles") if id_ in roles]
    row["relationships"]["roles"]["data"] = [link(id_, "roles") for id_ in order]
    for id_ in order:
        bump(call.org.table("roles")[id_]["attributes"], "user_count", 1)
    call.org.table("users")[row["id"]] = row
    return _answer(call, row, _as_written(row), 201)


def _answer(call: Call, row: Body, shown: Body, status: int = 200) -> Answer:
    extra = included_roles(call, [row])
    return Answer({"data": shown, "included": extra} if extra else {"data": shown}, status)


def _as_written(row: Body) -> Body:
    return {
        **row,
        "attributes": without(row["attributes"], *_ONLY_READ),
        "relationships": without(row["relationships"], "team_roles"),
    }


def _listed(row: Body) -> Body:
    return {**row, "relationships": without(row["relationships"], "team_roles")}


def _disable(attributes: Body, *, disabled: bool) -> None:
    back = "Active" if attributes["verified"] else "Pending"
    attributes.update(disabled=disabled, status="Disabled" if disabled else back)


def _check_own(sent: Body) -> None:
    shape: Shape = {"name~": "text", "title~": "text", "disabled": "flag"}
    check_shape(shape, sent)


def _refuse_bad_email(email: Json) -> None:
    name, at, domain = str(email).partition("@")
    if not isinstance(email, str) or not (name and at and "." in domain) or " " in email:
        raise reject(400, "Invalid email address")


def _selected(row: Body, query: dict[str, str]) -> bool:
    own = row["attributes"]
    words = query.get("filter", "").lower()
    states = [state for state in query.get("filter[status]", "").split(",") if state]
    texts = (own["handle"], own["email"], own["name"])
    return (not states or own["status"] in states) and any(
        words in (t or "").lower() for t in texts
    )


def _granted(role: Body) -> list[Body]:
    granted: list[Body] = role["relationships"]["permissions"]["data"]
    return granted


def _short_role(role: Body) -> Body:
    kept = ("name", "managed", "created_at", "modified_at")
    own = {"managed": False, **{k: v for k, v in role["attributes"].items() if k in kept}}
    return {**role, "attributes": own}


_ONE = "/api/v2/users/{user_id}"
ROUTES = (
    Route("GET", "/api/v2/users", list_users),
    Route("POST", "/api/v2/users", create_user),
    Route("POST", "/api/v2/service_accounts", create_service_account),
    Route("GET", _ONE, get_user),
    Route("PATCH", _ONE, update_user),
    Route("DELETE", _ONE, disable_user),
)
