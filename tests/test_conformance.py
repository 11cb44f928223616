"""The walk along schemas, on schemas of its own."""

from __future__ import annotations

from typing import Any

import pytest
from conformance import Walk

SPEC: dict[str, Any] = {
    "schemas": {
        "Pet": {"oneOf": [{"$ref": "#/schemas/Cat"}, {"$ref": "#/schemas/Dog"}]},
        "Cat": {
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["cat"]},
                "lives": {"type": "integer", "minimum": 1, "maximum": 9},
                "kittens": {"type": "array", "items": {"$ref": "#/schemas/Pet"}},
            },
            "required": ["type", "lives"],
        },
        "Dog": {
            "allOf": [{"$ref": "#/schemas/Named"}],
            "type": "object",
            "properties": {
                "type": {"type": "string", "enum": ["dog"]},
                "chip": {"type": "string", "format": "uuid", "nullable": True},
                "tags": {"additionalProperties": {"type": "string"}},
                "notes": {"type": "object"},
            },
        },
        "Named": {
            "properties": {
                "name": {"type": "string"},
                "id": {"type": "string", "readOnly": True},
                "born": {"type": "string", "format": "date-time"},
            },
            "required": ["name"],
        },
    }
}
CHIP = "6b1f4f5e-0c1f-4c62-9d6e-3d0d6a3b9d51"
GOOD: list[dict[str, Any]] = [
    {"type": "cat", "lives": 9},
    {"type": "cat", "lives": 1, "kittens": [{"type": "cat", "lives": 7}]},
    {"type": "dog", "name": "Rex", "chip": CHIP, "born": "2020-02-29T10:00:00Z"},
    {"type": "dog", "name": "Rex", "chip": None, "tags": {"any": "thing"}, "notes": {"a": [1]}},
]
BAD: list[tuple[Any, str, str]] = [
    ({"type": "cat"}, "", "lacks the required property 'lives'"),
    ({"type": "cat", "lives": 0}, "/lives", "less than the minimum"),
    ({"type": "cat", "lives": "9"}, "/lives", "is not of type 'integer'"),
    ({"type": "cat", "lives": True}, "/lives", "is not of type 'integer'"),
    ({"type": "cat", "lives": None}, "/lives", "may not be null"),
    ({"type": "cat", "lives": 9, "bark": 1}, "/bark", "knows this property"),
    ({"type": "cat", "lives": 9, "kittens": {}}, "/kittens", "is not of type 'array'"),
    (
        {"type": "cat", "lives": 9, "kittens": [{"type": "cat", "lives": 9, "x": 0}]},
        "/kittens/0/x",
        "knows this property",
    ),
    ({"type": "cat", "lives": 9, "a/b~": 1}, "/a~1b~0", "knows this property"),
    ({"type": "dog", "name": "Rex", "lives": 9}, "/lives", "knows this property"),
    ({"type": "dog", "chip": CHIP}, "", "lacks the required property 'name'"),
    ({"type": "dog", "name": "Rex", "chip": "12"}, "/chip", "is not a 'uuid'"),
    ({"type": "dog", "name": "Rex", "born": "yesterday"}, "/born", "is not a 'date-time'"),
    ({"type": "dog", "name": "Rex", "id": "1"}, "/id", "read-only"),
    ({"type": "dog", "name": "Rex", "tags": {"a": 1}}, "/tags/a", "is not of type 'string'"),
    ({"type": "fish", "name": "Rex"}, "/type", "is not one of"),
    (None, "", "may not be null"),
]
PET = {"$ref": "#/schemas/Pet"}


@pytest.mark.parametrize("value", GOOD)
def test_what_a_schema_allows_passes(value: dict[str, Any]) -> None:
    assert Walk(SPEC).deviations(PET, value) == []


@pytest.mark.parametrize(("value", "pointer", "said"), BAD)
def test_each_disagreement_is_named_with_its_place(value: Any, pointer: str, said: str) -> None:
    [found] = Walk(SPEC).deviations(PET, value)
    assert found.at.pointer == pointer
    assert said in str(found)


def test_all_that_stands_in_an_unknown_property_is_unknown_too() -> None:
    value = {"type": "cat", "lives": 9, "toys": [{"type": "ball", "colour": {"r": 1}}]}
    found = Walk(SPEC).deviations(PET, value)
    assert [one.at.kind for one in found] == [
        ".toys",
        ".toys[*]<ball>.type",
        ".toys[*]<ball>.colour",
        ".toys[*]<ball>.colour.r",
    ]


def test_what_is_harmless_decides_between_alternatives() -> None:
    """A new kind of pet fits neither schema, but one of them but for what is proven."""
    value = {"type": "puppy", "name": "Rex"}
    plain = Walk(SPEC).deviations(PET, value)
    assert [one.why for one in plain] == ["enum"]
    proven = Walk(SPEC, lambda one: one.sign == plain[0].sign)
    assert proven.deviations(PET, {**value, "lives": 9})[0].sign == plain[0].sign
