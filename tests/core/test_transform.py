"""What rules make of documents: patches, what is compiled to them, and what they must leave."""

from __future__ import annotations

import copy
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.changes import apply_patch
from ddsnap.core.jsonpath import compile_places, compile_query
from ddsnap.core.normalize import normalize
from ddsnap.core.plan import make_plan
from ddsnap.core.rule_steps import Rewrite, compile_pattern
from ddsnap.core.transform import Applied, Rule, transform, unmatched
from ddsnap.core.values import Address, Document
from ddsnap.errors import ExitCode, TransformError

MARKER = {"$ddsnap": {"secret": True}}

MONITOR = {
    "id": 12,
    "name": "CPU of web",
    "type": "metric alert",
    "query": "avg(last_5m):avg:system.cpu.user{env:us1-prod} by {host} > 90",
    "message": "env:us1-prod is hot",
    "tags": ["env:us1-prod", "team:web"],
    "options": {"thresholds": {"critical": 90.0}, "notify_audit": True},
    "created": "2024-01-01T00:00:00+00:00",
    "creator": {"handle": "ann@example.com"},
    "org_id": 7,
}


def monitor(**more):
    body = normalize(CATALOG["monitors"], copy.deepcopy({**MONITOR, **more})).document.body
    return Document(Address("monitors", str(body["id"])), body)


def run(rule, document=None, **options):
    """Apply one rule; return the new body and what was applied."""
    document = document or monitor()
    before = canonical.encode(document.body)
    new, applied = transform(document, [rule], CATALOG, **options)
    assert canonical.encode(document.body) == before
    assert new.address == document.address
    return new.body, applied


def patch(*operations, name="one", **more):
    return Rule(name, patch=tuple(operations), **more)


def rewriting(at, pattern, replacement):
    return Rewrite(compile_places(at), compile_pattern(pattern), replacement)


def rewrite(at, pattern, replacement, name="one", **more):
    return Rule(name, rewrite=(rewriting(at, pattern, replacement),), **more)


# --- RFC 6902


@pytest.mark.parametrize(
    ("operation", "at", "value"),
    [
        ({"op": "add", "path": "/tags/-", "value": "a:1"}, "tags", ["a:1", *MONITOR["tags"]]),
        ({"op": "add", "path": "/tags", "value": []}, "tags", None),
        ({"op": "add", "path": "/priority", "value": 2}, "priority", 2),
        ({"op": "remove", "path": "/message"}, "message", None),
        ({"op": "replace", "path": "/name", "value": "Other"}, "name", "Other"),
        ({"op": "move", "from": "/message", "path": "/name"}, "name", MONITOR["message"]),
        ({"op": "copy", "from": "/name", "path": "/message"}, "message", "CPU of web"),
        ({"op": "test", "path": "/name", "value": "CPU of web"}, "name", "CPU of web"),
    ],
    ids=lambda value: value.get("op") if isinstance(value, dict) else "",
)
def test_each_operation_does_what_rfc_6902_says(operation, at, value):
    body, applied = run(patch(operation))
    assert body.get(at) == value
    assert applied == (Applied("one", (operation,)),)


def test_operations_and_rules_are_applied_in_order():
    first = patch(
        {"op": "replace", "path": "/name", "value": "a"},
        {"op": "copy", "from": "/name", "path": "/message"},
        name="first",
    )
    second = patch(
        {"op": "test", "path": "/message", "value": "a"},
        {"op": "replace", "path": "/message", "value": "b"},
        name="second",
        where=compile_query('$[?@.name == "a"]'),
    )
    new, applied = transform(monitor(), [first, second], CATALOG)
    assert (new.body["name"], new.body["message"]) == ("a", "b")
    assert [one.rule for one in applied] == ["first", "second"]
    new, applied = transform(monitor(), [second, first], CATALOG)
    assert (new.body["message"], [one.rule for one in applied]) == ("a", ["first"])


