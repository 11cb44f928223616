"""A backup of ``us1``, seeded and captured once, beside an ``eu1`` that holds nothing."""

from __future__ import annotations

import json
import re
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ddsnap.cli.main import main
from ddsnap.config import variable
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import pytest

    from ddsnap.sandbox import SandboxOrg

CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Its standard output, one object a line."""
        return [json.loads(line) for line in self.out.splitlines()]

    def of(self, name: str) -> list[dict[str, Any]]:
        """The events of a name; every line is an event."""
        return [event for event in self.objects if event["event"] == name]


@dataclass(frozen=True)
class TwoOrgs:
    """Both orgs, and the command line on their repository."""

    sandbox: Sandbox
    path: Path
    capsys: pytest.CaptureFixture[str]

    @property
    def us1(self) -> SandboxOrg:
        return self.sandbox.orgs["us1"]

    @property
    def eu1(self) -> SandboxOrg:
        return self.sandbox.orgs["eu1"]

    def run(self, *argv: str) -> Said:
        """Run a command; it writes no control characters, and a traceback is never an answer."""
        self.capsys.readouterr()
        code = main(["-C", str(self.path), *argv])
        said = Said(code, *self.capsys.readouterr())
        assert CONTROL.search(said.out + said.err) is None
        assert "Traceback" not in said.err
        return said

    def git(self, *arguments: str) -> str:
        """Run plain git on the repository and return what it says."""
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, check=True, capture_output=True).stdout.decode()

    def capture(self, org: str = "us1") -> None:
        done = self.run("-q", "capture", org)
        assert done.code == 0, done.err

    def configure(self, *names: str, more: str = "") -> None:
        """Write the configuration of these orgs."""
        orgs = "".join(f"  {name}: {{api_url: '{self.sandbox.url}'}}\n" for name in names)
        (self.path / "ddsnap.yaml").write_text(f"version: 1\norgs:\n{orgs}{more}\n")


@contextmanager
def two_orgs(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    *,
    size: int = 60,
) -> Iterator[TwoOrgs]:
    """Run both orgs, with a first snapshot of ``us1``."""
    for name in ("DDSNAP_REPO", "NO_COLOR", "GIT_DIR", "DD_API_KEY", "DD_APP_KEY", "DD_SITE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with Sandbox() as sandbox:
        made = TwoOrgs(sandbox, tmp_path / "backup", capsys)
        for org in (sandbox.add_org("us1", seed=7, size=size), sandbox.add_org("eu1")):
            monkeypatch.setenv(variable(org.name, "api_key"), org.api_key)
            monkeypatch.setenv(variable(org.name, "app_key"), org.app_key)
        assert main(["init", str(made.path)]) == 0
        made.configure("us1", "eu1")
        made.capture()
        yield made
        assert sandbox.crashes == []


def first(
    org: SandboxOrg, type_name: str, wanted: Callable[[Any], bool] = lambda _: True
) -> tuple[str, Any]:
    """Return id and body of the first resource of a type that is wanted."""
    return next((id_, body) for id_, body in org.resources(type_name).items() if wanted(body))
