"""Runs as ``log`` tells them: by the id that ``--undo`` takes, what for, and who started them."""

from __future__ import annotations

import getpass
import re
from typing import TYPE_CHECKING

import pytest
from pairs import Pair, pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        made.us1.monitor("load")
        made.replay(live=False)
        yield made


def runs(orgs: Pair, *words: str) -> list[str]:
    return orgs.run("log", "eu1", *words).out.splitlines()


def test_the_runs_have_the_ids_that_undo_takes(orgs: Pair) -> None:
    run = orgs.run_record()["run"]
    assert orgs.run("-q", "capture", "eu1").code == 0
    capture, replay = runs(orgs, "--runs")[:2]
    assert f"  {run[:12]}  done      replay from us1: 1 created" in replay
    by = orgs.run_record()["by"]
    assert replay.endswith(f"  by {by['user']} on {by['host']}")
    assert orgs.run_record()["run"][:12] in capture
    assert getpass.getuser() in capture
    (told,) = [e for e in orgs.run("--json", "log", "eu1").events("run") if e["run"] == run]
    assert (told["kind"], told["source"], told["undoes"]) == ("replay", "us1", "")
    assert told["by"].startswith(f"{getpass.getuser()} on ")
    said = orgs.run("replay", "--undo", run[:12], "--to", "eu1", "--yes")
    assert said.code == 0, said


def test_undo_takes_the_commit_of_the_journal_too(orgs: Pair) -> None:
    commit = runs(orgs)[0].split()[2]
    said = orgs.run("replay", "--undo", commit, "--to", "eu1", "--yes")
    assert said.code == 0, said
    assert orgs.eu1.all("monitors") == {}


def test_an_undo_of_another_org_says_which(orgs: Pair) -> None:
    run = orgs.run_record()["run"]
    said = orgs.run("replay", "--undo", run[:8], "--to", "us1", "--yes")
    assert (said.code, said.sent) == (2, [])
    assert f"run {run[:12]} was one against eu1, not against us1" in said.err
    assert f"`ddsnap replay --undo {run[:12]} --to eu1`" in said.err


def test_undo_without_a_run_asks_for_it(orgs: Pair) -> None:
    said = orgs.run("replay", "--undo", "--to", "eu1")
    assert said.code == 2
    assert "--undo needs the RUN" in said.err


def test_an_undo_and_an_unmute_are_told_as_such(orgs: Pair) -> None:
    first = orgs.run_record()["run"]
    assert orgs.run("migration", "unmute", "--to", "eu1", "--yes").code == 0
    assert orgs.run("replay", "--undo", first, "--to", "eu1", "--yes").code in (0, 4)
    undo, unmute, replay = (line for line in runs(orgs) if re.search("undo|unmute|replay", line))
    assert f"  undo of {first[:12]}: " in undo
    assert "  unmute: " in unmute
    assert "  replay from us1: " in replay
    events = orgs.run("--json", "log", "eu1").events("run")
    assert [event["kind"] for event in events] == ["undo", "unmute", "replay"]
    assert events[0]["undoes"] == first
    (status,) = orgs.run("--json", "status", "eu1").events("status")
    assert status["replay"]["kind"] == "undo"
    assert "last undo" in orgs.run("status", "eu1").out
