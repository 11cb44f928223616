"""``ddsnap sandbox --from REV``: the snapshot's org, served again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING, Any

import pytest
from orgs import make_backup

from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from orgs import Backup

PROGRAM = [sys.executable, "-m", "ddsnap"]


@pytest.fixture
def backup(tmp_path: Path) -> Backup:
    with Sandbox() as sandbox:
        made = make_backup(sandbox, sandbox.add_org("us1", seed=3, size=60), tmp_path / "backup")
        made.capture()
    return made


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, "--json", "-C", str(folder), "sandbox", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "NO_COLOR": "1"},
    )


def get(org: dict[str, Any], path: str) -> Any:
    headers = {"DD-API-KEY": org["api_key"], "DD-APPLICATION-KEY": org["app_key"]}
    request = urllib.request.Request(org["api_url"] + path, headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_a_snapshot_is_served_under_its_name_and_identity(backup: Backup) -> None:
    with start(backup.folder, "--from", "us1") as process:
        org = json.loads(process.stdout.readline())
        assert org["name"] == "us1"
        monitors = {str(item["id"]) for item in get(org, "/api/v1/monitor")}
        public_id = get(org, "/api/v1/org")["orgs"][0]["public_id"]
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == 0
    held = {path.partition("/")[2].removesuffix(".json") for path in backup.paths("monitors/")}
    assert held <= monitors
    assert public_id == backup.manifest().org.public_id


def test_an_org_of_another_name_has_the_content_and_an_identity_of_its_own(backup: Backup) -> None:
    with start(backup.folder, "--from", "us1", "--org", "dr", "--org", "us1") as process:
        orgs = [json.loads(process.stdout.readline()) for _ in range(2)]
        ids = [get(org, "/api/v1/org")["orgs"][0]["public_id"] for org in orgs]
        boards = [len(get(org, "/api/v1/dashboard")["dashboards"]) for org in orgs]
        process.kill()
    assert [org["name"] for org in orgs] == ["dr", "us1"]
    assert ids[0] != ids[1] == backup.manifest().org.public_id
    assert boards == [len(backup.paths("dashboards/"))] * 2


@pytest.mark.parametrize(
    ("words", "code"), [(("--from", "us1", "--seed", "1"), 2), (("--from", "nothing"), 2)]
)
def test_what_cannot_be_served_is_said_at_once(
    backup: Backup, words: tuple[str, ...], code: int
) -> None:
    with start(backup.folder, *words) as process:
        _, said = process.communicate(timeout=20)

    assert process.returncode == code
    assert "Traceback" not in said
