"""What requests say of a document, and what they never say."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.fields import EACH, field_path, value_at
from ddsnap.core.match import portable
from ddsnap.core.references import Reference
from ddsnap.core.requests import (
    Request,
    create_request,
    delete_request,
    finish_requests,
    leave_out,
    new_id,
    undelete_request,
    update_requests,
)
from ddsnap.core.resource_type import IdPart, ResourceType
from ddsnap.core.routes import endpoint
from ddsnap.core.values import RESERVED, clone
from ddsnap.core.written import created, creation, tells_all
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from ddsnap.core.fields import Parts
    from ddsnap.core.values import JSONObject

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=timezone.utc)
EACH_TYPE = pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)
USERS, LISTS, TESTS = (CATALOG[n] for n in ("users", "dashboard_lists", "synthetics_tests"))
ID = "11111111-2222-3333-4444-555555555555"
ROLE, OTHER = ({"type": "roles", "id": name} for name in ("r1", "r2"))


def at(*parts: str | int, span: tuple[int, int] | None = None) -> Reference:
    return Reference(parts, span, ("things",), "", "x", "", soft=False)


def id_for(type_: ResourceType) -> str:
    return ",".join(part.name for part in type_.parts) or type_.constant_id or ID


def bound(type_: ResourceType) -> list[str]:
    """What is bound to an org or the time, and nobody can write."""
    named = {type_.id, *type_.natural_key, *(part.at for part in type_.parts)}
    paths = (*type_.identity, *type_.provenance, *type_.derived)
    return [path for path in paths if path not in named]


def known(type_: ResourceType) -> list[str]:
    """Every field of the type, as a field path of plain members."""
    found = [*bound(type_), *type_.defaults, *type_.create_only, *type_.update_only, *type_.repeats]
    for group in type_.fields.split(";"):
        prefix, _, names = group.rpartition(":")
        found += [f"{prefix.strip()}.{n}" if prefix else n for n in names.split()]
    return [path for path in found if EACH not in path and "**" not in path]


@st.composite
def documents(draw: Any, type_: ResourceType) -> JSONObject:
    """A document with many of the fields that its type may have."""
    body: JSONObject = {RESERVED: {"id": "order"}}
    value = st.one_of(st.none(), st.integers(0, 9), st.text("ab", max_size=3), st.just([]))
    for path in sorted(draw(st.sets(st.sampled_from(known(type_))))):
        holder = path.rpartition(".")[0]
        if value_at(body, path) is None and isinstance(value_at(body, holder), (dict, type(None))):
            field_path(path).put(body, draw(value))
    for path in (type_.id, "type", *type_.natural_key):
        field_path(path).put(body, draw(st.text("xyz", min_size=1, max_size=4)))
    for part in type_.parts:
        field_path(part.at).put(body, part.name)
    return body


def inside(type_: ResourceType, request: Request, document: JSONObject) -> Any:
    """What a request says of the resource itself."""
    at = endpoint(type_, document)
    return value_at(request.body, at.envelope)


@EACH_TYPE
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_no_request_says_what_is_bound_to_an_org(type_: ResourceType, data: Any) -> None:
    one, other = data.draw(documents(type_)), data.draw(documents(type_))
    requests = [
        create_request(type_, one, now=NOW),
        *finish_requests(type_, one, id_for(type_), now=NOW),
        *update_requests(type_, one, other, id_for(type_), now=NOW),
    ]
    for request in requests:
        said = inside(type_, request, one)
        if request.purpose != "section" and isinstance(said, dict):
            assert RESERVED not in said
            for path in bound(type_):
                assert not list(field_path(path).find(said)), path


@EACH_TYPE
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_is_there_is_not_sent_again(type_: ResourceType, data: Any) -> None:
    one = data.draw(documents(type_))
    id_ = id_for(type_)
    assert update_requests(type_, one, one, id_, now=NOW) == []
    assert update_requests(type_, portable(type_, one), one, id_, now=NOW) == []
    assert update_requests(type_, one, portable(type_, one), id_, now=NOW) == []


@EACH_TYPE
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_a_creation_that_tells_all_needs_no_update(type_: ResourceType, data: Any) -> None:
    one = data.draw(documents(type_))
    call = creation(type_, one)
    if call is not None and tells_all(type_, call):
        made, id_ = created(type_, call, one), id_for(type_)
        assert update_requests(type_, one, made, id_, now=NOW) == []
        assert finish_requests(type_, one, id_, now=NOW) == []


@EACH_TYPE
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_documents_are_left_as_they_were(type_: ResourceType, data: Any) -> None:
    one, other = data.draw(documents(type_)), data.draw(documents(type_))
    copies = clone(one), clone(other)
    create_request(type_, one, now=NOW, without=[at("type")])
    update_requests(type_, one, other, id_for(type_), now=NOW)
    assert (one, other) == copies


def test_the_digest_is_that_of_the_body() -> None:
    body = {"a": 1.0}
    assert Request("PUT", "/x", "/x", body).digest() == canonical.digest({"a": 1})
    assert Request("DELETE", "/x", "/x").digest() == ""


# --- users: two ways to create, a handle that is an e-mail, roles with calls of their own


def user(**attributes: Any) -> JSONObject:
    return {
        "type": "users",
        "attributes": {"disabled": False, "service_account": False, **attributes},
        "relationships": {"roles": {"data": [dict(ROLE)]}},
    }


def test_a_user_is_created_by_handle_and_then_gets_another_mail() -> None:
    body = user(handle="a@x.example", email="b@x.example", name="A", title="Lead", disabled=True)
    request = create_request(USERS, body, now=NOW)
    assert request.path == "/api/v2/users"
    assert request.body == {"data": {
        "type": "users", "attributes": {"email": "a@x.example", "name": "A", "title": "Lead"},
        "relationships": {"roles": {"data": [ROLE]}},
    }}  # fmt: skip
    (patch,) = finish_requests(USERS, body, ID, now=NOW)
    assert (patch.method, patch.path, patch.purpose) == ("PATCH", f"/api/v2/users/{ID}", "update")
    assert patch.body == {"data": {
        "type": "users", "id": ID,
        "attributes": {"email": "b@x.example", "name": "A", "disabled": True},
    }}  # fmt: skip


def test_a_usual_user_needs_one_request() -> None:
    body = user(handle="a@x.example", email="a@x.example", name="A")
    assert finish_requests(USERS, body, ID, now=NOW) == []


def test_a_service_account_is_created_elsewhere() -> None:
    body = user(handle="0-0", email="a@x.example", service_account=True)
    request: Any = create_request(USERS, body, now=NOW)
    assert request.path == "/api/v2/service_accounts"
    assert request.body["data"]["attributes"] == {"email": "a@x.example", "service_account": True}
    assert finish_requests(USERS, body, ID, now=NOW) == []


def test_roles_are_given_before_others_are_taken() -> None:
    there, body = user(name="A"), user(name="A")
    body["relationships"] = {"roles": {"data": [dict(OTHER)]}}
    requests = update_requests(USERS, body, there, ID, now=NOW)
    assert [(one.method, one.path, one.purpose) for one in requests] == [
        ("POST", "/api/v2/roles/r2/users", "section"),
        ("DELETE", "/api/v2/roles/r1/users", "section"),
    ]
    assert all(one.body == {"data": {"type": "users", "id": ID}} for one in requests)
    assert {one.route for one in requests} == {"/api/v2/roles/{item}/users"}


# --- lists, tests, deletions


def test_a_list_is_named_first_and_filled_then() -> None:
    body: JSONObject = {"name": "L", "dashboards": [{"id": "abc", "type": "custom_timeboard"}]}
    assert create_request(LISTS, body, now=NOW).body == {"name": "L"}
    (fill,) = finish_requests(LISTS, body, "12", now=NOW)
    assert (fill.method, fill.path) == ("PUT", "/api/v2/dashboard/lists/manual/12/dashboards")
    assert fill.body == {"dashboards": body["dashboards"]}
    assert update_requests(LISTS, {**body, "name": "M"}, body, "12", now=NOW)[0].body == {
        "name": "M"
    }


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("api", "/api/v1/synthetics/tests/api"),
        ("browser", "/api/v1/synthetics/tests/browser"),
        ("mobile", "/api/v1/synthetics/tests/mobile"),
    ],
)
def test_a_test_is_written_where_its_kind_is(kind: str, path: str) -> None:
    body: JSONObject = {"type": kind, "subtype": "http", "name": "T", "public_id": "a-b-c"}
    request = create_request(TESTS, body, now=NOW)
    assert (request.method, request.path, request.item) == ("POST", path, "")
    assert request.body == {"type": kind, "subtype": "http", "name": "T"}
    (update,) = update_requests(TESTS, {**body, "name": "U"}, body, "a-b-c", now=NOW)
    assert (update.method, update.path) == ("PUT", f"{path}/a-b-c")
    assert update.body == {"type": kind, "subtype": "http", "name": "U"}
    gone = delete_request(TESTS, "a-b-c", body)
    assert (gone.path, gone.body) == (
        "/api/v1/synthetics/tests/delete",
        {"public_ids": ["a-b-c"]},
    )


def test_a_network_test_is_wrapped() -> None:
    body: JSONObject = {"type": "network", "subtype": "tcp", "name": "T", "public_id": "a-b-c"}
    request = create_request(TESTS, body, now=NOW)
    assert request.path == "/api/v2/synthetics/tests/network"
    assert request.item == "data.attributes"
    attributes = {"type": "network", "subtype": "tcp", "name": "T"}
    assert request.body == {"data": {"type": "network", "attributes": attributes}}
    gone: Any = delete_request(TESTS, "a-b-c", body)
    assert gone.path == "/api/v2/synthetics/tests/bulk-delete"
    assert gone.body["data"]["attributes"] == {"public_ids": ["a-b-c"]}


def test_an_order_is_written_and_never_deleted() -> None:
    order = CATALOG["logs_indexes_order"]
    body: JSONObject = {RESERVED: {"id": "order"}, "index_names": ["main"]}
    request = create_request(order, body, now=NOW)
    assert (request.method, request.path) == ("PUT", "/api/v1/logs/config/index-order")
    assert request.body == {"index_names": ["main"]}
    assert finish_requests(order, body, "order", now=NOW) == []
    with pytest.raises(UsageError, match="cannot be deleted"):
        delete_request(order, "order", body)


def test_a_dashboard_can_be_brought_back() -> None:
    request = undelete_request(CATALOG["dashboards"], "abc-def-ghi")
    assert request is not None
    assert (request.method, request.path, request.purpose) == (
        "PATCH", "/api/v1/dashboard", "undelete",
    )  # fmt: skip
    assert request.body == {"data": [{"id": "abc-def-ghi", "type": "dashboard"}]}
    assert undelete_request(CATALOG["monitors"], "1") is None


def test_ids_are_encoded_in_paths() -> None:
    body: JSONObject = {"id": "dashboard:a/b", "type": "restriction_policy", "attributes": {}}
    request = create_request(CATALOG["restriction_policies"], body, now=NOW)
    assert request.path == "/api/v2/restriction_policy/dashboard%3Aa%2Fb"
    assert request.body == {"data": body}


# --- what is cleared, what is kept


def sent(type_name: str, body: JSONObject, present: JSONObject) -> Any:
    type_ = CATALOG[type_name]
    (request,) = update_requests(type_, body, present, id_for(type_), now=NOW)
    said = inside(type_, request, body)
    return said.get("attributes", said)


def attributes(**values: Any) -> JSONObject:
    return {"type": "t", "attributes": values}


@pytest.mark.parametrize(
    ("type_name", "lost", "value"),
    [
        ("teams", "description", ""),
        ("teams", "visible_modules", []),
        ("team_memberships", "role", None),
        ("downtime_schedules", "message", None),
        ("powerpacks", "tags", []),
        ("logs_metrics", "group_by", []),
        ("notebooks", "tags", []),
        ("slo_corrections", "description", ""),
    ],
)
def test_a_field_that_is_gone_is_cleared(type_name: str, lost: str, value: Any) -> None:
    said = sent(type_name, attributes(name="A"), attributes(name="A", **{lost: ["x"]}))
    assert said[lost] == value


@pytest.mark.parametrize("lost", ["end", "duration", "rrule", "slo_query"])
def test_what_may_not_be_null_is_left_to_be_reported(lost: str) -> None:
    said = sent("slo_corrections", attributes(start=1), attributes(start=1, **{lost: 5}))
    assert said == {"start": 1}


def test_a_monitor_is_cleared_at_its_top_alone() -> None:
    present: JSONObject = {"name": "M", "tags": ["a"], "priority": 2, "options": {"locked": True}}
    assert sent("monitors", {"name": "M", "options": {}}, present) == {
        "name": "M", "tags": [], "priority": None, "options": {},
    }  # fmt: skip


def test_an_index_without_a_quota_says_so() -> None:
    present: JSONObject = {"name": "main", "filter": {"query": "*"}, "daily_limit": 5}
    said = sent("logs_indexes", {"name": "main", "filter": {"query": "*"}}, present)
    assert said == {"filter": {"query": "*"}, "disable_daily_limit": True}


def test_a_role_gets_no_permissions_by_default() -> None:
    said = sent("roles", attributes(name="A"), attributes(name="B"))
    assert said == {"name": "A", "default_permissions_opt_out": True}


def test_a_secret_that_stays_is_not_named() -> None:
    marker: JSONObject = {RESERVED: {"secret": True}}
    there: JSONObject = {"name": "V", "value": {"secure": True, "value": marker}}
    said = sent("synthetics_global_variables", {**there, "name": "W"}, there)
    assert said == {
        "data": {
            "type": "global_variables_json_patch",
            "attributes": {"json_patch": [{"op": "add", "path": "/name", "value": "W"}]},
        }
    }
    plain: JSONObject = {"name": "V", "value": {"secure": False, "value": "x"}}
    secured: Any = sent("synthetics_global_variables", there, plain)
    operations = {op["path"]: op["value"] for op in secured["data"]["attributes"]["json_patch"]}
    assert operations == {"/value/secure": True, "/value/value": marker}


# --- what is written later, and ids


def test_what_is_written_later_is_left_out() -> None:
    body: JSONObject = {"a": [1, 2, {"b": 3, "c": 4}, 5], "d": 6}
    places: list[Parts] = [("a", 0), ("a", 2, "b"), ("a", 3), ("d",), ("a", 0)]
    plain = CATALOG["dashboards"]
    assert leave_out(plain, body, [at(*parts) for parts in places]) == {"a": [2, {"c": 4}]}
    assert leave_out(plain, body, []) == body


def test_what_is_nothing_without_its_reference_is_left_out_as_a_whole() -> None:
    steps: JSONObject = {"name": "steps", "url": "/notebook/1", "resource_key": "1"}
    body: JSONObject = {"assets": [{"name": "wiki"}, steps]}
    named = [at("assets", 1, "resource_key"), at("assets", 1, "url", span=(10, 11))]
    assert leave_out(CATALOG["monitors"], body, named) == {"assets": [{"name": "wiki"}]}


def test_a_text_waits_for_no_more_than_the_ids_in_it() -> None:
    body: JSONObject = {"a": ["see 12 and 345, or 12", "12"], "b": "x"}
    named = [at("a", 0, span=span) for span in ((4, 6), (11, 14))]
    plain = CATALOG["dashboards"]
    assert leave_out(plain, body, named) == {"a": ["see  and , or 12", "12"], "b": "x"}
    assert leave_out(plain, body, [*named, at("a", 1)]) == {"a": ["see  and , or 12"], "b": "x"}
    assert leave_out(plain, body, [*named, at("a", 0)]) == {"a": ["12"], "b": "x"}


def test_a_variable_waits_for_its_test() -> None:
    variables = CATALOG["synthetics_global_variables"]
    body: JSONObject = {
        "name": "V", "parse_test_public_id": "a-b-c", "parse_test_options": {"type": "http_body"},
        "value": {"secure": False},
    }  # fmt: skip
    test = at("parse_test_public_id")
    first: Any = create_request(variables, body, now=NOW, without=[test]).body
    assert first["value"] == {"value": "", "secure": False}
    assert "parse_test_options" not in first
    less = leave_out(variables, body, [test])
    assert finish_requests(variables, body, ID, now=NOW, without=[test]) == []
    (second,) = update_requests(variables, body, less, ID, now=NOW)
    assert value_at(second.body, "data.attributes.json_patch") == [
        {"op": "add", "path": "/parse_test_public_id", "value": "a-b-c"},
        {"op": "add", "path": "/parse_test_options", "value": {"type": "http_body"}},
    ]


def test_the_new_id_is_the_answers() -> None:
    memberships = CATALOG["team_memberships"]
    body: JSONObject = {"relationships": {"team": {"data": {"id": "t"}},
                                          "user": {"data": {"id": "u"}}}}  # fmt: skip
    answered: JSONObject = {"id": "x", "relationships": {"user": {"data": {"id": "u"}}}}
    assert new_id(memberships, body, answered) == "t,u"
    assert new_id(CATALOG["monitors"], {}, {"id": 12}) == "12"
    assert new_id(CATALOG["logs_indexes_order"], {}, None) == "order"
    with pytest.raises(KeyError):
        new_id(CATALOG["monitors"], {}, None)


def test_a_declared_type_needs_no_more_than_its_calls() -> None:
    type_ = ResourceType(name="things", area="x", path="/things", parts=(IdPart("parent", at="p"),))
    with pytest.raises(UsageError, match="cannot be written"):
        create_request(type_, {"p": "1"}, now=NOW)
