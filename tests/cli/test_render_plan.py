"""A plan of hand-made documents, rendered without any org."""

from ddsnap.catalog import CATALOG
from ddsnap.cli.render.plan import counted, plan_lines
from ddsnap.core.actions import Action
from ddsnap.core.deletion import Deletions
from ddsnap.core.id_map import Mapped
from ddsnap.core.plan import Plan, make_plan
from ddsnap.core.values import Address, Document

ROLE = "11111111-1111-1111-1111-111111111111"


def monitor(id_, name, query="avg(last_5m):avg:a.b{*} > 1", kind="query alert", **more):
    body = {"id": id_, "name": name, "type": kind, "query": query, "message": "", "options": {}}
    return Document(Address("monitors", str(id_)), {**body, **more})


def board(id_, title, *monitors):
    widgets = [
        {"definition": {"type": "alert_graph", "alert_id": str(one), "viz_type": "timeseries"}}
        for one in monitors
    ]
    body = {"id": id_, "title": title, "layout_type": "ordered", "widgets": widgets}
    return Document(Address("dashboards", id_), body)


def plan(source, destination=(), **options):
    return make_plan(lambda: source, lambda: destination, {}, CATALOG, **options)


def told(made, present=None):
    return [str(line) for line in plan_lines(made, present)]


def test_nothing_to_do():
    assert told(plan([])) == ["nothing to do"]


def test_the_order_of_the_sections_ends_with_deletions():
    kinds = ("delete", "blocked", "deferred", "ambiguous", "similar", "update", "adopt", "create")
    actions = tuple(Action(kind, Address("monitors", kind), title="T") for kind in kinds)
    lines = told(Plan(actions))
    heads = [line.split(" (")[0] for line in lines[1:] if line and line[0] != " "]
    assert heads == [
        "to create", "to adopt", "to update", "similar", "ambiguous", "deferred", "blocked",
        "to delete",
    ]  # fmt: skip
    assert lines[-1] == '    - "T" delete'


def test_an_unchanged_resource_is_only_counted_unless_everything_is_wanted():
    there = [monitor(1, "CPU")]
    made = plan(there, there, same_org=True)
    assert counted(made) == "1 unchanged"
    assert told(made) == ["1 unchanged"]
    assert told(made, lambda _: {})[-1] == '    . "CPU" 1'


def test_chains_lead_to_the_root_and_gather_there():
    made = plan(
        [
            monitor(1, "CPU", restricted_roles=[ROLE]),
            monitor(2, "Both", "1 && 1", "composite"),
            board("abc-def-ghi", "Web", 2),
            monitor(3, "Free"),
        ],
        states={"monitors": "complete", "dashboards": "complete"},
    )
    lines = told(made)
    to_cpu = f'<- needs monitors/1 "CPU" <- needs roles/{ROLE}'
    assert lines[0] == "1 to create, 3 blocked"
    assert lines[lines.index("blocked (3)") + 1 :] == [
        f"  roles/{ROLE}: roles are not captured (3)",
        f'    ! monitors "CPU" 1 <- needs roles/{ROLE}',
        f'    ! monitors "Both" 2 {to_cpu}',
        f'    ! dashboards "Web" abc-def-ghi <- needs monitors/2 "Both" {to_cpu}',
    ]


def test_what_is_not_selected_is_a_root_with_its_title():
    both = [monitor(1, "CPU"), board("abc-def-ghi", "Web", 1)]
    made = plan(both, selection=lambda address: address.type == "dashboards")
    assert '  monitors/1 "CPU": is not selected (1)' in told(made)


def test_long_groups_are_cut_unless_everything_is_wanted():
    many = [monitor(n, f"M{n}", restricted_roles=[ROLE]) for n in range(1, 41)]
    made = plan(many)
    assert told(made)[-1] == "    ... and 30 more (-v names all)"
    assert len(told(made, lambda _: {})) == len(told(made)) + 29


def test_a_circle_is_named():
    one = monitor(1, "A", "2 && 2", "composite")
    other = monitor(2, "B", "1 && 1", "composite")
    lines = told(plan([one, other]))
    assert any("monitors/1" in line and "monitors/2" in line for line in lines)


