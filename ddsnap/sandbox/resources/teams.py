"""Teams with unique handles and names, and the users who are their members."""

from __future__ import annotations

from ddsnap.sandbox import pages
from ddsnap.sandbox.answers import NO_CONTENT, Answer, Body, Json, reject, reject_titled
from ddsnap.sandbox.furnish import link
from ddsnap.sandbox.resources.common import (
    attributes_of,
    bump,
    data_of,
    found,
    is_uuid,
    linked,
    without,
)
from ddsnap.sandbox.router import Call, Route
from ddsnap.sandbox.shapes import Shape, check_shape
from ddsnap.sandbox.state import join
from ddsnap.sandbox.times import iso

_WRITABLE = ("avatar", "banner", "description", "handle", "hidden_modules", "name",
             "visible_modules")  # fmt: skip
_ONLY_WRITTEN = ("avatar", "banner", "hidden_modules", "visible_modules")
_SHAPE: Shape = {
    "name": "text",
    "handle": "text",
    "description~": "text",
    "avatar~": "text",
    "banner~": "whole",
    "visible_modules~": ["text"],
    "hidden_modules~": ["text"],
}
_MEMBER = ("disabled", "email", "handle", "icon", "name", "service_account", "status")


def list_teams(call: Call) -> Answer:
    """A page of teams."""
    words = call.query.get("filter[keyword]", "").lower()
    rows = call.org.table("teams").values()
    page = pages.numbered(call, (row for row in rows if _mentions(row, words)))
    return Answer({"data": page.items, "meta": _meta(page), "links": _links(call, page)})


def get_team(call: Call) -> Answer:
    """One team."""
    return Answer({"data": _team(call)})


def create_team(call: Call) -> Answer:
    """Create; name and handle are unique."""
    data = data_of(call, "team")
    sent = attributes_of(data, "handle", "name")
    _refuse_taken(call, sent, "")
    users = linked(data, "users") or []
    for id_ in users:
        found(call, "users", id_, reject(404, f"User for ID {id_} not found"))
    row = _new_team(call, sent)
    call.org.table("teams")[row["id"]] = row
    for id_ in users:
        _enter(call, row["id"], id_, None)
    return Answer({"data": _full(call, row)}, 201)


def update_team(call: Call) -> Answer:
    """Change; name and handle must both be sent."""
    row = _changeable(call)
    sent = attributes_of(data_of(call, "team"), "handle", "name")
    _refuse_taken(call, sent, row["id"])
    _fill(call, row, sent)
    row["attributes"]["modified_at"] = iso(call.org.now())
    call.org.table("teams")[row["id"]] = row
    # Unlike any other answer, that of an update has links without their data.
    links = {name: without(item, "data") for name, item in row["relationships"].items()}
    return Answer({"data": {**_full(call, row), "relationships": links}})


def delete_team(call: Call) -> Answer:
    """Delete a team and its memberships."""
    row = _changeable(call)
    del call.org.table("teams")[row["id"]]
    for id_ in call.org.members.pop(row["id"], {}).values():
        del call.org.table("team_memberships")[id_]
    return NO_CONTENT


def list_members(call: Call) -> Answer:
    """A page of a team's memberships, with the users."""
    team = call.params["team_id"]
    if team not in call.org.table("teams"):
        text = f"Failed to find team memberships: no team found (teamId={team})"
        raise reject_titled(404, "Not Found", f"rpc error: code = NotFound desc = {text}")
    table = call.org.table("team_memberships")
    page = pages.numbered(call, (table[id_] for id_ in call.org.members.get(team, {}).values()))
    users = [_member_user(call, _user_id(row), *_MEMBER[:-1]) for row in page.items]
    body = {"data": pages.map_page(page, _membership), "included": [u for u in users if u]}
    return Answer({**body, "meta": _meta(page), "links": _links(call, page)})


def add_member(call: Call) -> Answer:
    """Make a user a member."""
    team = _changeable(call)["id"]
    data = data_of(call, "team_memberships")
    role = _role(attributes_of({"attributes": {}, **data}))
    ids = linked(data, "user") or []
    if len(ids) != 1:
        raise reject(400, "Invalid request body: 'user' is a required property")
    found(call, "users", ids[0], reject(404, f"User for ID {ids[0]} not found"))
    if ids[0] in call.org.members.get(team, {}):
        raise reject(409, f"users already present on the team [{ids[0]}]")
    row = _enter(call, team, ids[0], role)
    included = _member_user(call, ids[0], *_MEMBER)
    return Answer({"data": _membership(row), "included": [included]})


def update_member(call: Call) -> Answer:
    """Change a member's role in the team."""
    row = _member(call)
    row["attributes"]["role"] = _role(attributes_of(data_of(call, "team_memberships")))
    included = _member_user(call, call.params["user_id"], *_MEMBER[:-1])
    return Answer({"data": _membership(row), "included": [included]})


def remove_member(call: Call) -> Answer:
    """End a membership."""
    _changeable(call)
    row = _member(call)
    team = call.params["team_id"]
    del call.org.table("team_memberships")[row["id"]]
    del call.org.members[team][call.params["user_id"]]
    bump(call.org.table("teams")[team]["attributes"], "user_count", -1)
    return NO_CONTENT