@pytest.mark.parametrize(
    ("operation", "why"),
    [
        ({"op": "test", "path": "/name", "value": "x"}, "what is there is not what it tests for"),
        ({"op": "test", "path": "/options/notify_audit", "value": 1}, "is not what it tests for"),
        ({"op": "replace", "path": "/nothing", "value": 1}, "no such place"),
        ({"op": "add", "path": "/tags/9", "value": "x"}, ""),
        ({"op": "remove", "path": "/options/nothing"}, "no such place"),
        ({"op": "move", "from": "/nothing", "path": "/name"}, "no such place"),
    ],
)
def test_a_failing_operation_names_rule_operation_and_resource(operation, why):
    fine = {"op": "add", "path": "/priority", "value": 1}
    with pytest.raises(TransformError) as caught:
        run(patch(fine, operation, name="broken"))
    message = caught.value.message
    assert message.startswith("rule 'broken' fails for monitors/12 \"CPU of web\": operation 2 (")
    assert f"({operation['op']} {operation['path']}): " in message
    assert why in message
    assert caught.value.code is ExitCode.USAGE
    assert "transforms/broken.yaml" in caught.value.hint


def test_a_rule_that_is_not_about_a_document_leaves_the_very_same():
    document = monitor()
    others = (
        patch({"op": "remove", "path": "/name"}, types=("dashboards",)),
        patch({"op": "remove", "path": "/name"}, where=compile_query('$[?@.name == "other"]')),
        rewrite("$..query", "env:ap1", "x"),
    )
    new, applied = transform(document, others, CATALOG)
    assert new is document
    assert applied == ()


def test_a_type_that_nobody_declared_is_left_alone():
    document = Document(Address("webhooks", "x"), {"name": "x"})
    rule = patch({"op": "remove", "path": "/name"})
    assert transform(document, [rule], CATALOG) == (document, ())


# --- what is compiled


def test_a_rewrite_replaces_texts_and_elements_of_lists():
    body, (applied,) = run(rewrite("$..*", r"env:us1-(\w+)", r"env:eu1-\1"))
    assert body["query"] == MONITOR["query"].replace("us1", "eu1")
    assert body["tags"] == ["env:eu1-prod", "team:web"]
    assert sorted(operation["path"] for operation in applied.patch) == [
        "/message",
        "/query",
        "/tags/0",
    ]
    assert {operation["op"] for operation in applied.patch} == {"replace"}


def test_a_rewrite_changes_texts_alone_and_each_place_once():
    body, (applied,) = run(rewrite("$['name','name','options']", "o", "0"))
    assert body["name"] == "CPU 0f web"
    assert len(applied.patch) == 1
    assert body["options"] == monitor().body["options"]


def test_rewrites_of_one_rule_see_each_other_and_its_patch():
    rule = Rule(
        "one",
        patch=({"op": "replace", "path": "/name", "value": "a"},),
        rewrite=(rewriting("$.name", "a", "b"), rewriting("$.name", "b", "c")),
    )
    assert run(rule)[0]["name"] == "c"


def test_a_rewrite_leaves_what_nobody_decides():
    document = monitor()
    body, _ = run(rewrite("$..*", ".+", "x"), document)
    for name in ("created", "creator", "id", "org_id"):
        assert body[name] == document.body[name]
    assert body["name"] == "x"


def test_a_dot_of_a_rewrite_ends_with_the_line():
    body, _ = run(rewrite("$.message", "^a.*", "b"), monitor(message="a1\na2"))
    assert body["message"] == "b\na2"


def test_tags_are_added_with_and_without_a_list_of_them():
    rule = Rule("one", add_tags=("moved:true", "team:web"))
    body, (applied,) = run(rule)
    assert body["tags"] == ["env:us1-prod", "moved:true", "team:web"]
    assert applied.patch == ({"op": "add", "path": "/tags/-", "value": "moved:true"},)
    body, (applied,) = run(rule, monitor(tags=[]))
    assert body["tags"] == ["moved:true", "team:web"]
    assert applied.patch[0]["path"] == "/tags"
    role = Document(Address("roles", "r"), {"id": "r", "attributes": {"name": "x"}})
    assert transform(role, [rule], CATALOG)[1] == ()


# --- principals


def policy(*bindings):
    named = [{"relation": relation, "principals": [*who]} for relation, who in bindings]
    body = {"id": "dashboard:abc-def-ghi", "type": "x", "attributes": {"bindings": named}}
    type_ = CATALOG["restriction_policies"]
    return Document(Address(type_.name, body["id"]), normalize(type_, body).document.body)


def known(*ids):
    return lambda reference: reference.value in ids


DROP = Rule("drop", drop_principals=True)


