from __future__ import annotations

import copy
import itertools
import random
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.alignment import align
from ddsnap.core.canonical import encode, same
from ddsnap.core.changes import Change, PatchError, apply_patch, changes, json_patch
from ddsnap.core.pointers import find, get

if TYPE_CHECKING:
    from ddsnap.core.values import JSON, JSONObject

_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([0.0, -0.0, 1.0, 2.5, 2**70]),
    st.sampled_from(["", "a", "b", "~", "/", "é"]),
)
_KEYS = st.sampled_from(["", "-", "0", "1", "a", "b", "~", "/", "~1", "id", "name", "type"])
_DOCS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=6), st.dictionaries(_KEYS, inner, max_size=4)),
    max_leaves=25,
)


def widget(n: int, **extra: JSON) -> JSONObject:
    query: JSON = [{"query": f"avg:cpu{n}", "name": "q"}]
    definition: JSON = {"type": "timeseries", "title": f"Widget {n}", "requests": query}
    return {"id": n, "definition": definition, **extra}


def anonymous(n: int) -> JSONObject:
    """A widget that nothing names."""
    return {"kind": "note", "content": f"text {n}", "size": 4, "layout": {"x": n, "y": 0}}


def board(widgets: list[JSONObject]) -> JSON:
    return {"title": "Board", "widgets": list(widgets)}


def told(old: JSON, new: JSON) -> list[tuple[str, str]]:
    return [(change.kind, change.pointer) for change in changes(old, new)]


def edited(element: JSONObject) -> JSONObject:
    twin = copy.deepcopy(element)
    if "definition" in twin:
        twin["definition"]["requests"][0]["query"] = "max:mem"  # type: ignore[index,call-overload]
    else:
        twin["size"] = 5
    return twin


INNER = {widget: "/definition/requests/0/query", anonymous: "/size"}
MAKERS = pytest.mark.parametrize("make", [widget, anonymous], ids=["named", "anonymous"])


# --- lists of objects --------------------------------------------------------------------------


@MAKERS
@pytest.mark.parametrize("at", [0, 3, 6])
def test_an_insertion_is_one_change(make, at: int) -> None:
    old = [make(n) for n in range(6)]
    new = [*old[:at], make(99), *old[at:]]
    assert told(board(old), board(new)) == [("add", f"/widgets/{at}")]
    assert told(board(new), board(old)) == [("remove", f"/widgets/{at}")]
    assert [op["op"] for op in json_patch(board(old), board(new))] == ["add"]
    assert [op["op"] for op in json_patch(board(new), board(old))] == ["remove"]


@MAKERS
def test_an_edit_inside_is_a_change_of_its_inner_field(make) -> None:
    old = [make(n) for n in range(6)]
    new = [*old[:2], edited(old[2]), *old[3:]]
    assert told(board(old), board(new)) == [("replace", f"/widgets/2{INNER[make]}")]
    assert len(json_patch(board(old), board(new))) == 1


@MAKERS
def test_an_insertion_in_front_and_an_edit_elsewhere_are_two_changes(make) -> None:
    old = [make(n) for n in range(6)]
    for place in range(6):
        new = [make(99), *old[:place], edited(old[place]), *old[place + 1 :]]
        assert told(board(old), board(new)) == [
            ("add", "/widgets/0"),
            ("replace", f"/widgets/{place + 1}{INNER[make]}"),
        ]
        assert len(json_patch(board(old), board(new))) == 2


@MAKERS
def test_a_removal_and_an_edit_elsewhere_are_two_changes(make) -> None:
    old = [make(n) for n in range(6)]
    new = [*old[1:4], edited(old[4]), old[5]]
    assert told(board(old), board(new)) == [
        ("remove", "/widgets/0"),
        ("replace", f"/widgets/3{INNER[make]}"),
    ]


@MAKERS
def test_a_move_is_one_change(make) -> None:
    old = [make(n) for n in range(6)]
    for source, target in itertools.permutations(range(6), 2):
        new = list(old)
        new.insert(target, new.pop(source))
        found = changes(board(old), board(new))
        assert [change.kind for change in found] == ["move"]
        moved = found[0]
        assert get(board(old), moved.from_pointer or "") == moved.old == moved.new
        assert get(board(new), moved.pointer) == moved.new
        patch = json_patch(board(old), board(new))
        assert [op["op"] for op in patch] == ["move"]