def team_body(id_: str, sent: Body, when: str) -> Body:
    """Return a team as it is read."""
    path = f"/api/v2/team/{id_}"
    return {
        "id": id_,
        "type": "team",
        "attributes": {
            "created_at": when,
            "description": sent.get("description"),
            "handle": sent["handle"],
            "is_managed": False,
            "link_count": 0,
            "modified_at": when,
            "name": sent["name"],
            "summary": sent.get("description"),
            "user_count": 0,
        },
        "relationships": {
            "team_links": {"data": [], "links": {"related": f"{path}/links"}},
            "user_team_permissions": {
                "data": None,
                "links": {"related": f"{path}/permission-settings"},
            },
        },
    }


def membership_body(id_: str, team: str, user: str, role: str | None, by: str) -> Body:
    """Return a membership as it is kept: with its team, which answers leave out."""
    return {
        "id": id_,
        "type": "team_memberships",
        "attributes": {"provisioned_by": None, "provisioned_by_id": by, "role": role},
        "relationships": {
            "user": {"data": link(user, "users")},
            "team": {"data": link(team, "team")},
        },
    }


def _team(call: Call) -> Body:
    id_ = call.params["team_id"]
    if not is_uuid(id_):
        raise reject(404, f"{id_} is not a valid UUID not found")
    return found(call, "teams", id_, reject(404, f"Team for ID {id_} not found"))


def _changeable(call: Call) -> Body:
    row = _team(call)
    if row["attributes"].get("is_managed"):
        raise reject(403, "Forbidden")
    return row


def _member(call: Call) -> Body:
    team, user = _team(call)["id"], call.params["user_id"]
    if not is_uuid(user):
        raise reject(404, f"{user} is not a valid UUID not found")
    id_ = call.org.members.get(team, {}).get(user, "")
    return found(call, "team_memberships", id_, reject(404, f"User for ID {user} not found"))


def _role(attributes: Body) -> str | None:
    role = attributes.get("role")
    if role not in (None, "admin"):
        error = {"detail": "Not a valid choice.", "source": {"pointer": "/data/attributes/role"}}
        raise reject(400, str({"errors": [error]}))
    return None if role is None else "admin"


def _refuse_taken(call: Call, sent: Body, but: str) -> None:
    check_shape(_SHAPE, sent)
    table = call.org.table("teams")
    for row in table.alike(f"handle {sent['handle']}") + table.alike(f"name {sent['name']}"):
        if row["id"] != but:
            raise reject(409, "Team name and handle must be unique")


def _new_team(call: Call, sent: Body) -> Body:
    id_ = call.org.new_uuid()
    row = team_body(id_, sent, iso(call.org.now()))
    if "terraform" in call.agent:
        row["attributes"]["provisioned_by"] = "teams_terraform"
    _fill(call, row, sent)
    return row


def _fill(call: Call, row: Body, sent: Body) -> None:
    written = {name: sent[name] for name in _WRITABLE if name in sent}
    row["attributes"].update(without(written, *_ONLY_WRITTEN))
    row["attributes"]["summary"] = row["attributes"]["description"]
    hidden = {name: written[name] for name in _ONLY_WRITTEN if name in written}
    call.org.private("teams", row["id"]).update(hidden)


def _full(call: Call, row: Body) -> Body:
    hidden = dict.fromkeys(_ONLY_WRITTEN) | {"banner": 1 + int(row["id"][:2], 16) % 15}
    hidden |= call.org.private("teams", row["id"])
    return {**row, "attributes": {**row["attributes"], **hidden}}


def _enter(call: Call, team: str, user: str, role: str | None) -> Body:
    number = call.org.private("users", user).setdefault("number", call.org.new_int())
    row = membership_body(f"TeamMembership-{team}-{number}", team, user, role, call.org.owner)
    call.org.table("team_memberships")[row["id"]] = row
    join(call.org, row)
    bump(call.org.table("teams")[team]["attributes"], "user_count", 1)
    return row


def _membership(row: Body) -> Body:
    return {**row, "relationships": without(row["relationships"], "team")}


def _user_id(row: Body) -> str:
    return str(row["relationships"]["user"]["data"]["id"])


def _member_user(call: Call, id_: str, *names: str) -> Body | None:
    row = call.org.table("users").get(id_)
    if row is None:
        return None
    own = row["attributes"]
    return {"id": id_, "type": "users", "attributes": {n: own[n] for n in names if n in own}}


def _mentions(row: Body, words: str) -> bool:
    own = row["attributes"]
    return words in own["name"].lower() or words in own["handle"].lower()


def _meta(page: pages.Page) -> Body:
    last = max(0, -(-page.total // page.size) - 1)
    return {
        "pagination": {
            "number": page.number,
            "first_number": 0,
            "prev_number": max(0, page.number - 1),
            "next_number": page.number + 1,
            "last_number": last,
            "size": page.size,
            "type": "number_size",
            "total": page.total,
        }
    }


def _links(call: Call, page: pages.Page) -> Body:
    def at(number: int) -> str:
        return (
            f"https://api.sandbox.example{call.path}?page[number]={number}&page[size]={page.size}"
        )

    before: Json = at(page.number - 1) if page.number else None
    return {"self": at(page.number), "last": None, "next": at(page.number + 1), "prev": before,
            "first": at(0)}  # fmt: skip


_ONE = "/api/v2/team/{team_id}"
ROUTES = (
    Route("GET", "/api/v2/team", list_teams),
    Route("POST", "/api/v2/team", create_team),
    Route("GET", _ONE, get_team),
    Route("PATCH", _ONE, update_team),
    Route("DELETE", _ONE, delete_team),
    Route("GET", _ONE + "/memberships", list_members),
    Route("POST", _ONE + "/memberships", add_member),
    Route("PATCH", _ONE + "/memberships/{user_id}", update_member),
    Route("DELETE", _ONE + "/memberships/{user_id}", remove_member),
)
