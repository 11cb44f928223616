from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

NOBODY = "00000000-0000-0000-0000-000000000000"


def data(json_type: str, attributes: Any = None, **more: Any) -> dict[str, Any]:
    body = {"type": json_type, **more}
    return {"data": body if attributes is None else {**body, "attributes": attributes}}


def links(json_type: str, *ids: str) -> dict[str, Any]:
    return {"data": [{"type": json_type, "id": id_} for id_ in ids]}


def permissions(client: Client) -> dict[str, str]:
    rows = client.get("/api/v2/permissions")["data"]
    return {row["attributes"]["name"]: row["id"] for row in rows}


def granted(role: dict[str, Any]) -> set[str]:
    return {item["id"] for item in role["relationships"]["permissions"]["data"]}


def make_role(client: Client, name: str = "Crew", **attributes: Any) -> dict[str, Any]:
    status, body = client.ask("POST", "/api/v2/roles", data("roles", {"name": name, **attributes}))
    assert status == 200, body
    role: dict[str, Any] = body["data"]
    return role


def make_user(client: Client, email: str = "a@acme.example", **more: Any) -> dict[str, Any]:
    status, body = client.ask("POST", "/api/v2/users", data("users", {"email": email}, **more))
    assert status == 201, body
    user: dict[str, Any] = body["data"]
    return user


def make_team(client: Client, handle: str = "crew") -> str:
    sent = data("team", {"name": handle.title(), "handle": handle})
    status, body = client.ask("POST", "/api/v2/team", sent)
    assert status == 201, body
    return str(body["data"]["id"])


def test_an_org_starts_with_managed_roles_and_one_admin(client: Client) -> None:
    roles = client.get("/api/v2/roles")["data"]
    assert [role["attributes"]["managed"] for role in roles] == [True] * 3
    assert roles[0]["attributes"]["user_count"] == 1
    assert granted(roles[2]) < granted(roles[1]) < granted(roles[0])
    (user,) = client.get("/api/v2/users")["data"]
    assert user["id"] == client.org.owner


def test_permission_ids_differ_from_org_to_org(client: Client) -> None:
    other = client.sandbox.add_org("eu1")
    own, others = client.org.resources("permissions"), other.resources("permissions")
    assert not set(own) & set(others)
    names = [[row["attributes"]["name"] for row in rows.values()] for rows in (own, others)]
    assert names[0] == names[1]


def test_a_role_gets_the_defaults_unless_it_opts_out(client: Client) -> None:
    known = permissions(client)
    wanted = links("permissions", known["monitors_write"])
    defaults = granted(make_role(client))
    sent = data("roles", {"name": "More"}, relationships={"permissions": wanted})
    _, more = client.ask("POST", "/api/v2/roles", sent)
    sent["data"]["attributes"] = {"name": "Less", "default_permissions_opt_out": True}
    _, less = client.ask("POST", "/api/v2/roles", sent)
    assert granted(more["data"]) == defaults | {known["monitors_write"]}
    assert granted(less["data"]) == {known["monitors_write"]}


def test_role_names_are_unique_and_managed_roles_fixed(client: Client) -> None:
    role = make_role(client)
    taken = client.ask("POST", "/api/v2/roles", data("roles", {"name": "Crew"}))
    assert taken == (409, {"errors": ["A role with the same name already exists"]})
    reserved = data("roles", {"name": "Datadog Admin Role"})
    assert client.ask("POST", "/api/v2/roles", reserved)[0] == 409
    assert (
        client.ask("POST", "/api/v2/roles", data("roles", {"name": "x", "managed": True}))[0] == 400
    )
    managed = client.get("/api/v2/roles")["data"][0]["id"]
    path = f"/api/v2/roles/{managed}"
    assert client.ask("PATCH", path, data("roles", {"name": "x"}, id=managed))[0] == 400
    assert client.ask("DELETE", path)[0] == 400
    assert client.ask("DELETE", f"/api/v2/roles/{role['id']}") == (204, None)
    assert client.ask("GET", f"/api/v2/roles/{role['id']}")[0] == 404


def test_a_role_is_renamed_cloned_and_regranted(client: Client) -> None:
    known, role = permissions(client), make_role(client)
    path = f"/api/v2/roles/{role['id']}"
    _, body = client.ask("PATCH", path, data("roles", {"name": "Squad"}, id=role["id"]))
    assert body["data"]["attributes"]["name"] == "Squad"
    assert granted(body["data"]) == granted(role)
    one = data("permissions", id=known["slos_write"])
    _, body = client.ask("POST", path + "/permissions", one)
    assert known["slos_write"] in {row["id"] for row in body["data"]}
    _, clone = client.ask("POST", path + "/clone", data("roles", {"name": "Copy"}))
    assert granted(clone["data"]) == granted(role) | {known["slos_write"]}
    _, body = client.ask("DELETE", path + "/permissions", one)
    assert {row["id"] for row in body["data"]} == granted(role)
    assert client.get(path + "/permissions") == body


