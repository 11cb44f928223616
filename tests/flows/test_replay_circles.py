"""Circles of references: closed by a second write, which may fail, or come to what is there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import note, pair, probe

from ddsnap.errors import Refused
from ddsnap.flows.lease import Lease
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Side

HOST = "https://app.datadoghq.com"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def two_boards(side: Side) -> tuple[str, str]:
    """Two dashboards that link to each other."""
    first = side.dashboard("A")
    second = side.dashboard("B", note(f"see {HOST}/dashboard/{first}"))
    widgets = [{"definition": note(f"see {HOST}/dashboard/{second}")}]
    body = {"title": "A", "layout_type": "ordered", "widgets": widgets}
    side.put(f"/api/v1/dashboard/{first}", body)
    return first, second


def link_of(side: Side, title: str) -> str:
    return side.one("dashboards", title)["widgets"][0]["definition"]["content"].rpartition("/")[2]


def sound(orgs: Pair) -> None:
    said = orgs.run("verify")
    assert said.code == 0, said


def refused_closing(orgs: Pair) -> None:
    """Replay a circle whose second write is refused."""
    orgs.us1.role("Ops")
    fault = orgs.sandbox.faults.add(
        Fault(org="eu1", method="PUT", path="/api/v1/dashboard/", status=400)
    )
    orgs.replay("dashboards", code=4)
    orgs.sandbox.faults.remove(fault)


def test_what_was_made_is_known_although_its_circle_could_not_be_closed(orgs: Pair) -> None:
    first, second = two_boards(orgs.us1)
    refused_closing(orgs)
    mapped = orgs.ids("dashboards")
    assert set(mapped) == {first, second}
    assert set(mapped.values()) == set(orgs.eu1.all("dashboards"))
    sound(orgs)
    orgs.replay("roles")
    orgs.replay()
    assert orgs.ids("dashboards") == mapped
    assert link_of(orgs.eu1, "A") == mapped[second]
    assert link_of(orgs.eu1, "B") == mapped[first]
    orgs.settle()
    sound(orgs)


def test_what_was_made_is_taken_back_although_its_circle_could_not_be_closed(orgs: Pair) -> None:
    two_boards(orgs.us1)
    refused_closing(orgs)
    run = orgs.run_record()["run"]
    assert orgs.run("replay", "--undo", run, "--to", "eu1", "--yes").code == 0
    sound(orgs)
    assert orgs.eu1.all("dashboards") == {}


def test_what_is_there_and_loud_stays_so_when_a_circle_is_closed(orgs: Pair) -> None:
    """It is written once, when what it refers to is there: never with the source's ids."""
    us1, eu1 = orgs.us1, orgs.eu1
    board = us1.dashboard("D")
    link = f"see {HOST}/dashboard/{board}"
    monitor = us1.monitor("M", message=link)
    test = us1.post("/api/v1/synthetics/tests/api", probe("T", message=link, status="live"))
    widgets = [
        {"definition": {"type": "alert_graph", "alert_id": monitor, "viz_type": "timeseries"}},
        {"definition": note(f"{HOST}/synthetics/details/{test['public_id']}")},
    ]
    body = {"title": "D", "layout_type": "ordered", "widgets": widgets}
    us1.put(f"/api/v1/dashboard/{board}", body)
    orgs.replay(live=False)
    unmuted = orgs.run("migration", "unmute", "--to", "eu1", "--yes", "--resume-tests")
    assert unmuted.code == 0, unmuted
    (lost,) = eu1.all("dashboards")
    eu1.delete(f"/api/v1/dashboard/{lost}")
    said = orgs.replay(live=False)
    there = f"see {HOST}/dashboard/{orgs.ids('dashboards')[board]}"
    written = [write for write in said.writes if write.method == "PUT"]
    assert sorted(write.body["message"] for write in written) == [there, there]
    assert eu1.one("monitors", "M")["tags"] == []
    assert eu1.one("monitors", "M")["message"] == there
    assert eu1.one("synthetics_tests", "T")["status"] == "live"
    sound(orgs)
    orgs.settle(live=False)


def test_what_was_made_is_restricted_whoever_has_taken_the_run_over(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    board = orgs.us1.dashboard("Secret board")
    orgs.us1.restrict(f"dashboard:{board}", editor=[f"user:{orgs.us1.org.owner}"])
    checks = iter([False])

    def check_time(_: Lease) -> None:
        if next(checks, True):
            raise Refused("the remote was not told in time that the replay goes on")

    monkeypatch.setattr(Lease, "check_time", check_time)
    orgs.replay()
    there = orgs.eu1.one("dashboards", "Secret board")["id"]
    assert orgs.eu1.policy(f"dashboard:{there}") == {"editor": [f"user:{orgs.eu1.org.owner}"]}
