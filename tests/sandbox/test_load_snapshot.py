"""A snapshot's documents as an org: what is captured of it is the snapshot again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from orgs import Backup, make_backup

from ddsnap.catalog import CATALOG
from ddsnap.core.fields import field_path
from ddsnap.core.values import clone
from ddsnap.sandbox import Sandbox
from ddsnap.sandbox.refill import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from conftest import Client

    from ddsnap.sandbox import SandboxOrg


def documents(backup: Backup) -> dict[str, Any]:
    return {path: backup.document(path) for path in backup.paths() if "/" in path}


def typed(found: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(path.partition("/")[0], body) for path, body in found.items()]


def decided(type_name: str, document: Any) -> Any:
    """A document without what Datadog writes of itself."""
    type_ = CATALOG[type_name]
    body = clone(document)
    for path in (*type_.provenance, *type_.derived):
        field_path(path).remove(body)
    return body


def reloaded(sandbox: Sandbox, name: str, found: dict[str, Any], folder: Path) -> Backup:
    org = sandbox.add_org(name)
    org.load_snapshot(typed(found))
    backup = make_backup(sandbox, org, folder)
    result = backup.capture()
    assert not result.partial, [o.problems for o in result.types.values() if o.problems]
    return backup


def compare(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert sorted(before) == sorted(after)
    for path, body in before.items():
        type_name = path.partition("/")[0]
        assert decided(type_name, after[path]) == decided(type_name, body), path


@pytest.mark.parametrize("same_name", [True, False])
def test_a_seeded_org_is_the_same_after_it_was_loaded_elsewhere(
    tmp_path: Path, same_name: bool
) -> None:
    with Sandbox() as first, Sandbox() as second:
        one = make_backup(first, first.add_org("us1", seed=7, size=400), tmp_path / "one")
        one.capture()
        before = documents(one)
        name = "us1" if same_name else "eu1"
        two = reloaded(second, name, before, tmp_path / "two")
        compare(before, documents(two))
        assert first.crashes == second.crashes == []


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with Sandbox() as sandbox:
        org = sandbox.add_org("us1", seed=7, size=400)
        one = make_backup(sandbox, org, tmp_path_factory.mktemp("seeded") / "one")
        one.capture()
        return documents(one)


@pytest.fixture
def loaded(seeded: dict[str, Any]) -> Iterator[SandboxOrg]:
    with Sandbox() as sandbox:
        org = sandbox.add_org("us1")
        org.load_snapshot(typed(seeded))
        yield org


def test_what_was_left_out_as_secret_is_hidden_under_a_placeholder(
    loaded: SandboxOrg, seeded: dict[str, Any]
) -> None:
    secure = [
        body["id"]
        for path, body in seeded.items()
        if path.startswith("synthetics_global_variables/")
        and body["value"].get("value", "") == {"$ddsnap": {"secret": True}}
    ]
    assert secure
    for id_ in secure:
        assert loaded.hidden("synthetics_global_variables", id_) == {"value": PLACEHOLDER}
        assert "value" not in loaded.resources("synthetics_global_variables")[id_]["value"]
    tests = loaded.resources("synthetics_tests")
    hidden = [loaded.hidden("synthetics_tests", id_) for id_ in tests]
    assert {"config.variables.PIN.pattern": PLACEHOLDER} in hidden
    assert "$ddsnap" not in json.dumps([loaded.table(type_name) for type_name in CATALOG.names])


def test_the_keys_belong_to_somebody_who_may_manage_access(loaded: SandboxOrg) -> None:
    own = loaded.resources("users")[loaded.owner]
    assert not own["attributes"]["disabled"]
    roles = [loaded.resources("roles")[x["id"]] for x in own["relationships"]["roles"]["data"]]
    granted = {x["id"] for role in roles for x in role["relationships"]["permissions"]["data"]}
    permissions = loaded.resources("permissions")
    assert "user_access_manage" in {permissions[id_]["attributes"]["name"] for id_ in granted}


def test_new_ids_are_not_those_that_were_loaded(loaded: SandboxOrg) -> None:
    taken = {id_ for name in CATALOG.names for id_ in loaded.resources(name)}
    taken |= set(loaded.table("monitors of tests"))
    made = [str(loaded.new_int()) for _ in range(2000)] + [loaded.new_uuid() for _ in range(2000)]
    made += [loaded.new_short() for _ in range(2000)]
    assert not taken & set(made)
    assert len(set(made)) == len(made)


def test_a_snapshot_without_people_leaves_the_keys_where_they_are() -> None:
    org = Sandbox().add_org("a")
    owner, role = org.owner, next(iter(org.resources("roles")))
    name = "Datadog Admin Role"
    granted = [{"id": "user_access_manage", "type": "permissions"}, {"id": "new_one", "type": "p"}]
    body = {
        "id": "11111111-0000-4000-8000-000000000000",
        "type": "roles",
        "attributes": {"name": name, "managed": True},
        "relationships": {"permissions": {"data": granted}},
    }
    org.load_snapshot([("roles", body)])
    assert org.owner == owner
    assert role not in org.resources("roles")
    assert [x["id"] for x in org.resources("users")[owner]["relationships"]["roles"]["data"]] == [
        body["id"]
    ]
    names = [row["attributes"]["name"] for row in org.resources("permissions").values()]
    assert "new_one" in names
    assert "main" in org.resources("logs_indexes")


def test_an_order_tells_of_indexes_that_are_being_deleted() -> None:
    org = Sandbox().add_org("a")
    order = {"$ddsnap": {"id": "order"}, "index_names": ["gone", "kept"]}
    index = {"name": "kept", "filter": {"query": "*"}, "num_retention_days": 7}
    org.load_snapshot([("logs_indexes_order", order), ("logs_indexes", index)])
    assert list(org.resources("logs_indexes")) == ["kept"]
    assert org.resources("logs_indexes_order") == {"order": {"index_names": ["gone", "kept"]}}
    assert org.burnt == ["gone"]


def writes(org: SandboxOrg) -> Iterator[tuple[str, str, Any]]:
    """Every resource, written back as it is read or nearly so."""
    for id_, row in org.resources("monitors").items():
        yield "PUT", f"/api/v1/monitor/{id_}", {"name": f"{row['name']}, again"}
    for id_, row in org.resources("dashboards").items():
        yield "PUT", f"/api/v1/dashboard/{id_}", row
    for id_, row in org.resources("service_level_objectives").items():
        yield "PUT", f"/api/v1/slo/{id_}", row
    for id_, row in org.resources("synthetics_tests").items():
        if row["type"] == "api":
            yield "PUT", f"/api/v1/synthetics/tests/api/{id_}", row
    for id_ in org.resources("downtime_schedules"):
        change = {"data": {"type": "downtime", "id": id_, "attributes": {"message": "x"}}}
        yield "PATCH", f"/api/v2/downtime/{id_}", change
    for id_ in org.resources("users"):
        change = {"data": {"type": "users", "id": id_, "attributes": {"title": "x"}}}
        yield "PATCH", f"/api/v2/users/{id_}", change
    for name, path in (("notebooks", "/api/v1/notebooks"), ("powerpacks", "/api/v2/powerpacks")):
        method = "PUT" if name == "notebooks" else "PATCH"
        for id_, row in org.resources(name).items():
            yield method, f"{path}/{id_}", {"data": row}
    for name, path in (("indexes", "index-order"), ("pipelines", "pipeline-order")):
        body = org.resources(f"logs_{name}_order")["order"]
        yield "PUT", f"/api/v1/logs/config/{path}", body


def test_what_was_loaded_can_be_written(seeded: dict[str, Any], client: Client) -> None:
    client.org.load_snapshot(typed(seeded))
    for method, path, body in list(writes(client.org)):
        status, answer = client.ask(method, path, json.loads(json.dumps(body)))
        assert status == 200, (path, answer)
