"""Outcomes as lines: what is written is read back, and no other line is taken."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.actions import Action, Unresolved
from ddsnap.core.outcomes import (
    STATUSES,
    Outcome,
    Sent,
    counts,
    read_outcomes,
    write_line,
    write_outcomes,
)
from ddsnap.core.recorded_action import KINDS
from ddsnap.core.references import Reference
from ddsnap.core.values import Address
from ddsnap.errors import Damaged

SENT = Sent("PUT", "/api/v1/monitor/{id}", "/api/v1/monitor/7", 200, "ab" * 32, "update")
REFERENCE = Reference(("widgets", 0, "slo_id"), None, ("slos",), "", "s1", "", soft=False)
OUTCOME = Outcome(
    Action(
        "create",
        Address("dashboards", "a/b"),
        "Überblick ✓",
        "${dashboards/a/b}",
        ({"op": "add", "path": "", "value": {"n": 1.5, "big": 2**70}},),
        (Address("slos", "s1"),),
        ("because",),
        Address("slos", "s1"),
        (Unresolved(REFERENCE, "gone", "slos/s1 is gone"),),
        (REFERENCE,),
        against="cd" * 32,
        intended="ef" * 32,
        base="destination",
        origin="created",
        undeletes=True,
    ),
    "done",
    "new-id",
    "",
    (SENT, SENT),
    ({"op": "remove", "path": "/x"},),
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ADDRESSES = st.builds(Address, st.sampled_from(["monitors", "slos"]), TEXT)
OPERATIONS = st.lists(
    st.fixed_dictionaries({"op": st.just("add"), "path": TEXT, "value": st.integers() | TEXT}),
    max_size=2,
).map(tuple)
REFERENCES = st.builds(
    Reference,
    st.lists(st.integers(0, 3) | st.sampled_from(["a", "b/c", "~", "01"]), max_size=3).map(tuple),
    st.none(),
    st.just(("slos", "monitors")),
    st.sampled_from(["", "handle"]),
    TEXT,
    st.just(""),
    st.booleans(),
)
ACTIONS = st.builds(
    Action,
    st.sampled_from(KINDS),
    ADDRESSES,
    TEXT,
    TEXT,
    OPERATIONS,
    st.lists(ADDRESSES, max_size=2).map(tuple),
    st.lists(TEXT, max_size=2).map(tuple),
    st.none() | ADDRESSES,
    st.lists(st.builds(Unresolved, REFERENCES, TEXT, TEXT), max_size=2).map(tuple),
    st.lists(REFERENCES, max_size=2).map(tuple),
    TEXT,
    TEXT,
    st.sampled_from(["source", "destination"]),
    st.sampled_from(["created", "adopted", ""]),
    st.booleans(),
)
OUTCOMES = st.builds(
    Outcome,
    ACTIONS,
    st.sampled_from(STATUSES),
    TEXT,
    TEXT,
    st.lists(st.builds(Sent, TEXT, TEXT, TEXT, st.integers(0, 599), TEXT, TEXT), max_size=2).map(
        tuple
    ),
    OPERATIONS,
)


@settings(max_examples=80, deadline=None)
@given(st.lists(OUTCOMES, max_size=3))
def test_what_is_written_is_read_back(outcomes: list[Outcome]) -> None:
    data = write_outcomes(outcomes)
    assert data.count(b"\n") == len(outcomes)
    assert list(read_outcomes(data)) == outcomes


def test_a_line_says_all_of_it_in_one_form() -> None:
    body = OUTCOME.to_json()
    assert (body["to"], body["planned"]) == ("new-id", "${dashboards/a/b}")
    assert body["requests"] == [SENT.to_json()] * 2
    line = write_line(body)
    assert line.startswith(b'{"action":"create","against":"cdcd')
    assert "Überblick ✓".encode() in line
    assert list(read_outcomes(line)) == [OUTCOME]


def test_results_are_counted_in_the_order_in_which_they_are_told() -> None:
    def one(kind: str, status: str) -> Outcome:
        return Outcome(Action(kind, Address("monitors", "1")), status)  # type: ignore[arg-type]

    told = [
        one("update", "failed"),
        one("delete", "done"),
        one("adopt", "done"),
        one("update", "done"),
        one("create", "done"),
        one("create", "done"),
        one("unchanged", "unchanged"),
        one("create", "not reached"),
    ]
    assert list(counts(told).items()) == [
        ("created", 2),
        ("updated", 1),
        ("adopted", 1),
        ("deleted", 1),
        ("unchanged", 1),
        ("failed", 1),
        ("not reached", 1),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "fine"}, "its status is none of"),
        ({"action": "paint"}, "its action is none of"),
        ({"to": 7}, "its to is no text"),
        ({"error": None}, "its error is no text"),
        ({"patch": [1]}, "an element of its patch is no object"),
        ({"requests": [{**SENT.to_json(), "status": "200"}]}, "its status is no number"),
        ({"requests": {}}, "its requests is no list"),
        ({"needs": [1]}, "its needs holds more than text"),
        ({"undeletes": 1}, "its undeletes is neither true nor false"),
        ({"more": 1}, "it is not in canonical form"),
    ],
)
def test_a_line_of_another_shape_is_damage(change: dict, reason: str) -> None:
    good = write_line(OUTCOME.to_json())
    bad = write_line({**OUTCOME.to_json(), **change})
    with pytest.raises(Damaged, match=f"line 2: {reason}"):
        list(read_outcomes(good + bad))


def test_lines_that_are_cut_or_spelled_otherwise_are_damage() -> None:
    good = write_line(OUTCOME.to_json())
    with pytest.raises(Damaged, match="line 2 is cut"):
        list(read_outcomes(good + good[:-1]))
    with pytest.raises(Damaged, match="line 1"):
        list(read_outcomes(good[:40] + b"\n"))
    with pytest.raises(Damaged, match="line 1: it is not in canonical form"):
        list(read_outcomes(good.replace(b":", b": ", 1)))
