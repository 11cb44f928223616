"""Undoing beside people: what somebody changed stays, whatever ddsnap did around that change."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from pairs import pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pairs import Pair


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        made.us1.monitor("one")
        made.us1.monitor("two", query="avg(last_5m):avg:two{*} > 1")
        yield made


def edit(orgs: Pair, name: str) -> None:
    """Change a monitor as somebody would."""
    own = {"message": "hours of work", "modified": "2098-01-01T00:00:00.000000+00:00"}
    orgs.eu1.one("monitors", name).update(own)


def edit_during(orgs: Pair, name: str, method: str, path: str) -> None:
    """Change a monitor while a request for something else is under way."""

    def meanwhile(sent: Any) -> Any:
        edit(orgs, name)
        return sent

    orgs.sandbox.faults.add(Fault(path=path, method=method, org="eu1", mangle=meanwhile))


def wait_until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)


def undo_leaves(orgs: Pair, run: str, name: str) -> None:
    """Take a run back: all of it goes but for one monitor, which somebody has changed."""
    orgs.sandbox.faults.clear()
    said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes")
    assert said.code == 4, said
    assert "changed it since" in orgs.outcomes()[name]["error"]
    left = [(one["name"], one["message"]) for one in orgs.eu1.all("monitors").values()]
    assert left == [(name, "hours of work")]
    assert orgs.run("verify").code == 0


def test_what_the_undo_of_a_later_replay_gave_back_to_somebody_stays_theirs(orgs: Pair) -> None:
    orgs.replay()
    first = orgs.run_record()["run"]
    edit(orgs, "two")
    assert len(orgs.replay().sent) == 1  # it writes over what they did
    later = orgs.run_record()["run"]
    assert orgs.run("replay", "--undo", later, "--to", "eu1", "--yes").code == 0
    undo_leaves(orgs, first, "two")


def test_what_somebody_changed_while_others_were_unmuted_stays(orgs: Pair) -> None:
    orgs.replay(live=False)
    run = orgs.run_record()["run"]
    one, two = (orgs.eu1.one("monitors", name)["id"] for name in ("one", "two"))
    edit_during(orgs, "two", "PUT", f"/monitor/{one}$")
    orgs.sandbox.faults.add(Fault(path=f"/monitor/{two}$", method="PUT", status=403))
    assert orgs.run("migration", "unmute", "--yes").code == 4
    undo_leaves(orgs, run, "two")


def test_what_somebody_changed_while_a_run_was_resumed_stays(orgs: Pair) -> None:
    orgs.capture()
    path = "/api/v1/monitor$"
    orgs.sandbox.faults.add(Fault(org="eu1", method="POST", path=path, nth=2, status=401))
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").code == 1
    orgs.sandbox.faults.clear()
    (made,) = orgs.eu1.all("monitors").values()
    edit_during(orgs, made["name"], "POST", path)
    said = orgs.run("replay", "--resume", "--to", "eu1", "--yes")
    assert (said.code, said.sent) == (0, ["POST /api/v1/monitor"]), said
    undo_leaves(orgs, orgs.run_record()["run"], made["name"])


@pytest.mark.parametrize("edited", [False, True])
def test_an_unmuting_that_was_killed_and_resumed_is_nobodys_change(
    orgs: Pair, *, edited: bool
) -> None:
    orgs.replay(live=False)
    run = orgs.run_record()["run"]
    command = [sys.executable, "-m", "ddsnap", "-C", str(orgs.path), "migration", "unmute", "--yes"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:

        def killed(sent: Any) -> Any:
            process.kill()
            return sent

        path = "/api/v1/monitor/[0-9]+$"
        orgs.sandbox.faults.add(Fault(path=path, method="PUT", org="eu1", nth=2, mangle=killed))
    wait_until(lambda: all(not one["tags"] for one in orgs.eu1.all("monitors").values()))
    orgs.sandbox.faults.clear()
    if edited:
        edit(orgs, "two")
    assert orgs.run("replay", "--resume", "--to", "eu1", "--yes").code == 0
    if edited:
        undo_leaves(orgs, run, "two")
    else:
        said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes")
        assert (said.code, orgs.eu1.all("monitors")) == (0, {}), said


@pytest.mark.parametrize("undone", [False, True])
def test_what_somebody_made_again_under_the_name_of_what_was_deleted_stays(
    orgs: Pair, *, undone: bool
) -> None:
    role = orgs.us1.role("ops", "logs_read_data")
    orgs.us1.user("ann@e.example", *([role] if undone else []))
    orgs.replay()
    if undone:  # it goes with all the rest that the replay made
        assert orgs.run("replay", "--undo", orgs.run_record()["run"], "--yes").code == 0
    else:
        orgs.us1.delete(f"/api/v2/roles/{role}")
        orgs.replay("--delete")
    run = orgs.run_record()["run"]
    theirs = orgs.eu1.role("ops", "logs_write_archives")
    before = json.dumps(orgs.eu1.all("roles")[theirs]["relationships"]["permissions"])
    said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes")
    assert (said.code, said.on("/api/v2/roles", "PATCH")) == (4, []), said
    assert "somebody has made one of its name since" in orgs.outcomes()["ops"]["error"]
    assert json.dumps(orgs.eu1.all("roles")[theirs]["relationships"]["permissions"]) == before
    assert orgs.run("verify").code == 0


def test_what_somebody_made_of_the_same_title_is_told_without_options_that_an_undo_lacks(
    orgs: Pair,
) -> None:
    orgs.replay()
    one = next(id_ for id_, body in orgs.us1.all("monitors").items() if body["name"] == "one")
    orgs.us1.delete(f"/api/v1/monitor/{one}")
    orgs.replay("--delete")
    run = orgs.run_record()["run"]
    theirs = orgs.eu1.monitor("one", message="theirs")
    said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes")
    assert (said.code, said.sent) == (4, []), said
    assert "--create-similar" not in said.out + said.err
    assert "somebody has made one of its name since" in said.out
    assert orgs.eu1.all("monitors")[theirs]["message"] == "theirs"


def test_a_later_replay_that_wrote_over_it_is_named_to_be_taken_back_first(orgs: Pair) -> None:
    orgs.replay()
    first = orgs.run_record()["run"]
    one = next(id_ for id_, body in orgs.us1.all("monitors").items() if body["name"] == "one")
    orgs.us1.put(f"/api/v1/monitor/{one}", {"message": "changed at the source"})
    orgs.replay()
    later = orgs.run_record()["run"]
    said = orgs.run("replay", "--undo", first, "--to", "eu1", "--rehearse", "--yes")
    told = f"run {later[:12]} has written to 1 of these since: --undo {later[:12]} before this"
    assert told in said.err
    for run in (later, first):
        said = orgs.run("replay", "--undo", run, "--to", "eu1", "--yes")
        assert (said.code, "before this" in said.err) == (0, False), said
    assert orgs.eu1.all("monitors") == {}
