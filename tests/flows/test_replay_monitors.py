"""Monitors and downtimes: silent until somebody says otherwise, never made half, never twice."""

from __future__ import annotations

import time
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

import pytest
from pairs import api, pair, probe

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from typing import Any

    from pairs import Pair, Side


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_a_mute_is_there_before_the_first_monitor_and_only_once(orgs: Pair) -> None:
    orgs.us1.monitor("one", tags=["a:1"])
    said = orgs.replay(live=False)
    assert said.sent == ["POST /api/v2/downtime", "POST /api/v1/monitor"]
    (mute,) = orgs.eu1.all("downtime_schedules").values()
    told = mute["attributes"]
    assert told["scope"] == "*"
    assert told["monitor_identifier"] == {"monitor_tags": ["migration:true"]}
    assert told["schedule"]["end"] is None
    assert orgs.eu1.one("monitors", "one")["tags"] == ["a:1", "migration:true"]
    assert orgs.run_record()["mute"]["id"] == mute["id"]
    assert mute["id"] in said.out
    orgs.settle(live=False)
    orgs.us1.monitor("two", query="avg(last_5m):avg:two{*} > 1")
    assert orgs.replay(live=False).sent == ["POST /api/v1/monitor"]
    assert orgs.run_record()["mute"]["id"] == mute["id"]


def test_without_the_mute_no_monitor_is_made(orgs: Pair) -> None:
    orgs.us1.monitor("one")
    orgs.us1.dashboard("Board")
    orgs.sandbox.faults.add(Fault(path="/downtime$", org="eu1", writes=True, status=403))
    said = orgs.replay(live=False, code=4)
    assert [write.status for write in said.on("/downtime")] == [403]
    assert said.on("/monitor") == []
    assert "migration:true could not be made" in orgs.outcomes()["one"]["error"]
    assert orgs.eu1.one("dashboards", "Board")


def test_the_monitor_of_a_test_is_never_written_by_itself(orgs: Pair) -> None:
    test = orgs.us1.post("/api/v1/synthetics/tests/api", probe("ping"))
    own = test["monitor_id"]
    other = orgs.us1.monitor("load")
    orgs.us1.monitor("both", type="composite", query=f"{own} && {other}", options={})
    said = orgs.replay()
    posted = [write.body["type"] for write in said.on("/api/v1/monitor", "POST")]
    assert sorted(posted) == ["composite", "metric alert"]
    there = orgs.eu1.one("synthetics_tests", "ping")["monitor_id"]
    named = f"{there} && {orgs.ids('monitors')[other]}"
    assert orgs.eu1.one("monitors", "both")["query"] == named
    orgs.settle()


def test_a_type_that_cannot_be_changed_is_told_in_the_plan_and_nothing_is_written(
    orgs: Pair,
) -> None:
    load = orgs.us1.monitor("load")
    orgs.replay()
    orgs.us1.delete(f"/api/v1/monitor/{load}")
    body = {**orgs.eu1.one("monitors", "load"), "id": int(load), "type": "log alert",
            "query": 'logs("*").index("*").rollup("count").last("5m") > 1'}  # fmt: skip
    orgs.us1.org.load("monitors", [body])
    (action,) = (one for one in orgs.plan() if one["action"] == "blocked")
    (why,) = action["reasons"]
    assert why.startswith("its type is 'log alert', and 'metric alert' at the destination")
    assert orgs.replay(code=4).sent == []
    (there,) = orgs.eu1.all("monitors")
    orgs.eu1.delete(f"/api/v1/monitor/{there}")
    assert orgs.replay().sent == ["POST /api/v1/monitor"]
    assert orgs.eu1.one("monitors", "load")["type"] == "log alert"
    orgs.settle()


def test_what_the_server_takes_for_the_same_type_can_be_changed(orgs: Pair) -> None:
    load = orgs.us1.monitor("load")
    orgs.replay()
    odd = "avg(last_5m):anomalies(avg:load{*}, 'basic', 2) > 1"
    orgs.us1.all("monitors")[load].update(type="query alert", query=odd, modified="2099-01-01")
    assert [write.status for write in orgs.replay().writes] == [200]
    assert orgs.eu1.one("monitors", "load")["type"] == "query alert"
    orgs.settle()


