"""The declarations against recorded answers: every kind of field where it belongs."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from orgs import contract_data

from ddsnap.catalog import CATALOG, DECLARED
from ddsnap.catalog.access import PERMISSIONS
from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.kinds import without
from ddsnap.core.normalize import is_secret, normalize, unknown_fields
from ddsnap.core.references import find_references, rewrite
from ddsnap.core.times import time_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import ResourceType

DECLARED_TYPES = [
    "monitors",
    "dashboards",
    "dashboard_lists",
    "roles",
    "users",
    "team_memberships",
    "restriction_policies",
    "synthetics_tests",
    "logs_indexes",
    "logs_indexes_order",
    "rum_retention_filters_order",
    "on_call_schedules",
    "on_call_escalation_policies",
    "metric_percentiles",
    "webhooks",
    "logs_pipelines",
    "logs_pipelines_order",
    "logs_metrics",
    "synthetics_private_locations",
    "synthetics_global_variables",
    "downtime_schedules",
    "powerpacks",
    "notebooks",
    "service_level_objectives",
    "slo_corrections",
]

TYPES = {type_.name: type_ for type_ in (*CATALOG.types, *DECLARED)}

# Answers to a bulk call, or about members, which are no resources.
_NOT_A_RESOURCE = {
    "metric_percentiles": ("create", "update"),
    "restriction_policies": ("error",),
}


def recorded(name: str) -> Iterator[tuple[str, dict[str, Any], list[Any]]]:
    """Yield every recorded resource of a type: file, body, and what came beside it."""
    for file in sorted((contract_data() / "samples" / name).glob("*.json")):
        sample = json.loads(file.read_text())
        form, answer = sample["form"], sample["response"]
        if sample["status"] >= 300 or form in _NOT_A_RESOURCE.get(name, ()):
            continue
        if form in ("list_item", "get", "create", "update"):
            yield file.name, *_item(TYPES[name], form, answer, sample)


def _item(
    type_: ResourceType, form: str, answer: Any, sample: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    body = answer
    call = {"create": type_.create, "update": type_.update}.get(form)
    if call and call.answer:
        return value_at(answer, call.answer), []  # type: ignore[return-value]
    if form != "list_item" and type_.envelope and isinstance(answer.get(type_.envelope), dict):
        body = answer[type_.envelope]
    if form != "list_item" and isinstance(answer, dict) and "data" in answer and not type_.orders:
        body = answer["data"]
        if type_.name == "synthetics_tests":
            body = body["attributes"]
    if type_.name == "team_memberships":
        team = sample["request"]["path"].split("/")[4]
        body["relationships"]["team"] = {"data": {"id": team, "type": "team"}}
    if type_.name == "rum_retention_filters_order":
        body["$ddsnap"] = {"id": sample["request"]["path"].split("/")[5]}
    included = (
        answer.get("included", []) if form != "list_item" and isinstance(answer, dict) else []
    )
    return body, included


def document(type_: ResourceType, body: dict[str, Any], included: list[Any]) -> dict[str, Any]:
    body = copy.deepcopy(body)
    if type_.shape:
        body = type_.shape.read(body, included)
    return normalize(type_, body).document.body


@pytest.mark.parametrize("name", DECLARED_TYPES)
def test_every_recorded_answer_becomes_a_document_and_stays_it(name: str) -> None:
    type_, seen = TYPES[name], 0
    for file, body, included in recorded(name):
        stored = document(type_, body, included)
        data = canonical.encode(stored)
        again = canonical.decode(data)
        assert canonical.encode(again) == data, file
        assert canonical.encode(document(type_, again, [])) == data, f"{file}: no fixed point"
        for path in type_.volatile:
            assert not list(field_path(path).find(stored)), f"{file}: {path} moves by itself"
        seen += 1
    assert seen > 0, "no recorded answer was looked at"


def test_the_time_of_a_creation_is_provenance_and_can_be_read() -> None:
    dated = [type_ for type_ in TYPES.values() if type_.created_at]
    for type_ in dated:
        assert type_.created_at in type_.provenance, type_.name
        for file, body, included in recorded(type_.name):
            told = value_at(document(type_, body, included), type_.created_at)
            assert told is None or time_of(told) is not None, (file, told)
    assert len(dated) > 10


@pytest.mark.parametrize("name", DECLARED_TYPES)
def test_no_configuration_is_lost(name: str) -> None:
    """What is stored and what was left out together are the whole answer."""
    type_ = TYPES[name]
    if type_.shape:
        pytest.skip("its shape changes on the way; test_quirks holds it")
    for file, body, included in recorded(name):
        stored = document(type_, body, included)
        for name_, value in body.items():
            if name_ in stored or name_ in type_.volatile:
                continue
            assert value in type_.defaults.get(name_, ()), f"{file}: {name_} was lost"


@pytest.mark.parametrize("name", DECLARED_TYPES)
def test_the_facts_about_server_fields_are_declared(name: str) -> None:
    """Every field that the facts call the server's has a kind here, so none is ever sent."""
    facts = yaml.safe_load((contract_data() / "catalogue.yaml").read_text())
    entry = next(t for t in facts["peer_types"] + facts["more_types"] if t["name"] == name)
    type_ = TYPES[name]
    ours = {
        *type_.identity, *type_.provenance, *type_.derived, *type_.volatile, *type_.create_only,
        type_.id, *(part.at for part in type_.parts),
    }  # fmt: skip
    for kind, fields in entry["server_fields"].items():
        for path in fields:
            known = any(path == our or path.startswith(our + ".") for our in ours)
            known |= path in _DECLARED_OTHERWISE.get(name, ())
            assert known, f"{path} ({kind}) has no kind"
    for path in entry["unordered"]:
        assert path in type_.unordered, f"{path} is a set"


