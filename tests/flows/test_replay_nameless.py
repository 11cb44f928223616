"""Snapshots by keys that could not tell which org they are of: their users tell it as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import pair

from ddsnap.config import variable
from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def capture_nameless(orgs: Pair, *, users: bool = True) -> None:
    """Capture by keys that may see neither the org's public id nor, maybe, its users."""
    org = orgs.us1.org
    told = {"data": {"type": "orgs", "id": org.uuid}}
    owner = {"type": "users", "id": org.owner, "attributes": {"handle": "owner@e.example"},
             "relationships": {"org": told}}  # fmt: skip
    faults = [
        Fault(path="^/api/v1/org$", status=403, org="us1"),
        Fault(path="^/api/v2/current_user$", status=200, body={"data": owner}, org="us1"),
    ]
    if not users:
        faults.append(Fault(path="^/api/v2/users", status=403, org="us1"))
    for fault in faults:
        orgs.sandbox.faults.add(fault)
    said = orgs.run("-q", "capture", "us1")
    assert said.code == 0, said
    for fault in faults:
        orgs.sandbox.faults.remove(fault)


@pytest.mark.parametrize("users", [True, False])
def test_a_restore_is_one_within_the_org(orgs: Pair, *, users: bool) -> None:
    lost, kept = orgs.us1.monitor("lost"), orgs.us1.monitor("kept", query="avg(last_1h):b{*} > 1")
    widget = {"type": "alert_graph", "alert_id": lost, "viz_type": "timeseries"}
    board = orgs.us1.dashboard("Board", widget)
    capture_nameless(orgs, users=users)
    orgs.us1.put(f"/api/v1/monitor/{kept}", {"message": "broken by somebody"})
    orgs.us1.delete(f"/api/v1/monitor/{lost}?force=true")
    said = orgs.run("restore", "us1", f"monitors/{kept}", f"monitors/{lost}", "--yes")
    assert said.code == 0, said
    assert orgs.us1.all("monitors")[kept]["message"] == "text"
    new = orgs.us1.one("monitors", "lost")
    assert new["tags"] == []
    shown = orgs.us1.all("dashboards")[board]["widgets"][0]["definition"]["alert_id"]
    assert shown == str(new["id"])
    assert orgs.us1.all("downtime_schedules") == {}


def test_the_keys_of_the_source_are_known_by_its_users(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    orgs.us1.monitor("load")
    capture_nameless(orgs)
    for key in ("api_key", "app_key"):
        monkeypatch.setenv(variable("eu1", key), getattr(orgs.us1.org, key))
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes")
    assert (said.code, said.sent) == (6, [])
    assert "the keys of eu1 belong to us1" in said.err
    assert len(said.err.splitlines()) <= 3


def test_what_nothing_tells_apart_is_refused(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    capture_nameless(orgs, users=False)
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes")
    assert (said.code, said.sent) == (6, [])
    assert "tells which org it is of: it may be eu1 itself" in said.err


def test_another_org_by_the_same_name_is_refused(
    orgs: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    orgs.us1.monitor("load")
    capture_nameless(orgs)
    for key in ("api_key", "app_key"):
        monkeypatch.setenv(variable("us1", key), getattr(orgs.eu1.org, key))
    said = orgs.run("restore", "us1", "monitors/load", "--yes")
    assert (said.code, said.sent) == (6, [])
    assert "belong to another org than the snapshot is of" in said.err


def test_good_keys_that_may_not_tell_their_org_can_capture_and_not_replay(orgs: Pair) -> None:
    orgs.us1.monitor("load")
    for path in ("^/api/v2/current_user$", "^/api/v1/org$"):
        orgs.sandbox.faults.add(Fault(path=path, status=403))
    said = orgs.run("capture", "us1")
    assert said.code == 0, said
    assert "the keys of us1 cannot tell which org they belong to" in said.err
    said = orgs.run("replay", "us1", "--to", "eu1", "--yes")
    assert (said.code, said.sent) == (6, [])
    assert "user_access_read" in said.err
