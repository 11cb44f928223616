from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.fields import Slot, covering, field_path, value_at

NAMES = st.sampled_from(["a", "b", "c"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.just("a"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(".".join)


def searched(document: Any, path: str) -> list[Slot]:
    """What a path of plain members names, one step after the other."""
    *way, last = path.split(".")
    for name in way:
        if not isinstance(document, dict) or name not in document:
            return []
        document = document[name]
    there = isinstance(document, dict) and last in document
    return [Slot(document, last, (*way, last))] if there else []


@given(DOCUMENTS, PATHS)
@settings(max_examples=200, deadline=None)
def test_a_plain_path_names_the_one_place_that_its_members_lead_to(document, path):
    found = list(field_path(path).find(document))
    assert found == searched(document, path)
    assert value_at(document, path) == (found[0].value if found else None)


@given(DOCUMENTS, PATHS)
@settings(max_examples=200, deadline=None)
def test_a_plain_path_finds_the_first_of_what_any_depth_finds(document, path):
    plain = list(field_path(path).find(document))
    assert plain == [slot for slot in field_path(f"**.{path}").find(document)
                     if slot.parts == tuple(path.split("."))]  # fmt: skip


@pytest.mark.parametrize(
    ("path", "found"),
    [("a", [("a",)]), ("a.b", []), ("a[*]", [("a", 0), ("a", 1)]), ("a[*].b", [("a", 1, "b")]),
     ("**.b", [("b",), ("a", 1, "b")]), ("", None)],
)  # fmt: skip
def test_what_a_path_names(path, found):
    document = {"a": [None, {"b": 1}], "b": None}
    if found is None:
        assert value_at(document, path) is document
    else:
        assert [slot.parts for slot in field_path(path).find(document)] == found


def test_covering_is_the_same_as_asking_each_path():
    texts = ("a", "a.b", "[*].c", "**.d", "e[*].f")
    compiled = [field_path(text) for text in texts]
    covers = covering(compiled)
    places = [(), ("a",), ("a", "x"), ("b",), (0, "c"), ("x", "y", "d"), ("e", 1, "f"), ("e", "f")]
    for parts in places:
        assert covers(parts) == any(path.covers(parts) for path in compiled), parts
