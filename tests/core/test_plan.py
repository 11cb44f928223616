from __future__ import annotations

import random

import pytest
from hand_made import (
    CATALOG,
    DASHBOARDS,
    ORDER,
    STATES,
    WRITES,
    action,
    docs,
    kinds,
    planned,
    wanted,
)

from ddsnap.core.changes import apply_patch
from ddsnap.core.intended import merge_order
from ddsnap.core.match import portable
from ddsnap.core.plan import intended, make_plan
from ddsnap.core.resource_type import Catalog, Ref, ResourceType
from ddsnap.core.values import Address, Document

# --- an empty destination


def test_everything_is_created_with_symbolic_references():
    source = docs(
        dashboards={"abc": {"title": "d", "widgets": [{"alert_id": "2"}, {"slo_id": "s1"}]}},
        monitors={
            "1": {"name": "a", "type": "metric alert", "query": "x > 2"},
            "2": {"name": "c", "type": "composite", "query": "1 && !1"},
        },
        service_level_objectives={"s1": {"name": "s", "monitor_ids": [1, 2]}},
    )
    plan = planned(source)
    assert set(kinds(plan).values()) == {"create"}
    assert [str(step.address) for step in plan.actions] == [
        "monitors/1",
        "monitors/2",
        "service_level_objectives/s1",
        "dashboards/abc",
    ]
    assert action(plan, "monitors/1").to == "${monitors/1}"
    assert wanted(plan, source, "monitors/2")["query"] == "${monitors/1} && !${monitors/1}"
    assert wanted(plan, source, "dashboards/abc") == {
        "title": "d",
        "widgets": [{"alert_id": "${monitors/2}"}, {"slo_id": "${service_level_objectives/s1}"}],
    }
    assert action(plan, "dashboards/abc").needs == (
        Address("monitors", "2"),
        Address("service_level_objectives", "s1"),
    )
    assert plan.counts() == {"create": 4}


def test_ids_made_of_references_and_names_are_known_or_symbolic():
    source = docs(
        teams={"t": {"attributes": {"handle": "ops"}}},
        users={"u": {"handle": "a@b.example"}},
        dashboards={"abc": {"title": "d"}},
        logs_indexes={"main": {}},
        restriction_policies={
            "dashboard:abc": {"bindings": [{"relation": "editor", "principals": ["team:t"]}]}
        },
    )
    source.append(
        Document(Address("team_memberships", "t,u"), {"team": {"id": "t"}, "user": {"id": "u"}})
    )
    destination = docs(users={"U": {"handle": "a@b.example"}})
    plan = planned(source, destination)
    assert action(plan, "logs_indexes/main").to == "main"
    assert action(plan, "team_memberships/t,u").to == "${teams/t},U"
    policy = action(plan, "restriction_policies/dashboard:abc")
    assert policy.to == "dashboard:${dashboards/abc}"
    assert wanted(plan, source, "restriction_policies/dashboard:abc") == {
        "id": "dashboard:${dashboards/abc}",
        "bindings": [{"relation": "editor", "principals": ["team:${teams/t}"]}],
    }


def test_ids_created_since_replace_the_symbolic_ones():
    source = docs(monitors={"1": {"name": "a"}}, dashboards={"d": {"w": {"alert_id": "1"}}})
    plan = planned(source)
    made = {Address("monitors", "1"): "77"}
    assert intended(plan, source[1], ids=made) == {"w": {"alert_id": "77"}}


# --- adoption


def test_natural_keys_adopt_and_converge():
    source = docs(
        roles={"r1": {"name": "Admin", "x": 1}, "r2": {"name": "ops", "x": 1}},
        users={"u1": {"handle": "a@b.example", "roles": ["r2", "r1"], "modified": 1}},
    )
    destination = docs(
        roles={"R1": {"name": "Admin", "x": 2}, "R2": {"name": "ops", "x": 2}},
        users={"U1": {"handle": "a@b.example", "roles": ["R2", "R1"], "modified": 2}},
    )
    plan = planned(source, destination)
    assert set(kinds(plan).values()) == {"adopt"}
    assert action(plan, "roles/r1").patch == ()  # Datadog's own: never written
    assert action(plan, "roles/r2").patch == ({"op": "replace", "path": "/x", "value": 1},)
    assert (action(plan, "users/u1").to, action(plan, "users/u1").patch) == ("U1", ())


