"""What a replay remembers: of each step, of each resource, and of whole snapshots alone."""

from __future__ import annotations

import json
import time
from collections import Counter
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from pairs import api, pair

from ddsnap.flows.supply import variable as variable_of
from ddsnap.sandbox import Fault
from ddsnap.sandbox.service import Service

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

VARIABLES = "/api/v1/synthetics/variables"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_each_resource_has_exactly_one_outcome(tmp_path: Path) -> None:
    with pair(tmp_path, size=60) as orgs:
        orgs.us1.monitor("bad")
        orgs.us1.one("monitors", "bad").update(
            type="service check", query='"http.can_connect".over("*").last(2).count_by_status()'
        )
        orgs.us1.dashboard("broken", {"type": "slo", "slo_id": "0" * 32, "view_type": "detail"})
        orgs.capture()
        command = ("replay", "us1", "--to", "eu1", "--yes", "--live", "--allow-self-lockout")
        said = orgs.run("--json", *command)
        assert said.code == 4
        told = said.events("outcome")
        held = [
            path
            for path in orgs.git("ls-tree", "-r", "--name-only", "snapshots/us1").splitlines()
            if "/" in path
        ]
        assert Counter((one["type"], one["id"]) for one in told).most_common(1)[0][1] == 1
        assert len(told) == len(held)
        for one in told:
            assert one["action"], one
            assert one["status"] in ("done", "unchanged", "failed", "blocked")
            assert (one["status"] in ("failed", "blocked")) == bool(one["error"]), one
        (bad,) = (one for one in told if one["title"] == "bad")
        assert [request["status"] for request in bad["requests"]] == [400]
        (summary,) = said.events("replayed")
        assert sum(summary["counts"].values()) == len(told)
        assert summary["counts"]["failed"] == summary["counts"]["blocked"] == 1
        journal = orgs.git("show", "journal/eu1:outcomes.ndjson").splitlines()
        assert [json.loads(line)["id"] for line in journal] == [one["id"] for one in told]


