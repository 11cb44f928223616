from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.ids import join_parts, split_parts

PART = st.text(st.sampled_from("ab,%25C2/ é") | st.characters(codec="utf-8"), max_size=12)


@given(st.lists(PART, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_parts_come_apart_as_they_were_joined(parts: list[str]) -> None:
    assert split_parts(join_parts(parts)) == parts


@given(st.lists(PART, min_size=1, max_size=4), st.lists(PART, min_size=1, max_size=4))
@settings(max_examples=150, deadline=None)
def test_different_parts_make_different_ids(a: list[str], b: list[str]) -> None:
    assert (join_parts(a) == join_parts(b)) == (a == b)


def test_ids_read_as_people_expect() -> None:
    assert join_parts(["team-1", "user-2"]) == "team-1,user-2"
    assert join_parts(["a,b", "50%"]) == "a%2Cb,50%25"
    assert split_parts("abc") == ["abc"]
