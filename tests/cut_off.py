"""Replays that are cut off, and what must hold once somebody has gone on with them."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest
from interlinked import furnish, namesakes
from orgs import git

from ddsnap.cli.main import main
from ddsnap.config import variable
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddsnap.sandbox import SandboxOrg
    from ddsnap.sandbox.service import Incoming, Outcome

REPLAY = ("replay", "us1", "--to", "eu1", "--create-similar", "--yes")
RESUME = ("replay", "--resume", "--to", "eu1", "--yes")
_ONE_EACH = ("logs_indexes_order", "logs_pipelines_order")


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


class Watched(Sandbox):
    """A sandbox that tells somebody of each request, before and after its effect."""

    def __init__(self) -> None:
        super().__init__()
        self.watch: Callable[[str, Incoming], bool] = lambda _when, _what: True
        """Told "before" and "after"; a request of which it answers no has no effect."""
        self._busy = 0
        self._idle = threading.Condition()

    def settle(self) -> None:
        """Wait for requests whose senders wait no more, those in the network's buffers too."""
        for _ in range(2):
            with self._idle:
                assert self._idle.wait_for(lambda: not self._busy, timeout=30)
            time.sleep(0.1)

    def perform(self, incoming: Incoming) -> Outcome:
        """Carry out a request, watched."""
        with self._idle:
            self._busy += 1
        try:
            return self._watched(incoming)
        finally:
            with self._idle:
                self._busy -= 1
                self._idle.notify_all()

    def _watched(self, incoming: Incoming) -> Outcome:
        watch = self.watch
        if not watch("before", incoming):
            incoming = type(incoming)("GET", "/nowhere", "", incoming.headers, b"")
        outcome = super().perform(incoming)
        watch("after", incoming)
        return outcome


@dataclass
class Killer:
    """Kills a process at the nth request that counts: before its effect, or after it."""

    nth: int
    when: str = "before"
    writes: bool = True
    process: subprocess.Popen[str] | None = None
    seen: int = 0
    lock: Any = field(default_factory=threading.Lock)

    def __call__(self, when: str, incoming: Incoming) -> bool:
        if when != self.when or (self.writes and incoming.method == "GET"):
            return True
        with self.lock:
            self.seen += 1
            if self.seen != self.nth or self.process is None:
                return True
            self.process.kill()
            self.process.wait()
            return False


