"""A replay that is killed at any step: whoever goes on with it doubles nothing, and records all.

``scripts/torture`` takes every step, and as many random moments as DDSNAP_TORTURE_KILLS says.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
from crash import run_killed_at_step
from cut_off import REPLAY, RESUME, TORTURE, Killer, World, argv_of, killed, world

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.torture

KILLS = int(os.environ.get("DDSNAP_TORTURE_KILLS", "4"))
SEED = int(os.environ.get("DDSNAP_TORTURE_SEED", "1"))


@pytest.fixture(scope="module")
def orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("world")) as made:
        yield made


# --- at each request


def die_at_request(orgs: World, killer: Killer) -> bool:
    path = orgs.fresh("requests")
    said = orgs.kill_at(path, killer)
    assert killed(said) or said.code == 0, said
    resumed = orgs.resume(path)
    assert resumed.code == 0, (killer, resumed)
    orgs.is_whole(path, killer)
    shutil.rmtree(path)
    return killed(said)


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_at_a_write_before_and_after_its_effect(orgs: World, when: str) -> None:
    rng = random.Random(SEED)
    every = range(1, orgs.writes + 1)
    chosen = every if TORTURE else sorted({1, 2, orgs.writes - 1, *rng.sample(every, 3)})
    died = [die_at_request(orgs, Killer(nth, when)) for nth in chosen]
    assert sum(died) >= len(died) - 1, "how often an order is written may differ by one"


def test_killed_at_any_other_request(orgs: World) -> None:
    every = range(1, orgs.requests + 1)
    chosen = every if TORTURE else random.Random(SEED).sample(every, 2)
    for nth in chosen:
        die_at_request(orgs, Killer(nth, writes=False))


# --- at each step on the file system


LOG = "replay-eu1.ndjson"


def die_at_step(orgs: World, root: Path, trace: Path, step: int, among: str = "") -> str:
    """Return at which step the run died; nothing where it got through."""
    orgs.fresh(root.name)
    crash = run_killed_at_step(argv_of(root, *REPLAY), step, root, trace, among=among)
    assert crash.killed or crash.code == 0, crash.stderr
    resumed = orgs.resume(root)
    assert resumed.code == 0, (among, step, crash.step, resumed)
    orgs.is_whole(root, (among, step, crash.step))
    shutil.rmtree(root)
    return crash.step if crash.killed else ""


def steps_of_a_run(orgs: World, root: Path, trace: Path) -> list[str]:
    """The steps of a run that is not killed, in order."""
    orgs.fresh(root.name)
    crash = run_killed_at_step(argv_of(root, *REPLAY), 0, root, trace)
    assert crash.code == 0, crash.stderr
    shutil.rmtree(root)
    return trace.read_text().splitlines()


def telling(steps: list[str]) -> list[tuple[str, int]]:
    """The steps around which most can go wrong: each by a text in its name, the nth with it.

    Not by their place among all steps: threads share the syncs of the log as it happens.
    """
    written = sum(step.startswith("os.write ") and step.endswith(LOG) for step in steps)
    moved = sum("refs/heads/" in step for step in steps)
    removals = [step for step in steps if step.startswith("os.remove ") and step.endswith(LOG)]
    assert written > 20  # each writes down what several threads had to say
    assert moved >= 18
    log = [(LOG, nth) for nth in (1, 2, 4, 5, 6, written // 2)]
    refs = [("refs/heads/", nth) for nth in (moved // 2, moved - 2, moved - 1, moved)]
    return [*log, *refs, (removals[-1], len(removals))]


def test_killed_at_telling_steps_on_the_file_system(orgs: World, tmp_path: Path) -> None:
    root, trace = orgs.folder / "steps", tmp_path / "trace"
    for among, nth in telling(steps_of_a_run(orgs, root, trace)):
        assert among in die_at_step(orgs, root, trace, nth, among)


def test_killed_at_any_step_on_the_file_system(orgs: World, tmp_path: Path) -> None:
    root, trace = orgs.folder / "steps", tmp_path / "trace"
    every = range(1, len(steps_of_a_run(orgs, root, trace)) + 1)
    chosen = every if TORTURE else random.Random(SEED).sample(every[: len(every) // 2], 2)
    died = [die_at_step(orgs, root, trace, step) for step in chosen]
    assert sum(map(bool, died)) > len(died) * 0.9


# --- at random moments


def test_killed_at_random_moments(orgs: World) -> None:
    rng, died, whole = random.Random(SEED), 0, 3.0
    while died < KILLS:
        path = orgs.fresh("moment")
        began = time.monotonic()
        process = orgs.start(path, *REPLAY)
        moment = rng.uniform(0.2, 1.0) * whole
        with suppress(subprocess.TimeoutExpired):
            process.wait(moment)
            whole = time.monotonic() - began  # the machine is faster than it was
            orgs.end(process)
            continue
        process.kill()
        died += killed(orgs.end(process))
        resumed = orgs.resume(path)
        assert resumed.code == 0, (moment, resumed)
        orgs.is_whole(path, moment)
        shutil.rmtree(path)


# --- more than once


@pytest.mark.parametrize("seed", range(24 if TORTURE else 2))
def test_killed_again_and_again_while_going_on(orgs: World, seed: int) -> None:
    rng = random.Random(SEED * 100 + seed)
    path = orgs.fresh("again")
    words = REPLAY
    for _ in range(3):
        write = rng.random() < 0.7
        nth = rng.randint(1, 12) if write else rng.randint(1, orgs.requests // 2)
        orgs.kill_at(path, Killer(nth, "after", writes=write), *words)
        words = orgs.next_words(path)
    resumed = orgs.resume(path)
    assert resumed.code == 0, resumed
    orgs.is_whole(path)


def test_killed_while_going_on_before_anything_is_written(orgs: World) -> None:
    path = orgs.fresh("early")
    dashboards = orgs.kill_at(path, Killer(10, "after"))
    assert killed(dashboards)
    for nth in (3, 15, 30):
        said = orgs.kill_at(path, Killer(nth, writes=False), *RESUME)
        assert killed(said), (nth, said)
    resumed = orgs.resume(path)
    assert resumed.code == 0, resumed
    orgs.is_whole(path)
    assert orgs.states(path)[:3].count("interrupted") == 1, "what was never begun is no run"
