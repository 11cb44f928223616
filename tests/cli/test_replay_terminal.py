"""A replay at a terminal: bars while it reads and writes, and the question in between."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from two_orgs import two_orgs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from two_orgs import TwoOrgs

PATIENCE = 60.0


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        yield desk


@dataclass(frozen=True)
class Seen:
    """What a person saw, and what standard output got."""

    code: int
    screen: str
    out: str


def at_a_terminal(
    desk: TwoOrgs, *argv: str, answer: bytes = b"", meanwhile: Callable[[], object] = list
) -> Seen:
    """Run a command at a terminal of its own; answer its question, after something else."""
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "ddsnap", "-C", str(desk.path), *argv]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    with subprocess.Popen(
        words, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=env
    ) as process:
        os.close(theirs)
        screen = _watch(ours, answer, meanwhile)
        out = process.stdout.read() if process.stdout else b""
        process.wait(PATIENCE)
    os.close(ours)
    return Seen(process.returncode, screen.decode(errors="replace"), out.decode())


def _watch(number: int, answer: bytes, meanwhile: Callable[[], object]) -> bytes:
    """Read all that is shown; answer once something is asked."""
    screen, until = b"", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if not select.select([number], [], [], 1)[0]:
            continue
        try:
            chunk = os.read(number, 65536)
        except OSError:  # nobody writes any more
            break
        if not chunk:
            break
        screen += chunk
        if answer and b"[y/N]" in screen:
            meanwhile()
            os.write(number, answer)
            answer = b""
    return screen


def test_the_question_says_how_much_and_yes_writes(desk: TwoOrgs) -> None:
    argv = ("replay", "us1", "monitors", "--to", "eu1")
    seen = at_a_terminal(desk, *argv, answer=b"y\n")
    assert seen.code in (0, 4), seen.screen
    asked = re.search(r"Write this to eu1 \((\d+) to create, .*\)\? \[y/N\]", seen.screen)
    assert asked is not None, seen.screen
    assert f"to create ({asked[1]})" in seen.out
    assert "reading eu1" in seen.screen
    assert "writing to eu1" in seen.screen
    assert "to take it back: ddsnap replay --undo" in seen.out
    assert "\x1b" not in seen.out
    assert desk.sandbox.writes


def test_what_moves_while_it_is_asked_is_left_alone_and_so_is_who_needs_it(desk: TwoOrgs) -> None:
    words = ("replay", "us1", "monitors", "--to", "eu1", "--live")
    desk.run(*words, "--yes")
    monitors = desk.us1.resources("monitors")
    composite = next(id_ for id_, body in monitors.items() if body["type"] == "composite")
    needed = next(id_ for id_ in monitors if id_ in monitors[composite]["query"])
    other = next(id_ for id_ in monitors if id_ not in monitors[composite]["query"] + composite)
    for id_ in (composite, needed, other):
        monitors[id_]["message"] += " Changed."
        monitors[id_]["modified"] = "2030-01-01T00:00:00+00:00"
    desk.capture()
    there = {body["name"]: body for body in desk.eu1.resources("monitors").values()}

    def edit() -> None:
        there[monitors[needed]["name"]].update(
            message="Mine.", modified="2030-01-02T00:00:00+00:00"
        )

    seen = at_a_terminal(desk, *words, answer=b"y\n", meanwhile=edit)
    assert seen.code == 4, seen.screen
    assert there[monitors[needed]["name"]]["message"] == "Mine."
    there = {body["name"]: body for body in desk.eu1.resources("monitors").values()}
    assert "Changed." not in there[monitors[composite]["name"]]["message"]
    assert there[monitors[other]["name"]]["message"].endswith("Changed.")
    assert f"monitors/{needed}, which it needs, has moved" in seen.out


@pytest.mark.parametrize(("answer", "code"), [(b"n\n", 6), (b"\n", 6), (b"\x04", 130)])
def test_anything_else_writes_nothing(desk: TwoOrgs, answer: bytes, code: int) -> None:
    seen = at_a_terminal(desk, "replay", "us1", "monitors", "--to", "eu1", answer=answer)
    assert seen.code == code, seen.screen
    assert desk.sandbox.writes == []
    assert "--resume" not in seen.screen
    assert desk.git("for-each-ref", "refs/heads/journal/eu1") == ""


def test_a_rehearsal_asks_nothing(desk: TwoOrgs) -> None:
    seen = at_a_terminal(desk, "replay", "us1", "monitors", "--to", "eu1", "--rehearse")
    assert seen.code in (0, 4), seen.screen
    assert "rehearsing eu1" in seen.screen
    assert "[y/N]" not in seen.screen
    assert desk.sandbox.writes == []


def test_programs_are_told_how_far_it_is(desk: TwoOrgs) -> None:
    said = desk.run("--json", "replay", "us1", "monitors", "--to", "eu1", "--yes")
    told = said.of("progress")
    assert told
    for event in told:
        assert set(event) == {"event", "org", "done", "total"}
        assert 0 <= event["done"] <= event["total"]


def test_whoever_breaks_off_at_the_question_is_told_on_another_line(desk: TwoOrgs) -> None:
    seen = at_a_terminal(desk, "replay", "us1", "monitors", "--to", "eu1", answer=b"\x04")
    assert seen.code == 130
    (line,) = (line for line in seen.screen.splitlines() if "interrupted: nothing is half" in line)
    assert line.startswith(("error: ", "\x1b[31merror: "))
    assert desk.sandbox.writes == []