def test_a_built_in_that_is_not_there_is_blocked():
    plan = planned(docs(roles={"r": {"name": "Admin"}}))
    why = ("it belongs to Datadog and is not at the destination",)
    assert (kinds(plan), action(plan, "roles/r").reasons) == ({"roles/r": "blocked"}, why)


def members(managed=False, **body):
    return docs(
        teams={"T": {"attributes": {"handle": "t", **({"managed": True} if managed else {})}}},
        users={"u": {"handle": "u"}},
        team_memberships={"T:u": {"team": {"id": "T"}, "user": {"id": "u"}, **body}},
    )


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize(
    ("source", "managed", "why"),
    [
        (members(managed=True, role="x"), False, "its team is kept elsewhere"),
        (members(role="x"), True, "its team is kept elsewhere"),
        (members(role="x", by="saml"), False, "it comes by itself"),
    ],
)
def test_what_comes_by_itself_and_the_parts_of_what_others_own_are_left_alone(
    source, managed, why, there
):
    destination = members(managed)[: None if there else 2]
    step = action(planned(source, destination), "team_memberships/T:u")
    assert (step.kind, step.patch) == ("adopt" if there else "unchanged", ())
    assert (step.to, step.reasons) == ("T:u" if there else "", (why,))


def test_without_a_natural_key_only_an_equal_document_is_adopted():
    source = docs(
        monitors={"1": {"name": "a", "q": 5}, "2": {"name": "c", "type": "composite", "query": "1"}}
    )
    destination = docs(
        monitors={
            "9": {"name": "a", "q": 5.0, "url": "there"},
            "8": {"name": "c", "type": "composite", "query": "9"},
        }
    )
    plan = planned(source, destination)
    assert [(step.kind, step.to, step.patch) for step in plan.actions] == [
        ("adopt", "9", ()),
        ("adopt", "8", ()),
    ]


def test_a_document_with_unresolved_soft_references_can_be_equal():
    source = docs(monitors={"1": {"name": "m", "message": "@team-x /dashboard/zzz-zzz-zzz"}})
    destination = docs(monitors={"9": {"name": "m", "message": "@team-x /dashboard/zzz-zzz-zzz"}})
    (step,) = planned(source, destination).actions
    assert (step.kind, step.to, len(step.unresolved)) == ("adopt", "9", 2)


def test_the_same_title_with_another_body_is_similar_and_stops_dependents():
    source = docs(monitors={"1": {"name": "a", "q": 1}}, dashboards={"d": {"alert_id": "1"}})
    destination = docs(monitors={"9": {"name": "a", "q": 2}})
    plan = planned(source, destination)
    assert kinds(plan) == {"monitors/1": "similar", "dashboards/d": "blocked"}
    assert action(plan, "dashboards/d").cause == Address("monitors", "1")
    beside = planned(source, destination, create_similar=True)
    assert set(kinds(beside).values()) == {"create"}
    taken = planned(source, destination, adopt={Address("monitors", "1"): "9"})
    assert action(taken, "monitors/1").kind == "adopt"
    assert action(taken, "monitors/1").patch == ({"op": "replace", "path": "/q", "value": 1},)


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ({"1": {"name": "a"}}, {"8": {"name": "a"}, "9": {"name": "a"}}),
        ({"1": {"name": "a"}, "2": {"name": "a"}}, {"9": {"name": "a"}}),
    ],
)
def test_two_matches_are_ambiguous(here, there):
    plan = planned(docs(monitors=here), docs(monitors=there))
    assert set(kinds(plan).values()) == {"ambiguous"}
    plan = planned(docs(roles=here), docs(roles=there))
    assert set(kinds(plan).values()) == {"ambiguous"}


def test_what_is_mapped_is_not_adopted_by_another():
    source = docs(roles={"r1": {"name": "a"}, "r2": {"name": "b"}})
    destination = docs(roles={"R": {"name": "b"}})
    plan = planned(source, destination, {"roles/r1": "R"})
    assert kinds(plan) == {"roles/r1": "update", "roles/r2": "ambiguous"}


# --- what is mapped


