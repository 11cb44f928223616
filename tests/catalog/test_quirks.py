from __future__ import annotations

from typing import Any

from test_declarations import TYPES, document, recorded

from ddsnap.catalog import quirks
from ddsnap.core.fields import value_at


def test_tabs_name_their_widgets_by_position() -> None:
    body: dict[str, Any] = {
        "widgets": [{"id": 7}, {"id": 5}, {"definition": {}}],
        "tabs": [{"id": "t", "widget_ids": [5, 7]}, {"id": "u", "widget_ids": ["@3", 99]}],
    }
    once = quirks.tabs_by_position(body, [])
    assert [tab["widget_ids"] for tab in once["tabs"]] == [["@2", "@1"], ["@3", 99]]
    assert quirks.tabs_by_position(once, []) == once


def test_a_dashboard_without_tabs_stays_as_it_is() -> None:
    assert quirks.tabs_by_position({"widgets": None, "tabs": None}, []) == {
        "widgets": None,
        "tabs": None,
    }


def test_a_schedule_reads_back_as_it_was_written() -> None:
    written = {
        "name": "Layer 1",
        "members": [{"user": {"id": "u1"}}, {}],
        "interval": {"days": 1},
    }
    body = {
        "id": "s",
        "attributes": {"name": "S"},
        "relationships": {"layers": {"data": [{"id": "l1", "type": "layers"}]}},
    }
    included: list[Any] = [
        {
            "id": "l1",
            "type": "layers",
            "attributes": {"name": "Layer 1", "interval": {"days": 1}},
            "relationships": {
                "members": {
                    "data": [{"id": "m1", "type": "members"}, {"id": "m2", "type": "members"}]
                }
            },
        },
        {
            "id": "m1",
            "type": "members",
            "relationships": {"user": {"data": {"id": "u1", "type": "users"}}},
        },
        {"id": "m2", "type": "members", "relationships": {"user": {"data": None}}},
    ]
    read = quirks.layers_into_schedule(body, included)
    assert value_at(read, "attributes.layers[*]") == {**written, "id": "l1"}
    assert "layers" not in read["relationships"]


def test_recorded_schedules_keep_every_layer_and_member() -> None:
    layers = members = 0
    for file, body, included in recorded("on_call_schedules"):
        if not included:
            continue
        stored = document(TYPES["on_call_schedules"], body, included)
        names = [item["id"] for item in included if item["type"] == "layers"]
        found = value_at(stored, "attributes.layers")
        assert isinstance(found, list)
        assert [layer["id"] for layer in found] == names, file
        layers += len(found)
        members += sum(len(layer["members"]) for layer in found)
    assert layers > 0
    assert members > 0


def test_a_recorded_policy_reads_back_as_it_was_written() -> None:
    import json

    from orgs import contract_data

    for file in (contract_data() / "samples" / "on_call_escalation_policies").glob("create-*"):
        sample = json.loads(file.read_text())
        type_ = TYPES["on_call_escalation_policies"]
        answer = sample["response"]
        stored = document(type_, answer["data"], answer["included"])
        steps = value_at(stored, "attributes.steps")
        sent = sample["request_body"]["data"]["attributes"]["steps"]
        assert [{k: v for k, v in step.items() if k != "id"} for step in steps] == sent


def test_what_a_test_extracted_is_left_out_and_sent_empty() -> None:
    filled = {"parse_test_public_id": "abc", "value": {"secure": False, "value": "moves"}}
    once = quirks.without_extracted_value(filled, [])
    assert once["value"] == {"secure": False}
    assert quirks.without_extracted_value(once, []) == once
    assert quirks.with_empty_value(once)["value"] == {"secure": False, "value": ""}


def test_what_people_entered_is_kept() -> None:
    for body in (
        {"parse_test_public_id": None, "value": {"secure": False, "value": "x"}},
        {"value": {"secure": False, "value": "x"}},
        {"parse_test_public_id": "abc", "value": None},
    ):
        assert quirks.without_extracted_value(dict(body), []) == body
        assert quirks.with_empty_value(dict(body)) == body


def test_hidden_values_are_marked_where_somebody_entered_them() -> None:
    marker = {"$ddsnap": {"secret": True}}
    variable = TYPES["synthetics_global_variables"]

    def value(**body: Any) -> Any:
        return document(variable, {"id": "1", "name": "N", **body}, [])["value"]

    assert value(value={"secure": True}) == {"secure": True, "value": marker}
    assert value(value={"secure": False, "value": "x"}) == {"secure": False, "value": "x"}
    assert value(value={"secure": True}, is_fido=True) == {"secure": True}
    assert value(value={"secure": True}, parse_test_public_id="t") == {"secure": True}
    named = [
        {"name": "A", "type": "text", "secure": True},
        {"name": "B", "type": "text", "secure": False, "pattern": "b"},
        {"name": "C", "type": "global", "secure": True, "id": "g"},
    ]
    body = {"public_id": "t", "config": {"configVariables": named}}
    stored = document(TYPES["synthetics_tests"], body, [])["config"]["configVariables"]
    assert stored == [{**named[0], "pattern": marker}, *named[1:]]
