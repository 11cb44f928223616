"""``replay --rehearse``: what a replay would do, told without a write and without a trace."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import first, two_orgs

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from two_orgs import Said, TwoOrgs

REHEARSE = ("--json", "replay", "us1", "--to", "eu1", "--rehearse")
REPLAY = ("--json", "replay", "us1", "--to", "eu1", "--yes")


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        yield desk
        assert [*(tmp_path / "tmp").iterdir()] == []


def rehearsed(desk: TwoOrgs, *words: str, argv: tuple[str, ...] = REHEARSE) -> Said:
    """Rehearse; the org, the repository and the machine are as before."""
    before, writes = trace(desk), len(desk.sandbox.writes)
    said = desk.run(*argv, *words)
    assert trace(desk) == before
    assert len(desk.sandbox.writes) == writes
    assert not (desk.path.parent / "state").exists()
    return said


def trace(desk: TwoOrgs) -> dict[str, bytes]:
    """Every file of the repository, git's and ours."""
    files = (path for path in desk.path.rglob("*") if path.is_file())
    return {str(path.relative_to(desk.path)): path.read_bytes() for path in files}


def ends(said: Said) -> dict[tuple[str, str], str]:
    return {(e["type"], e["id"]): e["status"] for e in said.of("outcome")}


def planned(said: Said) -> list[dict[str, Any]]:
    return said.of("action")


def test_a_rehearsal_ends_as_the_replay_does(desk: TwoOrgs) -> None:
    said = rehearsed(desk)
    assert said.of("rehearsed")[0]["counts"]["created"] > 40
    assert said.of("replayed") == []
    done = desk.run(*REPLAY)
    assert (ends(said), said.code) == (ends(done), done.code)
    assert planned(said) == planned(done)


def test_people_are_told_first_that_nothing_was_written(desk: TwoOrgs) -> None:
    said = rehearsed(desk, argv=("-q", "replay", "us1", "monitors", "--rehearse"))
    lines = said.out.splitlines()
    assert lines[0].startswith("rehearsal: replay us1 @ ")
    assert "rehearsal: nothing was written to eu1" in lines
    assert lines[-1].endswith("in a copy of eu1")
    assert "journal/eu1" not in said.out
    assert "--undo" not in said.out


def test_after_a_replay_the_map_and_the_edits_there_count(desk: TwoOrgs) -> None:
    assert desk.run(*REPLAY, "--live").code in (0, 4)
    held = desk.git("ls-tree", "--name-only", "snapshots/eu1:restriction_policies")
    assert len(held.splitlines()) == len(desk.eu1.resources("restriction_policies"))
    again = rehearsed(desk)
    assert planned(again) == planned(desk.run("--json", "plan", "us1"))
    assert {e["action"] for e in planned(again) if e["type"] == "monitors"} == {"unchanged"}
    id_, body = first(desk.eu1, "monitors", lambda body: body["type"] != "composite")
    body["message"] = "Somebody else's."
    body["modified"] = "2030-01-01T00:00:00+00:00"
    changed = [e for e in rehearsed(desk).of("outcome") if e["status"] == "done"]
    assert [(e["type"], e["to"]) for e in changed] == [("monitors", id_)]


def test_what_the_org_would_refuse_is_found(desk: TwoOrgs) -> None:
    monitor = first(desk.us1, "monitors", lambda body: body["type"] != "composite")[1]
    monitor["type"] = "a new kind of alert"
    monitor["modified"] = "2030-01-01T00:00:00+00:00"
    desk.capture()
    said = rehearsed(desk, "monitors")
    assert said.code == 4
    failed = [e for e in said.of("outcome") if e["status"] == "failed"]
    assert str(monitor["id"]) in [e["id"] for e in failed]
    assert {e["id"] for e in failed} == {
        e["id"] for e in desk.run(*REPLAY, "monitors").of("outcome") if e["status"] == "failed"
    }


def test_a_type_that_the_keys_may_not_see_is_no_open_one_in_the_rehearsal(desk: TwoOrgs) -> None:
    desk.sandbox.faults.add(Fault(path="^/api/v2/powerpacks", status=403, org="eu1"))
    desk.sandbox.faults.add(Fault(path="^/api/v1/slo$", status=400, org="eu1"))
    said = rehearsed(desk)
    assert planned(said) == planned(desk.run("--json", "plan", "us1"))
    assert "service_level_objectives" in [event["type"] for event in said.of("unread")]