def test_mapped_resources_are_unchanged_or_updated_by_a_patch():
    source = docs(
        monitors={"1": {"name": "a"}, "2": {"name": "b", "tags": ["x", "y"]}},
        dashboards={"d": {"title": "t", "w": [{"alert_id": "1"}, {"alert_id": "2"}]}},
    )
    destination = docs(
        monitors={"91": {"name": "a"}, "92": {"name": "b", "tags": ["x"]}},
        dashboards={"D": {"title": "t", "w": [{"alert_id": "91"}, {"alert_id": "7"}]}},
    )
    ids = {"monitors/1": "91", "monitors/2": "92", "dashboards/d": "D"}
    plan = planned(source, destination, ids)
    assert kinds(plan) == {
        "monitors/1": "unchanged",
        "monitors/2": "update",
        "dashboards/d": "update",
    }
    step = action(plan, "dashboards/d")
    assert step.patch == ({"op": "replace", "path": "/w/1/alert_id", "value": "92"},)
    there = portable(DASHBOARDS, destination[2].body)
    assert apply_patch(there, step.patch) == wanted(plan, source, "dashboards/d")


def test_a_mapped_resource_that_is_gone_is_created_and_dependents_follow():
    source = docs(monitors={"1": {"name": "a"}}, dashboards={"d": {"alert_id": "1"}})
    destination = docs(dashboards={"D": {"alert_id": "91"}})
    plan = planned(source, destination, {"monitors/1": "91", "dashboards/d": "D"})
    assert kinds(plan) == {"monitors/1": "create", "dashboards/d": "update"}
    assert action(plan, "dashboards/d").patch[0]["value"] == "${monitors/1}"


def test_in_the_same_org_ids_are_themselves():
    source = docs(
        monitors={"1": {"name": "a"}, "2": {"name": "b", "alert_id": "3"}},
        dashboards={"d": {"alert_id": "1"}},
    )
    destination = docs(
        monitors={"2": {"name": "b!", "alert_id": "3"}, "3": {"name": "new"}},
        dashboards={"d": {"alert_id": "1"}},
    )
    plan = planned(source, destination, same_org=True)
    assert kinds(plan) == {
        "monitors/1": "create",
        "monitors/2": "update",
        "dashboards/d": "update",
    }


def test_in_the_same_org_a_dead_id_stays_and_is_told():
    source = docs(
        monitors={"2": {"name": "b", "type": "composite", "query": "1 && 2"}},
        dashboards={"d": {"alert_id": "1"}, "e": {"alert_id": "1"}},
    )
    destination = docs(dashboards={"d": {"alert_id": "1"}, "e": {"alert_id": "2"}})
    plan = planned(source, destination, same_org=True)
    assert kinds(plan) == {
        "monitors/2": "create",
        "dashboards/d": "unchanged",
        "dashboards/e": "update",
    }
    assert wanted(plan, source, "dashboards/e")["alert_id"] == "1"
    (end,) = plan.loose_ends()
    assert (end.value, end.soft, end.why, len(end.places)) == ("1", True, "gone", 2)
    across = kinds(planned(source, destination))
    assert set(across.values()) == {"blocked"}


def test_in_the_same_org_nobody_is_named_on_trust():
    source = docs(
        dashboards={
            "d": {"restricted_roles": ["r"]},
            "e": {"principals": ["team:t"]},
            "f": {"workflow_id": "w", "alert_id": "1"},
        },
        restriction_policies={"dashboard:gone": {"bindings": [1]}},
    )
    assert kinds(planned(source, same_org=True)) == {
        "dashboards/d": "blocked",
        "dashboards/e": "blocked",
        "dashboards/f": "create",
        "restriction_policies/dashboard:gone": "unchanged",
    }


def test_in_the_same_org_an_order_leaves_out_what_is_gone():
    bodies = {"logs_indexes": {"a": {}, "b": {}}}
    source = docs(**bodies, logs_indexes_order={"order": {"index_names": ["b", "gone", "a"]}})
    destination = docs(**bodies, logs_indexes_order={"order": {"index_names": ["a", "b"]}})
    plan = planned(source, destination, same_org=True)
    assert wanted(plan, source, "logs_indexes_order/order")["index_names"] == ["b", "a"]


