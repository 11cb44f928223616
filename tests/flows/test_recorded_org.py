"""A sandbox loaded with real recorded bodies, captured over HTTP and read back with plain git."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from orgs import Backup, contract_data, git, make_backup

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.normalize import normalize
from ddsnap.core.paths import document_path

if TYPE_CHECKING:
    from pathlib import Path

    from ddsnap.sandbox import Sandbox, SandboxOrg

TYPES = [
    "roles",
    "monitors",
    "dashboards",
    "team_memberships",
    "restriction_policies",
    "logs_indexes",
    "logs_indexes_order",
    "logs_pipelines",
    "logs_pipelines_order",
    "logs_metrics",
    "synthetics_private_locations",
    "synthetics_global_variables",
    "synthetics_tests",
    "downtime_schedules",
    "service_level_objectives",
    "slo_corrections",
    "powerpacks",
    "dashboard_lists",
    "notebooks",
]


def bodies(name: str) -> dict[str, dict[str, Any]]:
    """Return the recorded resources of a type by their ids, the fullest answer to each."""
    found: dict[str, dict[str, Any]] = {}
    type_ = CATALOG[name]
    for file in sorted((contract_data() / "samples" / name).glob("*.json")):
        sample = json.loads(file.read_text())
        if sample["status"] >= 300 or sample["form"] not in (
            "list_item",
            "get",
            "create",
            "update",
        ):
            continue
        if sample["form"] == "list_item" and type_.detail:
            continue  # a header alone
        body = sample["response"]
        if sample["form"] == "create" and type_.create and type_.create.answer:
            body = value_at(body, type_.create.answer)
        elif name == "synthetics_tests" and "data" in body:
            body = body["data"]["attributes"]
        elif sample["form"] != "list_item" and type_.envelope:
            body = body[type_.envelope]
        for item in body if isinstance(body, list) else [body]:
            if name == "team_memberships":
                team = sample["request"]["path"].split("/")[4]
                item["relationships"]["team"] = {"data": {"id": team, "type": "team"}}
            key = str(item.get(type_.id, item.get("name", "order")))
            found.setdefault(key, item)
    return found


def load(org: SandboxOrg) -> dict[str, int]:
    """Fill an org with everything recorded; return how much of each type."""
    counts = {}
    for name in TYPES:
        items = list(bodies(name).values())
        if name == "team_memberships":
            teams = {item["relationships"]["team"]["data"]["id"] for item in items}
            org.load("teams", [_team(id_) for id_ in sorted(teams)])
        if name == "restriction_policies":
            items = [item for item in items if item["attributes"]["bindings"]]
        if name == "dashboard_lists":
            for item in items:
                item["dashboards"] = _members(org, item["id"])
        org.load(name, items)
        counts[name] = len(items)
    return counts


def _members(org: SandboxOrg, list_id: int) -> list[dict[str, Any]]:
    """The recorded members of a list; the sandbox shows them only if the dashboards exist."""
    path = f"/api/v2/dashboard/lists/manual/{list_id}/dashboards"
    files = sorted((contract_data() / "samples" / "dashboard_lists").glob("other_list_items*"))
    told = [json.loads(file.read_text()) for file in files]
    found = [one["response"]["dashboards"] for one in told if one["request"]["path"] == path]
    shown = found[0] if found else []
    plain = {"layout_type": "ordered", "widgets": [], "modified_at": "2026-01-01T00:00:00+00:00"}
    boards = [{"id": item["id"], "title": item["title"], "url": "/", **plain} for item in shown]
    org.load("dashboards", boards)
    return [{"id": item["id"], "type": item["type"]} for item in shown]


def _team(id_: str) -> dict[str, Any]:
    return {"id": id_, "type": "team", "attributes": {"name": f"T {id_}", "handle": id_}}


@pytest.fixture
def recorded(sandbox: Sandbox, tmp_path: Path) -> tuple[Backup, dict[str, int]]:
    org = sandbox.add_org("real")
    counts = load(org)
    return make_backup(sandbox, org, tmp_path / "real"), counts


def test_every_recorded_resource_is_captured_once(recorded: tuple[Backup, dict[str, int]]) -> None:
    backup, counts = recorded
    result = backup.capture()
    assert not result.partial, [o.problems for o in result.types.values() if o.problems]
    held = {name: set(backup.paths(f"{name}/")) for name in TYPES}
    for name in (
        "roles",
        "monitors",
        "dashboards",
        "logs_indexes",
        "logs_pipelines",
        "logs_metrics",
        "synthetics_private_locations",
        "synthetics_global_variables",
        "synthetics_tests",
        "downtime_schedules",
        "service_level_objectives",
        "slo_corrections",
        "powerpacks",
        "dashboard_lists",
        "notebooks",
    ):
        assert counts[name] >= (4 if name == "synthetics_private_locations" else 5)
        for id_, body in bodies(name).items():
            if body.get("type") == "synthetics alert":
                continue
            path = document_path(normalize(CATALOG[name], body).document.address)
            assert path in held[name], f"{name} {id_}"
    assert len(held["team_memberships"]) == counts["team_memberships"]
    assert len(held["logs_indexes_order"]) == 1
    lists = [backup.document(path) for path in held["dashboard_lists"]]
    assert max(len(item.get("dashboards", ())) for item in lists) == 2


def test_every_document_is_canonical_and_a_fixed_point(
    recorded: tuple[Backup, dict[str, int]],
) -> None:
    backup, _ = recorded
    backup.capture()
    documents = [path for path in backup.paths() if "/" in path]
    assert len(documents) > 60
    for path in documents:
        data = backup.file(path)
        body = canonical.decode(data)
        assert canonical.encode(body) == data, path
        document = normalize(CATALOG[path.split("/")[0]], body).document
        assert canonical.encode(document.body) == data, path
        assert document_path(document.address) == path


def test_an_untouched_org_adds_no_commit_but_a_run(
    recorded: tuple[Backup, dict[str, int]],
) -> None:
    backup, _ = recorded
    first = backup.capture()
    tree, objects = backup.tree(), objects_in(backup)
    assert first.committed
    again = backup.capture()
    assert not again.committed
    assert again.commit == first.commit
    assert backup.tree() == tree
    assert backup.count(backup.branch) == 1
    assert backup.count("journal/real") == 2
    # The run added its record, its tree and its commit, and nothing else.
    assert objects_in(backup) - objects == 3


def objects_in(backup: Backup) -> int:
    """How many objects the repository's packs hold."""
    return int(backup.git("count-objects", "-v").split("in-pack: ")[1].split()[0])


