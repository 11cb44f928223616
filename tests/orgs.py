"""Sandbox orgs to capture in tests: a repository, an org, and runs against it over real HTTP."""

from __future__ import annotations

import os
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.api.gateway import Gateway
from ddsnap.api.session import Session, Timeouts
from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.manifest import NAME, parse_manifest
from ddsnap.flows.capture import capture
from ddsnap.flows.read_org import Scope
from ddsnap.flows.run import Author, Run
from ddsnap.flows.view import live_view
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.manifest import Manifest
    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.view import View
    from ddsnap.sandbox import Sandbox, SandboxOrg

QUICK = Timeouts(connect=5, read=5, total=15)


def contract_data() -> Path:
    """The folder of recorded answers; the test is skipped where there is none."""
    folder = os.environ.get("DDSNAP_CONTRACT_DATA")
    if not folder:
        pytest.skip("DDSNAP_CONTRACT_DATA names no folder of recorded answers")
    return Path(folder)


def git(folder: Path, *words: str) -> str:
    """Run plain git, which must succeed, and return what it printed."""
    ran = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@dataclass
class Backup:
    """The backup of one sandbox org, in a repository of its own."""

    sandbox: Sandbox
    org: SandboxOrg
    folder: Path
    catalog: Catalog = CATALOG
    events: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    @contextmanager
    def run(self, retries: int = 0) -> Iterator[Run]:
        """Open everything that a run needs."""
        with (
            Repository.open(self.folder) as repo,
            Session(
                self.sandbox.url,
                self.org.api_key,
                self.org.app_key,
                timeouts=QUICK,
                retries=retries,
            ) as session,
        ):
            yield Run(
                repo=repo,
                gateway=Gateway(session, self.catalog),
                catalog=self.catalog,
                org=self.org.name,
                site="datadoghq.com",
                clock=lambda: datetime.now(timezone.utc),
                author=Author("tester", "host", "0.1.0"),
                sink=lambda event, /, **told: self.events.append((event, told)),
            )

    def capture(self, *, retries: int = 0, **scope: Any) -> CaptureResult:
        """Make a snapshot."""
        with self.run(retries) as run:
            return capture(run, Scope(self.catalog.names, **scope))

    @contextmanager
    def live(self) -> Iterator[View]:
        """Look at the live org."""
        with self.run() as run:
            yield live_view(run, Scope(self.catalog.names))[0]

    @property
    def branch(self) -> str:
        return f"snapshots/{self.org.name}"

    def git(self, *words: str) -> str:
        """Run plain git in the repository."""
        return git(self.folder, *words)

    def tree(self) -> str:
        """The hash of the last snapshot's tree."""
        return self.git("rev-parse", f"{self.branch}^{{tree}}").strip()

    def paths(self, folder: str = "") -> list[str]:
        """The paths of the last snapshot, or of one folder of it."""
        listed = self.git("ls-tree", "-r", "-z", "--name-only", self.branch)
        return [path for path in listed.split("\0") if path.startswith(folder) and path]

    def file(self, path: str) -> bytes:
        """A file of the last snapshot, as git has it."""
        shown = subprocess.run(
            ["git", "cat-file", "blob", f"{self.branch}:{path}"],
            cwd=self.folder,
            capture_output=True,
            check=True,
        )
        return shown.stdout

    def document(self, path: str) -> Any:
        """A document of the last snapshot."""
        return canonical.decode(self.file(path))

    def manifest(self) -> Manifest:
        """What the last snapshot says of itself."""
        return parse_manifest(self.file(NAME), self.branch)

    def state(self, type_name: str) -> str:
        """How completely a type was read."""
        return self.manifest().state_of(type_name).state

    def count(self, branch: str) -> int:
        """How many commits a branch has."""
        return int(self.git("rev-list", "--count", "--first-parent", branch))


def make_backup(sandbox: Sandbox, org: SandboxOrg, folder: Path, **more: Any) -> Backup:
    """Make an empty repository for an org's backup."""
    Repository.init(folder, {"ddsnap.yaml": b"version: 1\n"}, "Start").close()
    return Backup(sandbox, org, folder, **more)
