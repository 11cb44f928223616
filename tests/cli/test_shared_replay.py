"""One remote, many clones: a replay that died with its machine, and two that want to write."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from cut_off import REPLAY, RESUME, Killer, Said, World, killed, world
from interlinked import Writer, board, note
from orgs import git
from runners import make_hub

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.sandbox.service import Incoming

BUSY = """
import sys
from datetime import timedelta
from ddsnap.flows import lease
from ddsnap.cli.main import main
lease.LEASE = timedelta(seconds={lease})
lease.PUBLISH_EVERY = timedelta(seconds={every})
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture
def hub(orgs: World, tmp_path: Path) -> Path:
    """A bare remote with the source's snapshot and no replay."""
    made = make_hub(tmp_path / "hub")
    path = orgs.fresh("seed")
    git(path, "push", "--quiet", made.as_uri(), "--all")
    git(made, "symbolic-ref", "HEAD", git(path, "symbolic-ref", "HEAD").strip())
    shutil.rmtree(path)
    return made


def clone(orgs: World, hub: Path, name: str) -> Path:
    path = orgs.folder / name
    shutil.rmtree(path, ignore_errors=True)
    git(orgs.folder, "clone", "--quiet", hub.as_uri(), name)
    shutil.copy(orgs.pristine / "ddsnap.yaml", path / "ddsnap.yaml")
    git(path, "branch", "--quiet", "snapshots/us1", "origin/snapshots/us1")
    return path


def start(path: Path, *words: str, lease: float = 900, every: float = 30) -> subprocess.Popen[str]:
    """Start a command in a process of its own, with its own idea of how long it may be silent."""
    script = BUSY.format(lease=lease, every=every)
    command = [sys.executable, "-c", script, "-C", str(path), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def states(hub: Path) -> list[str]:
    told = "%(trailers:key=Ddsnap-State,valueonly)"
    return git(hub, "log", "--first-parent", f"--format={told}", "journal/eu1").split()


def die(orgs: World, path: Path, nth: int, words: tuple[str, ...] = REPLAY, **pace: float) -> None:
    """Kill a replay after so many writes, and delete all that it had."""
    killer = Killer(nth, "after")
    killer.process = process = start(path, *words, **pace)
    orgs.sandbox.watch = killer
    assert killed(orgs.end(process))
    orgs.sandbox.watch = lambda _when, _what: True
    time.sleep(pace.get("lease", 0))  # by then no git of its own is at work any more
    shutil.rmtree(path)


def wait_for(what) -> None:
    until = time.monotonic() + 30
    while not what():
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("nth", [1, 25])
def test_a_replay_that_died_with_its_folder_is_resumed_from_a_fresh_clone(
    orgs: World, hub: Path, nth: int
) -> None:
    die(orgs, clone(orgs, hub, "first"), nth, lease=4)
    assert states(hub)[0] == "started"
    path = clone(orgs, hub, "second")
    resumed = orgs.run(path, *RESUME)
    assert resumed.code == 0, resumed
    assert states(hub)[:3] == ["done", "started", "interrupted"]
    orgs.is_whole(path, nth)
    third = clone(orgs, hub, "third")
    writes = len(orgs.sandbox.writes)
    again = orgs.run(third, *REPLAY)
    assert again.code == 0, again
    assert len(orgs.sandbox.writes) == writes


def test_what_was_published_of_a_dead_replay_is_told_by_the_journal(orgs: World, hub: Path) -> None:
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.15))
    die(orgs, clone(orgs, hub, "first"), 30, lease=4, every=0.1)
    orgs.sandbox.faults.clear()
    assert "progress" in states(hub)
    path = clone(orgs, hub, "second")
    assert orgs.run(path, *RESUME).code == 0
    told = git(hub, "show", "journal/eu1~2:outcomes.ndjson")
    assert told.count('"status":"done"') > 5
    orgs.is_whole(path)


def test_what_others_made_is_not_the_work_of_a_dead_replay(orgs: World, hub: Path) -> None:
    die(orgs, clone(orgs, hub, "first"), 1, lease=4)
    write = Writer(orgs.sandbox, orgs.eu1)
    later = (datetime.now(timezone.utc) + timedelta(days=1)).isoformat()
    theirs = {}
    for made in ({"created_at": later}, {"author_handle": "other@eu1.example"}):
        id_ = write("POST", "/api/v1/dashboard", board("Linked", note("by hand")))["id"]
        orgs.eu1.resources("dashboards")[id_].update(made)
        theirs[id_] = copy.deepcopy(orgs.eu1.resources("dashboards")[id_])
    path = clone(orgs, hub, "second")
    resumed = orgs.run(path, *RESUME)
    assert resumed.code == 0, resumed
    assert {id_: orgs.eu1.resources("dashboards")[id_] for id_ in theirs} == theirs
    mapped = orgs.map_of(path)["dashboards"].values()
    assert not {entry["id"] for entry in mapped} & set(theirs)


