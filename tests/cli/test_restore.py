"""Restoring: what an org has lost comes back, is pointed at again, and nothing else changes."""

from __future__ import annotations

import copy
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import TwoOrgs, first, two_orgs

from ddsnap.sandbox.faults import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.sandbox import SandboxOrg
    from ddsnap.sandbox.service import Write


@pytest.fixture
def orgs(tmp_path: Path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    with two_orgs(tmp_path, capsys, monkeypatch, size=100) as made:
        yield made


def state(org: SandboxOrg, *without: str) -> dict[str, Any]:
    """All that an org holds and people decide, but for the types that are named."""
    volatile = {"modified", "modified_at", "modified_by", "overall_state", "dashboard_count"}
    return {
        f"{name}/{id_}": copy.deepcopy({k: v for k, v in body.items() if k not in volatile})
        for name in org._tables  # noqa: SLF001 - all of them
        if name not in without
        for id_, body in org.resources(name).items()
    }


def writes(orgs: TwoOrgs, since: int) -> list[Write]:
    return orgs.sandbox.writes[since:]


def members(org: SandboxOrg, list_id: str) -> list[str]:
    shown = org.resources("dashboard_lists")[list_id]["dashboards"] or []
    return [item["id"] for item in shown]


def listed_dashboard(org: SandboxOrg) -> tuple[str, str]:
    """A list, and a dashboard in it."""
    own = org.resources("dashboards")
    for list_id, body in org.resources("dashboard_lists").items():
        for item in body["dashboards"] or []:
            if item["id"] in own:
                return list_id, item["id"]
    raise AssertionError("no list holds a dashboard")


def throw_away(org: SandboxOrg, id_: str, *, for_good: bool = False) -> dict[str, Any]:
    body = org.resources("dashboards").pop(id_)
    if not for_good:
        org.bin[id_] = {**body, "deleted_at": "2026-01-01T00:00:00Z"}
    return body


def git(orgs: TwoOrgs, *arguments: str) -> str:
    command = ["git", "-C", str(orgs.path), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


# --- dashboards: Datadog's own undelete


def test_a_dashboard_comes_back_under_its_id_by_undelete(orgs: TwoOrgs) -> None:
    before = state(orgs.us1)
    _, id_ = listed_dashboard(orgs.us1)
    throw_away(orgs.us1, id_)
    orgs.capture()
    since = len(orgs.sandbox.writes)
    done = orgs.run("restore", "us1", f"dashboards/{id_}", "--yes")
    assert done.code == 0, done.err + done.out
    assert [(w.method, w.path) for w in writes(orgs, since)] == [("PATCH", "/api/v1/dashboard")]
    assert state(orgs.us1) == before
    assert "1 created" in done.out
    again = orgs.run("restore", "us1", f"dashboards/{id_}", "--yes")
    assert (again.code, len(writes(orgs, since))) == (0, 1)
    assert orgs.run("verify").code == 0


def test_a_dashboard_that_is_gone_for_good_gets_a_new_id_that_all_point_at(orgs: TwoOrgs) -> None:
    list_id, id_ = listed_dashboard(orgs.us1)
    others = [other for other in members(orgs.us1, list_id) if other != id_]
    body = throw_away(orgs.us1, id_, for_good=True)
    orgs.capture()
    for _ in range(2):  # what undelete could not do is known, and mended, by the second run
        done = orgs.run("restore", "us1", f"dashboards/{body['title']}", "--yes")
        assert done.code == 0, done.err + done.out
    titled = [new for new, b in orgs.us1.resources("dashboards").items() if b["title"] == body["title"]]
    (new,) = titled
    assert new != id_
    kept = orgs.us1.resources("dashboards")
    assert [m for m in members(orgs.us1, list_id) if m in kept and m not in others] == [new]
    since = len(orgs.sandbox.writes)
    assert orgs.run("restore", "us1", f"dashboards/{id_}", "--yes").code == 0
    assert writes(orgs, since) == []
    log = orgs.run("log", "us1", f"dashboards/{id_}")
    assert log.code == 0
    assert new in log.out or body["title"] in log.out
    assert orgs.run("verify").code == 0
