"""What every declaration promises of normalizing: defaults, sets and states, and a fixed point."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.fields import EACH, field_path
from ddsnap.core.normalize import normalize

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.core.resource_type import ResourceType

TYPES = pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)


def place(body: Any, steps: Sequence[str], value: Any) -> None:
    """Put a value at a path, making what leads there; ``[*]`` is a list of one."""
    step, *rest = steps
    key: Any = 0 if step == EACH else step
    if step == EACH and not body:
        body.append(None)
    if not rest:
        body[key] = value
        return
    empty: Any = [] if rest[0] == EACH else {}
    held = body[0] if step == EACH else body.get(step)
    if not isinstance(held, type(empty)):
        body[key] = empty
    place(body[key], rest, value)


def holding(type_: ResourceType, *values: tuple[str, Any]) -> dict[str, Any]:
    """A body with an id and these values at these paths."""
    body: dict[str, Any] = {}
    if type_.parts:
        for part in type_.parts:
            place(body, field_path(part.at).steps, part.name)
    elif not type_.constant_id:
        body[type_.id] = "own-id"
    for path, value in values:
        place(body, field_path(path).steps, copy.deepcopy(value))
    return body


def stored(type_: ResourceType, body: dict[str, Any]) -> bytes:
    return canonical.encode(normalize(type_, copy.deepcopy(body)).document.body)


@TYPES
def test_what_stands_for_nothing_equals_absence(type_: ResourceType) -> None:
    for path, values in type_.defaults.items():
        way, _, name = path.rpartition(".")
        beside = f"{way}.beside" if way else "beside"  # its holder is there in both
        absent = holding(type_, (beside, 1))
        for value in values:
            body = holding(type_, (beside, 1), (path, value))
            assert stored(type_, body) == stored(type_, absent), (path, value)
        kept = holding(type_, (beside, 1), (path, "decided"))
        assert stored(type_, kept) != stored(type_, absent), (path, name)


@pytest.mark.parametrize(
    ("name", "path", "value"),
    [
        ("monitors", "options.timeout_h", None),
        ("monitors", "options.thresholds", {}),
        ("monitors", "message", ""),
        ("monitors", "tags", [""]),
        ("dashboards", "widgets", []),
        ("dashboards", "title", ""),
        ("service_level_objectives", "monitor_ids", []),
        ("logs_pipelines", "processors", []),
        ("logs_pipelines", "is_enabled", False),
        ("slo_corrections", "attributes.end", 0),
        ("synthetics_tests", "message", ""),
        ("notebooks", "attributes.time", None),
    ],
)
def test_nothing_in_any_other_place_is_something(name: str, path: str, value: Any) -> None:
    type_ = CATALOG[name]
    way = path.rpartition(".")[0]
    beside = (f"{way}.beside" if way else "beside", 1)
    assert stored(type_, holding(type_, beside, (path, value))) != stored(
        type_, holding(type_, beside)
    )


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("monitors", {"restricted_roles": None}, {"restricted_roles": []}),
        ("monitors", {"draft_status": "published", "assets": []}, {}),
        ("monitors", {"options": {"renotify_statuses": None}}, {"options": {}}),
        ("monitors", {"state": {"groups": {}}, "options": {"silenced": {"*": None}}},
         {"options": {}}),
        ("monitors", {"options": {"new_host_delay": 300, "include_tags": True}}, {"options": {}}),
        ("monitors", {"options": {"notify_audit": False}}, {"options": {}}),
        ("logs_indexes", {"daily_limit": None, "num_flex_logs_retention_days": 0}, {}),
        ("logs_pipelines", {"tags": [], "description": ""}, {}),
        ("users", {"attributes": {"name": None}}, {"attributes": {"name": ""}}),
        ("teams", {"attributes": {"avatar": None, "user_count": 3, "link_count": 1}},
         {"attributes": {}}),
        ("dashboards", {"notify_list": None, "reflow_type": None, "template_variables": []}, {}),
        ("synthetics_tests", {"steps": [], "options": {"monitor_options": {
            "on_missing_data": "show_no_data", "notify_audit": False, "new_host_delay": 300,
            "include_tags": True}}}, {"options": {"monitor_options": {}}}),
        ("notebooks", {"attributes": {"schema_version": 0, "tags": ["ai_edited"]}},
         {"attributes": {"tags": []}}),
    ],
)  # fmt: skip
def test_pairs_that_are_known_to_be_one(
    name: str, one: dict[str, Any], other: dict[str, Any]
) -> None:
    type_ = CATALOG[name]
    own = holding(type_)
    assert stored(type_, {**own, **one}) == stored(type_, {**own, **other})


def test_a_test_without_options_is_a_test() -> None:
    without: list[dict[str, Any]] = [
        {},
        {"options": None},
        {"options": {}},
        {"config": None, "steps": None},
    ]
    for more in without:
        assert b"own-id" in stored(CATALOG["synthetics_tests"], {"public_id": "own-id", **more})


@TYPES
def test_sets_know_neither_order_nor_repetition(type_: ResourceType) -> None:
    for path in type_.unordered:
        if any(path.startswith(f"{one}[*]") for one in type_.unordered):
            continue  # an element of a set of its own
        first = holding(type_, (path, ["b", "a", "c"]))
        assert stored(type_, first) == stored(type_, holding(type_, (path, ["c", "b", "a", "b"])))
        assert stored(type_, first) != stored(type_, holding(type_, (path, ["a", "b"]))), path


@pytest.mark.parametrize(
    ("name", "paths"),
    [
        ("monitors", "tags restricted_roles options.notify_by"),
        ("service_level_objectives", "monitor_ids tags"),
        ("roles", "relationships.permissions.data"),
        ("restriction_policies", "attributes.bindings[*].principals"),
        ("synthetics_tests", "locations tags options.device_ids"),
        ("downtime_schedules", "attributes.monitor_identifier.monitor_tags"),
        ("logs_metrics", "attributes.group_by"),
    ],
)
def test_what_is_a_set_at_datadog_is_declared_as_one(name: str, paths: str) -> None:
    assert set(paths.split()) <= {*CATALOG[name].unordered}


@TYPES
def test_states_and_counters_are_not_stored(type_: ResourceType) -> None:
    for path in type_.volatile:
        stored_body = normalize(type_, holding(type_, (path, "moves"))).document.body
        assert not list(field_path(path).find(stored_body)), path


# --- the property: normalizing is a fixed point, whatever comes

_LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-9, 9), st.sampled_from(["", "a", "b", "team:x"])
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["id", "type", "name", "value"]), inner, max_size=3),
    ),
    max_leaves=6,
)


def declared(type_: ResourceType) -> list[str]:
    """The paths that some step of normalizing looks at."""
    return [
        *type_.volatile, *type_.unordered, *type_.defaults, *type_.injected, *type_.secrets,
        *type_.secret_maps, *(masked.at for masked in type_.masked),
    ]  # fmt: skip


@TYPES
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_normalizing_twice_is_normalizing_once(type_: ResourceType, data: st.DataObject) -> None:
    paths = declared(type_)
    body = holding(type_)
    chosen = data.draw(st.lists(st.sampled_from(paths), max_size=5)) if paths else []
    for path in chosen:
        if not any(part.at.startswith(path) for part in type_.parts) and path != type_.id:
            place(body, field_path(path).steps, data.draw(_VALUES))
    once = stored(type_, body)
    again: Any = canonical.decode(once)
    assert stored(type_, again) == once
