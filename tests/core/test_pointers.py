from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.pointers import PointerError, escape, find, get, join, parse

if TYPE_CHECKING:
    from ddsnap.core.values import JSON

# The document and the table of RFC 6901, section 5.
DOC: JSON = {
    "foo": ["bar", "baz"],
    "": 0,
    "a/b": 1,
    "c%d": 2,
    "e^f": 3,
    "g|h": 4,
    "i\\j": 5,
    'k"l': 6,
    " ": 7,
    "m~n": 8,
}


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("", DOC),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/e^f", 3),
        ("/g|h", 4),
        ("/i\\j", 5),
        ('/k"l', 6),
        ("/ ", 7),
        ("/m~0n", 8),
    ],
)
def test_the_examples_of_the_rfc(pointer: str, value: JSON) -> None:
    assert get(DOC, pointer) == value
    assert join(parse(pointer)) == pointer


@pytest.mark.parametrize(
    "pointer",
    [
        "/x",
        "/foo/2",
        "/foo/-",
        "/foo/01",
        "/foo/-1",
        "/foo/1_0",
        "/foo/x",
        "/foo/\u0661",
        "/a~1b/0",
        "/foo/" + "9" * 5000,
    ],
)
def test_nothing_there(pointer: str) -> None:
    with pytest.raises(PointerError, match="nothing at"):
        get(DOC, pointer)
    assert find(DOC, pointer, "default") == "default"


@pytest.mark.parametrize("pointer", ["foo", "#/foo", "/~", "/~2", "/a~"])
def test_malformed(pointer: str) -> None:
    with pytest.raises(PointerError, match="pointer"):
        parse(pointer)


def test_a_tilde_before_a_one_is_not_a_slash() -> None:
    assert escape("~1") == "~01"
    assert parse("/~01") == ("~1",)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("~/01a\u00e9")))
def test_parts_survive(parts: list[str]) -> None:
    assert list(parse(join(parts))) == parts
