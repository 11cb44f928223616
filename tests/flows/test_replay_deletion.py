"""What a replay deletes: only with consent, only what ddsnap made, never more than was meant."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from pairs import api, pair

from ddsnap.catalog import CATALOG
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said


METRICS = "/api/v2/logs/config/metrics"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def loads(orgs: Pair, count: int) -> list[str]:
    """So many monitors, at the source."""
    return [
        orgs.us1.monitor(f"load {nth}", query=f"avg(last_5m):avg:load{nth}{{*}} > 1")
        for nth in range(count)
    ]


def deletions(said: Said) -> list[str]:
    return [one for one in said.sent if one.startswith("DELETE")]


def lose(orgs: Pair, *monitors: str) -> None:
    for one in monitors:
        orgs.us1.delete(f"/api/v1/monitor/{one}")


# --- consent


def test_without_consent_nothing_is_deleted(orgs: Pair) -> None:
    one, _ = loads(orgs, 2)
    orgs.replay()
    lose(orgs, one)
    assert orgs.replay().sent == []
    assert len(orgs.eu1.all("monitors")) == 2
    assert orgs.ids("monitors")[one]  # and it is known what it was


def test_what_would_be_deleted_is_counted_where_nobody_asks_for_it(orgs: Pair) -> None:
    ids = loads(orgs, 3)
    orgs.replay()
    lose(orgs, *ids[:2])
    told = "--delete would delete 2 resources that ddsnap made and the snapshot has no more"
    for _ in range(3):  # the later ones plan as the one before
        assert told in orgs.replay().out
    orgs.capture()
    assert told in orgs.run("plan", "us1", "--to", "eu1").out
    assert orgs.run("--json", "plan", "us1", "--to", "eu1").events("plan")[0]["spared"] == 2
    assert "would delete" not in orgs.run("plan", "us1", "dashboards", "--to", "eu1").out
    assert "would delete" not in orgs.run("plan", "us1", "--to", "eu1", "--delete").out


def test_a_plan_says_that_a_replay_would_be_refused(orgs: Pair) -> None:
    ids = loads(orgs, 4)
    orgs.replay()
    lose(orgs, *ids[:3])
    orgs.capture()
    words = ("plan", "us1", "--to", "eu1", "--delete", "--max-deletes", "2")
    said = orgs.run(*words)
    assert said.code == 0
    assert "a replay would be refused: 3 deletions (3 monitors) are more than the limit" in said.err
    assert "--max-deletes allows more" in said.err
    assert orgs.run("--json", *words).events("refused")
    assert "refused" not in orgs.run(*words[:-2]).err


def test_what_was_adopted_is_not_deleted_by_that_word_alone(orgs: Pair) -> None:
    loads(orgs, 1)
    orgs.capture()
    for command in ("plan", "replay"):
        said = orgs.run(command, "us1", "--to", "eu1", "--delete-adopted")
        assert (said.code, said.out) == (2, "")
        assert "--delete-adopted deletes nothing by itself" in said.err


def test_with_consent_what_ddsnap_made_is_deleted_and_forgotten(orgs: Pair) -> None:
    one, other = loads(orgs, 2)
    orgs.replay()
    there = orgs.ids("monitors")[one]
    lose(orgs, one)
    said = orgs.replay("--delete")
    assert said.sent == [f"DELETE /api/v1/monitor/{there}"]
    assert orgs.ids("monitors").keys() == {other}
    orgs.settle("--delete")


def test_the_plan_lists_deletions_last_with_title_id_and_who_made_it(orgs: Pair) -> None:
    one, _ = loads(orgs, 2)
    orgs.replay()
    there = orgs.ids("monitors")[one]
    lose(orgs, one)
    orgs.us1.dashboard("New")
    orgs.capture()
    said = orgs.run("replay", "us1", "--to", "eu1", "--delete")
    assert (said.code, said.sent) == (6, [])
    lines = said.out.splitlines()
    assert lines.index("to delete (1)") > lines.index("to create (1)")
    (line,) = [line for line in lines if line.strip().startswith('- "load 0"')]
    assert there in line
    assert "owner@e.example" in line


def test_deletions_come_after_everything_that_is_written(orgs: Pair) -> None:
    one, other = loads(orgs, 2)
    orgs.replay()
    lose(orgs, one)
    orgs.us1.dashboard("New")
    orgs.us1.put(f"/api/v1/monitor/{other}", {"name": "renamed"})
    said = orgs.replay("--delete")
    assert len(said.sent) == 3
    assert [one.partition(" ")[0] for one in said.sent][-1] == "DELETE"


# --- whose it is


def test_what_the_destination_made_itself_is_never_deleted(orgs: Pair) -> None:
    orgs.eu1.monitor("theirs", query="avg(last_5m):avg:theirs{*} > 1")
    one, _ = loads(orgs, 2)
    orgs.replay("--delete")
    lose(orgs, one)
    orgs.replay("--delete", "--delete-adopted")
    assert orgs.eu1.one("monitors", "theirs")


def test_what_was_adopted_needs_a_word_of_its_own(orgs: Pair) -> None:
    role = orgs.us1.role("ops", "logs_read_data")
    theirs = orgs.eu1.role("ops", "logs_read_data")
    orgs.replay()
    orgs.us1.delete(f"/api/v2/roles/{role}")
    assert orgs.replay("--delete").sent == []
    said = orgs.replay("--delete", "--delete-adopted")
    assert said.sent == [f"DELETE /api/v2/roles/{theirs}"]


def test_outside_the_selection_nothing_is_deleted(orgs: Pair) -> None:
    one, _ = loads(orgs, 2)
    board = orgs.us1.dashboard("Board")
    orgs.us1.dashboard("Other")
    orgs.replay()
    lose(orgs, one)
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    said = orgs.replay("dashboards", "--delete")
    assert [path.split("/")[3] for path in deletions(said)] == ["dashboard"]
    said = orgs.replay("monitors", "--delete")
    assert [path.split("/")[3] for path in deletions(said)] == ["monitor"]


# --- what is known to be gone

FAILURES = {
    "the list fails": Fault(path="/api/v1/monitor$", method="GET", org="us1", status=503),
    "the list is forbidden": Fault(path="/api/v1/monitor$", method="GET", org="us1", status=403),
    "the list is empty": Fault(path="/api/v1/monitor$", method="GET", org="us1", empty=True),
    "the list is cut": Fault(path="/api/v1/monitor$", method="GET", org="us1", cut=True),
    "a login page": Fault(path="/api/v1/monitor$", method="GET", org="us1", html=True),
}


@pytest.mark.parametrize("what", FAILURES)
def test_what_could_not_be_read_at_the_source_is_not_gone(orgs: Pair, what: str) -> None:
    loads(orgs, 3)
    board = orgs.us1.dashboard("Board")
    orgs.us1.dashboard("Other")
    orgs.replay()
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    fault = orgs.sandbox.faults.add(FAILURES[what])
    assert orgs.run("-q", "capture", "us1", "--retries", "0").code in (0, 4)
    orgs.sandbox.faults.remove(fault)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--delete")
    assert [path.split("/")[3] for path in deletions(said)] == ["dashboard"], said
    assert len(orgs.eu1.all("monitors")) == 3


def test_what_left_the_scope_is_not_gone(orgs: Pair) -> None:
    one, other = loads(orgs, 2)
    orgs.replay()
    config = orgs.path / "ddsnap.yaml"
    text = config.read_text()
    config.write_text(f"{text}capture: {{filters: ['monitors:$[?@.name == \"load 0\"]']}}\n")
    orgs.replay("--delete")
    assert len(orgs.eu1.all("monitors")) == 2
    config.write_text(f"{text}capture: {{exclude: [monitors]}}\n")
    orgs.replay("--delete")
    assert len(orgs.eu1.all("monitors")) == 2
    assert {one, other} == orgs.ids("monitors").keys()


def test_what_hangs_on_something_that_left_the_scope_is_not_gone(orgs: Pair) -> None:
    """A membership is of a team, a policy of a dashboard: both are captured as before."""
    ann, bob = orgs.us1.user("ann@e.example"), orgs.us1.user("bob@e.example")
    for handle, user in (("core", ann), ("other", bob)):
        person = {"user": {"data": {"type": "users", "id": user}}}
        body = api("team_memberships", {"role": None}, relationships=person)
        orgs.us1.post(f"/api/v2/team/{orgs.us1.team(handle)}/memberships", body)
    for title in ("Keep", "Out"):
        board = orgs.us1.dashboard(title)
        editors = [f"user:{one}" for one in (ann, orgs.us1.org.owner)]
        orgs.us1.restrict(f"dashboard:{board}", editor=editors)
    gone, _ = loads(orgs, 2)
    orgs.replay()
    config = orgs.path / "ddsnap.yaml"
    text = config.read_text()
    kept = "'teams:$[?@.attributes.handle == \"other\"]', 'dashboards:$[?@.title == \"Keep\"]'"
    config.write_text(f"{text}capture: {{filters: [{kept}]}}\n")
    assert orgs.replay("--delete").sent == []
    config.write_text(f"{text}capture: {{exclude: [teams, dashboards]}}\n")
    lose(orgs, gone)
    said = orgs.replay("--delete", code=4)
    assert said.sent == deletions(said)
    assert [path.split("/")[3] for path in said.sent] == ["monitor"]
    assert len(orgs.eu1.all("teams")) == len(orgs.eu1.all("dashboards")) == 2
    assert len(orgs.eu1.all("team_memberships")) == len(orgs.eu1.all("restriction_policies")) == 2


def test_what_ended_by_itself_is_not_deleted(orgs: Pair) -> None:
    soon = datetime.now(timezone.utc) + timedelta(hours=1)
    body = {
        "monitor_identifier": {"monitor_tags": ["*"]},
        "scope": "env:test",
        "schedule": {"start": None, "end": soon.isoformat()},
        "message": "brief",
    }
    made = orgs.us1.post("/api/v2/downtime", api("downtime", body))["data"]["id"]
    orgs.us1.dashboard("Other")
    orgs.replay()
    (there,) = orgs.eu1.all("downtime_schedules")
    orgs.us1.all("downtime_schedules").pop(made)
    for schedule in orgs.eu1.all("downtime_schedules").values():
        schedule["attributes"]["schedule"]["end"] = "2020-01-01T00:00:00+00:00"
        schedule["attributes"]["status"] = "ended"
    said = orgs.replay("--delete")
    assert deletions(said) == []
    assert there in orgs.eu1.all("downtime_schedules")


def test_a_user_who_was_disabled_is_not_deleted(orgs: Pair) -> None:
    user = orgs.us1.user("ann@e.example")
    orgs.replay()
    orgs.us1.delete(f"/api/v2/users/{user}")
    said = orgs.replay("--delete")
    assert deletions(said) == []


# --- how many


def test_who_is_disabled_keeps_no_role(orgs: Pair) -> None:
    role = orgs.us1.role("Ops", "dashboards_read")
    user = orgs.us1.user("ann@e.example", role)
    orgs.replay()
    orgs.us1.delete(f"/api/v2/users/{user}")
    orgs.replay("--delete")
    assert orgs.eu1.one("users", "ann@e.example")["attributes"]["disabled"] is True
    orgs.us1.all("users").pop(user)
    orgs.us1.delete(f"/api/v2/roles/{role}")
    said = orgs.replay("--delete")
    assert len(deletions(said)) == 1


def test_more_than_the_limit_is_refused_before_the_first_write(orgs: Pair) -> None:
    made = loads(orgs, 24)
    orgs.replay()
    orgs.us1.dashboard("New")
    lose(orgs, *made[:21])
    orgs.run("-q", "capture", "us1", "--accept-loss", "monitors")
    command = ("replay", "us1", "--to", "eu1", "--yes", "--live", "--delete")
    said = orgs.run(*command)
    assert (said.code, said.sent) == (6, [])
    assert "21 deletions (21 monitors) are more than the limit, 20" in said.err
    said = orgs.run(*command, "--max-deletes", "5%")
    assert (said.code, said.sent) == (6, [])
    said = orgs.run(*command, "--max-deletes", "21")
    assert said.code == 0, said
    assert len(deletions(said)) == 21


# --- in which order, and what stays


def test_what_refers_to_it_goes_first(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    stays = orgs.us1.monitor("stays", query="avg(last_5m):avg:stays{*} > 1")
    query = f"{monitor} && {stays}"
    other = orgs.us1.monitor("both", type="composite", query=query, options={})
    slo = orgs.us1.slo("SLO", type="monitor", monitor_ids=[int(monitor)], query=None)
    board = orgs.us1.dashboard("Board", {"type": "slo", "slo_id": slo, "view_type": "detail"})
    orgs.replay()
    ids = {name: orgs.ids(name) for name in ("monitors", "service_level_objectives", "dashboards")}
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    orgs.us1.delete(f"/api/v1/slo/{slo}")
    lose(orgs, other, monitor)
    orgs.us1.dashboard("Stays")
    said = orgs.run("-q", "capture", "us1", "--accept-loss", "monitors")
    gone = deletions(orgs.replay("--delete"))
    last = f"DELETE /api/v1/monitor/{ids['monitors'][monitor]}"
    objective = f"DELETE /api/v1/slo/{ids['service_level_objectives'][slo]}"
    assert gone[-1] == last
    assert gone.index(f"DELETE /api/v1/dashboard/{ids['dashboards'][board]}") < gone.index(
        objective
    )
    assert len(gone) == 4, said


@pytest.mark.parametrize("seen", [True, False])
def test_what_something_of_theirs_needs_stays_and_says_why(orgs: Pair, seen: bool) -> None:
    one, _ = loads(orgs, 2)
    orgs.replay()
    there = orgs.ids("monitors")[one]
    body = {"name": "theirs", "type": "monitor", "monitor_ids": [int(there)],
            "thresholds": [{"timeframe": "7d", "target": 99}]}  # fmt: skip
    if seen:
        orgs.eu1.post("/api/v1/slo", body)
    else:  # somebody makes it while the replay runs
        orgs.sandbox.faults.add(
            Fault(path=f"/monitor/{there}$", method="DELETE", org="eu1", status=409,
                  body={"errors": [f"monitor [{there}] is referenced in slos: [abc]"]})
        )  # fmt: skip
    lose(orgs, one)
    said = orgs.replay("--delete", code=4)
    assert len(deletions(said)) == (0 if seen else 1)
    told = orgs.outcomes()["load 0"]
    assert told["status"] == ("blocked" if seen else "failed")
    assert ("service_level_objectives/" if seen else "is referenced in slos") in told["error"]
    assert there in orgs.eu1.all("monitors")
    assert orgs.ids("monitors")[one] == there
    assert all("force" not in write.path for write in said.writes)


def test_what_somebody_has_changed_since_the_plan_is_not_deleted(orgs: Pair) -> None:
    one, _ = loads(orgs, 2)
    orgs.replay()
    there = orgs.ids("monitors")[one]
    lose(orgs, one)
    orgs.capture()
    assert orgs.run("plan", "us1", "--to", "eu1", "--delete", "--live", "--out",
                    str(orgs.path / "p.json")).code == 0  # fmt: skip
    orgs.eu1.put(f"/api/v1/monitor/{there}", {"message": "needed after all"})
    said = orgs.run("replay", "--plan", str(orgs.path / "p.json"), "--yes")
    assert deletions(said) == []
    assert there in orgs.eu1.all("monitors")


def test_what_is_gone_already_is_deleted_well(orgs: Pair) -> None:
    one, _ = loads(orgs, 2)
    orgs.replay()
    there = orgs.ids("monitors")[one]
    lose(orgs, one)
    fault = Fault(path=f"/monitor/{there}$", method="DELETE", org="eu1", status=404)
    orgs.sandbox.faults.add(fault)
    said = orgs.replay("--delete")
    assert len(deletions(said)) == 1
    assert one not in orgs.ids("monitors")


def test_what_nothing_brings_back_must_be_named(orgs: Pair) -> None:
    user = orgs.us1.user("ann@e.example")
    orgs.us1.user("bob@e.example")
    orgs.replay()
    there = orgs.ids("users")[user]
    orgs.us1.all("users").pop(user)
    said = orgs.replay("--delete", code=4)
    assert deletions(said) == []
    assert "disables the user" in orgs.outcomes()["ann@e.example"]["error"]
    said = orgs.replay("users", "--delete")
    assert deletions(said) == [f"DELETE /api/v2/users/{there}"]


def test_what_no_api_deletes_is_told_and_not_tried(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = loads(orgs, 2)
    orgs.replay()
    there = orgs.ids("monitors")[one]
    lose(orgs, one)
    lasting = replace(CATALOG["monitors"], delete=None)
    monkeypatch.setitem(CATALOG._by_name, "monitors", lasting)
    said = orgs.replay("--delete", code=4)
    assert said.sent == []
    assert orgs.outcomes()["load 0"]["error"] == "no API deletes it"
    assert orgs.ids("monitors")[one] == there


def test_what_belongs_to_datadog_is_told_and_not_tried(orgs: Pair) -> None:
    orgs.us1.role("ops", "logs_read_data")
    orgs.replay()
    name = "Datadog Read Only Role"
    gone = next(i for i, one in orgs.us1.all("roles").items() if one["attributes"]["name"] == name)
    orgs.us1.all("roles").pop(gone)
    assert orgs.replay("--delete").sent == []
    assert orgs.replay("--delete", "--delete-adopted", code=4).sent == []
    assert orgs.outcomes()[name]["error"] == "it belongs to Datadog"


# --- what is kept of it


def test_what_is_deleted_is_in_the_snapshot_before_and_comes_back(orgs: Pair) -> None:
    one, _ = loads(orgs, 2)
    orgs.replay()
    there = orgs.ids("monitors")[one]
    before = dict(orgs.eu1.all("monitors")[there])
    lose(orgs, one)
    orgs.replay("--delete")
    record = orgs.run_record()
    saved = json.loads(orgs.git("show", f"{record['before']}:monitors/{there}.json"))
    assert saved["name"] == before["name"]
    assert orgs.git("log", "-1", "--format=%P", "journal/eu1").split()[-1] == record["before"]
    said = orgs.run("replay", "--undo", record["run"], "--yes")
    assert said.code == 0, said
    assert orgs.eu1.one("monitors", "load 0")["query"] == before["query"]
    assert orgs.ids("monitors")[one] == str(orgs.eu1.one("monitors", "load 0")["id"])


def test_a_policy_goes_with_its_object_and_is_forgotten_too(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    orgs.us1.dashboard("Other")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"org:{orgs.us1.org.uuid}"])
    orgs.replay()
    there = orgs.ids("dashboards")[board]
    assert orgs.ids("restriction_policies") == {f"dashboard:{board}": f"dashboard:{there}"}
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    orgs.us1.all("restriction_policies").clear()
    said = orgs.replay("--delete")
    assert said.sent == [f"DELETE /api/v1/dashboard/{there}"]
    listed = orgs.git("ls-tree", "-r", "--name-only", "journal/eu1", "map/us1")
    assert "restriction_policies" not in listed


def test_the_policy_of_what_is_gone_is_in_nobodys_way(orgs: Pair) -> None:
    role, board = orgs.us1.role("ops"), orgs.us1.dashboard("Board")
    everyone = f"org:{orgs.us1.org.uuid}"
    orgs.us1.restrict(f"dashboard:{board}", editor=[everyone], viewer=[f"role:{role}"])
    orgs.replay()
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    orgs.settle()
    assert [one.split("/")[3] for one in orgs.replay("--delete").sent] == ["dashboard"]
    # Both orgs answer the policy all the same.
    assert [*orgs.us1.all("restriction_policies")]
    assert [*orgs.eu1.all("restriction_policies")]
    orgs.us1.delete(f"/api/v2/roles/{role}")
    assert [one.split("/")[3] for one in orgs.replay("--delete").sent] == ["roles"]
    orgs.settle("--delete")


# --- what has the name of what ddsnap made


def count(query: str) -> Any:
    attributes = {"filter": {"query": query}, "compute": {"aggregation_type": "count"}}
    return api("logs_metrics", attributes, id="thing")


def test_what_is_gone_from_both_orgs_is_forgotten(orgs: Pair) -> None:
    orgs.us1.post(METRICS, count("*"))
    orgs.replay()
    orgs.us1.delete(f"{METRICS}/thing")
    orgs.capture()
    cut = Fault(org="eu1", method="DELETE", path=METRICS, after=True, status=401)
    orgs.sandbox.faults.add(cut)
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--delete").code == 1
    orgs.sandbox.faults.clear()
    assert orgs.eu1.all("logs_metrics") == {}
    assert "thing" in orgs.ids("logs_metrics")
    orgs.settle()
    assert "logs_metrics" not in orgs.git("ls-tree", "-r", "--name-only", "journal/eu1")
    orgs.eu1.post(METRICS, count("service:mine"))
    orgs.settle("--delete")
    assert [*orgs.eu1.all("logs_metrics")] == ["thing"]


def test_another_one_of_the_same_name_is_not_deleted(orgs: Pair) -> None:
    orgs.us1.post(METRICS, count("*"))
    orgs.replay()
    orgs.us1.delete(f"{METRICS}/thing")
    orgs.eu1.delete(f"{METRICS}/thing")
    orgs.eu1.post(METRICS, count("service:mine"))
    said = orgs.replay("--delete", code=4)
    assert said.sent == []
    assert "it is not as ddsnap left it: it may be another one of that name" in said.out
    orgs.eu1.delete(f"{METRICS}/thing")
    orgs.settle("--delete")
    assert "logs_metrics" not in orgs.git("ls-tree", "-r", "--name-only", "journal/eu1")


def test_what_the_source_alone_lost_stays_known(orgs: Pair) -> None:
    (one,) = loads(orgs, 1)
    orgs.us1.post(METRICS, count("*"))
    orgs.replay()
    lose(orgs, one)
    orgs.us1.delete(f"{METRICS}/thing")
    orgs.settle()
    assert orgs.ids("monitors")[one]
    assert len(deletions(orgs.replay("--delete"))) == 2
