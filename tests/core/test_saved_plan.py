from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hand_made import docs, planned

from ddsnap.core import canonical
from ddsnap.core.half_done import Present
from ddsnap.core.saved_plan import Approved, compare, dependents, read_plan
from ddsnap.core.values import Address
from ddsnap.errors import UsageError

HEAD = {"source": {"org": "us1", "commit": "abc"}, "options": {"types": ["monitors"]}}
SOURCE = docs(
    monitors={"1": {"name": "a", "q": 1}, "2": {"name": "b"}, "3": {"name": "c"}},
    dashboards={"d": {"title": "t", "alert_id": "1"}},
)
KNOWN = {"monitors/1": "91", "monitors/2": "92"}


def there(q=2, b="b"):
    return docs(monitors={"91": {"name": "a", "q": q}, "92": {"name": b}})


def saved(plan):
    return read_plan(canonical.encode(plan.to_json(HEAD)), "plan.json")


def approved(plan):
    """As a run keeps it that carries it out."""
    whole = Approved("abc", tuple(saved(plan)["actions"]))
    return Approved.from_json(canonical.decode(canonical.encode(whole.to_json())))


def moved(before, after, documents=()):
    """What is not as before, where the destination holds these documents by now."""
    bodies = {document.address: document.body for document in documents}
    there = Present(after, bodies.get, datetime(2026, 3, 1, tzinfo=timezone.utc))
    return [str(address) for address in compare(approved(before), there)]


def test_a_saved_plan_is_read_back_with_its_head():
    plan = planned(SOURCE, there(), KNOWN)
    body = saved(plan)
    assert body["head"] == {**HEAD, "format": 1}
    assert moved(plan, plan) == []
    assert plan.digest(HEAD) == canonical.digest(body)
    assert plan.digest() != plan.digest(HEAD)
    assert planned(SOURCE, there(), KNOWN).digest() == plan.digest()


def test_what_moved_at_the_destination_is_named():
    before = planned(SOURCE, there(), KNOWN)
    assert moved(before, planned(SOURCE, there(q=3), KNOWN)) == ["monitors/1"]
    assert moved(before, planned(SOURCE, there(q=1), KNOWN)) == []  # there is nothing left to do
    assert moved(before, planned(SOURCE, there(b="x"), KNOWN)) == ["monitors/2"]
    gone = planned(SOURCE, there()[1:], KNOWN)  # what refers to it will get another id
    assert moved(before, gone) == ["dashboards/d", "monitors/1"]


def test_what_is_new_gone_or_was_made_meanwhile_moved_too():
    before = planned(SOURCE, there(), KNOWN)
    assert moved(before, planned(SOURCE[:2], there(), KNOWN)) == ["dashboards/d", "monitors/3"]
    assert moved(planned(SOURCE[:2], there(), KNOWN), before) == ["dashboards/d", "monitors/3"]
    with_c = [*there(), *docs(monitors={"93": {"name": "c"}})]
    assert moved(before, planned(SOURCE, with_c, KNOWN)) == ["monitors/3"]


def test_what_is_left_alone_may_change():
    silent = docs(monitors={"92": {"name": "b", "tags": ["migration:true"]}})
    loud = docs(monitors={"92": {"name": "b"}})
    before = planned(SOURCE[1:2], silent, KNOWN, quiet=True)
    assert moved(before, planned(SOURCE[1:2], loud, KNOWN, quiet=True)) == []


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"{", "plan.json is damaged"),
        (b"[]", "plan.json is no plan"),
        (b'{"actions": []}', "plan.json is no plan"),
        (
            b'{"actions": [], "counts": {}, "cycles": [], "head": {"format": 9}}',
            "plan.json is in plan format 9",
        ),
    ],
)
def test_what_is_no_plan_is_refused(data, why):
    with pytest.raises(UsageError, match=why):
        read_plan(data, "plan.json")


def test_addresses_are_told_as_addresses():
    plan = planned(SOURCE)
    assert moved(plan, planned([])) == [
        "dashboards/d", "monitors/1", "monitors/2", "monitors/3"
    ]  # fmt: skip


def test_what_was_carried_out_since_has_not_moved():
    before = planned(SOURCE, [], {})
    known = {"monitors/1": "91", "monitors/2": "92", "monitors/3": "93", "dashboards/d": "e"}
    done = docs(
        monitors={"91": {"name": "a", "q": 1}, "92": {"name": "b"}, "93": {"name": "c"}},
        dashboards={"e": {"title": "t", "alert_id": "91"}},
    )
    assert moved(before, planned(SOURCE, done, known)) == []


def test_a_creation_may_know_an_id_that_was_symbolic():
    before = planned(SOURCE, [], {})
    after = planned(SOURCE, docs(monitors={"91": {"name": "a", "q": 1}}), {"monitors/1": "91"})
    assert moved(before, after) == []


def test_what_refers_to_what_moved_depends_on_it():
    plan = planned(SOURCE, there(), KNOWN)
    monitor, board = Address("monitors", "1"), Address("dashboards", "d")
    assert dependents(plan, [monitor]) == {board: monitor}
    assert dependents(plan, [board]) == {}
    assert dependents(plan, []) == {}