def test_plain_git_reads_it(recorded: tuple[Backup, dict[str, int]], tmp_path: Path) -> None:
    backup, _ = recorded
    backup.capture()
    org = backup.org
    monitor = next(iter(org.resources("monitors").values()))
    monitor["message"] = "changed by hand\nsecond line"
    backup.capture()
    assert backup.git("fsck", "--strict", "--full") == ""
    shown = backup.git("diff", f"{backup.branch}~1", backup.branch, "--", "monitors")
    assert 'changed by hand\\nsecond line"' in shown
    assert backup.git("log", "--oneline", backup.branch).count("\n") == 2
    git(tmp_path, "clone", "-q", "-b", backup.branch, str(backup.folder), "copy")
    copied = sorted(path.name for path in (tmp_path / "copy" / "monitors").iterdir())
    assert len(copied) == len(backup.paths("monitors/"))
    backup.git("gc", "-q", "--prune=now")
    assert backup.git("fsck", "--strict", "--full") == ""
    assert not backup.capture().committed


def test_the_recorded_org_is_the_same_after_its_snapshot_was_loaded_elsewhere(
    recorded: tuple[Backup, dict[str, int]], sandbox: Sandbox, tmp_path: Path
) -> None:
    backup, _ = recorded
    backup.capture()
    before = {path: backup.document(path) for path in backup.paths() if "/" in path}
    other = sandbox.add_org("other")
    other.load_snapshot((path.partition("/")[0], body) for path, body in before.items())
    again = make_backup(sandbox, other, tmp_path / "again")
    assert not again.capture().partial
    after = {path: again.document(path) for path in again.paths() if "/" in path}
    assert sorted(after) == sorted(before)
    for path, body in before.items():
        type_ = CATALOG[path.partition("/")[0]]
        for document in (body, after[path]):
            for at in (*type_.provenance, *type_.derived):
                field_path(at).remove(document)
        assert after[path] == body, path
