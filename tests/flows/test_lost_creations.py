"""A creation whose answer was lost: what is taken for it must have been made by it."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from pairs import pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        config = made.path / "ddsnap.yaml"
        config.write_text(config.read_text() + "capture: {concurrency: 1}\n")
        yield made


def lose(orgs: Pair, ago: timedelta, *, after: bool) -> str:
    """Lose the answer to a dashboard's creation; an equal one of that age is there by then."""
    orgs.us1.dashboard("Board")
    orgs.us1.post("/api/v1/dashboard/lists/manual", {"name": "First"})  # written before it
    theirs = orgs.eu1.dashboard("Board")
    body = orgs.eu1.all("dashboards").pop(theirs)

    def meanwhile(sent: Any) -> Any:
        made = datetime.now(timezone.utc) - ago
        body.update(created_at=made.isoformat(), modified_at=made.isoformat())
        orgs.eu1.all("dashboards")[theirs] = body
        return sent

    orgs.sandbox.faults.add(Fault(path="/lists/manual$", org="eu1", writes=True, mangle=meanwhile))
    lost = Fault(path="/dashboard$", org="eu1", method="POST", reset=True, after=after, nth=1)
    orgs.sandbox.faults.add(lost)
    orgs.capture()
    return theirs


def test_what_is_older_than_the_request_is_not_what_it_made(orgs: Pair) -> None:
    theirs = lose(orgs, timedelta(hours=2), after=False)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert (said.code, said.sent.count("POST /api/v1/dashboard")) == (0, 2), said
    (there,) = orgs.ids("dashboards").values()
    assert there != theirs
    undone = orgs.run("replay", "--undo", orgs.run_record()["run"], "--yes")
    assert undone.code == 0, undone
    assert [*orgs.eu1.all("dashboards")] == [theirs]


def test_what_it_made_is_found_beside_an_older_one(orgs: Pair) -> None:
    theirs = lose(orgs, timedelta(hours=2), after=True)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert (said.code, said.sent.count("POST /api/v1/dashboard")) == (0, 1), said
    (there,) = orgs.ids("dashboards").values()
    assert len(orgs.eu1.all("dashboards")) == 2
    assert there != theirs


def test_one_of_two_that_it_may_have_made_is_not_chosen(orgs: Pair) -> None:
    lose(orgs, timedelta(0), after=True)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert said.code == 4
    assert orgs.outcomes()["Board"]["status"] == "ambiguous"


@pytest.mark.parametrize("said", [b"", b"{}", b'{"id": null, "data": null}'])
def test_an_answer_that_names_no_id_is_as_good_as_none(orgs: Pair, said: bytes) -> None:
    orgs.us1.dashboard("Board")
    orgs.us1.team("core")
    orgs.us1.monitor("load")
    for path in ("dashboard$", "team$", "downtime$"):
        fault = Fault(org="eu1", method="POST", path=path, nth=1, after=True, status=200, raw=said)
        orgs.sandbox.faults.add(fault)
    done = orgs.replay(live=False)
    assert len(done.on("/dashboard")) == len(done.on("/team")) == len(done.on("/downtime")) == 1
    (mute,) = orgs.eu1.all("downtime_schedules")
    assert orgs.run_record()["mute"]["id"] == mute
    assert {*orgs.ids("dashboards").values()} == {*orgs.eu1.all("dashboards")}
    assert {*orgs.ids("teams").values()} == {*orgs.eu1.all("teams")}
    assert orgs.run("verify").code == 0
    orgs.settle(live=False)


def test_what_was_made_without_an_id_is_found_by_the_next_run(orgs: Pair) -> None:
    orgs.us1.dashboard("Board")
    told = Fault(org="eu1", method="POST", path="dashboard$", after=True, status=202, raw=b"{}")
    unread = Fault(org="eu1", method="GET", path="dashboard$", nth=range(2, 99), status=400)
    for fault in (told, unread):
        orgs.sandbox.faults.add(fault)
    orgs.replay(code=4)
    orgs.sandbox.faults.clear()
    orgs.settle()
    assert {*orgs.ids("dashboards").values()} == {*orgs.eu1.all("dashboards")}
    assert len(orgs.eu1.all("dashboards")) == 1
