"""Answers of writes that are lost, and writes that are not stored as they were sent."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import requests
from valid_writes import good_writes

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from conftest import Client

MONITOR = {"type": "metric alert", "query": "avg(last_5m):avg:load{*} > 1", "priority": 3}


def monitor(name: str) -> dict[str, Any]:
    return {**MONITOR, "name": name, "tags": ["b:2", "a:1", "c:3"]}


def test_the_nth_write_of_any_kind_loses_its_answer(client: Client) -> None:
    fault = client.sandbox.faults.add(Fault(writes=True, nth=2, status=502, after=True))
    team = {"data": {"type": "team", "attributes": {"name": "t", "handle": "t"}}}
    statuses = [
        client.ask("GET", "/api/v1/monitor")[0],
        client.ask("POST", "/api/v1/monitor", monitor("one"))[0],
        client.ask("GET", "/api/v2/team")[0],
        client.ask("POST", "/api/v2/team", team)[0],
        client.ask("POST", "/api/v1/monitor", monitor("two"))[0],
    ]
    assert statuses == [200, 200, 200, 502, 200]
    assert len(client.org.resources("teams")) == 1
    assert client.sandbox.faults.struck(fault) == 1


def test_a_write_that_hangs_and_is_cut_off_never_takes_effect(client: Client) -> None:
    client.sandbox.faults.add(Fault(writes=True, nth=1, stall=0.3, reset=True))
    with pytest.raises((requests.ReadTimeout, requests.ConnectionError)):
        client.send("POST", "/api/v1/monitor", monitor("one"), timeout=0.1)
    assert client.ask("POST", "/api/v1/monitor", monitor("two"))[0] == 200
    assert [row["name"] for row in client.org.resources("monitors").values()] == ["two"]


WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/api/v1/monitor", {**monitor(" n "), "message": " m "}),
    (
        "POST",
        "/api/v1/dashboard",
        {
            "title": "d ",
            "layout_type": "ordered",
            "reflow_type": "auto",
            "widgets": [
                {"definition": {"type": "note", "content": text}} for text in ("1", "2", "3")
            ],
        },
    ),
    (
        "POST",
        "/api/v2/team",
        {"data": {"type": "team", "attributes": {"name": "t", "handle": "t", "description": " d"}}},
    ),
    (
        "POST",
        "/api/v2/users",
        {"data": {"type": "users", "attributes": {"email": "a@b.example", "title": "T"}}},
    ),
    ("POST", "/api/v1/logs/config/indexes", {"name": "i", "filter": {"query": "*"}}),
    (
        "POST",
        "/api/v1/synthetics/variables",
        {
            "name": "VAR",
            "description": " d ",
            "tags": ["a:1", "b:2", "c:3"],
            "value": {"secure": False, "value": " v "},
        },
    ),
    (
        "POST",
        "/api/v1/slo",
        {
            "name": "s",
            "type": "metric",
            "query": {"numerator": "sum:a{*}.as_count()", "denominator": "sum:b{*}.as_count()"},
            "thresholds": [{"timeframe": "7d", "target": 99}],
            "description": " d ",
            "tags": ["a:1", "b:2", "c:3"],
        },
    ),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES, ids=lambda value: str(value)[:30])
def test_over_many_seeds_a_write_is_stored_otherwise_and_never_refused(
    client: Client, method: str, path: str, body: dict[str, Any]
) -> None:
    stored = set()
    for seed in range(24):
        with_seed = client.sandbox.add_org(f"seed{seed}")
        client.sandbox.faults.mangle_writes(seed, org=with_seed.name)
        keys = {"DD-API-KEY": with_seed.api_key, "DD-APPLICATION-KEY": with_seed.app_key}
        answer = client.send(method, path, body, headers=keys)
        assert answer.status_code in (200, 201), answer.text
        stored.add(json.dumps(_decided(answer.json()), sort_keys=True))
    assert len(stored) >= 2


def _decided(answer: dict[str, Any]) -> dict[str, Any]:
    body = answer.get("data", answer)
    body = body[0] if isinstance(body, list) else body
    body = body.get("attributes", body)
    names = ("name", "title", "description", "message", "tags", "options", "priority", "value",
             "reflow_type", "handle")  # fmt: skip
    return {name: body[name] for name in names if name in body}


@pytest.mark.parametrize("seed", range(6))
def test_no_kind_of_write_is_refused_for_what_the_server_makes_of_it(
    client: Client, seed: int
) -> None:
    good = good_writes(client)
    client.sandbox.faults.mangle_writes(seed)
    for write in good:
        status, answer = client.ask(write.method, write.path, write.body)
        assert status in (200, 201), (write.name, answer)


def test_what_has_an_order_keeps_it(client: Client) -> None:
    for seed in range(12):
        client.sandbox.faults.clear()
        client.sandbox.faults.mangle_writes(seed)
        _, made = client.ask(*WRITES[1])
        assert [w["definition"]["content"] for w in made["widgets"]] == ["1", "2", "3"]


def test_what_was_mangled_is_read_as_stored_and_mangled_alike_again(client: Client) -> None:
    client.sandbox.faults.mangle_writes(5)
    for number in range(8):
        sent = {**monitor(f" m{number} "), "message": f" text {number} "}
        _, made = client.ask("POST", "/api/v1/monitor", sent)
        path = f"/api/v1/monitor/{made['id']}"
        read = client.get(path)
        client.ask("PUT", path, sent)
        again = client.get(path)
        for name in ("name", "message", "tags", "options"):
            assert read[name] == made[name] == again[name]


def test_the_record_of_writes_tells_what_was_sent(client: Client) -> None:
    client.sandbox.faults.mangle_writes(1)
    client.ask("POST", "/api/v1/monitor", monitor(" sent "))
    assert client.sandbox.writes[-1].body == monitor(" sent ")


@pytest.mark.parametrize("status", range(6))
@pytest.mark.parametrize("spelling", ["hamr_status", "HamrStatus"])
def test_the_state_of_disaster_recovery_is_told_in_both_spellings(
    client: Client, status: int, spelling: str
) -> None:
    assert client.ask("GET", "/api/v2/hamr")[0] == 404
    client.org.recovery = {"status": status, "spelling": spelling}
    data = client.get("/api/v2/hamr")["data"]
    assert data["type"] == "hamr_org_connections"
    assert data["id"] == client.org.uuid
    assert data["attributes"][spelling] == status
    other = {"hamr_status", "HamrStatus"} - {spelling}
    assert not other & data["attributes"].keys()
    client.sandbox.faults.add(Fault(path="/hamr$", status=403))
    assert client.ask("GET", "/api/v2/hamr")[0] == 403
