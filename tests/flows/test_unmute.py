"""Ending the quiet of a migration: what ddsnap made and silenced is heard again, and no more."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pairs import api, pair, probe

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def unmute(orgs: Pair, *more: str, code: int = 0) -> Said:
    said = orgs.run("migration", "unmute", "--yes", *more)
    assert said.code == code, f"{said.code}\n{said.out}\n{said.err}"
    assert orgs.run("verify").code == 0, orgs.run("verify").out
    return said


def migrated(orgs: Pair) -> None:
    """Two monitors and a test, replayed quietly beside one of their own."""
    orgs.us1.monitor("one", tags=["team:a"])
    orgs.us1.monitor("two", query="avg(last_5m):avg:two{*} > 1")
    orgs.us1.post("/api/v1/synthetics/tests/api", probe("front door", status="live"))
    orgs.eu1.monitor("theirs", query="avg(last_5m):avg:own{*} > 1", tags=["migration:true"])
    orgs.replay(live=False)


def test_tags_and_downtime_go_and_nothing_else_changes(orgs: Pair) -> None:
    migrated(orgs)
    (mute,) = orgs.eu1.all("downtime_schedules")
    said = unmute(orgs)
    assert sorted(one.partition("/monitor/")[0] for one in said.sent[:-1]) == ["PUT /api/v1"] * 2
    assert said.sent[-1] == f"DELETE /api/v2/downtime/{mute}"
    assert orgs.eu1.one("monitors", "one")["tags"] == ["team:a"]
    assert orgs.eu1.one("monitors", "two")["tags"] == []
    assert orgs.eu1.one("monitors", "theirs")["tags"] == ["migration:true"]
    assert orgs.eu1.one("synthetics_tests", "front door")["status"] == "paused"
    assert "1 test that ddsnap made stays paused" in said.err
    record = orgs.run_record()
    assert (record["kind"], record["options"]["unmute"]) == ("restore", True)


def test_the_second_time_there_is_nothing_to_do(orgs: Pair) -> None:
    migrated(orgs)
    unmute(orgs)
    assert unmute(orgs).sent == []


def test_a_second_replay_does_not_silence_again(orgs: Pair) -> None:
    migrated(orgs)
    unmute(orgs)
    orgs.settle(live=False)
    one = next(iter(orgs.ids("monitors")))
    orgs.us1.put(f"/api/v1/monitor/{one}", {"message": "changed at the source"})
    said = orgs.replay(live=False)
    assert len(said.sent) == 1
    assert "migration:true" not in json.dumps(said.writes[0].body)
    assert orgs.eu1.one("monitors", "one")["tags"] == ["team:a"]


def test_tests_run_again_when_that_is_asked(orgs: Pair) -> None:
    migrated(orgs)
    unmute(orgs, "--resume-tests")
    assert orgs.eu1.one("synthetics_tests", "front door")["status"] == "live"
    orgs.settle(live=False)


def test_a_test_that_is_paused_at_the_source_stays_so(orgs: Pair) -> None:
    orgs.us1.post(
        "/api/v1/synthetics/tests/api", {**probe("idle", status="live"), "status": "paused"}
    )
    orgs.us1.monitor("one")
    orgs.replay(live=False)
    said = unmute(orgs, "--resume-tests")
    assert orgs.eu1.one("synthetics_tests", "idle")["status"] == "paused"
    assert "paused" not in said.err


def test_a_migration_is_taken_back_although_it_was_unmuted(orgs: Pair) -> None:
    """What ddsnap did itself is nobody's change; what somebody did is."""
    migrated(orgs)
    run = orgs.run_record()["run"]
    unmute(orgs, "--resume-tests")
    theirs = orgs.eu1.one("monitors", "two")["id"]
    orgs.eu1.put(f"/api/v1/monitor/{theirs}", {"priority": 1})
    said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes")
    assert said.code == 4, said
    assert "somebody has changed it" in said.out
    left = {one["name"] for one in orgs.eu1.all("monitors").values()}
    assert left == {"two", "theirs"}
    assert orgs.eu1.all("synthetics_tests") == {}
    assert orgs.run("verify").code == 0


def test_unmuting_is_taken_back_like_any_run(orgs: Pair) -> None:
    migrated(orgs)
    unmute(orgs)
    said = orgs.run("replay", "--undo", orgs.run_record()["run"], "--yes")
    assert said.code == 0, said
    assert orgs.eu1.one("monitors", "one")["tags"] == ["migration:true", "team:a"]
    alive = [one for one in orgs.eu1.all("downtime_schedules").values()
             if not one["attributes"].get("canceled")]  # fmt: skip
    assert len(alive) == 1


def test_what_cannot_be_changed_is_said_and_the_rest_goes_on(orgs: Pair) -> None:
    migrated(orgs)
    there = str(orgs.eu1.one("monitors", "one")["id"])
    orgs.sandbox.faults.add(Fault(path=f"/monitor/{there}$", method="PUT", status=403))
    said = unmute(orgs, code=4)
    assert orgs.outcomes()["one"]["status"] == "failed"
    assert orgs.eu1.one("monitors", "two")["tags"] == []
    orgs.sandbox.faults.clear()
    assert unmute(orgs).sent == [f"PUT /api/v1/monitor/{there}"], said


def test_nothing_is_written_without_a_word(orgs: Pair) -> None:
    migrated(orgs)
    said = orgs.run("migration", "unmute", "--to", "eu1")
    assert (said.code, said.sent) == (6, [])
    assert "unmute what ddsnap has made in eu1" in said.out


def test_a_downtime_that_somebody_else_made_does_and_stays(orgs: Pair) -> None:
    tags = {"monitor_tags": ["migration:true"]}
    body = {"scope": "*", "message": "ours", "monitor_identifier": tags}
    theirs = orgs.eu1.post("/api/v2/downtime", api("downtime", body))["data"]["id"]
    migrated(orgs)
    assert [*orgs.eu1.all("downtime_schedules")] == [theirs]
    said = unmute(orgs)
    assert [one.split()[0] for one in said.sent] == ["PUT", "PUT"]
    assert orgs.eu1.one("monitors", "one")["tags"] == ["team:a"]
    assert f"downtime_schedules/{theirs} is for the same tag" in said.err


def test_its_own_downtime_goes_whatever_it_is_called_by_now(orgs: Pair) -> None:
    migrated(orgs)
    (mute,) = orgs.eu1.all("downtime_schedules")
    renamed = api("downtime", {"message": "until Friday"}, id=mute)
    orgs.eu1.send("PATCH", f"/api/v2/downtime/{mute}", renamed)
    assert unmute(orgs).sent[-1] == f"DELETE /api/v2/downtime/{mute}"


def test_where_nothing_was_replayed_the_org_must_be_named(orgs: Pair) -> None:
    orgs.capture()
    said = orgs.run("migration", "unmute", "--yes")
    assert (said.code, said.sent) == (2, [])
    assert "--to" in said.err
    assert unmute(orgs, "--to", "us1").sent == []
