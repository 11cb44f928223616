"""What Datadog would not undelete is made anew, and what pointed at it points at the new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import Pair, note, pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def lost(tmp_path: Path) -> Iterator[Pair]:
    """A dashboard that is gone for good, four others that link to it, and a list that held it."""
    with pair(tmp_path) as made:
        us1 = made.us1
        board = us1.dashboard("Lost")
        for number in range(4):
            us1.dashboard(f"Other {number}", note(f"see /dashboard/{board} for more"))
        made.capture()
        del us1.all("dashboards")[board]
        made.lost = board
        yield made


def texts(orgs: Pair) -> dict[str, str]:
    """The note of each dashboard by its title."""
    return {
        body["title"]: body["widgets"][0]["definition"]["content"]
        for body in orgs.us1.all("dashboards").values()
    }


@pytest.mark.parametrize("words", [(), ("ONE",)])
def test_all_links_lead_to_the_new_one_in_the_same_run(lost: Pair, words: tuple[str, ...]) -> None:
    what = f"dashboards/{lost.lost}" if words else "dashboards"
    said = lost.run("restore", "us1", what, "--yes")
    assert said.code == 0, said
    new = next(id_ for id_, body in lost.us1.all("dashboards").items() if body["title"] == "Lost")
    assert f"dashboards/{lost.lost} could not be undeleted and is {new} now" in said.err
    found = texts(lost)
    assert [found[f"Other {n}"] for n in range(4)] == [f"see /dashboard/{new} for more"] * 4
    assert "4 updated" in said.out
    assert lost.run("verify").code == 0, lost.run("verify").out
    assert lost.run("restore", "us1", what, "--yes").sent == []
    run = next(
        e for e in lost.run("--json", "log", "us1").events("run") if "created" in e["summary"]
    )
    assert lost.run("replay", "--undo", run["run"], "--to", "us1", "--yes").code == 0
    assert [text for title, text in texts(lost).items()] == [
        f"see /dashboard/{lost.lost} for more"
    ] * 4


def test_a_saved_plan_writes_nothing_that_it_does_not_say(lost: Pair) -> None:
    file = str(lost.path.parent / "plan.json")
    what = f"dashboards/{lost.lost}"
    assert lost.run("plan", "us1", what, "--to", "us1", "--out", file).code == 0
    said = lost.run("replay", "--plan", file, "--yes")
    assert said.code == 4
    assert [write.method for write in said.writes if write.status < 400].count("PUT") <= 1
    assert said.err.count(lost.lost) == 1
    assert len(said.err.split("these still point at an id that is lost: ")[1].split(", ")) == 4


def test_what_could_not_be_pointed_anew_is_named_with_the_command(lost: Pair) -> None:
    others = [
        id_
        for id_, body in lost.us1.all("dashboards").items()
        if body["title"] in ("Other 1", "Other 3")
    ]
    for id_ in others:
        lost.sandbox.faults.add(
            Fault(org="us1", method="PUT", path=f"/api/v1/dashboard/{id_}", status=400)
        )
    said = lost.run("restore", "us1", f"dashboards/{lost.lost}", "--yes")
    assert said.code == 4
    names = ", ".join(f"dashboards/{id_}" for id_ in sorted(others))
    assert f"these still point at an id that is lost: {names}" in said.err
    (again,) = (line for line in said.out.splitlines() if line.startswith("again: "))
    lost.sandbox.faults.clear()
    assert lost.run(*again.split()[2:], "--yes").code == 0
    assert lost.lost not in str(lost.us1.all("dashboards"))
