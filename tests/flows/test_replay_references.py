"""References between resources, from one org's ids to another's, wherever they stand."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pairs import api, note, pair, probe

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from pairs import Pair

RUM = "11111111-2222-4333-8444-555555555555"
OTHER_RUM = "99999999-2222-4333-8444-555555555555"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_a_composite_is_rewritten_token_by_token(orgs: Pair) -> None:
    """Where new ids hold old ones, and old ones each other."""
    bodies = [monitor(orgs, id_) for id_ in (12, 123, 1234)]
    orgs.us1.org.load("monitors", bodies)
    query = "!(12 || 123) && 1234 && !12"
    orgs.us1.org.load("monitors", [{**monitor(orgs, 5), "type": "composite", "query": query,
                                    "options": {}}])  # fmt: skip
    orgs.replay()
    mine = orgs.ids("monitors")
    one, two, three = (mine[id_] for id_ in ("12", "123", "1234"))
    wanted = f"!({one} || {two}) && {three} && !{one}"
    assert orgs.eu1.one("monitors", "m5")["query"] == wanted
    orgs.settle()


def test_the_monitor_of_a_test_is_found_by_its_whole_id_alone(orgs: Pair) -> None:
    """Where another monitor's id is how that of a test ends."""
    own = orgs.us1.post("/api/v1/synthetics/tests/api", probe("ping"))["monitor_id"]
    other = own % 1000
    orgs.us1.org.load("monitors", [monitor(orgs, other)])
    orgs.us1.monitor("both", type="composite", query=f"{other} && !{own}", options={})
    for name, id_ in (("of test", own), ("of other", other)):
        orgs.us1.slo(name, type="monitor", query=None, monitor_ids=[id_])
        attributes = {"scope": "*", "message": name, "monitor_identifier": {"monitor_id": id_},
                      "schedule": {"start": None, "end": "2099-01-01T00:00:00Z"}}  # fmt: skip
        orgs.us1.post("/api/v2/downtime", api("downtime", attributes))
    orgs.us1.dashboard("Board", alert(str(own)), alert(str(other)))
    orgs.replay()
    eu1 = orgs.eu1
    probes, plain = eu1.one("synthetics_tests", "ping")["monitor_id"], orgs.ids("monitors")
    there = {"of test": probes, "of other": int(plain[str(other)])}
    assert eu1.one("monitors", "both")["query"] == f"{there['of other']} && !{probes}"
    for name, id_ in there.items():
        assert eu1.one("service_level_objectives", name)["monitor_ids"] == [id_]
    silenced = {
        body["attributes"]["message"]: body["attributes"]["monitor_identifier"]["monitor_id"]
        for body in eu1.all("downtime_schedules").values()
    }
    assert silenced == there
    shown = [one["definition"]["alert_id"] for one in eu1.one("dashboards", "Board")["widgets"]]
    assert shown == [str(there["of test"]), str(there["of other"])]
    orgs.settle()


def test_objectives_and_what_alerts_on_them(orgs: Pair) -> None:
    made = orgs.us1.monitor("load")
    slo = orgs.us1.slo("SLO", type="monitor", query=None, monitor_ids=[int(made)])
    for name in ("error_budget", "burn_rate"):
        window = '.long_window("1h").short_window("5m")' if name == "burn_rate" else ""
        query = f'{name}("{slo}").over("7d"){window} > 10'
        orgs.us1.monitor(name, type="slo alert", query=query,
                         options={"thresholds": {"critical": 10}})  # fmt: skip
    correction = {"slo_id": slo, "category": "Other", "start": 4102444800, "end": 4102444900,
                  "description": "x", "timezone": "UTC"}  # fmt: skip
    orgs.us1.post("/api/v1/slo/correction", api("correction", correction))
    orgs.replay()
    there = orgs.ids("service_level_objectives")[slo]
    body = orgs.eu1.all("service_level_objectives")[there]
    assert body["monitor_ids"] == [int(orgs.ids("monitors")[made])]
    for name in ("error_budget", "burn_rate"):
        assert f'{name}("{there}")' in orgs.eu1.one("monitors", name)["query"]
    (corrected,) = orgs.eu1.all("slo_corrections").values()
    assert corrected["attributes"]["slo_id"] == there
    orgs.settle()