OLD: dict[str, dict[str, Any]] = {
    "a schedule without on_missing_data": {
        "options": {"scheduling_options": {"custom_schedule": {"recurrences": [
            {"rrule": "FREQ=DAILY", "timezone": "UTC"}]}}},
    },
    "a recovery without its warning": {
        "options": {"thresholds": {"critical": 1, "warning_recovery": 0.5}},
    },
    "notify_by without groups": {"options": {"notify_by": ["*"]}},
}  # fmt: skip


@pytest.mark.parametrize("what", OLD)
def test_options_of_old_that_datadog_refuses_today_are_mended(orgs: Pair, what: str) -> None:
    made = orgs.us1.monitor("old")
    orgs.us1.all("monitors")[made].update(OLD[what])
    orgs.replay()
    orgs.settle()


EVENTS = {"name": "a", "data_source": "logs", "compute": {"aggregation": "count"},
          "search": {"query": "*"}, "indexes": ["*"]}  # fmt: skip
GROUPED: dict[str, dict[str, Any]] = {
    "by {}": {"query": "avg(last_5m):avg:load{*} by {host} > 1"},
    ".by()": {
        "type": "log alert",
        "query": 'logs("*").index("*").rollup("count").by("host").last("5m") > 1',
    },
    "group_by": {
        "type": "log alert",
        "query": 'formula("a").last("5m") > 1',
        "options": {"variables": [{**EVENTS, "group_by": [{"facet": "host"}]}]},
    },
}


@pytest.mark.parametrize("how", GROUPED)
def test_notify_by_of_a_grouped_query_stays(orgs: Pair, how: str) -> None:
    case = GROUPED[how]
    options = {**case.get("options", {}), "notify_by": ["*"]}
    orgs.us1.monitor("grouped", **{**case, "options": options})
    orgs.replay()
    assert orgs.eu1.one("monitors", "grouped")["options"]["notify_by"] == ["*"]
    orgs.settle()


def test_what_datadog_refuses_fails_with_its_reason_and_the_others_go_on(orgs: Pair) -> None:
    for nth in range(20):
        orgs.us1.monitor(f"m{nth}", query=f"avg(last_5m):avg:m{nth}{{*}} > 1")
    bad = orgs.us1.one("monitors", "m7")
    bad.update(type="service check", query='"http.can_connect".over("*").last(2).count_by_status()')
    said = orgs.replay(code=4)
    told = orgs.outcomes()
    assert told["m7"]["status"] == "failed"
    assert "needs a query with groups" in told["m7"]["error"]
    assert "needs a query with groups" in said.out
    assert sum(one["status"] == "done" for title, one in told.items() if title[0] == "m") == 19
    assert len(orgs.eu1.all("monitors")) == 19
    bad["query"] = '"http.can_connect".over("*").by("host").last(2).count_by_status()'
    bad["modified"] = "2099-01-01T00:00:00+00:00"
    assert orgs.replay().sent == ["POST /api/v1/monitor"]  # what was left, and nothing else


def test_datadog_is_asked_of_each_monitor_before_anything_is_written(orgs: Pair) -> None:
    changed = orgs.us1.monitor("changed", query="avg(last_5m):avg:c{*} > 1")
    orgs.replay()
    monitors = orgs.us1.all("monitors")
    wrong = {"options": {"on_missing_data": "never"}, "modified": "2099-01-01T00:00:00+00:00"}
    monitors[changed].update(wrong)
    bad = orgs.us1.monitor("bad", query="avg(last_5m):avg:b{*} > 1")
    monitors[bad].update(wrong)
    good = orgs.us1.monitor("good")
    orgs.us1.monitor("both", type="composite", query=f"{bad} && {good}", options={})
    orgs.us1.monitor("two", type="composite", query=f"{changed} && {good}", options={})
    orgs.capture()
    asked = ("plan", "us1", "--to", "eu1", "--live", "--validate")
    said = orgs.run("--json", *asked)
    there = orgs.ids("monitors")[changed]
    assert sorted(set(said.sent)) == [
        f"POST /api/v1/monitor/{there}/validate",
        "POST /api/v1/monitor/validate",
    ]
    assert len(said.sent) == 3  # one asks of what does not exist yet
    told = {one["title"]: one for one in said.events("action")}
    blocked = {title for title, one in told.items() if one["action"] == "blocked"}
    assert blocked == {"bad", "changed", "both"}
    assert "would refuse it: HTTP 400: The value provided" in told["bad"]["reasons"][0]
    assert "2 that name what is still to be made were not validated" in orgs.run(*asked).err
    said = orgs.replay("--validate", code=4)
    assert [w.body["name"] for w in said.on("/monitor") if "validate" not in w.path] == [
        "good", "two",
    ]  # fmt: skip
    settled = orgs.replay("--validate", code=4)
    assert [write.path for write in settled.writes if "validate" not in write.path] == []


