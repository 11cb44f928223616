"""Creations without an answer: what they explain at a destination, and until when they are open."""

from __future__ import annotations

import pytest
from hand_made import CATALOG, docs
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.actions import Action
from ddsnap.core.outcomes import Outcome, Sent
from ddsnap.core.unheard import Explained, Open, Unheard, explain, is_unanswered, still_open
from ddsnap.core.values import Address


def said(id_, sent, type_="dashboards", title="t"):
    return Unheard(Address(type_, id_), title, sent)


def found(unheard, there, may_be=lambda _one, _document: True):
    return explain(unheard, there, may_be, CATALOG)


def taken(explained: Explained):
    return {address.id: id_ for address, id_ in explained.taken.items()}


BOARD = {"title": "t", "w": 1}


@settings(max_examples=50, deadline=None)
@given(made=st.integers(0, 6), wanted=st.integers(1, 5))
def test_equal_creations_take_what_is_there_if_it_is_no_more_than_they_can_have_made(made, wanted):
    there = docs(dashboards={f"new{n}": dict(BOARD) for n in range(made)})
    explained = found([said(f"d{n}", BOARD) for n in range(wanted)], there)
    if made > wanted:
        assert explained.taken == {}
        assert {address.id for address in explained.unclear} == {f"d{n}" for n in range(wanted)}
    else:
        assert sorted(taken(explained).values()) == [f"new{n}" for n in range(made)]
        assert explained.unclear == {}


def test_what_the_server_trimmed_and_filled_in_is_found():
    there = docs(dashboards={"new": {"title": "t", "w": 1, "filled": True}})
    assert taken(found([said("d", {"title": "t ", "w": 1})], there)) == {"d": "new"}


def test_what_equals_one_is_not_given_to_another_that_says_less():
    there = docs(dashboards={"new": {"title": "t", "w": 1, "description": "more"}})
    full, less = said("a", {"title": "t", "w": 1, "description": "more"}), said("b", BOARD)
    assert taken(found([less, full], there)) == {"a": "new"}


def test_what_two_different_creations_can_have_made_is_nobodys():
    there = docs(dashboards={"new": {"title": "t", "w": 1, "x": 1, "y": 1, "z": 1}})
    explained = found([said("a", {**BOARD, "x": 1}), said("b", {**BOARD, "y": 1})], there)
    assert explained.taken == {}
    assert len(explained.unclear) == 2


@pytest.mark.parametrize("title", ["t", " T"])
def test_a_title_alone_makes_it_unclear_and_names_the_way_out(title):
    there = docs(dashboards={"new": {"title": title, "w": "another"}})
    explained = found([said("d", BOARD)], there)
    assert explained.taken == {}
    assert explained.unclear == {
        Address("dashboards", "d"): "the run that was cut off may have made dashboards/new, which"
        " is called the same: --adopt dashboards/d=new takes it"
    }


def test_without_knowing_what_was_said_the_title_decides_that_nobody_knows():
    there = docs(dashboards={"new": dict(BOARD), "other": {"title": "u", "w": 1}})
    explained = found([said("d", None)], there)
    assert explained.taken == {}
    assert [address.id for address in explained.unclear] == ["d"]


def test_what_it_cannot_have_made_explains_nothing():
    there = docs(dashboards={"new": dict(BOARD)})
    assert found([said("d", BOARD)], there, lambda _one, _document: False) == Explained()


def test_what_has_a_key_is_left_to_the_key():
    there = docs(roles={"R": {"name": "a", "permissions": ["x"]}})
    assert found([said("r", {"name": "a"}, "roles", "a")], there).taken != {}
    assert found([said("r", {"name": "a", "other": 1}, "roles", "a")], there) == Explained()
    two = docs(roles={"R": {"name": "a"}, "S": {"name": "a"}})
    assert found([said("r", {"name": "a"}, "roles", "a")], two) == Explained()


# --- from run to run


def outcome(id_, kind, status, *statuses, to="", purpose="create"):
    sent = tuple(Sent("POST", "/r", "/r", one, "", purpose) for one in statuses)
    return Outcome(Action(kind, Address("dashboards", id_)), status, to, requests=sent)


@pytest.mark.parametrize(
    ("statuses", "to", "expected"),
    [
        ((0,), "", True),
        ((502, 0), "", True),
        ((200,), "", True),  # whose answer could not be written down
        ((0, 200), "n", False),
        ((400,), "", False),
        ((), "", False),
    ],
)
def test_a_creation_is_unanswered_where_no_id_came_and_no_refusal(statuses, to, expected):
    assert is_unanswered(outcome("d", "create", "failed", *statuses, to=to)) is expected


def test_only_creations_are():
    assert not is_unanswered(outcome("d", "update", "failed", 0, purpose="update"))


def after(before, *outcomes, whole=False):
    at = {Address("dashboards", "d"): 7.0}
    return still_open(before, outcomes, "later", at, whole=whole)


EARLIER = Open(Address("dashboards", "d"), "earlier", 5.0)


def test_it_stays_open_through_runs_about_something_else():
    assert after([EARLIER], outcome("e", "unchanged", "unchanged", to="n")) == [EARLIER]


@pytest.mark.parametrize("status", ["blocked", "similar", "ambiguous", "not reached"])
def test_it_stays_open_through_runs_that_settle_nothing(status):
    assert after([EARLIER], outcome("d", "create", status)) == [EARLIER]


@pytest.mark.parametrize(
    "settled",
    [
        outcome("d", "adopt", "unchanged", to="n"),
        outcome("d", "create", "done", 200, to="n"),
        outcome("d", "create", "failed", 400),
        outcome("d", "delete", "done", 200),
    ],
)
def test_a_run_settles_what_it_finds_makes_or_is_refused(settled):
    assert after([EARLIER], settled) == []


def test_a_later_one_takes_the_place_of_an_earlier_one():
    later = Open(EARLIER.address, "later", 7.0)
    assert after([EARLIER], outcome("d", "create", "failed", 0)) == [later]


def test_a_whole_run_forgets_what_the_source_has_no_more():
    other = outcome("e", "unchanged", "unchanged", to="n")
    assert after([EARLIER], other, whole=True) == []
    assert after([EARLIER], other, outcome("d", "create", "blocked"), whole=True) == [EARLIER]
