from __future__ import annotations

import shutil
import signal
import sys
from pathlib import Path

import pytest
from crash import run_killed_at_step, steps_until_done

from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import read_documents

CAPTURING = str(Path(__file__).with_name("capturing.py"))

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX")


def survive(repo, fsck, trace, tmp_path) -> list[str]:
    """Kill a capture at each of its steps; return the steps. ``repo`` is copied for each."""
    present = repo.branch("snapshots/us1")
    work = tmp_path / "work"

    def reset():
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(repo.path, work, symlinks=True)

    steps = []
    reset()
    for _, crash in steps_until_done([CAPTURING, str(work), "new"], work, trace):
        assert crash.killed or crash.code == 0, crash.stderr
        fsck(work)
        with Repository.open(work) as after:
            tip = after.branch("snapshots/us1")
            if tip != present:
                assert after.commit_info(tip).parents == ((present,) if present else ())
                assert all(data.startswith(b"new") for _, data in read_documents(after, tip))
        if not crash.killed:
            break
        steps.append(crash.step.replace(str(work), ""))
        again = run_killed_at_step([CAPTURING, str(work), "next"], 0, work, trace)
        assert again.code == 0, (crash.step, again.stderr)
        with Repository.open(work) as after:
            tip = after.branch("snapshots/us1")
            assert {data[:4] for _, data in read_documents(after, tip)} == {b"next"}
        leftovers = [p for p in work.rglob("*") if p.suffix == ".lock" and "ddsnap" not in p.parts]
        leftovers += [*work.rglob("tmp_*"), *work.rglob("ref_*")]
        assert leftovers == [], crash.step
        reset()
    return steps


def test_a_first_capture_killed_at_every_step(repo, fsck, tmp_path):
    steps = survive(repo, fsck, tmp_path / "trace", tmp_path)
    for kind in ("open", "os.fsync", "os.link", "os.rename", "os.chmod", "os.remove"):
        assert any(step.startswith(kind) for step in steps), (kind, steps)
    assert len(steps) > 15


def test_a_later_capture_that_detaches_a_work_tree_killed_at_every_step(
    repo, capture, git, fsck, tmp_path
):
    capture(repo, {"monitors/1.json": b"old\n"})
    git(repo.path, "checkout", "-q", "snapshots/us1")
    steps = survive(repo, fsck, tmp_path / "trace", tmp_path)
    assert any("HEAD.lock" in step for step in steps)


def test_init_killed_at_every_step(fsck, git, tmp_path):
    work = tmp_path / "work"
    for _, crash in steps_until_done([CAPTURING, "init", str(work)], work, tmp_path / "trace"):
        done = (work / ".git").exists()
        assert done or crash.killed, crash.stderr
        if not done:
            again = run_killed_at_step([CAPTURING, "init", str(work)], 0, work, tmp_path / "trace")
            assert again.code == 0, (crash.step, again.stderr)
        fsck(work)
        assert git(work, "status", "--porcelain", "--ignored").strip() in ("", "?? .ddsnap-init/")
        shutil.rmtree(work)
    assert not crash.killed


def test_the_harness_kills_where_it_says(repo, tmp_path):
    crash = run_killed_at_step([CAPTURING, str(repo.path), "x"], 3, repo.path, tmp_path / "trace")
    assert crash.killed
    assert crash.code == -signal.SIGKILL
    assert len((tmp_path / "trace").read_text().splitlines()) == 3