def test_known_names_are_bound_at_any_depth(orgs: Pair) -> None:
    us1, eu1 = orgs.us1, orgs.eu1
    made, slo = us1.monitor("load"), us1.slo("SLO")
    pack = us1.post("/api/v2/powerpacks", api("powerpack", powerpack(alert(made))))["data"]["id"]
    formula = {"type": "timeseries", "requests": [{
        "response_format": "timeseries", "formulas": [{"formula": "q"}],
        "queries": [{"data_source": "slo", "name": "q", "slo_id": slo, "measure": "slo_status"}]}],
    }  # fmt: skip
    split = {"type": "split_group", "source_widget_definition": formula}
    inner = (alert(made), split, {"type": "powerpack", "powerpack_id": pack})
    group = {"type": "group", "layout_type": "ordered"}
    group["widgets"] = [{"definition": one} for one in inner]
    us1.dashboard("Board", alert(made), formula, split, group, tabs=[])
    us1.post("/api/v1/notebooks", api("notebooks", notebook(formula)))
    orgs.replay()
    new = {made: orgs.ids("monitors")[made], slo: orgs.ids("service_level_objectives")[slo],
           pack: orgs.ids("powerpacks")[pack]}  # fmt: skip
    (cell,) = next(iter(eu1.all("notebooks").values()))["attributes"]["cells"]
    group = eu1.one("powerpacks", "Pack")["attributes"]["group_widget"]
    for where, times in ((eu1.one("dashboards", "Board")["widgets"], (2, 3, 1)),
                         (group, (1, 0, 0)), (cell, (0, 1, 0))):  # fmt: skip
        text = json.dumps(where)
        assert not any(f'"{old}"' in text for old in new)
        assert tuple(text.count(f'"{id_}"') for id_ in new.values()) == times
    orgs.settle()


def test_what_only_looks_like_an_id_stays(orgs: Pair) -> None:
    made = orgs.us1.monitor("load")
    orgs.us1.monitor("other", message=f"see ticket {made}, or call {made}", tags=[f"n:{made}"],
                     query=f"avg(last_5m):avg:load{{port:{made}}} > 1")  # fmt: skip
    orgs.us1.dashboard(f"Board {made}", note(f"the number {made}"))
    orgs.replay()
    there = orgs.eu1.one("monitors", "other")
    assert there["message"] == f"see ticket {made}, or call {made}"
    assert there["tags"] == [f"n:{made}"]
    assert f"port:{made}" in there["query"]
    (widget,) = orgs.eu1.one("dashboards", f"Board {made}")["widgets"]
    assert widget["definition"]["content"] == f"the number {made}"


def test_an_id_keeps_its_json_type(orgs: Pair) -> None:
    made = orgs.us1.monitor("load")
    orgs.us1.slo("SLO", type="monitor", query=None, monitor_ids=[int(made)])
    orgs.us1.dashboard("Board", alert(made))
    orgs.replay()
    there = orgs.ids("monitors")[made]
    assert orgs.eu1.one("service_level_objectives", "SLO")["monitor_ids"] == [int(there)]
    (widget,) = orgs.eu1.one("dashboards", "Board")["widgets"]
    assert widget["definition"]["alert_id"] == there


def test_handles_are_listed_where_nobody_has_them_and_links_are_bound(orgs: Pair) -> None:
    orgs.us1.team("core")
    orgs.eu1.team("core")
    orgs.us1.user("ann@e.example")
    board = orgs.us1.dashboard("Board")
    text = (
        "@team-core @ann@e.example @slack-acme-ops @pagerduty-Main @webhook-hook @workflow-fix"
        " @sns-alerts @pagerduty @all"
        f" @oncall-night @gone@e.example https://app.datadoghq.com/dashboard/{board}/board"
    )
    orgs.us1.monitor("load", message=text)
    said = orgs.replay()
    told = said.out.partition("names that ddsnap binds to nothing there")[2]
    names = ("acme-ops", "Main", "hook", "fix", "night", "gone@e.example", "alerts", "pagerduty")
    for name in names:
        assert f'"{name}" stays as it is' in told, told
    assert '"core"' not in told
    there = orgs.ids("dashboards")[board]
    message = orgs.eu1.one("monitors", "load")["message"]
    assert message == text.replace(f"/dashboard/{board}", f"/dashboard/{there}")
    orgs.settle()


