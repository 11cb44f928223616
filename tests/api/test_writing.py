"""Every write over HTTP: one invented org copied into another, edited, taken back, deleted."""

from __future__ import annotations

import copy
import random
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from contract import assert_sent
from replaying import SECRET, Copy, Org, now, reaching, settled

from ddsnap.api.session import LostAnswer
from ddsnap.catalog import CATALOG
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.intended import settle
from ddsnap.core.match import portable
from ddsnap.core.requests import (
    create_request,
    delete_request,
    new_id,
    undelete_request,
    update_requests,
)
from ddsnap.errors import ApiError, DdsnapError
from ddsnap.sandbox import Fault, Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.resource_type import ResourceType
    from ddsnap.core.values import Address

EACH_TYPE = pytest.mark.parametrize("type_", CATALOG.types, ids=lambda type_: type_.name)
ROLES = CATALOG["roles"]


def copying(box: Sandbox, seed: int, size: int) -> Iterator[Copy]:
    """An org of invented resources, and one that holds nothing yet but its owner."""
    us1, eu1 = box.add_org(f"us{seed}", seed=seed, size=size), box.add_org(f"eu{seed}")
    with reaching(box, us1) as source, reaching(box, eu1) as destination:
        owners = {("users", us1.owner): eu1.owner, ("organization", us1.uuid): eu1.uuid}
        yield Copy(source, destination, owners)


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox
        assert sandbox.crashes == []
        assert_sent_but_for_seeds(sandbox)


def assert_sent_but_for_seeds(sandbox: Sandbox) -> None:
    """The invented network tests lack what Datadog's specification demands of them."""
    sandbox.writes[:] = [write for write in sandbox.writes if "/tests/network" not in write.path]
    assert_sent(sandbox)


@pytest.fixture(scope="module")
def copied(box: Sandbox) -> Iterator[Copy]:
    for one in copying(box, 5, 400):
        assert one.run() == []
        yield one


@pytest.fixture
def empty(box: Sandbox) -> Iterator[Org]:
    with reaching(box, box.add_org(f"org-{len(box.orgs)}")) as org:
        yield org


def assert_there(org: Org, address: Address, id_: str, intended: dict[str, Any]) -> None:
    type_ = CATALOG[address.type]
    found = org.read(type_, id_)
    assert found is not None, address
    assert settled(portable(type_, found)) == settled(intended), address
    assert update_requests(type_, intended, found, id_, now=now()) == []


@EACH_TYPE
def test_what_was_created_is_read_back(copied: Copy, type_: ResourceType) -> None:
    written = {**copied.made, **copied.adopted}
    ours = {address: told for address, told in written.items() if address.type == type_.name}
    assert ours
    for address, (id_, intended) in ours.items():
        assert_there(copied.destination, address, id_, intended)


def test_everything_is_there_once(copied: Copy) -> None:
    for type_ in CATALOG.types:
        one, other = copied.source.documents(type_), copied.destination.documents(type_)
        assert len(one) == len(other), type_.name


def test_creations_need_as_few_requests_as_can_be(copied: Copy) -> None:
    count = Counter(request.purpose for request in copied.destination.sent)
    lists = sum(address.type == "dashboard_lists" for address in copied.made)
    assert count["create"] == len(copied.made)
    assert count["section"] == lists


def test_edits_follow_and_can_be_taken_back(box: Sandbox) -> None:
    for one in copying(box, 6, 300):
        one.run()
        box.orgs["us6"].edit(random.Random(1), 300)
        changed = Counter[str]()
        for type_ in CATALOG.types:
            for id_, body in one.source.documents(type_).items():
                changed.update(follow(one, type_, id_, body))
        assert len(changed) > 12, changed
        for address, (id_, first) in one.made.items():
            type_ = CATALOG[address.type]
            present = one.destination.read(type_, id_)
            assert present is not None
            one.destination.update(type_, first, present, id_)
            assert_there(one.destination, address, id_, first)


