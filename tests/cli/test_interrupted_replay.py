"""Replays that are stopped, or that lose their disk: they end in order, and can be gone on with."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from cut_off import REPLAY, RESUME, Killer, World, killed, world
from orgs import git
from pairs import pair

from ddsnap.errors import AuthError
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.sandbox.service import Incoming

NOT_CUT = "no replay into eu1 was cut off"


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


def after_writes(orgs: World, number: int, then) -> None:
    """Do something once so many writes have had their effect."""
    seen = [0]
    lock = threading.Lock()

    def watch(when: str, incoming: Incoming) -> bool:
        if when == "after" and incoming.method != "GET":
            with lock:
                seen[0] += 1
                if seen[0] == number:
                    then()
        return True

    orgs.sandbox.watch = watch


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_lets_what_is_under_way_end_and_records_it(orgs: World, number: int) -> None:
    path = orgs.fresh("signal")
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.05))
    process = orgs.start(path, *REPLAY)
    after_writes(orgs, 15, lambda: process.send_signal(number))
    said = orgs.end(process)
    assert said.code == 130, said
    assert orgs.states(path)[0] == "interrupted"
    assert "--resume" in said.out + said.err
    mapped = sum(len(ids) for ids in orgs.map_of(path).values())
    assert 15 < mapped < sum(map(len, orgs.wanted.values())), "what was made is in the map"
    assert not (path / ".git" / "ddsnap" / "replay-eu1.ndjson").exists()
    orgs.verifies(path)
    orgs.sandbox.faults.clear()
    resumed = orgs.run(path, *RESUME)
    assert resumed.code == 0, resumed
    assert " adopt" not in resumed.out.replace("0 adopted", ""), "nothing had to be found again"
    orgs.is_whole(path)
    again = orgs.run(path, *RESUME)
    assert again.code == 2
    assert NOT_CUT in again.err


def test_a_reader_who_leaves_does_not_end_what_was_approved(orgs: World) -> None:
    path = orgs.fresh("pipe")
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.4))
    process = orgs.start(path, "--json", *REPLAY)
    assert process.stdout is not None
    for line in process.stdout:
        if '"event": "progress"' in line:
            break
    process.stdout.close()
    process.stdout = None
    said = orgs.end(process)
    orgs.sandbox.faults.clear()
    assert (said.code, said.err) == (0, "")
    assert orgs.states(path)[0] == "done"
    orgs.is_whole(path)


def test_a_reader_who_leaves_before_the_first_write_stops_it(orgs: World) -> None:
    path = orgs.fresh("gone")
    writes = len(orgs.sandbox.writes)
    process = orgs.start(path, *REPLAY)
    assert process.stdout is not None
    process.stdout.close()
    process.stdout = None
    said = orgs.end(process)
    assert said.code == 1
    assert "nothing was written: the reader of the output has gone" in said.err
    assert len(said.err.splitlines()) == 2
    assert len(orgs.sandbox.writes) == writes
    assert orgs.run(path, *REPLAY).code == 0


def test_a_signal_that_is_to_be_ignored_is_ignored(orgs: World) -> None:
    path = orgs.fresh("nohup")
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.05))
    command = ["sh", "-c", """trap '' HUP; exec "$@" """, "sh", sys.executable, "-m", "ddsnap"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(
        [*command, "-C", str(path), *REPLAY], stdout=pipe, stderr=pipe, text=True
    )
    after_writes(orgs, 15, lambda: process.send_signal(signal.SIGHUP))
    assert orgs.end(process).code == 0
    orgs.sandbox.faults.clear()


def test_a_plain_replay_goes_on_as_well_once_it_was_recorded(orgs: World) -> None:
    path = orgs.fresh("plain")
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.05))
    process = orgs.start(path, *REPLAY)
    after_writes(orgs, 15, lambda: process.send_signal(signal.SIGINT))
    assert orgs.end(process).code == 130
    orgs.sandbox.faults.clear()
    said = orgs.run(path, *REPLAY)
    assert said.code == 0, said
    orgs.is_whole(path)


def test_whoever_looks_is_told_of_a_killed_replay(orgs: World) -> None:
    path = orgs.fresh("seen")
    assert killed(orgs.kill_at(path, Killer(9, "after")))
    plan = ("plan", "us1", "--to", "eu1", "--create-similar")
    looks = (("status", "eu1"), ("doctor", "eu1"), plan, ("log", "eu1", "--runs"))
    for words in (*looks, ("log", "eu1"), ("capture", "eu1")):
        said = orgs.run(path, *words)
        told = said.out + said.err
        assert "an earlier replay into eu1 was cut off (run " in told, words
        assert "`ddsnap replay --resume --to eu1` goes on" in told, words
    assert '"cut_off": "an earlier replay' in orgs.run(path, "--json", "status", "eu1").out
    assert orgs.run(path, *RESUME).code == 0
    for words in looks:
        assert "was cut off" not in str(orgs.run(path, *words)), words


def test_a_killed_replay_asks_for_resume_and_tells_what_is_known(orgs: World) -> None:
    path = orgs.fresh("asks")
    assert killed(orgs.kill_at(path, Killer(25, "after")))
    writes = len(orgs.sandbox.writes)
    said = orgs.run(path, *REPLAY)
    assert said.code == 6
    assert "an earlier replay into eu1 was cut off" in said.err
    assert "`ddsnap replay --resume --to eu1`" in said.err
    assert len(orgs.sandbox.writes) == writes
    assert orgs.run(path, *RESUME).code == 0
    assert orgs.states(path)[:2] == ["done", "interrupted"]
    told = git(path, "show", "journal/eu1~1:outcomes.ndjson")
    assert told.count('"status":"done"') >= 15
    subject = git(path, "log", "-1", "--format=%s", "journal/eu1~1")
    assert subject.startswith("run replay us1 -> eu1: interrupted, ")
    orgs.is_whole(path)
    for words in (("status", "eu1"), ("log", "eu1"), ("log", "--runs", "eu1"), ("verify", "eu1")):
        assert orgs.run(path, *words).code == 0


DIES = """
import os, signal, sys
from ddsnap.flows import replay
from ddsnap.cli.main import main
replay.forget = lambda _: os.kill(os.getpid(), signal.SIGKILL)
main(sys.argv[1:])
"""


def test_killed_between_the_commit_and_forgetting_the_log(orgs: World) -> None:
    path = orgs.fresh("forget")
    command = [sys.executable, "-c", DIES, "-C", str(path), *REPLAY]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert ran.returncode == -signal.SIGKILL
    assert orgs.states(path)[0] == "done"
    assert (path / ".git" / "ddsnap" / "replay-eu1.ndjson").exists()
    writes = len(orgs.sandbox.writes)
    resumed = orgs.run(path, *RESUME)
    assert resumed.code == 0, resumed
    assert len(orgs.sandbox.writes) == writes
    assert orgs.states(path)[1] == "done", "it had ended: nobody calls it interrupted"
    orgs.is_whole(path)


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="needs POSIX limits")
def test_a_disk_that_is_full_ends_the_run_and_nothing_is_doubled(orgs: World) -> None:
    import resource

    path = orgs.fresh("full")
    command = [sys.executable, "-m", "ddsnap", "-C", str(path), *REPLAY]

    def little_room() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (24_000, resource.RLIM_INFINITY))

    ran = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=little_room, check=False, timeout=60
    )
    assert ran.returncode == 1, ran
    assert "Traceback" not in ran.stderr
    assert "--resume" in ran.stderr + ran.stdout
    assert len(ran.stderr.splitlines()) <= 3, ran.stderr
    resumed = orgs.run(path, *RESUME)
    assert resumed.code == 0, resumed
    orgs.is_whole(path)


def test_a_bug_is_told_although_the_run_was_about_to_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody expected of a thread is no silence, and the run is gone on with."""

    def broken(ground: Any, work: Any) -> Any:
        if work.action.address.type == "dashboards":
            raise AuthError("the keys are refused")
        time.sleep(0.3)
        raise RuntimeError("nobody expected this")

    with pair(tmp_path) as orgs:
        orgs.us1.monitor("load")
        orgs.us1.dashboard("Board")
        orgs.capture()
        with monkeypatch.context() as patched:
            patched.setattr("ddsnap.flows.carry_out.act", broken)
            said = orgs.run("replay", "us1", "--to", "eu1", "--live", "--yes")
        assert said.code == 3, said
        assert "this is a bug" in said.err
        assert orgs.run("replay", "--resume", "--to", "eu1", "--yes").code == 0
        assert len(orgs.eu1.all("monitors")) == len(orgs.eu1.all("dashboards")) == 1
