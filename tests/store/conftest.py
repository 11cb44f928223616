from __future__ import annotations

import os
import shutil
import subprocess
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from pathlib import Path

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


@pytest.fixture(autouse=True)
def plain_git(monkeypatch, tmp_path_factory):
    """Git and ddsnap see no configuration but the test's own."""
    home = tmp_path_factory.mktemp("home")
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "xdg"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Ada")
    monkeypatch.setenv("GIT_AUTHOR_EMAIL", "ada@example.com")
    monkeypatch.setenv("GIT_COMMITTER_NAME", "Ada")
    monkeypatch.setenv("GIT_COMMITTER_EMAIL", "ada@example.com")


@pytest.fixture
def git():
    """Run the system's git in a folder and return what it prints."""
    if shutil.which("git") is None:
        pytest.skip("no git on this machine")

    def run(folder: Path, *arguments: str) -> str:
        ran = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            text=True,
            errors="surrogateescape",
            check=False,
        )
        assert ran.returncode == 0, (arguments, ran.stdout, ran.stderr)
        return ran.stdout

    return run


@pytest.fixture
def fsck(git):
    """Assert that git finds nothing at all to say against a repository."""

    def check(folder: Path) -> None:
        said = git(folder, "fsck", "--full", "--strict", "--no-dangling", "--no-progress")
        assert said == ""

    return check


@pytest.fixture
def repo(tmp_path):
    with Repository.init(tmp_path / "repo", {"ddsnap.yaml": b"version: 1\n"}, "Start") as repo:
        yield repo


@pytest.fixture
def capture():
    """Commit a whole set of files to a branch."""

    def write(
        repo: Repository,
        files: dict[str, bytes],
        branch: str = "snapshots/us1",
        message: str = "capture us1",
        **options: object,
    ) -> str | None:
        with SnapshotWriter(repo, branch) as writer:
            for path, data in files.items():
                writer.put(path, data)
            return writer.commit(message, **{"time": NOON, **options})

    return write