def test_principals_that_cannot_be_resolved_are_dropped():
    document = policy(("editor", ["role:a", "role:b", "user:c"]), ("viewer", ["team:d", "role:a"]))
    body, (applied,) = run(DROP, document, resolvable=known("a"))
    assert [binding["principals"] for binding in body["attributes"]["bindings"]] == [
        ["role:a"],
        ["role:a"],
    ]
    assert {operation["op"] for operation in applied.patch} == {"remove"}
    assert apply_patch(document.body, applied.patch) == body


def test_no_restriction_opens_because_nobody_is_left():
    document = policy(("editor", ["role:a", "user:c"]), ("viewer", ["team:d"]))
    assert run(DROP, document, resolvable=known("d"))[1] == ()
    document = monitor(restricted_roles=["a", "b"])
    assert run(DROP, document, resolvable=known())[1] == ()
    assert run(DROP, document, resolvable=known("b"))[0]["restricted_roles"] == ["b"]


def test_bindings_of_tests_are_found_and_text_is_not():
    test = {
        "public_id": "abc-def-ghi",
        "type": "api",
        "name": "t",
        "message": "@role-x",
        "options": {"bindings": [{"relation": "editor", "principals": ["role:a", "role:b"]}]},
    }
    type_ = CATALOG["synthetics_tests"]
    document = Document(Address(type_.name, "abc-def-ghi"), normalize(type_, test).document.body)
    body, _ = run(DROP, document, resolvable=known("b"))
    assert body["options"]["bindings"][0]["principals"] == ["role:b"]


def role(*permissions):
    links = [{"id": name, "type": "permissions"} for name in permissions]
    body = {"id": "r", "type": "roles", "relationships": {"permissions": {"data": links}}}
    type_ = CATALOG["roles"]
    return Document(Address(type_.name, "r"), normalize(type_, body).document.body)


def test_permissions_that_are_not_known_are_dropped_but_never_all():
    rule = Rule("few", drop_permissions=True)
    names = {"permissions": {"b", "d"}}
    document = role("a", "b", "c", "d", "e")
    body, (applied,) = run(rule, document, names=names)
    assert [link["id"] for link in body["relationships"]["permissions"]["data"]] == ["b", "d"]
    assert [operation["op"] for operation in applied.patch] == ["remove"] * 3
    assert apply_patch(document.body, applied.patch) == body
    assert run(rule, role("a", "c"), names=names)[1] == ()
    assert run(rule, role("b"), names=names)[1] == ()
    assert run(rule, document)[1] == ()  # nothing is known of what the destination knows
    assert run(rule, monitor(restricted_roles=["a"]), names=names)[1] == ()


# --- what must stay


@pytest.mark.parametrize(
    ("operations", "what"),
    [
        ([{"op": "replace", "path": "/id", "value": 13}], "id"),
        ([{"op": "remove", "path": "/created"}], "created"),
        ([{"op": "replace", "path": "/creator/handle", "value": "x"}], "creator"),
        ([{"op": "add", "path": "/multi", "value": True}], "multi"),
        ([{"op": "replace", "path": "/org_id", "value": 7.5}], "org_id"),
        ([{"op": "copy", "from": "/name", "path": "/$ddsnap"}], "$ddsnap"),
        ([{"op": "replace", "path": "", "value": {"name": "x"}}], "id"),
        ([{"op": "replace", "path": "", "value": []}], "it leaves no object"),
        ([{"op": "move", "from": "/created", "path": "/name"}], "created"),
    ],
)
def test_what_nobody_decides_stays(operations, what):
    with pytest.raises(TransformError) as caught:
        run(patch({"op": "remove", "path": "/message"}, *operations))
    assert what in caught.value.message
    if what != "it leaves no object":
        assert "operation 2 (" in caught.value.message


def secure_test():
    body = {
        "public_id": "abc-def-ghi",
        "type": "api",
        "name": "Log in",
        "config": {
            "request": {
                "method": "GET",
                "basicAuth": {"type": "web", "username": "u", "password": "hunter2"},
            }
        },
    }
    type_ = CATALOG["synthetics_tests"]
    made = normalize(type_, body).document
    assert made.body["config"]["request"]["basicAuth"]["password"] == MARKER
    return made


