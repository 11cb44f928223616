"""Synthetics, downtimes and log pipelines: what each has of its own, captured over HTTP."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.directory import Found, read_directory
from ddsnap.core.references import find_references
from ddsnap.core.values import Address, Document
from ddsnap.sandbox import Fault
from ddsnap.sandbox.seed import downtimes, synthetics

if TYPE_CHECKING:
    from collections.abc import Callable

    from orgs import Backup

    from ddsnap.flows.outcome import CaptureResult

TYPES = (
    "logs_pipelines",
    "logs_metrics",
    "synthetics_private_locations",
    "synthetics_global_variables",
    "synthetics_tests",
    "downtime_schedules",
)


@pytest.fixture
def grown(seeded: Callable[[str, int, int], Backup]) -> Backup:
    """An org in which every family of tests stands, captured once."""
    backup = seeded("grown", 5, 400)
    rng = random.Random(3)
    synthetics.add_variables(backup.org, rng, 8)
    synthetics.add_tests(backup.org, rng, 14)
    downtimes.add_downtimes(backup.org, rng, 6)
    assert not backup.capture().partial
    return backup


def changes(result: CaptureResult) -> list[tuple[str, str, str]]:
    assert not result.partial
    return [(one.kind, one.address.type, one.address.id) for one in result.changes]


def reads(backup: Backup, template: str) -> int:
    """How many answered reads of a route there were so far."""
    counted = backup.sandbox.requests.items()
    return sum(n for (_, how, path, _), n in counted if how == "GET" and path == template)


def some(backup: Backup, type_name: str, **fields: Any) -> dict[str, Any]:
    rows = backup.org.resources(type_name).values()
    return next(r for r in rows if all(r.get(k) == v for k, v in fields.items()))


def test_every_seeded_resource_is_captured(grown: Backup) -> None:
    for name in TYPES:
        assert len(grown.paths(f"{name}/")) == len(grown.org.resources(name)), name
        assert grown.state(name) == "complete"
    families = {grown.document(path)["type"] for path in grown.paths("synthetics_tests/")}
    assert families == {"api", "browser", "mobile", "network"}
    browser = some(grown, "synthetics_tests", type="browser")
    stored = grown.document(f"synthetics_tests/{browser['public_id']}.json")
    assert [step["name"] for step in stored["steps"]] == [s["name"] for s in browser["steps"]]


def test_what_moves_by_itself_is_no_change(grown: Backup) -> None:
    org = grown.org
    variable = some(grown, "synthetics_global_variables")
    variable |= {"parse_test_public_id": next(iter(org.resources("synthetics_tests")))}
    variable["value"] = {"secure": False, "value": "first"}
    grown.capture()
    for seed in range(3):
        org.shuffle(random.Random(seed))
        variable["value"]["value"] = f"extracted {seed}"
        variable["parse_test_extracted_at"] = seed
        variable["last_error"] = {"type": "TEST_NOT_EXECUTED"}
        for test in org.resources("synthetics_tests").values():
            test["overall_state"] = seed
            test["stepCount"] = {"total": seed}
        for downtime in org.resources("downtime_schedules").values():
            downtime["attributes"]["modified"] = f"2026-01-0{seed + 1}T00:00:00+00:00"
        assert changes(grown.capture()) == []


def test_a_pause_is_seen_although_no_time_moves(grown: Backup) -> None:
    grown.capture()
    test = some(grown, "synthetics_tests", type="browser")
    test["status"] = "paused" if test["status"] == "live" else "live"
    before = reads(grown, "/api/v1/synthetics/tests/browser/{public_id}")
    assert changes(grown.capture()) == [("changed", "synthetics_tests", test["public_id"])]
    assert reads(grown, "/api/v1/synthetics/tests/browser/{public_id}") == before + 1
    stored = grown.document(f"synthetics_tests/{test['public_id']}.json")
    assert stored["status"] == test["status"]


@pytest.mark.parametrize("edited", ["steps", "config.steps"])
def test_the_order_of_steps_is_configuration(grown: Backup, edited: str) -> None:
    rows = grown.org.resources("synthetics_tests").values()
    if edited == "steps":
        test = next(row for row in rows if len(row.get("steps", [])) > 1)
        test["steps"] = test["steps"][::-1]
    else:
        test = next(row for row in rows if len(row["config"].get("steps", [])) > 1)
        test["config"]["steps"] = test["config"]["steps"][::-1]
    test["modified_at"] = "2099-01-01T00:00:00.000000+00:00"
    assert changes(grown.capture()) == [("changed", "synthetics_tests", test["public_id"])]


def test_the_orders_of_processors_and_pipelines_are_configuration(grown: Backup) -> None:
    pipeline = some(grown, "logs_pipelines", is_read_only=False)
    pipeline["processors"] = pipeline["processors"][::-1]
    grown.org.resources("logs_pipelines_order")["order"]["pipeline_ids"].reverse()
    assert changes(grown.capture()) == [
        ("changed", "logs_pipelines", pipeline["id"]),
        ("changed", "logs_pipelines_order", "order"),
    ]


def test_the_order_names_only_pipelines_that_exist(grown: Backup) -> None:
    order = grown.org.resources("logs_pipelines_order")["order"]
    order["pipeline_ids"].insert(1, "gone-pipeline")
    assert changes(grown.capture()) == []
    (path,) = grown.paths("logs_pipelines_order/")
    assert "gone-pipeline" not in grown.document(path)["pipeline_ids"]


def test_a_missing_pipeline_is_gone_by_its_400(grown: Backup) -> None:
    id_ = some(grown, "logs_pipelines", is_read_only=False)["id"]
    del grown.org.resources("logs_pipelines")[id_]
    grown.org.resources("logs_pipelines_order")["order"]["pipeline_ids"].remove(id_)
    assert ("deleted", "logs_pipelines", id_) in changes(grown.capture())


def test_more_than_one_page_is_read_of_tests_and_downtimes(empty: Backup) -> None:
    rng = random.Random(1)
    synthetics.add_tests(empty.org, rng, 230)
    downtimes.add_downtimes(empty.org, rng, 145)
    assert not empty.capture().partial
    assert len(empty.paths("synthetics_tests/")) == 230
    assert len(empty.paths("downtime_schedules/")) == 145


def test_no_hidden_value_reaches_the_repository(grown: Backup) -> None:
    listed = grown.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    blobs = "".join(grown.git("cat-file", "-p", name) for name in listed.split())
    assert "hidden-" not in blobs
    secure = [r for r in grown.org.resources("synthetics_global_variables").values()
              if r["value"]["secure"]]  # fmt: skip
    assert secure
    for row in secure:
        stored = grown.document(f"synthetics_global_variables/{row['id']}.json")["value"]
        assert stored["secure"] is True
        assert stored["value"] == {"$ddsnap": {"secret": True}}
        assert stored.get("options") == row["value"].get("options")
    plain = next(r for r in grown.org.resources("synthetics_global_variables").values()
                 if not r["value"]["secure"])  # fmt: skip
    stored = grown.document(f"synthetics_global_variables/{plain['id']}.json")["value"]
    assert stored == plain["value"]


def test_a_secret_without_a_value_to_enter_has_no_marker(grown: Backup) -> None:
    row = some(grown, "synthetics_global_variables")
    row |= {"is_fido": True, "value": {"secure": True}}
    grown.capture()
    stored = grown.document(f"synthetics_global_variables/{row['id']}.json")
    assert stored["value"] == {"secure": True}
    assert stored["is_fido"] is True


def test_only_private_locations_are_captured_and_none_of_their_keys(grown: Backup) -> None:
    row = some(grown, "synthetics_private_locations")
    row |= {"secrets": {"authentication": {"key": "hidden"}}, "config": {"accessKey": "hidden"}}
    assert changes(grown.capture()) == []
    documents = [grown.document(path) for path in grown.paths("synthetics_private_locations/")]
    assert all(one["id"].startswith("pl:") for one in documents)
    assert not any({"secrets", "config"} & one.keys() for one in documents)


def test_a_network_test_is_gone_only_by_its_own_api(grown: Backup) -> None:
    test = some(grown, "synthetics_tests", type="network")
    fault = Fault(path=r"/api/v1/synthetics/tests$", skip=test["name"], times=99)
    grown.sandbox.faults.add(fault)
    assert changes(grown.capture()) == []
    grown.sandbox.faults.clear()
    del grown.org.resources("synthetics_tests")[test["public_id"]]
    assert changes(grown.capture())[0] == ("deleted", "synthetics_tests", test["public_id"])


def test_a_cancelled_downtime_is_a_deletion(grown: Backup) -> None:
    id_, row = next(iter(grown.org.resources("downtime_schedules").items()))
    row["attributes"]["canceled"] = "2026-01-01T00:00:00.000000+00:00"
    assert changes(grown.capture()) == [("deleted", "downtime_schedules", id_)]
    assert changes(grown.capture()) == []


def test_who_made_a_downtime_is_stored(grown: Backup) -> None:
    stored = [grown.document(path) for path in grown.paths("downtime_schedules/")]
    owner = {"data": {"id": grown.org.owner, "type": "users"}}
    assert all(one["relationships"]["created_by"] == owner for one in stored)
    assert not any("current_downtime" in one["attributes"]["schedule"] for one in stored)


def test_downtimes_that_end_are_nobodys_deletions_and_no_sudden_loss(empty: Backup) -> None:
    downtimes.add_downtimes(empty.org, random.Random(1), 14)
    rows = list(empty.org.resources("downtime_schedules").values())
    began = datetime.now(timezone.utc)
    empty.capture()
    took = datetime.now(timezone.utc) - began  # the next one takes little longer
    end = datetime.now(timezone.utc) + timedelta(seconds=1.5) + 3 * took
    for row in rows[:12]:
        row["attributes"]["schedule"] = {"start": None, "end": end.isoformat()}
    assert len(empty.capture().changes) == 12
    wait_until(end)
    result = empty.capture()
    assert {one.kind for one in result.changes} == {"expired"}
    assert len(result.changes) == 12
    assert "12 expired" in empty.git("log", "-1", "--format=%s", empty.branch)
    assert "(ended by itself)" in empty.git("log", "-1", "--format=%b", empty.branch)


def wait_until(moment: datetime) -> None:
    import time

    time.sleep(max(0.0, (moment - datetime.now(timezone.utc)).total_seconds()) + 0.05)


def test_policies_of_these_types_are_captured(grown: Backup) -> None:
    ids = {
        "synthetics-test": next(iter(grown.org.resources("synthetics_tests"))),
        "synthetics-global-variable": some(grown, "synthetics_global_variables")["id"],
        "synthetics-private-location": some(grown, "synthetics_private_locations")["id"],
        "logs-pipeline": some(grown, "logs_pipelines")["id"],
    }
    grown.org.load(
        "restriction_policies",
        [
            {
                "type": "restriction_policy",
                "id": f"{kind}:{id_}",
                "attributes": {
                    "bindings": [{"relation": "editor", "principals": [f"user:{grown.org.owner}"]}]
                },
            }
            for kind, id_ in ids.items()
        ],
    )
    grown.capture(full=True)
    stored = {grown.document(path)["id"] for path in grown.paths("restriction_policies/")}
    assert {f"{kind}:{id_}" for kind, id_ in ids.items()} <= stored


def test_a_tests_own_monitor_names_the_test(grown: Backup) -> None:
    test = some(grown, "synthetics_tests", type="api")
    assert f"monitors/{test['monitor_id']}.json" not in grown.paths("monitors/")
    documents = [
        Document(Address("synthetics_tests", test["public_id"]), grown.document(path))
        for path in grown.paths(f"synthetics_tests/{test['public_id']}")
    ]
    directory = read_directory(documents, CATALOG)
    named = {
        "downtime_schedules": {
            "attributes": {"monitor_identifier": {"monitor_id": test["monitor_id"]}}
        },
        "dashboards": {"widgets": [{"definition": {"alert_id": str(test["monitor_id"])}}]},
        "monitors": {"type": "composite", "query": f"{test['monitor_id']} && 1"},
    }
    for type_name, body in named.items():
        reference = find_references(body, CATALOG[type_name], CATALOG)[0]
        expected = Found(Address("synthetics_tests", test["public_id"]), ("monitor_id",))
        assert directory.find(reference) == expected
