"""Restores that failed and are repeated: the org's name means what it meant the first time."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from pairs import Pair, pair
from runners import make_hub

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("cpu", "disk", "load")
RESTORE = ("restore", "us1", "monitors", "--yes", "--retries", "0")


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Pair]:
    """A ``us1`` whose three monitors were captured and then lost."""
    with pair(tmp_path) as made:
        ids = [made.us1.monitor(name) for name in NAMES]
        made.capture()
        for id_ in ids:
            made.us1.delete(f"/api/v1/monitor/{id_}?force=true")
        yield made


def held(orgs: Pair) -> list[str]:
    return sorted(body["name"] for body in orgs.us1.all("monitors").values())


def refuse(orgs: Pair, **more: object) -> None:
    fault = Fault(org="us1", method="POST", path="/api/v1/monitor", status=400, **more)
    orgs.sandbox.faults.add(fault)


def again(said: str) -> list[str]:
    """The command that is told to do the same again, without the program's name."""
    (command,) = re.findall(r"again: ddsnap (.*)", said)
    return command.split()


def test_the_same_command_goes_on_after_a_failure(lost: Pair) -> None:
    first = lost.git("rev-parse", "snapshots/us1").strip()
    refuse(lost, nth=2)
    said = lost.run(*RESTORE)
    assert said.code == 4, said
    assert again(said.out)[:3] == ["restore", first[:12], "monitors"]
    lost.sandbox.faults.clear()
    lost.capture()
    said = lost.run(*RESTORE)
    assert said.code == 0, said
    assert f"us1 means {first[:12]}" in said.err
    assert held(lost) == [*NAMES]
    said = lost.run(*RESTORE)
    assert (said.code, said.sent, "means" in said.err) == (0, [], False)


def test_what_is_told_to_do_it_again_does(lost: Pair) -> None:
    refuse(lost)
    said = lost.run(*RESTORE)
    lost.sandbox.faults.clear()
    assert lost.run(*again(said.out), "--yes").code == 0
    assert held(lost) == [*NAMES]


def test_a_replay_and_a_plan_into_the_same_org_go_on_too(lost: Pair) -> None:
    first = lost.git("rev-parse", "snapshots/us1").strip()
    refuse(lost)
    said = lost.run("replay", "us1", "--to", "us1", "--yes", "--retries", "0")
    assert said.code == 4
    assert again(said.out) == ["replay", first[:12], "--to", "us1"]
    lost.sandbox.faults.clear()
    planned = lost.run("plan", "us1", "--to", "us1")
    assert "3 to create" in planned.out
    assert f"us1 means {first[:12]}" in planned.err
    assert lost.run("replay", "us1", "--to", "us1", "--yes").code == 0
    assert held(lost) == [*NAMES]


def test_another_selection_takes_the_last_snapshot(lost: Pair) -> None:
    refuse(lost)
    assert lost.run(*RESTORE).code == 4
    board = lost.us1.dashboard("Board")
    lost.capture()
    lost.us1.all("dashboards")[board]["title"] = "Renamed since"
    lost.us1.all("dashboards")[board]["modified_at"] = "2030-01-01T00:00:00.000000+00:00"
    lost.capture()
    said = lost.run("restore", "us1", "dashboards", "--yes")
    assert (said.code, said.sent) == (0, [])


def test_several_of_which_one_came_back_are_named_as_before(tmp_path: Path) -> None:
    with pair(tmp_path) as orgs:
        ids = [orgs.us1.monitor(name) for name in NAMES]
        orgs.capture()
        for id_ in ids:
            orgs.us1.delete(f"/api/v1/monitor/{id_}?force=true")
        refuse(orgs, nth=1)
        words = ("restore", "us1", *(f"monitors/{id_}" for id_ in ids), "--yes", "--retries", "0")
        assert orgs.run(*words).code == 4
        assert len(held(orgs)) == 2
        orgs.sandbox.faults.clear()
        said = orgs.run(*words)
        assert said.code == 0, said
        assert held(orgs) == [*NAMES]


def test_ctrl_c_is_gone_on_with_by_the_same_command(lost: Pair) -> None:
    slow = lost.sandbox.faults.add(Fault(org="us1", writes=True, latency=0.4))
    command = [sys.executable, "-m", "ddsnap", "-C", str(lost.path), *RESTORE, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as it:
        while not lost.sandbox.faults.struck(slow) and it.poll() is None:
            time.sleep(0.01)
        it.send_signal(signal.SIGINT)
        it.communicate(timeout=60)
    lost.sandbox.faults.clear()
    assert it.returncode == 130
    assert lost.run(*RESTORE).code == 0
    assert held(lost) == [*NAMES]


def test_a_run_that_could_not_begin_tells_how_to_ask_again(lost: Pair, tmp_path: Path) -> None:
    first = lost.git("rev-parse", "snapshots/us1").strip()
    hub = make_hub(tmp_path / "hub")
    lost.git("remote", "add", "origin", hub.as_uri())
    hook = hub / "hooks" / "update"
    hook.write_text('#!/bin/sh\ntest "$1" != refs/heads/journal/us1\n')
    hook.chmod(0o755)
    said = lost.run(*RESTORE)
    assert said.code == 6, said
    assert again(said.err)[:2] == ["restore", first[:12]]
    hook.unlink()
    assert lost.run(*again(said.err), "--yes").code == 0
    assert held(lost) == [*NAMES]


def test_a_type_that_is_as_its_snapshot_has_it_says_what_earlier_ones_had(lost: Pair) -> None:
    lost.capture()
    said = lost.run("restore", "us1", "monitors", "--yes")
    assert (said.code, said.sent) == (2, [])
    assert "3 monitors were deleted in earlier snapshots: `ddsnap log us1 monitors`" in said.err
    lost.us1.monitor("another")
    lost.capture()
    said = lost.run("restore", "us1", "monitors", "--yes")
    assert (said.code, said.sent) == (0, [])
    told = r"this is the state of .* UTC; 3 monitors were deleted .*`ddsnap log us1 monitors`"
    assert re.search(told, said.err), said.err
    lost.us1.all("monitors").clear()
    lost.capture()
    assert lost.run("restore", "us1~3", "monitors", "--yes").code == 0
    said = lost.run("restore", "us1", "monitors", "--yes")
    assert "one of monitors was deleted" in said.err
