"""Several runners of one remote: clones that capture sandbox orgs, in this process or in others."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from orgs import Backup, git, make_backup

from ddsnap.errors import RefMoved
from ddsnap.flows.capture import capture
from ddsnap.flows.read_org import Scope
from ddsnap.flows.sync import Exchange
from ddsnap.store.remote import find_remote
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.sandbox import Sandbox, SandboxOrg


def make_hub(folder: Path) -> Path:
    """Make a bare repository that others push to, and that notes every move of a branch."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--bare", ".")
    git(folder, "config", "core.logAllRefUpdates", "true")
    return folder


def make_runner(hub: Path, sandbox: Sandbox, org: SandboxOrg, folder: Path) -> Backup:
    """Make a repository of its own for a runner, with the hub as its remote."""
    runner = make_backup(sandbox, org, folder)
    runner.git("remote", "add", "origin", hub.as_uri())
    return runner


def capture_with(
    runner: Backup,
    *,
    push: bool = True,
    offline: bool = False,
    after: str = "",
    then: Callable[[], object] | None = None,
    **scope: Any,
) -> CaptureResult:
    """Capture as ``--push`` does; once the type ``after`` was read, do what ``then`` says."""
    with runner.run() as run:

        def sink(event: str, /, **told: Any) -> None:
            if then and event == "type_finished" and told["type"] == after:
                then()

        exchange = Exchange(find_remote(run.repo, "origin"), push, offline)
        scope = {"full": True, **scope}
        return capture(replace(run, sink=sink), Scope(runner.catalog.names, **scope), exchange)


@dataclass(frozen=True)
class _Keys:
    """What a process needs to know of a sandbox and an org in another one."""

    url: str = ""
    name: str = ""
    api_key: str = ""
    app_key: str = ""


def main(folder: str, hub: str, url: str, names: str, rounds: str, seed: str) -> None:
    """Capture the orgs in any order, some rounds long; print each commit that was published."""
    rng = random.Random(int(seed))
    Repository.init(Path(folder), {"ddsnap.yaml": b"version: 1\n"}, "Start").close()
    git(Path(folder), "remote", "add", "origin", hub)
    orgs = [_Keys(url, n, f"sandbox-api-{n}", f"sandbox-app-{n}") for n in names.split(",")]
    for _ in range(int(rounds)):
        for org in rng.sample(orgs, len(orgs)):
            runner = Backup(org, org, Path(folder))  # type: ignore[arg-type]
            try:
                result = capture_with(runner)
            except RefMoved as error:
                sys.exit(f"{org.name}: {error.message}")
            log = runner.git("rev-parse", f"journal/{org.name}").strip()
            told = {"org": org.name, "snapshot": result.commit, "journal": log}
            print(json.dumps({**told, "pushed": result.pushed}), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