def test_members_that_could_not_be_written_are_written_by_the_next_run(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    made = orgs.us1.post("/api/v1/dashboard/lists/manual", {"name": "Mine"})
    members = {"dashboards": [{"type": "custom_timeboard", "id": board}]}
    orgs.us1.put(f"/api/v2/dashboard/lists/manual/{made['id']}/dashboards", members)
    fault = orgs.sandbox.faults.add(
        Fault(path="/dashboard/lists/manual/.*/dashboards$", org="eu1", method="PUT", status=400)
    )
    orgs.replay(code=4)
    told = orgs.outcomes()["Mine"]
    statuses = [(one["method"], one["status"]) for one in told["requests"]]
    assert statuses[0] == ("POST", 200)
    assert set(statuses[1:]) == {("PUT", 400)}
    (there,) = orgs.eu1.all("dashboard_lists")
    assert orgs.ids("dashboard_lists") == {str(made["id"]): there}
    orgs.sandbox.faults.remove(fault)
    path = f"PUT /api/v2/dashboard/lists/manual/{there}/dashboards"
    assert orgs.replay().sent == [path]
    orgs.settle()


def test_a_filtered_snapshot_deletes_nothing_and_keeps_the_map(orgs: Pair) -> None:
    for name in ("keep", "other"):
        orgs.us1.monitor(name, query=f"avg(last_5m):avg:{name}{{*}} > 1")
    orgs.replay()
    mapped = orgs.ids("monitors")
    assert len(mapped) == 2
    config = orgs.path / "ddsnap.yaml"
    plain = config.read_text()
    wanted = "capture: {filters: [\"monitors:$[?@.name == 'keep']\"]}\n"
    config.write_text(plain + wanted)
    orgs.replay("--delete")
    assert len(orgs.eu1.all("monitors")) == 2
    assert orgs.ids("monitors") == mapped
    config.write_text(plain)
    orgs.settle("--delete")


def test_what_was_left_out_at_the_capture_is_no_deletion(orgs: Pair) -> None:
    user, board = orgs.us1.user("u@e.example"), orgs.us1.dashboard("Board")
    began = time.monotonic()
    orgs.replay()
    took = time.monotonic() - began  # the next one takes no longer
    ends = datetime.now(timezone.utc) + timedelta(seconds=3 + 3 * took)
    attributes = {
        "scope": "*",
        "message": "m",
        "monitor_identifier": {"monitor_tags": ["*"]},
        "schedule": {"start": None, "end": ends.isoformat(timespec="seconds")},
    }
    orgs.us1.post("/api/v2/downtime", api("downtime", attributes))
    orgs.replay()
    assert len(orgs.ids("downtime_schedules")) == 1
    disabled = api("users", {"disabled": True}, id=user)
    orgs.us1.send("PATCH", f"/api/v2/users/{user}", disabled)
    orgs.sandbox.faults.add(Fault(path=f"/dashboard/{board}", org="us1", status=403))
    orgs.sandbox.faults.add(Fault(path="/dashboard$", org="us1", skip=board))
    time.sleep(max(0.0, (ends - datetime.now(timezone.utc)).total_seconds()))
    orgs.run("capture", "us1", "--full")
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--delete")
    assert said.on("", "DELETE") == []
    assert orgs.eu1.one("dashboards", "Board")


def test_a_secret_in_an_error_is_kept_nowhere(orgs: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "correct-horse-battery-staple-42"
    body = {"name": "TOKEN", "description": "", "tags": [],
            "value": {"secure": True, "value": "x"}}  # fmt: skip
    made = orgs.us1.post(VARIABLES, body)["id"]
    monkeypatch.setenv(variable_of("synthetics_global_variables", made, "/value/value"), secret)
    echo = {"errors": [f"the value {secret} is too long"]}
    orgs.sandbox.faults.add(
        Fault(path="/variables$", org="eu1", method="POST", status=400, body=echo)
    )
    said = orgs.replay(code=4)
    assert "is too long" in said.out
    assert secret not in said.out + said.err
    for line in orgs.git("rev-list", "--all", "--objects").splitlines():
        assert secret not in orgs.git("cat-file", "-p", line.split()[0])
    for path in orgs.path.rglob("*"):
        assert not path.is_file() or secret.encode() not in path.read_bytes()


def test_what_begins_now_is_the_same_plan_a_moment_later(orgs: Pair, tmp_path: Path) -> None:
    attributes = {"scope": "env:x", "message": "m", "monitor_identifier": {"monitor_tags": ["*"]},
                  "schedule": {"start": None, "end": "2099-01-01T00:00:00+00:00"}}  # fmt: skip
    orgs.us1.post("/api/v2/downtime", api("downtime", attributes))
    hourly = {"rrule": "FREQ=HOURLY", "duration": "5m", "start": "2098-01-01T00:00:00"}
    schedule = {"timezone": "UTC", "recurrences": [hourly]}
    again = {**attributes, "message": "again", "scope": "env:y", "schedule": schedule}
    made = orgs.us1.post("/api/v2/downtime", api("downtime", again))
    there = orgs.us1.all("downtime_schedules")[made["data"]["id"]]["attributes"]
    there["schedule"]["recurrences"][0]["start"] = "2026-01-01T00:00:00"
    orgs.capture()
    saved = tmp_path / "plan.json"
    planned = orgs.run("plan", "us1", "--to", "eu1", "--live", "--out", str(saved))
    assert planned.code == 0, planned.err
    time.sleep(1.1)
    said = orgs.run("replay", "--plan", str(saved), "--yes", "--strict")
    assert said.code == 0, said.out + said.err
    assert [write.status for write in said.writes] == [200, 200]
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").sent == []


def test_the_writes_of_a_run_name_it(orgs: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Datadog's audit trail tells who called; the run stands there and in the journal."""
    orgs.us1.monitor("load")
    orgs.capture()
    agents = []
    perform = Service.perform

    def watched(service: Service, incoming: object) -> object:
        if incoming.method != "GET":  # type: ignore[attr-defined]
            agents.append(incoming.headers["user-agent"])  # type: ignore[attr-defined]
        return perform(service, incoming)  # type: ignore[arg-type]

    monkeypatch.setattr(Service, "perform", watched)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes")
    assert said.code == 0
    run = orgs.run_record()["run"]
    assert len(agents) == 2
    assert all(f"(run {run})" in agent for agent in agents)


def test_one_resource_is_replayed_by_id_or_by_title(orgs: Pair) -> None:
    one = orgs.us1.dashboard("One")
    orgs.us1.dashboard("Two words")
    orgs.us1.dashboard("Three")
    assert orgs.replay(f"dashboards/{one}").sent == ["POST /api/v1/dashboard"]
    assert orgs.eu1.one("dashboards", "One")
    assert orgs.replay("dashboards/Two words").sent == ["POST /api/v1/dashboard"]
    assert orgs.eu1.one("dashboards", "Two words")
    assert len(orgs.eu1.all("dashboards")) == 2


def test_a_preview_sends_nothing_but_reads(tmp_path: Path) -> None:
    with pair(tmp_path, size=60) as orgs:
        orgs.capture()
        orgs.sandbox.faults.add(Fault(writes=True, status=500))
        before = set(orgs.git("for-each-ref").splitlines())
        said = orgs.run("plan", "us1", "--to", "eu1", "--delete")
        assert said.code == 0, said.err
        assert "to create" in said.out
        assert said.writes == []
        assert orgs.sandbox.writes == []
        assert set(orgs.git("for-each-ref").splitlines()) == before


def unread(orgs: Pair, path: str) -> None:
    """Let a listing at the destination be read for the plan, and not read back."""
    fault = Fault(org="eu1", method="GET", path=path, nth=range(2, 40), status=400)
    orgs.sandbox.faults.add(fault)


def entry(orgs: Pair, type_name: str) -> dict[str, str]:
    told = json.loads(orgs.git("show", f"journal/eu1:map/us1/{type_name}.json"))["ids"]
    (one,) = told.values()
    return one


def test_what_could_not_be_read_back_is_known_once_it_is_as_it_should_be(orgs: Pair) -> None:
    attributes = {
        "scope": "env:x",
        "monitor_identifier": {"monitor_tags": ["a:b"]},
        "schedule": {"start": None, "end": "2099-01-01T00:00:00Z"},
        "display_timezone": "UTC",
    }
    orgs.us1.post("/api/v2/downtime", api("downtime", attributes))
    unread(orgs, "/api/v2/downtime$")
    orgs.replay()
    assert entry(orgs, "downtime_schedules")["seen"] == ""
    orgs.sandbox.faults.clear()
    orgs.settle()
    seen = entry(orgs, "downtime_schedules")["seen"]
    for _ in range(2):
        said = orgs.replay()
        assert (said.sent, "updated" in said.out) == ([], False)
    assert seen != ""
    assert entry(orgs, "downtime_schedules")["seen"] == seen


def test_what_was_read_before_the_write_is_not_what_the_server_made_of_it(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    orgs.replay()
    orgs.us1.put(f"/api/v1/monitor/{monitor}", {"message": "changed"})
    unread(orgs, "/api/v1/monitor$")
    said = orgs.replay()
    assert [one.partition(" ")[0] for one in said.sent] == ["PUT"]
    assert "settled differently" not in said.out
    assert orgs.outcomes()["load"]["settled"] == []
    assert entry(orgs, "monitors")["seen"] == ""
    orgs.sandbox.faults.clear()
    assert orgs.run("verify").code == 0
    orgs.settle()
    assert entry(orgs, "monitors")["seen"] != ""


def test_what_could_be_read_back_only_in_part_is_sound(orgs: Pair) -> None:
    for title in ("one", "two"):
        orgs.us1.dashboard(title)
    orgs.sandbox.faults.add(
        Fault(org="eu1", method="GET", path="/api/v1/dashboard/[^/]+$", times=1, status=400)
    )
    orgs.replay()
    orgs.sandbox.faults.clear()
    assert orgs.run("verify").code == 0
    orgs.settle()
    assert orgs.run("verify").code == 0


def test_where_the_keys_are_refused_halfway_nothing_is_known_of_what_was_written(
    orgs: Pair,
) -> None:
    monitor = orgs.us1.monitor("load")
    slo = orgs.us1.slo("uptime")  # written after it
    orgs.replay()
    there = orgs.ids("monitors")[monitor]
    orgs.us1.put(f"/api/v1/monitor/{monitor}", {"message": "changed"})
    body = orgs.us1.get(f"/api/v1/slo/{slo}")["data"]
    orgs.us1.put(f"/api/v1/slo/{slo}", {**body, "description": "changed", "tags": ["a:b"]})
    orgs.sandbox.faults.add(Fault(org="eu1", method="PUT", path="/api/v1/slo/", status=401))
    orgs.sandbox.faults.add(Fault(org="eu1", method="PUT", path="/api/v1/slo/", latency=0.3))
    said = orgs.replay(code=1)
    assert orgs.eu1.all("monitors")[there]["message"] == "changed"
    assert "settled differently" not in said.out
    assert orgs.outcomes()["load"]["settled"] == []
    assert entry(orgs, "monitors")["seen"] == ""
    assert orgs.run("verify").code == 0
    orgs.sandbox.faults.clear()
    # Somebody takes it back: that is not what the run has left.
    orgs.eu1.put(f"/api/v1/monitor/{there}", {"message": "text"})
    orgs.replay()
    assert orgs.eu1.all("monitors")[there]["message"] == "changed"


def test_nothing_is_to_be_taken_back_where_every_request_was_refused(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    orgs.sandbox.faults.add(Fault(org="eu1", method="POST", path="/api/v1/monitor$", status=403))
    said = orgs.replay(code=4)
    assert said.sent == ["POST /api/v1/monitor"]
    assert "--undo" not in said.out
    said = orgs.replay(code=4, live=False)  # the downtime was made, whatever came of the monitor
    assert "to take it back: ddsnap replay --undo" in said.out
    orgs.sandbox.faults.clear()
    lost = Fault(org="eu1", method="POST", path="/api/v1/monitor$", status=503, after=True)
    orgs.sandbox.faults.add(lost)
    orgs.capture()
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--retries", "0")
    assert "to take it back: ddsnap replay --undo" in said.out


def cannot_tell(orgs: Pair, nth: int) -> None:
    """Let the destination not say for once which org the keys belong to."""
    for path in ("/current_user$", "/api/v1/org$"):
        fault = Fault(org="eu1", method="GET", path=path, nth=nth, status=403)
        orgs.sandbox.faults.add(fault)


def test_no_map_is_begun_where_the_keys_do_not_say_again_which_org_it_is(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    cannot_tell(orgs, 2)
    said = orgs.replay(code=6)
    assert (said.sent, "nothing was written" in said.err) == ([], True)
    orgs.sandbox.faults.clear()
    orgs.replay()
    orgs.settle()


def test_what_was_written_is_recorded_where_they_do_not_say_it_afterwards(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    cannot_tell(orgs, 3)
    said = orgs.replay()
    assert "what was written could not be read back" in said.err
    assert orgs.run_record()["state"] == "done"
    assert {*orgs.ids("monitors").values()} == {*orgs.eu1.all("monitors")}
    assert orgs.run("verify").code == 0
    orgs.sandbox.faults.clear()
    orgs.settle()
