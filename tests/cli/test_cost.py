"""``ddsnap types --cost``: what it predicts is what the next capture asks for."""

import random

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.cli.ages import duration
from ddsnap.core.rotation import hints

SIZES = [(1, 0), (2, 40), (3, 400)]


def predicted(console, *options):
    done = console("types", "--cost", "us1", "--json", *options)
    assert done.code == 0
    (total,) = done.of("cost_total")
    costs = {event["type"]: event for event in done.of("cost")}
    assert set(costs) == set(CATALOG.names)
    assert total["requests"] == total["identity"] + sum(c["requests"] for c in costs.values())
    return total, costs


@pytest.mark.parametrize(("seed", "size"), SIZES)
@pytest.mark.parametrize("options", [(), ("--full",)])
def test_the_next_capture_of_an_untouched_org_costs_what_was_said(console, seed, size, options):
    console.add("us1", seed=seed, size=size)
    console("capture")
    total, costs = predicted(console, *options)
    before = console.sandbox.count()
    assert console("capture", *options).code == 0
    assert console.sandbox.count() - before == total["requests"]
    assert total["full"] == bool(options)
    dashboards = len(console.documents("snapshots/us1:dashboards")) if size else 0
    assert costs["dashboards"]["details"] <= dashboards or options


def test_each_type_costs_what_was_said_of_it(console):
    org = console.add("us1", seed=3, size=150)
    console("capture")
    _, costs = predicted(console, "--full")
    console("capture", "--full")
    requests = console.journal("us1")["requests"]
    made = {route.removeprefix("GET "): told["requests"] for route, told in requests.items()}
    for type_ in CATALOG.types:
        if not (type_.discover or type_.constant_id):
            assert costs[type_.name]["listing"] == made.get(type_.path, 0), type_.name
    assert costs["restriction_policies"]["details"] == made["/api/v2/restriction_policy/{id}"]
    assert costs["dashboards"]["details"] == made["/api/v1/dashboard/{id}"]
    assert costs["dashboards"]["details"] == len(org.table("dashboards"))
    assert costs["roles"]["lookups"] == made["/api/v2/permissions"] == 1
    assert costs["team_memberships"]["listing"] == len(org.table("teams"))


def test_an_edit_costs_one_request_more_and_asking_costs_none(console):
    org = console.add("us1", seed=4, size=60)
    console("capture")
    before = console.sandbox.count()
    total, _ = predicted(console)
    assert console.sandbox.count() == before
    dashboard = random.Random(1).choice([*org.table("dashboards").values()])
    dashboard["title"] = "renamed"
    console("capture")
    assert console.sandbox.count() - before == total["requests"] + 1


def test_what_was_never_captured_costs_at_least_as_much_as_nothing(console):
    console.add("us1", seed=4, size=60)
    total, _ = predicted(console)
    assert total["captured"] is False
    done = console("types", "--cost")
    assert f"us1: at least {total['requests']} requests, 2 of them" in done.out
    before = console.sandbox.count()
    console("capture")
    assert console.sandbox.count() - before > total["requests"]


def test_after_a_failed_capture_nothing_costs_more(console):
    org = console.add("us1", seed=4, size=60)
    console("capture")
    total, _ = predicted(console)
    console.use_keys("us1", org.api_key, "wrong")
    assert console("capture").code == 1
    assert predicted(console)[0] == total


def test_people_read_a_table_with_the_delay(console):
    console.add("us1", seed=4, size=60)
    console.configure("capture: {full_every: 36h}")
    console("capture")
    done = console("types", "--cost")
    head, *lines = done.out.splitlines()
    assert head.split() == ["ORG", "TYPE", "LISTING", "DETAILS", "LOOKUPS", "REQUESTS", "DELAY"]
    rows = {line.split()[1]: line for line in lines}
    assert rows["dashboards"].endswith("  those that leave modified_at as it was")
    assert rows["restriction_policies"].endswith("  all but those of new objects")
    assert rows["notebooks"].split()[-1].isdigit()
    assert lines[-1] == "  an edit under DELAY may be seen as late as 1 d 12 h after"
    assert "DELAY may" not in console("types", "--cost", "--full").out


def test_types_names_the_delay_of_every_type_that_has_one(console):
    rows = {row["type"]: row for row in console("types", "--json").of("type")}
    late = {name for name, row in rows.items() if row["delay"] and name in CATALOG}
    assert late == {t.name for t in CATALOG.types if t.discover or hints(t)}


def test_what_goes_with_cost_alone_is_refused_without_it(console):
    console.add("us1")
    assert console("types", "us1").code == 2
    assert console("types", "--full").code == 2
    assert console("types", "--cost", "us2").code == 2
    console.add("eu1")
    done = console("types", "--cost")
    assert done.code == 2
    assert "types --cost ORG (us1, eu1)" in done.err


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(-3, "0 s"), (0.9, "0 s"), (59, "59 s"), (61, "1 min 1 s"), (3600, "1 h"), (90061, "1 d 1 h")],
)
def test_a_duration_is_told_in_two_units(seconds, said):
    assert duration(seconds) == said