@dataclass
class World:
    """A repository with the source's snapshot, copied for each case, and an ``eu1`` to fill."""

    sandbox: Watched
    pristine: Path
    folder: Path
    wanted: dict[str, set[str]] = field(default_factory=dict)
    """What the map of a replay that nobody cut off holds: the source's ids by type."""
    there: dict[str, int] = field(default_factory=dict)
    """How many resources of each type it leaves at the destination."""
    writes: int = 0
    requests: int = 0

    @property
    def us1(self) -> SandboxOrg:
        return self.sandbox.orgs["us1"]

    @property
    def eu1(self) -> SandboxOrg:
        return self.sandbox.orgs["eu1"]

    def fresh(self, name: str) -> Path:
        """Copy the repository, and let ``eu1`` hold what it held at first."""
        self.renew()
        path = self.folder / name
        shutil.rmtree(path, ignore_errors=True)
        shutil.copytree(self.pristine, path, symlinks=True)
        return path

    def renew(self) -> None:
        self.sandbox.watch = lambda _when, _what: True
        self.sandbox.faults.clear()
        self.sandbox.orgs.pop("eu1", None)
        namesakes(self.sandbox, self.sandbox.add_org("eu1"))

    def start(self, path: Path, *words: str) -> subprocess.Popen[str]:
        """Start a command as a process of its own."""
        command = [sys.executable, "-m", "ddsnap", "-C", str(path), *words]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)

    def end(self, process: subprocess.Popen[str]) -> Said:
        """Wait for a process."""
        out, err = process.communicate(timeout=60)
        assert "Traceback" not in err, err
        return Said(process.returncode, out, err)

    def kill_at(self, path: Path, killer: Killer, *words: str) -> Said:
        """Run a command until its killer strikes; it may be done before."""
        killer.process = process = self.start(path, *(words or REPLAY))
        self.sandbox.watch = killer
        try:
            return self.end(process)
        finally:
            self.sandbox.watch = lambda _when, _what: True
            self.sandbox.settle()  # what was under way when it died has its effect

    def run(self, path: Path, *words: str) -> Said:
        """Run a command in this process."""
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["-C", str(path), *words])
        said = Said(code, out.getvalue(), err.getvalue())
        assert "Traceback" not in said.err, said.err
        assert code != 3, said
        return said

    def resume(self, path: Path) -> Said:
        """Go on with what was cut off; where nothing had begun, or all was done, replay."""
        said = self.run(path, *RESUME)
        if said.code == 2:
            assert "no replay into eu1 was cut off" in said.err
            said = self.run(path, *REPLAY)
        return said

    def is_whole(self, path: Path, what: object = "") -> None:
        """Each resource is there exactly once, the map is complete, and the journal verifies."""
        self.sandbox.settle()
        mapped = self.map_of(path)
        assert {name: set(ids) for name, ids in mapped.items()} == self.wanted, what
        there = self.count()
        assert there == self.there, (what, {n: k for n, k in there.items() if k != self.there[n]})
        for name, ids in mapped.items():
            there = [entry["id"] for entry in ids.values()]
            assert len(set(there)) == len(there), (what, name)
            if name not in _ONE_EACH and name not in ("restriction_policies", "team_memberships"):
                assert set(there) <= {str(id_) for id_ in self.eu1.resources(name)}, (what, name)
        (test,) = mapped["synthetics_tests"].values()
        made = self.eu1.resources("synthetics_tests")[test["id"]]
        assert test["aliases"]["/monitor_id"] == str(made["monitor_id"]), what
        before = len(self.sandbox.writes)
        again = self.run(path, *REPLAY)
        assert again.code == 0, (what, again)
        assert len(self.sandbox.writes) == before, (what, again.out)
        self.verifies(path, what)
        assert not list((path / ".git" / "ddsnap").glob("replay-*")), what

    def verifies(self, path: Path, what: object = "") -> None:
        for words in (("verify",), ("log", "eu1"), ("log", "--runs", "eu1")):
            said = self.run(path, *words)
            assert said.code == 0, (what, words, said)
        assert git(path, "fsck", "--strict", "--full", "--no-dangling") == "", what

    def count(self) -> dict[str, int]:
        return {name: len(self.eu1.resources(name)) for name in sorted(self.wanted)}

    def map_of(self, path: Path) -> dict[str, dict[str, Any]]:
        """The map as plain git has it: by type, the entries by the source's ids."""
        listed = git(path, "ls-tree", "-r", "--name-only", "journal/eu1", "map/us1").splitlines()
        files = {Path(name).stem: git(path, "show", f"journal/eu1:{name}") for name in listed}
        return {unquote(name): json.loads(text)["ids"] for name, text in files.items()}

    def states(self, path: Path) -> list[str]:
        """How the runs ended, the newest first."""
        if not git(path, "for-each-ref", "refs/heads/journal/eu1"):
            return []
        told = "%(trailers:key=Ddsnap-State,valueonly)"
        return git(path, "log", "--first-parent", f"--format={told}", "journal/eu1").split()

    def next_words(self, path: Path) -> tuple[str, ...]:
        """What somebody would call who finds the repository like this."""
        log = path / ".git" / "ddsnap" / "replay-eu1.ndjson"
        cut = self.states(path)[:1] == ["interrupted"]
        return RESUME if cut or (log.exists() and b"\n" in log.read_bytes()) else REPLAY


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Make the source, its snapshot, and what one replay that is let alone makes of it."""
    with pytest.MonkeyPatch.context() as patch, Watched() as sandbox:
        for name in ("DDSNAP_REPO", "NO_COLOR", "GIT_DIR", "DD_API_KEY", "DD_APP_KEY", "DD_SITE"):
            patch.delenv(name, raising=False)
        patch.setenv("HOME", str(folder / "home"))
        made = World(sandbox, folder / "pristine", folder)
        furnish(sandbox, sandbox.add_org("us1"))
        made.renew()
        for org in sandbox.orgs.values():
            patch.setenv(variable(org.name, "api_key"), org.api_key)
            patch.setenv(variable(org.name, "app_key"), org.app_key)
        assert made.run(Path(), "init", str(made.pristine)).code == 0
        orgs = "".join(f"  {name}: {{api_url: '{sandbox.url}'}}\n" for name in ("us1", "eu1"))
        (made.pristine / "ddsnap.yaml").write_text(f"version: 1\norgs:\n{orgs}")
        assert made.run(made.pristine, "capture", "us1").code == 0
        _learn(made)
        yield made
        assert sandbox.crashes == []


def _learn(made: World) -> None:
    path = made.fresh("learned")
    writes, asked = len(made.sandbox.writes), sum(made.sandbox.requests.values())
    said = made.run(path, *REPLAY)
    assert said.code == 0, said
    made.writes = len(made.sandbox.writes) - writes
    made.requests = sum(made.sandbox.requests.values()) - asked
    made.wanted = {name: set(ids) for name, ids in made.map_of(path).items()}
    made.there = made.count()
    assert sum(map(len, made.wanted.values())) > 40
    shutil.rmtree(path)


def killed(said: Said) -> bool:
    return said.code == -signal.SIGKILL


def argv_of(path: Path, *words: str) -> list[str]:
    return ["-m", "ddsnap", "-C", str(path), *words]


TORTURE = bool(os.environ.get("DDSNAP_TORTURE"))
