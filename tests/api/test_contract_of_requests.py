"""Every body that is sent is one that Datadog accepts, by its specification and its client."""

from __future__ import annotations

import copy
import re
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import pytest
import requests
from conformance import At
from contract import Contract, assert_sent, deviations, requests_of
from official_client import KNOWS_LESS, complaints, exception_for, unparsed
from orgs import contract_data

from ddsnap.catalog import CATALOG
from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from conformance import Deviation
    from recordings import Recording
    from specification import Operation

    from ddsnap.core.resource_type import ResourceType

CLIENT = "datadog-api-client"
EACH_TYPE = pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)

BEYOND = {
    ("dashboards", ".id", "read-only"): "answered bodies are sent back whole",
    ("dashboards", ".author_handle", "read-only"): "likewise",
    ("dashboards", ".tabs[*].widget_ids[*]", "type"): "positions, as @1, beside numbers",
    ("dashboards", ".widgets[*].layout.x", "type"): "a free layout holds fractions",
    ("logs_metrics", ".data.id", "unknown"): "an update names its metric",
    ("logs_metrics", ".data.attributes.compute.aggregation_type", "unknown"): "told unchanged",
    ("logs_metrics", ".data.attributes.compute.path", "unknown"): "likewise",
    ("monitors", ".id", "read-only"): "answered bodies are sent back whole",
    ("monitors", ".multi", "read-only"): "likewise",
    ("monitors", ".classification", "unknown"): "likewise",
    ("monitors", ".options.threshold_windows", "null"): "without windows",
    ("roles", ".data.attributes.default_permissions_opt_out", "unknown"): "newer than the files",
    ("service_level_objectives", ".id", "read-only"): "answered bodies are sent back whole",
    ("synthetics_private_locations", ".ddr_metadata", "unknown"): "written by a sync tool",
    ("synthetics_private_locations", ".test_encryption_public_key", "unknown"): "likewise",
    ("synthetics_tests", ".data.attributes.options.httpVersion", "unknown"): "not for networks",
    ("teams", ".data.attributes.is_managed", "unknown"): "answered bodies are sent back whole",
}
"""What accepted requests hold beyond the specification: type, place, why; the reason."""

OPEN = {
    ("dashboards", r"\.widgets.*<vega-lite>\.contents.*"): "a language of its own",
    ("downtime_schedules", r"\.data<downtime>\.attributes\.monitor_identifier"): "says so",
    ("downtime_schedules", r".*\.schedule\.recurrences\[\*\]"): "says so",
    ("monitors", r"\.options\.silenced"): "scopes are its names",
    ("synthetics_tests", r"\.config.*\.request\.query"): "an object of any kind",
    ("synthetics_tests", r"\.steps\[\*\]<\w+>\.params.*"): "an object of any kind",
}
"""Where the specification takes whatever it does not name: type, place; why."""

REMOVED = object()

