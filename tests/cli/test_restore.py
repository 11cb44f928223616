"""Restoring: what an org has lost comes back, is pointed at again, and nothing else changes."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import TwoOrgs, first, two_orgs

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.fields import field_path
from ddsnap.core.match import is_built_in, portable
from ddsnap.core.references import find_references
from ddsnap.flows.view import snapshot_view
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.core.values import Address
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
        for name in org._tables
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
    titled = [
        new for new, b in orgs.us1.resources("dashboards").items() if b["title"] == body["title"]
    ]
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


def test_what_undelete_refused_is_told_with_what_still_points_at_it(orgs: TwoOrgs) -> None:
    _, id_ = listed_dashboard(orgs.us1)
    orgs.us1.grow(9, 40)
    slo_id, _ = first(orgs.us1, "notebooks")
    body = throw_away(orgs.us1, id_, for_good=True)
    del slo_id
    done = orgs.run("restore", "us1", f"dashboards/{id_}", "--yes")
    assert done.code == 0, done.err
    (new,) = [
        new for new, b in orgs.us1.resources("dashboards").items() if b["title"] == body["title"]
    ]
    assert f"dashboards/{id_} could not be undeleted and is {new} now" in done.err


# --- any type: the org is as it was, but for one id

TYPES = (
    "monitors", "dashboards", "service_level_objectives", "synthetics_tests", "roles", "teams",
    "powerpacks", "notebooks", "logs_pipelines", "synthetics_global_variables", "dashboard_lists",
    "downtime_schedules", "logs_metrics",
)  # fmt: skip


def documents(orgs: TwoOrgs) -> dict[Address, dict[str, Any]]:
    """What a capture of us1 says that people decide, by address."""
    orgs.capture()
    with Repository.open(orgs.path) as repository:
        view = snapshot_view(repository, repository.branch("snapshots/us1") or "", "us1")
        return {
            found.address: portable(CATALOG[found.address.type], found.body)
            for found in view.documents(CATALOG)
        }


def most_named(docs: dict[Address, dict[str, Any]], type_name: str) -> Address:
    """The resource of a type that the most documents name."""
    named: Counter[str] = Counter()
    for address, body in docs.items():
        for reference in find_references(body, CATALOG[address.type], CATALOG):
            if type_name in reference.to:
                named[reference.value] += 1
    ours = [
        address
        for address, body in docs.items()
        if address.type == type_name and not is_built_in(CATALOG[type_name], body)
    ]
    return max(ours, key=lambda address: (named[address.id], address.id))


def lose(org: SandboxOrg, address: Address) -> None:
    """Let somebody delete it, by force if need be; Datadog forgets it everywhere it does."""
    if address.type == "roles":
        for user in org.resources("users").values():
            links = user["relationships"]["roles"]
            links["data"] = [one for one in links["data"] if one["id"] != address.id]
    if address.type == "teams":
        for id_ in [one for one in org.resources("team_memberships") if address.id in one]:
            del org.resources("team_memberships")[id_]
        org.members.pop(address.id, None)
    if address.type == "logs_pipelines":
        order = org.resources("logs_pipelines_order")
        for body in order.values():
            body["pipeline_ids"] = [one for one in body["pipeline_ids"] if one != address.id]
    kind = {"dashboards": "dashboard", "monitors": "monitor", "notebooks": "notebook"}
    org.resources("restriction_policies").pop(f"{kind.get(address.type)}:{address.id}", None)
    del org.resources(address.type)[address.id]


@pytest.mark.parametrize("type_name", TYPES)
def test_what_comes_back_under_a_new_id_is_all_that_changed(
    orgs: TwoOrgs, type_name: str, monkeypatch
) -> None:
    before = documents(orgs)
    lost = most_named(before, type_name)
    lose(orgs.us1, lost)
    orgs.capture()
    for _ in range(2):
        done = orgs.run("restore", "us1", str(lost), "--yes")
        for name in re.findall(r"set (DDSNAP_SECRET_\w+)", done.out):
            monkeypatch.setenv(name, "a-value")  # no API shows it, and nothing keeps it
            done = orgs.run("restore", "us1", str(lost), "--yes")
        assert done.code == 0, done.err + done.out
    after = documents(orgs)
    new = [address for address in after if address not in before and address.type == type_name]
    text = json.dumps({str(address): body for address, body in after.items()})
    if new:
        print(done.out, [(w.method, w.path, w.body) for w in orgs.sandbox.writes], [a for a, b in before.items() if lost.id in json.dumps(b)], [b for a, b in after.items() if lost.id in json.dumps(b)])
        assert [str(a) for a, body in after.items() if lost.id in json.dumps(body)] == []
        text = text.replace(new[0].id, lost.id)
    expected = {str(address): body for address, body in before.items()}
    told = unordered(json.loads(text))
    assert told.keys() == expected.keys()
    differing = {
        name: (told[name], body) for name, body in unordered(expected).items() if told[name] != body
    }
    assert differing == {}
    since = len(orgs.sandbox.writes)
    assert orgs.run("restore", "us1", str(lost), "--yes").code == 0
    assert writes(orgs, since) == []
    verified = orgs.run("verify")
    assert verified.code == 0, verified.out


def unordered(docs: dict[str, Any]) -> dict[str, Any]:
    """Documents with their sets in one order."""
    for address, body in docs.items():
        for path in CATALOG[address.partition("/")[0]].unordered:
            for slot in field_path(path).find(body):
                if isinstance(slot.value, list):
                    slot.set(sorted(slot.value, key=canonical.encode))
    return docs