@pytest.mark.parametrize(
    ("id_", "text"), [("dashboards_write", "invalid UUID [dashboards_write]"), (NOBODY, "Invalid")]
)
def test_an_unknown_permission_is_refused(client: Client, id_: str, text: str) -> None:
    sent = data("roles", {"name": "x"}, relationships={"permissions": links("permissions", id_)})
    status, body = client.ask("POST", "/api/v2/roles", sent)
    assert status == 400
    assert text in body["errors"][0]


def test_a_user_has_a_unique_handle_that_stays(client: Client) -> None:
    user = make_user(client)
    path = f"/api/v2/users/{user['id']}"
    again = client.ask("POST", "/api/v2/users", data("users", {"email": "a@acme.example"}))
    assert again == (409, {"errors": ["User a@acme.example already exists"]})
    change = {"email": "b@acme.example", "name": "B", "disabled": True}
    _, body = client.ask("PATCH", path, data("users", change, id=user["id"]))
    own = body["data"]["attributes"]
    assert (own["email"], own["handle"]) == ("b@acme.example", "a@acme.example")
    assert (own["name"], own["status"]) == ("B", "Disabled")
    _, body = client.ask("PATCH", path, data("users", {"disabled": False}, id=user["id"]))
    assert body["data"]["attributes"]["status"] == "Pending"
    assert client.ask("PATCH", path, data("users", {"name": "x"}, id=NOBODY))[0] == 422
    assert client.ask("POST", "/api/v2/users", data("users", {"email": "nobody"}))[0] == 400


def test_deleting_a_user_only_disables(client: Client) -> None:
    user = make_user(client)
    assert client.ask("DELETE", f"/api/v2/users/{user['id']}") == (204, None)
    assert client.get(f"/api/v2/users/{user['id']}")["data"]["attributes"]["disabled"] is True
    assert len(client.get("/api/v2/users")["data"]) == 2
    assert len(client.get("/api/v2/users?filter[status]=Disabled")["data"]) == 1
    assert client.ask("DELETE", f"/api/v2/users/{NOBODY}")[0] == 404


def test_service_accounts_may_share_an_email(client: Client) -> None:
    sent = data("users", {"email": "bot@acme.example", "service_account": True})
    made = [client.ask("POST", "/api/v2/service_accounts", sent)[1]["data"] for _ in range(2)]
    assert made[0]["attributes"]["handle"] == made[0]["id"] != made[1]["id"]
    sent["data"]["attributes"].pop("service_account")
    assert client.ask("POST", "/api/v2/service_accounts", sent)[0] == 400


def test_users_and_roles_are_bound_by_calls_of_their_own(client: Client) -> None:
    role = make_role(client)["id"]
    bound = {"roles": links("roles", role)}
    user = make_user(client, relationships=bound)
    assert user["relationships"]["roles"] == bound["roles"]
    assert client.get(f"/api/v2/roles/{role}")["data"]["attributes"]["user_count"] == 1
    path, who = f"/api/v2/roles/{role}/users", data("users", id=user["id"])
    assert client.ask("DELETE", path, who)[1]["data"] == []
    assert client.get(f"/api/v2/users/{user['id']}")["data"]["relationships"]["roles"]["data"] == []
    for _ in range(2):
        _, body = client.ask("POST", path, who)
        assert [row["id"] for row in body["data"]] == [user["id"]]
    assert client.get(f"/api/v2/roles/{role}")["data"]["attributes"]["user_count"] == 1
    assert client.ask("POST", path, data("users", id=NOBODY))[0] == 404
    refused = data(
        "users", {"email": "c@acme.example"}, relationships={"roles": links("roles", "x")}
    )
    assert client.ask("POST", "/api/v2/users", refused)[0] == 400


def test_team_names_and_handles_are_unique(client: Client) -> None:
    id_ = make_team(client)
    for taken in ({"name": "Crew", "handle": "other"}, {"name": "Other", "handle": "crew"}):
        status, body = client.ask("POST", "/api/v2/team", data("team", taken))
        assert (status, body) == (409, {"errors": ["Team name and handle must be unique"]})
    path = f"/api/v2/team/{id_}"
    assert client.ask("PATCH", path, data("team", {"name": "Crew"}))[0] == 400
    sent = {"name": "Crew", "handle": "crew", "description": "d", "banner": 3}
    _, body = client.ask("PATCH", path, data("team", sent))
    assert body["data"]["attributes"]["banner"] == 3
    read = client.get(path)["data"]["attributes"]
    assert (read["description"], read["summary"]) == ("d", "d")
    assert "banner" not in read
    assert client.ask("GET", "/api/v2/team/none")[0] == 404


