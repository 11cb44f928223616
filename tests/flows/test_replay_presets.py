"""What Datadog has in every org and lists in none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pairs import note, pair

from ddsnap.sandbox import Fault
from ddsnap.sandbox.resources.powerpacks import PRESET

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

ONE = "/api/v2/powerpacks"
UNKNOWN = "abcdef01-2222-4333-8444-555555555555"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def showing(powerpack: str) -> dict[str, Any]:
    return {"type": "powerpack", "powerpack_id": powerpack}


def grouped(*definitions: Any) -> dict[str, Any]:
    widgets = [{"definition": one} for one in definitions]
    return {"type": "group", "layout_type": "ordered", "widgets": widgets}


def test_a_preset_powerpack_stays_as_it_is(orgs: Pair) -> None:
    orgs.us1.dashboard("Board", showing(PRESET))
    orgs.us1.dashboard("Deep", grouped(showing(PRESET), note("x")))
    said = orgs.replay()
    (widget,) = orgs.eu1.one("dashboards", "Board")["widgets"]
    assert widget["definition"]["powerpack_id"] == PRESET
    assert PRESET not in said.out
    assert orgs.sandbox.requests["eu1", "GET", f"{ONE}/{{powerpack_id}}", 200] == 1
    orgs.settle()
    assert orgs.run("verify").code == 0


def test_what_is_no_preset_blocks(orgs: Pair) -> None:
    orgs.us1.dashboard("Board", showing(UNKNOWN))
    orgs.replay(code=4)
    told = orgs.outcomes()["Board"]
    assert told["error"] == f"powerpacks/{UNKNOWN} is gone from the source"


def test_the_org_is_asked_again_by_the_next_replay(orgs: Pair) -> None:
    orgs.us1.dashboard("Board", showing(PRESET))
    fault = orgs.sandbox.faults.add(Fault(path=f"{ONE}/", org="eu1", method="GET", status=403))
    for _ in range(3):
        orgs.replay(code=4)
    orgs.sandbox.faults.remove(fault)
    assert orgs.replay().sent == ["POST /api/v1/dashboard"]


def test_a_rehearsal_knows_the_presets_of_the_org(orgs: Pair) -> None:
    orgs.us1.dashboard("Board", showing(PRESET))
    orgs.capture()
    said = orgs.run("replay", "us1", "--to", "eu1", "--rehearse")
    assert (said.code, said.writes) == (0, [])


def test_restoring_says_nothing_of_presets(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board", showing(PRESET))
    orgs.capture()
    orgs.us1.all("dashboards").pop(board)
    said = orgs.run("restore", "us1", f"dashboards/{board}", "--yes")
    assert said.code == 0
    assert PRESET not in said.out
