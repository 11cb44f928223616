"""A capture that is killed: never a broken repository, never a blocked next run.

``scripts/torture`` takes every step, and as many random moments as DDSNAP_TORTURE_KILLS says.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from crash import run_killed_at_step
from orgs import git

from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.sandbox import SandboxOrg

KILLS = int(os.environ.get("DDSNAP_TORTURE_KILLS", "8"))
pytestmark = pytest.mark.torture

SEED = int(os.environ.get("DDSNAP_TORTURE_SEED", "1"))


@pytest.fixture(scope="module")
def us1() -> Iterator[SandboxOrg]:
    with Sandbox() as sandbox:
        org = sandbox.add_org("us1", seed=3, size=60)
        org.url = sandbox.url  # type: ignore[attr-defined]
        yield org


@pytest.fixture
def captured(us1: SandboxOrg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one snapshot of an org that was edited since."""
    monkeypatch.setenv("DDSNAP_US1_API_KEY", us1.api_key)
    monkeypatch.setenv("DDSNAP_US1_APP_KEY", us1.app_key)
    folder = tmp_path / "captured"
    assert run("init", str(folder), "--org", "us1", "--site", us1.url) == 0  # type: ignore[attr-defined]
    assert run("-C", str(folder), "capture", "us1") == 0
    us1.edit(random.Random(SEED), 12)
    return folder


def run(*words: str) -> int:
    return subprocess.run(
        [sys.executable, "-m", "ddsnap", *words], capture_output=True, check=False
    ).returncode


def tip(folder: Path) -> str:
    return git(folder, "rev-parse", "snapshots/us1").strip()


def check(folder: Path, old: str) -> None:
    """The repository is sound, the branch at the old or the new commit, the next run succeeds."""
    assert git(folder, "fsck", "--strict", "--full", "--no-dangling") == ""
    now = tip(folder)
    if now != old:
        assert git(folder, "rev-parse", "snapshots/us1~1").strip() == old
    assert run("-C", str(folder), "capture", "us1") == 0
    assert git(folder, "rev-parse", "snapshots/us1~1").strip() == old
    assert git(folder, "fsck", "--strict", "--full", "--no-dangling") == ""
    left = [path.name for path in folder.rglob("tmp_*")] + [
        path.name for path in (folder / ".git" / "refs").rglob("*.lock")
    ]
    assert left == []


def chosen(steps: list[str]) -> list[int]:
    """Every step of a run; where there is no time for that, those that move refs, and some."""
    every = range(1, len(steps) + 1)
    if os.environ.get("DDSNAP_TORTURE"):
        return [*every]
    moving = [nth for nth in every if "refs/heads/" in steps[nth - 1]]
    return sorted({*moving, *random.Random(SEED).sample(every, 8)})


def test_killed_at_each_step_on_the_file_system(captured: Path, tmp_path: Path) -> None:
    old, root, trace = tip(captured), tmp_path / "root", tmp_path / "trace"
    argv = ["-m", "ddsnap", "-C", str(root), "capture", "us1"]

    def die_at(step: int) -> bool:
        shutil.copytree(captured, root, symlinks=True)
        crash = run_killed_at_step(argv, step, root, trace)
        assert crash.killed or crash.code == 0, crash.stderr
        check(root, old)
        shutil.rmtree(root)
        return crash.killed

    shutil.copytree(captured, root, symlinks=True)
    assert run_killed_at_step(argv, 0, root, trace).code == 0
    shutil.rmtree(root)
    steps = trace.read_text().splitlines()
    assert len(steps) > 20, "a capture that writes takes more steps than that"
    assert all(die_at(step) for step in chosen(steps))
    assert not die_at(len(steps) + 1)


def test_killed_at_random_moments(captured: Path, tmp_path: Path) -> None:
    old, rng, killed = tip(captured), random.Random(SEED), 0
    began = time.monotonic()
    shutil.copytree(captured, tmp_path / "timed", symlinks=True)
    assert run("-C", str(tmp_path / "timed"), "capture", "us1") == 0
    whole = time.monotonic() - began
    for number in range(KILLS):
        root = tmp_path / f"run-{number}"
        shutil.copytree(captured, root, symlinks=True)
        child = subprocess.Popen(
            [sys.executable, "-m", "ddsnap", "-C", str(root), "capture", "us1"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        began, patience = time.monotonic(), rng.uniform(0.2, 1.0) * whole
        try:
            child.wait(patience)
            whole = time.monotonic() - began  # the machine is faster by now
        except subprocess.TimeoutExpired:
            child.kill()
        killed += child.wait() == -signal.SIGKILL
        check(root, old)
        shutil.rmtree(root)
    assert killed > KILLS / 3, "most of the runs ended before they were killed"