def test_monitors_that_cannot_be_validated_are_planned_all_the_same(orgs: Pair) -> None:
    for name in "ab":
        orgs.us1.monitor(name, query=f"avg(last_5m):avg:{name}{{*}} > 1")
    orgs.sandbox.faults.add(Fault(path="/monitor/validate", org="eu1", method="POST", status=403))
    said = orgs.replay("--validate")
    assert "2 resources could not be validated; the first: monitors/" in said.err
    assert len(orgs.eu1.all("monitors")) == 2


def test_what_is_restricted_to_a_role_that_nobody_holds_is_refused_before(orgs: Pair) -> None:
    role, held = orgs.us1.role("Nobody"), orgs.us1.role("Somebody")
    orgs.us1.user("u@e.example", held)
    guarded = orgs.us1.monitor("guarded")
    orgs.us1.all("monitors")[guarded]["restricted_roles"] = [held, role]
    query = "avg(last_5m):avg:free{*} > 1"
    free = orgs.us1.monitor("free", query=query, restricted_roles=[held])
    orgs.us1.monitor("both", type="composite", query=f"{guarded} && {free}", options={})
    said = orgs.replay(code=4)
    told = orgs.outcomes()
    assert told["guarded"]["status"] == told["both"]["status"] == "blocked"
    assert f"no active user will hold roles/{role} 'Nobody'" in told["guarded"]["error"]
    assert f"no active user will hold roles/{role}" in said.out
    assert [write.body["name"] for write in said.on("/monitor")] == ["free"]
    there = orgs.ids("roles")[role]
    (me,) = (i for i in orgs.eu1.all("users") if i != orgs.eu1.org.owner)
    link = {"data": {"type": "users", "id": me}}
    orgs.eu1.post(f"/api/v2/roles/{there}/users", link)  # by hand, until the source says so too
    said = orgs.run("replay", "us1", "monitors", "roles", "--to", "eu1", "--yes", "--live")
    assert [write.status for write in said.on("/monitor")] == [200, 200]


# --- downtimes


