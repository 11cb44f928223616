"""Edits that leave no mark on the resource's own header: the next capture sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from orgs import Backup

LONG = 10_000 * 86400.0
"""A span so long that no resource's turn comes during a test."""


@pytest.fixture
def captured(seeded: Callable[[str, int, int], Backup]) -> Backup:
    backup = seeded("us1", 12, 240)
    backup.capture(full_every=LONG)
    return backup


def changed(backup: Backup) -> list[str]:
    return [str(c.address) for c in backup.capture(full_every=LONG).changes if c.kind == "changed"]


def first(backup: Backup, type_name: str) -> tuple[str, dict[str, Any]]:
    return next(iter(backup.org.resources(type_name).items()))


def test_members_of_a_list(captured: Backup) -> None:
    id_, board = first(captured, "dashboard_lists")
    dashboard, _ = first(captured, "dashboards")
    member = {"type": "custom_timeboard", "id": dashboard}
    held = captured.org.resources("dashboard_lists")[id_]["dashboards"]
    held[:] = held[1:] if held else [member]
    assert changed(captured) == [f"dashboard_lists/{id_}"], board


def test_permissions_of_a_role(captured: Backup) -> None:
    id_, role = next(
        (id_, role)
        for id_, role in captured.org.resources("roles").items()
        if not role["attributes"].get("managed")
    )
    role["relationships"]["permissions"]["data"].pop()
    assert changed(captured) == [f"roles/{id_}"]


def test_the_status_of_a_test(captured: Backup) -> None:
    id_, test = first(captured, "synthetics_tests")
    test["status"] = "paused" if test["status"] == "live" else "live"
    assert changed(captured) == [f"synthetics_tests/{id_}"]


def test_an_access_policy_is_seen_in_its_turn(captured: Backup) -> None:
    """Policies have no listing: ``types --cost`` names the delay, and ``--full`` ends it."""
    id_, policy = first(captured, "restriction_policies")
    policy["attributes"]["bindings"][0]["principals"].append("role:00000000-0000-0000-0000-000000")
    assert changed(captured) == []
    result = captured.capture(full=True)
    assert [str(c.address) for c in result.changes] == [f"restriction_policies/{id_}"]


def test_a_policy_that_is_taken_off_is_seen_in_its_turn(captured: Backup) -> None:
    id_, _ = first(captured, "restriction_policies")
    del captured.org.resources("restriction_policies")[id_]
    result = captured.capture(full=True)
    assert [(c.kind, c.address.id) for c in result.changes] == [("deleted", id_)]