def test_memberships_live_under_their_team(client: Client) -> None:
    team, user = make_team(client), make_user(client)["id"]
    path = f"/api/v2/team/{team}/memberships"
    who = {"relationships": {"user": {"data": {"type": "users", "id": user}}}}
    status, body = client.ask("POST", path, data("team_memberships", {"role": "admin"}, **who))
    assert status == 200
    assert body["data"]["attributes"]["role"] == "admin"
    assert body["data"]["id"].startswith(f"TeamMembership-{team}-")
    status, body = client.ask("POST", path, data("team_memberships", {}, **who))
    assert (status, body["errors"]) == (409, [f"users already present on the team [{user}]"])
    changed = data("team_memberships", {"role": None})
    assert client.ask("PATCH", f"{path}/{user}", changed)[1]["data"]["attributes"]["role"] is None
    assert (
        client.ask("PATCH", f"{path}/{user}", data("team_memberships", {"role": "boss"}))[0] == 400
    )
    assert client.get(f"/api/v2/team/{team}")["data"]["attributes"]["user_count"] == 1
    assert client.ask("DELETE", f"{path}/{user}") == (204, None)
    assert client.ask("DELETE", f"{path}/{user}")[0] == 404
    assert client.get(path)["data"] == []


def test_deleting_a_team_ends_its_memberships(client: Client) -> None:
    user = make_user(client)["id"]
    sent = data("team", {"name": "A", "handle": "a"}, relationships={"users": links("users", user)})
    team = client.ask("POST", "/api/v2/team", sent)[1]["data"]["id"]
    assert len(client.org.resources("team_memberships")) == 1
    assert client.ask("DELETE", f"/api/v2/team/{team}") == (204, None)
    assert client.org.resources("team_memberships") == {}


def policy(client: Client, id_: str, *bindings: tuple[str, list[str]]) -> tuple[int, Any]:
    body = [{"relation": relation, "principals": who} for relation, who in bindings]
    sent = data("restriction_policy", {"bindings": body}, id=id_)
    return client.ask("POST", f"/api/v2/restriction_policy/{id_}", sent)


def test_a_policy_is_set_replaced_and_lifted(client: Client) -> None:
    team, own = f"team:{make_team(client)}", f"user:{client.org.owner}"
    path = "/api/v2/restriction_policy/dashboard:abc"
    assert client.get(path)["data"]["attributes"] == {"bindings": []}
    _, body = policy(client, "dashboard:abc", ("editor", [own, team]), ("viewer", [team]))
    assert body["data"]["attributes"]["bindings"][0]["principals"] == sorted([own, team])
    assert client.get(path) == body
    policy(client, "dashboard:abc", ("editor", [own]))
    assert len(client.get(path)["data"]["attributes"]["bindings"]) == 1
    assert client.ask("DELETE", path) == (204, None)
    assert client.get(path)["data"]["attributes"] == {"bindings": []}


@pytest.mark.parametrize(
    ("id_", "relation", "principal", "text"),
    [
        ("malformed", "editor", "org:{org}", "is not in a valid format"),
        ("log:1", "editor", "org:{org}", "does not support restriction policies"),
        ("dashboard:1", "runner", "org:{org}", "is not supported"),
        ("dashboard:1", "editor", "dog:{org}", "supported types"),
        ("dashboard:1", "editor", f"org:{NOBODY}", "cross-org principals are not supported"),
        ("dashboard:1", "editor", f"team:{NOBODY}", "is not a valid principal"),
        ("dashboard:1", "editor", f"role:{NOBODY}", "is not a valid principal"),
        ("dashboard:1", "editor", f"user:{NOBODY}", "is not a valid principal"),
        ("dashboard:1", "viewer", "org:{org}", "lose access"),
    ],
)
def test_a_bad_policy_is_refused(
    client: Client, id_: str, relation: str, principal: str, text: str
) -> None:
    status, body = policy(client, id_, (relation, [principal.format(org=client.org.uuid)]))
    assert status == 400
    assert text in body["errors"][0]
    assert client.org.resources("restriction_policies") == {}


def test_a_lockout_can_be_asked_for(client: Client) -> None:
    team = f"team:{make_team(client)}"
    assert policy(client, "dashboard:1", ("editor", [team]))[0] == 400
    body = data("restriction_policy", {"bindings": [{"relation": "editor", "principals": [team]}]},
                id="dashboard:1")  # fmt: skip
    path = "/api/v2/restriction_policy/dashboard:1?allow_self_lockout=true"
    assert client.ask("POST", path, body)[0] == 200


def test_the_id_of_a_policy_stands_in_path_and_body(client: Client) -> None:
    body = data("restriction_policy", {"bindings": []}, id="dashboard:2")
    assert client.ask("POST", "/api/v2/restriction_policy/dashboard:1", body)[0] == 400
