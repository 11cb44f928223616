"""The rules that a replay meets when it writes, type by type."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from valid_writes import (
    DASHBOARD,
    DOWNTIME,
    INDEX,
    LOCATION,
    METRIC,
    MONITOR,
    NOTEBOOK,
    POWERPACK,
    RECURRING,
    SLO,
    TEST,
    VARIABLE,
    api,
)

if TYPE_CHECKING:
    from conftest import Client

VARIABLES = "/api/v1/synthetics/variables"
TESTS = "/api/v1/synthetics/tests"


def post(client: Client, path: str, body: Any) -> Any:
    status, made = client.ask("POST", path, body)
    assert status in (200, 201), made
    return made


def refused(client: Client, method: str, path: str, body: Any, status: int, text: str) -> None:
    got, answer = client.ask(method, path, body)
    assert got == status, answer
    told = answer["errors"][0] if "errors" in answer else answer["error"]["message"]
    assert text in told


# Monitors


def test_a_monitor_is_made_only_with_roles_that_somebody_holds(client: Client) -> None:
    role = post(client, "/api/v2/roles", api("roles", {"name": "crew"}))["data"]["id"]
    body = {**MONITOR, "restricted_roles": [role]}
    refused(client, "POST", "/api/v1/monitor", body, 400, role)
    user = post(client, "/api/v2/users", api("users", {"email": "a@b.example"}))["data"]["id"]
    post(client, f"/api/v2/roles/{role}/users", {"data": {"type": "users", "id": user}})
    monitor = post(client, "/api/v1/monitor", body)
    assert monitor["restricted_roles"] == [role]
    client.ask("DELETE", f"/api/v2/users/{user}")
    refused(client, "POST", "/api/v1/monitor", {**body, "name": "n"}, 400, "no active users")
    assert client.ask("PUT", f"/api/v1/monitor/{monitor['id']}", body)[0] == 200


def test_the_type_of_a_monitor_stays_but_for_the_two_that_are_one(client: Client) -> None:
    path = f"/api/v1/monitor/{post(client, '/api/v1/monitor', MONITOR)['id']}"
    assert client.ask("PUT", path, {"type": "query alert"})[0] == 200
    refused(client, "PUT", path, {"type": "log alert"}, 400, "type of a monitor")


@pytest.mark.parametrize(
    "wrong",
    [
        {"tags": "a:1"},
        {"tags": [1]},
        {"name": 5},
        {"message": ["x"]},
        {"draft_status": "live"},
        {"options": []},
        {"options": {"notify_no_data": "yes"}},
        {"options": {"on_missing_data": "explode"}},
        {"options": {"renotify_interval": "10"}},
        {"options": {"thresholds": [1]}},
        {"restricted_roles": "admin"},
        {"priority": "1"},
        {"type": "service check", "query": '"a".over("*").last(2).count_by_status()'},
    ],
)
def test_members_of_a_monitor_have_their_types(client: Client, wrong: dict[str, Any]) -> None:
    assert client.ask("POST", "/api/v1/monitor", {**MONITOR, **wrong})[0] == 400
    assert not client.org.resources("monitors")


# Synthetic tests and variables


def test_a_value_stays_until_another_is_sent_and_is_never_shown(client: Client) -> None:
    made = post(client, VARIABLES, VARIABLE)
    path, id_ = f"{VARIABLES}/{made['id']}", made["id"]

    def hidden() -> Any:
        return client.org.hidden("synthetics_global_variables", id_)

    assert hidden() == {"value": "v"}
    kept = {**VARIABLE, "description": "other", "value": {"secure": True}}
    assert client.ask("PUT", path, kept)[0] == 200
    assert hidden() == {"value": "v"}
    assert client.ask("PUT", path, {**VARIABLE, "value": {"secure": True, "value": "w"}})[0] == 200
    assert hidden() == {"value": "w"}
    assert client.get(path)["value"] == {"secure": True}
    assert "value" not in client.get(VARIABLES)["variables"][0]["value"]
    refused(client, "PUT", path, {**VARIABLE, "value": {"secure": False}}, 400, "'value'")
    marker = {"secure": True, "value": {"$ddsnap": {"secret": True}}}
    refused(client, "PUT", path, {**VARIABLE, "value": marker}, 400, "value.value")
    assert hidden() == {"value": "w"}
    shown = {**VARIABLE, "value": {"secure": False, "value": "open"}}
    assert client.ask("PUT", path, shown)[0] == 200
    assert hidden() == {}
    assert client.get(path)["value"] == {"secure": False, "value": "open"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"is_totp": None},
        {"is_fido": None},
        {"parse_test_public_id": None},
        {"parse_test_options": None},
        {"parse_test_public_id": "abc-def-ghi"},
        {"attributes": {"restricted_roles": ["nobody"]}},
        {"tags": None},
        {"value": {"secure": True}},
        {"is_fido": True},
    ],
)
def test_variables_that_are_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert client.ask("POST", VARIABLES, {**VARIABLE, **wrong})[0] == 400
    assert not client.org.resources("synthetics_global_variables")


def test_a_variable_that_a_test_fills_says_how(client: Client) -> None:
    test = post(client, f"{TESTS}/api", TEST)["public_id"]
    body = {**VARIABLE, "value": {"secure": False, "value": ""}, "parse_test_public_id": test}
    refused(client, "POST", VARIABLES, body, 400, "parse_test_options")
    how = {"type": "http_body", "parser": {"type": "raw"}}
    assert post(client, VARIABLES, {**body, "parse_test_options": how})["id"]


def test_a_tests_password_is_read_and_what_is_obfuscated_is_hidden(client: Client) -> None:
    id_ = post(client, f"{TESTS}/api", TEST)["public_id"]
    path = f"{TESTS}/api/{id_}"
    read = client.get(path)
    assert read["config"]["request"]["basicAuth"]["password"] == "p"
    assert "pattern" not in read["config"]["configVariables"][0]
    hidden = {
        "config.configVariables.PIN.pattern": "1",
        "config.request.certificate.cert.content": "x",
    }
    assert client.org.hidden("synthetics_tests", id_) == hidden
    renamed = copy.deepcopy(TEST)
    renamed["name"] = "renamed"
    del renamed["config"]["configVariables"][0]["pattern"]
    renamed["config"]["request"]["certificate"]["cert"] = {"filename": "c"}
    assert client.ask("PUT", path, renamed)[0] == 200
    assert client.org.hidden("synthetics_tests", id_) == hidden
    renamed["config"]["configVariables"][0]["pattern"] = "2"
    del renamed["config"]["request"]["basicAuth"]["password"]
    assert client.ask("PUT", path, renamed)[0] == 200
    assert client.org.hidden("synthetics_tests", id_)["config.configVariables.PIN.pattern"] == "2"
    assert "password" not in client.get(path)["config"]["request"]["basicAuth"]


def test_steps_rest_on_tests_that_exist(client: Client) -> None:
    inner = post(client, f"{TESTS}/api", TEST)["public_id"]
    step = {"name": "s", "subtype": "playSubTest", "subtestPublicId": "abc-def-ghi"}
    body = {**TEST, "subtype": "multi", "config": {"steps": [step]}}
    refused(client, "POST", f"{TESTS}/api", body, 400, "abc-def-ghi")
    step["subtestPublicId"] = inner
    assert post(client, f"{TESTS}/api", body)["public_id"]


def test_a_test_that_an_objective_rests_on_is_deleted_by_force_alone(client: Client) -> None:
    test = post(client, f"{TESTS}/api", TEST)
    slo = {"name": "s", "type": "monitor", "monitor_ids": [test["monitor_id"]],
           "thresholds": [{"timeframe": "7d", "target": 99}]}  # fmt: skip
    slo_id = post(client, "/api/v1/slo", slo)["data"][0]["id"]
    gone = {"public_ids": [test["public_id"]]}
    refused(client, "POST", f"{TESTS}/delete", gone, 400, slo_id)
    forced = {**gone, "force_delete_dependencies": True}
    assert client.ask("POST", f"{TESTS}/delete", forced)[0] == 200


@pytest.mark.parametrize(
    "wrong", [{"metadata": None}, {"tags": "x"}, {"metadata": {"restricted_roles": ["none"]}}]
)
def test_locations_that_are_refused(client: Client, wrong: dict[str, Any]) -> None:
    path = "/api/v1/synthetics/private-locations"
    assert client.ask("POST", path, {**LOCATION, **wrong})[0] == 400


# Logs


@pytest.mark.parametrize(
    "wrong",
    [
        {"daily_limit": None},
        {"daily_limit": 0},
        {"daily_limit": True},
        {"num_flex_logs_retention_days": 0},
        {"num_flex_logs_retention_days": None},
        {"daily_limit_reset": None},
        {"tags": None},
        {"num_retention_days": 16},
        {"exclusion_filters": [{"name": "e", "filter": {"query": "*", "sample_rate": 2}}]},
    ],
)
def test_an_index_takes_no_null_and_no_zero(client: Client, wrong: dict[str, Any]) -> None:
    path = "/api/v1/logs/config/indexes/main"
    refused(client, "PUT", path, {**INDEX, **wrong}, 400, "")
    assert client.get(path)["daily_limit"] is None


def test_lifting_the_quota_is_for_updates_alone(client: Client) -> None:
    body = {"name": "new", "filter": {"query": "*"}, "disable_daily_limit": True}
    refused(client, "POST", "/api/v1/logs/config/indexes", body, 400, "disable_daily_limit")


# Downtimes


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": {"start": None, "end": None, "current_downtime": {}}},
        {"schedule": {"timezone": "UTC", "start": None}},
        {"schedule": {**RECURRING["schedule"], "current_downtime": {}}},
        {"notify_end_states": ["green"]},
        {"notify_end_types": None},
        {"mute_first_recovery_notification": None},
        {"monitor_identifier": {"monitor_tags": ["*"], "monitor_id": 1}},
        {"canceled": None},
    ],
)
def test_a_downtime_says_nothing_that_is_not_its_own(client: Client, wrong: Any) -> None:
    body = api("downtime", {**DOWNTIME, **wrong})
    assert client.ask("POST", "/api/v2/downtime", body)[0] == 400
    made = post(client, "/api/v2/downtime", api("downtime", DOWNTIME))["data"]
    path = f"/api/v2/downtime/{made['id']}"
    assert client.ask("PATCH", path, api("downtime", wrong, id=made["id"]))[0] == 400


def test_a_change_of_a_schedule_keeps_the_other_end(client: Client) -> None:
    later = {"start": "2098-01-01T00:00:00Z", "end": "2098-01-02T00:00:00Z"}
    body = api("downtime", {**DOWNTIME, "schedule": later})
    made = post(client, "/api/v2/downtime", body)["data"]
    change = api("downtime", {"schedule": {"end": "2098-01-03T00:00:00Z"}}, id=made["id"])
    _, changed = client.ask("PATCH", f"/api/v2/downtime/{made['id']}", change)
    schedule = changed["data"]["attributes"]["schedule"]
    assert schedule == {"start": "2098-01-01T00:00:00+00:00", "end": "2098-01-03T00:00:00+00:00"}


# Access


def test_a_person_and_a_service_account_are_made_at_paths_of_their_own(client: Client) -> None:
    body = api("users", {"email": "s@b.example", "service_account": True})
    refused(client, "POST", "/api/v2/users", body, 400, "service_accounts")
    made = post(client, "/api/v2/service_accounts", body)["data"]
    assert made["attributes"]["service_account"] is True


def test_disabling_the_keys_owner_takes_their_power(client: Client) -> None:
    path = f"/api/v2/users/{client.org.owner}"
    assert client.ask("DELETE", path)[0] == 204
    assert client.ask("GET", path)[0] == 403
    assert client.ask("GET", "/api/v1/validate")[0] == 200


def test_a_policy_has_one_binding_for_a_relation(client: Client) -> None:
    principal = f"org:{client.org.uuid}"
    binding = {"relation": "editor", "principals": [principal]}
    body = api("restriction_policy", {"bindings": [binding, binding]}, id="dashboard:a")
    refused(client, "POST", "/api/v2/restriction_policy/dashboard:a", body, 400, "one binding")


def test_a_team_that_is_managed_elsewhere_is_left_alone(client: Client) -> None:
    team = post(client, "/api/v2/team", api("team", {"name": "t", "handle": "t"}))["data"]["id"]
    client.org.resources("teams")[team]["attributes"]["is_managed"] = True
    path, member = f"/api/v2/team/{team}", {"data": {"type": "users", "id": client.org.owner}}
    joined = api("team_memberships", {}, relationships={"user": member})
    refused(client, "PATCH", path, api("team", {"name": "u", "handle": "u"}), 403, "Forbidden")
    refused(client, "POST", f"{path}/memberships", joined, 403, "Forbidden")
    assert client.ask("DELETE", path)[0] == 403
    assert client.get(path)["data"]["attributes"]["name"] == "t"


@pytest.mark.parametrize("wrong", [{"name": None}, {"handle": 3}, {"description": 5}])
def test_members_of_a_team_have_their_types(client: Client, wrong: Any) -> None:
    body = api("team", {"name": "t", "handle": "t", **wrong})
    assert client.ask("POST", "/api/v2/team", body)[0] == 400


# A counted objective


def test_a_count_has_a_good_formula_and_one_other(client: Client) -> None:
    formula = {"formula": "q"}
    count: dict[str, Any] = {
        "queries": [{"name": "q", "query": "sum:a{*}.as_count()"}],
        "good_events_formula": formula,
    }
    body = {**SLO, "sli_specification": {"count": count}}
    del body["query"]
    refused(client, "POST", "/api/v1/slo", body, 400, "one other")
    count["bad_events_formula"] = formula
    assert client.ask("POST", "/api/v1/slo", body)[0] == 200
    count["total_events_formula"] = formula
    refused(client, "POST", "/api/v1/slo", body, 400, "one other")


# Where a resource came from


def test_every_answer_tells_who_made_it_and_when(client: Client) -> None:
    started = datetime.now(timezone.utc).replace(microsecond=0)
    owner = client.org.resources("users")[client.org.owner]["attributes"]
    handle, person = owner["handle"], client.org.owner
    correction = {"slo_query": "env:x", "category": "Other", "start": 1, "end": 2}
    made = {
        "monitor": post(client, "/api/v1/monitor", MONITOR),
        "dashboard": post(client, "/api/v1/dashboard", DASHBOARD),
        "list": post(client, "/api/v1/dashboard/lists/manual", {"name": "l"}),
        "slo": post(client, "/api/v1/slo", SLO)["data"][0],
        "notebook": post(client, "/api/v1/notebooks", api("notebooks", NOTEBOOK))["data"],
        "powerpack": post(client, "/api/v2/powerpacks", api("powerpack", POWERPACK))["data"],
        "downtime": post(client, "/api/v2/downtime", api("downtime", DOWNTIME))["data"],
        "correction": post(client, "/api/v1/slo/correction", api("correction", correction))["data"],
        "test": post(client, f"{TESTS}/api", TEST),
        "location": post(client, "/api/v1/synthetics/private-locations", LOCATION),
        "role": post(client, "/api/v2/roles", api("roles", {"name": "r"}))["data"],
    }
    variable = client.get(f"{VARIABLES}/{post(client, VARIABLES, VARIABLE)['id']}")
    role = client.get(f"/api/v2/roles/{made['role']['id']}")["data"]
    post(client, "/api/v2/logs/config/metrics", api("logs_metrics", METRIC, id="a.b"))
    told = {
        "monitor": made["monitor"]["creator"]["handle"],
        "dashboard": made["dashboard"]["author_handle"],
        "list": made["list"]["author"]["handle"],
        "slo": made["slo"]["creator"]["handle"],
        "notebook": made["notebook"]["attributes"]["author"]["handle"],
        "powerpack": made["powerpack"]["relationships"]["author"]["data"]["id"],
        "downtime": made["downtime"]["relationships"]["created_by"]["data"]["id"],
        "correction": made["correction"]["attributes"]["creator"]["data"]["id"],
        "test": made["test"]["created_by"]["handle"],
        "location": made["location"]["private_location"]["createdBy"],
        "role": role["attributes"]["created_by_handle"],
        "variable": variable["creator"]["handle"],
    }
    assert {name for name, who in told.items() if who not in (handle, person)} == set()
    times = [
        made["monitor"]["created"],
        made["dashboard"]["created_at"],
        made["list"]["created"],
        made["notebook"]["attributes"]["created"],
        made["downtime"]["attributes"]["created"],
        made["test"]["created_at"],
        made["location"]["private_location"]["createdAt"],
        role["attributes"]["created_at"],
        variable["created_at"],
    ]
    assert min(datetime.fromisoformat(f"{time[:19]}+00:00") for time in times) >= started
    assert made["slo"]["created_at"] >= int(started.timestamp())
