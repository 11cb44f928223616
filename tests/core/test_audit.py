"""Requests step by step, and from what the journal keeps of them: it is the same, to the byte."""

from __future__ import annotations

import copy
from datetime import datetime, timezone
from functools import reduce
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.actions import Action
from ddsnap.core.audit import closed_references, expected_requests, locked
from ddsnap.core.changes import json_patch
from ddsnap.core.normalize import normalize
from ddsnap.core.plan import intended, make_plan
from ddsnap.core.references import find_references
from ddsnap.core.requests import create_request, finish_requests, leave_out, update_requests
from ddsnap.core.transform import Rule, transform
from ddsnap.core.values import Address, Document
from ddsnap.errors import Damaged, DdsnapError

NOW = datetime(2026, 11, 21, 12, tzinfo=timezone.utc)
MARKER = {"$ddsnap": {"secret": True}}
RAW: dict[str, Any] = {
    "monitors": {
        "id": 12,
        "name": "CPU of web",
        "type": "metric alert",
        "query": "avg(last_5m):avg:system.cpu.user{env:prod} by {host} > 90",
        "message": "env:prod is hot @ann@example.com",
        "tags": ["env:prod", "team:web"],
        "options": {"thresholds": {"critical": 90.0, "warning": 1e-7}, "notify_audit": True},
        "created": "2024-01-01T00:00:00+00:00",
        "org_id": 7,
    },
    "dashboards": {
        "id": "abc-def-ghi",
        "title": "Überblick",
        "layout_type": "ordered",
        "tags": ["team:web"],
        "template_variables": [{"name": "env", "prefix": "env", "defaults": ["prod"]}],
        "widgets": [
            {"id": 1, "definition": {"type": "note", "content": "env:prod", "font_size": "14"}},
            {"id": 2, "definition": {"type": "alert_graph", "alert_id": "12", "viz_type": "x"}},
        ],
        "author_handle": "ann@example.com",
    },
    "service_level_objectives": {
        "id": "s" * 32,
        "name": "Web is up",
        "type": "monitor",
        "monitor_ids": [12],
        "tags": ["env:prod"],
        "thresholds": [{"timeframe": "7d", "target": 99.9, "warning": 99.95}],
        "description": "env:prod",
    },
    "synthetics_global_variables": {
        "id": "11111111-2222-3333-4444-555555555555",
        "name": "TOKEN",
        "description": "env:prod",
        "tags": [],
        "value": {"secure": True, "value": MARKER},
        "type": "variable",
    },
}


def document(type_name: str, **more: Any) -> Document:
    raw = copy.deepcopy({**RAW[type_name], **more})
    return normalize(CATALOG[type_name], raw).document


DOCUMENTS = [document(name) for name in RAW]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
VALUES = (
    TEXT
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.booleans()
    | st.none()
    | st.dictionaries(TEXT, TEXT, max_size=2)
    | st.lists(TEXT, max_size=3)
)
PLACES = st.sampled_from(
    ["/name", "/description", "/options/new", "/tags/-", "/tags/0", "/title", "/extra", "/tags"]
)
OPERATIONS = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "replace"]), "path": PLACES, "value": VALUES}
) | st.fixed_dictionaries({"op": st.just("remove"), "path": PLACES})
RULES = st.lists(
    st.lists(OPERATIONS, min_size=1, max_size=3).map(lambda ops: Rule("r", patch=tuple(ops))),
    max_size=3,
)


def keys(requests: list[Any]) -> set[Any]:
    return {(r.method, r.route, r.path, r.digest()) for r in requests}


def fitting(document: Document, rule: Rule) -> Document:
    """The document after a rule, if the rule fits it."""
    try:
        return transform(document, [rule], CATALOG)[0]
    except DdsnapError:
        return document


def replayed(source: Document, rules: list[Rule]) -> Any:
    """What a replay into another org intends."""
    changed = {d.address: d for d in DOCUMENTS} | {source.address: reduce(fitting, rules, source)}
    plan = make_plan(changed.values, tuple, {}, CATALOG)
    ids = {address: f"{n}99" for n, address in enumerate(changed)}
    return intended(plan, changed[source.address], ids=ids)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(DOCUMENTS), RULES, VALUES, st.data())
def test_patches_and_catalog_reproduce_every_request(
    source: Document, rules: list[Rule], value: Any, data: st.DataObject
) -> None:
    type_ = CATALOG[source.address.type]
    body = replayed(source, rules)
    kept = canonical.encode(json_patch(source.body, body))
    patch: Any = canonical.decode(kept)
    base = canonical.decode(canonical.encode(source.body))
    assert isinstance(base, dict)
    named = find_references(body, type_, CATALOG) if "widgets" in body else []
    closes = [ref for ref in named if ref.parts == ("widgets", 1, "definition", "alert_id")]
    first = leave_out(type_, body, closes)
    sent = [
        create_request(type_, first, now=NOW),
        *finish_requests(type_, first, "77", now=NOW),
        *update_requests(type_, body, first, "77", now=NOW),
    ]
    facts: Any = {"base": base, "patch": patch, "to": "77", "now": NOW}
    created = Action("create", source.address)
    expected = expected_requests(type_, created, present=None, closes=closes, **facts)
    assert keys(sent) <= keys(expected)

    there = replayed(source, data.draw(RULES))
    sent = update_requests(type_, body, there, "77", now=NOW)
    update = Action("update", source.address)
    assert keys(sent) == keys(expected_requests(type_, update, present=there, **facts))

    other = {**body, "name": value, "title": value}
    if canonical.encode(other) != canonical.encode(body):
        facts["patch"] = json_patch(source.body, other)
        again = expected_requests(type_, created, present=None, **facts)
        assert canonical.same(other, body) or keys(again) != keys(expected)