@pytest.fixture
def large(tmp_path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    """Large enough to hold a secure variable and a private location."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    with two_orgs(tmp_path, capsys, monkeypatch, size=120) as desk:
        yield desk


def test_secrets_that_nobody_gave_are_named_and_stood_in_for(large: TwoOrgs, monkeypatch) -> None:
    said = rehearsed(large, "synthetics_global_variables")
    assert said.code == 4
    [need] = said.of("secret_needed")
    name = need["how"].removeprefix("set ")
    assert name.startswith("DDSNAP_SECRET_SYNTHETICS_GLOBAL_VARIABLES_")
    assert set(ends(said).values()) == {"done"}
    told = rehearsed(large, argv=("replay", "us1", "synthetics_global_variables", "--rehearse"))
    assert "1 resource needs secrets (see above)" in told.out
    assert f"set {name}" in told.out
    monkeypatch.setenv(name, "a-value-that-is-kept-1234567")
    given = rehearsed(large, "synthetics_global_variables")
    assert given.code == 0
    assert given.of("secret_needed") == []
    assert "a-value-that-is-kept" not in given.out + given.err


def test_a_private_location_leaves_no_keys(large: TwoOrgs) -> None:
    said = rehearsed(large, "synthetics_private_locations")
    assert [*ends(said).values()] == ["done"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--resume"], 2, "--rehearse and --resume exclude each other"),
        (["monitrs"], 2, "did you mean 'monitors'?"),
        (["monitors/none"], 2, "us1 holds no monitors/none"),
    ],
)
def test_mistakes(desk: TwoOrgs, words: list[str], code: int, said: str) -> None:
    answer = rehearsed(desk, *words)
    assert answer.code == code
    assert said in answer.err
    assert answer.err.count("\n") <= 3


def test_where_a_replay_is_refused_so_is_its_rehearsal(desk: TwoOrgs, monkeypatch) -> None:
    desk.eu1.recovery = {"status": 3, "spelling": "hamr_status"}
    said = rehearsed(desk)
    assert said.code == 6
    assert "disaster-recovery" in said.err
    desk.eu1.recovery = None
    monkeypatch.setenv("DDSNAP_EU1_API_KEY", desk.us1.api_key)
    monkeypatch.setenv("DDSNAP_EU1_APP_KEY", desk.us1.app_key)
    assert rehearsed(desk).code == 6


def test_a_saved_plan_can_be_rehearsed(desk: TwoOrgs, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    assert desk.run("-q", "plan", "us1", "monitors", "--out", str(file)).code == 0
    said = rehearsed(desk, argv=("--json", "replay", "--plan", str(file), "--rehearse"))
    assert said.of("outcome")
    assert "moved" not in set(ends(said).values())


def test_the_remote_is_left_alone(desk: TwoOrgs) -> None:
    desk.git("remote", "add", "origin", str(desk.path.parent / "nowhere.git"))
    said = rehearsed(desk, "service_level_objectives")
    assert said.code == 0
    assert "origin was not asked" in said.err


def test_in_a_shallow_clone(desk: TwoOrgs, tmp_path: Path) -> None:
    desk.run(*REPLAY, "monitors")
    url = f"file://{desk.path}"
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "--depth=1", url, str(clone)], check=True)
    branches = [f"+refs/heads/{name}/*:refs/heads/{name}/*" for name in ("snapshots", "journal")]
    fetch = ["git", "-C", str(clone), "fetch", "-q", "--depth=1", "origin", *branches]
    subprocess.run(fetch, check=True)
    (clone / "ddsnap.yaml").write_bytes((desk.path / "ddsnap.yaml").read_bytes())
    said = desk.run("-C", str(clone), *REHEARSE, "monitors")
    assert ends(said)
    assert set(ends(said).values()) <= {"unchanged", "failed", "blocked"}


def test_without_the_extra_it_says_what_to_install(desk: TwoOrgs) -> None:
    program = (
        "import importlib.util as u, sys; find = u.find_spec\n"
        "u.find_spec = lambda name, *a: None if name == 'cheroot' else find(name, *a)\n"
        "from ddsnap.cli.main import main; sys.exit(main(sys.argv[1:]))"
    )
    words = ["-C", str(desk.path), "replay", "us1", "--to", "eu1", "--rehearse"]
    command = [sys.executable, "-c", program, *words]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ran.returncode == 2
    assert "needs the package cheroot" in ran.stderr
    assert "pip install 'ddsnap[sandbox]'" in ran.stderr
