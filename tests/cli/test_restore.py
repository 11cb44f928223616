"""Restoring: what an org has lost comes back, is pointed at again, and nothing else changes."""

from __future__ import annotations

import copy
import json
import re
import subprocess
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import TwoOrgs, two_orgs

from ddsnap.catalog import CATALOG
from ddsnap.config.ready_made import ready_names
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
    body = throw_away(orgs.us1, id_, for_good=True)
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
    done = orgs.run("restore", "us1", str(lost), "--yes")
    for name in re.findall(r"set (DDSNAP_SECRET_\w+)", done.out):
        monkeypatch.setenv(name, "a-value")  # no API shows it, and nothing keeps it
        done = orgs.run("restore", "us1", str(lost), "--yes")
    assert done.code == 0, done.err + done.out
    after = documents(orgs)
    new = [address for address in after if address not in before and address.type == type_name]
    text = json.dumps({str(address): body for address, body in after.items()})
    if new:
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


# --- what is named


@pytest.mark.parametrize(
    ("revision", "word", "told"),
    [
        ("us1", "dashboards/no-such", "no snapshot of us1 ever held dashboards/no-such"),
        ("us1", "dashbords/x", "names no resource"),
        ("us1", "dashboards", "holds nothing"),
        ("HEAD", "dashboards/x", "HEAD is no snapshot"),
        ("eu9", "dashboards/x", "'eu9' names neither an org with a snapshot"),
    ],
)
def test_what_never_was_cannot_come_back(
    orgs: TwoOrgs, revision: str, word: str, told: str
) -> None:
    if word == "dashboards":
        orgs.us1.resources("dashboards").clear()
        orgs.run("capture", "us1", "-q", "--accept-loss", "dashboards")
    done = orgs.run("restore", revision, word, "--yes")
    assert done.code in (1, 2), done
    assert told in done.err
    assert len(done.err.splitlines()) <= 3
    assert orgs.sandbox.writes == []


def test_of_two_that_were_lost_under_one_title_one_must_be_named(orgs: TwoOrgs) -> None:
    boards = orgs.us1.resources("dashboards")
    ids = sorted(boards)[:2]
    for id_ in ids:
        boards[id_]["title"] = "Twins"
    orgs.capture()
    for id_ in ids:
        throw_away(orgs.us1, id_)
    orgs.capture()
    done = orgs.run("restore", "us1", "dashboards/Twins", "--yes")
    assert done.code == 2
    assert all(f"dashboards/{id_}" in done.err for id_ in ids)
    assert orgs.run("restore", "us1", f"dashboards/{ids[0]}", "--yes").code == 0
    assert ids[0] in orgs.us1.resources("dashboards")
    done = orgs.run("restore", "us1", *(f"dashboards/{id_}" for id_ in ids), "--yes")
    assert done.code == 2  # no one snapshot had both last
    (commands,) = (line for line in done.err.splitlines() if "restore one by one: " in line)
    for command in commands.split("one by one: ")[1].split("; "):
        assert orgs.run(*command.split()[1:], "--yes").code == 0, command


def test_a_misspelt_type_or_title_leads_to_what_was_meant(orgs: TwoOrgs) -> None:
    id_, body = next(iter(orgs.us1.resources("dashboards").items()))
    body["title"] = "Web / overview"
    orgs.run("capture", "us1", "-q", "--full")
    for words in (("restore", "us1"), ("log", "us1"), ("show", "us1")):
        done = orgs.run(*words, "dashboard/Web / overview")
        assert done.code == 2
        assert "did you mean 'dashboards/Web / overview'?" in done.err, words
        done = orgs.run(*words, "dashboards/web / overveiw")
        assert done.code == 2
        assert "did you mean 'dashboards/Web / overview'" in done.err, words
    throw_away(orgs.us1, id_)
    orgs.capture()
    done = orgs.run("restore", "us1", "dashboards/Web / overviews")
    assert "did you mean 'dashboards/Web / overview'" in done.err


def test_what_was_not_captured_since_it_was_lost_comes_back_too(orgs: TwoOrgs) -> None:
    before = state(orgs.us1)
    id_ = next(iter(orgs.us1.resources("dashboards")))
    throw_away(orgs.us1, id_)
    assert orgs.run("restore", "us1", f"dashboards/{id_}", "--yes").code == 0
    assert state(orgs.us1) == before


