"""Lists, powerpacks, notebooks, objectives: what each has of its own, captured over HTTP."""

from __future__ import annotations

import copy
import random
import time
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.references import find_references
from ddsnap.sandbox import Fault
from ddsnap.sandbox.seed import boards, slos

if TYPE_CHECKING:
    from collections.abc import Callable

    from orgs import Backup

    from ddsnap.flows.outcome import CaptureResult

TYPES = (
    "service_level_objectives",
    "slo_corrections",
    "powerpacks",
    "dashboard_lists",
    "notebooks",
)
MEMBERS = "/api/v2/dashboard/lists/manual/{list_id}/dashboards"
LATER = int(time.time()) + 10_000_000


@pytest.fixture
def grown(seeded: Callable[[str, int, int], Backup]) -> Backup:
    """An org with several of each of these types, captured once."""
    backup = seeded("grown", 5, 200)
    rng = random.Random(3)
    slos.add_corrections(backup.org, rng, 8)
    boards.add_powerpacks(backup.org, rng, 4)
    boards.add_lists(backup.org, rng, 6)
    boards.add_notebooks(backup.org, rng, 8)
    assert not backup.capture().partial
    return backup


def changes(result: CaptureResult) -> list[tuple[str, str, str]]:
    assert not result.partial, [o.state for o in result.types.values()]
    return [(one.kind, one.address.type, one.address.id) for one in result.changes]


def rows(backup: Backup, type_name: str) -> list[dict[str, Any]]:
    return list(backup.org.resources(type_name).values())


def stored(backup: Backup, type_name: str, row: dict[str, Any]) -> Any:
    return backup.document(f"{type_name}/{row['id']}.json")


def reads(backup: Backup, template: str) -> int:
    """How many reads of a route there were so far."""
    counted = backup.sandbox.requests.items()
    return sum(n for (_, how, path, _), n in counted if how == "GET" and path == template)


def test_every_seeded_resource_is_captured(grown: Backup) -> None:
    for name in TYPES:
        assert len(grown.paths(f"{name}/")) == len(rows(grown, name)) > 2, name
        assert grown.state(name) == "complete"


@pytest.mark.parametrize(
    ("name", "prefix"),
    [
        ("notebooks", "notebook"),
        ("service_level_objectives", "slo"),
        ("powerpacks", "powerpack"),
    ],
)
def test_their_policies_are_captured(grown: Backup, name: str, prefix: str) -> None:
    bindings = [{"relation": "editor", "principals": [f"org:{grown.org.uuid}"]}]
    id_ = f"{prefix}:{rows(grown, name)[0]['id']}"
    policy = {"id": id_, "type": "restriction_policy", "attributes": {"bindings": bindings}}
    grown.org.load("restriction_policies", [policy])
    kind, *address = changes(grown.capture(full=True))[0]
    assert (kind in ("added", "changed"), address) == (True, ["restriction_policies", id_])


def test_what_moves_by_itself_is_no_change(grown: Backup) -> None:
    for seed in range(3):
        grown.org.shuffle(random.Random(seed))
        for row in rows(grown, "dashboard_lists"):
            row.update(is_favorite=bool(seed % 2), dashboard_count=seed)
            row["modified"] = f"2026-01-0{seed + 1}T00:00:00+00:00"
            row["dashboards"] = (row["dashboards"] or [])[::-1]
        for row in rows(grown, "service_level_objectives"):
            row["thresholds"].reverse()
            row["tags"].reverse()
        for row in rows(grown, "notebooks"):
            own = row["attributes"]
            own["tags"] = [
                *(own["tags"] or []),
                ("ai_generated", "ai_edited", "human_edited")[seed],
            ]
            own["author"]["status"] = ("Active", "Disabled", "Pending")[seed]
            for cell in own["cells"]:
                cell["id"] = f"cell{seed}"
        for row in rows(grown, "powerpacks"):
            for widget in row["attributes"]["group_widget"]["definition"]["widgets"]:
                widget["id"] += 1
        assert changes(grown.capture()) == []


def test_what_stands_for_nothing_is_no_change(grown: Backup) -> None:
    notebook = rows(grown, "notebooks")[0]["attributes"]
    notebook.update(tags=None, schema_version=0)
    grown.capture()
    notebook.update(tags=["human_edited"], template_variables=None, schema_version=None)
    for row in rows(grown, "slo_corrections"):
        own = row["attributes"]
        for name in ("slo_id", "slo_query", "end", "duration", "rrule"):
            if own[name] is None:
                del own[name]
    for row in rows(grown, "powerpacks"):
        row["attributes"]["group_widget"]["live_span"] = None
    assert changes(grown.capture()) == []


