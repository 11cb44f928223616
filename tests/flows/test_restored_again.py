"""Restoring what a restore that was taken back had brought once: it is the same resource."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pairs import pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Said


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def done(orgs: Pair, *words: str) -> Said:
    said = orgs.run(*words, "--yes")
    assert said.code == 0, said
    assert orgs.run("verify").code == 0
    return said


def last(orgs: Pair) -> str:
    return str(json.loads(orgs.git("show", "journal/us1:run.json"))["run"])


def undo(orgs: Pair, run: str = "") -> None:
    done(orgs, "replay", "--undo", run or last(orgs), "--to", "us1")


@pytest.mark.parametrize("by", ["title", "id", "other id"])
@pytest.mark.parametrize("times", [1, 3])
def test_what_points_at_it_is_pointed_at_it_again(orgs: Pair, by: str, times: int) -> None:
    monitor = orgs.us1.monitor("load")
    shown = {"type": "alert_graph", "alert_id": monitor, "viz_type": "timeseries"}
    orgs.us1.dashboard("Board", shown)
    orgs.capture()
    orgs.us1.delete(f"/api/v1/monitor/{monitor}")
    orgs.capture()
    done(orgs, "restore", "us1", "monitors/load")
    (other,) = orgs.us1.all("monitors")
    for _ in range(times):  # undone, undone again, ...
        undo(orgs)
    assert orgs.us1.all("monitors") == {}
    word = {"title": "load", "id": monitor, "other id": other}[by]
    done(orgs, "restore", "us1", f"monitors/{word}")
    (there,) = orgs.us1.all("monitors")
    board = orgs.us1.one("dashboards", "Board")
    assert board["widgets"][0]["definition"]["alert_id"] == there


def test_what_somebody_changed_after_it_was_restored_is_what_comes_back(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    orgs.capture()
    orgs.us1.delete(f"/api/v1/monitor/{monitor}")
    orgs.capture()
    done(orgs, "restore", "us1", "monitors/load")
    run = last(orgs)
    (other,) = orgs.us1.all("monitors")
    orgs.us1.put(f"/api/v1/monitor/{other}", {"message": "hours of work"})
    orgs.capture()
    orgs.us1.delete(f"/api/v1/monitor/{other}")
    undo(orgs, run)
    done(orgs, "restore", "us1", "monitors/load")
    assert orgs.us1.one("monitors", "load")["message"] == "hours of work"