def test_handles_are_disarmed_and_links_moved_by_a_rule(orgs: Pair) -> None:
    rule = {
        "description": "Wake nobody",
        "match": {"types": ["monitors"]},
        "rewrite": [
            {"at": "$.message", "pattern": r"@(slack|pagerduty)-\S+", "with": "(nobody)"},
            {"at": "$.message", "pattern": r"app\.datadoghq\.com", "with": "app.datadoghq.eu"},
        ],
    }
    folder = orgs.path / "transforms"
    folder.mkdir(exist_ok=True)
    (folder / "disarm.yaml").write_text(json.dumps(rule))
    board = orgs.us1.dashboard("Board")
    orgs.us1.monitor("load", message=f"@slack-acme-ops https://app.datadoghq.com/dashboard/{board}")
    said = orgs.replay()
    there = orgs.ids("dashboards")[board]
    wanted = f"(nobody) https://app.datadoghq.eu/dashboard/{there}"
    assert orgs.eu1.one("monitors", "load")["message"] == wanted
    assert "acme-ops" not in said.out
    orgs.settle()


def test_an_application_in_a_query_blocks_until_it_is_named(orgs: Pair) -> None:
    query = f'rum("@application.id:{RUM}").rollup("count").last("5m") > 10'
    orgs.us1.monitor("rum", type="rum alert", query=query, options={"thresholds": {"critical": 10}})
    orgs.us1.monitor("load")
    said = orgs.replay(code=4)
    told = orgs.outcomes()["rum"]
    assert told["status"] == "blocked"
    assert "rum_applications are not captured" in told["error"]
    assert RUM in said.out
    assert orgs.eu1.one("monitors", "load")
    board = {"type": "timeseries", "requests": [{"queries": [{
        "data_source": "rum", "name": "q", "search": {"query": f"@application.id:{RUM} @type:view"},
    }]}]}  # fmt: skip
    orgs.us1.dashboard("Board", board)
    orgs.replay("--adopt", f"rum_applications/{RUM}={OTHER_RUM}")
    assert f"@application.id:{OTHER_RUM}" in orgs.eu1.one("monitors", "rum")["query"]
    assert RUM not in json.dumps(orgs.eu1.one("dashboards", "Board"))
    orgs.settle()  # it is in the map from now on
    assert orgs.run("verify").code == 0


def test_no_application_is_left_the_sources_however_it_is_named(orgs: Pair) -> None:
    forms = {"several": f"({RUM} OR {RUM})", "quoted": f'\\"{RUM}\\"', "negated": RUM}
    for name, form in forms.items():
        query = f'rum("-@application.id:{form} @type:error").rollup("count").last("5m") > 10'
        orgs.us1.monitor(name, type="rum alert", query=query,
                         options={"thresholds": {"critical": 10}})  # fmt: skip
    variable = {"name": "app", "prefix": "@application.id", "defaults": [RUM],
                "available_values": [RUM, "*"]}  # fmt: skip
    orgs.us1.dashboard("Variable", template_variables=[variable])
    preset = {"name": "One", "template_variables": [{"name": "app", "values": [RUM]}]}
    orgs.us1.dashboard("Preset", template_variable_presets=[preset],
                       template_variables=[{**variable, "defaults": ["*"],
                                            "available_values": ["*"]}])  # fmt: skip
    titles = (*forms, "Variable", "Preset")
    orgs.replay(code=4)
    assert {orgs.outcomes()[title]["status"] for title in titles} == {"blocked"}
    orgs.replay("--adopt", f"rum_applications/{RUM}={OTHER_RUM}")
    there = json.dumps([*orgs.eu1.all("monitors").values(), *orgs.eu1.all("dashboards").values()])
    assert RUM not in there
    assert there.count(OTHER_RUM) == 2 + 1 + 1 + 2 + 1
    orgs.settle()


