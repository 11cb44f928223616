"""Between two orgs nobody is woken unless that is asked, and nothing opens that was closed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import api, pair, probe

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from pairs import Pair


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def fill(orgs: Pair) -> None:
    for nth in range(8):
        orgs.us1.monitor(f"load {nth}", query=f"avg(last_5m):avg:load{nth}{{*}} > 1", tags=["x:y"])
    orgs.us1.post("/api/v1/synthetics/tests/api", probe("front door", status="live"))


def test_the_downtime_comes_before_the_first_monitor_whatever_runs_beside(orgs: Pair) -> None:
    fill(orgs)
    said = orgs.replay(live=False)
    places = [nth for nth, one in enumerate(said.sent) if one == "POST /api/v1/monitor"]
    assert len(places) == 8
    assert said.sent.index("POST /api/v2/downtime") < min(places)
    assert all("migration:true" in one["tags"] for one in orgs.eu1.all("monitors").values())
    assert orgs.eu1.one("synthetics_tests", "front door")["status"] == "paused"
    orgs.settle(live=False)
    assert len(orgs.eu1.all("downtime_schedules")) == 1


WEEKLY = {"rrule": "FREQ=WEEKLY;INTERVAL=1", "duration": "1h", "start": "2098-01-01T00:00:00"}
FOREIGN = {
    "recurring": {"schedule": {"timezone": "UTC", "recurrences": [WEEKLY]}},
    "later": {"schedule": {"start": "2098-01-01T00:00:00+00:00"}},
    "ending": {"schedule": {"start": None, "end": "2099-01-01T00:00:00+00:00"}},
    "narrow": {"schedule": {"start": None}, "scope": "env:test"},
}


@pytest.mark.parametrize("more", FOREIGN.values(), ids=FOREIGN)
def test_a_downtime_that_does_not_silence_for_good_is_not_the_one(
    orgs: Pair, more: dict[str, Any]
) -> None:
    tags = {"monitor_tags": ["migration:true"]}
    body = {"scope": "*", "message": "deploys", "monitor_identifier": tags, **more}
    theirs = orgs.eu1.post("/api/v2/downtime", api("downtime", body))["data"]["id"]
    fill(orgs)
    said = orgs.replay(live=False)
    assert said.sent.index("POST /api/v2/downtime") < said.sent.index("POST /api/v1/monitor")
    assert len(orgs.eu1.all("downtime_schedules")) == 2
    assert orgs.run("migration", "unmute", "--to", "eu1", "--yes").code == 0
    assert orgs.eu1.all("downtime_schedules")[theirs]["attributes"]["canceled"] is None
    orgs.settle(live=False)


def test_the_downtime_is_found_again_where_the_journal_is_lost(orgs: Pair) -> None:
    orgs.us1.monitor("one")
    orgs.replay(live=False)
    (mute,) = orgs.eu1.all("downtime_schedules")
    orgs.git("update-ref", "-d", "refs/heads/journal/eu1")
    orgs.us1.monitor("two", query="avg(last_5m):avg:two{*} > 1")
    assert orgs.replay(live=False).sent == ["POST /api/v1/monitor"]
    assert orgs.run_record()["mute"] == {"id": mute, "made": False, "requests": []}
    orgs.settle(live=False)


def test_live_leaves_all_as_loud_as_at_the_source(orgs: Pair) -> None:
    fill(orgs)
    said = orgs.replay(live=True)
    assert said.on("/downtime") == []
    assert all(one["tags"] == ["x:y"] for one in orgs.eu1.all("monitors").values())
    assert orgs.eu1.one("synthetics_tests", "front door")["status"] == "live"
    orgs.settle(live=True)


def test_going_live_later_changes_nothing_that_is_silent(orgs: Pair) -> None:
    fill(orgs)
    orgs.replay(live=False)
    orgs.settle(live=False)


@pytest.mark.parametrize("status", [403, 400, 500])
def test_without_the_downtime_everything_but_monitors_is_made(orgs: Pair, status: int) -> None:
    fill(orgs)
    fault = orgs.sandbox.faults.add(Fault(path="/downtime$", org="eu1", writes=True, status=status))
    said = orgs.run("-q", "capture", "us1")
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--retries", "0")
    assert said.code == 4, said
    assert said.on("/api/v1/monitor", "POST") == []
    assert orgs.eu1.all("monitors") == {}
    told = [one for one in orgs.outcomes().values() if one["type"] == "monitors"]
    assert {one["status"] for one in told} == {"blocked"}
    assert orgs.eu1.one("synthetics_tests", "front door")["status"] == "paused"
    orgs.sandbox.faults.remove(fault)
    assert len(orgs.replay(live=False).on("/api/v1/monitor", "POST")) == 8


# --- access


def guarded(orgs: Pair) -> str:
    board = orgs.us1.dashboard("Secret plans")
    user = orgs.us1.user("ann@e.example")
    mine = orgs.us1.org.owner
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{user}", f"user:{mine}"])
    for nth in range(5):
        orgs.us1.dashboard(f"Open {nth}")
    return board


def test_the_policy_is_the_next_that_happens_to_its_object(orgs: Pair) -> None:
    board = guarded(orgs)
    said = orgs.replay()
    there = orgs.ids("dashboards")[board]
    about = [w for w in said.writes if there in w.path or "Secret plans" in w.raw.decode()]
    assert [write.method for write in about] == ["POST", "POST"]
    assert about[1].path == f"/api/v2/restriction_policy/dashboard:{there}"


def test_an_object_whose_policy_fails_is_closed_to_all_others(orgs: Pair) -> None:
    board = guarded(orgs)
    orgs.sandbox.faults.add(
        Fault(path="/restriction_policy/", method="POST", org="eu1", nth=1, status=400)
    )
    said = orgs.replay(code=4)
    there = orgs.ids("dashboards")[board]
    me = orgs.eu1.org.owner
    assert orgs.eu1.policy(f"dashboard:{there}") == {"editor": [f"user:{me}"]}
    assert "restricted to you alone" in said.out
    orgs.sandbox.faults.clear()
    orgs.replay()
    ann = orgs.ids("users")
    assert len(orgs.eu1.policy(f"dashboard:{there}")["editor"]) == 2, ann


def test_what_cannot_be_restricted_at_all_is_said_in_capitals(orgs: Pair) -> None:
    guarded(orgs)
    orgs.sandbox.faults.add(
        Fault(path="/restriction_policy/", method="POST", org="eu1", status=400)
    )
    said = orgs.replay(code=4)
    assert "OPEN" in said.out


def test_nothing_is_written_whose_principal_is_not_there(orgs: Pair) -> None:
    board = guarded(orgs)
    orgs.sandbox.faults.add(
        Fault(path="/users$", method="POST", org="eu1", status=403)
    )  # ann cannot be invited
    said = orgs.replay(code=4)
    assert board not in orgs.ids("dashboards")
    assert not any("Secret plans" in write.raw.decode() for write in said.writes)
    assert orgs.outcomes()["Secret plans"]["status"] == "blocked"
    assert len(orgs.eu1.all("dashboards")) == 5
