"""``plan`` in a clone: it tells what the replay right after it would do, and moves no branch."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from orgs import git
from pairs import pair
from runners import make_hub

from ddsnap.store import program

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    """Two orgs, the first of which was replayed into the second and goes on; all is pushed."""
    with pair(tmp_path) as orgs:
        hub = make_hub(tmp_path / "hub")
        orgs.git("remote", "add", "origin", hub.as_uri())
        orgs.git("add", "-A")
        orgs.git("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "Name the orgs")
        for n in range(3):
            orgs.us1.monitor(f"load {n}", query=f"avg(last_5m):avg:load{n}{{*}} > 1")
        orgs.replay()
        (id_, *_) = orgs.us1.all("monitors")
        orgs.us1.put(f"/api/v1/monitor/{id_}", {"message": "other"})
        orgs.capture()
        orgs.git("push", "-q", "origin", "--all")
        git(hub, "symbolic-ref", "HEAD", orgs.git("symbolic-ref", "HEAD").strip())
        yield orgs


def clone(orgs: Pair, name: str = "clone") -> Pair:
    """A repository that has none of the machine's branches yet."""
    path = orgs.path.parent / name
    git(orgs.path.parent, "clone", "--quiet", orgs.git("remote", "get-url", "origin").strip(), name)
    return replace(orgs, path=path)


def branches(orgs: Pair) -> str:
    return orgs.git("for-each-ref", "refs/heads", "HEAD")


def told(orgs: Pair, command: str, *words: str) -> list[str]:
    """What a command plans: head and actions, by which it is the same plan."""
    said = orgs.run("--json", command, "us1", "--to", "eu1", "--live", *words)
    assert said.code == 0, said
    return [
        f"{event['commit']}" if event["event"] == "plan" else f"{event['action']} {event['to']}"
        for event in (*said.events("plan"), *said.events("action"))
    ]


@pytest.mark.parametrize("has_git", [True, False])
def test_in_a_fresh_clone_it_tells_what_the_replay_tells(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch, has_git: bool
) -> None:
    fresh = clone(orgs)
    if not has_git:
        monkeypatch.setattr(program.shutil, "which", lambda _: None)
    before = branches(fresh)
    planned = told(fresh, "plan")
    assert branches(fresh) == before
    assert "snapshots/" not in before
    assert [line.split()[0] for line in planned].count("update") == 1
    assert "create" not in {line.split()[0] for line in planned}
    assert told(fresh, "replay", "--yes") == planned


def test_what_others_did_since_is_known_and_what_is_here_stays(orgs: Pair) -> None:
    behind = clone(orgs)
    for branch in ("snapshots/us1", "snapshots/eu1", "journal/eu1"):
        git(behind.path, "branch", "--quiet", branch, f"origin/{branch}")
    orgs.replay("--push")
    orgs.git("push", "-q", "origin", "--all")
    before = branches(behind)
    assert not any(line.startswith("update") for line in told(behind, "plan"))
    assert branches(behind) == before
    said = behind.run("plan", "us1", "--to", "eu1", "--live", "--offline")
    assert "origin was not asked (--offline)" in said.err
    assert branches(behind) == before


def test_a_plan_that_was_saved_there_is_carried_out_there(orgs: Pair, tmp_path: Path) -> None:
    fresh, file = clone(orgs), tmp_path / "plan.json"
    assert fresh.run("plan", "us1", "--to", "eu1", "--live", "--out", str(file)).code == 0
    done = fresh.run("replay", "--plan", str(file), "--yes", "--strict")
    assert done.code == 0, done
    assert [write.method for write in done.writes] == ["PUT"]


def test_an_earlier_snapshot_is_found_there_too(orgs: Pair) -> None:
    fresh = clone(orgs)
    said = fresh.run("--json", "plan", "us1~1", "--to", "eu1", "--live")
    assert said.code == 0, said
    assert [event["commit"] for event in said.events("plan")] == [
        orgs.git("rev-parse", "snapshots/us1~1").strip()
    ]
    assert said.events("summary")[0]["counts"].keys() == {"unchanged"}


def test_what_has_diverged_is_no_ground_for_a_plan(orgs: Pair) -> None:
    other = clone(orgs)
    assert other.run("capture", "eu1").code == 0
    orgs.replay("--push")
    before = branches(other)
    for words in (("plan",), ("replay", "--yes")):
        said = other.run(words[0], "us1", "--to", "eu1", *words[1:])
        assert said.code == 6, said
        assert "has diverged" in said.err
        assert said.writes == []
        assert branches(other) == before or words[0] == "replay"


def test_a_remote_that_does_not_answer(orgs: Pair, tmp_path: Path) -> None:
    (tmp_path / "hub").rename(tmp_path / "away")
    said = orgs.run("plan", "us1", "--to", "eu1")
    assert said.code == 1, said
    assert "--offline" in said.err
    assert orgs.run("plan", "us1", "--to", "eu1", "--offline").code == 0


def test_without_a_remote_nothing_is_asked(orgs: Pair) -> None:
    orgs.git("remote", "remove", "origin")
    said = orgs.run("plan", "us1", "--to", "eu1", "--offline")
    assert (said.code, said.err) == (0, "")