def test_a_widget_that_was_moved_and_edited_is_both() -> None:
    old = [widget(n) for n in range(6)]
    new = [edited(old[5]), *old[:5]]
    assert changes(board(old), board(new)) == [
        Change("move", "/widgets/0", old[5], new[0], "/widgets/5"),
        Change("replace", "/widgets/0/definition/requests/0/query", "avg:cpu5", "max:mem"),
    ]
    assert [op["op"] for op in json_patch(board(old), board(new))] == ["move", "replace"]


def test_another_widget_in_its_place_is_a_removal_and_an_addition() -> None:
    old, new = [widget(1), widget(2)], [widget(1), {"id": 7, "definition": {"type": "note"}}]
    assert told(old, new) == [("remove", "/1"), ("add", "/1")]


def test_one_of_many_equal_widgets_removed_is_one_removal() -> None:
    spacer: JSONObject = {"kind": "spacer"}
    old = [spacer, widget(1), spacer, widget(2), spacer, widget(3), spacer]
    for at in range(len(old)):
        found = told(board(old), board(old[:at] + old[at + 1 :]))
        assert [kind for kind, _ in found] == ["remove"]


def test_a_widget_inserted_in_a_group_is_one_change_there() -> None:
    group = {"id": 1, "definition": {"type": "group", "widgets": [widget(n) for n in range(9)]}}
    wider = copy.deepcopy(group)
    wider["definition"]["widgets"].insert(0, widget(77))  # type: ignore[index]
    assert told([group], [widget(5), wider]) == [("add", "/0"), ("add", "/1/definition/widgets/0")]


def test_a_renamed_widget_is_renamed_in_place() -> None:
    old = [widget(1), widget(2)]
    new = copy.deepcopy(old)
    new[1]["definition"]["title"] = "Renamed"  # type: ignore[index,call-overload]
    assert told(old, new) == [("replace", "/1/definition/title")]


def test_a_lone_member_that_changed_is_replaced_inside() -> None:
    assert told({"q": [{"query": "a"}]}, {"q": [{"query": "b"}]}) == [("replace", "/q/0/query")]


def test_ids_that_all_differ_still_pair_by_title() -> None:
    old = [widget(n) for n in range(100)]
    new = [{**old[n], "id": n + 1000} for n in reversed(range(100))]
    found = changes(old, new)
    assert sum(change.kind == "move" for change in found) == 99
    assert sum(change.pointer.endswith("/id") for change in found) == 100
    assert len(found) == 199


# --- lists of scalars, members -----------------------------------------------------------------


def test_lists_of_scalars_show_what_came_and_went() -> None:
    assert changes({"tags": ["a", "b", "c"]}, {"tags": ["a", "c", "d"]}) == [
        Change("remove", "/tags/1", old="b"),
        Change("add", "/tags/2", new="d"),
    ]


def test_an_unordered_list_never_moves() -> None:
    def tags(path: tuple[str | int, ...]) -> bool:
        return path == ("m", 0, "tags")

    old: JSON = {"m": [{"tags": ["a", "b", "c", "a"]}], "x": [1, 2]}
    new: JSON = {"m": [{"tags": ["c", "a", "a", "d"]}], "x": [2, 1]}
    assert [(change.kind, change.pointer) for change in changes(old, new, unordered=tags)] == [
        ("remove", "/m/0/tags/1"),
        ("add", "/m/0/tags/3"),
        ("move", changes({"x": [1, 2]}, {"x": [2, 1]})[0].pointer),
    ]
    assert changes([{"n": 1}, {"n": 2}], [{"n": 2}, {"n": 1}], unordered=lambda _: True) == []


def test_an_edit_in_an_unordered_list_is_found_wherever_it_stands() -> None:
    old = [widget(n) for n in range(5)]
    new = [edited(old[4]), old[2], old[0], old[1], old[3]]
    found = changes(old, new, unordered=lambda path: path == ())
    assert [(c.kind, c.pointer) for c in found] == [
        ("replace", "/0/definition/requests/0/query"),
    ]


def test_members_come_and_go() -> None:
    assert changes({"a": 1, "c": {"x": None}}, {"b": None, "c": {"x": 0}}) == [
        Change("remove", "/a", old=1),
        Change("add", "/b", new=None),
        Change("replace", "/c/x", None, 0),
    ]