def test_what_only_a_creation_can_set_is_named_and_not_sent():
    source = docs(users={"u": {"handle": "a", "kind": "x", "n": 1}})
    destination = docs(users={"U": {"handle": "a", "kind": "y", "n": 1}})
    (step,) = planned(source, destination, {"users/u": "U"}).actions
    assert (step.kind, step.reasons) == (
        "unchanged",
        ("kind differs, and only a creation can set it",),
    )


# --- what is blocked


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"states": {**STATES, "monitors": "complete"}}, "gone"),
        ({"filtered": {"monitors"}}, "filtered"),
        ({"filtered": {"synthetics_tests"}}, "filtered"),  # its own monitor, maybe
        ({"filtered": {"dashboards"}}, "gone"),
        ({"states": {**STATES, "monitors": "stale"}}, "unreadable"),
        ({"states": {**STATES, "monitors": "partial"}}, "unreadable"),
        ({"states": {"dashboards": "complete"}}, "not captured"),
    ],
)
def test_missing_targets_have_different_reasons(options, why):
    source = docs(dashboards={"d": {"title": "t", "w": [{"alert_id": "1"}, {"alert_id": "2"}]}})
    (step,) = planned(source, **options).actions
    assert (step.kind, step.to, step.cause) == ("blocked", "", Address("monitors", "1"))
    assert [(item.why, item.reference.value) for item in step.unresolved] == [
        (why, "1"),
        (why, "2"),
    ]
    assert len(step.reasons) == 2


def test_what_is_not_selected_blocks_unless_it_is_there_or_pulled_in():
    source = docs(monitors={"1": {"name": "a"}}, dashboards={"d": {"alert_id": "1"}})

    def only_dashboards(address):
        return address.type == "dashboards"

    plan = planned(source, selection=only_dashboards)
    assert kinds(plan) == {"dashboards/d": "blocked"}
    assert action(plan, "dashboards/d").unresolved[0].why == "not selected"
    there = docs(monitors={"9": {"name": "a"}})
    assert kinds(planned(source, there, selection=only_dashboards)) == {"dashboards/d": "create"}
    assert kinds(planned(source, selection=only_dashboards, dependencies=True)) == {
        "monitors/1": "create",
        "dashboards/d": "create",
    }


def test_a_mapped_target_outside_the_snapshot_is_looked_up():
    source = docs(dashboards={"d": {"alert_id": "1"}})
    plan = planned(source, docs(monitors={"9": {}}), {"monitors/1": "9"})
    assert wanted(plan, source, "dashboards/d") == {"alert_id": "9"}


def test_a_chain_of_blocked_resources_names_one_root():
    source = docs(
        monitors={"2": {"name": "c", "type": "composite", "query": "1 || 5"}, "5": {"name": "ok"}},
        service_level_objectives={"s": {"monitor_ids": [2]}},
        dashboards={"d": {"slo_id": "s"}, "e": {"alert_id": "5"}},
    )
    plan = planned(source)
    blocked = [step for step in plan.actions if step.kind == "blocked"]
    assert {str(step.address) for step in blocked} == {
        "monitors/2",
        "service_level_objectives/s",
        "dashboards/d",
    }
    assert {step.cause for step in blocked} == {Address("monitors", "1")}
    assert kinds(plan)["dashboards/e"] == "create"


def test_soft_references_never_block_and_are_listed():
    source = docs(
        dashboards={"abc-def-ghi": {"title": "t", "notify_list": ["x@y.example"]}},
        monitors={"1": {"name": "m", "message": "@team-ops see /dashboard/zzz-zzz-zzz"}},
    )
    plan = planned(source)
    assert set(kinds(plan).values()) == {"create"}
    assert [item.reference.value for item in action(plan, "monitors/1").unresolved] == [
        "ops",
        "zzz-zzz-zzz",
    ]
    ops = docs(teams={"T": {"attributes": {"handle": "ops"}}})
    assert len(action(planned(source, ops), "monitors/1").unresolved) == 1


def test_types_that_are_unknown_or_cannot_be_created():
    source = [
        *docs(read_only={"x": {"name": "n"}}, metrics_metadata={"m": {"unit": "byte"}}),
        Document(Address("nonsense", "1"), {}),
    ]
    plan = planned(source)
    assert kinds(plan) == {
        "read_only/x": "blocked",
        "metrics_metadata/m": "deferred",
        "nonsense/1": "blocked",
    }
    assert action(plan, "nonsense/1").reasons == ("no such type",)
    assert action(plan, "read_only/x").reasons == ("no API creates it",)
    there = docs(metrics_metadata={"m": {"unit": "bit"}})
    assert kinds(planned(source, there))["metrics_metadata/m"] == "adopt"


