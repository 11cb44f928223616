"""What ``--resume`` takes from the run that was cut off, and a log of it that cannot be read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cut_off import RESUME, Killer, World, killed, world
from pairs import pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair


@pytest.fixture(scope="module")
def cut(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    """A replay that was killed, and that nobody has gone on with yet."""
    with world(tmp_path_factory.mktemp("world")) as orgs:
        path = orgs.fresh("cut")
        assert killed(orgs.kill_at(path, Killer(12, "after")))
        orgs.sandbox.settle()
        yield orgs, path


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--live",), "--live"),
        (("--no-dependencies",), "--no-dependencies"),
        (("--delete", "--max-deletes", "0"), "--delete, --max-deletes"),
        (("--delete-adopted",), "--delete-adopted"),
        (("--transform", "nope"), "--transform"),
        (("--adopt", "monitors/1=2"), "--adopt"),
        (("--create-similar",), "--create-similar"),
        (("--allow-self-lockout",), "--allow-self-lockout"),
        (("--allow-unmatched",), "--allow-unmatched"),
        (("--filter", 'monitors:$[?@.name=="x"]'), "--filter"),
        (("--name", "x", "--tag", "y"), "--name, --tag"),
        (("--id", "x"), "--id"),
    ],
)
def test_a_resumed_replay_is_not_ordered_anew(
    cut: tuple[World, Path], words: tuple[str, ...], named: str
) -> None:
    orgs, path = cut
    writes = len(orgs.sandbox.writes)
    said = orgs.run(path, *RESUME, *words)
    assert said.code == 2, said
    assert f"--resume goes on as the run was begun: leave out {named}\n" in said.err
    assert "REV --to eu1 --resume" in said.err
    assert len(orgs.sandbox.writes) == writes
    assert orgs.states(path) == []


def test_what_says_how_and_not_what_goes_beside_it(cut: tuple[World, Path]) -> None:
    orgs, path = cut
    more = ("--strict", "--offline", "--secrets-from-source", "--retries", "3", "--timeout", "5m")
    resumed = orgs.run(path, "-q", *RESUME, *more)
    assert resumed.code == 0, resumed
    orgs.is_whole(path)


# --- a log that cannot be read


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as orgs:
        yield orgs


def test_a_damaged_log_is_found_and_can_be_moved_away(orgs: Pair) -> None:
    for side in (orgs.us1, orgs.eu1):  # as if a run had made it
        side.monitor("load", query="avg(last_5m):avg:load{*} > 1")
    orgs.us1.monitor("later", query="avg(last_5m):avg:later{*} > 1")
    orgs.capture()
    log = orgs.path / ".git" / "ddsnap" / "replay-eu1.ndjson"
    log.parent.mkdir(exist_ok=True)
    log.write_bytes(b'{"event": "begin"}\nno event\n{"event": "made"}\n')
    for words in (("us1", "--live"), ("--resume",)):
        said = orgs.run("replay", *words, "--to", "eu1", "--yes")
        assert said.code == 1, said
        assert said.writes == []
        assert f"{log}: line 2 is no event of a run" in said.err
        assert "move it away" in said.err
        assert len(said.err.splitlines()) == 2
    (found,) = checks(orgs)
    assert (found["level"], found["org"]) == ("fail", "eu1")
    assert str(log) in found["text"]
    assert "move it away" in found["mend"]
    log.rename(orgs.path / "damaged.ndjson")
    assert checks(orgs) == []
    said = orgs.replay()
    assert said.sent == ["POST /api/v1/monitor"]
    assert sorted(body["name"] for body in orgs.eu1.all("monitors").values()) == ["later", "load"]


def checks(orgs: Pair) -> list[dict[str, Any]]:
    """What `doctor` finds of replays."""
    said = orgs.run("--json", "doctor")
    return [event for event in said.events("check") if event["check"] == "replay"]