# Fields that never reach a document: a section is reduced to what it keeps, a shape moves them.
_DECLARED_OTHERWISE = {
    "dashboard_lists": tuple(
        f"dashboards[*].{field}"
        for field in [
            "author",
            "created",
            "modified",
            "popularity",
            "title",
            "url",
            "icon",
            "tags",
            "integration_id",
            "is_favorite",
            "is_read_only",
            "is_shared",
        ]
    ),
    # Recorded creations and updates send it.
    "synthetics_global_variables": ("is_totp",),
    "on_call_schedules": ("relationships.layers",),
    "on_call_escalation_policies": ("relationships.steps",),
}


@pytest.mark.parametrize("name", DECLARED_TYPES)
def test_rewriting_by_nothing_changes_nothing(name: str) -> None:
    type_ = TYPES[name]
    for file, body, included in recorded(name):
        stored = document(type_, body, included)
        found = find_references(stored, type_, CATALOG)
        same = rewrite(stored, found, lambda reference: reference.value)
        assert canonical.encode(same) == canonical.encode(stored), file


@pytest.mark.parametrize(
    "name",
    [
        "monitors",
        "dashboards",
        "roles",
        "team_memberships",
        "synthetics_tests",
        "synthetics_private_locations",
        "downtime_schedules",
        "logs_pipelines",
        "logs_metrics",
        "service_level_objectives",
        "powerpacks",
        "notebooks",
    ],
)
def test_what_an_order_of_the_answer_may_not_change(name: str) -> None:
    type_ = TYPES[name]
    for file, body, included in recorded(name):
        turned = copy.deepcopy(body)
        for path in type_.unordered:
            for slot in field_path(path).find(turned):
                if isinstance(slot.value, list):
                    slot.value.reverse()
        turned = dict(reversed(turned.items()))
        expected = canonical.encode(document(type_, body, included))
        assert canonical.encode(document(type_, turned, included)) == expected, file


def test_permissions_are_stored_by_their_names() -> None:
    names = {"p-1": "dashboards_write"}
    body = {
        "id": "r",
        "attributes": {"name": "n"},
        "relationships": {"permissions": {"data": [{"id": "p-1"}, {"id": "p-2"}]}},
    }
    stored = normalize(TYPES["roles"], body, names={PERMISSIONS.name: names}).document.body
    kept = [slot.value for slot in field_path("relationships.permissions.data[*].id").find(stored)]
    assert kept == ["dashboards_write", "p-2"]


def test_recorded_secrets_become_markers() -> None:
    """Wherever a declared secret stands in a recording, a marker stands in the document."""
    marked = 0
    for name in ("webhooks", "synthetics_tests"):
        type_ = TYPES[name]
        for _, body, included in recorded(name):
            stored = document(type_, body, included)
            for path in type_.secrets:
                for slot in field_path(path).find(body):
                    if slot.value:
                        assert is_secret(value_at(stored, path)), path
                        marked += 1
    assert marked > 0


def test_what_is_sent_holds_nothing_of_the_server() -> None:
    for name in DECLARED_TYPES:
        type_ = TYPES[name]
        for file, body, included in recorded(name):
            stored = document(type_, body, included)
            sent = without(type_, stored, "identity", "provenance", "derived")
            for path in (*type_.identity, *type_.provenance, *type_.derived):
                assert not list(field_path(path).find(sent)), f"{name} {file}: {path}"


@pytest.mark.parametrize("name", DECLARED_TYPES)
def test_no_recorded_field_is_new_to_the_declaration(name: str) -> None:
    type_ = TYPES[name]
    for file, body, included in recorded(name):
        stored = document(type_, body, included)
        assert unknown_fields(type_, stored) == frozenset(), file