BROKEN: list[tuple[str, str, tuple[str | int, ...], Any, str]] = [
    ("dashboards", "POST", ("widgets", 0, "definition", "kind"), 1, "knows this property"),
    ("dashboards", "POST", ("widgets", 0, "definition", "type"), "chart", "is not one of"),
    ("dashboards", "POST", ("layout_type",), "tiled", "is not one of"),
    ("dashboards", "POST", ("title",), REMOVED, "required property 'title'"),
    ("dashboards", "PUT", ("url",), "/dashboard/abc", "read-only"),
    ("dashboard_lists", "POST", ("name",), REMOVED, "required property 'name'"),
    ("dashboard_lists", "POST", ("dashboards",), [], "knows this property"),
    ("downtime_schedules", "POST", ("data", "attributes", "scope"), REMOVED, "property 'scope'"),
    ("downtime_schedules", "POST", ("data", "attributes", "status"), "on", "knows this"),
    ("downtime_schedules", "PATCH", ("data", "type"), "schedule", "is not one of"),
    ("logs_indexes", "POST", ("filter",), REMOVED, "required property 'filter'"),
    ("logs_indexes", "PUT", ("name",), "main", "knows this property"),
    ("logs_indexes", "POST", ("num_retention_days",), "15", "is not of type 'integer'"),
    ("logs_metrics", "POST", ("data", "attributes", "compute"), REMOVED, "property 'compute'"),
    ("logs_pipelines", "POST", ("name",), REMOVED, "required property 'name'"),
    ("logs_pipelines", "POST", ("processors", 0, "colour"), 1, "knows this property"),
    ("logs_pipelines", "POST", ("is_read_only",), False, "read-only"),
    ("logs_pipelines_order", "PUT", ("pipeline_ids",), REMOVED, "property 'pipeline_ids'"),
    ("monitors", "POST", ("query",), REMOVED, "required property 'query'"),
    ("monitors", "POST", ("type",), "odd alert", "is not one of"),
    ("monitors", "POST", ("options", "silent"), {}, "knows this property"),
    ("monitors", "POST", ("overall_state",), "OK", "read-only"),
    ("notebooks", "POST", ("data", "attributes", "cells", 0, "id"), "x", "knows this property"),
    ("powerpacks", "POST", ("data", "attributes", "group_widget"), REMOVED, "'group_widget'"),
    ("restriction_policies", "POST", ("data", "id"), REMOVED, "required property 'id'"),
    ("roles", "POST", ("data", "attributes", "name"), REMOVED, "required property 'name'"),
    ("roles", "PATCH", ("data", "id"), REMOVED, "required property 'id'"),
    ("service_level_objectives", "POST", ("type",), REMOVED, "required property 'type'"),
    ("service_level_objectives", "POST", ("creator",), {}, "knows this property"),
    ("slo_corrections", "POST", ("data", "attributes", "start"), REMOVED, "property 'start'"),
    ("slo_corrections", "PATCH", ("data", "attributes", "slo_id"), "abc", "knows this property"),
    ("synthetics_global_variables", "POST", ("name",), REMOVED, "required property 'name'"),
    ("synthetics_private_locations", "POST", ("config",), {}, "knows this property"),
    ("synthetics_tests", "POST", ("config", "request", "verb"), "GET", "knows this property"),
    ("synthetics_tests", "POST", ("status",), "asleep", "not one of|knows this"),
    ("synthetics_tests", "POST", ("public_id",), "abc-def-ghi", "read-only|knows this"),
    ("team_memberships", "POST", ("data", "type"), "membership", "is not one of"),
    ("teams", "POST", ("data", "attributes", "handle"), REMOVED, "required property 'handle'"),
    ("users", "POST", ("data", "attributes", "disabled"), True, "knows this property"),
    ("users", "PATCH", ("data", "attributes", "handle"), "x", "knows this property"),
]
"""Type, method, where, what is put there; what is said of it."""


@pytest.fixture
def contract() -> Contract:
    return Contract.load()


def recorded(type_: ResourceType) -> list[tuple[Operation, Recording]]:
    contract_data()
    return list(requests_of(type_))


def plain(one: Deviation) -> str:
    """A place without the types of what it lies in."""
    return "".join(part.partition(">")[2] or part for part in one.at.kind.split("<"))


@EACH_TYPE
def test_every_recorded_request_passes(type_: ResourceType, contract: Contract) -> None:
    for _, one in recorded(type_):
        assert not contract.problems(one.method, one.path, one.sent), one.name
        assert not contract.unproven(one.method, one.path, one.sent), one.name
        assert not unparsed(one.method, one.path, one.sent), one.name


def test_enough_is_recorded() -> None:
    """Should the recordings not be found, the tests here would prove nothing."""
    assert sum(len(recorded(type_)) for type_ in CATALOG.types) > 200
    assert [type_.name for type_ in CATALOG.types if not recorded(type_)] == ["logs_indexes_order"]


def test_what_recordings_prove_beyond_the_specification_is_known_by_name() -> None:
    """Each deviation that is let through is one that somebody looked at."""
    found = {
        (type_.name, plain(one), one.why)
        for type_ in CATALOG.types
        for operation, recording in recorded(type_)
        for one in deviations(operation, recording.sent)
    }
    inside = {
        (name, place, why) for name, place, why in found
        if any((name, place[:n], why) in BEYOND for n in range(1, len(place)))
    }  # fmt: skip
    assert found - inside == set(BEYOND)


