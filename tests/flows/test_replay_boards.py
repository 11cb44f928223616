"""Dashboards, their lists, powerpacks, notebooks and objectives, from one org to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import api, note, pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from pairs import Pair

LISTS = "/api/v1/dashboard/lists/manual"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_a_dashboard_that_is_read_only_there_is_never_cloned(orgs: Pair) -> None:
    orgs.us1.dashboard("Board", note("1"))
    orgs.us1.dashboard("Other")
    orgs.replay()
    there = orgs.eu1.one("dashboards", "Board")
    there["is_read_only"] = True
    board = orgs.us1.one("dashboards", "Board")
    board["widgets"] = [{"id": 1, "definition": note("2")}]
    board["modified_at"] = "2099-01-01T00:00:00+00:00"
    said = orgs.replay(code=4)
    assert said.sent == [f"PUT /api/v1/dashboard/{there['id']}"]
    assert len(orgs.eu1.all("dashboards")) == 2
    told = orgs.outcomes()["Board"]
    assert told["status"] == "failed"
    assert "403" in told["error"]


def test_a_dashboard_that_is_read_only_for_others_is_told_in_the_plan(orgs: Pair) -> None:
    orgs.us1.dashboard("Board", note("1"))
    orgs.replay()
    there = orgs.eu1.one("dashboards", "Board")
    there.update(is_read_only=True, author_handle="ann@e.example")
    orgs.settle()  # it is as it shall be
    board = orgs.us1.one("dashboards", "Board")
    board["widgets"] = [{"id": 1, "definition": note("2")}]
    board["modified_at"] = "2099-01-01T00:00:00+00:00"
    assert [one["title"] for one in orgs.plan() if one["action"] == "blocked"] == ["Board"]
    assert orgs.replay(code=4).sent == []
    assert "its author, ann@e.example" in orgs.outcomes()["Board"]["error"]
    there["is_read_only"] = False
    assert orgs.replay().sent == [f"PUT /api/v1/dashboard/{there['id']}"]


def test_what_only_datadog_says_of_a_dashboard_is_never_sent(orgs: Pair) -> None:
    board = orgs.us1.dashboard("Board")
    orgs.us1.all("dashboards")[board]["is_read_only"] = True
    orgs.replay()
    assert orgs.eu1.one("dashboards", "Board").get("is_read_only") in (None, False)
    for write in orgs.sandbox.writes:
        for name in ("is_read_only", "url", "author_handle", "created_at", "modified_at"):
            assert name not in (write.body if write.org == "eu1" else {})


def test_whom_a_dashboard_notifies_is_sent_as_far_as_known(orgs: Pair) -> None:
    for email in ("a@e.example", "b@e.example"):
        orgs.us1.user(email)
    orgs.eu1.user("a@e.example")
    orgs.us1.dashboard("Board", notify_list=["a@e.example", "b@e.example"])
    said = orgs.replay("dashboards", "--no-dependencies")
    assert orgs.eu1.one("dashboards", "Board")["notify_list"] == ["a@e.example"]
    assert "b@e.example" in said.out
    orgs.settle("dashboards", "--no-dependencies")


def test_a_list_keeps_what_is_of_integrations_and_what_only_it_has_there(orgs: Pair) -> None:
    ours, theirs = orgs.us1.dashboard("Ours"), orgs.eu1.dashboard("Theirs")
    members(orgs.us1, "Mine", [("custom_timeboard", ours), ("integration_timeboard", "81")])
    orgs.replay()
    there = orgs.eu1.one("dashboard_lists", "Mine")
    board = orgs.ids("dashboards")[ours]
    wanted = [("custom_timeboard", board), ("integration_timeboard", "81")]
    assert shown(there) == sorted(wanted)
    path = f"/api/v2/dashboard/lists/manual/{there['id']}/dashboards"
    orgs.eu1.post(path, {"dashboards": [{"type": "custom_timeboard", "id": theirs}]})
    orgs.settle()
    new = orgs.us1.dashboard("New")
    mine = orgs.us1.one("dashboard_lists", "Mine")
    mine["dashboards"].append({"type": "custom_timeboard", "id": new})
    orgs.replay()
    added = ("custom_timeboard", orgs.ids("dashboards")[new])
    assert shown(orgs.eu1.one("dashboard_lists", "Mine")) == sorted(
        [*wanted, added, ("custom_timeboard", theirs)]
    )
    orgs.settle()


def test_what_was_taken_off_a_list_goes_with_consent_alone(orgs: Pair) -> None:
    first, second, gone = (orgs.us1.dashboard(title) for title in ("A", "B", "gone"))
    list_ = orgs.us1.post(LISTS, {"name": "L"})["id"]
    here = f"/api/v2/dashboard/lists/manual/{list_}/dashboards"
    orgs.us1.put(here, {"dashboards": [board_of(one) for one in (first, second, gone)]})
    orgs.replay()
    there = orgs.ids("dashboards")
    theirs = board_of(orgs.eu1.dashboard("theirs"))
    own = orgs.eu1.one("dashboard_lists", "L")
    path = f"/api/v2/dashboard/lists/manual/{own['id']}/dashboards"
    orgs.eu1.send("POST", path, {"dashboards": [theirs]})
    orgs.us1.put(here, {"dashboards": [board_of(first)]})
    orgs.us1.delete(f"/api/v1/dashboard/{gone}")
    assert orgs.replay().sent == []
    said = orgs.replay("--delete")
    assert said.sent == [f"PUT {path}", f"DELETE /api/v1/dashboard/{there[gone]}"]
    kept = {one["id"] for one in said.writes[0].body["dashboards"]}
    assert kept == {there[first], theirs["id"]}
    orgs.settle("--delete")
    orgs.settle()


def board_of(id_: str) -> dict[str, str]:
    return {"type": "custom_timeboard", "id": id_}


def test_a_powerpack_keeps_its_layout_and_its_place_in_a_dashboard(orgs: Pair) -> None:
    layout = {"x": 0, "y": 0, "width": 7, "height": 3}
    pack = powerpack(orgs, "Pack", layout)
    orgs.us1.dashboard("Board", {"type": "powerpack", "powerpack_id": pack})
    orgs.replay()
    there = orgs.eu1.one("powerpacks", "Pack")
    assert there["attributes"]["group_widget"]["layout"] == layout
    (widget,) = orgs.eu1.one("dashboards", "Board")["widgets"]
    assert widget["definition"]["powerpack_id"] == there["id"]
    orgs.settle()


def test_a_powerpack_of_somebody_else_is_reported_and_the_rest_deleted(orgs: Pair) -> None:
    pack = powerpack(orgs, "Pack", {"x": 0, "y": 0, "width": 7, "height": 3})
    orgs.us1.dashboard("Board")
    orgs.replay()
    orgs.us1.delete(f"/api/v2/powerpacks/{pack}")
    orgs.us1.delete(f"/api/v1/dashboard/{orgs.us1.one('dashboards', 'Board')['id']}")
    orgs.sandbox.faults.add(Fault(path="/powerpacks/", method="DELETE", org="eu1", status=403))
    orgs.replay("--delete", code=4)
    assert orgs.outcomes()["Pack"]["status"] == "failed"
    assert orgs.eu1.all("dashboards") == {}
    assert len(orgs.eu1.all("powerpacks")) == 1


def test_an_objective_of_old_that_datadog_refuses_today_is_told_in_the_plan(orgs: Pair) -> None:
    slo = orgs.us1.slo("SLO")
    board = orgs.us1.dashboard("Board", {"type": "slo", "slo_id": slo, "view_type": "detail"})
    old = {"numerator": "sum:a{*}.as_count()", "denominator": "sum:b{*}"}
    orgs.us1.all("service_level_objectives")[slo]["query"] = old
    blocked = {one["id"] for one in orgs.plan() if one["action"] == "blocked"}
    assert blocked == {slo, board}
    said = orgs.replay(code=4)
    assert said.sent == []
    assert "its query.denominator has no .as_count()" in orgs.outcomes()["SLO"]["error"]
    old["denominator"] = "sum:b{*}.as_count()"
    orgs.us1.all("service_level_objectives")[slo]["modified_at"] += 1
    assert orgs.replay().sent == ["POST /api/v1/slo", "POST /api/v1/dashboard"]


def test_an_objective_is_deleted_after_the_dashboard_that_shows_it(orgs: Pair) -> None:
    slo = orgs.us1.slo("SLO")
    board = orgs.us1.dashboard("Board", {"type": "slo", "slo_id": slo, "view_type": "detail"})
    orgs.replay()
    there, over = orgs.ids("service_level_objectives")[slo], orgs.ids("dashboards")[board]
    assert orgs.eu1.all("dashboards")[over]["widgets"][0]["definition"]["slo_id"] == there
    orgs.us1.delete(f"/api/v1/dashboard/{board}")
    orgs.us1.delete(f"/api/v1/slo/{slo}")
    said = orgs.replay("--delete")
    assert said.sent == [f"DELETE /api/v1/dashboard/{over}", f"DELETE /api/v1/slo/{there}"]
    assert all("force" not in request[2] for request in orgs.sandbox.requests)


def test_an_objective_that_something_of_theirs_shows_stays(orgs: Pair) -> None:
    slo = orgs.us1.slo("SLO")
    orgs.replay()
    there = orgs.ids("service_level_objectives")[slo]
    orgs.eu1.dashboard("Theirs", {"type": "slo", "slo_id": there, "view_type": "detail"})
    orgs.us1.delete(f"/api/v1/slo/{slo}")
    said = orgs.replay("--delete", code=4)
    assert said.sent == []
    assert "dashboards/" in orgs.outcomes()["SLO"]["error"] + str(orgs.outcomes()["SLO"]["reasons"])
    assert there in orgs.eu1.all("service_level_objectives")


def test_an_objective_is_one_object_although_a_list_is_answered(orgs: Pair) -> None:
    slo = orgs.us1.slo("SLO", description="first")
    orgs.replay()
    there = orgs.ids("service_level_objectives")[slo]
    assert list(orgs.eu1.all("service_level_objectives")) == [there]
    orgs.us1.put(
        f"/api/v1/slo/{slo}",
        {**orgs.us1.all("service_level_objectives")[slo], "description": "second"},
    )
    assert orgs.replay().sent == [f"PUT /api/v1/slo/{there}"]
    assert orgs.eu1.one("service_level_objectives", "SLO")["description"] == "second"
    orgs.settle()


def members(side: Any, name: str, boards: list[tuple[str, str]]) -> None:
    made = side.post(LISTS, {"name": name})
    told = [{"type": kind, "id": id_} for kind, id_ in boards]
    side.put(f"/api/v2/dashboard/lists/manual/{made['id']}/dashboards", {"dashboards": told})


def shown(list_: dict[str, Any]) -> list[tuple[str, str]]:
    return sorted((one["type"], one["id"]) for one in list_["dashboards"])


def powerpack(orgs: Pair, name: str, layout: dict[str, int]) -> str:
    group = {
        "definition": {
            "type": "group",
            "layout_type": "ordered",
            "widgets": [{"definition": note("x")}],
        },
        "layout": layout,
    }
    attributes = {"name": name, "tags": [], "template_variables": [], "group_widget": group}
    return str(orgs.us1.post("/api/v2/powerpacks", api("powerpack", attributes))["data"]["id"])
