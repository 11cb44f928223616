"""What is told of a replay that has ended: causes together, each in few lines."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, cast

import pytest

from ddsnap.cli.render.replayed import tell_rehearsal
from ddsnap.cli.terminal import Terminal
from ddsnap.core.actions import Action
from ddsnap.core.outcomes import Outcome, Sent
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.values import JSONObject
    from ddsnap.flows.replay_result import Result


class Ended:
    """As much of a result as is told."""

    org = "eu1"
    state = "partial"
    mute_trouble = ""
    trouble = None
    counts: Mapping[str, int] = {"created": 3}

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = [*outcomes]
        self.warnings: list[str] = []
        self.prepared = self
        self.lacking = ()


def told(*outcomes: Outcome, verbosity: int = 0) -> list[str]:
    out = io.StringIO()
    terminal = Terminal(out, io.StringIO(), {})
    terminal.verbosity = verbosity
    tell_rehearsal(terminal, cast("Result", Ended(*outcomes)))
    return out.getvalue().splitlines()


def failed(number: int, error: str) -> Outcome:
    action = Action("create", Address("monitors", str(number)), f"M{number}")
    return Outcome(action, "failed", error=error)


def settled(number: int, *paths: str) -> Outcome:
    action = Action("create", Address("monitors", str(number)), f"M{number}")
    sent = Sent("POST", "/api/v1/monitor", "/api/v1/monitor", 200, "", "create")
    operations: tuple[JSONObject, ...] = tuple({"op": "remove", "path": path} for path in paths)
    return Outcome(action, "done", "9", requests=(sent,), settled=operations)


def test_few_failures_are_told_one_by_one_with_the_request() -> None:
    lines = told(failed(1, "HTTP 400: no (POST /api/v1/monitor)"))
    assert lines == [
        "rehearsal: nothing was written to eu1",
        "failed: monitors 'M1' 1: HTTP 400: no (POST /api/v1/monitor)",
        "1 failed in a copy of eu1",
    ]


@pytest.mark.parametrize("verbosity", [0, 1])
def test_many_of_one_cause_are_told_together(verbosity: int) -> None:
    many = [failed(n, f"HTTP 400: no (PUT /api/v1/monitor/{n})") for n in range(50)]
    lines = told(*many, failed(99, "HTTP 500: oh"), verbosity=verbosity)[1:-1]
    assert lines[0] == "failed (50): HTTP 400: no"
    assert lines[1:4] == ["  monitors 'M0' 0", "  monitors 'M1' 1", "  monitors 'M2' 2"]
    assert lines[-1] == "failed: monitors 'M99' 99: HTTP 500: oh"
    assert len(lines) == (52 if verbosity else 6)
    assert ("  ... and 47 more (-v names all)" in lines) == (not verbosity)


def test_causes_are_cut_too() -> None:
    lines = told(*(failed(n, f"another cause, {n}") for n in range(30)))[1:-1]
    assert len(lines) == 21
    assert lines[-1] == "... and 10 more, of other causes (-v names all)"


def test_what_the_server_made_of_it_is_told_once_for_each_type_and_place() -> None:
    lines = told(
        settled(1, "/options/a", "/tags/0", "/tags/2"),
        settled(2, "/options/a", "/tags/1"),
        settled(3, "/name"),
    )
    assert lines[1:-1] == [
        "settled differently: 2 monitors, first monitors/1: /options/a, /tags/*",
        "settled differently: monitors/3: /name",
    ]
