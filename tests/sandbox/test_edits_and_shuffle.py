from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from conftest import Client

TYPES = ("monitors", "dashboards", "roles", "users", "teams", "logs_indexes", "logs_pipelines",
         "logs_pipelines_order", "logs_metrics", "synthetics_tests", "synthetics_global_variables",
         "synthetics_private_locations", "downtime_schedules", "service_level_objectives",
         "slo_corrections", "powerpacks", "dashboard_lists", "notebooks")  # fmt: skip


def snapshot(client: Client) -> dict[str, str]:
    org = client.org
    return {f"{t}/{id_}": json.dumps(row) for t in TYPES for id_, row in org.resources(t).items()}


def test_every_edit_changes_what_its_line_names(seeded: Client) -> None:
    rng = random.Random(5)
    for _ in range(60):
        before = snapshot(seeded)
        (line,) = seeded.org.edit(rng, 1)
        after = snapshot(seeded)
        changed = {key for key in before if before[key] != after.get(key)}
        assert changed == {line.partition(": ")[0]}
        assert set(after) <= set(before)


def test_edits_follow_the_generator() -> None:
    orgs = [Sandbox().add_org("a", seed=1, size=200) for _ in range(2)]
    lines = [org.edit(random.Random(9), 30) for org in orgs]
    assert lines[0] == lines[1]
    assert len(lines[0]) == 30
    assert len({line.partition("/")[0] for line in lines[0]}) >= 5


def test_an_edit_moves_the_time_of_change(seeded: Client) -> None:
    before = {row["id"]: row for row in seeded.get("/api/v1/dashboard")["dashboards"]}
    lines = seeded.org.edit(random.Random(1), 40)
    edited = {line.partition(":")[0].partition("/")[2] for line in lines if "dashboards/" in line}
    assert edited
    for row in seeded.get("/api/v1/dashboard")["dashboards"]:
        assert (row["modified_at"] > before[row["id"]]["modified_at"]) is (row["id"] in edited)


def test_an_empty_org_has_little_to_edit() -> None:
    org = Sandbox().add_org("a")
    lines = org.edit(random.Random(1), 3)
    assert {line.partition("/")[0] for line in lines} <= {"users", "logs_indexes"}


def test_edited_monitors_are_still_valid(seeded: Client) -> None:
    seeded.org.edit(random.Random(2), 80)
    for id_ in seeded.org.resources("monitors"):
        assert seeded.ask("POST", f"/api/v1/monitor/{id_}/validate", {}) == (200, {})


def test_shuffled_reads_differ_in_order_and_volatile_fields_alone(seeded: Client) -> None:
    path = next(f"/api/v1/monitor/{i}" for i, r in seeded.org.resources("monitors").items()
                if len(r["tags"]) == 3)  # fmt: skip
    calm = seeded.get(path)
    seeded.org.shuffle(random.Random(4))
    reads = [seeded.get(path) for _ in range(12)]
    assert len({json.dumps(read["tags"]) for read in reads}) > 1
    assert len({json.dumps(list(read)) for read in reads}) > 1
    assert len({read["overall_state"] for read in reads}) > 1
    for read in reads:
        assert sorted(read["tags"]) == sorted(calm["tags"])
        moved = {"tags": calm["tags"], "overall_state": calm["overall_state"]}
        assert {**read, **moved, "overall_state_modified": None} == calm


def test_what_has_an_order_keeps_it(seeded: Client) -> None:
    calm = {
        id_: json.loads(json.dumps(row)) for id_, row in seeded.org.resources("dashboards").items()
    }
    seeded.org.shuffle(random.Random(4))
    for id_, row in calm.items():
        assert seeded.get(f"/api/v1/dashboard/{id_}")["widgets"] == row["widgets"]
    assert seeded.get("/api/v1/logs/config/index-order") == {
        "index_names": list(seeded.org.resources("logs_indexes"))
    }
    role = seeded.get("/api/v2/roles?page[size]=100")["data"]
    assert [row["id"] for row in role] == list(seeded.org.resources("roles"))


def test_permissions_of_roles_come_in_any_order(seeded: Client) -> None:
    id_ = list(seeded.org.resources("roles"))[-1]
    seeded.org.shuffle(random.Random(4))
    rows = [seeded.get(f"/api/v2/roles/{id_}")["data"] for _ in range(5)]
    orders = {
        json.dumps([p["id"] for p in row["relationships"]["permissions"]["data"]]) for row in rows
    }
    assert len(orders) > 1
    assert len({row["attributes"]["user_count"] for row in rows}) > 1