# --- nothing but what was lost


def test_one_monitor_with_all_ready_made_rules_present_is_all_that_changes(orgs: TwoOrgs) -> None:
    for name in ready_names():
        assert orgs.run("transform", "new", f"own-{name}", "--from", name).code == 0
    before = documents(orgs)
    used = most_named(before, "monitors")
    lose_monitor(orgs, used.id)
    since = len(orgs.sandbox.writes)
    done = orgs.run("restore", "us1", f"monitors/{used.id}", "--yes")
    assert done.code == 0, done.err + done.out
    assert "transformations: none" in done.out
    posts = [w for w in writes(orgs, since) if w.method == "POST" and w.path == "/api/v1/monitor"]
    assert len(posts) == 1
    after = documents(orgs)
    (new,) = after.keys() - before.keys()
    text = json.dumps({str(address): body for address, body in after.items()})
    told = unordered(json.loads(text.replace(new.id, used.id)))
    assert told == unordered({str(address): body for address, body in before.items()})


def lose_monitor(orgs: TwoOrgs, id_: str) -> dict[str, Any]:
    orgs.us1.resources("restriction_policies").pop(f"monitor:{id_}", None)
    body = orgs.us1.resources("monitors").pop(id_)
    orgs.capture()
    return body


def test_what_is_still_there_is_not_rolled_back_with_what_was_lost(orgs: TwoOrgs) -> None:
    policies = orgs.us1.resources("restriction_policies")
    id_ = next(one.partition(":")[2] for one in policies if one.startswith("dashboard:"))
    roles = orgs.us1.resources("roles")
    role = next(r for r in roles if roles[r]["attributes"]["name"].startswith("R"))
    policies[f"dashboard:{id_}"]["attributes"]["bindings"] = [
        {"relation": "editor", "principals": [f"role:{role}", f"user:{orgs.us1.owner}"]}
    ]
    orgs.run("capture", "us1", "-q", "--full")
    throw_away(orgs.us1, id_, for_good=True)
    policies.pop(f"dashboard:{id_}")
    roles[role]["attributes"]["name"] = "Renamed since"
    earlier = set(policies)
    orgs.capture()
    done = orgs.run("restore", "us1", f"dashboards/{id_}", "--yes")
    assert done.code == 0, done.err + done.out
    assert roles[role]["attributes"]["name"] == "Renamed since"
    (new,) = policies.keys() - earlier
    assert role in str(policies[new])
    assert new.partition(":")[2] in orgs.us1.resources("dashboards")


# --- secrets


def test_the_password_of_a_test_stays_when_its_name_is_restored(orgs: TwoOrgs) -> None:
    tests = orgs.us1.resources("synthetics_tests")
    id_, body = next(
        (id_, body)
        for id_, body in tests.items()
        if "basicAuth" in (body["config"].get("request") or {})
    )
    name = body["name"]
    body["config"]["request"]["basicAuth"]["password"] = "set-since-then"
    body["name"] = "Another name"
    done = orgs.run("restore", "us1", f"synthetics_tests/{id_}", "--yes")
    assert done.code == 0, done.err + done.out
    now = orgs.us1.resources("synthetics_tests")[id_]
    assert now["name"] == name
    assert now["config"]["request"]["basicAuth"]["password"] == "set-since-then"
    assert "$ddsnap" not in "".join(w.raw.decode() for w in orgs.sandbox.writes)
    assert "set-since-then" not in git(orgs, "log", "-p", "--all")


def test_a_secure_variable_is_never_overwritten_by_a_placeholder(orgs: TwoOrgs) -> None:
    variables = orgs.us1.resources("synthetics_global_variables")
    id_, body = next(iter(variables.items()))
    body["value"] = {"secure": True}
    orgs.run("capture", "us1", "-q", "--full")
    secret = orgs.us1.hidden("synthetics_global_variables", id_)["value"]
    description = body["description"]
    body["description"] = "Changed by hand"
    done = orgs.run("restore", "us1", f"synthetics_global_variables/{id_}", "--yes")
    assert done.code == 0, done.err + done.out
    assert orgs.us1.resources("synthetics_global_variables")[id_]["description"] == description
    assert orgs.us1.hidden("synthetics_global_variables", id_)["value"] == secret
    assert "$ddsnap" not in "".join(w.raw.decode() for w in orgs.sandbox.writes)
