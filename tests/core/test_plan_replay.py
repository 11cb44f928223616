"""What a plan knows beside the two orgs: maps, earlier runs, states, consents, time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timezone

import pytest
from hand_made import (
    CATALOG,
    DASHBOARDS,
    MONITORS,
    ROLES,
    SLOS,
    STATES,
    TESTS,
    TYPES,
    action,
    docs,
    kinds,
    planned,
    wanted,
)

from ddsnap.catalog import CATALOG as REAL
from ddsnap.catalog import shared
from ddsnap.core.canonical import digest
from ddsnap.core.changes import apply_patch
from ddsnap.core.id_map import Mapped
from ddsnap.core.match import portable, portable_digest
from ddsnap.core.plan import intended, make_plan
from ddsnap.core.resource_type import Call, Catalog, Ref
from ddsnap.core.unheard import Explained
from ddsnap.core.values import Address, Document
from ddsnap.errors import UsageError

UNREAD = "monitors were not read completely at the destination ({}): one may be there already"
NOW = datetime(2026, 6, 1, tzinfo=timezone.utc)


def told(plan):
    return [(str(step.address), step.kind, step.to) for step in plan.actions]


def there(*names):
    return {address for name in names for address in [Address.parse(name)]}


# --- hashes


def test_what_the_server_settled_differently_is_unchanged_until_either_side_moves():
    source = docs(monitors={"1": {"name": "a", "q": "x  y"}})
    destination = docs(monitors={"9": {"name": "a", "q": "x y"}})
    ours = digest(portable(MONITORS, source[0].body))
    seen = portable_digest(MONITORS, destination[0].body)
    known = {"monitors/1": Mapped("9", "created", intended=ours, seen=seen)}
    (step,) = planned(source, destination, known).actions
    assert (step.kind, step.patch, step.origin) == ("unchanged", (), "created")
    assert (step.intended, step.against) == (ours, seen)
    for one in (replace(known["monitors/1"], seen="0"), replace(known["monitors/1"], intended="0")):
        assert kinds(planned(source, destination, {"monitors/1": one})) == {"monitors/1": "update"}
    other = {"monitors/1": replace(known["monitors/1"], seen="", intended="")}
    assert kinds(planned(source, destination, other)) == {"monitors/1": "update"}


def test_every_action_says_what_it_was_made_against_and_what_it_intends():
    source = docs(
        roles={"r": {"name": "ops"}},
        monitors={"1": {"name": "a"}, "2": {"name": "b", "q": 1, "restricted_roles": ["r"]}},
        dashboards={"d": {"title": "t", "alert_id": "2"}, "e": {"title": "u", "alert_id": "1"}},
        service_level_objectives={"s": {"name": "s", "restricted_roles": ["r"]}},
    )
    destination = docs(
        roles={"R": {"name": "ops"}},
        monitors={"92": {"name": "b", "q": 2, "restricted_roles": ["R"]}},
    )
    plan = planned(source, destination, {"monitors/2": "92"})
    for document in source:
        step = action(plan, str(document.address))
        body = intended(plan, document)
        expected = "" if "${" in str(body) else digest(body)
        assert (step.intended, step.base) == (expected, "source"), step
    assert action(plan, "dashboards/e").intended == ""
    assert action(plan, "monitors/2").against == portable_digest(MONITORS, destination[1].body)
    assert action(plan, "monitors/1").against == ""
    assert [action(plan, f"{name}").origin for name in ("roles/r", "monitors/1")] == [
        "adopted",
        "created",
    ]


# --- what the destination was not read for


@pytest.mark.parametrize("state", ["stale", "partial", "unavailable", "uncaptured"])
def test_nothing_is_created_of_a_type_that_was_not_read_whole(state):
    source = docs(monitors={"1": {"name": "a"}}, dashboards={"d": {"title": "t", "alert_id": "1"}})
    plan = planned(source, there={**STATES, "monitors": state})
    step = action(plan, "monitors/1")
    assert (step.kind, step.reasons) == (
        "blocked",
        (UNREAD.format(state),),
    )
    assert action(plan, "dashboards/d").cause == step.address
    seen = docs(monitors={"9": {"name": "a"}})
    plan = planned(source, seen, there={**STATES, "monitors": state})
    assert kinds(plan) == {"monitors/1": "adopt", "dashboards/d": "create"}


def test_what_belongs_to_something_new_cannot_be_there():
    source = docs(
        dashboards={"d": {"title": "t"}},
        roles={"r": {"name": "r"}},
        restriction_policies={
            "dashboard:d": {"bindings": [{"relation": "editor", "principals": ["role:r"]}]}
        },
    )
    states = {**STATES, "restriction_policies": "stale"}
    assert set(kinds(planned(source, there=states)).values()) == {"create"}
    assert set(kinds(planned(source, there={**STATES, "dashboards": "rotating"})).values()) == {
        "create"
    }


# --- quiet


def test_between_two_orgs_what_is_created_is_silent():
    source = docs(
        monitors={"1": {"name": "a", "tags": ["x", "zz"]}, "2": {"name": "b"}},
        synthetics_tests={"t": {"name": "t", "status": "live"}},
    )
    plan = planned(source, quiet=True)
    assert wanted(plan, source, "monitors/1")["tags"] == ["migration:true", "x", "zz"]
    assert wanted(plan, source, "monitors/2")["tags"] == ["migration:true"]
    assert wanted(plan, source, "synthetics_tests/t")["status"] == "paused"
    assert action(plan, "monitors/1").intended == portable_digest(MONITORS, source[0].body)
    loud = planned(source)
    assert "tags" not in wanted(loud, source, "monitors/2")
    assert wanted(loud, source, "synthetics_tests/t")["status"] == "live"


@pytest.mark.parametrize("silent", [True, False])
def test_how_loud_a_resource_is_there_is_never_changed(silent):
    source = docs(
        monitors={"1": {"name": "a", "q": 1, "tags": ["x"]}},
        synthetics_tests={"t": {"name": "t", "status": "live", "q": 1}},
    )
    destination = docs(
        monitors={"9": {"name": "a", "q": 1, "tags": ["migration:true", "x"] if silent else ["x"]}},
        synthetics_tests={"T": {"name": "t", "status": "paused" if silent else "live", "q": 1}},
    )
    known = {"monitors/1": "9", "synthetics_tests/t": "T"}
    assert planned(source, destination, known, quiet=True).counts() == {"unchanged": 2}
    assert planned(source, destination, quiet=True).counts() == {"adopt": 2}
    for document in source:
        document.body["q"] = 2
    plan = planned(source, destination, known, quiet=True)
    assert [step.patch for step in plan.actions] == [
        ({"op": "replace", "path": "/q", "value": 2},)
    ] * 2
    plan = planned(source, destination, known)
    assert len(action(plan, "monitors/1").patch) == (2 if silent else 1)


# --- what an interrupted run made


def same(count, **more):
    return {f"d{n:02}": {"title": "t", "w": 1, **more} for n in range(count)}


def explained(taken=(), unclear=()):
    return Explained(
        {Address.parse(one): id_ for one, id_ in dict(taken).items()},
        {Address.parse(one): why for one, why in dict(unclear).items()},
    )


def test_what_is_explained_is_ours_and_the_rest_is_made():
    made = docs(dashboards={"n1": {"title": "t", "w": 1}, "b": {"title": "t", "w": "old"}})
    plan = planned(
        docs(dashboards=same(3)),
        made,
        explained=explained({"dashboards/d01": "n1"}),
        create_similar=True,
    )
    (adopted,) = (step for step in plan.actions if step.kind == "adopt")
    assert (adopted.address.id, adopted.to, adopted.origin) == ("d01", "n1", "created")
    assert adopted.reasons == ("made by the run that was interrupted",)
    assert plan.counts() == {"adopt": 1, "create": 2}


def test_what_is_ours_is_brought_to_what_is_wanted_by_now():
    made = docs(dashboards={"n1": {"title": "t", "w": "settled"}})
    (step,) = planned(
        docs(dashboards=same(1)), made, explained=explained({"dashboards/d00": "n1"})
    ).actions
    assert (step.kind, step.to, step.origin, len(step.patch)) == ("adopt", "n1", "created", 1)


def test_what_has_a_key_is_ours_only_if_it_is_explained():
    source, there = docs(roles={"r": {"name": "a"}}), docs(roles={"R": {"name": "a"}})
    (step,) = planned(source, there, explained=explained({"roles/r": "R"})).actions
    assert (step.kind, step.origin) == ("adopt", "created")
    (step,) = planned(source, there).actions
    assert (step.kind, step.origin) == ("adopt", "adopted")


def test_what_is_unclear_is_ambiguous_until_somebody_says_which_it_is():
    source, there = docs(dashboards=same(1)), docs(dashboards={"n1": {"title": "t", "w": "x"}})
    unclear = explained(unclear={"dashboards/d00": "who knows"})
    (step,) = planned(source, there, explained=unclear, create_similar=True).actions
    assert (step.kind, step.reasons) == ("ambiguous", ("who knows",))
    by_hand = {Address("dashboards", "d00"): "n1"}
    (step,) = planned(source, there, explained=unclear, adopt=by_hand).actions
    assert (step.kind, step.to, step.origin) == ("adopt", "n1", "adopted")


def test_what_was_given_away_by_hand_is_nobody_elses():
    source, there = docs(dashboards=same(2)), docs(dashboards={"n1": {"title": "t", "w": 1}})
    by_hand = {Address("dashboards", "d01"): "n1"}
    plan = planned(source, there, explained=explained({"dashboards/d00": "n1"}), adopt=by_hand)
    assert kinds(plan) == {"dashboards/d00": "create", "dashboards/d01": "adopt"}


# --- matching


def test_what_has_no_value_at_its_key_is_matched_by_what_it_holds():
    keyed = replace(TESTS, natural_key=("dr",))
    catalog = Catalog((keyed,))
    mine = [Document(Address(TESTS.name, "a"), {"public_id": "a", "name": "n"})]
    other = [Document(Address(TESTS.name, "b"), {"public_id": "b", "name": "n"})]
    plan = make_plan(lambda: mine, lambda: other, {}, catalog)
    assert told(plan) == [("synthetics_tests/a", "adopt", "b")]


def test_what_datadog_owns_is_matched_by_its_own_key():
    type_ = replace(
        ROLES, name="logs_pipelines", natural_key=(), built_in=(("ro", True),),
        built_in_key=("name",), held="",
    )  # fmt: skip
    catalog = Catalog((type_,))
    mine = [Document(Address(type_.name, "a"), {"id": "a", "name": "Nginx", "ro": True, "on": 1})]
    other = [Document(Address(type_.name, "b"), {"id": "b", "name": "nginx", "ro": True})]
    plan = make_plan(lambda: mine, lambda: other, {}, catalog)
    assert told(plan) == [("logs_pipelines/a", "adopt", "b")]


def test_a_counterpart_whose_own_is_gone_is_free_again():
    source = docs(roles={"new": {"name": "ops"}})
    destination = docs(roles={"R": {"name": "ops"}})
    plan = planned(source, destination, {"roles/old": "R"})
    assert told(plan) == [("roles/new", "adopt", "R")]
    assert plan.actions[0].reasons == ("it was roles/old, which is gone from the source",)
    unsure = planned(source, destination, {"roles/old": "R"}, states={**STATES, "roles": "partial"})
    assert kinds(unsure) == {"roles/new": "ambiguous"}


@pytest.mark.parametrize(
    ("adopt", "known", "why"),
    [
        ({"monitors/1": "404"}, {}, "monitors/404 as monitors/1: it is not at the destination"),
        ({"monitors/5": "9"}, {}, "the snapshot holds no monitors/5"),
        ({"monitors/1": "9", "monitors/2": "9"}, {}, "it belongs to monitors/1"),
        ({"monitors/1": "9"}, {"monitors/2": "9"}, "it belongs to monitors/2"),
    ],
)
def test_an_adoption_that_cannot_be_is_refused(adopt, known, why):
    source = docs(monitors={"1": {"name": "a"}, "2": {"name": "b"}})
    named = {Address.parse(address): id_ for address, id_ in adopt.items()}
    with pytest.raises(UsageError, match=why):
        planned(source, docs(monitors={"9": {"name": "c"}}), known, adopt=named)


# --- circles


def circle(one, other, name="m", slo="s"):
    return docs(
        monitors={one: {"name": name, "slo_id": other}},
        service_level_objectives={other: {"name": slo, "monitor_ids": [int(one)]}},
    )


def test_a_whole_circle_is_adopted():
    plan = planned(circle("1", "s"), circle("9", "S"))
    assert sorted((step.kind, step.to, step.patch) for step in plan.actions) == [
        ("adopt", "9", ()),
        ("adopt", "S", ()),
    ]


def test_a_circle_of_which_a_part_is_another_org_s_is_not_taken():
    others = {Address("service_level_objectives", "S"): "ap1's service_level_objectives/x"}
    plan = planned(circle("1", "s"), circle("9", "S"), others=others)
    assert set(kinds(plan).values()) <= {"create", "similar", "blocked"}


def test_a_circle_is_cut_where_a_list_does_without_one_element():
    plan = planned(circle("1", "s"), [])
    closes = {str(step.address): [ref.value for ref in step.closes] for step in plan.actions}
    assert closes == {"service_level_objectives/s": ["1"], "monitors/1": []}
    assert [str(step.address) for step in plan.actions] == [*closes]


def test_a_role_is_held_by_somebody_before_anything_is_restricted_to_it():
    source = docs(
        roles={"r": {"name": "r"}},
        users={"u": {"handle": "u@x.example", "roles": ["r"]}},
        monitors={"1": {"name": "m", "restricted_roles": ["r"]}},
    )
    monitor = planned(source, []).action(Address("monitors", "1"))
    assert monitor is not None
    assert Address("users", "u") in monitor.needs


def test_a_circle_that_differs_anywhere_is_not_taken():
    other = circle("9", "S")
    other[1].body["name"] = "else"
    plan = planned(circle("1", "s"), other)
    assert kinds(plan)["monitors/1"] == "similar"


def test_one_of_two_equal_circles_is_ambiguous():
    plan = planned(circle("1", "s"), [*circle("8", "R"), *circle("9", "S")])
    assert kinds(plan)["monitors/1"] == "ambiguous"
    plan = planned([*circle("1", "s"), *circle("2", "t")], circle("9", "S"))
    assert "adopt" not in kinds(plan).values()
    assert not any(
        step.kind == "create" and step.address.type == "monitors" for step in plan.actions
    )


def test_what_refers_to_itself_is_adopted():
    source = docs(synthetics_tests={"a": {"name": "n", "own": "a"}})
    plan = planned(source, docs(synthetics_tests={"b": {"name": "n", "own": "b"}}))
    assert told(plan) == [("synthetics_tests/a", "adopt", "b")]
    plan = planned(source, docs(synthetics_tests={"b": {"name": "n", "own": "c"}, "c": {}}))
    assert kinds(plan) == {"synthetics_tests/a": "similar"}


# --- back into its own org


def test_what_still_names_a_lost_resource_is_pointed_at_the_new_one():
    source = docs(monitors={"1": {"name": "a"}})
    destination = docs(
        monitors={
            "2": {"name": "c", "type": "composite", "query": "1 && !1 || 3"},
            "3": {"name": "m", "message": "see /monitors/1 and 1"},
            "4": {"name": "free"},
        },
        service_level_objectives={"s": {"name": "s", "monitor_ids": [3, 1]}},
    )
    plan = planned(source, destination, same_org=True)
    assert [(str(s.address), s.kind, s.base) for s in plan.actions] == [
        ("monitors/1", "create", "source"),
        ("monitors/2", "update", "destination"),
        ("monitors/3", "update", "destination"),
        ("service_level_objectives/s", "update", "destination"),
    ]
    step = action(plan, "monitors/2")
    assert step.needs == (Address("monitors", "1"),)
    assert step.against == portable_digest(MONITORS, destination[0].body)
    made = {Address("monitors", "1"): "77"}
    for document in (destination[0], destination[1], destination[3]):
        step = action(plan, str(document.address))
        body = intended(plan, document, base="destination")
        type_ = CATALOG[document.address.type]
        assert apply_patch(portable(type_, document.body), step.patch) == body
    bound = [intended(plan, destination[n], ids=made, base="destination") for n in (0, 1, 3)]
    assert bound[0]["query"] == "77 && !77 || 3"
    assert bound[1]["message"] == "see /monitors/77 and 1"
    assert bound[2]["monitor_ids"] == [3, 77]
    assert planned(source, destination, same_org=False).counts() == {"create": 1}


def test_what_was_restored_before_and_lost_again_is_followed_too():
    source = docs(monitors={"1": {"name": "a"}})
    destination = docs(dashboards={"d": {"title": "t", "alert_id": "77"}})
    plan = planned(source, destination, {"monitors/1": "77"}, same_org=True)
    assert action(plan, "dashboards/d").patch[0]["value"] == "${monitors/1}"


def test_a_document_of_the_snapshot_is_written_from_it_and_once():
    source = docs(monitors={"1": {"name": "a"}}, dashboards={"d": {"title": "t", "alert_id": "1"}})
    destination = docs(dashboards={"d": {"title": "t!", "alert_id": "1"}})
    plan = planned(source, destination, same_org=True)
    assert [(str(s.address), s.base) for s in plan.actions] == [
        ("monitors/1", "source"),
        ("dashboards/d", "source"),
    ]
    alone = planned(source, destination, same_org=True, selection=lambda a: a.type == "monitors")
    step = alone.actions[1]
    assert (step.base, intended(alone, destination[0], base=step.base)["title"]) == (
        "destination",
        "t!",
    )


def test_a_test_is_pointed_at_by_its_own_monitor_too():
    source = docs(synthetics_tests={"t": {"name": "t", "monitor_id": 5}})
    destination = docs(service_level_objectives={"s": {"name": "s", "monitor_ids": [5]}})
    plan = planned(source, destination, same_org=True)
    symbolic = intended(plan, destination[0], base="destination")
    assert symbolic["monitor_ids"] == ["${synthetics_tests/t#/monitor_id}"]
    assert action(plan, "service_level_objectives/s").needs == (source[0].address,)
    made = {Address("synthetics_tests", "t"): Mapped("T", "created", {"/monitor_id": "88"})}
    assert intended(plan, destination[0], ids=made, base="destination")["monitor_ids"] == [88]


def test_what_datadog_undeletes_keeps_its_id():
    undeletable = replace(DASHBOARDS, undelete=Call("PATCH", "/dash"))
    types = tuple(undeletable if type_ is DASHBOARDS else type_ for type_ in TYPES)
    catalog = Catalog(types, known_refs=shared.KNOWN_REFS)
    source = docs(dashboards={"d": {"title": "t"}}, monitors={"1": {"name": "m", "alert_id": "1"}})
    other = docs(monitors={"3": {"name": "x", "message": "/dashboard/d"}})
    plan = make_plan(lambda: source[:1], lambda: other, {}, catalog, same_org=True)
    (step,) = plan.actions
    assert (step.kind, step.to, step.undeletes) == ("create", "d", True)
    assert step.reasons == ("undeleted where Datadog still has it",)
    assert step.intended == portable_digest(DASHBOARDS, source[0].body)
    linked = docs(
        dashboards={"abc-def-ghi": {"title": "t", "alert_id": "1"}},
        monitors={"1": {"name": "m", "message": "see /dashboard/abc-def-ghi"}},
    )
    both = make_plan(lambda: linked, list, {}, catalog, same_org=True)
    assert [step.closes for step in both.actions] == [(), ()]  # the link stays as it is
    firmly = docs(
        dashboards={"d": {"title": "t", "slo_id": "s"}},
        service_level_objectives={"s": {"name": "s", "own": "d"}},
    )
    slos = replace(SLOS, refs=(Ref("own", to=("dashboards",)),))
    types = tuple({DASHBOARDS: undeletable, SLOS: slos}.get(type_, type_) for type_ in TYPES)
    firm = Catalog(types, known_refs=shared.KNOWN_REFS)
    plan = make_plan(lambda: firmly, list, {}, firm, same_org=True)
    assert sum(len(step.closes) for step in plan.actions) == 1
    away = make_plan(lambda: source[:1], list, {}, catalog)
    assert (away.actions[0].to, away.actions[0].undeletes) == ("${dashboards/d}", False)


# --- what must not be written


def test_permissions_that_the_destination_does_not_know_block_and_are_named():
    source = docs(roles={"r": {"name": "ops", "permissions": ["read", "fly"]}})
    names = {"permissions": {"read", "write"}}
    (step,) = planned(source, names=names).actions
    assert (step.kind, step.reasons) == (
        "blocked",
        ("the destination does not know fly (permissions)",),
    )
    equal = docs(roles={"R": {"name": "ops", "permissions": ["read", "fly"]}})
    assert kinds(planned(source, equal, names=names)) == {"roles/r": "adopt"}
    assert kinds(planned(source)) == {"roles/r": "create"}


@pytest.mark.parametrize(
    ("bindings", "why"),
    [
        ([], "it would hold no binding, which opens what it protects to everyone"),
        ([{"relation": "editor", "principals": []}], "nobody would be left as editor"),
        ([{"relation": "viewer", "principals": ["role:r"]}], "nobody would be left as editor"),
        (
            [
                {"relation": "viewer", "principals": []},
                {"relation": "editor", "principals": ["role:r"]},
            ],
            "nobody would be left as viewer",
        ),
    ],
)
def test_a_policy_that_would_open_or_lock_is_not_written(bindings, why):
    source = docs(
        roles={"r": {"name": "r"}},
        dashboards={"d": {"title": "t"}},
        restriction_policies={"dashboard:d": {"bindings": bindings}},
    )
    plan = planned(source)
    step = action(plan, "restriction_policies/dashboard:d")
    assert (step.kind, step.reasons) == ("blocked", (why,))
    assert kinds(plan)["dashboards/d"] == "blocked"


def test_access_comes_with_the_object():
    source = docs(
        roles={"r": {"name": "r"}},
        dashboards={"d": {"title": "t"}, "e": {"title": "u"}},
        restriction_policies={
            "dashboard:d": {"bindings": [{"relation": "editor", "principals": ["role:r"]}]}
        },
    )
    plan = planned(source, selection=lambda a: a.id == "d", dependencies=True)
    assert list(kinds(plan)) == ["roles/r", "dashboards/d", "restriction_policies/dashboard:d"]
    plan = planned(source, selection=lambda a: a.id == "d")
    assert set(kinds(plan).values()) == {"blocked"}
    assert "dashboards/e" not in kinds(plan)


def test_what_ended_is_not_written_again():
    source = docs(
        downtime_schedules={
            "1": {"message": "over", "end": "2026-01-01T00:00:00Z"},
            "2": {"message": "later", "end": "2027-01-01T00:00:00Z"},
        }
    )
    plan = planned(source, now=NOW)
    assert kinds(plan) == {"downtime_schedules/1": "unchanged", "downtime_schedules/2": "create"}
    step = action(plan, "downtime_schedules/1")
    assert (step.to, step.reasons, step.writes) == ("", ("it ended on 2026-01-01",), False)
    assert kinds(planned(source))["downtime_schedules/1"] == "create"


def test_a_list_keeps_what_only_the_destination_has_in_it():
    source = docs(
        dashboards={"d": {"title": "t"}}, dashboard_lists={"1": {"dashboards": [{"id": "d"}]}}
    )
    destination = docs(
        dashboards={"D": {"title": "t"}, "own": {"title": "u"}},
        dashboard_lists={"9": {"dashboards": [{"id": "own"}]}},
    )
    known = {"dashboard_lists/1": "9"}
    plan = planned(source, destination, known)
    there = portable(CATALOG["dashboard_lists"], destination[2].body)
    assert apply_patch(there, action(plan, "dashboard_lists/1").patch) == {
        "dashboards": [{"id": "D"}, {"id": "own"}]
    }
    destination[2].body["dashboards"].insert(0, {"id": "D"})
    assert kinds(planned(source, destination, known))["dashboard_lists/1"] == "unchanged"
    back = planned(source, docs(dashboards={"d": {"title": "t"}}, dashboard_lists={
        "1": {"dashboards": [{"id": "d"}, {"id": "own"}]}}), same_org=True)  # fmt: skip
    assert action(back, "dashboard_lists/1").kind == "update"


# --- nobody locks himself out


def people(**users):
    return docs(
        roles={"R": {"name": "Admin"}, "O": {"name": "ops"}},
        users={id_: {"handle": id_, **body} for id_, body in users.items()},
    )


def test_who_replays_keeps_his_roles_and_stays_enabled():
    source = people(a={"roles": ["O"]}, b={"roles": ["O"]}, c={"roles": ["R"], "disabled": True})
    destination = people(a={"roles": ["O", "R"]}, b={"roles": ["R"]}, c={"roles": ["R"]})
    plan = planned(source, destination, same_org=True, self_user="a")
    assert {str(s.address): s.kind for s in plan.actions if s.address.type == "users"} == {
        "users/a": "blocked",
        "users/b": "update",
        "users/c": "update",
    }
    assert action(plan, "users/a").reasons == ("it is the user who replays",)


def test_the_last_administrator_stays():
    source = people(a={"roles": ["O"]}, b={"roles": []})
    destination = people(a={"roles": ["O", "R"]}, b={"roles": ["O"]})
    plan = planned(source, destination, same_org=True)
    assert kinds(plan)["users/a"] == "blocked"
    assert kinds(plan)["users/b"] == "update"
    assert action(plan, "users/a").reasons == ("it is the last user who may administrate the org",)
    handed_over = people(a={"roles": ["O"]}, b={"roles": ["R"]})
    plan = planned(handed_over, destination, same_org=True)
    assert kinds(plan)["users/a"] == "update"


def powers(*roles, a=(), b=(), off=()):
    """Two users and what they hold; these ``roles`` of O and M let administrate."""
    people = {"a": [*a], "b": [*b], "c": [*off]}
    return docs(
        roles={
            id_: {"name": id_, "permissions": ["read", *(["manage"] if id_ in roles else [])]}
            for id_ in ("O", "M")
        },
        users={
            id_: {"handle": id_, "roles": held, **({"disabled": True} if id_ == "c" else {})}
            for id_, held in people.items()
        },
    )


FROM_SELF = "it would take manage from the user who replays"
FROM_ALL = "nobody active would have manage any more"


@pytest.mark.parametrize(
    ("before", "after", "holding", "self_user", "blocked"),
    [
        ("O", "", {"a": "O"}, "a", {"O": FROM_SELF}),
        ("OM", "M", {"a": "O", "b": "M"}, "a", {"O": FROM_SELF}),
        ("OM", "M", {"a": "OM"}, "a", {}),
        ("OM", "", {"a": "OM", "b": "O"}, "a", {"O": FROM_SELF, "M": FROM_SELF}),
        ("O", "M", {"a": "OM"}, "a", {"O": FROM_SELF}),  # M may come to nothing
        ("O", "", {"b": "O"}, "a", {"O": FROM_ALL}),
        ("O", "", {"b": "O"}, "", {"O": FROM_ALL}),
        ("OM", "M", {"b": "O", "off": "M"}, "a", {"O": FROM_ALL}),
        ("OM", "M", {"b": "OM"}, "a", {}),
        ("OM", "M", {"a": "M", "b": "O"}, "a", {}),
        ("O", "", {}, "a", {}),
    ],
)
def test_a_role_keeps_what_lets_who_replays_or_anybody_administrate(
    before, after, holding, self_user, blocked
):
    source, destination = powers(*after, **holding), powers(*before, **holding)
    plan = planned(source, destination, same_org=True, self_user=self_user)
    steps = [step for step in plan.actions if step.address.type == "roles"]
    assert {s.address.id: s.reasons[0] for s in steps if s.kind == "blocked"} == blocked
    weakened = {*before} - {*after}
    assert {s.address.id for s in steps if s.kind == "update"} >= weakened - blocked.keys()


def test_the_last_administrator_stays_whatever_role_makes_him_one():
    destination = powers("O", a="O", b="M")
    plan = planned(powers("O", a="M", b="M"), destination, same_org=True)
    assert action(plan, "users/a").reasons == ("it is the last user who may administrate the org",)
    handed_over = planned(powers("O", a="M", b="O"), destination, same_org=True)
    assert kinds(handed_over)["users/a"] == "update"


# --- fields that nobody declared


def test_a_field_that_nobody_declared_is_sent_where_the_destination_has_it():
    def team(id_, **more):
        body = {"id": id_, "type": "team", "attributes": {"handle": f"h{id_}", **more}}
        return Document(Address("teams", id_), body)

    def plan_into(*there):
        new = team("1", name="a", brand_new=1)
        plan = make_plan(lambda: [new], lambda: there, {}, REAL)
        return plan.actions[0].reasons, intended(plan, new)["attributes"].get("brand_new")

    why = ("without attributes.brand_new, which nothing of the type has there",)
    assert plan_into() == (why, None)
    assert plan_into(team("9")) == (why, None)
    assert plan_into(team("9", brand_new=2)) == ((), 1)
