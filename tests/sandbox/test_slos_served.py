from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

GOOD, ALL = "sum:hits{code:2xx}.as_count()", "sum:hits{*}.as_count()"
SLO: dict[str, Any] = {
    "name": "Checkout answers",
    "type": "metric",
    "query": {"numerator": GOOD, "denominator": ALL},
    "thresholds": [{"timeframe": "30d", "target": 99, "warning": 99.5}],
}
MONITOR = {"name": "m", "type": "metric alert", "query": "avg(last_5m):avg:a{*} > 1"}
CORRECTION = {"category": "Other", "start": 1_700_000_000, "end": 1_700_003_600}


def create(client: Client, **changes: Any) -> dict[str, Any]:
    status, body = client.ask("POST", "/api/v1/slo", {**SLO, **changes})
    assert status == 200, body
    made: dict[str, Any] = body["data"][0]
    return made


def correct(client: Client, **attributes: Any) -> tuple[int, Any]:
    data = {"type": "correction", "attributes": {**CORRECTION, **attributes}}
    return client.ask("POST", "/api/v1/slo/correction", {"data": data})


def test_an_objective_is_filled_in(client: Client) -> None:
    made = create(client)
    assert made["thresholds"][0]["target_display"] == "99."
    assert (made["timeframe"], made["type_id"], made["tags"]) == ("30d", 1, [])
    count = made["sli_specification"]["count"]
    assert [query["query"] for query in count["queries"]] == [GOOD, ALL]
    assert client.get(f"/api/v1/slo/{made['id']}")["data"] == made


def test_either_way_to_write_a_ratio_gives_the_other(client: Client) -> None:
    spec = create(client)["sli_specification"]
    assert create(client, query=None, sli_specification=spec)["query"] == SLO["query"]
    spec["count"].pop("total_events_formula")
    spec["count"]["bad_events_formula"] = {"formula": "query2"}
    query = create(client, query=None, sli_specification=spec)["query"]
    assert query["denominator"] == f"({GOOD}) + ({ALL})"


@pytest.mark.parametrize(
    "changes",
    [
        {"name": ""},
        {"type": "other"},
        {"thresholds": []},
        {"thresholds": [{"timeframe": "8d", "target": 99}]},
        {"thresholds": [{"timeframe": "7d", "target": 100}]},
        {"thresholds": [{"timeframe": "7d", "target": 99, "warning": 98}]},
        {"thresholds": [{"timeframe": "7d", "target": 99}] * 2},
        {"timeframe": "7d"},
        {"query": None},
        {"query": {"numerator": "sum:hits{*}", "denominator": ALL}},
        {"type": "monitor"},
        {"type": "monitor", "monitor_ids": [1]},
        {"type": "time_slice"},
    ],
)
def test_what_is_refused(client: Client, changes: dict[str, Any]) -> None:
    assert client.ask("POST", "/api/v1/slo", {**SLO, **changes})[0] == 400


def test_the_type_of_an_objective_stays(client: Client) -> None:
    made = create(client)
    changed = {**SLO, "type": "time_slice", "name": "Other"}
    assert client.ask("PUT", f"/api/v1/slo/{made['id']}", changed)[0] == 400
    status, body = client.ask("PUT", f"/api/v1/slo/{made['id']}", {**SLO, "name": "Other"})
    assert (status, body["data"][0]["name"]) == (200, "Other")
    assert client.ask("PUT", "/api/v1/slo/none", SLO)[0] == 404


def test_monitors_and_objectives_hold_each_other(client: Client) -> None:
    monitor = client.ask("POST", "/api/v1/monitor", MONITOR)[1]["id"]
    made = create(client, type="monitor", monitor_ids=[monitor], tags=["a:b"])
    assert client.ask("DELETE", f"/api/v1/monitor/{monitor}")[0] == 400
    query = f'error_budget("{made["id"]}").over("30d") > 75'
    alert = {"name": "budget", "type": "slo alert", "query": query}
    status, body = client.ask("POST", "/api/v1/monitor", alert)
    assert status == 200, body
    shown = client.get(f"/api/v1/slo/{made['id']}?with_configured_alert_ids=true")["data"]
    assert shown["configured_alert_ids"] == [body["id"]]
    status, refused = client.ask("DELETE", f"/api/v1/slo/{made['id']}")
    assert status == 409
    assert made["id"] in refused["errors"]
    assert client.ask("DELETE", f"/api/v1/slo/{made['id']}?force=true")[0] == 200
    assert client.ask("DELETE", f"/api/v1/monitor/{monitor}")[0] == 200
    unknown = alert["query"].replace(made["id"], "0" * 32)
    assert client.ask("POST", "/api/v1/monitor", {**alert, "query": unknown})[0] == 400


def test_listings_are_cut_into_pages(client: Client) -> None:
    row = create(client)
    client.org.load("service_level_objectives", [{**row, "id": f"{n:032}"} for n in range(1099)])
    page = client.get("/api/v1/slo")
    assert len(page["data"]) == len(client.get("/api/v1/slo?limit=5000")["data"]) == 1000
    assert page["metadata"]["page"] == {"total_count": 1100, "total_filtered_count": 1000}
    assert len(client.get("/api/v1/slo?limit=1000&offset=1000")["data"]) == 100
    assert len(client.get(f"/api/v1/slo?ids={row['id']},{1:032}")["data"]) == 2
    for _ in range(30):
        assert correct(client, slo_query="env:prod")[0] == 200
    page = client.get("/api/v1/slo/correction")
    assert len(page["data"]) == 25
    assert page["meta"]["page"] == {"total_count": 30, "total_filtered_count": 25}
    assert len(client.get("/api/v1/slo/correction?offset=25&limit=100")["data"]) == 5


@pytest.mark.parametrize(
    ("attributes", "status"),
    [
        ({}, 400),
        ({"slo_query": "a", "slo_id": "b"}, 400),
        ({"slo_id": "unknown"}, 404),
        ({"slo_query": "a", "end": None}, 400),
        ({"slo_query": "a", "duration": None}, 400),
        ({"slo_query": "a", "rrule": None}, 400),
        ({"slo_query": "a", "slo_id": None}, 400),
        ({"slo_query": "a", "category": "Holiday"}, 400),
        ({"slo_query": "a", "start": "now"}, 400),
        ({"slo_query": "a", "end": 1}, 400),
        ({"slo_query": "a", "rrule": "FREQ=DAILY"}, 400),
        ({"slo_query": "a"}, 200),
    ],
)
def test_what_a_correction_needs(client: Client, attributes: dict[str, Any], status: int) -> None:
    assert correct(client, **attributes)[0] == status


def test_a_correction_stays_with_its_objective(client: Client) -> None:
    slo, other = create(client)["id"], create(client)["id"]
    made = correct(client, slo_id=slo)[1]["data"]
    assert made["attributes"]["created_at"] is None
    path = f"/api/v1/slo/correction/{made['id']}"
    assert client.get(path)["data"]["attributes"]["created_at"]

    def change(**attributes: Any) -> int:
        data = {"data": {"type": "correction", "attributes": attributes}}
        return client.ask("PATCH", path, data)[0]

    assert change(slo_id=other) == change(slo_query="a") == change(end=None) == 400
    assert change(description="longer", end=1_700_009_999) == 200
    assert client.get(path)["data"]["attributes"]["modifier"]["data"]["id"] == client.org.owner
    assert client.ask("DELETE", f"/api/v1/slo/{slo}")[0] == 200
    assert client.ask("DELETE", path)[0] == 404