def test_an_object_is_not_created_when_its_policy_cannot_be_bound():
    source = docs(
        dashboards={"d": {"title": "t"}, "e": {"title": "open"}},
        restriction_policies={
            "dashboard:d": {"bindings": [{"relation": "editor", "principals": ["role:gone"]}]}
        },
    )
    plan = planned(source)
    assert kinds(plan) == {
        "dashboards/d": "blocked",
        "dashboards/e": "create",
        "restriction_policies/dashboard:d": "blocked",
    }
    assert action(plan, "dashboards/d").cause == Address("roles", "gone")


def test_a_policy_follows_its_object_at_once():
    source = docs(
        dashboards={"a": {"title": "a"}, "b": {"title": "b"}, "c": {"title": "c"}},
        roles={"r": {"name": "r"}},
        restriction_policies={
            "dashboard:a": {"bindings": [{"relation": "editor", "principals": ["role:r"]}]},
            "dashboard:c": {"bindings": [{"relation": "editor", "principals": ["role:r"]}]},
        },
    )
    assert list(kinds(planned(source))) == [
        "dashboards/b",
        "roles/r",
        "dashboards/a",
        "restriction_policies/dashboard:a",
        "dashboards/c",
        "restriction_policies/dashboard:c",
    ]


def test_types_that_are_not_captured_are_mapped_or_themselves_in_one_org():
    source = docs(dashboards={"d": {"workflow_id": "w", "principals": ["org:here"]}})
    (step,) = planned(source).actions
    assert [item.why for item in step.unresolved] == ["not captured", "not captured"]
    ids = {"workflows/w": "W", "organization/here": "there"}
    assert wanted(planned(source, id_map=ids), source, "dashboards/d") == {
        "workflow_id": "W",
        "principals": ["org:there"],
    }
    assert wanted(planned(source, same_org=True), source, "dashboards/d")["workflow_id"] == "w"


# --- circles, aliases, orders


def test_a_circle_is_closed_by_a_second_write():
    source = docs(
        monitors={"1": {"name": "m", "slo_id": "s"}},
        service_level_objectives={"s": {"name": "s", "monitor_ids": [1]}},
    )
    plan = planned(source)
    assert [step.kind for step in plan.actions] == ["create", "create"]
    first, second = plan.actions
    assert [reference.value for reference in first.closes] == [second.address.id]
    assert second.closes == ()
    assert second.needs == (first.address,)
    assert plan.cycles == (
        (
            Address("monitors", "1"),
            Address("service_level_objectives", "s"),
            Address("monitors", "1"),
        ),
    )


def test_a_circle_blocks_as_a_whole():
    source = docs(
        monitors={"1": {"name": "m", "slo_id": "s"}},
        service_level_objectives={"s": {"monitor_ids": [1, 2]}},
        dashboards={"d": {"alert_id": 1}},
    )
    plan = planned(source)
    assert set(kinds(plan).values()) == {"blocked"}
    assert {step.cause for step in plan.actions} == {Address("monitors", "2")}


def test_a_reference_to_itself_is_closed_later():
    source = docs(synthetics_tests={"abc": {"name": "t", "own": "abc"}})
    (step,) = planned(source).actions
    assert (step.kind, [ref.value for ref in step.closes]) == ("create", ["abc"])


def test_a_policy_on_itself_is_stuck_and_named():
    loop = ResourceType(
        name="loops",
        area="x",
        path="/l",
        natural_key=("id",),
        refs=(Ref("id", prefixed={"loop": "loops"}),),
        **WRITES,
    )
    catalog = Catalog((loop,))
    document = Document(Address("loops", "a"), {"id": "loop:a"})
    plan = make_plan(lambda: [document], list, {}, catalog)
    assert plan.actions[0].kind == "blocked"
    assert plan.actions[0].reasons == ("its id depends on itself: loops/a -> loops/a",)