def test_similar_ones_say_what_is_in_the_way():
    made = plan([monitor(1, "CPU")], [monitor(9, "CPU", "avg(last_5m):avg:a.b{*} > 2")])
    assert told(made)[-1] == (
        '    ? "CPU" 1; monitors/9 has the same title and another body;'
        " --adopt monitors/1=9 takes it over, --create-similar creates another"
    )  # fmt: skip


def test_a_name_that_stands_in_many_places_is_one_line():
    many = [monitor(n, f"M{n}", message="@slack-ops") for n in (1, 2, 3)]
    lines = told(plan(many))
    names = lines[lines.index("names that ddsnap binds to nothing there (1)") + 1 :]
    assert len(names) == 1
    assert names[0].startswith('  slack_channels "ops" stays as it is: ')
    assert names[0].endswith('; in 3 places, as monitors "M1" 1')


def test_names_of_one_fate_are_one_line_unless_everything_is_wanted():
    many = [monitor(n, f"M{n}", message=f"@slack-ops @slack-room-{n}") for n in (1, 2, 3)]
    lines = told(plan(many))
    names = lines[lines.index("names that ddsnap binds to nothing there (4)") + 1 :]
    told_of = "  4 slack_channels stay as they are: mentioned in texts, and not captured, see that"
    assert names == [
        f'{told_of} the destination has them: "ops", "room-1", "room-2", "room-3", in 6 places'
    ]
    whole = told(plan(many), lambda _: {})
    assert len(whole[whole.index("names that ddsnap binds to nothing there (4)") + 1 :]) == 4


def test_a_policy_does_not_hold_up_what_is_blocked_by_itself():
    lines = told(plan([monitor(1, "CPU", restricted_roles=[ROLE])]))
    assert not any("<- needs restriction_policies" in line for line in lines)


def test_of_many_actions_few_of_each_type_are_named():
    few = told(plan([monitor(n, f"M{n}") for n in range(1, 61)]))
    many = told(plan([monitor(n, f"M{n}") for n in range(1, 62)]))
    assert sum(line.startswith("    + ") for line in few) == 10
    assert sum(line.startswith("    + ") for line in many) == 3
    assert many[-1] == "    ... and 58 more (-v names all)"


def test_a_title_cannot_leave_its_line():
    assert not any("\x1b" in line or "\n" in line for line in told(plan([monitor(1, "a\x1b\nb")])))


def test_a_plan_of_many_actions_stays_short_and_quick():
    many = [monitor(n, f"M{n}", restricted_roles=[f"{n:08}-1111-1111-1111-111111111111"])
            for n in range(1, 3001)]  # fmt: skip
    many += [board(f"b{n}", f"B{n}", n) for n in range(1, 3001)]
    lines = told(plan([*many, *(monitor(n, f"N{n}") for n in range(5001, 7001))]))
    assert lines[0] == "2000 to create, 6000 blocked"
    assert lines[-1] == "  ... and 5960 more, of other causes (-v names all)"
    assert len(lines) < 100


def test_deletions_stand_last_with_who_wrote_them():
    gone = monitor(91, "Old", creator={"handle": "ann@example.com"})
    made = make_plan(
        lambda: [monitor(1, "New")],
        lambda: [gone],
        {Address("monitors", "5"): Mapped("91", "created")},
        CATALOG,
        deletions=Deletions({"monitors"}),
    )
    assert told(made)[-3:] == [
        "to delete (1)",
        "  monitors (1)",
        '    - "Old" 5 -> 91; last written by ann@example.com',
    ]


def test_what_is_pointed_at_a_new_id_says_so():
    lost = monitor(1, "CPU")
    made = plan([lost], [monitor(2, "Both", "1 && 1", "composite")], same_org=True)
    assert '    ~ "Both" 2: 1 change; monitors/1 has a new id' in told(made)


def test_what_is_left_alone_stands_nowhere_else_and_is_cut():
    made = plan([monitor(n, f"M{n}") for n in range(30)])
    moved = dict.fromkeys([action.address for action in made.actions][:25], "it has moved")
    lines = [str(line) for line in plan_lines(made, None, moved)]
    assert lines[0] == "5 to create, 25 left alone"
    assert len([line for line in lines if line.startswith("    + ")]) == 5
    there = lines[lines.index("left alone (25)") + 1 :]
    assert len(there) == 11
    assert there[-1] == "  ... and 15 more (-v names all)"
    assert counted(made, moved) == lines[0]
