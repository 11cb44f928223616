"""A backup of sandbox orgs, worked on through the command line as people and schedulers do."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from ddsnap.cli.main import main
from ddsnap.config import variable
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ddsnap.sandbox import SandboxOrg

CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Done:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict]:
        """The lines of standard output, each of which must be an event."""
        events = [json.loads(line) for line in self.out.splitlines()]
        assert all("event" in event for event in events)
        return events

    def of(self, *names: str) -> list[dict]:
        """The events of these names."""
        return [event for event in self.events if event["event"] in names]


class Console:
    """A repository with the orgs of a sandbox, and the keys to them."""

    def __init__(self, sandbox: Sandbox, path: Path, monkeypatch, capsys) -> None:
        self.sandbox = sandbox
        self.path = path
        self.monkeypatch = monkeypatch
        self._capsys = capsys
        self._lines = ["version: 1"]

    def add(self, name: str, *, seed: int = 5, size: int = 40, pin: str = "") -> SandboxOrg:
        """Add a seeded org to the sandbox and to the configuration."""
        org = self.sandbox.add_org(name, seed=seed, size=size)
        self.use_keys(name, org.api_key, org.app_key)
        if len(self._lines) == 1:
            assert self("init", "--org", name, "--site", self.sandbox.url).code == 0
            self._lines.append("orgs:")
        pinned = f", public_id: {pin}" if pin else ""
        self._lines.append(f"  {name}: {{api_url: '{self.sandbox.url}'{pinned}}}")
        self.configure()
        return org

    def configure(self, more: str = "") -> None:
        """Write the configuration, with more at its end."""
        (self.path / "ddsnap.yaml").write_text("\n".join([*self._lines, more, ""]))

    def use_keys(self, name: str, api_key: str, app_key: str) -> None:
        """Set the variables that hold the keys of an org."""
        self.monkeypatch.setenv(variable(name, "api_key"), api_key)
        self.monkeypatch.setenv(variable(name, "app_key"), app_key)

    def __call__(self, *argv: str) -> Done:
        """Run a command in this process; whatever it writes holds no control characters."""
        self._capsys.readouterr()
        code = main([*argv])
        done = Done(code, *self._capsys.readouterr())
        assert CONTROL.search(done.out + done.err) is None
        return done

    def start(self, *argv: str) -> subprocess.CompletedProcess[bytes]:
        """Run a command as a process of its own."""
        command = [sys.executable, "-m", "ddsnap", *argv]
        environment = dict(os.environ)
        return subprocess.run(
            command, cwd=self.path, env=environment, capture_output=True, timeout=60, check=False
        )

    def git(self, *arguments: str) -> str:
        """Run plain git and return what it says."""
        return self.git_bytes(*arguments).decode()

    def git_bytes(self, *arguments: str) -> bytes:
        """Run plain git and return the bytes that it writes."""
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True, timeout=60).stdout

    def tip(self, branch: str) -> str:
        """Return the commit of a branch; empty where there is none."""
        return self.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()

    def documents(self, revision: str) -> list[str]:
        """Return the paths of the documents in a snapshot."""
        listed = self.git("ls-tree", "-r", "--name-only", revision).splitlines()
        return [path for path in listed if "/" in path]

    def journal(self, org: str) -> dict:
        """Return the record of the org's last run."""
        return json.loads(self.git("show", f"journal/{org}:run.json"))


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox
        assert sandbox.crashes == []


@pytest.fixture
def console(sandbox: Sandbox, tmp_path: Path, monkeypatch, capsys) -> Console:
    """An empty folder to work in; ``console.add`` makes the repository."""
    for name in ("DDSNAP_REPO", "NO_COLOR", "GIT_DIR", "DD_API_KEY", "DD_APP_KEY", "DD_SITE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    path = tmp_path / "backup"
    path.mkdir()
    monkeypatch.chdir(path)
    return Console(sandbox, path, monkeypatch, capsys)
