"""What a run leaves out, by configuration or command line, is never taken for what is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.select import Selection, parse_filter
from ddsnap.errors import ExitCode
from ddsnap.flows.capture import capture, exit_code
from ddsnap.flows.read_org import Scope
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from orgs import Backup

    from ddsnap.flows.outcome import CaptureResult

LONG = 10_000 * 86400.0


def only(*texts: str) -> Selection:
    return Selection(tuple(parse_filter(text, CATALOG) for text in texts))


def capture_without(backup: Backup, *names: str, **scope: Any) -> CaptureResult:
    """Capture with a configuration that leaves types out."""
    with backup.run() as run:
        types = tuple(name for name in backup.catalog.names if name not in names)
        return capture(run, Scope(types, **scope))


def deleted(result: CaptureResult) -> list[str]:
    return [str(change.address) for change in result.changes if change.kind == "deleted"]


def test_members_of_teams_that_a_filter_leaves_out_are_not_gone(backup: Backup) -> None:
    backup.capture()
    members = backup.paths("team_memberships/")
    handle = next(iter(backup.org.resources("teams").values()))["attributes"]["handle"]
    result = backup.capture(selection=only(f"teams:$[?@.attributes.handle == '{handle}']"))
    assert deleted(result) == []
    assert backup.paths("team_memberships/") == members
    assert backup.state("team_memberships") == "complete"


def test_members_of_teams_that_are_not_captured_are_not_gone(backup: Backup) -> None:
    backup.capture()
    members = backup.paths("team_memberships/")
    assert members
    result = capture_without(backup, "teams")
    assert deleted(result) == []
    assert backup.paths("team_memberships/") == members
    assert exit_code(result) == ExitCode.DONE


def test_members_are_read_where_their_teams_are_not_captured(backup: Backup) -> None:
    result = capture_without(backup, "teams")
    assert result.types["team_memberships"].count == len(backup.org.resources("team_memberships"))
    assert backup.state("team_memberships") == "complete"


def test_members_of_a_new_team_are_seen_by_a_run_that_reads_members_alone(backup: Backup) -> None:
    result = backup.capture(only=frozenset({"team_memberships"}))
    assert result.types["team_memberships"].count == len(backup.org.resources("team_memberships"))
    assert backup.state("team_memberships") == "complete"


def test_members_of_a_team_that_is_there_are_not_gone_by_a_404(backup: Backup) -> None:
    backup.capture()
    members = backup.paths("team_memberships/")
    team = backup.document(members[0])["relationships"]["team"]["data"]["id"]
    backup.sandbox.faults.add(Fault(rf"^/api/v2/team/{team}/memberships$", status=404))
    result = backup.capture()
    assert deleted(result) == []
    assert backup.paths("team_memberships/") == members
    assert backup.state("team_memberships") == "stale"


def test_members_of_teams_that_no_listing_names_are_not_gone(backup: Backup) -> None:
    """Two listings that leave the same teams out are no proof for the members of these."""
    handle = next(iter(backup.org.resources("teams").values()))["attributes"]["handle"]
    selection = only(f"teams:$[?@.attributes.handle == '{handle}']")
    backup.capture(selection=selection)
    members = backup.paths("team_memberships/")
    backup.sandbox.faults.add(Fault(r"^/api/v2/team$", status=503))
    result = backup.capture(selection=selection)
    assert deleted(result) == []
    assert backup.paths("team_memberships/") == members


@pytest.mark.parametrize("order", ["logs_pipelines", "logs_indexes"])
def test_an_order_holds_what_a_filter_leaves_out(backup: Backup, order: str) -> None:
    backup.capture()
    before = backup.file(f"{order}_order/order.json")
    backup.capture(selection=only(f"{order}:$[?@.name == 'nothing']"))
    assert backup.paths(f"{order}/") == []
    assert backup.file(f"{order}_order/order.json") == before


def test_an_order_that_is_read_alone_holds_what_is_new(backup: Backup) -> None:
    backup.capture()
    body = {"name": "brand-new", "filter": {"query": "*"}, "num_retention_days": 15,
            "exclusion_filters": []}  # fmt: skip
    backup.org.load("logs_indexes", [body])
    order = backup.org.resources("logs_indexes_order")["order"]["index_names"]
    if "brand-new" not in order:
        order.append("brand-new")
    backup.capture(only=frozenset({"logs_indexes_order"}))
    held = backup.document("logs_indexes_order/order.json")["index_names"]
    assert held == order


def test_what_is_listed_is_not_gone_whatever_its_own_address_says(backup: Backup) -> None:
    backup.capture()
    dashboards = backup.paths("dashboards/")
    id_ = next(iter(backup.org.resources("dashboards")))
    backup.sandbox.faults.add(Fault(rf"^/api/v1/dashboard/{id_}$", status=404))
    result = backup.capture(full=True)
    assert deleted(result) == []
    assert backup.paths("dashboards/") == dashboards
    outcome = result.types["dashboards"]
    assert outcome.state.state == "partial"
    assert [problem.address.id for problem in outcome.problems] == [id_]


def test_what_goes_while_it_is_read_is_gone(backup: Backup) -> None:
    backup.capture()
    id_ = next(iter(backup.org.resources("dashboards")))

    def go(body: Any) -> Any:
        backup.org.resources("dashboards").pop(id_, None)
        return body

    backup.sandbox.faults.add(Fault(r"^/api/v1/dashboard$", nth=1, mangle=go))
    backup.sandbox.faults.add(Fault(rf"^/api/v1/dashboard/{id_}$", status=404))
    del backup.org.resources("dashboards")[id_]
    result = backup.capture(full=True)
    assert deleted(result) == [f"dashboards/{id_}"]


NEW = {
    "id": "new-das-hbd",
    "title": "New",
    "layout_type": "ordered",
    "widgets": [],
    "modified_at": "2026-01-01T00:00:00.000000+00:00",
}
POLICY = {
    "id": "dashboard:new-das-hbd",
    "type": "restriction_policy",
    "attributes": {"bindings": [{"relation": "editor", "principals": ["org:x"]}]},
}


@pytest.mark.parametrize("how", ["narrowed", "excluded", "failing"])
def test_a_policy_whose_turn_was_missed_is_read_by_the_next_run(backup: Backup, how: str) -> None:
    """The run that first saw the object did not get to read its policy."""
    backup.capture(full_every=LONG)
    backup.org.load("dashboards", [dict(NEW)])
    backup.org.load("restriction_policies", [dict(POLICY)])
    if how == "failing":
        backup.sandbox.faults.add(Fault("restriction_policy/dashboard:new", status=503))
    scope: dict[str, Any] = {}
    if how == "narrowed":
        scope["only"] = frozenset({"dashboards"})
    if how == "excluded":
        scope["only"] = frozenset(backup.catalog.names) - {"restriction_policies"}
    backup.capture(full_every=LONG, **scope)
    assert "dashboards/new-das-hbd.json" in backup.paths("dashboards/")
    backup.sandbox.faults.clear()
    result = backup.capture(full_every=LONG)
    added = [str(change.address) for change in result.changes if change.kind == "added"]
    assert added == ["restriction_policies/dashboard:new-das-hbd"]
    again = backup.capture(full_every=LONG)
    assert "GET /api/v2/restriction_policy/{id}" not in again.requests


@pytest.mark.parametrize("how", ["narrowed", "stale"])
def test_a_new_filter_is_applied_by_the_first_run_that_reads_the_type(
    backup: Backup, how: str
) -> None:
    backup.capture(full_every=LONG)
    title = next(iter(backup.org.resources("dashboards").values()))["title"]
    selection = only(f"dashboards:$[?@.title == '{title}']")
    if how == "stale":
        backup.sandbox.faults.add(Fault(r"^/api/v1/dashboard$", status=503))
        backup.capture(full_every=LONG, selection=selection)
        backup.sandbox.faults.clear()
    else:
        monitors = frozenset({"monitors"})
        backup.capture(full_every=LONG, selection=selection, only=monitors)
    backup.capture(full_every=LONG, selection=selection)
    titles = {backup.document(path)["title"] for path in backup.paths("dashboards/")}
    assert titles == {title}