AUTH = "/config/request/basicAuth"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": f"{AUTH}/password", "value": "letmein"},
        {"op": "replace", "path": AUTH, "value": {"username": "u", "password": "letmein"}},
        {"op": "remove", "path": f"{AUTH}/password"},
        {"op": "move", "from": f"{AUTH}/password", "path": "/message"},
        {"op": "copy", "from": f"{AUTH}/password", "path": "/message"},
    ],
)
def test_secrets_stay_where_they_are(operation):
    with pytest.raises(TransformError, match="the secret at"):
        run(patch(operation), secure_test())


def test_no_value_becomes_a_secret():
    plain = secure_test()
    del plain.body["config"]["request"]["basicAuth"]
    value = {"type": "web", "username": "u", "password": "letmein"}
    rules = [
        patch({"op": "add", "path": "/status", "value": "paused"}, name="fine"),
        patch({"op": "add", "path": AUTH, "value": value}, name="wrong"),
    ]
    with pytest.raises(TransformError, match=r"rule 'wrong' .* it may not set the secret at"):
        transform(plain, rules, CATALOG)


def test_the_rest_of_a_document_with_secrets_can_be_changed():
    body, _ = run(patch({"op": "add", "path": "/status", "value": "paused"}), secure_test())
    assert body["status"] == "paused"
    assert body["config"]["request"]["basicAuth"]["password"] == MARKER


# --- of many


def test_what_a_rule_did_nothing_to_is_told_unless_it_only_drops():
    rules = [
        rewrite("$.name", "CPU", "Load", name="rename"),
        patch({"op": "remove", "path": "/name"}, name="none", types=("dashboards",)),
        DROP,
    ]
    _, applied = transform(monitor(), rules, CATALOG)
    matches = Counter(one.rule for one in applied)
    assert matches == {"rename": 1}
    assert [rule.name for rule in unmatched(rules, matches)] == ["none"]


def test_a_plan_is_made_of_what_the_rules_leave():
    rules = [rewrite("$.query", "us1", "eu1"), Rule("tag", add_tags=("moved:true",))]
    source = lambda: [transform(monitor(), rules, CATALOG)[0]]  # noqa: E731
    (action,) = make_plan(source, lambda: [monitor()], {}, CATALOG, same_org=True).actions
    assert action.kind == "update"
    assert {operation["path"].split("/")[1] for operation in action.patch} == {"query", "tags"}
    (again,) = make_plan(source, source, {}, CATALOG, same_org=True).actions
    assert again.kind == "unchanged"


VALUES = st.one_of(st.integers(-5, 5), st.text("ab:/é", max_size=4), st.booleans())
TEXTS = st.text("abc :", max_size=5)
OPERATIONS = st.one_of(
    st.builds(lambda v: {"op": "add", "path": "/tags/-", "value": v}, TEXTS),
    st.builds(lambda v: {"op": "add", "path": "/options/x", "value": v}, VALUES),
    st.builds(lambda v: {"op": "replace", "path": "/name", "value": v}, TEXTS),
    st.just({"op": "copy", "from": "/name", "path": "/message"}),
    st.just({"op": "remove", "path": "/tags/0"}),
    st.just({"op": "move", "from": "/options", "path": "/y"}),
)
RULES = st.lists(
    st.one_of(
        st.builds(lambda ops: patch(*ops), st.lists(OPERATIONS, max_size=3)),
        st.builds(
            rewrite, st.just("$..*"), st.sampled_from("abc"), st.sampled_from(["", "b", "x"])
        ),
        st.builds(lambda tags: Rule("one", add_tags=tuple(tags)), st.lists(TEXTS, max_size=2)),
    ),
    max_size=4,
)


@settings(max_examples=150, deadline=None)
@given(RULES, st.lists(TEXTS, max_size=3))
def test_the_patches_make_the_result_and_a_second_run_is_equal(rules, tags):
    document = monitor(tags=tags)
    before = canonical.encode(document.body)
    try:
        new, applied = transform(document, rules, CATALOG)
    except TransformError:
        assert canonical.encode(document.body) == before
        return
    assert canonical.encode(document.body) == before
    body = document.body
    for one in applied:
        assert one.patch
        body = apply_patch(body, one.patch)
    made = normalize(CATALOG["monitors"], copy.deepcopy(body)).document.body
    assert canonical.encode(made) == canonical.encode(new.body)
    again, _ = transform(document, rules, CATALOG)
    assert canonical.encode(again.body) == canonical.encode(new.body)
