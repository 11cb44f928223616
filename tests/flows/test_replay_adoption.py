"""What is there already is found, converged, and never doubled; what is lost comes back."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from pairs import api, note, pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair, Side


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_a_lost_map_is_rebuilt_by_keys_and_equal_documents(tmp_path: Path) -> None:
    with pair(tmp_path, size=60) as orgs:
        orgs.replay("--allow-self-lockout")
        before = orgs.outcomes()
        made = {title for title, one in before.items() if one["status"] in ("done", "unchanged")}
        orgs.git("update-ref", "-d", "refs/heads/journal/eu1")
        assert orgs.replay("--allow-self-lockout").sent == []
        found = orgs.outcomes()
        assert {found[title]["status"] for title in made} <= {"done", "unchanged"}
        assert "create" not in {found[title]["action"] for title in made}


def test_two_of_one_name_are_refused_with_both_ids(orgs: Pair) -> None:
    ours = orgs.us1.post("/api/v1/synthetics/private-locations", location("Berlin"))
    for _ in range(2):
        orgs.eu1.post("/api/v1/synthetics/private-locations", location("Berlin"))
    there = orgs.eu1.all("synthetics_private_locations")
    said = orgs.replay(code=4)
    assert said.sent == []
    told = orgs.outcomes()["Berlin"]
    assert (told["status"], told["id"]) == ("ambiguous", ours["private_location"]["id"])
    assert all(id_ in told["error"] for id_ in there)
    assert all(id_ in said.out for id_ in there)


def test_one_that_two_want_is_given_to_neither(orgs: Pair) -> None:
    for _ in range(2):
        orgs.us1.post("/api/v1/synthetics/private-locations", location("Berlin"))
    orgs.eu1.post("/api/v1/synthetics/private-locations", location("Berlin"))
    said = orgs.replay(code=4)
    assert said.sent == []
    assert "is wanted by several resources" in said.out


def board(side: Side) -> str:
    return side.dashboard("Twin", note("same"))


def slo(side: Side) -> str:
    return side.slo("Twin")


def board_list(side: Side) -> str:
    return str(side.post("/api/v1/dashboard/lists/manual", {"name": "Twin"})["id"])


NAMELESS = {
    "dashboards": board,
    "service_level_objectives": slo,
    "dashboard_lists": board_list,
}
"""Types that Datadog tells apart by their ids alone."""


@pytest.mark.parametrize("type_name", NAMELESS)
@pytest.mark.parametrize(("ours", "theirs"), [(1, 2), (2, 1), (2, 2)])
def test_equals_of_a_type_without_a_key_are_ambiguous(
    orgs: Pair, type_name: str, ours: int, theirs: int
) -> None:
    here = {NAMELESS[type_name](orgs.us1) for _ in range(ours)}
    there = {NAMELESS[type_name](orgs.eu1) for _ in range(theirs)}
    assert (len(here), len(there)) == (ours, theirs)
    said = orgs.replay(code=4)
    assert said.sent == []
    told = [one for one in outcomes(orgs) if one["id"] in here]
    assert [one["status"] for one in told] == ["ambiguous"] * ours
    for one in told:
        assert all(id_ in one["error"] for id_ in there), one["error"]
    assert all(id_ in said.out for id_ in here | there)


def outcomes(orgs: Pair) -> list[Any]:
    """All outcomes, of one title too."""
    lines = orgs.git("show", "journal/eu1:outcomes.ndjson").splitlines()
    return [json.loads(line) for line in lines]


def test_what_is_adopted_is_brought_to_the_wanted_content_in_the_same_run(orgs: Pair) -> None:
    orgs.us1.team("core", description="wanted")
    orgs.us1.role("Deployers", "dashboards_read", "dashboards_write")
    orgs.us1.post("/api/v1/synthetics/variables", variable("HOST", "wanted"))
    orgs.eu1.team("core", description="other")
    orgs.eu1.role("Deployers", "dashboards_read")
    orgs.eu1.post("/api/v1/synthetics/variables", variable("HOST", "other"))
    said = orgs.replay()
    assert [write.method for write in said.writes if write.method == "POST"] == []
    assert orgs.eu1.one("teams", "core")["attributes"]["description"] == "wanted"
    assert orgs.eu1.one("synthetics_global_variables", "HOST")["description"] == "wanted"
    assert len(orgs.eu1.one("roles", "Deployers")["relationships"]["permissions"]["data"]) == 2
    assert orgs.outcomes()["core"]["action"] == "adopt"
    orgs.settle()


def test_what_datadog_calls_a_duplicate_is_written_over_only_where_somebody_says_so(
    orgs: Pair,
) -> None:
    source = orgs.us1.monitor("load", priority=2)
    there = orgs.eu1.monitor("load", priority=4)
    said = orgs.replay(code=4)
    assert f"--adopt monitors/{source}={there} takes it over, --create-similar creates" in said.out
    assert said.sent == []  # of the same title, and not the same: nobody knows whose it is
    assert orgs.outcomes()["load"]["status"] == "similar"
    before = copy.deepcopy(orgs.eu1.all("monitors"))
    said = orgs.replay("--create-similar", code=4)
    assert said.sent == ["POST /api/v1/monitor"]
    told = orgs.outcomes()["load"]
    way = f"--adopt monitors/{source}={there}"
    assert (told["status"], told["to"]) == ("ambiguous", "")
    assert f"Datadog calls monitors/{there} the same" in told["error"]
    assert way in told["error"]
    assert orgs.eu1.all("monitors") == before
    said = orgs.replay(*way.split())
    assert said.sent == [f"PUT /api/v1/monitor/{there}"]
    told = orgs.outcomes()["load"]
    assert (told["action"], told["origin"], told["to"]) == ("adopt", "adopted", there)
    assert orgs.eu1.all("monitors")[there]["priority"] == 2
    verified(orgs)
    assert undone(orgs) == [f"PUT /api/v1/monitor/{there}"]
    assert orgs.eu1.all("monitors")[there]["priority"] == 4


def test_of_several_alike_one_is_named_by_hand(orgs: Pair) -> None:
    here = orgs.us1.dashboard("Board")
    ids = [orgs.eu1.dashboard("Board", note(text)) for text in ("one", "two")]
    said = orgs.replay(code=4)
    assert "have the same title and another body" in said.out
    assert all(f"dashboards/{id_}" in said.out for id_ in ids)
    assert f"--adopt dashboards/{here}=ID takes one of them over" in said.out
    assert orgs.replay("--adopt", f"dashboards/{here}={ids[1]}").code == 0
    assert orgs.ids("dashboards") == {here: ids[1]}


@pytest.mark.parametrize("priority", [2, 4])
def test_a_duplicate_that_appears_after_the_plan(orgs: Pair, priority: int) -> None:
    """What equals it is taken without a write; anything else is left as it is."""
    orgs.us1.monitor("load", priority=2)

    def meanwhile(sent: Any) -> Any:
        orgs.eu1.monitor("load", priority=priority)
        return sent

    path = "/api/v1/monitor$"
    fault = Fault(path=path, org="eu1", method="POST", nth=1, mangle=meanwhile)
    orgs.sandbox.faults.add(fault)
    said = orgs.replay(code=0 if priority == 2 else 4)
    assert {write.status for write in said.writes} == {200, 400}
    (there,) = orgs.eu1.all("monitors")
    told = orgs.outcomes()["load"]
    if priority == 2:
        assert (told["action"], told["origin"], told["to"]) == ("adopt", "adopted", there)
        assert " created" not in said.out
    else:
        assert (told["status"], told["to"]) == ("moved", "")
        assert f"somebody has made monitors/{there} since the plan was made" in told["error"]
    verified(orgs)
    assert undone(orgs) == []
    assert orgs.eu1.all("monitors")[there]["priority"] == priority


def test_a_duplicate_of_what_a_lost_request_has_made_is_its_work(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    path = "/api/v1/monitor$"
    fault = orgs.sandbox.faults.add
    fault(Fault(path=path, org="eu1", method="POST", nth=1, after=True, reset=True))
    orgs.capture()
    orgs.run("-q", "capture", "eu1")
    fault(Fault(path=path, org="eu1", method="GET", nth=range(2, 9), empty=True))
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live", "--timeout", "1s")
    assert said.code == 0, said.out
    assert [write.status for write in said.writes] == [0, 400]
    (there,) = orgs.eu1.all("monitors")
    told = orgs.outcomes()["load"]
    assert (told["action"], told["origin"], told["to"]) == ("create", "created", there)
    orgs.sandbox.faults.clear()
    verified(orgs)
    assert undone(orgs) == [f"DELETE /api/v1/monitor/{there}"]


def test_a_downtime_that_was_not_listed_is_left_alone_and_adopted_once_it_is(orgs: Pair) -> None:
    for side, message in ((orgs.us1, "wanted"), (orgs.eu1, "other")):
        side.post("/api/v2/downtime", downtime("env:x", message))
    (there,) = orgs.eu1.all("downtime_schedules")
    orgs.sandbox.faults.add(Fault(path="/api/v2/downtime$", org="eu1", skip=there, times=1))
    said = orgs.replay(code=4)
    assert [write.status for write in said.on("/api/v2/downtime", "POST")] == [400]
    assert orgs.outcomes()["wanted"]["status"] == "moved"
    assert orgs.replay().sent == [f"PATCH /api/v2/downtime/{there}"]
    assert list(orgs.eu1.all("downtime_schedules")) == [there]
    assert orgs.eu1.all("downtime_schedules")[there]["attributes"]["message"] == "wanted"
    assert orgs.outcomes()["wanted"]["action"] == "adopt"
    orgs.settle()


UNIQUE = {
    "roles": ("/api/v2/roles", api("roles", {"name": "thing"})),
    "users": ("/api/v2/users", api("users", {"email": "thing@e.example"})),
    "teams": ("/api/v2/team", api("team", {"handle": "thing", "name": "thing"})),
    "logs_metrics": (
        "/api/v2/logs/config/metrics",
        api(
            "logs_metrics",
            {"filter": {"query": "*"}, "compute": {"aggregation_type": "count"}},
            id="thing",
        ),
    ),
    "logs_indexes": (
        "/api/v1/logs/config/indexes",
        {"name": "thing", "filter": {"query": "*"}, "num_retention_days": 15},
    ),
    "synthetics_global_variables": (
        "/api/v1/synthetics/variables",
        {"name": "THING", "description": "", "tags": [], "value": {"value": "v"}},
    ),
}


@pytest.mark.parametrize("type_name", UNIQUE)
def test_what_somebody_made_after_the_plan_is_not_made_again(orgs: Pair, type_name: str) -> None:
    """Datadog refuses the second of a name (409), or it is seen just before."""
    path, body = UNIQUE[type_name]
    orgs.us1.post(path, body)
    table = orgs.eu1.all(type_name)
    before = set(table)
    orgs.eu1.post(path, body)
    (there,) = set(table) - before
    made = table.pop(there)

    def meanwhile(sent: object) -> object:
        orgs.eu1.all(type_name)[there] = made
        return sent

    orgs.sandbox.faults.add(Fault(path=f"{path}$", org="eu1", writes=True, mangle=meanwhile))
    said = orgs.replay()
    assert set(orgs.eu1.all(type_name)) - before == {there}, said.out
    assert len(said.on(path, "POST")) == 1
    assert there in orgs.ids(type_name).values()
    (told,) = (one for one in orgs.outcomes().values() if one["requests"] or one["to"] == there)
    assert (told["action"], told["origin"]) == ("adopt", "adopted")
    orgs.settle()


def test_what_somebody_made_otherwise_after_the_plan_is_left_to_the_next_one(orgs: Pair) -> None:
    orgs.us1.team("core", description="wanted")

    def meanwhile(sent: Any) -> Any:
        orgs.eu1.team("core", description="other")
        return sent

    fault = Fault(path="/api/v2/team$", org="eu1", method="POST", nth=1, mangle=meanwhile)
    orgs.sandbox.faults.add(fault)
    said = orgs.replay(code=4)
    assert said.on("", "PATCH") == []
    assert orgs.outcomes()["core"]["status"] == "moved"
    verified(orgs)
    (there,) = orgs.eu1.all("teams")
    assert orgs.replay().sent == [f"PATCH /api/v2/team/{there}"]
    told = orgs.outcomes()["core"]
    assert (told["action"], told["origin"]) == ("adopt", "adopted")
    verified(orgs)
    assert undone(orgs) == [f"PATCH /api/v2/team/{there}"]
    assert orgs.eu1.one("teams", "core")["attributes"]["description"] == "other"


def test_what_was_deleted_by_hand_is_made_again_and_its_dependents_follow(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    alert = {"type": "alert_graph", "alert_id": monitor, "viz_type": "timeseries"}
    board = orgs.us1.dashboard("Board", alert)
    other = orgs.us1.monitor("other", query="avg(last_5m):avg:other{*} > 1")
    both = f"{monitor} && {other}"
    orgs.us1.monitor("both", type="composite", query=both, options={})
    orgs.replay()
    lost, kept = orgs.ids("monitors")[monitor], orgs.ids("dashboards")[board]
    orgs.eu1.delete(f"/api/v1/monitor/{lost}?force=true")
    orgs.replay()
    new = orgs.ids("monitors")[monitor]
    assert new != lost
    assert orgs.ids("dashboards") == {board: kept}
    (widget,) = orgs.eu1.all("dashboards")[kept]["widgets"]
    assert widget["definition"]["alert_id"] == new
    assert new in orgs.eu1.one("monitors", "both")["query"]
    orgs.settle()


def test_what_was_edited_by_hand_is_planned_and_repaired(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    orgs.replay()
    there = orgs.eu1.all("dashboards")[orgs.ids("dashboards")[board]]
    edited = {"title": "Edited", "layout_type": "ordered", "widgets": there["widgets"]}
    orgs.eu1.put(f"/api/v1/dashboard/{there['id']}", edited)
    (action,) = (one for one in orgs.plan() if one["id"] == board)
    assert (action["action"], action["patch"]) == (
        "update",
        [{"op": "replace", "path": "/title", "value": "Board"}],
    )
    assert orgs.replay().sent == [f"PUT /api/v1/dashboard/{there['id']}"]
    assert orgs.eu1.all("dashboards")[there["id"]]["title"] == "Board"
    orgs.settle()


def verified(orgs: Pair) -> None:
    said = orgs.run("verify")
    assert said.code == 0, said.out


def undone(orgs: Pair) -> list[str]:
    """Take the last run back; return what that sent."""
    said = orgs.run("replay", "--undo", orgs.run_record()["run"], "--to", "eu1", "--yes")
    assert said.code == 0, said.out
    return said.sent


def location(name: str) -> object:
    return {"name": name, "description": "", "tags": []}


def variable(name: str, description: str) -> object:
    return {"name": name, "description": description, "tags": [], "value": {"value": "v"}}


def downtime(scope: str, message: str) -> object:
    identifier = {"monitor_tags": ["*"]}
    attributes = {"scope": scope, "message": message, "monitor_identifier": identifier}
    return api(
        "downtime",
        {
            **attributes,
            "schedule": {"start": "2098-01-01T00:00:00+00:00", "end": "2099-01-01T00:00:00+00:00"},
        },
    )


def test_what_is_adopted_and_what_of_it_is_changed_is_counted(orgs: Pair) -> None:
    for name in ("red", "blue"):
        orgs.us1.team(name, description="theirs")
        orgs.eu1.team(name, description="theirs" if name == "red" else "another")
    orgs.capture()
    planned = orgs.run("plan", "us1", "teams", "--to", "eu1", "--no-dependencies")
    assert "2 to adopt (1 of them changed)" in planned.out
    said = orgs.replay("teams", "--no-dependencies")
    assert "eu1: 2 adopted (1 of them changed) -> journal/eu1" in said.out
    assert orgs.run_record()["counts"] == {"adopted": 1, "unchanged": 1}
    assert orgs.run("verify").code == 0
