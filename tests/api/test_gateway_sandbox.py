"""The gateway and the built-in declarations against an embedded org, healthy and not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.api.gateway import Found, Gateway, Gone, Unreadable
from ddsnap.api.pages import ListingIncomplete
from ddsnap.api.session import Session
from ddsnap.catalog import CATALOG
from ddsnap.errors import ApiError
from ddsnap.sandbox import Fault, Sandbox, SandboxOrg

if TYPE_CHECKING:
    from collections.abc import Iterator

MONITORS, DASHBOARDS, ROLES = (CATALOG[name] for name in ("monitors", "dashboards", "roles"))
TEAMS, MEMBERSHIPS = CATALOG["teams"], CATALOG["team_memberships"]
POLICIES, INDEXES = CATALOG["restriction_policies"], CATALOG["logs_indexes"]


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[Sandbox, SandboxOrg]]:
    with Sandbox() as sandbox:
        yield sandbox, sandbox.add_org("us1", seed=3, size=300)
        assert sandbox.crashes == []


@pytest.fixture
def box(running: tuple[Sandbox, SandboxOrg]) -> Iterator[Sandbox]:
    yield running[0]
    running[0].faults.clear()


@pytest.fixture
def org(running: tuple[Sandbox, SandboxOrg]) -> SandboxOrg:
    return running[1]


@pytest.fixture
def gateway(box: Sandbox, org: SandboxOrg, clock: Any) -> Iterator[Gateway]:
    with Session(
        box.url, org.api_key, org.app_key, concurrency=4, clock=clock, sleep=clock.sleep
    ) as session:
        yield Gateway(session, CATALOG)


def ids(gateway: Gateway, type_: Any, **options: Any) -> list[str]:
    return [gateway.id_of(type_, item) for item in gateway.list(type_, **options)]


def test_it_knows_the_org(gateway: Gateway, org: SandboxOrg) -> None:
    found = gateway.identity()
    assert (found.public_id, found.uuid, found.name) == (org.public_id, org.uuid, org.name)


@pytest.mark.parametrize(
    "type_", [MONITORS, DASHBOARDS, ROLES, TEAMS, INDEXES], ids=lambda type_: type_.name
)
def test_it_lists_all_and_reads_each(gateway: Gateway, org: SandboxOrg, type_) -> None:
    listed = {gateway.id_of(type_, item): item for item in gateway.list(type_)}
    owned = {str(id_) for id_ in org.resources(type_.name)}
    assert listed.keys() == owned
    some = dict(list(listed.items())[:5])
    for id_, item in some.items():
        reading = gateway.read(type_, id_, item)
        assert isinstance(reading, Found)
        assert gateway.id_of(type_, reading.body) == id_


def test_dashboards_are_read_with_their_widgets(gateway: Gateway) -> None:
    items = list(gateway.list(DASHBOARDS))
    keyed = [(gateway.id_of(DASHBOARDS, item), item) for item in items]
    assert not any("widgets" in item for item in items)
    readings = list(gateway.read_many(DASHBOARDS, keyed))
    assert [id_ for id_, _ in readings] == [id_ for id_, _ in keyed]
    assert all(isinstance(reading, Found) and reading.body["widgets"] for _, reading in readings)


def test_memberships_name_team_and_user(gateway: Gateway, org: SandboxOrg) -> None:
    teams = ids(gateway, TEAMS)
    found = ids(gateway, MEMBERSHIPS, parents=teams)
    assert len(found) == len(set(found)) == len(org.resources("team_memberships"))
    assert {id_.split(",")[0] for id_ in found} <= set(teams)


def test_a_team_that_vanished_is_passed_over(gateway: Gateway) -> None:
    teams = ids(gateway, TEAMS)
    gone = "00000000-0000-0000-0000-000000000000"
    whole = ids(gateway, MEMBERSHIPS, parents=teams)
    assert ids(gateway, MEMBERSHIPS, parents=[teams[0], gone, *teams[1:]]) == whole


def test_policies_are_found_where_objects_are_restricted(gateway: Gateway, org: SandboxOrg) -> None:
    tried = [f"dashboard:{id_}" for id_ in org.resources("dashboards")]
    readings = dict(gateway.read_many(POLICIES, ((id_, None) for id_ in tried)))
    found = {id_ for id_, reading in readings.items() if isinstance(reading, Found)}
    assert found == {id_ for id_ in org.resources("restriction_policies") if id_ in readings}
    assert all(isinstance(readings[id_], Gone) for id_ in readings.keys() - found)


def test_permissions_have_names(gateway: Gateway) -> None:
    names = gateway.lookup("permissions")
    assert names
    assert all(id_ and name and id_ != name for id_, name in names.items())


def test_what_is_not_there_is_gone(gateway: Gateway) -> None:
    assert gateway.read(MONITORS, "1") == Gone()
    assert gateway.read(DASHBOARDS, "abc-def-ghi") == Gone()
    assert gateway.read(INDEXES, "no-such-index") == Gone()


@pytest.mark.parametrize("type_", [MONITORS, DASHBOARDS, ROLES], ids=lambda type_: type_.name)
@pytest.mark.parametrize("clamp", [1, 7])
def test_a_clamped_page_size_loses_nothing(gateway, box, org, type_, clamp) -> None:
    box.faults.add(Fault(path=f"{type_.path}$", clamp=clamp))
    assert set(ids(gateway, type_)) == {str(id_) for id_ in org.resources(type_.name)}


@pytest.mark.parametrize("lie", [-1, 1])
def test_a_lying_total_is_found_out(gateway, box, org, lie) -> None:
    box.faults.add(Fault(path="/roles$", total=len(org.resources("roles")) + lie))
    with pytest.raises(ListingIncomplete):
        ids(gateway, ROLES)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_a_page_that_fails_fails_the_listing(gateway, box, status) -> None:
    box.faults.add(Fault(path="/roles$", clamp=5))
    box.faults.add(Fault(path="/roles$", page=1, status=status))
    with pytest.raises(ApiError, match=f"page 2: HTTP {status}"):
        ids(gateway, ROLES)


@pytest.mark.parametrize(
    "fault",
    [{"status": 503}, {"status": 512}, {"status": 429}, {"reset": True}, {"cut": True}],
    ids=str,
)
def test_what_passes_costs_nothing(gateway, box, org, fault) -> None:
    box.faults.add(Fault(path="/monitor$", clamp=20))
    struck = box.faults.add(Fault(path="/monitor$", nth=(2, 4), **fault))
    assert len(ids(gateway, MONITORS)) == len(org.resources("monitors"))
    assert box.faults.struck(struck) == 2


@pytest.mark.parametrize("fault", [{"html": True}, {"raw": b"[{"}, {"raw": b'"text"'}], ids=str)
def test_an_answer_that_is_none_fails_the_listing(gateway, box, fault) -> None:
    box.faults.add(Fault(path="/monitor$", **fault))
    with pytest.raises(ApiError):
        ids(gateway, MONITORS)


def test_a_forbidden_dashboard_is_unreadable_and_no_other(gateway, box) -> None:
    items = [(gateway.id_of(DASHBOARDS, item), item) for item in gateway.list(DASHBOARDS)]
    bad = items[3][0]
    box.faults.add(Fault(path=f"/dashboard/{bad}", status=403))
    readings = dict(gateway.read_many(DASHBOARDS, items))
    assert isinstance(readings.pop(bad), Unreadable)
    assert all(isinstance(reading, Found) for reading in readings.values())


def test_a_limit_is_kept_without_running_into_it(box: Sandbox, org: SandboxOrg) -> None:
    box.faults.limit("us1", 20, 1, path="/dashboard/")
    with Session(box.url, org.api_key, org.app_key, concurrency=8) as session:
        gateway = Gateway(session, CATALOG)
        items = [(gateway.id_of(DASHBOARDS, item), item) for item in gateway.list(DASHBOARDS)][:45]
        readings = list(gateway.read_many(DASHBOARDS, items))
        count = session.counters["GET /api/v1/dashboard/{id}"]
    assert all(isinstance(reading, Found) for _, reading in readings)
    assert count.limited <= 3
    assert count.waited > 0
