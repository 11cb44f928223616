from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.sandbox import Sandbox, SandboxOrg
from ddsnap.sandbox.resources.monitor_rules import composite_ids

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conftest import Client

TYPES = ("monitors", "dashboards", "roles", "users", "teams", "team_memberships",
         "restriction_policies", "logs_indexes", "logs_indexes_order", "permissions",
         "logs_pipelines", "logs_pipelines_order", "logs_metrics", "synthetics_tests",
         "synthetics_global_variables", "synthetics_private_locations",
         "downtime_schedules", "service_level_objectives", "slo_corrections", "powerpacks",
         "dashboard_lists", "notebooks")  # fmt: skip


def grown(name: str, seed: int, size: int) -> SandboxOrg:
    return Sandbox().add_org(name, seed=seed, size=size)


def text(org: SandboxOrg) -> str:
    return json.dumps({type_name: org.resources(type_name) for type_name in TYPES})


def test_the_same_seed_size_and_name_give_the_same_org() -> None:
    assert text(grown("a", 1, 200)) == text(grown("a", 1, 200))
    assert text(grown("a", 1, 200)) != text(grown("a", 2, 200))


def test_another_name_gives_the_same_things_other_ids() -> None:
    one, other = grown("a", 1, 200), grown("b", 1, 200)
    for type_name in ("monitors", "dashboards", "users", "teams"):
        assert not set(one.resources(type_name)) & set(other.resources(type_name))
    titles = [[row["title"] for row in o.resources("dashboards").values()] for o in (one, other)]
    assert titles[0] == titles[1]
    assert (one.uuid, one.public_id, one.number) != (other.uuid, other.public_id, other.number)


@pytest.mark.parametrize("size", [0, 1, 5, 20, 77, 1000])
def test_a_size_is_met_about(size: int) -> None:
    fresh, org = grown("a", 1, 0), grown("a", 1, size)
    count = sum(len(org.resources(t)) - len(fresh.resources(t)) for t in TYPES)
    assert size * 0.8 - 2 <= count <= size


def strings(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, str):
        yield value


