"""Two orgs that are replayed into one: neither takes, nor takes away, what is the other's."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest
from pairs import OWNER, Side, pair

from ddsnap.config import variable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


@pytest.fixture
def ap1(orgs: Pair) -> Side:
    org = orgs.sandbox.add_org("ap1")
    os.environ[variable("ap1", "api_key")] = org.api_key
    os.environ[variable("ap1", "app_key")] = org.app_key
    org.resources("users")[org.owner]["attributes"].update(OWNER)
    with (orgs.path / "ddsnap.yaml").open("a") as config:
        config.write(f"  ap1: {{api_url: '{orgs.sandbox.url}'}}\n")
    return Side(orgs.sandbox, org, orgs.us1.session)


def replay(orgs: Pair, source: str, *options: str, code: int = 0) -> Said:
    """Capture one of them, and replay it into eu1."""
    assert orgs.run("-q", "capture", source).code == 0
    said = orgs.run("replay", source, "--to", "eu1", "--yes", "--live", *options)
    assert said.code == code, said
    return said


def mapped(orgs: Pair, source: str, type_name: str) -> set[str]:
    told = json.loads(orgs.git("show", f"journal/eu1:map/{source}/{type_name}.json"))
    return {one["id"] for one in told["ids"].values()}


def undo(orgs: Pair, run: str, code: int = 0) -> Said:
    said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes")
    assert said.code == code, said
    return said


def test_each_gets_its_own_of_what_nothing_but_its_body_tells_apart(orgs: Pair, ap1: Side) -> None:
    mine = orgs.us1.dashboard("Board")
    ap1.dashboard("Board")
    replay(orgs, "us1")
    assert len(replay(orgs, "ap1").sent) == 1
    assert len(mapped(orgs, "us1", "dashboards") | mapped(orgs, "ap1", "dashboards")) == 2
    orgs.us1.put(
        f"/api/v1/dashboard/{mine}",
        {**orgs.us1.get(f"/api/v1/dashboard/{mine}"), "description": "of us1"},
    )
    assert len(replay(orgs, "us1").sent) == 1
    assert replay(orgs, "ap1").sent == []
    assert {one["description"] for one in orgs.eu1.all("dashboards").values()} == {None, "of us1"}


def test_what_equals_it_and_cannot_be_made_twice_is_named(orgs: Pair, ap1: Side) -> None:
    theirs = orgs.us1.monitor("load")
    mine = ap1.monitor("load")
    replay(orgs, "us1")
    said = replay(orgs, "ap1", code=4)
    assert said.sent == []
    (there,) = orgs.eu1.all("monitors")
    assert f"monitors/{there} equals it and is us1's monitors/{theirs}" in said.out
    replay(orgs, "ap1", "--adopt", f"monitors/{mine}={there}")
    assert mapped(orgs, "ap1", "monitors") == {there}


def test_what_the_other_holds_is_not_deleted(orgs: Pair, ap1: Side) -> None:
    role, board = orgs.us1.role("ops", "logs_read_data"), orgs.us1.dashboard("Board")
    orgs.us1.role("stays", "logs_read_data")
    orgs.us1.dashboard("Stays")
    theirs = ap1.role("ops", "logs_read_data")
    replay(orgs, "us1")
    replay(orgs, "ap1")
    orgs.us1.delete(f"/api/v2/roles/{role}")
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    said = replay(orgs, "us1", "--delete", code=4)
    assert [one.split("/")[3] for one in said.sent] == ["dashboard"]
    assert f"it is also ap1's roles/{theirs}" in said.out
    assert replay(orgs, "ap1").sent == []


def test_what_the_other_holds_is_not_undone(orgs: Pair, ap1: Side) -> None:
    orgs.us1.role("ops", "logs_read_data")
    orgs.us1.dashboard("Board")
    theirs = ap1.role("ops", "logs_read_data")
    replay(orgs, "us1")
    run = orgs.run_record()["run"]
    replay(orgs, "ap1")
    said = undo(orgs, run, code=4)
    assert [one.split("/")[3] for one in said.sent] == ["dashboard"]
    assert f"it is also ap1's roles/{theirs}" in said.out
    assert orgs.eu1.one("roles", "ops")


def test_taking_back_what_took_a_replay_back_meets_no_other(orgs: Pair) -> None:
    """Bringing back what was deleted, the first undo gives it to the source's map again."""
    orgs.us1.dashboard("Board")
    replay(orgs, "us1")
    undo(orgs, orgs.run_record()["run"])
    assert orgs.eu1.all("dashboards") == {}
    undo(orgs, orgs.run_record()["run"])
    (there,) = orgs.eu1.all("dashboards")
    assert mapped(orgs, "us1", "dashboards") == {there}
    undo(orgs, orgs.run_record()["run"])
    assert orgs.eu1.all("dashboards") == {}


def test_the_same_org_by_another_name_is_no_other(orgs: Pair) -> None:
    orgs.us1.dashboard("Board")
    replay(orgs, "us1")
    config = orgs.path / "ddsnap.yaml"
    config.write_text(config.read_text().replace("  us1:", "  us:"))
    for name in ("api_key", "app_key"):
        os.environ[variable("us", name)] = os.environ[variable("us1", name)]
    assert replay(orgs, "us").sent == []


def test_a_restore_finds_what_another_org_s_replay_has_made_again(orgs: Pair) -> None:
    orgs.us1.dashboard("Board")
    replay(orgs, "us1")
    (lost,) = orgs.eu1.all("dashboards")
    orgs.eu1.all("dashboards").clear()
    assert len(replay(orgs, "us1").sent) == 1
    said = orgs.run("restore", "eu1~2", f"dashboards/{lost}", "--yes")
    assert (said.code, said.sent) == (0, []), said


def test_a_plan_that_is_kept_holds_until_the_other_takes_something(orgs: Pair, ap1: Side) -> None:
    orgs.eu1.dashboard("Board", description="theirs")
    orgs.us1.dashboard("Board")
    ap1.dashboard("Board", description="theirs")
    for _ in range(2):
        assert replay(orgs, "us1", code=4).sent == []
        assert orgs.outcomes()["Board"]["action"] == "similar"
    assert replay(orgs, "ap1").sent == []
    assert len(replay(orgs, "us1").sent) == 1