def test_a_test_is_named_by_its_own_monitor():
    source = docs(
        synthetics_tests={"abc": {"name": "t", "monitor_id": 5}},
        monitors={"1": {"name": "c", "type": "composite", "query": "5 && !5"}},
    )
    plan = planned(source)
    assert wanted(plan, source, "monitors/1")["query"] == (
        "${synthetics_tests/abc#/monitor_id} && !${synthetics_tests/abc#/monitor_id}"
    )
    there = docs(synthetics_tests={"xyz": {"name": "t", "monitor_id": 77}})
    plan = planned(source, there)
    assert wanted(plan, source, "monitors/1")["query"] == "77 && !77"


def test_an_order_leaves_out_what_is_missing_and_keeps_what_is_only_there():
    source = docs(
        logs_indexes={"a": {}, "b": {}},
        logs_indexes_order={"order": {"index_names": ["b", "x", "a"]}},
    )
    destination = docs(
        logs_indexes={"a": {}, "b": {}, "c": {}},
        logs_indexes_order={"order": {"index_names": ["a", "c", "b"]}},
    )
    plan = planned(source, destination)
    step = action(plan, "logs_indexes_order/order")
    assert (step.kind, step.to) == ("update", "order")
    there = portable(ORDER, destination[3].body)
    assert apply_patch(there, step.patch) == {"index_names": ["b", "a", "c"]}
    destination[3].body["index_names"] = ["b", "a", "c"]
    assert action(planned(source, destination), "logs_indexes_order/order").kind == "unchanged"
    assert plan.actions[-1] == step


def test_merging_an_order_twice_changes_nothing():
    once = merge_order(["b", "a"], ["x", "a", "c", "b", "d"])
    assert once == ["x", "b", "d", "a", "c"]
    assert merge_order(["b", "a"], once) == once


# --- the value


def test_the_plan_does_not_depend_on_the_order_of_reading():
    source = docs(
        monitors={str(n): {"name": f"m{n}", "alert_id": n + 1} for n in range(1, 20)},
        dashboards={f"d{n}": {"title": "t", "alert_id": n} for n in range(1, 20)},
    )
    shuffled = source[:]
    random.Random(1).shuffle(shuffled)
    assert planned(source).to_json() == planned(shuffled).to_json()


def test_json_is_complete():
    source = docs(dashboards={"d": {"title": "t", "alert_id": "1"}})
    assert planned(source).to_json() == {
        "head": {"format": 1},
        "counts": {"blocked": 1},
        "cycles": [],
        "handles": [],
        "actions": [
            {
                "action": "blocked",
                "type": "dashboards",
                "id": "d",
                "title": "t",
                "to": "",
                "patch": [],
                "needs": [],
                "reasons": ["monitors/1 is gone from the source"],
                "cause": "monitors/1",
                "unresolved": [
                    {
                        "at": "/alert_id",
                        "to": ["monitors", "synthetics_tests"],
                        "by": "id",
                        "value": "1",
                        "soft": False,
                        "why": "gone",
                        "text": "monitors/1 is gone from the source",
                    }
                ],
                "closes": [],
                "against": "",
                "intended": "",
                "base": "source",
                "origin": "",
                "undeletes": False,
            }
        ],
    }


def test_replaying_a_replayed_org_changes_nothing():
    source = docs(
        roles={"r": {"name": "ops"}},
        monitors={
            str(n): {"name": f"m{n}", "type": "composite", "query": f"{n - 1} || {n - 1}"}
            for n in range(2, 60)
        }
        | {"1": {"name": "first", "restricted_roles": ["r"]}},
        dashboards={f"d{n}": {"title": "t", "w": [{"alert_id": str(n)}]} for n in range(1, 60)},
    )
    plan = planned(source)
    ids = {
        step.address: str(1000 + n) if step.address.type == "monitors" else f"new{n}"
        for n, step in enumerate(plan.actions)
    }
    destination = []
    for document in source:
        type_ = CATALOG[document.address.type]
        body = intended(plan, document, ids=ids)
        body[type_.id] = ids[document.address]
        destination.append(Document(Address(type_.name, ids[document.address]), body))
    names = {str(address): id_ for address, id_ in ids.items()}
    assert planned(source, destination, names).counts() == {"unchanged": len(source)}
    assert set(planned(source, destination).counts()) == {"adopt"}
    assert not any(step.writes for step in planned(source, destination).actions)
