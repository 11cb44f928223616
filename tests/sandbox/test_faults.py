from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
import requests

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from conftest import Client

MONITORS = r"/api/v1/monitor$"
MONITOR = {"type": "metric alert", "name": "x", "query": "avg(last_5m):avg:load{*} > 1"}
INDEX = {"name": "new", "filter": {"query": "*"}}


def monitors(client: Client) -> dict[str, Any]:
    return client.org.resources("monitors")


def test_a_status_strikes_the_nth_matching_request(client: Client) -> None:
    fault = Fault(path=MONITORS, method="GET", nth=2, status=503)
    client.sandbox.faults.add(fault)
    statuses = [client.ask("GET", "/api/v1/monitor")[0] for _ in range(3)]
    assert statuses == [200, 503, 200]
    assert client.ask("GET", "/api/v2/roles")[0] == 200
    assert client.sandbox.faults.struck(fault) == 1


def test_several_occurrences_a_number_of_times_and_every_time(client: Client) -> None:
    client.sandbox.faults.add(Fault(path="/roles$", nth={1, 3}, status=500))
    client.sandbox.faults.add(Fault(path="/team$", times=2, status=502))
    client.sandbox.faults.add(Fault(path="/users$", status=504))
    assert [client.ask("GET", "/api/v2/roles")[0] for _ in range(4)] == [500, 200, 500, 200]
    assert [client.ask("GET", "/api/v2/team")[0] for _ in range(3)] == [502, 502, 200]
    assert [client.ask("GET", "/api/v2/users")[0] for _ in range(3)] == [504, 504, 504]


def test_rules_are_narrowed_by_org_method_and_query_and_can_be_lifted(client: Client) -> None:
    faults = client.sandbox.faults
    faults.add(Fault(org="other", status=500))
    faults.add(Fault(method="POST", status=500))
    faults.add(Fault(query="force=true", status=500))
    assert client.ask("GET", "/api/v2/roles")[0] == 200
    assert client.ask("GET", "/api/v2/roles?force=true")[0] == 500
    faults.clear()
    assert client.ask("GET", "/api/v2/roles?force=true")[0] == 200
    rule = faults.add(Fault(status=500))
    faults.remove(rule)
    assert client.ask("GET", "/api/v2/roles")[0] == 200


@pytest.mark.parametrize(
    ("path", "first", "second"),
    [
        ("/api/v1/monitor", "page=0&page_size=5", "page=1&page_size=5"),
        ("/api/v1/dashboard", "start=0&count=5", "start=5&count=5"),
        ("/api/v2/users", "page[number]=0&page[size]=5", "page[number]=1&page[size]=5"),
    ],
)
def test_one_page_of_a_listing_fails(seeded: Client, path: str, first: str, second: str) -> None:
    seeded.sandbox.faults.add(Fault(path=path, page=1, status=500))
    assert seeded.ask("GET", f"{path}?{first}")[0] == 200
    assert seeded.ask("GET", f"{path}?{second}")[0] == 500


def test_errors_look_like_datadogs_or_as_told(client: Client) -> None:
    client.sandbox.faults.add(Fault(path="/roles", status=403))
    client.sandbox.faults.add(Fault(path="/users", status=400, body={"error": "odd"}))
    assert client.ask("GET", "/api/v2/roles") == (403, {"errors": ["Forbidden"]})
    assert client.ask("GET", "/api/v2/users") == (400, {"error": "odd"})


def test_a_429_says_when_to_come_back(client: Client) -> None:
    headers = {"X-RateLimit-Reset": "7", "Retry-After": "9"}
    client.sandbox.faults.add(Fault(status=429, headers=headers))
    answer = client.send("GET", "/api/v2/roles")
    assert answer.status_code == 429
    assert answer.headers["X-RateLimit-Reset"] == "7"
    assert answer.headers["X-RateLimit-Remaining"] == "0"
    assert answer.headers["Retry-After"] == "9"


def test_before_the_effect_nothing_happens_and_after_it_has_happened(client: Client) -> None:
    client.sandbox.faults.add(Fault(method="POST", nth=1, status=500))
    client.sandbox.faults.add(Fault(method="POST", nth=2, status=504, after=True))
    assert client.ask("POST", "/api/v1/monitor", MONITOR)[0] == 500
    assert not monitors(client)
    assert client.ask("POST", "/api/v1/monitor", MONITOR)[0] == 504
    assert len(monitors(client)) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_is_reset_before_or_after_the_effect(client: Client, after: bool) -> None:
    client.sandbox.faults.add(Fault(method="POST", reset=True, after=after))
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        client.send("POST", "/api/v1/monitor", MONITOR)
    assert len(monitors(client)) == int(after)
    assert client.sandbox.count("POST", status=0) == 1
    assert client.ask("GET", "/api/v1/monitor")[0] == 200