def test_names_in_queries_are_looked_for_and_told(orgs: Pair) -> None:
    index = {"name": "web", "filter": {"query": "*"}, "num_retention_days": 15}
    orgs.us1.post("/api/v1/logs/config/indexes", index)
    orgs.us1.dashboard(
        "Board",
        {"type": "log_stream", "indexes": ["web", "one"], "query": "x"},
        {"type": "timeseries", "requests": [
            {"log_query": {"index": "two", "compute": {"aggregation": "count"}}}]},
        {"type": "query_table", "requests": [
            {"queries": [{"data_source": "reference_table", "name": "q", "table_name": "three"}]}]},
    )  # fmt: skip
    said = orgs.replay()
    told = {(one["to"][0], one["value"]) for one in orgs.outcomes()["Board"]["unresolved"]}
    assert told == {
        ("logs_indexes", "one"),
        ("logs_indexes", "two"),
        ("reference_tables", "three"),
    }
    assert '2 logs_indexes stay as they are: is gone from the source: "one", "two"' in said.out
    orgs.settle()
    orgs.replay("--adopt", "reference_tables/three=drei")
    (*_, table) = orgs.eu1.one("dashboards", "Board")["widgets"]
    assert table["definition"]["requests"][0]["queries"][0]["table_name"] == "drei"
    orgs.settle()


def test_what_is_not_captured_can_be_named_by_hand(orgs: Pair) -> None:
    orgs.us1.monitor("load", message="@slack-acme-ops wakes")
    said = orgs.replay("--adopt", "slack_channels/acme-ops=emea-ops")
    assert orgs.eu1.one("monitors", "load")["message"] == "@slack-emea-ops wakes"
    assert "acme-ops" not in said.out
    orgs.settle()
    assert orgs.run("replay", "us1", "--to", "eu1", "--adopt", "slack/x=y").code == 2


# --- what is missing, and what is pulled along


def test_four_reasons_for_what_is_missing(orgs: Pair) -> None:
    one, two = orgs.us1.monitor("one"), orgs.us1.monitor("two", query="avg(last_5m):avg:b{*} > 1")
    slo, gone = orgs.us1.slo("SLO"), "0" * 32
    orgs.us1.dashboard("not selected", alert(one))
    orgs.us1.dashboard("gone", slo_of(gone))
    orgs.us1.dashboard("not captured", {"type": "run_workflow", "workflow_id": RUM})
    bad = orgs.us1.all("monitors")[two]
    bad["query"] = "broken > 2"
    orgs.us1.dashboard("blocked", alert(two))
    orgs.us1.dashboard("fine", slo_of(slo))
    orgs.replay("dashboards", f"service_level_objectives/{slo}", "--no-dependencies", code=4)
    told = {title: one["error"] for title, one in orgs.outcomes().items()}
    assert told["not selected"] == f"monitors/{one} is not selected"
    assert told["gone"] == f"service_level_objectives/{gone} is gone from the source"
    assert told["not captured"] == "workflows are not captured"
    assert told["fine"] == ""
    orgs.replay("--no-dependencies", code=4)
    told = {title: one["error"] for title, one in orgs.outcomes().items()}
    assert told["not selected"] == ""
    assert told["blocked"].endswith(f"monitors/{two} is not written")


def test_what_was_filtered_out_is_not_called_gone(orgs: Pair) -> None:
    made = orgs.us1.monitor("load")
    orgs.us1.monitor("kept", query="avg(last_5m):avg:kept{*} > 1")
    orgs.us1.dashboard("Board", alert(made))
    orgs.us1.dashboard("Gone", slo_of("0" * 32))
    path = orgs.path / "ddsnap.yaml"
    kept = "capture: {filters: [\"monitors:$[?@.name == 'kept']\"]}\n"
    path.write_text(path.read_text() + kept)
    said = orgs.replay(code=4)
    told = orgs.outcomes()
    text = f"monitors/{made} was filtered out of the snapshot, or is gone"
    assert told["Board"]["error"] == text
    assert told["Board"]["unresolved"][0]["why"] == "filtered"
    assert told["Gone"]["unresolved"][0]["why"] == "gone"
    assert f"monitors/{made}: was filtered out of the snapshot, or is gone (1)" in said.out


