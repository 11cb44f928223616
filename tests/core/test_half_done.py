"""Plans that were carried out in part: what was done is done, what others did has moved."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hand_made import docs, planned

from ddsnap.core import canonical
from ddsnap.core.half_done import Present
from ddsnap.core.saved_plan import Approved, compare
from ddsnap.core.unheard import Explained
from ddsnap.core.values import Address

NOW = datetime(2026, 3, 1, tzinfo=timezone.utc)


def moved(before, source, documents, known=(), **options):
    """What is not as it was approved of, with these documents at the destination by now."""
    whole = Approved("abc", tuple(canonical.decode(canonical.encode(before.to_json()))["actions"]))
    approved = Approved.from_json(canonical.decode(canonical.encode(whole.to_json())))
    bodies = {document.address: document.body for document in documents}
    plan = planned(source, documents, dict(known), **options)
    return [str(one) for one in compare(approved, Present(plan, bodies.get, NOW))]


def made_by_it(address, id_):
    return {"explained": Explained({Address.parse(address): id_})}


def test_little_is_kept_of_what_does_nothing():
    plan = planned(docs(monitors={"1": {"name": "a"}}), docs(monitors={"9": {"name": "a"}}))
    told = Approved("abc", tuple(plan.to_json()["actions"])).to_json()
    assert told["actions"] == [{"type": "monitors", "id": "1", "action": "adopt", "to": "9"}]


BOARD = docs(monitors={"1": {"name": "a"}}, dashboards={"d": {"title": "t", "alert_id": "1"}})


def test_an_update_may_know_an_id_that_was_symbolic():
    there = docs(dashboards={"e": {"title": "t", "alert_id": "7"}})
    before = planned(BOARD, there, {"dashboards/d": "e"})
    assert "${monitors/1}" in str(before.to_json())
    made = [*there, *docs(monitors={"91": {"name": "a"}})]
    known = {"dashboards/d": "e", "monitors/1": "91"}
    assert moved(before, BOARD, made, known) == []
    theirs = docs(monitors={"91": {"name": "a"}}, dashboards={"e": {"title": "x"}})
    assert moved(before, BOARD, theirs, known) == ["dashboards/d"]


def test_a_test_of_which_the_monitor_was_symbolic():
    source = docs(
        synthetics_tests={"abc": {"name": "t", "monitor_id": 5}},
        monitors={"1": {"name": "c", "type": "composite", "query": "5 && 5"}},
    )
    there = docs(monitors={"9": {"name": "c", "type": "composite", "query": "7 && 7"}})
    before = planned(source, there, {"monitors/1": "9"})
    assert "#/monitor_id}" in str(before.to_json())
    made = [*there, *docs(synthetics_tests={"xyz": {"name": "t", "monitor_id": 55}})]
    known = {"monitors/1": "9", "synthetics_tests/abc": "xyz"}
    assert moved(before, source, made, known) == []


def test_what_the_run_made_and_could_not_record_is_done():
    before = planned(BOARD)
    made = docs(monitors={"91": {"name": "a"}})
    assert moved(before, BOARD, made, **made_by_it("monitors/1", "91")) == []
    assert moved(before, BOARD, made) == ["monitors/1"]  # somebody else did


CIRCLE = docs(
    monitors={"1": {"name": "m", "slo_id": "s"}},
    service_level_objectives={"s": {"name": "s", "monitor_ids": [1]}},
)
OPEN = {"service_level_objectives/s": "S", "monitors/1": "9"}


@pytest.mark.parametrize(
    ("slo", "then"),
    [
        ({"name": "s", "monitor_ids": []}, []),
        ({"name": "s", "monitor_ids": [9]}, []),
        ({"name": "s", "monitor_ids": [], "more": 1}, ["service_level_objectives/s"]),
        ({"name": "theirs", "monitor_ids": []}, ["service_level_objectives/s"]),
    ],
)
def test_a_circle_that_is_still_open_is_closed_unless_somebody_was_at_it(slo, then):
    before = planned(CIRCLE)
    assert [len(step.closes) for step in before.actions] == [1, 0]
    made = docs(monitors={"9": {"name": "m", "slo_id": "S"}}, service_level_objectives={"S": slo})
    assert moved(before, CIRCLE, made, OPEN) == then


def order(*names):
    return docs(logs_indexes_order={"order": {"id": "order", "index_names": list(names)}})


def test_an_order_moves_with_what_was_made():
    indexes = docs(logs_indexes={"a": {}, "b": {}})
    source = [*indexes, *order("a", "b")]
    there = docs(logs_indexes={"old": {}})
    before = planned(source, [*there, *order("old")])
    one = [*there, *indexes[:1]]
    assert moved(before, source, [*one, *order("old", "a")], {"logs_indexes/a": "a"}) == []
    assert moved(before, source, [*one, *order("a", "old")], {"logs_indexes/a": "a"}) == []
    theirs = [*one, *docs(logs_indexes={"new": {}}), *order("old", "new", "a")]
    assert moved(before, source, theirs, {"logs_indexes/a": "a"}) == ["logs_indexes_order/order"]
    assert moved(before, source, [*there, *order()]) == ["logs_indexes_order/order"]
