"""What was a secret before stays one wherever it may be by now."""

from __future__ import annotations

from typing import Any

import pytest

from ddsnap.core.pointers import join
from ddsnap.core.veiled import still_secret

MARK: Any = {"$ddsnap": {"secret": True}}


def found(veiled: Any, clear: Any) -> list[str]:
    return sorted({join(parts) for parts in still_secret({"at": veiled}, {"at": clear})})


def note(text: Any, **more: Any) -> dict[str, Any]:
    return {"type": "note", "text": text, **more}


@pytest.mark.parametrize(
    ("veiled", "clear", "places"),
    [
        (MARK, "hush", ["/at"]),
        (MARK, {"any": "thing"}, ["/at"]),
        (MARK, "", []),
        (MARK, MARK, []),
        ({"a": MARK, "b": "x"}, {"a": "hush", "b": "y"}, ["/at/a"]),
        ({"a": MARK}, {"b": "other"}, []),
        ("open", "open", []),
    ],
)
def test_a_place_keeps_its_marker(veiled: Any, clear: Any, places: list[str]) -> None:
    assert found(veiled, clear) == places


def test_an_element_is_followed_wherever_it_moves() -> None:
    veiled = [note(MARK, id=1), note("b", id=2)]
    assert found(veiled, [note("b", id=2), note("hush", id=1)]) == ["/at/1/text"]
    assert found(veiled, [note("new", id=3), note("hush", id=1), note("b", id=2)]) == ["/at/1/text"]
    assert found(veiled, [note("b", id=2)]) == []


def test_one_that_was_edited_is_known_by_its_name_or_its_place() -> None:
    veiled = [{"name": "one", "key": MARK, "every": 1}, {"name": "two", "key": MARK, "every": 1}]
    turned = [{"name": "two", "key": "2", "every": 5}, {"name": "one", "key": "1", "every": 1}]
    assert found(veiled, turned) == ["/at/0/key", "/at/1/key"]
    assert found([note(MARK), note("b")], [note("hush", size=5), note("b")]) == ["/at/0/text"]


def test_where_it_could_be_one_of_several_each_counts() -> None:
    clear = [note("new"), note("hush"), note("b")]
    assert found([note(MARK), note("b")], clear) == ["/at/0/text", "/at/1/text"]
    moved = [note("b"), note("new", size=2), note("hush", size=5)]
    assert found([note(MARK), note("b")], moved) == ["/at/1/text", "/at/2/text"]


def test_what_stands_beside_it_unchanged_is_no_secret() -> None:
    assert found(["a:1", MARK], ["a:1", "hush"]) == ["/at/1"]
    assert found([MARK, "a:1"], ["a:1"]) == []
    declared = {"name": "one", "key": MARK}
    assert found([declared], [declared, {"name": "two", "key": "open"}]) == []