def follow(one: Copy, type_: ResourceType, source_id: str, body: dict[str, Any]) -> list[str]:
    """Bring one copy to what its source has become."""
    made = {address: id_ for address, (id_, _) in one.made.items()}
    address = next((a for a in made if (a.type, a.id) == (type_.name, source_id)), None)
    if address is None:
        return []
    intended = one.intended(address, body)
    present = one.destination.read(type_, made[address])
    assert intended is not None
    assert present is not None
    there = portable(type_, present)
    for path in type_.create_only:  # as the plan does: what only a creation can set stays
        settle(path, intended, there)
    sent = one.destination.update(type_, intended, present, made[address])
    assert_there(one.destination, address, made[address], intended)
    return [type_.name] if sent else []


def test_all_of_it_can_be_deleted(box: Sandbox) -> None:
    for one in copying(box, 7, 200):
        one.run()
        for address, (id_, _) in reversed(one.made.items()):
            type_ = CATALOG[address.type]
            present = one.destination.read(type_, id_)
            assert present is not None, address
            one.destination.delete(type_, id_, present)
            left = one.destination.read(type_, id_)
            # A user cannot be deleted, only disabled.
            assert left is None or value_at(left, "attributes.disabled") is True, address


def test_what_is_gone_already_is_deleted(empty: Org) -> None:
    role = empty.create(ROLES, a_role("Gone"))
    present = empty.read(ROLES, role)
    assert present is not None
    for status in (204, 404):
        request = delete_request(ROLES, role, present)
        assert empty.gateway.send(ROLES, request, request.body).status == status


# --- names, markers, lost answers


def a_role(name: str, *permissions: str) -> dict[str, Any]:
    links = [{"type": "permissions", "id": one} for one in permissions]
    return {
        "type": "roles",
        "attributes": {"name": name},
        "relationships": {"permissions": {"data": links}},
    }


def test_permissions_are_sent_by_the_ids_of_the_org(empty: Org) -> None:
    names = sorted(empty.gateway.lookup("permissions").values())[:3]
    role = empty.create(ROLES, a_role("Three", *names))
    found = empty.read(ROLES, role)
    assert found is not None
    granted = value_at(found, "relationships.permissions.data")
    assert isinstance(granted, list)
    assert [value_at(one, "id") for one in granted] == names
    empty.update(ROLES, a_role("None"), found, role)
    found = empty.read(ROLES, role)
    assert value_at(found, "relationships.permissions.data") == []


def test_a_permission_that_the_org_lacks_is_named_and_nothing_sent(
    box: Sandbox, empty: Org
) -> None:
    before = len(box.writes)
    with pytest.raises(ApiError, match="fly_to_the_moon"):
        empty.create(ROLES, a_role("Flyers", "fly_to_the_moon"))
    assert len(box.writes) == before


def test_no_marker_leaves_the_house(box: Sandbox, empty: Org) -> None:
    variables = CATALOG["synthetics_global_variables"]
    marker = {"$ddsnap": {"secret": True}}
    body: dict[str, Any] = {"name": "A_SECRET", "value": {"secure": True, "value": marker}}
    request = create_request(variables, body, now=now())
    before = len(box.writes)
    with pytest.raises(DdsnapError, match="ddsnap's own"):
        empty.gateway.send(variables, request, request.body)
    assert len(box.writes) == before


def test_a_secret_stays_when_its_variable_is_renamed(box: Sandbox, empty: Org) -> None:
    variables = CATALOG["synthetics_global_variables"]
    marker = {"$ddsnap": {"secret": True}}
    body: dict[str, Any] = {"name": "A_SECRET", "value": {"secure": True, "value": marker}}
    id_ = empty.create(variables, body)
    present = empty.read(variables, id_)
    assert present is not None
    (request,) = empty.update(variables, {**body, "name": "ANOTHER"}, present, id_)
    (operation,) = value_at(request.body, "data.attributes.json_patch")
    assert operation == {"op": "add", "path": "/name", "value": "ANOTHER"}
    org = next(org for org in box.orgs.values() if id_ in org.resources(variables.name))
    assert org.private(variables.name, id_)["value"] == SECRET


