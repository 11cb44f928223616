"""What stands at a destination for another org's resources is nobody's to take."""

from __future__ import annotations

from dataclasses import replace

from hand_made import MONITORS, STATES, TYPES, action, docs, kinds, planned

from ddsnap.catalog import shared
from ddsnap.core.id_map import Mapped
from ddsnap.core.plan import make_plan
from ddsnap.core.resource_type import Catalog
from ddsnap.core.values import Address

OTHERS = {Address("dashboards", "D"): "ap1's dashboards/x", Address("roles", "R"): "ap1's roles/x"}
BOARD = docs(dashboards={"d": {"title": "t"}})


def test_what_equals_it_and_is_another_s_is_not_adopted():
    for body in ({"title": "t"}, {"title": "t", "description": "another body"}):
        there = docs(dashboards={"D": body})
        assert kinds(planned(BOARD, there, others=OTHERS)) == {"dashboards/d": "create"}
    there = docs(dashboards={"D": {"title": "t"}, "E": {"title": "t"}})
    assert action(planned(BOARD, there, others=OTHERS), "dashboards/d").to == "E"


def test_what_it_is_mapped_to_and_what_was_named_by_hand_stays():
    there = docs(dashboards={"D": {"title": "t"}})
    known = {"dashboards/d": Mapped("D", "adopted")}
    assert kinds(planned(BOARD, there, known, others=OTHERS)) == {"dashboards/d": "unchanged"}
    adopt = {Address("dashboards", "d"): "D"}
    assert action(planned(BOARD, there, others=OTHERS, adopt=adopt), "dashboards/d").to == "D"


def test_a_natural_key_is_shared():
    source, there = docs(roles={"r": {"name": "ops"}}), docs(roles={"R": {"name": "ops"}})
    assert kinds(planned(source, there, others=OTHERS)) == {"roles/r": "adopt"}


def test_a_restore_takes_what_its_own_org_has():
    there = docs(dashboards={"D": {"title": "t"}})
    assert action(planned(BOARD, there, others=OTHERS, same_org=True), "dashboards/d").to == "D"


def test_what_cannot_be_made_twice_is_named():
    strict = replace(MONITORS, duplicate="Duplicate of (?P<id>.*)")
    catalog = Catalog([strict if one is MONITORS else one for one in TYPES],
                      known_refs=shared.KNOWN_REFS)  # fmt: skip
    source, there = docs(monitors={"1": {"name": "a"}}), docs(monitors={"9": {"name": "a"}})
    others = {Address("monitors", "9"): "ap1's monitors/5"}
    (step,) = make_plan(
        lambda: source, lambda: there, {}, catalog, states=STATES, others=others
    ).actions
    assert (step.kind, step.reasons) == (
        "ambiguous",
        ("monitors/9 equals it and is ap1's monitors/5",),
    )
