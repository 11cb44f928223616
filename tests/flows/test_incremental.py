"""What has not changed is not read again, and nothing that changed is missed."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.core.rotation import Rotation

if TYPE_CHECKING:
    from orgs import Backup

DAY = 86400.0
LONG = 10_000 * DAY
"""A span so long that no resource's turn comes during a test."""


def details(backup: Backup, result: Any) -> dict[str, int]:
    """How many requests a capture made for single resources, by type."""
    routes = {
        "dashboards": "GET /api/v1/dashboard/{id}",
        "restriction_policies": "GET /api/v2/restriction_policy/{id}",
    }
    counts = {name: result.requests.get(route) for name, route in routes.items()}
    return {name: count.requests for name, count in counts.items() if count}


def test_a_second_capture_reads_no_dashboard_again(backup: Backup) -> None:
    first = backup.capture(full_every=LONG)
    assert details(backup, first)["dashboards"] == len(backup.org.resources("dashboards"))
    second = backup.capture(full_every=LONG)
    assert details(backup, second) == {}
    assert not second.committed


def test_an_edited_dashboard_is_read_and_only_that(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    edited = random.Random(1).sample(list(backup.org.resources("dashboards").values()), 3)
    for dashboard in edited:
        dashboard["widgets"].append({"definition": {"type": "note", "content": "new"}, "id": 1})
        dashboard["modified_at"] = "2027-01-01T00:00:00.000000+00:00"
    result = backup.capture(full_every=LONG)
    assert details(backup, result) == {"dashboards": 3}
    assert {c.address.id for c in result.changes} == {d["id"] for d in edited}


def test_a_header_that_differs_is_enough(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    dashboard = next(iter(backup.org.resources("dashboards").values()))
    dashboard["title"] = "renamed without a new time"
    result = backup.capture(full_every=LONG)
    assert details(backup, result) == {"dashboards": 1}
    assert result.counts == {"changed": 1}


def test_an_edit_in_the_same_second_as_the_reading_is_not_missed(backup: Backup) -> None:
    """The hint cannot tell two edits of one moment apart, so a fresh one is not trusted."""
    dashboard = next(iter(backup.org.resources("dashboards").values()))
    soon = datetime.now(timezone.utc) + timedelta(minutes=1)  # however long the reading takes
    dashboard["modified_at"] = soon.isoformat()
    backup.capture(full_every=LONG)
    dashboard["widgets"][0]["definition"]["title"] = "edited right after it was read"
    result = backup.capture(full_every=LONG)
    assert [c.address.id for c in result.changes] == [dashboard["id"]]


def test_full_reads_everything(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    result = backup.capture(full_every=LONG, full=True)
    assert details(backup, result)["dashboards"] == len(backup.org.resources("dashboards"))
    assert not result.committed


def test_a_policy_on_a_new_object_is_read_at_once(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    backup.org.load("dashboards", [_dashboard("new-das-hbd")])
    backup.org.load("restriction_policies", [_policy("dashboard:new-das-hbd")])
    result = backup.capture(full_every=LONG)
    assert details(backup, result) == {"dashboards": 1, "restriction_policies": 1}
    assert {str(c.address) for c in result.changes} == {
        "dashboards/new-das-hbd",
        "restriction_policies/dashboard:new-das-hbd",
    }


def test_a_deleted_object_takes_its_policy_along(backup: Backup) -> None:
    policy = next(p for p in backup.org.resources("restriction_policies") if "dashboard:" in p)
    backup.capture(full_every=LONG)
    del backup.org.resources("dashboards")[policy.partition(":")[2]]
    del backup.org.resources("restriction_policies")[policy]
    result = backup.capture(full_every=LONG)
    assert sorted(c.address.type for c in result.changes if c.kind == "deleted") == [
        "dashboards",
        "restriction_policies",
    ]


def test_a_branch_that_somebody_moved_is_read_anew(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    backup.org.edit(random.Random(2), 3)
    backup.capture(full_every=LONG)
    backup.git("update-ref", f"refs/heads/{backup.branch}", f"{backup.branch}~1")
    result = backup.capture(full_every=LONG)
    assert details(backup, result)["dashboards"] == len(backup.org.resources("dashboards"))


@pytest.mark.parametrize("captures", [1, 7, 30])
def test_the_rotation_reads_each_resource_once_a_span(captures: int) -> None:
    start, every = datetime(2026, 1, 1, tzinfo=timezone.utc), timedelta(days=7)
    step = every / captures
    ids = [f"id-{number}" for number in range(500)]
    read = dict.fromkeys(ids, 0)
    last = start
    for _ in range(captures):
        rotation = Rotation(last.timestamp(), (last + step).timestamp(), every.total_seconds())
        due = [id_ for id_ in ids if rotation.due(id_)]
        if captures > 1:
            assert abs(len(due) - 500 / captures) < 60
        for id_ in due:
            read[id_] += 1
        last += step
    assert set(read.values()) == {1}


def _dashboard(id_: str) -> dict[str, Any]:
    return {
        "id": id_,
        "title": "New",
        "layout_type": "ordered",
        "widgets": [],
        "modified_at": "2026-01-01T00:00:00.000000+00:00",
    }


def _policy(id_: str) -> dict[str, Any]:
    bindings = [{"relation": "editor", "principals": ["org:x"]}]
    return {"id": id_, "type": "restriction_policy", "attributes": {"bindings": bindings}}
