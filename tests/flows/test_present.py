"""A resource read just before it is written: as a capture sees it, and its secrets kept hidden."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.filling import filling
from ddsnap.core.ids import join_parts
from ddsnap.core.markers import plain
from ddsnap.core.match import portable, portable_digest
from ddsnap.core.normalize import id_of
from ddsnap.core.paths import document_path
from ddsnap.core.requests import create_request, update_requests
from ddsnap.core.values import Address
from ddsnap.errors import ApiError
from ddsnap.flows.guard import Guard
from ddsnap.flows.present import ABSENT, from_source, present_of
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from orgs import Backup

    from ddsnap.core.filling import Filling
    from ddsnap.flows.run import Run

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
TESTS = CATALOG["synthetics_tests"]
VARIABLES = CATALOG["synthetics_global_variables"]
PASSWORD = "canary-of-a-password"
HEADER = 'canary "of a" header/with=signs'
VALUE = "canary-of-a-secure-variable"


def load_test(backup: Backup, **config: Any) -> str:
    auth = {"type": "web", "username": "reader", "password": PASSWORD}
    request = {"url": "https://example.com", "headers": {"X-Api-Key": HEADER}, "basicAuth": auth}
    body = {
        "public_id": "abc-def-ghi",
        "name": "Log in",
        "type": "api",
        "subtype": "http",
        "status": "live",
        "message": "",
        "tags": [],
        "locations": ["aws:eu-west-1"],
        "options": {"tick_every": 900},
        "config": {"assertions": [{"type": "statusCode"}], "request": request, **config},
        "created_at": "2024-05-01T00:00:00.000000+00:00",
        "modified_at": "2024-05-01T00:00:00.000000+00:00",
        "monitor_id": 1,
    }
    backup.org.load("synthetics_tests", [body])
    return "abc-def-ghi"


def load_variable(run: Run) -> str:
    body: Any = {
        "name": "PIN",
        "description": "before",
        "tags": [],
        "value": {"secure": True, "value": VALUE},
    }
    request = create_request(VARIABLES, {**body, "type": "variable"}, now=NOW)
    written = run.gateway.send(VARIABLES, request, request.body)
    assert isinstance(written.item, dict)
    return str(written.item["id"])


def change(run: Run, type_name: str, id_: str, /, **members: Any) -> Filling:
    """Do what an action does: read, build the requests, fill them in, send them."""
    type_ = CATALOG[type_name]
    present = present_of(run, type_, id_)
    assert present.document is not None
    wanted = {**portable(type_, present.document), **members}
    found = filling(type_, wanted, present.document, present.raw, {})
    recorded = update_requests(type_, wanted, present.document, id_, now=NOW)
    told = update_requests(type_, found.document, found.present or {}, id_, now=NOW)
    assert [plain(request.body) for request in told] == [one.body for one in recorded]
    for request in told:
        run.gateway.send(type_, request, found.fill(request.body))
    return found


def test_each_resource_is_read_as_the_capture_stored_it(backup: Backup) -> None:
    """The digest that a plan was made against holds until somebody changes the resource."""
    backup.capture()
    seen = set()
    with backup.run() as run:
        for type_ in CATALOG.types:
            for path in backup.paths(f"{type_.name}/")[:3]:
                document = backup.document(path)
                id_ = id_of(type_, document)
                present = present_of(run, type_, id_)
                assert document_path(Address(type_.name, id_)) == path
                assert present.document is not None
                # What only one of two addresses answers is bound to the org, and never sent.
                assert portable(type_, present.document) == portable(type_, document)
                assert present.digest == portable_digest(type_, document)
                seen.add(type_.name)
    assert len(seen) > 15


def test_what_is_not_there_is_absent(backup: Backup) -> None:
    with backup.run() as run:
        assert present_of(run, TESTS, "zzz-zzz-zzz") == ABSENT
        assert present_of(run, CATALOG["monitors"], "1") == ABSENT
        for team in (next(iter(backup.org.resources("teams"))), "no-team"):
            id_ = join_parts([team, "nobody"])
            assert present_of(run, CATALOG["team_memberships"], id_) == ABSENT


def test_what_cannot_be_read_is_an_error(backup: Backup) -> None:
    id_ = load_test(backup)
    backup.sandbox.faults.add(Fault(path=f"/api/v1/synthetics/tests/{id_}", status=403))
    with backup.run() as run, pytest.raises(ApiError, match="synthetics_tests/abc-def-ghi: HTTP"):
        present_of(run, TESTS, id_)


def test_the_configuration_decides_about_secrets_as_in_a_capture(backup: Backup) -> None:
    monitor = next(iter(backup.org.resources("monitors").values()))
    guard = Guard.of((), redact=("monitors:/message",))
    with backup.run() as run:
        found = present_of(replace(run, guard=guard), CATALOG["monitors"], str(monitor["id"]))
        assert found.document is not None
        assert found.document["message"] == {"$ddsnap": {"secret": True}}
        assert found.raw is not None
        assert found.raw["message"] == monitor["message"]


def test_ghosts_of_an_order_are_left_out(backup: Backup) -> None:
    backup.org.load("logs_indexes", [{"name": "ghost", "filter": {"query": "*"}}])
    del backup.org.resources("logs_indexes")["ghost"]
    existing = set(backup.org.resources("logs_indexes"))
    order = CATALOG["logs_indexes_order"]
    with backup.run() as run:
        seen: Any = present_of(run, order, order.constant_id).document
        assert "ghost" in seen["index_names"]
        seen = present_of(run, order, order.constant_id, existing=existing).document
        assert set(seen["index_names"]) == existing


def test_threads_may_read_at_once(backup: Backup) -> None:
    type_ = CATALOG["roles"]
    ids = [*backup.org.resources("roles")] * 4
    with backup.run() as run, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda id_: present_of(run, type_, id_), ids))
        assert [one.digest for one in found] == [present_of(run, type_, id_).digest for id_ in ids]


# --- writing with markers ------------------------------------------------------------------------


def test_a_renamed_test_keeps_its_password(backup: Backup) -> None:
    id_ = load_test(backup)
    with backup.run() as run:
        found = change(run, "synthetics_tests", id_, name="Sign in")
        assert (found.unknown, found.omitted) == ((), ())
    row = backup.org.resources("synthetics_tests")[id_]
    assert row["name"] == "Sign in"
    assert row["config"]["request"]["basicAuth"]["password"] == PASSWORD
    assert row["config"]["request"]["headers"] == {"X-Api-Key": HEADER}


def test_a_secure_variable_keeps_its_value(backup: Backup) -> None:
    with backup.run() as run:
        id_ = load_variable(run)
        assert backup.org.private("synthetics_global_variables", id_)["value"] == VALUE
        found = change(run, "synthetics_global_variables", id_, description="after")
        assert (found.unknown, found.omitted) == ((), ("/value/value",))
    assert backup.org.resources("synthetics_global_variables")[id_]["description"] == "after"
    assert backup.org.private("synthetics_global_variables", id_)["value"] == VALUE


def test_the_source_supplies_what_its_api_shows(backup: Backup, empty: Backup) -> None:
    secure = {"name": "PIN", "type": "text", "secure": True}
    id_ = load_test(backup, configVariables=[secure])
    with backup.run() as source, empty.run() as run:
        document = present_of(source, TESTS, id_).document
        assert document is not None
        wanted = portable(TESTS, document)
        supplied = from_source(source, TESTS, id_, wanted)
        assert supplied == {
            "/config/request/basicAuth/password": PASSWORD,
            "/config/request/headers/X-Api-Key": HEADER,
        }
        found = filling(TESTS, wanted, None, None, supplied)
        assert found.unknown == ("/config/configVariables/0/pattern",)
        found = filling(
            TESTS, wanted, None, None, {**supplied, "/config/configVariables/0/pattern": VALUE}
        )
        request = create_request(TESTS, found.document, now=NOW)
        run.gateway.send(TESTS, request, found.fill(request.body))
    row = next(iter(empty.org.resources("synthetics_tests").values()))
    assert row["config"]["request"]["basicAuth"]["password"] == PASSWORD
    assert "$ddsnap" not in json.dumps(row)


@pytest.mark.parametrize("status", [400, 403, 500])
def test_what_a_server_echoes_of_a_secret_stands_in_no_error(backup: Backup, status: int) -> None:
    id_ = load_test(backup)
    spelled = [PASSWORD, HEADER, json.dumps(HEADER)[1:-1], "canary%20%22of%20a%22%20header"]
    said = f"no good: {' and '.join(spelled)}%2Fwith%3Dsigns"
    fault = Fault(path="/api/v1/synthetics/tests/api/abc-def-ghi", method="PUT", status=status)
    backup.sandbox.faults.add(replace(fault, body={"errors": [said]}))
    with backup.run() as run:
        with pytest.raises(ApiError) as caught:
            change(run, "synthetics_tests", id_, name="Sign in")
        assert "no good: *** and *** and *** and ***" in caught.value.message
        told = repr([caught.value, present_of(run, TESTS, id_), backup.events])
    assert "canary" not in told
