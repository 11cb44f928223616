"""Synthetics and downtimes as the sandbox serves them: strict, and of four families."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

TESTS = "/api/v1/synthetics/tests"
NETWORK = "/api/v2/synthetics/tests/network"
VARIABLES = "/api/v1/synthetics/variables"
LOCATIONS = "/api/v1/synthetics/private-locations"
DOWNTIME = "/api/v2/downtime"
DAILY = {"rrule": "FREQ=DAILY", "duration": "1h"}


def api_test(**more: Any) -> dict[str, Any]:
    ok = {"operator": "is", "target": 200, "type": "statusCode"}
    request = {"method": "GET", "url": "https://example.com"}
    return {
        "name": "t", "type": "api", "subtype": "http", "message": "m", "tags": [],
        "config": {"assertions": [ok], "request": request},
        "options": {"tick_every": 60}, "locations": ["aws:us-east-1"], **more,
    }  # fmt: skip


def network_test(**more: Any) -> dict[str, Any]:
    own = api_test(type="network", subtype="tcp", config={"request": {"host": "h"}}, **more)
    return {"data": {"type": "network", "attributes": own}}


def made(client: Client, path: str, body: Any) -> Any:
    status, answer = client.ask("POST", path, body)
    assert status == 200, answer
    return answer


def test_a_test_is_read_at_its_own_family_alone(client: Client) -> None:
    id_ = made(client, f"{TESTS}/api", api_test())["public_id"]
    assert client.get(f"{TESTS}/api/{id_}")["public_id"] == id_
    assert client.get(f"{TESTS}/{id_}")["type"] == "api"
    for path in (f"{TESTS}/browser/{id_}", f"{TESTS}/mobile/{id_}", f"{NETWORK}/{id_}"):
        assert client.ask("GET", path) == (404, {"errors": ["Synthetics test not found"]})
    net = made(client, NETWORK, network_test())["data"]["id"]
    assert client.get(f"{NETWORK}/{net}")["data"]["attributes"]["public_id"] == net
    assert client.ask("GET", f"{TESTS}/{net}")[0] == 404
    assert {row["public_id"] for row in client.get(TESTS)["tests"]} == {id_, net}


def test_a_test_owns_a_monitor_until_it_is_deleted(client: Client) -> None:
    row = made(client, f"{TESTS}/api", api_test())
    monitor = client.get(f"/api/v1/monitor/{row['monitor_id']}")
    assert (monitor["type"], monitor["options"]["synthetics_check_id"]) == (
        "synthetics alert",
        row["public_id"],
    )
    path = f"/api/v1/monitor/{row['monitor_id']}"
    assert client.ask("PUT", path, {"name": "x"})[0] == 400
    body = {"public_ids": [row["public_id"]]}
    assert client.ask("POST", f"{TESTS}/delete", body)[0] == 200
    assert client.ask("GET", path)[0] == 404
    assert client.ask("POST", f"{TESTS}/delete", body)[0] == 404


def test_the_listing_has_no_steps_and_pages_only_when_asked(client: Client) -> None:
    step = {"name": "s", "params": {}, "timeout": 0, "type": "click"}
    browser = api_test(type="browser", steps=[step])
    browser["config"] = {"assertions": [], "request": {"method": "GET", "url": "https://e.com"}}
    del browser["subtype"]
    id_ = made(client, f"{TESTS}/browser", browser)["public_id"]
    assert len(client.get(f"{TESTS}/browser/{id_}")["steps"]) == 1
    assert "steps" not in client.get(f"{TESTS}/{id_}")
    for number in range(120):
        client.org.load("synthetics_tests", [{**api_test(), "public_id": f"t-{number}"}])
    assert len(client.get(TESTS)["tests"]) == 121
    assert len(client.get(f"{TESTS}?page_number=0")["tests"]) == 100
    assert len(client.get(f"{TESTS}?page_number=1")["tests"]) == 21
    assert all("steps" not in row for row in client.get(TESTS)["tests"])


def test_a_pause_does_not_move_the_time(client: Client) -> None:
    row = made(client, f"{TESTS}/api", api_test())
    path = f"{TESTS}/{row['public_id']}/status"
    assert client.ask("PUT", path, {"new_status": "paused"}) == (200, True)
    now = client.get(f"{TESTS}/api/{row['public_id']}")
    assert (now["status"], now["modified_at"]) == ("paused", row["modified_at"])
    assert client.ask("PUT", path, {"new_status": "off"})[0] == 400


@pytest.mark.parametrize(
    "wrong",
    [
        {"subtype": "odd"},
        {"options": {"tick_every": None}},
        {"locations": ["aws:nowhere-1"]},
        {"locations": ["pl:unknown"]},
        {"message": None},
        {"config": {"assertions": [], "request": {}}},
        {"options": {"tick_every": 60, "restricted_roles": ["none"]}},
        {"config": {"assertions": [1], "configVariables": [{"id": "no", "name": "N"}]}},
    ],
)
def test_a_bad_test_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert client.ask("POST", f"{TESTS}/api", api_test(**wrong))[0] == 400
    assert client.org.resources("synthetics_tests") == {}


def variable(**more: Any) -> dict[str, Any]:
    value = {"secure": True, "value": "hidden"}
    return {"name": "TOKEN", "description": "", "tags": [], "value": value, **more}


def test_a_secure_value_is_never_shown_and_a_name_serves_once(client: Client) -> None:
    row = made(client, VARIABLES, variable())
    assert client.get(f"{VARIABLES}/{row['id']}")["value"] == {"secure": True}
    assert "hidden" not in str(client.get(VARIABLES))
    assert client.ask("POST", VARIABLES, variable())[0] == 409
    path = f"{VARIABLES}/{row['id']}"
    assert client.ask("PUT", path, variable(value={"secure": True}, tags=["a:b"]))[0] == 200
    kept = client.org.private("synthetics_global_variables", row["id"])
    assert kept == {"value": "hidden"}
    assert client.ask("POST", VARIABLES, variable(name="low"))[0] == 400
    assert client.ask("POST", VARIABLES, variable(name="OTHER", is_fido=True))[0] == 400
    missing = (404, {"errors": ["Synthetics global variable not found"]})
    assert client.ask("GET", f"{VARIABLES}/none") == missing


def test_private_locations_stand_among_datadogs_own(client: Client) -> None:
    sent = {"name": "Our office", "description": "d", "tags": []}
    created = made(client, LOCATIONS, sent)
    id_ = created["private_location"]["id"]
    assert id_.startswith("pl:our-office-")
    assert created["config"]["privateKey"]
    listed = client.get("/api/v1/synthetics/locations")["locations"]
    assert {"id": id_, "name": "Our office"} in listed
    assert sum(row["id"].startswith("pl:") for row in listed) == 1 < len(listed)
    read = client.get(f"{LOCATIONS}/{id_}")
    assert not {"config", "secrets", "result_encryption"} & read.keys()
    roles = {"restricted_roles": ["none"]}
    assert client.ask("PUT", f"{LOCATIONS}/{id_}", {**sent, "metadata": roles})[0] == 400
    assert client.ask("DELETE", f"{LOCATIONS}/{id_}") == (204, None)


def downtime(**more: Any) -> dict[str, Any]:
    attributes = {"scope": "env:x", "monitor_identifier": {"monitor_tags": ["*"]}, **more}
    return {"data": {"type": "downtime", "attributes": attributes}}


def test_who_made_a_downtime_is_told_when_asked(client: Client) -> None:
    id_ = made(client, DOWNTIME, downtime())["data"]["id"]
    plain = client.get(f"{DOWNTIME}/{id_}")
    assert "relationships" not in plain["data"]
    assert "included" not in plain
    told = client.get(f"{DOWNTIME}?include=created_by")
    assert told["data"][0]["relationships"]["created_by"]["data"]["id"] == client.org.owner
    assert [item["id"] for item in told["included"]] == [client.org.owner]


def test_downtimes_come_thirty_at_a_time(client: Client) -> None:
    for number in range(65):
        made(client, DOWNTIME, downtime(scope=f"env:{number}"))
    first = client.get(DOWNTIME)
    assert len(first["data"]) == 30
    assert first["meta"]["page"]["total_filtered_count"] == 65
    assert len(client.get(f"{DOWNTIME}?page[offset]=60")["data"]) == 5
    assert len(client.get(f"{DOWNTIME}?page[limit]=100")["data"]) == 65


def test_a_cancelled_downtime_stays_and_an_ended_one_vanishes(client: Client) -> None:
    id_ = made(client, DOWNTIME, downtime())["data"]["id"]
    assert client.ask("DELETE", f"{DOWNTIME}/{id_}") == (204, None)
    assert client.get(f"{DOWNTIME}/{id_}")["data"]["attributes"]["status"] == "canceled"
    assert len(client.get(DOWNTIME)["data"]) == 1
    over = made(client, DOWNTIME, downtime(scope="env:y"))["data"]["id"]
    row = client.org.resources("downtime_schedules")[over]
    row["attributes"]["schedule"]["end"] = "2024-01-01T00:00:00+00:00"
    assert client.ask("GET", f"{DOWNTIME}/{over}") == (404, {"errors": ["Downtime not found"]})
    assert [item["id"] for item in client.get(DOWNTIME)["data"]] == [id_]


@pytest.mark.parametrize(
    "wrong",
    [
        {"scope": ""},
        {"monitor_identifier": {}},
        {"monitor_identifier": {"monitor_tags": ["*"], "monitor_id": 1}},
        {"schedule": {"start": "2020-01-01T00:00:00+00:00"}},
        {"schedule": {"start": None, "end": "2020-01-01T00:00:00+00:00"}},
        {"schedule": {"recurrences": []}},
        {"schedule": {"recurrences": [{"rrule": "DAILY", "duration": "1h"}]}},
        {"schedule": {"recurrences": [{"rrule": "FREQ=DAILY", "duration": "one hour"}]}},
        {"schedule": {"recurrences": [{"rrule": "FREQ=DAILY", "duration": "90s"}]}},
        {"schedule": {"recurrences": [{**DAILY, "start": "2020-01-01T00:00:00"}]}},
        {"schedule": {"recurrences": [DAILY, {**DAILY, "start": "2020-01-01T00:00:00"}]}},
        {"schedule": {"recurrences": [{**DAILY, "start": "2098-01-01T00:00:00+00:00"}]}},
        {"schedule": {"recurrences": [{**DAILY, "start": "soon"}]}},
        {"odd": 1},
    ],
)
def test_a_bad_downtime_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert client.ask("POST", DOWNTIME, downtime(**wrong))[0] == 400
    assert client.org.resources("downtime_schedules") == {}


def test_what_recurs_begins_at_a_local_time_or_the_moment_it_is_written(client: Client) -> None:
    now = datetime.now(timezone.utc)
    here = now.astimezone(timezone(timedelta(hours=9))).replace(tzinfo=None, microsecond=0)
    starts = (None, here.isoformat())
    for nth, start in enumerate(starts):
        schedule = {"timezone": "Asia/Tokyo", "recurrences": [{**DAILY, "start": start}]}
        body = downtime(scope=f"env:{nth}", schedule=schedule)
        told = made(client, DOWNTIME, body)["data"]["attributes"]
        assert told["status"] == "active"
        (one,) = told["schedule"]["recurrences"]
        begun = datetime.fromisoformat(one["start"])
        assert timedelta(0) <= begun - here < timedelta(seconds=30)


def test_an_equal_downtime_is_named_and_refused(client: Client) -> None:
    schedule = {"start": "2098-01-01T00:00:00+00:00"}
    id_ = made(client, DOWNTIME, downtime(schedule=schedule))["data"]["id"]
    status, body = client.ask("POST", DOWNTIME, downtime(schedule=schedule))
    assert status == 400
    assert body["errors"][0].endswith(f"existing downtimes: ['{id_}']")
    unknown = downtime(monitor_identifier={"monitor_id": 4711})
    assert client.ask("POST", DOWNTIME, unknown)[0] == 404
