"""The gateway against the embedded Datadog, driven by declarations alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from ddsnap.api.gateway import Found, Gateway, Gone, Unreadable
from ddsnap.core.resource_type import (
    Call,
    Catalog,
    IdPart,
    Pages,
    ResourceType,
    Section,
    Shape,
    Variants,
)
from ddsnap.errors import ApiError, AuthError

THINGS = ResourceType("things", "test", "/api/v2/things", pages=None)
MEMBERS = ResourceType(
    "members",
    "test",
    "/api/v2/team/{team}/members",
    parent="teams",
    item_path="/api/v2/team/{team}/members/{user}",
    parts=(
        IdPart("team", at="relationships.team.data.id", to="teams"),
        IdPart("user", at="relationships.user.data.id", to="users"),
    ),
)


@pytest.fixture
def gateway(connect):
    return lambda *types, **more: Gateway(connect(concurrency=4), Catalog(types, **more))


def member(user: str) -> dict[str, Any]:
    return {"id": f"m-{user}", "relationships": {"user": {"data": {"id": user, "type": "users"}}}}


# --- listing


def test_items_come_whole_and_with_their_ids(server, say, gateway) -> None:
    server.script = [say(body={"data": [{"id": "a"}, {"id": 7}]})]
    g = gateway()
    items = list(g.list(THINGS))
    assert items == [{"id": "a"}, {"id": 7}]
    assert [g.id_of(THINGS, item) for item in items] == ["a", "7"]


@pytest.mark.parametrize("item", [{}, {"id": None}, {"id": ""}, {"id": True}, {"id": {}}])
def test_an_item_without_an_id_fails_the_listing(server, say, gateway, item) -> None:
    server.script = [say(body={"data": [{"id": "a"}, item]})]
    with pytest.raises(ApiError, match="an item without an id"):
        list(gateway().list(THINGS))


def test_what_another_type_owns_is_left_out(server, say, gateway) -> None:
    items = [{"id": 1, "type": "own"}, {"id": 2, "type": "alert"}, {"id": 3}]
    server.script = lambda _: say(body={"data": items})
    g = gateway()
    mine = replace(THINGS, skip=("type", ("alert", "other")))
    assert [item["id"] for item in g.list(mine)] == [1, 3]
    kept = replace(THINGS, keep=("type", "ow"))
    assert [item["id"] for item in g.list(kept)] == [1]
    flagged = replace(THINGS, skip=("disabled", ("true",)))
    items[0]["disabled"] = True
    assert [item["id"] for item in g.list(flagged)] == [2, 3]


def test_items_can_stand_among_the_included(server, say, gateway) -> None:
    included = [{"id": 1, "type": "group"}, {"id": 2, "type": "rule"}]
    server.script = [say(body={"data": {"id": 0}, "included": included})]
    groups = replace(THINGS, items="included", keep=("type", "group"))
    assert [item["id"] for item in gateway().list(groups)] == [1]


def test_a_listing_below_parents_names_its_parent(server, say, gateway) -> None:
    def answer(heard):
        team = heard.path.split("/")[4]
        return say(body={"data": [member(f"u-{team}"), member("all")]})

    server.script = answer
    g = gateway()
    items = list(g.list(MEMBERS, parents=["t1", "a/b"]))
    assert [g.id_of(MEMBERS, item) for item in items] == [
        "t1,u-t1",
        "t1,all",
        "a/b,u-a%2Fb".replace("%", "%25"),
        "a/b,all",
    ]
    assert items[0]["relationships"]["team"]["data"] == {"id": "t1", "type": "teams"}
    assert items[0]["relationships"]["user"]["data"] == {"id": "u-t1", "type": "users"}
    assert sorted(heard.path for heard in server.heard) == [
        "/api/v2/team/a%2Fb/members",
        "/api/v2/team/t1/members",
    ]


def test_a_parent_that_the_answer_names_stays_as_it_is(server, say, gateway) -> None:
    told = member("u1")
    told["relationships"]["team"] = {"data": {"id": "t1", "type": "team"}}
    server.script = [say(body={"data": [told]})]
    (item,) = gateway().list(MEMBERS, parents=["t1"])
    assert item["relationships"]["team"]["data"] == {"id": "t1", "type": "team"}


def test_without_parents_nothing_is_asked(server, gateway) -> None:
    assert list(gateway().list(MEMBERS)) == []
    assert server.heard == []


def test_a_parent_that_vanished_meanwhile_is_passed_over(server, say, gateway) -> None:
    server.script = lambda heard: (
        say(404, {"errors": ["no team"]})
        if "t1" in heard.path
        else say(body={"data": [member("u")]})
    )
    assert len(list(gateway().list(MEMBERS, parents=["t1", "t2", "t3"]))) == 2


def test_when_no_parent_has_it_the_listing_failed(server, say, gateway) -> None:
    server.script = lambda _: say(404, {"errors": ["no such page"]})
    with pytest.raises(ApiError) as error:
        list(gateway().list(MEMBERS, parents=["t1", "t2"]))
    assert error.value.status == 404


@pytest.mark.parametrize("status", [400, 403, 500])
def test_one_parent_that_fails_fails_the_listing(server, say, gateway, status) -> None:
    server.script = lambda heard: (
        say(status, {"errors": ["no"]}) if "t2" in heard.path else say(body={"data": []})
    )
    with pytest.raises(ApiError, match=f"HTTP {status}"):
        list(gateway().list(MEMBERS, parents=["t1", "t2", "t3"]))


def test_a_gateways_404_page_is_no_vanished_parent(server, say, gateway) -> None:
    server.script = lambda heard: (
        say(404, b"<html><title>lost</title>") if "t2" in heard.path else say(body={"data": []})
    )
    with pytest.raises(ApiError, match="lost"):
        list(gateway().list(MEMBERS, parents=["t1", "t2", "t3"]))


def test_a_singleton_is_one_item(server, say, gateway) -> None:
    server.script = [say(body={"data": {"id": "x", "attributes": {}}}), say(404)]
    one = replace(THINGS, constant_id="settings")
    g = gateway()
    (item,) = g.list(one)
    assert item == {"id": "x", "attributes": {}}
    assert g.id_of(one, item) == "settings"
    with pytest.raises(ApiError, match="404"):
        list(g.list(one))


def test_the_shape_gets_what_is_included(server, say, gateway) -> None:
    def read(item, included):
        return {**item, "parts": [part["id"] for part in included]}

    answer = {"data": [{"id": "a"}], "included": [{"id": "p"}]}
    one = {"data": {"id": "a"}, "included": [{"id": "q"}]}
    server.script = [say(body=answer), say(body=one), say(body=answer)]
    g = gateway()
    shaped = replace(THINGS, shape=Shape(read=read, write=lambda item: item))
    assert list(g.list(shaped)) == [{"id": "a", "parts": ["p"]}]
    assert g.read(shaped, "a") == Found({"id": "a", "parts": ["q"]})
    assert list(g.list(replace(shaped, detail=True))) == [{"id": "a"}]


def test_an_answer_of_another_shape_costs_that_item_only(server, say, gateway) -> None:
    server.script = [say(body={"data": {"id": "a"}})]
    shaped = replace(THINGS, shape=Shape(read=lambda i, _: i["missing"], write=lambda i: i))
    reading = gateway().read(shaped, "a")
    assert isinstance(reading, Unreadable)
    assert "another form" in reading.reason


# --- reading one


def test_a_resource_is_read_at_its_own_address(server, say, gateway) -> None:
    server.script = [say(body={"data": {"id": "a b/ü"}})]
    g = gateway()
    asked = replace(THINGS, item_query={"include": "x"})
    assert g.read(asked, "a b/ü") == Found({"id": "a b/ü"})
    assert server.heard[0].path == "/api/v2/things/a%20b%2F%C3%BC"
    assert server.heard[0].query == {"include": "x"}


@pytest.mark.parametrize("id_", ["", ".", ".."])
def test_an_id_that_leads_elsewhere_is_not_asked_for(server, gateway, id_) -> None:
    assert isinstance(gateway().read(THINGS, id_), Unreadable)
    assert server.heard == []


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (404, {"errors": ["x"]}, Gone()),
        (410, None, Gone()),
        (400, {"errors": ["no such role"]}, None),
        (403, {"errors": ["Forbidden"]}, None),
        (500, {"errors": ["broken"]}, None),
        (404, b"<html><title>lost</title></html>", None),
        (200, {"data": None}, None),
        (200, [], None),
    ],
)
def test_only_the_types_own_statuses_say_that_it_is_gone(
    server, say, gateway, status, body, expected
) -> None:
    server.script = lambda _: say(status, body)
    reading = gateway().read(THINGS, "a")
    if expected:
        assert reading == expected
    else:
        assert isinstance(reading, Unreadable)
        assert reading.reason
        assert reading.status in (status, 0)


def test_a_type_may_say_gone_in_its_own_way(server, say, gateway) -> None:
    server.script = [say(400, {"errors": ["x"]})]
    assert gateway().read(replace(THINGS, gone=(400, 404)), "a") == Gone()


def test_nothing_is_no_resource(server, say, gateway) -> None:
    policies = replace(THINGS, nothing_when_empty="attributes.bindings")
    body = {"id": "dashboard:a", "attributes": {"bindings": []}}
    full = {"id": "dashboard:a", "attributes": {"bindings": [1]}}
    server.script = [say(body={"data": body}), say(body={"data": full})]
    g = gateway()
    assert g.read(policies, "dashboard:a") == Gone()
    assert g.read(policies, "dashboard:a") == Found(full)


def test_refused_keys_are_no_reading(server, say, gateway) -> None:
    server.script = lambda _: say(401)
    with pytest.raises(AuthError):
        gateway().read(THINGS, "a")
    with pytest.raises(AuthError):
        list(gateway().read_many(replace(THINGS, detail=True), [("a", None)]))


def test_an_id_of_parts_fills_its_path(server, say, gateway) -> None:
    server.script = [say(body={"data": {"id": "m"}})]
    reading = gateway().read(MEMBERS, "t/1,u%2C2")
    assert server.heard[0].path == "/api/v2/team/t%2F1/members/u%2C2"
    assert isinstance(reading, Found)
    assert reading.body["relationships"]["team"]["data"]["id"] == "t/1"
    assert reading.body["relationships"]["user"]["data"]["id"] == "u,2"
    assert isinstance(gateway().read(MEMBERS, "only-one"), Unreadable)


def test_an_answer_without_the_id_gets_it(server, say, gateway) -> None:
    server.script = [say(body={"data": {"x": 1}})]
    assert gateway().read(THINGS, "a") == Found({"x": 1, "id": "a"})


TESTS = replace(
    THINGS,
    path="/tests",
    envelope="",
    id="public_id",
    detail=True,
    variants=Variants(
        by="type",
        paths={"api": "/tests/api", "browser": "/tests/browser", "net": "/v2/net/{id}"},
        wrap={"net": "network"},
    ),
)


def test_a_field_of_the_listed_item_chooses_the_address(server, say, gateway) -> None:
    server.script = [say(body={"public_id": "p", "type": "browser", "steps": []})]
    reading = gateway().read(TESTS, "p", {"public_id": "p", "type": "browser"})
    assert server.paths == ["/tests/browser/p"]
    assert isinstance(reading, Found)


def test_without_a_listed_item_the_answer_chooses(server, say, gateway) -> None:
    body = {"public_id": "p", "type": "browser"}
    server.script = [say(body=body), say(body={**body, "steps": [1]})]
    assert gateway().read(TESTS, "p") == Found({**body, "steps": [1]})
    assert server.paths == ["/tests/p", "/tests/browser/p"]


def test_an_unknown_kind_is_read_at_the_common_address(server, say, gateway) -> None:
    server.script = [say(body={"public_id": "p", "type": "new"})]
    assert isinstance(gateway().read(TESTS, "p", {"type": "new"}), Found)
    assert server.paths == ["/tests/p"]


def test_a_wrapped_variant_is_unwrapped(server, say, gateway) -> None:
    wrapped = {"data": {"id": "p", "type": "network", "attributes": {"type": "net", "name": "n"}}}
    server.script = [say(body=wrapped)]
    reading = gateway().read(TESTS, "p", {"type": "net"})
    assert reading == Found({"type": "net", "name": "n", "public_id": "p"})
    assert server.paths == ["/v2/net/p"]


def test_what_is_of_another_api_is_gone_only_when_that_says_so(server, say, gateway) -> None:
    wrapped = {"data": {"id": "p", "attributes": {"type": "net", "name": "n"}}}
    server.script = [say(status=404), say(body=wrapped)]
    assert gateway().read(TESTS, "p") == Found({"type": "net", "name": "n", "public_id": "p"})
    assert server.paths == ["/tests/p", "/v2/net/p"]
    server.script = [say(status=404), say(status=404)]
    assert gateway().read(TESTS, "p") == Gone()
    server.script = [say(status=404), say(status=403)]
    assert isinstance(gateway().read(TESTS, "p"), Unreadable)


def test_what_is_set_aside_in_listings_is_gone_when_read(server, say, gateway) -> None:
    cancelling = replace(THINGS, skip=("canceled", ()))
    cancelled = {"id": "a", "canceled": "2026-01-01T00:00:00Z"}
    server.script = [
        say(body={"data": cancelled}),
        say(body={"data": {**cancelled, "canceled": None}}),
    ]
    assert gateway().read(cancelling, "a") == Gone()
    assert isinstance(gateway().read(cancelling, "a"), Found)


LISTS = replace(
    THINGS,
    envelope="",
    sections=(
        Section(
            at="parts.all",
            read=Call("GET", "/api/v2/lists/{id}/parts", answer="found"),
            keep=("id", "attributes.type"),
        ),
    ),
)


def test_a_section_is_read_by_its_own_api_and_reduced(server, say, gateway) -> None:
    part = {"id": 1, "title": "noise", "attributes": {"type": "x", "y": 2}}
    server.script = [say(body={"id": "a"}), say(body={"found": [part]})]
    expected = {"id": "a", "parts": {"all": [{"id": 1, "attributes": {"type": "x"}}]}}
    assert gateway().read(LISTS, "a") == Found(expected)
    assert server.paths == ["/api/v2/things/a", "/api/v2/lists/a/parts"]


def test_a_section_that_fails_fails_its_resource(server, say, gateway) -> None:
    server.script = [say(body={"id": "a"}), say(404, {"errors": ["x"]})]
    reading = gateway().read(LISTS, "a")
    assert isinstance(reading, Unreadable)
    assert reading.status == 404


def test_a_section_with_pages_is_read_to_its_end(server, say, gateway) -> None:
    call = Call("GET", "/p/{id}", answer="data", query={"page[size]": "2"})
    paged = replace(THINGS, envelope="", sections=(Section(at="parts", read=call),))
    pages = [[{"id": 1}, {"id": 2}], [{"id": 3}], []]
    server.script = [say(body={"id": "a"}), *(say(body={"data": page}) for page in pages)]
    reading = gateway().read(paged, "a")
    assert isinstance(reading, Found)
    assert [part["id"] for part in reading.body["parts"]] == [1, 2, 3]


def test_a_complete_listed_item_costs_only_its_sections(server, say, gateway) -> None:
    server.script = lambda _: say(body={"found": []})
    listed = [("a", {"id": "a"}), ("b", {"id": "b"})]
    readings = dict(gateway().read_many(LISTS, listed))
    assert readings["b"] == Found({"id": "b", "parts": {"all": []}})
    assert sorted(server.paths) == ["/api/v2/lists/a/parts", "/api/v2/lists/b/parts"]


def test_a_section_at_the_resources_own_address_is_there_already(server, say, gateway) -> None:
    call = Call("GET", "/api/v2/things/{id}", answer="data.roles")
    own = replace(THINGS, sections=(Section(at="roles", read=call),))
    g = gateway()
    assert list(g.read_many(own, [("a", {"id": "a", "roles": [1]})])) == [
        ("a", Found({"id": "a", "roles": [1]}))
    ]
    assert server.heard == []


def test_many_are_read_in_order(server, say, gateway) -> None:
    server.script = lambda heard: (
        say(404) if heard.path.endswith("7") else say(body={"data": {"id": heard.path[-1]}})
    )
    readings = list(gateway().read_many(THINGS, ((str(n), None) for n in range(10))))
    assert [id_ for id_, _ in readings] == [str(n) for n in range(10)]
    assert readings[7][1] == Gone()
    assert readings[3][1] == Found({"id": "3"})


# --- tables and identity


def test_a_table_is_read_once(server, say, gateway) -> None:
    table = replace(THINGS, name="permissions", natural_key=("attributes.name",))
    server.script = [say(body={"data": [{"id": "p1", "attributes": {"name": "read"}}]})]
    g = gateway(lookups=[table])
    assert g.lookup("permissions") == {"p1": "read"}
    assert g.lookup("permissions") == {"p1": "read"}


def test_a_table_that_cannot_be_read_is_an_error(server, say, gateway) -> None:
    server.script = lambda _: say(403)
    with pytest.raises(ApiError, match="403"):
        gateway(lookups=[replace(THINGS, name="permissions")]).lookup("permissions")


def user(public_id: str | None = None) -> dict[str, Any]:
    org = {"type": "orgs", "id": "u-u", "attributes": {"name": "Mine", "public_id": public_id}}
    data = {"id": "x", "relationships": {"org": {"data": {"id": "u-u", "type": "orgs"}}}}
    return {"data": data, "included": [{"type": "roles", "id": "r"}, org]}


@pytest.mark.parametrize(
    ("me", "orgs", "expected"),
    [
        (user("u-u"), {"orgs": [{"public_id": "abc", "name": "Mine"}]}, ("abc", "u-u", "Mine")),
        (user("abc"), None, ("abc", "u-u", "Mine")),
        (user("u-u"), None, ("", "u-u", "Mine")),
        (None, {"orgs": [{"public_id": "abc", "name": "Mine"}]}, ("abc", "", "Mine")),
        (
            user(),
            {"orgs": [{"public_id": "p", "name": "Parent"}, {"public_id": "c", "name": "Mine"}]},
            ("c", "u-u", "Mine"),
        ),
        (
            None,
            {"orgs": [{"public_id": "p", "name": "Parent"}, {"public_id": "c", "name": "Mine"}]},
            ("", "", ""),
        ),
        (user(), {"orgs": []}, ("", "u-u", "Mine")),
    ],
)
def test_the_keys_tell_their_org(server, say, gateway, me, orgs, expected) -> None:
    server.script = lambda heard: (
        say(403) if (body := me if "user" in heard.path else orgs) is None else say(body=body)
    )
    found = gateway().identity()
    assert (found.public_id, found.uuid, found.name) == expected


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize(("valid", "words"), [(200, "application key was"), (403, "API key was")])
def test_a_refusal_says_which_key_it_is(server, say, gateway, status, valid, words) -> None:
    server.script = lambda heard: (
        say(valid, {"valid": True}) if heard.path.endswith("validate") else say(status)
    )
    with pytest.raises(AuthError, match=words):
        gateway().identity()


def test_an_org_that_cannot_be_asked_is_no_refusal(server, say, gateway) -> None:
    server.script = lambda _: say(500)
    with pytest.raises(ApiError) as error:
        gateway().identity()
    assert not isinstance(error.value, AuthError)


def test_pages_and_query_go_together(server, say, gateway) -> None:
    paged = replace(
        THINGS,
        pages=Pages("offset", "start", "count", 2, total="total"),
        query={"include": "x"},
    )
    server.script = [
        say(body={"data": [{"id": 1}, {"id": 2}], "total": 3}),
        say(body={"data": [{"id": 3}], "total": 3}),
    ]
    g = gateway()
    assert len(list(g.list(paged))) == 3
    assert server.heard[1].query == {"include": "x", "start": "2", "count": "2"}