def test_a_chain_of_missing_things_has_one_root(orgs: Pair) -> None:
    gone = "0" * 32
    query = f'error_budget("{gone}").over("7d") > 1'
    body = {**monitor(orgs, 7), "type": "slo alert", "query": query}
    orgs.us1.org.load("monitors", [body])
    orgs.us1.slo("SLO", type="monitor", query=None, monitor_ids=[7])
    slo = orgs.us1.one("service_level_objectives", "SLO")["id"]
    orgs.us1.dashboard("Board", slo_of(slo))
    said = orgs.run("-q", "capture", "us1")
    said = orgs.run("plan", "us1", "--to", "eu1", "--live")
    root = f"service_level_objectives/{gone}: service_level_objectives/{gone} is gone"
    assert said.out.count(f"  service_level_objectives/{gone}: ") == 1, (root, said.out)
    orgs.replay(code=4)
    told = orgs.outcomes()
    causes = {told[title]["cause"] for title in ("m7", "SLO", "Board")}
    assert causes == {f"service_level_objectives/{gone}"}


def test_a_selection_pulls_along_what_it_needs_and_its_filter_is_its_own(orgs: Pair) -> None:
    one = orgs.us1.monitor("one")
    slo = orgs.us1.slo("SLO", type="monitor", query=None, monitor_ids=[int(one)])
    board = orgs.us1.dashboard("Board", slo_of(slo))
    orgs.us1.dashboard("Other")
    orgs.us1.monitor("two", query="avg(last_5m):avg:b{*} > 1")
    orgs.replay("--filter", "Type=dashboards;Name=title;Value=^Board$")
    assert sorted(orgs.outcomes()) == ["Board", "SLO", "one"]
    assert orgs.ids("dashboards").keys() == {board}
    orgs.us1.all("monitors")[one].update(message="new", modified="2099-01-01T00:00:00+00:00")
    assert orgs.replay("dashboards/Board", "--no-dependencies").sent == []  # looked up, not written
    assert [write.method for write in orgs.replay("dashboards/Board").writes] == ["PUT"]


def test_the_order_of_writes_follows_from_the_references(orgs: Pair) -> None:
    us1 = orgs.us1
    role = us1.role("R")
    us1.user("u@e.example", role)
    one = us1.monitor("one", restricted_roles=[role])
    two = us1.monitor("two", query="avg(last_5m):avg:b{*} > 1")
    us1.monitor("both", type="composite", query=f"{one} && {two}", options={})
    slo = us1.slo("SLO", type="monitor", query=None, monitor_ids=[int(two)])
    us1.monitor("alert", type="slo alert", query=f'error_budget("{slo}").over("7d") > 10',
                options={"thresholds": {"critical": 10}})  # fmt: skip
    us1.dashboard("Board", slo_of(slo), alert(one))
    said = orgs.replay()
    order = [write.body.get("name") or write.body.get("title") for write in said.writes
             if write.path.startswith("/api/v1")]  # fmt: skip
    position = {name: nth for nth, name in enumerate(order)}
    for first, then in (("one", "both"), ("two", "both"), ("two", "SLO"), ("SLO", "alert"),
                        ("SLO", "Board"), ("one", "Board")):  # fmt: skip
        assert position[first] < position[then], order
    paths = [
        write.path if "/v2/" in write.path else write.body.get("name") for write in said.writes
    ]
    assert paths.index("/api/v2/roles") < paths.index("/api/v2/users") < paths.index("one")
    orgs.settle()


def monitor(orgs: Pair, id_: int) -> dict[str, Any]:
    """A monitor's body with an id of one's own."""
    made = orgs.us1.monitor(f"template {id_}")
    body = orgs.us1.all("monitors").pop(made)
    query = f"avg(last_5m):avg:m{id_}{{*}} > 1"
    return {**body, "id": id_, "name": f"m{id_}", "query": query}


def alert(id_: str) -> dict[str, Any]:
    return {"type": "alert_graph", "alert_id": id_, "viz_type": "timeseries"}


def slo_of(id_: str) -> dict[str, Any]:
    return {"type": "slo", "slo_id": id_, "view_type": "detail"}


def powerpack(definition: dict[str, Any]) -> dict[str, Any]:
    group = {"type": "group", "layout_type": "ordered", "widgets": [{"definition": definition}]}
    layout = {"x": 0, "y": 0, "width": 12, "height": 1}
    return {
        "name": "Pack",
        "tags": [],
        "template_variables": [],
        "group_widget": {"definition": group, "layout": layout},
    }


def notebook(definition: dict[str, Any]) -> dict[str, Any]:
    cell = {"type": "notebook_cells", "attributes": {"definition": definition}}
    return {"name": "Notes", "cells": [cell], "time": {"live_span": "1h"}}
