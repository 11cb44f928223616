from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from ddsnap.errors import ExitCode, LockHeld
from ddsnap.store.locks import org_lock, sole_lock
from ddsnap.store.repository import Repository

HOLD = """
import sys, time
from pathlib import Path
from ddsnap.store.locks import org_lock
from ddsnap.store.repository import Repository
with Repository.open(Path(sys.argv[1])) as repo, org_lock(repo, "us1", "capture us1"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(repo):
    process = subprocess.Popen([sys.executable, "-c", HOLD, repo.path], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_living_holder_is_named(repo, holder):
    with pytest.raises(LockHeld) as caught, org_lock(repo, "us1", "replay"):
        pass
    assert "another run works on us1: capture us1 by " in caught.value.message
    assert f"process {holder.pid}" in caught.value.message
    assert time.strftime("since %Y-", time.gmtime()) in caught.value.message
    assert caught.value.code == ExitCode.REFUSED


def test_another_org_is_not_locked(repo, holder):
    with org_lock(repo, "eu1", "capture"):
        assert b"capture" in (repo.git_dir / "ddsnap/locks/eu1.lock").read_bytes()


def test_a_killed_holder_holds_nothing(repo, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    path = repo.git_dir / "ddsnap/locks/us1.lock"
    assert b"capture us1" in path.read_bytes()  # stale, and not believed
    with org_lock(repo, "us1", "replay us1"):
        assert b"replay us1" in path.read_bytes()
        assert str(os.getpid()).encode() in path.read_bytes()
    assert path.read_bytes() == b""


def test_one_process_cannot_hold_it_twice(repo):
    with org_lock(repo, "us1", "one"):
        with (
            Repository.open(repo.path) as again,
            pytest.raises(LockHeld, match="one by"),
            org_lock(again, "us1", "two"),
        ):
            pass
        assert b"one" in (repo.git_dir / "ddsnap/locks/us1.lock").read_bytes()
    with org_lock(repo, "us1", "three"):
        pass


def test_it_is_released_by_an_error(repo):
    with pytest.raises(ZeroDivisionError), org_lock(repo, "us1", "one"):
        raise ZeroDivisionError
    with org_lock(repo, "us1", "two"):
        pass


@pytest.mark.parametrize("content", [b"", b"rubbish", b"{}", b"[1]", b"\xff"])
def test_a_holder_that_has_not_said_who_it_is(repo, content):
    with org_lock(repo, "us1", "one"):
        (repo.git_dir / "ddsnap/locks/us1.lock").write_bytes(content)
        with pytest.raises(LockHeld, match="not said who"), org_lock(repo, "us1", "two"):
            pass


def test_linked_work_trees_share_the_lock(repo, git, tmp_path):
    git(repo.path, "worktree", "add", "-q", "--detach", str(tmp_path / "linked"))
    with (
        org_lock(repo, "us1", "one"),
        Repository.open(tmp_path / "linked") as linked,
        pytest.raises(LockHeld),
        org_lock(linked, "us1", "two"),
    ):
        pass


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_process_forked_meanwhile_holds_no_lock(repo):
    """As git is, for a moment, where another thread starts it."""
    with org_lock(repo, "us1", "capture"):
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        with sole_lock(repo) as alone:
            assert alone
        with org_lock(repo, "us1", "capture"):
            pass
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
