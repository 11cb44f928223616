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
         "restriction_policies", "logs_indexes", "logs_indexes_order", "permissions")  # fmt: skip


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
        assert object_id in org.resources(f"{kind}s")
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
