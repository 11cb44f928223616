"""Which resources a replay deletes at the destination, and in which order."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest
from hand_made import TYPES, action, docs, kinds, planned

from ddsnap.core.deletion import Deletions
from ddsnap.core.id_map import Mapped
from ddsnap.core.values import Address

ALL = frozenset(type_.name for type_ in TYPES)
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)
THERE = docs(monitors={"91": {"name": "a", "creator": {"handle": "ann"}}, "92": {"name": "b"}})


def removed(source, destination, known, *, named=(), complete=ALL, adopted=False, **options):
    consent = Deletions(complete, adopted, named)
    return planned(source, destination, known, deletions=consent, **options)


def by_address(plan):
    return {str(step.address): step for step in plan.actions}


def test_nothing_is_deleted_without_consent():
    assert kinds(planned([], THERE, {"monitors/1": "91"})) == {}


def test_only_what_the_map_says_was_made_is_deleted():
    known = {"monitors/1": "91", "monitors/2": Mapped("92", "adopted")}
    plan = removed([], THERE, known)
    assert kinds(plan) == {"monitors/1": "delete"}
    step = action(plan, "monitors/1")
    assert (step.to, step.title, step.origin) == ("91", "a", "created")
    assert step.reasons == ("last written by ann",)
    assert step.against != ""
    assert kinds(removed([], THERE, known, adopted=True)) == {
        "monitors/1": "delete",
        "monitors/2": "delete",
    }


def test_what_another_org_s_map_names_stays_with_all_that_it_needs():
    there = docs(
        monitors={"91": {"name": "a"}, "92": {"name": "b", "type": "composite", "query": "91"}}
    )
    known = {"monitors/1": "91", "monitors/2": "92"}
    others = {Address("monitors", "92"): "ap1's monitors/7"}
    plan = removed([], there, known, others=others)
    assert {address: step.reasons for address, step in by_address(plan).items()} == {
        "monitors/1": ("monitors/92 refers to it",),
        "monitors/2": ("it is also ap1's monitors/7",),
    }
    assert set(kinds(plan).values()) == {"blocked"}


@pytest.mark.parametrize(
    "options",
    [
        {"complete": ALL - {"monitors"}},
        {"selection": lambda address: address.type == "dashboards"},
        {"selection": lambda address: address == Address("monitors", "7")},
    ],
)
def test_what_may_not_be_known_to_be_gone_or_was_not_named_stays(options):
    assert kinds(removed([], THERE, {"monitors/1": "91"}, **options)) == {}


def test_a_type_that_is_selected_loses_what_is_gone():
    plan = removed(
        [], THERE, {"monitors/1": "91"}, selection=lambda address: address.type == "monitors"
    )
    assert kinds(plan) == {"monitors/1": "delete"}


def test_what_is_still_there_or_belongs_to_another_by_now_stays():
    source = docs(roles={"new": {"name": "ops"}}, monitors={"1": {"name": "a"}})
    destination = [*docs(roles={"R": {"name": "ops"}}), *THERE]
    known = {"roles/old": "R", "monitors/1": "91", "monitors/5": "404"}
    assert set(kinds(removed(source, destination, known)).values()) == {"adopt", "unchanged"}


def test_what_ended_or_is_disabled_or_datadog_s_is_never_deleted():
    destination = docs(
        downtime_schedules={
            "1": {"message": "over", "end": "2026-01-01T00:00:00Z"},
            "2": {"message": "on", "end": "2027-01-01T00:00:00Z"},
        },
        users={"u": {"handle": "u", "disabled": True}},
        roles={"R": {"name": "Admin"}},
    )
    known = {f"{d.address.type}/src{d.address.id}": d.address.id for d in destination}
    plan = removed([], destination, known, named=("users",), now=NOW)
    assert kinds(plan) == {"downtime_schedules/src2": "delete", "roles/srcR": "blocked"}
    assert action(plan, "roles/srcR").reasons == ("it belongs to Datadog",)


def test_what_no_api_deletes_is_told():
    destination = docs(metrics_metadata={"m": {"unit": "byte"}}, monitors={"91": {"name": "a"}})
    plan = removed([], destination, {"metrics_metadata/m": "m", "monitors/1": "91"})
    assert kinds(plan) == {"metrics_metadata/m": "blocked", "monitors/1": "delete"}
    assert action(plan, "metrics_metadata/m").reasons == ("no API deletes it",)


def test_dependents_go_first_after_everything_else():
    source = docs(monitors={"5": {"name": "new"}})
    destination = docs(
        monitors={"91": {"name": "a"}},
        service_level_objectives={"S": {"name": "s", "monitor_ids": [91]}},
        dashboards={"D": {"title": "t", "slo_id": "S"}},
    )
    known = {"monitors/1": "91", "service_level_objectives/s": "S", "dashboards/d": "D"}
    plan = removed(source, destination, known)
    assert [(str(step.address), step.kind) for step in plan.actions] == [
        ("monitors/5", "create"),
        ("dashboards/d", "delete"),
        ("service_level_objectives/s", "delete"),
        ("monitors/1", "delete"),
    ]
    assert action(plan, "monitors/1").needs == (Address("service_level_objectives", "s"),)


def test_what_something_of_the_destination_needs_stays():
    own = docs(dashboards={"own": {"title": "hand-made", "alert_id": "91"}})
    plan = removed([], [*THERE, *own], {"monitors/1": "91"})
    assert action(plan, "monitors/1").reasons == ("dashboards/own refers to it",)
    assert kinds(plan) == {"monitors/1": "blocked"}


def test_what_this_run_lets_go_of_does_not_hold():
    source = docs(dashboards={"d": {"title": "t", "alert_id": "2"}}, monitors={"2": {"name": "b"}})
    destination = [*THERE, *docs(dashboards={"D": {"title": "t", "alert_id": "91"}})]
    known = {"monitors/1": "91", "monitors/2": "92", "dashboards/d": "D"}
    plan = removed(source, destination, known)
    assert kinds(plan)["monitors/1"] == "delete"
    assert action(plan, "monitors/1").needs == (Address("dashboards", "d"),)
    still = docs(dashboards={"d": {"title": "t", "x": 1, "alert_id": "1"}})
    plan = removed(still, destination, known)
    assert action(plan, "monitors/1").reasons[0] == "dashboards/D refers to it"


def test_lists_and_orders_hold_nothing():
    destination = docs(
        dashboards={"D": {"title": "t"}},
        dashboard_lists={"9": {"name": "l", "dashboards": [{"id": "D"}]}},
    )
    assert kinds(removed([], destination, {"dashboards/d": "D"})) == {"dashboards/d": "delete"}


def policy(id_):
    return {f"dashboard:{id_}": {"bindings": [{"relation": "editor", "principals": ["role:R"]}]}}


def test_a_policy_goes_with_its_object_or_by_itself():
    destination = docs(
        roles={"R": {"name": "r"}},
        dashboards={"D": {"title": "t"}},
        restriction_policies=policy("D"),
    )
    known = {"dashboards/d": "D", "restriction_policies/dashboard:d": "dashboard:D"}
    assert kinds(removed([], destination, known)) == {"dashboards/d": "delete"}
    source = docs(dashboards={"d": {"title": "t"}})
    assert kinds(removed(source, destination, known)) == {
        "dashboards/d": "unchanged",
        "restriction_policies/dashboard:d": "delete",
    }


def test_what_nothing_brings_back_must_be_named():
    destination = docs(users={"U": {"handle": "u"}})
    plan = removed([], destination, {"users/u": "U"})
    assert action(plan, "users/u").kind == "blocked"
    assert action(plan, "users/u").reasons == (
        "a deletion disables the user; that is only done to a type that is named",
    )
    assert kinds(removed([], destination, {"users/u": "U"}, named=("users",))) == {
        "users/u": "delete"
    }


def test_neither_who_replays_nor_the_last_administrator_is_deleted():
    destination = docs(
        roles={"R": {"name": "Admin"}},
        users={
            "A": {"handle": "a", "roles": ["R"]},
            "B": {"handle": "b", "roles": ["R"]},
            "C": {"handle": "c"},
        },
    )
    known = {"users/a": "A", "users/b": "B", "users/c": "C"}
    plan = removed([], destination, known, named=("users",), self_user="C")
    assert kinds(plan) == {"users/a": "blocked", "users/b": "blocked", "users/c": "blocked"}
    plan = removed([], destination, known, named=("users",), self_user="B")
    assert kinds(plan) == {"users/a": "delete", "users/b": "blocked", "users/c": "delete"}