def members(value: Any, name: str) -> Iterator[Any]:
    if isinstance(value, dict):
        if name in value:
            yield value[name]
        for item in value.values():
            yield from members(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from members(item, name)


@pytest.fixture(scope="module")
def org() -> SandboxOrg:
    return grown("checked", 3, 2000)


def test_monitors_refer_to_what_exists(org: SandboxOrg) -> None:
    handles = {row["attributes"]["handle"] for row in org.resources("teams").values()}
    emails = {row["attributes"]["email"] for row in org.resources("users").values()}
    composites = 0
    for row in org.resources("monitors").values():
        for handle in re.findall(r"@team-(\S+)", row["message"]):
            assert handle in handles
        for email in re.findall(r"@(\S+@\S+)", row["message"]):
            assert email in emails
        for index in re.findall(r'\.index\("([^"]+)"\)', row["query"]):
            assert index in org.resources("logs_indexes")
        for role in row["restricted_roles"] or []:
            assert role in org.resources("roles")
        if row["type"] == "composite":
            composites += 1
            assert all(str(id_) in org.resources("monitors") for id_ in composite_ids(row["query"]))
    assert composites == 45


def test_dashboards_refer_to_what_exists(org: SandboxOrg) -> None:
    boards = org.resources("dashboards")
    handles = {row["attributes"]["handle"] for row in org.resources("users").values()}
    assert len(set(members(boards, "alert_id"))) > 50
    assert set(members(boards, "alert_id")) <= set(org.resources("monitors"))
    for indexes in members(boards, "indexes"):
        assert set(indexes) <= set(org.resources("logs_indexes"))
    for id_ in re.findall(r"\(/dashboard/([^)]+)\)", " ".join(strings(boards))):
        assert id_ in boards
    for row in boards.values():
        assert set(row["notify_list"] or []) <= handles
        assert set(row.get("restricted_roles", [])) <= set(org.resources("roles"))
        ids = {widget["id"] for widget in row["widgets"]}
        assert all(set(tab["widget_ids"]) <= ids for tab in row.get("tabs", []))
    for name in ("tabs", "restricted_roles", "notify_list"):
        assert any(row.get(name) for row in boards.values())


def test_access_refers_to_what_exists(org: SandboxOrg) -> None:
    tables = {"role": "roles", "team": "teams", "user": "users"}
    for id_, row in org.resources("restriction_policies").items():
        kind, _, object_id = id_.partition(":")
        name = {"slo": "service_level_objective"}.get(kind, kind.replace("-", "_"))
        assert object_id in org.resources(f"{name}s")
        for principal in (p for b in row["attributes"]["bindings"] for p in b["principals"]):
            kind, _, principal_id = principal.partition(":")
            assert kind == "org" or principal_id in org.resources(tables[kind])
    for row in org.resources("team_memberships").values():
        assert row["relationships"]["team"]["data"]["id"] in org.resources("teams")
        assert row["relationships"]["user"]["data"]["id"] in org.resources("users")
    for row in org.resources("users").values():
        for role in row["relationships"]["roles"]["data"]:
            assert role["id"] in org.resources("roles")
    names = [row["name"] for row in org.resources("logs_indexes").values()]
    assert org.resources("logs_indexes_order")["order"] == {"index_names": names}


def test_tests_and_downtimes_refer_to_what_exists(org: SandboxOrg) -> None:
    owned = org.table("monitors of tests")
    families = set()
    for row in org.resources("synthetics_tests").values():
        families.add(row["type"])
        assert owned[str(row["monitor_id"])]["options"]["synthetics_check_id"] == row["public_id"]
        for one in row["config"].get("configVariables", []):
            assert one["id"] in org.resources("synthetics_global_variables")
        for location in row["locations"]:
            private = location in org.resources("synthetics_private_locations")
            assert private or not location.startswith("pl:")
    assert families == {"api", "browser", "mobile", "network"}
    for row in org.resources("synthetics_private_locations").values():
        roles = (row["metadata"] or {}).get("restricted_roles", [])
        assert set(roles) <= set(org.resources("roles"))
    for row in org.resources("downtime_schedules").values():
        monitor = row["attributes"]["monitor_identifier"].get("monitor_id")
        assert monitor is None or str(monitor) in {**org.resources("monitors"), **owned}
    assert set(org.resources("logs_pipelines_order")["order"]["pipeline_ids"]) == set(
        org.resources("logs_pipelines")
    )


def test_boards_and_objectives_refer_to_what_exists(org: SandboxOrg) -> None:
    boards, slos = org.resources("dashboards"), org.resources("service_level_objectives")
    assert len(set(members(boards, "slo_id"))) > 10
    assert set(members(boards, "slo_id")) <= set(slos)
    assert len(set(members(boards, "powerpack_id"))) > 5
    assert set(members(boards, "powerpack_id")) <= set(org.resources("powerpacks"))
    assert set(members(org.resources("powerpacks"), "alert_id")) <= set(org.resources("monitors"))
    assert {row["type"] for row in slos.values()} == {"metric", "monitor", "time_slice"}
    for ids in members(slos, "monitor_ids"):
        assert {str(id_) for id_ in ids} <= set(org.resources("monitors"))
    alerts = [row for row in org.resources("monitors").values() if row["type"] == "slo alert"]
    assert alerts
    assert all(row["query"].split('"')[1] in slos for row in alerts)
    for slo in members(org.resources("slo_corrections"), "slo_id"):
        assert slo is None or slo in slos
    kinds = set()
    for row in org.resources("dashboard_lists").values():
        assert row["dashboard_count"] == len(row["dashboards"])
        kinds |= {item["type"] for item in row["dashboards"]}
        ours = {item["id"] for item in row["dashboards"] if item["type"] == "custom_timeboard"}
        assert ours <= set(boards)
    assert kinds == {"custom_timeboard", "integration_timeboard"}
    notebooks = org.resources("notebooks")
    assert {row["attributes"]["metadata"]["is_template"] for row in notebooks.values()} == {
        True,
        False,
    }
    for id_ in re.findall(r"\(/dashboard/([^)]+)\)", " ".join(strings(notebooks))):
        assert id_ in boards


def test_counts_are_right(org: SandboxOrg) -> None:
    for id_, row in org.resources("roles").items():
        users = org.resources("users").values()
        having = [u for u in users if id_ in {r["id"] for r in u["relationships"]["roles"]["data"]}]
        assert row["attributes"]["user_count"] == len(having)
    for id_, row in org.resources("teams").items():
        assert row["attributes"]["user_count"] == len(org.members.get(id_, {}))


def test_what_is_unique_at_datadog_is_unique(org: SandboxOrg) -> None:
    for type_name, name in (
        ("teams", "handle"),
        ("teams", "name"),
        ("users", "handle"),
        ("roles", "name"),
    ):
        values = [row["attributes"][name] for row in org.resources(type_name).values()]
        assert len(values) == len(set(values))
    names = [row["name"] for row in org.resources("monitors").values()]
    assert len(names) == len(set(names))


def test_the_sandbox_itself_accepts_what_it_seeded(seeded: Client) -> None:
    writable = ("type", "name", "message", "tags", "query", "options", "priority",
                "restricted_roles", "draft_status")  # fmt: skip
    for id_, row in list(seeded.org.resources("monitors").items()):
        sent = {name: row[name] for name in writable}
        status, body = seeded.ask("PUT", f"/api/v1/monitor/{id_}", sent)
        assert status == 200, body
        assert {**seeded.org.resources("monitors")[id_], "modified": row["modified"]} == row
    for id_, row in list(seeded.org.resources("dashboards").items()):
        status, body = seeded.ask("PUT", f"/api/v1/dashboard/{id_}", row)
        assert status == 200, body
        assert {**body, "modified_at": row["modified_at"]} == row
    for id_, row in list(seeded.org.resources("restriction_policies").items()):
        sent = {"data": row}
        status, body = seeded.ask("POST", f"/api/v2/restriction_policy/{id_}", sent)
        assert (status, body) == (200, sent)


def test_the_sandbox_itself_accepts_the_seeded_tests_and_logs(seeded: Client) -> None:
    org = seeded.org
    for id_, row in list(org.resources("synthetics_tests").items()):
        sent = {name: row[name] for name in row if name in TEST_FIELDS}
        if row["type"] == "network":
            wrapped = {"data": {"type": "network", "attributes": sent}}
            status, body = seeded.ask("PUT", f"/api/v2/synthetics/tests/network/{id_}", wrapped)
        else:
            path = f"/api/v1/synthetics/tests/{row['type']}/{id_}"
            status, body = seeded.ask("PUT", path, sent)
        assert status == 200, body
        assert {
            **org.resources("synthetics_tests")[id_],
            "modified_at": row["modified_at"],
        }.items() >= ({name: row[name] for name in sent}.items())
    for id_, row in list(org.resources("logs_pipelines").items()):
        sent = {name: row[name] for name in row if name not in ("id", "type", "is_read_only")}
        answer = seeded.send("PUT", f"/api/v1/logs/config/pipelines/{id_}", sent)
        assert answer.status_code == (404 if row["is_read_only"] else 200), answer.text
        if not row["is_read_only"]:
            assert answer.json() == {**row, "tags": sorted(row["tags"])}
    for id_, row in list(org.resources("logs_metrics").items()):
        sent = {"data": {**row, "attributes": {**row["attributes"]}}}
        assert seeded.ask("PATCH", f"/api/v2/logs/config/metrics/{id_}", sent) == (
            200,
            {"data": row},
        )
    for id_, row in list(org.resources("downtime_schedules").items()):
        own = {"message": "again", "scope": row["attributes"]["scope"]}
        sent = {"data": {"type": "downtime", "id": id_, "attributes": own}}
        assert seeded.ask("PATCH", f"/api/v2/downtime/{id_}", sent)[0] == 200


def test_the_sandbox_itself_accepts_the_seeded_boards_and_objectives(seeded: Client) -> None:
    org = seeded.org
    for id_, row in list(org.resources("service_level_objectives").items()):
        status, body = seeded.ask("PUT", f"/api/v1/slo/{id_}", row)
        assert status == 200, body
        assert {**seeded.get(f"/api/v1/slo/{id_}")["data"], "modified_at": 0} == {
            **row,
            "modified_at": 0,
        }
    for id_, row in list(org.resources("slo_corrections").items()):
        old = dict(row["attributes"])
        sent = {name: old[name] for name in ("start", "end", "rrule", "duration", "category")
                if old[name] is not None}  # fmt: skip
        data = {"type": "correction", "attributes": sent}
        status, body = seeded.ask("PATCH", f"/api/v1/slo/correction/{id_}", {"data": data})
        assert status == 200, body
        assert {name: body["data"]["attributes"][name] for name in sent} == sent
    for path, name, verb in (
        ("/api/v2/powerpacks", "powerpacks", "PATCH"),
        ("/api/v1/notebooks", "notebooks", "PUT"),
    ):
        for id_, row in list(org.resources(name).items()):
            before = json.loads(json.dumps(row))
            status, body = seeded.ask(verb, f"{path}/{id_}", {"data": before})
            assert status == 200, body
            moved = {"modified": body["data"]["attributes"].get("modified")}
            moved = {key: value for key, value in moved.items() if value}
            assert body["data"]["attributes"] == {**before["attributes"], **moved}
    for id_, row in list(org.resources("dashboard_lists").items()):
        path = f"/api/v2/dashboard/lists/manual/{id_}/dashboards"
        sent = {"dashboards": row["dashboards"]}
        assert seeded.ask("PUT", path, sent) == (200, sent)


TEST_FIELDS = ("name", "status", "type", "subtype", "tags", "config", "message", "options",
               "locations", "steps")  # fmt: skip