def test_the_orders_of_cells_and_widgets_are_configuration(grown: Backup) -> None:
    notebook, pack = rows(grown, "notebooks")[0], rows(grown, "powerpacks")[0]
    notebook["attributes"]["cells"].reverse()
    pack["attributes"]["group_widget"]["definition"]["widgets"].reverse()
    assert changes(grown.capture()) == [
        ("changed", "powerpacks", pack["id"]),
        ("changed", "notebooks", str(notebook["id"])),
    ]


def test_template_notebooks_are_captured_too(empty: Backup) -> None:
    boards.add_notebooks(empty.org, random.Random(1), 230)
    templates = sum(
        row["attributes"]["metadata"]["is_template"] for row in rows(empty, "notebooks")
    )
    assert templates == 58
    assert not empty.capture().partial
    assert len(empty.paths("notebooks/")) == 230


def test_an_edit_while_notebooks_are_listed_hides_none(empty: Backup) -> None:
    boards.add_notebooks(empty.org, random.Random(1), 150)
    for row in rows(empty, "notebooks"):
        row["attributes"]["metadata"]["is_template"] = False
    order = sorted(rows(empty, "notebooks"), key=lambda row: row["attributes"]["modified"])
    late = order[5]  # on the second page of those last modified first
    with empty.run() as run:
        listing = run.gateway.list(CATALOG["notebooks"])
        seen = {str(next(listing)["id"])}
        late["attributes"]["modified"] = "2099-01-01T00:00:00.000000+00:00"
        seen |= {str(item["id"]) for item in listing}
    assert str(late["id"]) in seen
    assert len(seen) == 150


def test_a_template_listing_that_fails_leaves_the_type_stale(grown: Backup) -> None:
    before = grown.paths("notebooks/")
    fault = Fault(r"^/api/v1/notebooks$", query="is_template=true", status=500)
    grown.sandbox.faults.add(fault)
    assert grown.capture().partial
    assert grown.state("notebooks") == "stale"
    assert grown.paths("notebooks/") == before


def test_cell_ids_and_what_the_server_adds_are_not_stored(grown: Backup) -> None:
    row = rows(grown, "notebooks")[0]
    row["attributes"]["tags"] = ["tier:1", "ai_edited", "ai_generated", "human_edited"]
    grown.capture()
    own = stored(grown, "notebooks", row)["attributes"]
    assert own["tags"] == ["tier:1"]
    assert all("id" not in cell for cell in own["cells"])
    assert "is_favorite" not in own["metadata"]


def test_a_list_is_its_name_and_the_set_of_its_members(grown: Backup) -> None:
    row = next(r for r in rows(grown, "dashboard_lists") if len(r["dashboards"]) > 1)
    document = stored(grown, "dashboard_lists", row)
    assert {(item["id"], item["type"]) for item in document["dashboards"]} == {
        (item["id"], item["type"]) for item in row["dashboards"]
    }
    assert all(item.keys() == {"id", "type"} for item in document["dashboards"])
    assert not {"modified", "dashboard_count", "is_favorite"} & document.keys()
    row["dashboards"] = row["dashboards"][1:]
    assert changes(grown.capture()) == [("changed", "dashboard_lists", str(row["id"]))]
    row["dashboards"] = None
    assert changes(grown.capture()) == [("changed", "dashboard_lists", str(row["id"]))]
    assert "dashboards" not in stored(grown, "dashboard_lists", row)


def test_members_of_integrations_refer_to_nothing(grown: Backup) -> None:
    type_ = CATALOG["dashboard_lists"]
    document = {
        "id": 1,
        "dashboards": [
            {"id": "abc-def-ghi", "type": "custom_timeboard"},
            {"id": "xyz-xyz-xyz", "type": "custom_screenboard"},
            {"id": "aws", "type": "integration_timeboard"},
            {"id": "some.host", "type": "host_timeboard"},
        ],
    }
    found = find_references(copy.deepcopy(document), type_, CATALOG)
    assert [(one.to, one.value) for one in found] == [
        (("dashboards",), "abc-def-ghi"),
        (("dashboards",), "xyz-xyz-xyz"),
    ]


def test_members_are_read_each_time_and_lists_never_by_themselves(grown: Backup) -> None:
    before = reads(grown, MEMBERS)
    grown.capture()
    assert reads(grown, MEMBERS) - before == len(rows(grown, "dashboard_lists"))
    assert reads(grown, "/api/v1/dashboard/lists/manual/{list_id}") == 0


def test_members_that_cannot_be_read_leave_the_list_as_it_was(grown: Backup) -> None:
    row = next(r for r in rows(grown, "dashboard_lists") if r["dashboards"])
    before = grown.file(f"dashboard_lists/{row['id']}.json")
    row["dashboards"] = []
    grown.sandbox.faults.add(Fault(rf"^/api/v2/dashboard/lists/manual/{row['id']}/", status=500))
    result = grown.capture()
    assert result.partial
    assert grown.state("dashboard_lists") == "partial"
    assert grown.file(f"dashboard_lists/{row['id']}.json") == before