@pytest.mark.parametrize(
    ("source", "body", "id_", "first"),
    [
        (
            document("monitors", type="composite", query="13 && 14"),
            {"query": "98 && 99"},
            "98",
            {"query": " && 99"},
        ),
        (
            document("synthetics_global_variables", parse_test_public_id="abc-def-ghi"),
            {"parse_test_public_id": "xyz-xyz-xyz"},
            "xyz-xyz-xyz",
            {"parse_test_public_id": None},
        ),
    ],
)
def test_a_creation_leaves_out_what_is_closed_later(
    source: Document, body: Any, id_: str, first: Any
) -> None:
    type_, final = CATALOG[source.address.type], {**source.body, **body}
    closes = closed_references(type_, final, CATALOG, {id_})
    assert [ref.value for ref in closes] == [id_]
    assert closed_references(type_, final, CATALOG, {"no-such-one"}) == ()
    assert closed_references(type_, final, CATALOG, (), closes) == closes
    less = leave_out(type_, final, closes)
    assert {name: less.get(name) for name in first} == first
    made = create_request(type_, less, now=NOW)
    later = update_requests(type_, final, less, "77", now=NOW)
    assert len(later) == 1
    facts: Any = {"base": final, "patch": (), "to": "77", "now": NOW, "present": None}
    action = Action("create", source.address)
    assert keys([made, *later]) <= keys(expected_requests(type_, action, closes=closes, **facts))
    assert not keys([made]) <= keys(expected_requests(type_, action, **facts))


def test_what_datadog_brought_back_may_have_been_brought_up_to_date() -> None:
    type_ = CATALOG["dashboards"]
    base = document("dashboards").body
    action = Action("create", Address("dashboards", "abc-def-ghi"), to="abc", undeletes=True)
    patch: Any = ({"op": "replace", "path": "/title", "value": "New"},)
    facts: Any = {"base": base, "patch": patch, "to": "abc", "now": NOW, "present": None}
    expected = expected_requests(type_, action, **facts)
    assert ("undelete" in {r.purpose for r in expected}) == (type_.undelete is not None)
    update = update_requests(type_, {**base, "title": "New"}, base, "abc", now=NOW)
    assert update
    assert keys(update) <= keys(expected)


def test_what_was_never_created_has_one_request() -> None:
    body = document("monitors").body
    facts: Any = {"base": body, "patch": (), "now": NOW, "present": None, "to": ""}
    expected = expected_requests(
        CATALOG["monitors"], Action("create", Address("monitors", "12")), **facts
    )
    assert [request.purpose for request in expected] == ["create"]


def test_a_deletion_names_the_resource_in_its_path() -> None:
    facts: Any = {"base": {}, "patch": (), "now": NOW, "present": document("monitors").body}
    (request,) = expected_requests(
        CATALOG["monitors"], Action("delete", Address("monitors", "12")), to="98", **facts
    )
    assert (request.method, request.path) == ("DELETE", "/api/v1/monitor/98")


def test_a_lock_leaves_a_policys_object_to_one_user() -> None:
    policy = {
        "id": "dashboard:abc",
        "type": "restriction_policy",
        "attributes": {"bindings": [{"relation": "viewer", "principals": ["org:x"]}]},
    }
    before = copy.deepcopy(policy)
    alone = locked(CATALOG["restriction_policies"], policy, "u-1")
    assert policy == before
    assert alone["attributes"] == {"bindings": [{"relation": "editor", "principals": ["user:u-1"]}]}
    facts: Any = {"base": policy, "patch": (), "to": "dashboard:abc", "now": NOW, "present": None}
    action = Action("create", Address("restriction_policies", "dashboard:abc"))
    types: Any = (CATALOG["restriction_policies"], action)
    sent = create_request(types[0], alone, now=NOW)
    assert keys([sent]) <= keys(expected_requests(*types, identity="u-1", **facts))
    assert not keys([sent]) <= keys(expected_requests(*types, identity="u-2", **facts))
    assert not keys([sent]) <= keys(expected_requests(*types, **facts))


def test_a_patch_must_make_an_object() -> None:
    facts: Any = {"base": {}, "now": NOW, "present": None, "to": ""}
    patch: Any = ({"op": "replace", "path": "", "value": 7},)
    with pytest.raises(Damaged, match="does not make an object"):
        expected_requests(
            CATALOG["monitors"], Action("create", Address("monitors", "1")), patch=patch, **facts
        )