def test_a_downtime_names_a_monitor_by_an_integer_and_tags_by_text(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    downtime(orgs, "by id", {"monitor_id": int(monitor)})
    downtime(orgs, "by tag", {"monitor_tags": ["team:x"]})
    orgs.replay()
    there = {
        body["attributes"]["message"]: body["attributes"]["monitor_identifier"]
        for body in orgs.eu1.all("downtime_schedules").values()
    }
    assert there["by id"] == {"monitor_id": int(orgs.ids("monitors")[monitor])}
    assert there["by tag"] == {"monitor_tags": ["team:x"]}
    orgs.settle()


def test_a_downtime_that_was_cancelled_there_is_made_again(orgs: Pair) -> None:
    downtime(orgs, "night", {"monitor_tags": ["*"]})
    orgs.replay()
    (first,) = orgs.eu1.all("downtime_schedules")
    orgs.eu1.delete(f"/api/v2/downtime/{first}")
    assert orgs.replay().sent == ["POST /api/v2/downtime"]
    (new,) = set(orgs.eu1.all("downtime_schedules")) - {first}
    assert list(orgs.ids("downtime_schedules").values()) == [new]
    orgs.settle()


def test_what_began_begins_now_and_what_ended_is_left_out(orgs: Pair) -> None:
    now = datetime.now(timezone.utc)
    downtime(orgs, "lasts", {"monitor_tags": ["a"]})
    downtime(orgs, "over", {"monitor_tags": ["b"]})
    ids = {b["attributes"]["message"]: b for b in orgs.us1.all("downtime_schedules").values()}
    ends = now + timedelta(days=1)
    ids["lasts"]["attributes"]["schedule"] = {"start": at(now - timedelta(days=9)), "end": at(ends)}
    over = {"start": at(now - timedelta(days=9)), "end": at(now + timedelta(seconds=2))}
    ids["over"]["attributes"]["schedule"] = over
    orgs.capture()
    time.sleep(max(0, (now + timedelta(seconds=2) - datetime.now(timezone.utc)).total_seconds()))
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live")
    assert said.code == 0, said.out
    (there,) = orgs.eu1.all("downtime_schedules").values()
    assert there["attributes"]["message"] == "lasts"
    schedule = there["attributes"]["schedule"]
    assert datetime.fromisoformat(schedule["start"]) >= now
    assert datetime.fromisoformat(schedule["end"]) == ends.replace(microsecond=0)
    assert orgs.run("replay", "us1", "--to", "eu1", "--yes", "--live").sent == []


@pytest.fixture
def recurring(orgs: Pair) -> Callable[..., Any]:
    """Makes a downtime that recurs every day since some days ago; returns its schedule."""

    def make(message: str, days: float, rule: str = "FREQ=DAILY", duration: str = "2h") -> Any:
        downtime(orgs, message, {"monitor_tags": [message]})
        bodies = orgs.us1.all("downtime_schedules").values()
        (body,) = (b for b in bodies if b["attributes"]["message"] == message)
        start = datetime.now(timezone.utc) - timedelta(days=days)
        one = {"start": at(start.replace(tzinfo=None)), "rrule": rule, "duration": duration}
        body["attributes"]["schedule"] = {"recurrences": [one], "timezone": "UTC"}
        return body["attributes"]["schedule"]

    return make


def test_an_occurrence_under_way_goes_on_where_it_is_made(
    orgs: Pair, recurring: Callable[..., Any]
) -> None:
    began = datetime.now(timezone.utc) - timedelta(minutes=30)
    recurring("night", 3 + 1 / 48)
    said = orgs.replay()
    assert "settled differently" not in said.out
    (there,) = orgs.eu1.all("downtime_schedules").values()
    window = there["attributes"]["schedule"]["current_downtime"]
    assert datetime.fromisoformat(window["start"]) < datetime.now(timezone.utc)
    left = began + timedelta(hours=2) - datetime.fromisoformat(window["end"])
    assert timedelta(0) <= left < timedelta(minutes=2)
    bridge, rest = there["attributes"]["schedule"]["recurrences"]
    assert bridge["rrule"] == "FREQ=DAILY;COUNT=1"
    assert datetime.fromisoformat(rest["start"]).day == (began + timedelta(days=1)).day
    orgs.settle()
    (here,) = orgs.us1.all("downtime_schedules").values()
    here["attributes"]["message"] = "at night"
    (action,) = [one for one in orgs.plan() if one["action"] == "update"]
    assert [one["path"] for one in action["patch"]] == ["/attributes/message"]
    (write,) = orgs.replay().writes
    assert "schedule" not in write.body["data"]["attributes"]
    orgs.settle()


def test_what_time_has_moved_is_known_again_without_the_map(
    orgs: Pair, recurring: Callable[..., Any]
) -> None:
    recurring("night", 3 + 1 / 48)
    recurring("seldom", 10.5, "FREQ=DAILY;INTERVAL=3;COUNT=30")
    downtime(orgs, "begun", {"monitor_tags": ["begun"]})
    (begun,) = (
        body["attributes"]
        for body in orgs.us1.all("downtime_schedules").values()
        if body["attributes"]["message"] == "begun"
    )
    now = datetime.now(timezone.utc)
    begun["schedule"] = {"start": at(now - timedelta(days=1)), "end": at(now + timedelta(days=1))}
    orgs.replay()
    orgs.git("update-ref", "-d", "refs/heads/journal/eu1")
    assert orgs.replay().sent == []
    assert len(orgs.ids("downtime_schedules")) == 3


def test_what_has_recurred_for_the_last_time_is_over(
    orgs: Pair, recurring: Callable[..., Any]
) -> None:
    recurring("spent", 30, "FREQ=DAILY;COUNT=3")
    last = recurring("last", 2, "FREQ=DAILY;COUNT=3")
    both = recurring("both", 30, "FREQ=DAILY;COUNT=3")
    both["recurrences"] += last["recurrences"]
    orgs.replay()
    made = {b["attributes"]["message"]: b for b in orgs.eu1.all("downtime_schedules").values()}
    assert sorted(made) == ["both", "last"]
    for body in made.values():
        (bridge,) = body["attributes"]["schedule"]["recurrences"]
        assert bridge["rrule"] == "FREQ=DAILY;COUNT=1"
    assert orgs.outcomes()["spent"]["status"] == "unchanged"
    assert "it ended on" in orgs.outcomes()["spent"]["reasons"][0]
    orgs.settle()


def test_what_is_over_here_and_goes_on_there_is_told(
    orgs: Pair, recurring: Callable[..., Any]
) -> None:
    schedule = recurring("night", 30)
    orgs.replay()
    schedule["recurrences"][0]["rrule"] = "FREQ=DAILY;COUNT=3"
    assert orgs.replay(code=4).sent == []
    assert "goes on at the destination: cancel it there" in orgs.outcomes()["night"]["error"]
    (there,) = orgs.eu1.all("downtime_schedules")
    orgs.eu1.delete(f"/api/v2/downtime/{there}")
    orgs.settle()


def downtime(orgs: Pair, message: str, identifier: dict[str, Any]) -> None:
    attributes = {
        "scope": "env:x",
        "message": message,
        "monitor_identifier": identifier,
        "schedule": {"start": None, "end": "2099-01-01T00:00:00+00:00"},
    }
    orgs.us1.post("/api/v2/downtime", api("downtime", attributes))


def at(when: datetime) -> str:
    return when.isoformat(timespec="seconds")


def runbook(name: str, url: str, **more: str) -> dict[str, str]:
    return {"category": "runbook", "name": name, "url": url, **more}


def notebook(side: Side, name: str, *definitions: Any) -> str:
    cells = [
        {"type": "notebook_cells", "attributes": {"definition": one}}
        for one in definitions or ({"type": "markdown", "text": "steps"},)
    ]
    body = api("notebooks", {"name": name, "time": {"live_span": "1h"}, "cells": cells})
    return str(side.post("/api/v1/notebooks", body)["data"]["id"])


def runbooks_of(side: Side, name: str) -> list[dict[str, str]]:
    """The runbooks of a monitor as they are written."""
    id_ = side.one("monitors", name)["id"]
    read = side.get(f"/api/v1/monitor/{id_}?with_assets=true")["assets"]
    return [{k: v for k, v in one.items() if isinstance(v, str)} for one in read]


def linked(id_: str) -> dict[str, str]:
    return runbook("steps", f"/notebook/{id_}", resource_key=id_, resource_type="notebook")


def test_runbooks_follow_their_monitors_and_name_the_notebooks_there(orgs: Pair) -> None:
    notebook(orgs.eu1, "other")  # so that ids differ
    wiki = runbook("wiki", "https://wiki.example/load")
    note = notebook(orgs.us1, "steps")
    monitor = orgs.us1.monitor("load", assets=[linked(note), wiki])
    orgs.replay()
    there = orgs.ids("notebooks")[note]
    assert there != note
    assert runbooks_of(orgs.eu1, "load") == [linked(there), wiki]
    orgs.settle()
    orgs.us1.put(f"/api/v1/monitor/{monitor}", {"assets": [wiki]})
    (write,) = orgs.replay().writes
    assert write.body["assets"] == [wiki]
    orgs.us1.put(f"/api/v1/monitor/{monitor}", {"assets": []})
    orgs.replay()
    assert runbooks_of(orgs.eu1, "load") == []
    orgs.settle()


def test_a_monitor_and_the_notebook_that_shows_it_can_name_one_another(orgs: Pair) -> None:
    monitor = orgs.us1.monitor("load")
    graph = {"type": "alert_graph", "alert_id": monitor, "viz_type": "timeseries"}
    note = notebook(orgs.us1, "steps", graph)
    orgs.us1.put(f"/api/v1/monitor/{monitor}", {"assets": [linked(note)]})
    orgs.replay()
    assert runbooks_of(orgs.eu1, "load") == [linked(orgs.ids("notebooks")[note])]
    (cell,) = orgs.eu1.one("notebooks", "steps")["attributes"]["cells"]
    assert cell["attributes"]["definition"]["alert_id"] == orgs.ids("monitors")[monitor]
    assert orgs.run("verify").code == 0
    orgs.settle()