def test_what_the_client_knows_less_of_is_recorded_as_accepted() -> None:
    found = {
        exception_for(one)
        for type_ in CATALOG.types
        for _, recording in recorded(type_)
        for one in complaints(recording.method, recording.path, recording.sent)
    }
    # A newer client may know more.
    assert found == set(KNOWS_LESS) or (found < set(KNOWS_LESS) and version(CLIENT) != "2.62.0")


@pytest.mark.parametrize(
    ("name", "method", "place", "value", "said"),
    BROKEN,
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else None,
)
def test_broken_requests_are_refused(
    name: str, method: str, place: tuple[str | int, ...], value: Any, said: str, contract: Contract
) -> None:
    tried = 0
    for _, one in recorded(CATALOG[name]):
        broken = copy.deepcopy(one.sent)
        about = one.form in ("create", "update") and one.method == method
        if about and put(broken, place, value):
            tried += 1
            problems = contract.problems(one.method, one.path, broken)
            assert any(re.search(said, problem) for problem in problems), (one.name, problems)
    assert tried


def test_an_unknown_property_is_refused_at_every_place_but_those_that_are_open(
    contract: Contract,
) -> None:
    seen: dict[tuple[str, str], bool] = {}
    for type_ in CATALOG.types:
        for _, one in recorded(type_):
            for at in objects(one.sent):
                if (type_.name, at.kind) not in seen:
                    broken = copy.deepcopy(one.sent)
                    assert put(broken, (*at.parts, "no_such_property"), 1)
                    refused = contract.problems(one.method, one.path, broken)
                    seen[type_.name, at.kind] = any("no_such_property" in text for text in refused)
    left = {(name, kind) for (name, kind), refused in seen.items() if not refused}
    by_name = {
        (name, place)
        for name, place in OPEN
        if any(name == other and re.fullmatch(place, kind) for other, kind in left)
    }
    assert by_name == set(OPEN)
    assert not [
        (name, kind)
        for name, kind in left
        if not any(name == other and re.fullmatch(place, kind) for other, place in OPEN)
    ]
    assert len(seen) > 400


def objects(value: Any, at: At = At()) -> Iterator[At]:  # noqa: B008
    """Yield the places of all objects in a body."""
    if isinstance(value, dict):
        here = at.of_type(value)
        yield here
        for name, member in value.items():
            yield from objects(member, here.inside(name))
    elif isinstance(value, list):
        for index, element in enumerate(value):
            yield from objects(element, at.inside(index))


def put(body: Any, place: tuple[str | int, ...], value: Any) -> bool:
    """Put a value at a place, or take out what is there; whether that was possible."""
    *way, last = place
    for step in way:
        there = isinstance(body, dict) and step in body
        if not there and not (
            isinstance(body, list) and isinstance(step, int) and step < len(body)
        ):
            return False
        body = body[step]
    if not isinstance(body, dict):
        return False
    if value is not REMOVED:
        body[last] = value
        return True
    return body.pop(last, REMOVED) is not REMOVED


def test_what_was_sent_to_a_sandbox_is_checked() -> None:
    contract_data()
    with Sandbox() as sandbox:
        org = sandbox.add_org("us1")
        post(sandbox, org, {"data": {"type": "roles", "attributes": {"name": "On-call"}}})
        assert_sent(sandbox)
        post(sandbox, org, {"data": {"type": "role", "attributes": {"nmae": "On-call"}}})
        with pytest.raises(AssertionError, match="nmae"):
            assert_sent(sandbox)


def post(sandbox: Sandbox, org: Any, body: Any) -> None:
    keys = {"DD-API-KEY": org.api_key, "DD-APPLICATION-KEY": org.app_key}
    with requests.Session() as session:
        session.post(sandbox.url + "/api/v2/roles", json=body, headers=keys, timeout=10)
