"""What a request holds in the place of a marker: what was supplied, or the very same secret."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.catalog import CATALOG
from ddsnap.catalog.integrations import WEBHOOKS
from ddsnap.core import pointers
from ddsnap.core.filling import filling, needs, revealed
from ddsnap.core.markers import plain
from ddsnap.core.match import portable
from ddsnap.core.normalize import normalize
from ddsnap.core.resource_type import Call, ResourceType
from ddsnap.core.secrets import conceal
from ddsnap.errors import DdsnapError

TESTS = CATALOG["synthetics_tests"]
VARIABLES = CATALOG["synthetics_global_variables"]
MARK = {"$ddsnap": {"secret": True}}


def document(type_: ResourceType, raw: dict[str, Any], *hidden: str) -> dict[str, Any]:
    """The document of an answer; at ``hidden`` stood secrets that the guard took out."""
    body = normalize(type_, copy.deepcopy(raw)).document.body
    conceal(body, hidden)
    return normalize(type_, body).document.body


def intended(type_: ResourceType, raw: dict[str, Any], *hidden: str) -> dict[str, Any]:
    return portable(type_, document(type_, raw, *hidden))


def filled_document(
    type_: ResourceType,
    wanted: dict[str, Any],
    present: dict[str, Any] | None,
    raw: dict[str, Any] | None,
    supplied: dict[str, Any],
) -> tuple[Any, list[str], list[str]]:
    """The document as it is written, the markers that stay, and those that are left out."""
    found = filling(type_, wanted, present, raw, supplied)
    written = wanted if found.unknown else found.fill(found.document)
    return written, [*found.unknown], [*found.omitted]


def fill(
    type_: ResourceType,
    wanted: dict[str, Any],
    raw: dict[str, Any] | None,
    *hidden: str,
    **supplied: Any,
) -> tuple[Any, list[str], list[str]]:
    present = document(type_, raw, *hidden) if raw is not None else None
    return filled_document(type_, wanted, present, raw, supplied.get("supplied", {}))


def probe(kind: str = "api", /, **config: Any) -> dict[str, Any]:
    auth = {"type": "web", "username": "reader", "password": "of the login"}
    request = {"url": "https://example.com", "headers": {"X-Api-Key": "of the header", "A": "b"}}
    return {
        "public_id": "abc-def-ghi",
        "name": "probe",
        "type": kind,
        "subtype": None if kind == "browser" else "http",
        "config": {"request": {**request, "basicAuth": auth}, **config},
        "options": {"tick_every": 60},
    }


def step(name: str, secret: str, user: str = "u", **more: Any) -> dict[str, Any]:
    auth = {"type": "web", "username": user, "password": secret}
    return {"name": name, "subtype": "http", "request": {"basicAuth": auth, **more}}


def steps(*these: dict[str, Any]) -> dict[str, Any]:
    raw = probe()
    return {**raw, "subtype": "multi", "config": {"steps": list(these)}}


def passwords(filled: Any) -> list[Any]:
    return [one["request"]["basicAuth"].get("password") for one in filled["config"]["steps"]]


# --- each type that has secrets ------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["api", "browser", "mobile", "network"])
def test_a_renamed_test_keeps_its_password_and_its_headers(kind: str) -> None:
    raw = probe(kind)
    wanted = {**intended(TESTS, raw), "name": "renamed"}
    filled, unknown, omitted = fill(TESTS, wanted, raw)
    assert (unknown, omitted) == ([], [])
    assert filled["name"] == "renamed"
    assert filled["config"] == raw["config"]
    assert "public_id" not in filled


def test_the_markers_of_a_document_are_named_by_pointers() -> None:
    assert needs(intended(TESTS, probe())) == [
        "/config/request/basicAuth/password",
        "/config/request/headers/X-Api-Key",
    ]


def test_a_creation_takes_what_is_supplied_and_nothing_else() -> None:
    wanted = intended(TESTS, probe())
    _, unknown, _ = fill(TESTS, wanted, None)
    assert unknown == needs(wanted)
    given = {pointer: f"given for {pointer}" for pointer in unknown}
    filled, unknown, _ = fill(TESTS, wanted, None, supplied=given)
    assert unknown == []
    assert filled["config"]["request"]["basicAuth"]["password"] == (
        "given for /config/request/basicAuth/password"
    )


def test_what_is_supplied_comes_before_what_is_there() -> None:
    raw = probe()
    given = {"/config/request/basicAuth/password": "new"}
    filled, _, _ = fill(TESTS, intended(TESTS, raw), raw, supplied=given)
    assert filled["config"]["request"]["basicAuth"]["password"] == "new"
    assert filled["config"]["request"]["headers"]["X-Api-Key"] == "of the header"


@pytest.mark.parametrize("name", ["configVariables", "variables"])
def test_the_secure_variable_of_a_test_must_be_supplied(name: str) -> None:
    shown = {"name": "PIN", "type": "text", "secure": True}
    raw = probe("api", **{name: [shown]})
    wanted = intended(TESTS, raw)
    place = f"/config/{name}/0/pattern"
    assert place in needs(wanted)
    assert fill(TESTS, wanted, raw)[1] == [place]
    filled, unknown, _ = fill(TESTS, wanted, raw, supplied={place: "1234"})
    assert unknown == []
    assert filled["config"][name] == [{**shown, "pattern": "1234"}]


def variable(**value: Any) -> dict[str, Any]:
    return {
        "id": "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "name": "PIN",
        "type": "variable",
        "description": "",
        "tags": [],
        "value": {"secure": True, **value},
    }


def test_the_value_of_a_secure_global_variable_is_left_out_and_stays() -> None:
    wanted = {**intended(VARIABLES, variable()), "description": "new"}
    filled, unknown, omitted = fill(VARIABLES, wanted, variable())
    assert (unknown, omitted) == ([], ["/value/value"])
    assert filled["value"] == {"secure": True}
    assert filled["description"] == "new"


def test_a_global_variable_is_not_created_without_its_value() -> None:
    wanted = intended(VARIABLES, variable())
    assert fill(VARIABLES, wanted, None)[1:] == (["/value/value"], [])
    filled, unknown, _ = fill(VARIABLES, wanted, None, supplied={"/value/value": "1234"})
    assert (filled["value"], unknown) == ({"secure": True, "value": "1234"}, [])


def test_a_global_variable_that_is_open_does_not_become_secure_without_its_value() -> None:
    wanted = intended(VARIABLES, variable())
    assert fill(VARIABLES, wanted, variable(secure=False, value="open"))[1] == ["/value/value"]


def test_a_webhook_keeps_its_address_and_headers() -> None:
    raw = {
        "name": "deploys",
        "url": "https://hooks.example.com/T1/B2",
        "custom_headers": '{"Authorization": "Bearer of-the-webhook-1"}',
        "payload": "{}",
    }
    wanted = {**intended(WEBHOOKS, raw), "payload": '{"a": 1}'}
    assert needs(wanted) == ["/custom_headers", "/url"]
    filled, unknown, _ = fill(WEBHOOKS, wanted, raw)
    assert unknown == []
    assert filled == {**raw, "payload": '{"a": 1}'}


# --- the same thing, and nothing else ------------------------------------------------------------


def test_steps_that_moved_keep_their_own_secrets() -> None:
    raw = steps(step("one", "1"), step("two", "2"), step("three", "3"))
    moved = steps(step("three", "?"), step("new", "?"), step("one", "?", url="https://b.c"))
    filled, unknown, _ = fill(TESTS, intended(TESTS, moved), raw)
    assert unknown == ["/config/steps/1/request/basicAuth/password"]
    given = {unknown[0]: "given"}
    filled, _, _ = fill(TESTS, intended(TESTS, moved), raw, supplied=given)
    assert passwords(filled) == ["3", "given", "1"]


def test_steps_of_one_name_are_told_by_what_else_is_in_them() -> None:
    raw = steps(step("same", "1", url="https://a"), step("same", "2", url="https://b"))
    swapped = steps(step("same", "?", url="https://b"), step("same", "?", url="https://a"))
    filled, unknown, _ = fill(TESTS, intended(TESTS, swapped), raw)
    assert unknown == []
    assert passwords(filled) == ["2", "1"]


def test_steps_that_cannot_be_told_apart_keep_their_secrets_while_nothing_moves() -> None:
    raw = steps(step("same", "1"), step("same", "2"))
    filled, _, _ = fill(TESTS, {**intended(TESTS, raw), "name": "renamed"}, raw)
    assert passwords(filled) == ["1", "2"]
    more = steps(step("same", "?"), step("same", "?"), step("other", "?"))
    assert len(fill(TESTS, intended(TESTS, more), raw)[1]) == 3


@pytest.mark.parametrize(
    "other",
    [
        step("one", "?", user="somebody else"),
        {**step("one", "?"), "subtype": "grpc"},
        step("another", "?"),
    ],
)
def test_what_is_another_thing_gets_no_secret(other: dict[str, Any]) -> None:
    raw = steps(step("one", "1"), step("two", "2"))
    wanted = intended(TESTS, steps(other, step("two", "?")))
    assert fill(TESTS, wanted, raw)[1] == ["/config/steps/0/request/basicAuth/password"]


def test_a_step_that_was_doubled_gets_its_secret_neither_here_nor_there() -> None:
    raw = steps(step("one", "1"), step("two", "2"))
    doubled = steps(step("one", "?"), step("one", "?", url="https://b.c"), step("two", "?"))
    assert fill(TESTS, intended(TESTS, doubled), raw)[1] == [
        "/config/steps/1/request/basicAuth/password"
    ]
    changed = steps(step("one", "?", url="https://a"), step("one", "?", url="https://b"))
    assert len(fill(TESTS, intended(TESTS, changed), raw)[1]) == 2


def test_a_header_gets_no_other_headers_secret() -> None:
    raw = probe()
    wanted = intended(TESTS, raw)
    headers = wanted["config"]["request"]["headers"]
    headers["X-Auth-Token"] = headers.pop("X-Api-Key")
    assert fill(TESTS, wanted, raw)[1] == ["/config/request/headers/X-Auth-Token"]


def test_an_open_text_at_the_destination_is_no_secret() -> None:
    raw = probe()
    raw["config"]["request"]["headers"]["X-Api-Key"] = "{{ OPEN }}"
    assert fill(TESTS, intended(TESTS, probe()), raw)[1] == ["/config/request/headers/X-Api-Key"]


SETS = ResourceType("sets", "tests", "/sets", unordered=("tags",), update=Call("PUT", "/sets/{id}"))


def test_secrets_in_a_set_are_found_wherever_they_sorted() -> None:
    raw: Any = {"id": "1", "tags": ["z:1", "token-of-somebody", "a:1"]}
    present = document(SETS, raw, "/tags/1")
    assert present["tags"][0] == MARK or present["tags"][-1] == MARK
    wanted = {**portable(SETS, present), "name": "new"}
    filled, unknown, _ = filled_document(SETS, wanted, present, raw, {})
    assert unknown == []
    tags: Any = filled["tags"]
    assert sorted(tags) == sorted(raw["tags"])


def test_two_secrets_that_became_one_marker_are_not_guessed() -> None:
    raw: Any = {"id": "1", "tags": ["a:1", "token-of-one", "token-of-two"]}
    present = document(SETS, raw, "/tags/1", "/tags/2")
    assert len(present["tags"]) == 2
    _, unknown, _ = filled_document(SETS, portable(SETS, present), present, raw, {})
    assert len(unknown) == 1


PATCHED = ResourceType("patched", "tests", "/p", update=Call("PATCH", "/p/{id}"))


def test_what_a_patch_merges_is_left_out() -> None:
    raw: Any = {"id": "1", "attributes": {"text": "of it", "name": "a"}}
    present = document(PATCHED, raw, "/attributes/text")
    wanted: Any = portable(PATCHED, present)
    wanted["attributes"]["name"] = "b"
    filled, unknown, omitted = filled_document(PATCHED, wanted, present, raw, {})
    assert (unknown, omitted) == ([], ["/attributes/text"])
    assert filled == {"attributes": {"name": "b"}}
    bare: Any = {"id": "1", "attributes": {"name": "a"}}
    assert filled_document(PATCHED, wanted, bare, bare, {})[1] == ["/attributes/text"]


def test_a_list_in_a_patch_is_filled() -> None:
    raw: Any = {"id": "1", "attributes": {"texts": [{"name": "n", "text": "of it"}]}}
    present = document(PATCHED, raw, "/attributes/texts/0/text")
    wanted = portable(PATCHED, present)
    filled, unknown, omitted = filled_document(PATCHED, wanted, present, raw, {})
    assert (unknown, omitted) == ([], [])
    assert filled["attributes"] == raw["attributes"]


# --- requests ------------------------------------------------------------------------------------


def test_numbered_documents_differ_from_the_plain_ones_in_their_numbers_alone() -> None:
    raw = probe()
    wanted = {**intended(TESTS, raw), "name": "new"}
    present = document(TESTS, raw)
    found = filling(TESTS, wanted, present, raw, {})
    assert plain(found.document) == wanted
    assert plain(found.present) == portable(TESTS, present)
    assert found.document["config"] == (found.present or {})["config"]
    body: Any = {"data": {"attributes": {"config": found.document["config"]}}}
    assert found.fill(body) == {"data": {"attributes": {"config": raw["config"]}}}
    assert found.secrets == {"of the login", "of the header"}


def test_a_marker_that_nothing_takes_the_place_of_is_never_sent() -> None:
    wanted = intended(TESTS, probe())
    found = filling(TESTS, wanted, None, None, {})
    bodies: list[Any] = [found.document, wanted, [MARK]]
    for body in bodies:
        with pytest.raises(DdsnapError, match="placeholder"):
            found.fill(body)


def test_nothing_shows_the_secrets() -> None:
    raw = probe()
    found = filling(TESTS, intended(TESTS, raw), document(TESTS, raw), raw, {})
    assert "of the login" not in repr(found)


def test_what_the_source_holds_is_revealed_by_the_places_in_the_intended_document() -> None:
    source = steps(step("one", "1"), step("two", "2"))
    wanted = intended(TESTS, steps(step("zero", "?"), step("two", "?")))
    assert revealed(TESTS, wanted, document(TESTS, source), source) == {
        "/config/steps/1/request/basicAuth/password": "2"
    }


# --- whatever the documents are ------------------------------------------------------------------

NAMES = st.sampled_from(["one", "two", "three"])
USERS = st.sampled_from(["u", "v"])
HEADERS = st.dictionaries(st.sampled_from(["X-Api-Key", "Cookie", "Accept"]), st.just(""))
STEPS = st.lists(st.tuples(NAMES, USERS, HEADERS), max_size=4)


def whole(drawn: list[tuple[str, str, dict[str, str]]], of: str) -> dict[str, Any]:
    """A test whose every secret says where it stands; ``of`` whom, and in which of the steps."""
    made = []
    for n, (name, user, headers) in enumerate(drawn):
        said = f"{of}|{n}|{name}|{user}"
        held = {h: "open" if h == "Accept" else f"{said}|{h}" for h in headers}
        made.append(step(name, f"{said}|password", user=user, headers=held))
    return steps(*made)


@settings(deadline=None, max_examples=200)
@given(there=STEPS, drawn=STEPS, same=st.booleans(), supply=st.sets(st.integers(0, 11)))
def test_no_placeholder_and_no_secret_of_another_thing_is_sent(
    there: Any, drawn: Any, same: bool, supply: set[int]
) -> None:
    raw = whole(there, "there")
    wanted = intended(TESTS, whole(there if same else drawn, "source"))
    places = needs(wanted)
    supplied = {place: f"given|{place}" for n, place in enumerate(places) if n in supply}
    filled, unknown, omitted = fill(TESTS, wanted, raw, supplied=supplied)
    assert omitted == []
    if same:
        assert unknown == []
    if unknown:
        assert set(unknown) <= set(places) - set(supplied)
        return
    assert "$ddsnap" not in json.dumps(filled)
    for place in places:
        value = pointers.get(filled, place)
        assert isinstance(value, str)
        here: Any
        if place in supplied:
            assert value == supplied[place]
            continue
        of, _, name, user, member = value.split("|")
        parts = pointers.parse(place)
        here = filled["config"]["steps"][int(parts[2])]
        assert (of, member) == ("there", parts[-1])
        assert name == here["name"]
        # A header is the step's; a password is somebody's.
        assert member != "password" or user == here["request"]["basicAuth"]["username"]
    for place in set(places):
        pointers.get(wanted, place)["$ddsnap"] = {}  # type: ignore[index, call-overload]
    assert [*_leaves(filled, set(places))] == [*_leaves(wanted, set(places))]


def _leaves(body: Any, without: set[str]) -> Any:
    """What stands in a document outside of these places."""
    stack = [("", body)]
    while stack:
        at, here = stack.pop()
        if at in without:
            continue
        if isinstance(here, dict):
            stack += [(at + pointers.join([key]), here[key]) for key in sorted(here)]
        elif isinstance(here, list):
            stack += [(f"{at}/{n}", value) for n, value in enumerate(here)]
        else:
            yield at, here