def test_a_list_deleted_between_listing_and_members_is_deleted(grown: Backup) -> None:
    row = rows(grown, "dashboard_lists")[0]
    with grown.run() as run:
        type_ = CATALOG["dashboard_lists"]
        listed = [(str(item["id"]), item) for item in run.gateway.list(type_)]
        del grown.org.resources("dashboard_lists")[str(row["id"])]
        readings = dict(run.gateway.read_many(type_, listed))
    assert type(readings[str(row["id"])]).__name__ == "Gone"
    assert changes(grown.capture()) == [("deleted", "dashboard_lists", str(row["id"]))]


def test_sixty_corrections_are_sixty(empty: Backup) -> None:
    org, rng = empty.org, random.Random(1)
    slos.add_slos(org, rng, 3)
    slos.add_corrections(org, rng, 60)
    assert not empty.capture().partial
    assert len(empty.paths("slo_corrections/")) == 60
    org.table("slo_corrections").clear()
    slos.add_corrections(org, rng, 260)
    empty.capture(accept_loss={"slo_corrections"})
    assert len(empty.paths("slo_corrections/")) == 260


@pytest.mark.parametrize("clamp", [0, 7])
def test_a_page_size_that_is_cut_loses_nothing(empty: Backup, clamp: int) -> None:
    org, rng = empty.org, random.Random(1)
    slos.add_slos(org, rng, 30)
    slos.add_corrections(org, rng, 120)
    boards.add_powerpacks(org, rng, 40)
    boards.add_notebooks(org, rng, 40)
    if clamp:
        empty.sandbox.faults.add(Fault(r"/(slo|correction|powerpacks|notebooks)$", clamp=clamp))
    assert not empty.capture().partial
    for name in ("service_level_objectives", "slo_corrections", "powerpacks", "notebooks"):
        assert len(empty.paths(f"{name}/")) == len(rows(empty, name)) > 20


def test_more_than_a_thousand_objectives_and_powerpacks(empty: Backup) -> None:
    org, rng = empty.org, random.Random(1)
    slos.add_slos(org, rng, 1260)
    boards.add_powerpacks(org, rng, 1001)
    assert not empty.capture().partial
    assert len(empty.paths("service_level_objectives/")) == 1008
    assert len(empty.paths("powerpacks/")) == 1001


def test_a_listing_that_contradicts_its_total_is_not_believed(grown: Backup) -> None:
    before = grown.paths("slo_corrections/")
    grown.sandbox.faults.add(Fault(r"^/api/v1/slo/correction$", total=99))
    assert grown.capture().partial
    assert grown.state("slo_corrections") == "stale"
    assert grown.paths("slo_corrections/") == before


def test_a_correction_that_is_over_ends_by_itself(grown: Backup) -> None:
    over, running = [r for r in rows(grown, "slo_corrections") if r["attributes"]["end"]][:2]
    running["attributes"]["end"] = LATER
    grown.capture()
    table = grown.org.table("slo_corrections")
    del table[over["id"]], table[running["id"]]
    result = grown.capture()
    assert sorted(changes(result)) == [
        ("deleted", "slo_corrections", running["id"]),
        ("expired", "slo_corrections", over["id"]),
    ]
    assert grown.state("slo_corrections") == "complete"
    subject = grown.git("log", "-1", "--format=%s", grown.branch)
    assert "1 deleted" in subject
    assert f"slo_corrections/{over['id']}.json" in grown.git(
        "log", "-1", "--name-only", "--format=", "--diff-filter=D", grown.branch
    )


def test_a_correction_that_is_over_stays_as_long_as_it_is_listed(grown: Backup) -> None:
    over = next(r for r in rows(grown, "slo_corrections") if r["attributes"]["end"])
    over["attributes"]["end"] = 0  # an end is no null
    grown.capture()
    assert stored(grown, "slo_corrections", over)["attributes"]["end"] == 0
    assert changes(grown.capture()) == []


def test_nulls_of_corrections_are_not_stored(grown: Backup) -> None:
    for row in rows(grown, "slo_corrections"):
        own = stored(grown, "slo_corrections", row)["attributes"]
        told = {name for name, value in row["attributes"].items() if value is not None}
        assert set(own) - {"modifier"} == told
        assert len({"slo_id", "slo_query"} & own.keys()) == 1


def test_references_of_objectives_are_found(grown: Backup) -> None:
    kinds = set()
    for name in TYPES:
        for path in grown.paths(f"{name}/"):
            found = find_references(grown.document(path), CATALOG[name], CATALOG)
            kinds |= {(name, one.to[0]) for one in found if not one.soft}
    assert {
        ("slo_corrections", "service_level_objectives"),
        ("powerpacks", "monitors"),
        ("dashboard_lists", "dashboards"),
    } <= kinds
