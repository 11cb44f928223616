"""What somebody makes at the destination while a replay waits, or goes on, is not made twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pairs import pair

from ddsnap.flows import newcomers
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pairs import Pair

    Make = Callable[[Any], str]

OLD = -100.0
"""Makes any listing count as old: the server's clock tells no more than seconds, and may go back
by one."""

LOCATIONS = "/api/v1/synthetics/private-locations"


@pytest.fixture
def orgs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    """Whatever was listed a moment ago counts as old."""
    monkeypatch.setattr(newcomers, "FRESH", OLD)
    with pair(tmp_path) as made:
        config = made.path / "ddsnap.yaml"
        config.write_text(config.read_text() + "capture: {concurrency: 1}\n")
        yield made


def board(side: Any, **more: Any) -> str:
    return str(side.dashboard("Board", **more))


def location(side: Any, **more: Any) -> str:
    body = {"name": "Berlin", "description": "", "tags": [], **more}
    return str(side.post(LOCATIONS, body)["private_location"]["id"])


def meanwhile(orgs: Pair, type_name: str, make: Callable[[], str]) -> str:
    """Let somebody make this at the destination once the replay has begun to write."""
    id_ = make()
    body = orgs.eu1.all(type_name).pop(id_)

    def put(sent: Any) -> Any:
        orgs.eu1.all(type_name)[id_] = body
        return sent

    orgs.us1.post("/api/v1/dashboard/lists/manual", {"name": "First"})  # written before it
    orgs.sandbox.faults.add(Fault(path="/lists/manual$", org="eu1", writes=True, mangle=put))
    return id_


@pytest.mark.parametrize("more", [{}, {"description": "theirs"}], ids=["equal", "similar"])
@pytest.mark.parametrize(
    ("type_name", "make"),
    [("dashboards", board), ("synthetics_private_locations", location)],
)
def test_what_somebody_made_since_is_named_and_not_doubled(
    orgs: Pair, type_name: str, make: Make, more: dict[str, Any]
) -> None:
    source = make(orgs.us1)
    theirs = meanwhile(orgs, type_name, lambda: make(orgs.eu1, **more))  # type: ignore[call-arg]
    said = orgs.replay(code=4)
    assert [*orgs.eu1.all(type_name)] == [theirs]
    (told,) = (one for one in orgs.outcomes().values() if one["id"] == source)
    assert told["status"] == "moved"
    assert f"somebody has made {type_name}/{theirs}" in said.out
    orgs.sandbox.faults.clear()
    if not more:
        orgs.settle()
        assert orgs.ids(type_name) == {source: theirs}


def test_what_needs_it_is_left_alone_too(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    orgs.us1.dashboard("Board", {"type": "alert_graph", "alert_id": monitor, "viz_type": "toplist"})
    meanwhile(orgs, "monitors", lambda: orgs.eu1.monitor("load", message="theirs"))
    said = orgs.replay(code=4)
    assert said.on("/dashboard", "POST")[1:] == []
    assert "has moved" in orgs.outcomes()["Board"]["error"]


def test_beside_what_is_similar_it_is_made_where_that_is_asked(orgs: Pair) -> None:
    orgs.us1.dashboard("Board")
    meanwhile(orgs, "dashboards", lambda: orgs.eu1.dashboard("Board", description="theirs"))
    orgs.replay("--create-similar")
    assert len(orgs.eu1.all("dashboards")) == 2


def test_what_is_equal_is_not_made_beside(orgs: Pair) -> None:
    orgs.us1.dashboard("Board")
    meanwhile(orgs, "dashboards", lambda: orgs.eu1.dashboard("Board"))
    orgs.replay("--create-similar", code=4)
    assert len(orgs.eu1.all("dashboards")) == 1


def test_what_the_run_itself_makes_is_nobody_else_s(orgs: Pair) -> None:
    config = orgs.path / "ddsnap.yaml"
    config.write_text(config.read_text().replace("concurrency: 1", "concurrency: 8"))
    for nth in range(12):
        orgs.us1.dashboard("Board", description=f"number {nth}")
    orgs.replay()
    assert len(orgs.eu1.all("dashboards")) == 12


def test_what_cannot_be_listed_is_not_made(orgs: Pair) -> None:
    orgs.us1.dashboard("Board")
    orgs.us1.monitor("load")
    orgs.capture()
    orgs.run("-q", "capture", "eu1")
    listing = Fault(path="/api/v1/dashboard$", org="eu1", method="GET", nth=2, status=403)
    orgs.sandbox.faults.add(listing)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert said.code == 4
    assert orgs.eu1.all("dashboards") == {}
    assert len(orgs.eu1.all("monitors")) == 1


def test_what_was_just_listed_is_not_listed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = {}
    for fresh in (60.0, OLD):
        monkeypatch.setattr(newcomers, "FRESH", fresh)
        with pair(tmp_path / str(fresh)) as orgs:
            orgs.us1.dashboard("Board")
            orgs.us1.dashboard("Other")
            listing = Fault(path="/api/v1/dashboard$", org="eu1", method="GET", latency=0.001)
            orgs.sandbox.faults.add(listing)
            orgs.replay()
            counted[fresh] = orgs.sandbox.faults.struck(listing)
    assert 0 < counted[60.0] < counted[OLD]