def test_what_a_dead_replay_was_not_about_is_not_its_work(orgs: World, hub: Path) -> None:
    about_roles = (*REPLAY[:2], "roles", *REPLAY[2:])
    die(orgs, clone(orgs, hub, "first"), 1, about_roles, lease=4)
    by_hand = board("Linked", note("by hand"))
    made = Writer(orgs.sandbox, orgs.eu1)("POST", "/api/v1/dashboard", by_hand)["id"]
    path = clone(orgs, hub, "second")
    for words in (RESUME, REPLAY):
        said = orgs.run(path, *words)
        assert said.code == 0, said
    assert made not in {entry["id"] for entry in orgs.map_of(path)["dashboards"].values()}
    (kept,) = orgs.eu1.resources("dashboards")[made]["widgets"]
    assert kept["definition"]["content"] == "by hand"


def test_a_dead_replay_is_let_alone_until_its_time_is_over(orgs: World, hub: Path) -> None:
    die(orgs, clone(orgs, hub, "first"), 12)
    path = clone(orgs, hub, "second")
    writes = len(orgs.sandbox.writes)
    for words in (RESUME, REPLAY):
        said = orgs.run(path, *words)
        assert said.code == 6, said
        assert "replays into eu1 since" in said.err
        assert "--resume takes it over after" in said.err
        assert len(said.err.splitlines()) <= 3
    assert len(orgs.sandbox.writes) == writes


def test_of_two_clones_that_replay_at_once_one_ends_with_6(orgs: World, hub: Path) -> None:
    first, second = clone(orgs, hub, "first"), clone(orgs, hub, "second")
    slow = orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.2))
    process = start(first, *REPLAY)
    wait_for(lambda: git(hub, "for-each-ref", "refs/heads/journal/eu1"))
    said = orgs.run(second, *REPLAY)
    assert process.poll() is None, "the first one still writes"
    orgs.sandbox.faults.remove(slow)
    assert said.code == 6, said
    record = json.loads(git(hub, "show", "journal/eu1:run.json"))
    by = record["by"]
    assert f"{by['user']} on {by['host']} replays into eu1" in said.err
    done = orgs.end(process)
    assert done.code == 0, done
    orgs.is_whole(first)
    after = orgs.run(second, *REPLAY)
    assert after.code == 0, after
    orgs.is_whole(second)


def test_two_that_start_at_the_same_moment(orgs: World, hub: Path) -> None:
    paths = [clone(orgs, hub, name) for name in ("first", "second")]
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.1))
    ended = [orgs.end(process) for process in [start(path, *REPLAY) for path in paths]]
    orgs.sandbox.faults.clear()
    assert sorted(one.code for one in ended) == [0, 6], ended
    orgs.is_whole(paths[[one.code for one in ended].index(0)])


def test_captures_of_another_clone_come_in_between(orgs: World, hub: Path) -> None:
    first, second = clone(orgs, hub, "first"), clone(orgs, hub, "second")
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.15))
    process = start(first, *REPLAY, every=0.1)
    wait_for(lambda: git(hub, "for-each-ref", "refs/heads/journal/eu1"))
    captured = 0
    while process.poll() is None and captured < 4:
        said = orgs.run(second, "capture", "eu1", "--push")
        assert said.code in (0, 4), said
        captured += said.code == 0
    done = orgs.end(process)
    orgs.sandbox.faults.clear()
    assert done.code == 0, done
    assert captured
    assert "progress" in states(hub)
    git(
        hub,
        "merge-base",
        "--is-ancestor",
        git(first, "rev-parse", "journal/eu1").strip(),
        "journal/eu1",
    )
    orgs.is_whole(first)


def test_a_remote_that_goes_away_does_not_lose_the_replay(orgs: World, hub: Path) -> None:
    first = clone(orgs, hub, "first")
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.15))
    process = start(first, *REPLAY, every=0.1)
    wait_for(lambda: git(hub, "for-each-ref", "refs/heads/journal/eu1"))
    away = hub.rename(hub.with_name("away"))
    done = orgs.end(process)
    orgs.sandbox.faults.clear()
    assert done.code == 4, done
    assert "nothing was pushed to origin" in done.err
    assert orgs.states(first)[0] == "done"
    away.rename(hub)
    orgs.is_whole(first)
    assert git(first, "rev-parse", "journal/eu1") == git(hub, "rev-parse", "journal/eu1")