PITFALLS: list[tuple[JSON, JSON, list[tuple[str, str]]]] = [
    (5, 5.0, []),
    ([5, {"a": 1}], [5.0, {"a": 1.0}], []),
    ([True], [1], [("remove", "/0"), ("add", "/0")]),
    ({"a": True}, {"a": 1}, [("replace", "/a")]),
    ({"a": False}, {"a": None}, [("replace", "/a")]),
    ({"~": 1, "/": 2}, {"~": 2, "/": 3}, [("replace", "/~1"), ("replace", "/~0")]),
    ({"": {"": 1}}, {"": {"": 2}}, [("replace", "//")]),
    ({"-": [1]}, {"-": [1, 2]}, [("add", "/-/1")]),
    ({"0": 1}, [1], [("replace", "")]),
    ([[1, 2], [3]], [[0], [1, 2], [3]], [("add", "/0")]),
    ([[[1], [2]]], [[[1], [2], [3]]], [("add", "/0/2")]),
    ({"a": []}, {"a": {}}, [("replace", "/a")]),
    ([], [None], [("add", "/0")]),
    ("1", 1, [("replace", "")]),
    (2**70, 2**70 + 1, [("replace", "")]),
    ({"a": "é"}, {"a": "e\u0301"}, [("replace", "/a")]),
]


@pytest.mark.parametrize(("old", "new", "expected"), PITFALLS)
def test_pitfalls(old: JSON, new: JSON, expected: list[tuple[str, str]]) -> None:
    assert told(old, new) == expected
    for a, b in ((old, new), (new, old)):
        assert encode(apply_patch(a, json_patch(a, b))) == encode(b)


# --- properties --------------------------------------------------------------------------------


@settings(max_examples=400, deadline=None)
@given(_DOCS, _DOCS)
def test_a_patch_makes_exactly_the_new_document(old: JSON, new: JSON) -> None:
    before = encode(old), encode(new)
    patch = json_patch(old, new)
    assert encode(apply_patch(old, patch)) == encode(new)
    assert (patch == []) == (before[0] == before[1])
    assert (encode(old), encode(new)) == before


@settings(max_examples=300, deadline=None)
@given(st.lists(_DOCS, max_size=8), st.data())
def test_a_patch_between_arrangements_makes_exactly_the_new_one(
    old: list[JSON], data: st.DataObject
) -> None:
    some = st.sampled_from(old) if old else st.none()
    new: list[JSON] = data.draw(st.lists(st.one_of(some, _DOCS), max_size=8))
    wrapped: tuple[JSON, JSON] = {"l": old, "k": "x" * 3000}, {"l": new, "k": "x" * 3000}
    patch = json_patch(*wrapped)
    assert encode(apply_patch(wrapped[0], patch)) == encode(wrapped[1])
    assert all(op["path"] for op in patch), "the fallback hides what the operations do"


@settings(max_examples=400, deadline=None)
@given(_DOCS, _DOCS)
def test_there_are_changes_exactly_if_documents_differ(old: JSON, new: JSON) -> None:
    assert (changes(old, new) == []) == same(old, new)
    assert changes(old, old) == []


@settings(max_examples=300, deadline=None)
@given(_DOCS, _DOCS)
def test_a_change_tells_the_truth(old: JSON, new: JSON) -> None:
    missing: JSON = "nothing there"
    for change in changes(old, new):
        if change.kind == "remove":
            assert find(old, change.pointer, missing) == change.old
        else:
            assert find(new, change.pointer, missing) == change.new
        if change.kind == "move":
            assert find(old, change.from_pointer or "", missing) == change.old
        if change.kind == "replace":
            assert not same(change.old, change.new)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 5), max_size=9), st.lists(st.integers(0, 5), max_size=9))
def test_what_stays_is_a_longest_common_subsequence(old: list[int], new: list[int]) -> None:
    aligned = align(list(old), list(new))
    stays = len(aligned.old_of) - len(aligned.moved)
    assert stays == max(
        size
        for size in range(min(len(old), len(new)) + 1)
        if {*itertools.combinations(old, size)} & {*itertools.combinations(new, size)}
    )
    assert all(old[i] == new[j] for j, i in aligned.old_of.items())


# --- size, speed, depth ------------------------------------------------------------------------


def shuffled(elements: list[JSONObject]) -> list[JSONObject]:
    return random.Random(7).sample(elements, len(elements))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ([widget(n) for n in range(1000)], shuffled([widget(n) for n in range(1000)])),
        ([widget(n) for n in range(1000)], [edited(widget(n)) for n in range(1000)]),
        ([anonymous(n) for n in range(1000)], shuffled([anonymous(n) for n in range(1000)])),
        ([anonymous(0)] * 1000, [anonymous(0)] * 500 + [anonymous(1)] + [anonymous(0)] * 600),
        ([anonymous(n % 2) for n in range(1000)], [anonymous(n % 3) for n in range(1000)]),
    ],
    ids=["shuffled", "edited", "anonymous", "equal", "few kinds"],
)
def test_a_thousand_elements_take_a_moment(old: list[JSONObject], new: list[JSONObject]) -> None:
    start = time.process_time()
    assert changes(board(old), board(new))
    assert time.process_time() - start < 3  # about 0.1 s on an idle machine