def test_a_creation_whose_answer_is_lost_is_not_repeated(box: Sandbox, empty: Org) -> None:
    box.faults.add(Fault(path="/api/v2/roles", method="POST", reset=True, after=True, times=5))
    try:
        with pytest.raises(LostAnswer):
            empty.create(ROLES, a_role("Lost"))
    finally:
        box.faults.clear()
    names = [value_at(body, "attributes.name") for body in empty.documents(ROLES).values()]
    assert names.count("Lost") == 1


def test_the_keys_of_a_private_location_are_in_the_answer(empty: Org) -> None:
    locations = CATALOG["synthetics_private_locations"]
    request = create_request(locations, {"name": "Cellar"}, now=now())
    written = empty.gateway.send(locations, request, request.body)
    assert value_at(written.answer, "config.privateKey")
    assert new_id(locations, {}, written.item).startswith("pl:cellar-")


def test_a_deleted_dashboard_comes_back_under_its_id(empty: Org) -> None:
    boards = CATALOG["dashboards"]
    body: dict[str, Any] = {"title": "Lost", "layout_type": "ordered", "widgets": []}
    id_ = empty.create(boards, body)
    present = empty.read(boards, id_)
    assert present is not None
    empty.delete(boards, id_, present)
    assert empty.read(boards, id_) is None
    request = undelete_request(boards, id_)
    assert request is not None
    empty.send(boards, request)
    found = empty.read(boards, id_)
    assert found is not None
    assert portable(boards, found) == portable(boards, present)


# --- what each type loses when its source does

LOST = [
    ("roles", "relationships.permissions.data", []),
    ("users", "attributes.name", None),
    ("teams", "attributes.description", None),
    ("monitors", "tags", None),
    ("monitors", "priority", None),
    ("monitors", "message", ""),
    ("monitors", "restricted_roles", None),
    ("dashboards", "description", None),
    ("dashboards", "template_variables", None),
    ("downtime_schedules", "attributes.message", None),
    ("logs_indexes", "daily_limit", None),
    ("logs_pipelines", "tags", None),
    ("logs_metrics", "attributes.group_by", None),
    ("notebooks", "attributes.tags", None),
    ("powerpacks", "attributes.description", None),
    ("powerpacks", "attributes.tags", None),
    ("service_level_objectives", "description", None),
    ("service_level_objectives", "tags", None),
    ("slo_corrections", "attributes.description", ""),
    ("synthetics_global_variables", "description", None),
    ("synthetics_global_variables", "tags", None),
    ("synthetics_private_locations", "tags", None),
    ("synthetics_tests", "tags", None),
    ("team_memberships", "attributes.role", None),
]
"""Type, field, and what a document then holds."""


@pytest.mark.parametrize(("type_name", "path", "left"), LOST)
def test_what_the_source_lost_is_lost(copied: Copy, type_name: str, path: str, left: Any) -> None:
    type_, tried = CATALOG[type_name], 0
    for address, (id_, _) in copied.made.items():
        present = copied.destination.read(type_, id_) if address.type == type_name else None
        if present is None or value_at(present, path) in (None, "", []):
            continue
        wanted = copy.deepcopy(present)
        field_path(path).remove(wanted)
        if left is not None:
            field_path(path).put(wanted, left)
        assert copied.destination.update(type_, wanted, present, id_)
        found = copied.destination.read(type_, id_)
        assert found is not None
        assert value_at(found, path) == left
        copied.destination.update(type_, present, found, id_)
        tried += 1
        if tried == 2:
            break
    assert tried
