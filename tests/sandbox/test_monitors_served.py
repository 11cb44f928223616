from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

ALERT: dict[str, Any] = {
    "type": "metric alert",
    "name": " load is high ",
    "message": "look at it\n",
    "query": "avg(last_5m):avg:system.load.1{*} by {host} > 4",
    "options": {"thresholds": {"critical": 4}},
}


def create(client: Client, **changes: Any) -> dict[str, Any]:
    status, body = client.ask("POST", "/api/v1/monitor", {**ALERT, **changes})
    assert status == 200, body
    made: dict[str, Any] = body
    return made


def pair(client: Client) -> tuple[int, int]:
    return create(client, name="a")["id"], create(client, name="b")["id"]


def composite(client: Client, query: str) -> tuple[int, Any]:
    body = {"type": "composite", "name": "c", "query": query, "options": {}}
    return client.ask("POST", "/api/v1/monitor", body)


def test_a_monitor_is_trimmed_filled_and_read_back(client: Client) -> None:
    made = create(client, multi=False, overall_state="Alert", nonsense=1)
    assert (made["name"], made["message"]) == ("load is high", "look at it")
    assert repr(made["options"]["thresholds"]["critical"]) == "4.0"
    assert made["options"]["new_host_delay"] == 300
    assert made["multi"] is True
    assert made["overall_state"] == "No Data"
    assert "nonsense" not in made
    read = client.get(f"/api/v1/monitor/{made['id']}")
    assert read == {k: v for k, v in made.items() if k not in ("assets", "restriction_policy")}
    assert client.get("/api/v1/monitor") == [{**read, "matching_downtimes": []}]


def test_an_equal_monitor_is_refused_and_named(client: Client) -> None:
    made = create(client)
    status, body = client.ask("POST", "/api/v1/monitor", ALERT)
    named = f"Duplicate of an existing monitor_id:{made['id']} org_id:{client.org.number}"
    assert (status, body) == (400, {"errors": [named]})
    create(client, tags=["a"])
    other = create(client, name="other")
    answer = client.ask("PUT", f"/api/v1/monitor/{other['id']}", {"name": "load is high"})
    assert answer == (400, {"errors": [named]})


@pytest.mark.parametrize(
    "changes",
    [
        {"type": None},
        {"type": "nonsense alert"},
        {"type": "synthetics alert"},
        {"query": " "},
        {"priority": 6},
        {"tags": "a"},
        {"tags": [1]},
        {"restricted_roles": ["00000000-0000-0000-0000-000000000000"]},
        {"options": []},
        {"options": {"thresholds": {"critical": 5}}},
        {"options": {"thresholds": {"critical": "4"}}},
        {"options": {"thresholds": {"critical": 4, "warning_recovery": 1}}},
        {"options": {"thresholds": [4]}},
        {"options": {"scheduling_options": {"custom_schedule": {"recurrences": [1]}}}},
        {"query": "avg(last_5m):avg:a{*} > 4", "options": {"notify_by": ["*"]}},
    ],
)
def test_a_bad_definition_is_refused_by_create_and_validate(
    client: Client, changes: dict[str, Any]
) -> None:
    body = {**ALERT, **changes}
    for path in ("/api/v1/monitor", "/api/v1/monitor/validate"):
        status, answer = client.ask("POST", path, body)
        assert status == 400
        assert answer["errors"]
    assert client.get("/api/v1/monitor") == []


def test_validation_stores_nothing(client: Client) -> None:
    assert client.ask("POST", "/api/v1/monitor/validate", ALERT) == (200, {})
    assert client.get("/api/v1/monitor") == []
    id_ = create(client)["id"]
    assert client.ask("POST", f"/api/v1/monitor/{id_}/validate", {"priority": 2}) == (200, {})
    assert client.ask("POST", f"/api/v1/monitor/{id_}/validate", {"priority": 9})[0] == 400
    assert client.get(f"/api/v1/monitor/{id_}")["priority"] is None


@pytest.mark.parametrize(
    "form", ["{0} && {1}", "{0} || !{1}", "( {0}&&!{1} ) || !( {1} )", "(({0}) || ({1}))"]
)
def test_a_composite_over_existing_monitors_is_accepted(client: Client, form: str) -> None:
    assert composite(client, form.format(*pair(client)))[0] == 200


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("{0} && 999", "Some monitor IDs are invalid"),
        ("{0} && ", "parameter 'query' is invalid"),
        ("{0} {1}", "parameter 'query' is invalid"),
        ("( {0} && {1}", "parameter 'query' is invalid"),
        ("{0} && {1} )(", "parameter 'query' is invalid"),
        ("{0} && x", "parameter 'query' is invalid"),
        ("{0} && {0}", "parameter 'query' is invalid"),
        ("&& {0} {1}", "parameter 'query' is invalid"),
    ],
)
def test_a_broken_composite_is_refused(client: Client, form: str, text: str) -> None:
    status, body = composite(client, form.format(*pair(client)))
    assert status == 400
    assert text in body["errors"][0]


def test_a_member_of_a_composite_is_deleted_by_force_alone(client: Client) -> None:
    one, two = pair(client)
    _, made = composite(client, f"{one} && {two}")
    path = f"/api/v1/monitor/{one}"
    status, body = client.ask("DELETE", path)
    assert status == 400
    assert str(made["id"]) in body["errors"][0]
    asked = f"/api/v1/monitor/can_delete?monitor_ids={one},{made['id']}"
    status, body = client.ask("GET", asked)
    assert (status, body["data"], list(body["errors"])) == (409, {"ok": [made["id"]]}, [str(one)])
    assert client.ask("DELETE", path + "?force=true") == (200, {"deleted_monitor_id": one})
    assert client.ask("GET", path) == (404, {"errors": ["Monitor not found"]})
    assert client.ask("DELETE", path)[0] == 404


def test_an_update_keeps_what_was_not_sent_but_replaces_options(client: Client) -> None:
    made = create(client, tags=["a"], options={"thresholds": {"critical": 4}, "timeout_h": 5})
    path = f"/api/v1/monitor/{made['id']}"
    status, body = client.ask("PUT", path, {"options": {"thresholds": {"critical": 4}}})
    assert status == 200
    assert body["tags"] == ["a"]
    assert "timeout_h" not in body["options"]
    assert "creator" not in body
    assert body["modified"] > made["modified"]
    assert client.get(path)["creator"] == made["creator"]
    assert client.ask("PUT", path, {"id": 1})[0] == 400
    assert client.ask("PUT", "/api/v1/monitor/none", {})[0] == 404


def test_runbooks_are_read_where_asked_for(client: Client) -> None:
    asset = {"name": "Runbook", "category": "runbook", "url": "/notebooks/1"}
    made = create(client, assets=[asset])
    path = f"/api/v1/monitor/{made['id']}"
    assert "assets" not in client.get(path)
    assert client.get(path + "?with_assets=true")["assets"] == made["assets"]
    assert made["assets"][0]["monitor_id"] == made["id"]
    assert client.get(path + "?with_downtimes=true")["matching_downtimes"] == []
    assert all("assets" not in one for one in client.get("/api/v1/monitor?with_assets=true"))


@pytest.mark.parametrize(
    "wrong",
    [{"url": ""}, {"category": "board"}, {"resource_type": "notebook"}, {"resource_type": "wiki"}],
)
def test_a_runbook_must_lead_somewhere(client: Client, wrong: dict[str, str]) -> None:
    asset = {"name": "Runbook", "category": "runbook", "url": "/notebooks/1", **wrong}
    assert client.ask("POST", "/api/v1/monitor", {**ALERT, "assets": [asset]})[0] == 400