def test_a_shuffled_list_moves_what_it_must() -> None:
    old = [widget(n) for n in range(200)]
    found = changes(old, shuffled(old))
    assert {change.kind for change in found} == {"move"}
    assert len(found) < 200 - 15


def test_a_patch_longer_than_the_document_replaces_it() -> None:
    old, new = {"a": [1, 2, 3]}, {"b": 1}
    assert json_patch(old, new) == [{"op": "replace", "path": "", "value": new}]


def test_five_and_five_point_zero_need_a_patch_though_nothing_changed() -> None:
    old, new = {"a": 5, "b": "x" * 99}, {"a": 5.0, "b": "x" * 99}
    assert changes(old, new) == []
    assert encode(json_patch(old, new)) == encode([{"op": "replace", "path": "/a", "value": 5.0}])


def test_deep_documents_are_compared_without_recursion_errors() -> None:
    old: JSON = 1
    new: JSON = 2
    for level in range(2000):
        old, new = ([old], [new]) if level % 2 else ({"k": old}, {"k": new})
    assert [change.kind for change in changes(old, new)] == ["replace"]
    (operation,) = json_patch(old, new)
    assert operation["op"] == "replace"
    assert str(operation["path"]).count("/") < 100
    with pytest.raises(PatchError, match="too deep"):
        apply_patch(old, [operation])


# --- applying ----------------------------------------------------------------------------------

OK = {"op": "add", "path": "/ok", "value": 1}


@pytest.mark.parametrize(
    ("operation", "message"),
    [
        ({"op": "test", "path": "/n", "value": True}, "operation 2 .test /n.: what is there"),
        ({"op": "test", "path": "/secret", "value": "x"}, "what is there"),
        ({"op": "test", "path": "/missing", "value": 1}, "what is there"),
        ({"op": "remove", "path": "/missing"}, "operation 2 .remove /missing.: there is no such"),
        ({"op": "replace", "path": "/list/7", "value": 1}, "no such place"),
        ({"op": "add", "path": "/list/7", "value": 1}, "outside of list"),
        ({"op": "add", "path": "/list/01", "value": 1}, "no such place"),
        ({"op": "add", "path": "/n/x", "value": 1}, "operation 2"),
        ({"op": "remove", "path": "/list/-"}, "operation 2"),
        ({"op": "move", "from": "/missing", "path": "/a"}, "no such place"),
        ({"op": "move", "from": "/list", "path": "/list/0"}, "operation 2"),
        ({"op": "copy", "from": "x", "path": "/a"}, "does not start with /"),
        ({"op": "add", "path": "n", "value": 1}, "does not start with /"),
        ({"op": "add", "path": "/~2", "value": 1}, "neither ~0 nor ~1"),
        ({"op": "add", "path": "/x"}, "value"),
        ({"op": "replace", "path": 5, "value": 1}, "path"),
        ({"op": "increment", "path": "/n"}, "increment"),
        ({"path": "/n"}, "op"),
        ({}, "operation 2"),
        ("remove", "must be an object"),
    ],
)
def test_a_failing_operation_is_named(operation: JSONObject, message: str) -> None:
    doc: JSON = {"n": 1, "list": [1], "secret": "hunter2"}
    with pytest.raises(PatchError, match=message) as caught:
        apply_patch(doc, [OK, operation])
    assert caught.value.index == 1
    assert caught.value.operation == operation
    assert "hunter2" not in str(caught.value)
    assert doc == {"n": 1, "list": [1], "secret": "hunter2"}


def test_applying_changes_neither_document_nor_patch() -> None:
    doc: JSON = {"a": {"b": 1}}
    patch: list[JSONObject] = [
        {"op": "add", "path": "/x", "value": {}},
        {"op": "add", "path": "/x/y", "value": [1]},
        {"op": "copy", "from": "/x", "path": "/z"},
        {"op": "add", "path": "/x/y/-", "value": 2},
        {"op": "test", "path": "/x/y/0", "value": 1.0},
        {"op": "move", "from": "/a/b", "path": "/b"},
    ]
    before = copy.deepcopy((doc, patch))
    assert apply_patch(doc, patch) == {"a": {}, "b": 1, "x": {"y": [1, 2]}, "z": {"y": [1]}}
    assert (doc, patch) == before


def test_the_whole_document_can_be_replaced() -> None:
    assert apply_patch({"a": 1}, [{"op": "replace", "path": "", "value": [2**70]}]) == [2**70]
    assert apply_patch({"a": 1}, []) == {"a": 1}
