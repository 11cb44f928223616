"""Histories that no run of ddsnap made: the next run heals them, or says what is wrong."""

from __future__ import annotations

import json
from copy import copy
from dataclasses import replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.errors import ExitCode, Refused, StoreError
from ddsnap.flows.absence import ended
from ddsnap.flows.capture import exit_code
from ddsnap.flows.drift import drift
from ddsnap.flows.read_org import Scope
from ddsnap.flows.view import live_view, snapshot_view
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from orgs import Backup

    from ddsnap.core.resource_type import Catalog

LONG = 10_000 * 86400.0


def commit(backup: Backup, branch: str, files: dict[str, bytes | None]) -> None:
    """Commit files to a machine's branch by hand."""
    backup.git("read-tree", branch)
    for path, data in files.items():
        if data is None:
            backup.git("rm", "-q", "--cached", path)
            continue
        (backup.folder / "given").write_bytes(data)
        blob = backup.git("hash-object", "-w", "given").strip()
        backup.git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    tree = backup.git("write-tree").strip()
    made = backup.git(
        "-c", "user.name=me", "-c", "user.email=me@x", "commit-tree", tree, "-p", branch, "-m", "x"
    )
    backup.git("update-ref", f"refs/heads/{branch}", made.strip())


def newer(backup: Backup) -> Catalog:
    """The same catalog by rules that are one newer."""
    catalog = copy(backup.catalog)
    catalog.rules += 1
    return catalog


def test_a_document_deleted_by_hand_comes_back(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    tree = backup.tree()
    paths = [
        backup.paths(f"{name}/")[0] for name in ("dashboards", "monitors", "restriction_policies")
    ]
    commit(backup, backup.branch, dict.fromkeys(paths))
    result = backup.capture(full_every=LONG)
    assert result.counts == {"added": 3}
    assert backup.tree() == tree


def test_a_foreign_file_is_taken_out(backup: Backup) -> None:
    backup.capture()
    tree = backup.tree()
    files = {"monitors/README.md": b"hello", "teams/a b.json": b"{}", "notes/x.json": b"{}"}
    commit(backup, backup.branch, files)
    result = backup.capture()
    assert exit_code(result) == ExitCode.DONE
    assert not result.changes
    assert backup.tree() == tree


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b"{}", b"\xff"])
def test_a_document_that_was_damaged_by_hand_is_mended(backup: Backup, content: bytes) -> None:
    backup.capture()
    tree = backup.tree()
    paths = [backup.paths(f"{name}/")[0] for name in ("dashboards", "monitors", "teams")]
    commit(backup, backup.branch, dict.fromkeys(paths, content))
    result = backup.capture()
    assert exit_code(result) == ExitCode.DONE
    assert backup.tree() == tree


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b"{}"])
def test_a_damaged_manifest_is_named(backup: Backup, content: bytes) -> None:
    backup.capture()
    commit(backup, backup.branch, {"snapshot.json": content})
    with pytest.raises(StoreError, match=r"snapshot\.json"):
        backup.capture()


@pytest.mark.parametrize("content", [b"", b"no JSON", b"[]", b"{}", b'{"read_at": 5}'])
def test_a_damaged_record_of_a_run_stops_nothing(backup: Backup, content: bytes) -> None:
    backup.capture()
    commit(backup, f"journal/{backup.org.name}", {"run.json": content})
    assert exit_code(backup.capture()) == ExitCode.DONE


def test_without_its_journal_a_backup_goes_on(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    backup.git("update-ref", "-d", f"refs/heads/journal/{backup.org.name}")
    result = backup.capture(full_every=LONG)
    assert not result.committed
    assert backup.count(f"journal/{backup.org.name}") == 1


@pytest.mark.parametrize("content", [b"no JSON", b"[]", b"{}"])
def test_what_was_damaged_by_hand_is_mended_after_an_upgrade(
    backup: Backup, content: bytes
) -> None:
    backup.capture()
    before = {path: backup.file(path) for path in backup.paths() if "/" in path}
    paths = [backup.paths(f"{name}/")[0] for name in ("dashboards", "monitors", "teams")]
    files = {**dict.fromkeys(paths, content), "monitors/README.md": b"hello"}
    commit(backup, backup.branch, {**files})
    backup.catalog = newer(backup)
    assert exit_code(backup.capture()) == ExitCode.DONE
    assert {path: backup.file(path) for path in backup.paths() if "/" in path} == before


def test_a_journal_of_another_org_is_not_gone_on_with(backup: Backup) -> None:
    """Its maps would lead into the other org."""
    backup.capture()
    backup.git("update-ref", "-d", f"refs/heads/{backup.branch}")
    other = backup.sandbox.add_org("other", seed=3, size=20)
    other.name = "us1"
    tips = backup.git("for-each-ref")
    with pytest.raises(Refused, match="the last run of us1 was against"):
        replace(backup, org=other).capture()
    assert backup.git("for-each-ref") == tips
    assert exit_code(backup.capture()) == ExitCode.DONE


def test_a_reading_dated_in_the_future_is_not_trusted(backup: Backup) -> None:
    backup.capture(full_every=LONG)
    branch = f"journal/{backup.org.name}"
    record = json.loads(backup.git("show", f"{branch}:run.json"))
    record["read_at"] = {name: when + 400 * 86400 for name, when in record["read_at"].items()}
    commit(backup, branch, {"run.json": json.dumps(record).encode()})
    dashboard = next(iter(backup.org.resources("dashboards").values()))
    dashboard["widgets"].append({"definition": {"type": "note", "content": "new"}, "id": 1})
    result = backup.capture(full_every=LONG)
    assert [change.address.id for change in result.changes] == [dashboard["id"]]


@pytest.mark.parametrize(
    ("end", "over"),
    [
        ("2026-01-01", True),
        ("20260101", True),
        ("2026-01-01T00:00:00", True),
        ("2999-01-01", False),
        ("never", False),
        ("", False),
        (5, True),
        (10**30, False),
        (True, False),
    ],
)
def test_an_end_is_understood_in_any_form(end: Any, over: bool) -> None:
    body = {"attributes": {"schedule": {"end": end}}}
    now = datetime(2026, 6, 1, tzinfo=timezone.utc)
    assert ended(CATALOG["downtime_schedules"], body, now) is over


def test_a_live_view_after_an_upgrade_keeps_what_it_cannot_read(backup: Backup) -> None:
    backup.capture()
    backup.sandbox.faults.add(Fault(r"^/api/v1/monitor$", status=503))
    skipped = next(iter(backup.org.resources("logs_pipelines")))
    backup.sandbox.faults.add(Fault(r"^/api/v1/logs/config/pipelines$", skip=skipped))
    before = sorted(path for path in backup.paths() if "/" in path)
    backup.catalog = newer(backup)
    tips = backup.git("for-each-ref")
    with backup.run() as run:
        view, _ = live_view(run, Scope(run.catalog.names))
        old = snapshot_view(run.repo, run.repo.branch(backup.branch) or "", "old")
        assert view.paths() == before
        assert list(drift(old, view, run.catalog)) == []
    assert backup.git("for-each-ref") == tips