def test_without_leave_to_push_nothing_is_written(orgs: World, hub: Path) -> None:
    first = clone(orgs, hub, "first")
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\ncat >/dev/null\necho no leave >&2\nexit 1\n")
    hook.chmod(0o755)
    writes = len(orgs.sandbox.writes)
    said = orgs.run(first, *REPLAY)
    assert said.code in (4, 6), said
    assert len(orgs.sandbox.writes) == writes
    hook.unlink()
    again = orgs.run(first, *REPLAY)
    assert again.code == 0, again
    orgs.is_whole(first)


def test_a_replay_that_was_taken_over_stops(orgs: World, hub: Path) -> None:
    first, second = clone(orgs, hub, "first"), clone(orgs, hub, "second")
    orgs.sandbox.faults.add(Fault(org="eu1", writes=True, latency=0.5, times=60))
    process = start(first, *REPLAY, lease=4)
    wait_for(lambda: git(hub, "for-each-ref", "refs/heads/journal/eu1"))
    process.send_signal(19)  # the machine sleeps
    time.sleep(4)
    orgs.sandbox.faults.clear()
    taken = orgs.run(second, *RESUME)
    assert taken.code == 0, taken
    writes = len(orgs.sandbox.writes)
    process.send_signal(18)
    said = orgs.end(process)
    assert said.code == 6, said
    assert "taken" in said.err
    assert len(orgs.sandbox.writes) - writes <= 16, "what had been sent ended, and no more"
    assert states(hub)[0] == "done"


# --- two that do not write at the same moment


def while_it_reads(
    orgs: World,
    path: Path,
    other: Path,
    *words: str,
    what: str = "/api/v1/notebooks",
    then: tuple[str, ...] = REPLAY,
) -> tuple[Said, Said]:
    """Run a command; once it has begun to read the destination, let the other clone replay."""
    said: list[Said] = []
    once = threading.Lock()

    def watch(when: str, incoming: Incoming) -> bool:
        reads = when == "before" and incoming.path.startswith(what)
        if reads and once.acquire(blocking=False):
            said.append(orgs.end(orgs.start(other, *then)))
        return True

    process = orgs.start(path, *words)
    orgs.sandbox.watch = watch
    try:
        return orgs.end(process), said[0]
    finally:
        orgs.sandbox.watch = lambda _when, _what: True


def test_what_was_planned_before_another_clone_replayed_is_not_carried_out(
    orgs: World, hub: Path
) -> None:
    first, second = clone(orgs, hub, "first"), clone(orgs, hub, "second")
    late, other = while_it_reads(orgs, first, second, *REPLAY)
    assert other.code == 0, other
    assert late.code == 6, late
    assert "has replayed into eu1 since this run looked at it" in late.err
    orgs.is_whole(second)
    assert orgs.run(first, *REPLAY).code == 0
    orgs.is_whole(first)


def test_what_writes_nothing_leaves_the_map_of_another_clone_as_it_is(
    orgs: World, hub: Path
) -> None:
    first, second = clone(orgs, hub, "first"), clone(orgs, hub, "second")
    assert orgs.run(first, *REPLAY).code == 0
    old = git(first, "rev-parse", "snapshots/us1").strip()
    us1 = Writer(orgs.sandbox, orgs.sandbox.orgs["us1"])
    new = us1("POST", "/api/v1/dashboard", board("Brand new", note("x")))["id"]
    try:
        assert orgs.run(second, "capture", "us1", "--push").code == 0
        late, other = while_it_reads(orgs, first, second, "replay", old, *REPLAY[2:])
        assert other.code == 0, other
        assert late.code == 6, late
        assert new in orgs.map_of(second)["dashboards"]
        git(first, "fetch", "--quiet", "origin")
        told = git(first, "show", "origin/journal/eu1:map/us1/dashboards.json")
        assert new in json.loads(told)["ids"]
    finally:
        us1("DELETE", f"/api/v1/dashboard/{new}", None)


def test_what_another_clone_has_taken_over_first_is_not_recorded_again(
    orgs: World, hub: Path
) -> None:
    """Its record holds the map as the dead run has left it, without what was made since."""
    die(orgs, clone(orgs, hub, "dead"), 12, lease=4)
    first, second = clone(orgs, hub, "first"), clone(orgs, hub, "second")
    late, other = while_it_reads(orgs, first, second, *RESUME, what="/api/v2/hamr", then=RESUME)
    assert other.code == 0, other
    assert late.code in (0, 6), late
    assert states(hub).count("interrupted") == 1
    orgs.is_whole(first)
    orgs.is_whole(second)
