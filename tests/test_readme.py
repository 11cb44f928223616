"""The README does what it says: each command is run, each table is current."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ddsnap.cli.main import COMMANDS
from ddsnap.core.manifest import STATES
from ddsnap.errors import ExitCode
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def console_lines() -> list[str]:
    """Every command line that the README shows at a prompt."""
    blocks = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[tuple[Sandbox, Path, dict[str, str]]]:
    """A sandbox in Datadog's place, and a folder to work in."""
    with Sandbox() as sandbox:
        sandbox.add_org("us1", seed=21, size=60)
        subprocess.run(["git", "init", "-q", "--bare", str(tmp_path / "hub.git")], check=True)
        sandbox.add_org("eu1")
        env = {key: value for key, value in os.environ.items() if not key.startswith("DDSNAP_")}
        for org in sandbox.orgs.values():
            env[f"DDSNAP_{org.name.upper()}_API_KEY"] = org.api_key
            env[f"DDSNAP_{org.name.upper()}_APP_KEY"] = org.app_key
        yield sandbox, tmp_path, env


def test_every_command_that_is_shown_works(world: tuple[Sandbox, Path, dict[str, str]]) -> None:
    sandbox, folder, env = world
    monitor, dashboard = _subjects(sandbox)
    ran = set()
    shown = {
        "monitors/153202500": f"monitors/{monitor['id']}",
        "[prod] loyalty-stream: Errors in the logs": monitor["name"],
        "dashboards/msb-g87-4u7": f"dashboards/{dashboard['id']}",
    }
    for told in console_lines():
        line = re.sub("|".join(map(re.escape, shown)), lambda found: shown[found[0]], told)
        words = shlex.split(line, comments=True)
        if not words:
            _work(sandbox, monitor, dashboard)
            continue
        made = words[:2] == ["ddsnap", "init"] and (folder / "backup").exists()
        if made or words[0] == "export":
            continue
        differs = "--exit-code" in words
        if differs:
            _work(sandbox, monitor, dashboard)
        # What lacks a secret is left out of a replay, which says so by its exit code.
        fine = (5,) if differs else (0, 4) if "replay" in words else (0,)
        assert _run(words, folder, env) in fine, line
        if words[:2] == ["ddsnap", "init"]:
            _point_at(sandbox, folder / "backup" / "ddsnap.yaml")
        ran.add(words[0] if words[0] == "git" else next(w for w in words[1:] if w in COMMANDS))
    assert ran >= {"init", "capture", "diff", "log", "show", "status", "types", "plan", "git"}
    assert ran >= {"replay", "restore", "transform", "migration", "verify"}


def _subjects(sandbox: Sandbox) -> tuple[dict, dict]:
    monitors = sandbox.orgs["us1"].resources("monitors")
    queries = " ".join(monitor["query"] for monitor in monitors.values())
    monitor = next(m for m in monitors.values() if str(m["id"]) not in queries)
    return monitor, next(iter(sandbox.orgs["us1"].resources("dashboards").values()))


def _work(sandbox: Sandbox, monitor: dict, dashboard: dict) -> None:
    """Change the org, as the README tells that people did."""
    org = sandbox.orgs["us1"]
    org.resources("monitors").pop(str(monitor["id"]), None)
    dashboard["title"] += "!"
    dashboard["modified_at"] = org.now().isoformat()


def _point_at(sandbox: Sandbox, config: Path) -> None:
    text = config.read_text().replace("site: datadoghq.com", f"api_url: {sandbox.url}", 1)
    text = text.replace("orgs:\n", f"orgs:\n  eu1: {{api_url: '{sandbox.url}'}}\n", 1)
    config.write_text(text)


def _run(words: list[str], folder: Path, env: dict[str, str]) -> int:
    if words[0] == "ddsnap":
        words = [sys.executable, "-m", "ddsnap", *words[1:]]
    ran = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if ran.returncode not in (0, 5):
        print(ran.stdout, ran.stderr)
    return ran.returncode


def test_the_coverage_is_current() -> None:
    checked = subprocess.run(
        [str(ROOT / "scripts" / "readme"), "--check"],
        env={**os.environ, "PYTHON": sys.executable},
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr


def test_every_exit_code_and_state_is_explained() -> None:
    for code in ExitCode:
        assert f"| {code.value} |" in README
    for state in STATES:
        assert f"`{state}`" in README or state == "harvested"


def test_every_script_that_is_named_is_there() -> None:
    for script in re.findall(r"(?:scripts/|\.ci/)\w+", README):
        assert (ROOT / script).exists(), script