def test_a_body_is_cut_in_the_middle(client: Client) -> None:
    client.sandbox.faults.add(Fault(cut=True, nth=1))
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        client.send("GET", "/api/v2/permissions")
    assert client.ask("GET", "/api/v2/permissions")[0] == 200


@pytest.mark.parametrize("after", [False, True])
def test_a_stall_outlasts_the_client(client: Client, after: bool) -> None:
    client.sandbox.faults.add(Fault(stall=30, after=after))
    with pytest.raises(requests.ReadTimeout):
        client.send("POST", "/api/v1/logs/config/indexes", INDEX, timeout=2)
    assert ("new" in client.org.resources("logs_indexes")) is after


def test_latency_adds_up_and_answers(client: Client) -> None:
    client.sandbox.faults.add(Fault(latency=0.1))
    client.sandbox.faults.add(Fault(latency=0.1))
    started = time.monotonic()
    assert client.ask("GET", "/api/v2/roles")[0] == 200
    assert time.monotonic() - started >= 0.2


def test_a_login_page_or_any_bytes_come_with_status_200(client: Client) -> None:
    client.sandbox.faults.add(Fault(path="/roles", html=True))
    client.sandbox.faults.add(Fault(path="/users", raw=b'{"data": [1, 2'))
    page = client.send("GET", "/api/v2/roles")
    assert page.status_code == 200
    assert page.headers["Content-Type"] == "text/html"
    assert client.send("GET", "/api/v2/users").content == b'{"data": [1, 2'


def test_a_page_size_is_clamped(seeded: Client) -> None:
    seeded.sandbox.faults.add(Fault(clamp=3))
    assert len(seeded.get("/api/v2/users?page[size]=100")["data"]) == 3
    assert len(seeded.get("/api/v1/monitor?page=0&page_size=100")) == 3
    assert len(seeded.get("/api/v1/dashboard?start=0&count=50")["dashboards"]) == 3


def test_a_total_lies_a_listing_is_empty_an_item_is_skipped(seeded: Client) -> None:
    faults = seeded.sandbox.faults
    user, monitor = next(iter(seeded.org.resources("users"))), next(iter(monitors(seeded)))
    fault = faults.add(Fault(total=9999))
    assert seeded.get("/api/v2/users")["meta"]["page"]["total_filtered_count"] == 9999
    assert seeded.get("/api/v2/team")["meta"]["pagination"]["total"] == 9999
    faults.remove(fault)
    faults.add(Fault(path="/indexes", empty=True))
    assert seeded.get("/api/v1/logs/config/indexes") == {"indexes": []}
    faults.add(Fault(path="/users", skip=user))
    faults.add(Fault(path=MONITORS, skip=monitor))
    assert user not in {item["id"] for item in seeded.get("/api/v2/users?page[size]=1000")["data"]}
    assert int(monitor) not in {item["id"] for item in seeded.get("/api/v1/monitor")}
    assert seeded.get(f"/api/v1/monitor/{monitor}")["id"] == int(monitor)


def test_what_is_written_is_mangled(client: Client) -> None:
    sent = {"name": " n ", "handle": "h", "description": " d "}
    body = {"data": {"type": "team", "attributes": sent}}
    client.sandbox.faults.add(Fault(path="/team", mangle="trim", times=1))
    client.sandbox.faults.add(Fault(path="/team", mangle="drop", nth=2))
    _, made = client.ask("POST", "/api/v2/team", body)
    assert made["data"]["attributes"]["name"] == "n"
    sent.update(name="n2", handle="h2")
    _, made = client.ask("POST", "/api/v2/team", body)
    assert made["data"]["attributes"]["description"] is None


def test_what_is_written_is_filled_reordered_or_changed_by_a_function(client: Client) -> None:
    client.sandbox.faults.add(Fault(mangle="fill", nth=1))
    client.sandbox.faults.add(Fault(mangle="reorder", nth=2))
    client.sandbox.faults.add(Fault(mangle=lambda body: {**body, "name": "other"}, nth=3))
    _, one = client.ask("POST", "/api/v1/monitor", MONITOR)
    _, two = client.ask("POST", "/api/v1/monitor", {**MONITOR, "tags": ["a", "b"]})
    _, three = client.ask("POST", "/api/v1/monitor", MONITOR)
    assert one["options"]["sandbox_default"] is True
    assert two["tags"] == ["b", "a"]
    assert three["name"] == "other"
