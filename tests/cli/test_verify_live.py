"""``verify --live``: what the last snapshot has, held against the org as it is now."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import Pair, pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        made.kept = made.us1.monitor("kept")
        made.gone = made.us1.monitor("gone", query="avg(last_5m):avg:gone{*} > 1")
        made.capture()
        yield made


def change(orgs: Pair) -> str:
    """Change one, delete one, and make one; return the id of that."""
    # Behind the back of the hint that says when it was changed.
    orgs.us1.all("monitors")[orgs.kept]["message"] = "another text"
    del orgs.us1.all("monitors")[orgs.gone]
    return orgs.us1.dashboard("New")


def test_a_snapshot_that_is_as_the_org_is_said_to_be_so(orgs: Pair) -> None:
    before = orgs.git("for-each-ref")
    said = orgs.run("verify", "us1", "--live", "--exit-code")
    assert said.code == 0, said
    assert "us1: sound (" in said.out
    assert said.out.splitlines()[-1].endswith("against the org as it is now: no differences")
    assert (said.sent, orgs.git("for-each-ref")) == ([], before)


def test_each_resource_that_differs_is_named(orgs: Pair) -> None:
    new = change(orgs)
    said = orgs.run("verify", "us1", "--live")
    assert said.code == 0, said
    assert f'us1: ~ monitors "kept" {orgs.kept}' in said.out
    assert f'us1: - monitors "gone" {orgs.gone}' in said.out
    assert f'us1: + dashboards "New" {new}' in said.out
    assert said.out.splitlines()[-1].endswith(": 1 added, 1 changed, 1 deleted")
    assert orgs.run("verify", "us1", "--live", "--exit-code").code == 5
    told = orgs.run("--json", "verify", "--live")
    assert {event["kind"] for event in told.events("drift")} == {"added", "changed", "deleted"}
    (compared,) = told.events("compared")
    assert (compared["name"], compared["differences"], compared["unread"]) == ("us1", 3, [])
    orgs.capture()
    older = orgs.run("verify", "us1~1", "--live", "--exit-code")
    assert older.code == 5
    assert "us1~1: ~ monitors" in older.out


def test_what_cannot_be_read_is_no_difference(orgs: Pair) -> None:
    orgs.sandbox.faults.add(Fault(org="us1", path="^/api/v1/monitor$", status=403))
    said = orgs.run("verify", "us1", "--live", "--exit-code")
    assert said.code == 4, said
    assert "monitors not read as a whole" in said.err


def test_the_exit_code_of_differences_needs_the_org(orgs: Pair) -> None:
    assert orgs.run("verify", "us1", "--exit-code").code == 2
    assert orgs.run("verify", "nope", "--live").code == 2
