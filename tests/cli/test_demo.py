"""The demo: it tells its story to the end, whatever the size of its org, and leaves no trace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from orgs import git

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("size", ["20", "60"])
def test_the_story_has_an_end(tmp_path: Path, size: str) -> None:
    home, folder = tmp_path / "home", tmp_path / "story"
    home.mkdir()
    told = subprocess.run(
        [sys.executable, "-m", "ddsnap", "demo", str(folder), "--size", size],
        env={**os.environ, "HOME": str(home), "XDG_STATE_HOME": str(home / "state")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stderr
    assert "error" not in told.stderr
    commands = [line.split()[2] for line in told.stdout.splitlines() if line[:8] == "$ ddsnap"]
    assert commands[-7:] == ["plan", "replay", "replay", "diff", "replay", "restore", "verify"]
    assert "-> journal/eu1" in told.stdout
    assert re.search(r"us1: [12] created -> journal/us1", told.stdout), "it comes with its policy"
    assert list(home.iterdir()) == []
    assert git(folder, "ls-files", "--others") == ""
    assert git(folder, "fsck", "--strict", "--full", "--no-dangling") == ""
