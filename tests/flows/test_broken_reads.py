"""Every way in which a reading breaks: what is recorded of it, and that nothing is lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.errors import ApiError, AuthError, ExitCode
from ddsnap.flows.capture import exit_code
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Callable

    from orgs import Backup

MONITORS = r"^/api/v1/monitor$"
DASHBOARD = r"^/api/v1/dashboard/"
ROLES = r"^/api/v2/roles$"
TEAMS = r"^/api/v2/team$"


@dataclass(frozen=True)
class Broken:
    """One broken reading: its faults, the type, and what a capture must make of it."""

    name: str
    type: str
    faults: tuple[Fault, ...]
    state: str
    told: str
    code: ExitCode = ExitCode.PARTIAL
    scope: dict[str, Any] = field(default_factory=dict)


BROKEN = [
    Broken("page 1 fails", "monitors", (Fault(MONITORS, nth=2, status=500),), "stale", "500"),
    Broken("page 0 fails", "roles", (Fault(ROLES, page=0, status=503),), "stale", "503"),
    Broken("a page is cut", "monitors", (Fault(MONITORS, page=0, cut=True),), "stale", "monitor"),
    Broken("the connection drops", "roles", (Fault(ROLES, reset=True),), "stale", "roles"),
    Broken("a stall", "roles", (Fault(ROLES, stall=7.0),), "stale", "roles"),
    Broken("200 with HTML", "monitors", (Fault(MONITORS, html=True),), "stale", "HTML"),
    Broken("no JSON", "monitors", (Fault(MONITORS, raw=b"[{]"),), "stale", "monitor"),
    Broken("total says more", "roles", (Fault(ROLES, total=300),), "stale", "300"),
    Broken("empty where many were", "monitors", (Fault(MONITORS, empty=True),), "stale", "gone"),
    Broken("403 with documents", "monitors", (Fault(MONITORS, status=403),), "stale", "403"),
    Broken("404 with documents", "teams", (Fault(TEAMS, status=404),), "stale", "404"),
    Broken("a detail answers 500", "dashboards", (Fault(DASHBOARD, nth=3, status=500),), "partial",
           "1 could not", scope={"full": True}),
    Broken("a detail answers 403", "dashboards", (Fault(DASHBOARD, nth=3, status=403),), "partial",
           "1 could not", scope={"full": True}),
    Broken("one detail is HTML", "dashboards", (Fault(DASHBOARD, nth=2, html=True),), "partial",
           "1 could not", scope={"full": True}),
    Broken("every detail answers 403", "dashboards", (Fault(DASHBOARD, status=403),), "partial",
           "could not", scope={"full": True}),
    Broken("permissions cannot be named", "roles",
           (Fault(r"^/api/v2/permissions$", status=500),), "stale", "permissions"),
    Broken("one team's members fail", "team_memberships",
           (Fault(r"/memberships$", nth=2, status=500),), "stale", "memberships"),
]  # fmt: skip


@pytest.mark.parametrize("case", BROKEN, ids=lambda case: case.name)
def test_a_broken_reading_keeps_every_document(backup: Backup, case: Broken) -> None:
    backup.capture()
    before = {path: backup.file(path) for path in backup.paths() if "/" in path}
    for fault in case.faults:
        backup.sandbox.faults.add(fault)
    result = backup.capture(**case.scope)
    outcome = result.types[case.type]
    assert outcome.state.state == case.state
    assert case.told in outcome.state.reason
    assert exit_code(result) == case.code
    assert not [c for c in result.changes if c.kind in ("deleted", "left")]
    after = {path: backup.file(path) for path in backup.paths() if "/" in path}
    assert after == before
    assert backup.state(case.type) == case.state
    backup.sandbox.faults.clear()
    healed = backup.capture()
    assert exit_code(healed) == ExitCode.DONE
    assert not healed.changes
    assert backup.state(case.type) in ("complete", "rotating")


@pytest.mark.parametrize("case", BROKEN[:12], ids=lambda case: case.name)
def test_a_first_capture_never_calls_a_broken_reading_complete(
    backup: Backup, case: Broken
) -> None:
    for fault in case.faults:
        backup.sandbox.faults.add(fault)
    result = backup.capture(**case.scope)
    if case.name.startswith("empty"):
        pytest.skip("an org that was never captured may well be empty")
    state = result.types[case.type].state
    assert state.state == (
        "unavailable" if state.reason and "HTTP 40" in state.reason else case.state
    )


def test_a_clamped_page_costs_nothing(seeded: Callable[[str, int, int], Backup]) -> None:
    backup = seeded("big", 4, 400)
    backup.sandbox.faults.add(Fault(r"/api/", clamp=7))
    result = backup.capture()
    assert exit_code(result) == ExitCode.DONE
    for name in ("monitors", "roles", "users", "teams", "dashboards"):
        assert len(backup.paths(f"{name}/")) == len(backup.org.resources(name)), name


def test_an_item_deleted_between_two_pages_loses_no_other(
    seeded: Callable[[str, int, int], Backup],
) -> None:
    backup = seeded("moving", 5, 300)
    backup.capture()
    before = set(backup.paths("monitors/"))
    backup.sandbox.faults.add(Fault(MONITORS, clamp=20))
    gone = next(iter(backup.org.resources("monitors")))

    def delete_then(body: Any) -> Any:
        backup.org.resources("monitors").pop(gone, None)
        return body

    backup.sandbox.faults.add(Fault(MONITORS, page=1, mangle=delete_then))
    del backup.org.resources("monitors")[gone]
    result = backup.capture()
    assert exit_code(result) == ExitCode.DONE
    assert before - set(backup.paths("monitors/")) == {f"monitors/{gone}.json"}


def test_most_of_a_type_gone_is_believed_only_when_somebody_says_so(
    seeded: Callable[[str, int, int], Backup],
) -> None:
    backup = seeded("loss", 6, 300)
    backup.capture()
    monitors = backup.org.resources("monitors")
    total = len(monitors)
    for id_ in list(monitors)[: total * 2 // 3]:
        del monitors[id_]
    result = backup.capture()
    assert result.types["monitors"].state.state == "stale"
    assert "--accept-loss monitors" in result.types["monitors"].state.reason
    assert len(backup.paths("monitors/")) == total
    accepted = backup.capture(accept_loss=frozenset({"monitors"}))
    assert exit_code(accepted) == ExitCode.DONE
    assert len(backup.paths("monitors/")) == len(monitors)


def test_many_missing_are_proven_by_a_second_listing_and_a_sample(
    seeded: Callable[[str, int, int], Backup],
) -> None:
    backup = seeded("many", 8, 400)
    backup.capture()
    monitors = backup.org.resources("monitors")
    for id_ in list(monitors)[:60]:
        del monitors[id_]
    result = backup.capture()
    assert exit_code(result) == ExitCode.DONE
    assert result.counts["deleted"] >= 60
    listed = result.requests["GET /api/v1/monitor"].requests
    read = result.requests["GET /api/v1/monitor/{id}"].requests
    assert (listed, read) == (4, 50)


def test_one_that_the_listing_skips_is_captured_all_the_same(backup: Backup) -> None:
    backup.capture()
    skipped = next(iter(backup.org.resources("monitors").values()))
    skipped["message"] = "still here"
    backup.sandbox.faults.add(Fault(MONITORS, skip=str(skipped["id"])))
    result = backup.capture()
    assert exit_code(result) == ExitCode.DONE
    assert [(c.kind, c.address.id) for c in result.changes] == [("changed", str(skipped["id"]))]


def test_a_listing_that_contradicts_the_sample_is_not_believed(
    seeded: Callable[[str, int, int], Backup],
) -> None:
    backup = seeded("liar", 9, 400)
    backup.capture()
    before = backup.paths("monitors/")
    ids = [int(path.split("/")[1].split(".")[0]) for path in before]
    for id_ in ids[:60]:
        backup.sandbox.faults.add(Fault(MONITORS, skip=str(id_)))
    result = backup.capture()
    assert result.types["monitors"].state.state == "stale"
    assert backup.paths("monitors/") == before


def test_a_dashboard_that_the_key_may_no_longer_see_is_kept(backup: Backup) -> None:
    backup.capture()
    id_ = next(iter(backup.org.resources("dashboards")))
    backup.sandbox.faults.add(Fault(r"^/api/v1/dashboard$", skip=id_))
    backup.sandbox.faults.add(Fault(rf"^/api/v1/dashboard/{id_}$", status=403))
    result = backup.capture()
    outcome = result.types["dashboards"]
    assert outcome.state.state == "partial"
    assert [p.address.id for p in outcome.problems] == [id_]
    assert "403" in outcome.problems[0].reason
    assert f"dashboards/{id_}.json" in backup.paths("dashboards/")
    assert exit_code(result) == ExitCode.PARTIAL


def test_a_detail_that_is_gone_though_listed_is_listed_again(backup: Backup) -> None:
    backup.capture()
    id_ = next(iter(backup.org.resources("dashboards")))
    backup.sandbox.faults.add(Fault(rf"^/api/v1/dashboard/{id_}$", status=404, times=1))
    result = backup.capture(full=True)
    assert f"dashboards/{id_}.json" in backup.paths("dashboards/")
    assert not result.counts["deleted"]


def test_403_on_a_type_that_was_never_captured_is_no_failure(backup: Backup) -> None:
    backup.sandbox.faults.add(Fault(TEAMS, status=403))
    result = backup.capture()
    assert result.types["teams"].state.state == "unavailable"
    assert exit_code(result) == ExitCode.PARTIAL  # memberships are read through teams
    assert backup.paths("teams/") == []


def test_keys_refused_half_way_record_nothing_but_the_run(backup: Backup) -> None:
    backup.capture()
    tip, runs = backup.git("rev-parse", backup.branch), backup.count("journal/us1")
    backup.sandbox.faults.add(Fault(MONITORS, status=401))
    with pytest.raises(AuthError):
        backup.capture()
    assert backup.git("rev-parse", backup.branch) == tip
    assert backup.count("journal/us1") == runs + 1
    record = backup.git("show", "journal/us1:run.json")
    assert '"state": "failed"' in record
    backup.sandbox.faults.clear()
    assert not backup.capture().changes


def test_a_limit_that_holds_for_a_whole_period_is_waited_out(backup: Backup) -> None:
    backup.capture()
    backup.sandbox.faults.limit("us1", 10, 1.0)
    result = backup.capture(retries=5)
    assert exit_code(result) == ExitCode.DONE
    assert not result.changes


def test_a_server_that_never_answers_fails_the_run(backup: Backup) -> None:
    backup.sandbox.faults.add(Fault(r".*", status=503))
    with pytest.raises(ApiError, match="503"):
        backup.capture()
