"""Service accounts from one org to another: the handles that Datadog makes up tell nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import api, pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_one_is_told_by_mail_and_name_and_made_once(orgs: Pair) -> None:
    """Many of them share the mailbox of their team."""
    ours = {name: orgs.us1.service_account(name) for name in ("Bot", "Other", "New")}
    there = {name: orgs.eu1.service_account(name) for name in ("Other", "Bot")}
    (told,) = [one for one in orgs.plan() if one["action"] == "create"]
    assert (told["type"], told["id"]) == ("users", ours["New"])
    assert orgs.replay().sent == ["POST /api/v2/service_accounts"]
    mapped = orgs.ids("users")
    assert {name: mapped[ours[name]] for name in there} == there
    lose_map(orgs)
    orgs.settle()
    assert orgs.ids("users") == mapped


def test_a_handle_that_datadog_made_up_is_no_difference(orgs: Pair) -> None:
    ours = orgs.us1.service_account("Bot")
    orgs.replay()
    change = api("users", {"name": "Robot"}, id=ours)
    orgs.us1.send("PATCH", f"/api/v2/users/{ours}", change)
    told = {one["id"]: one for one in orgs.plan()}[ours]
    assert (told["action"], told["reasons"]) == ("update", [])
    assert [operation["path"] for operation in told["patch"]] == ["/attributes/name"]
    orgs.replay()
    there = orgs.eu1.one("users", "Robot")
    assert there["id"] == orgs.ids("users")[ours]
    lose_map(orgs)
    orgs.settle()


def test_those_of_one_mail_and_name_are_not_told_apart(orgs: Pair) -> None:
    ours = [orgs.us1.service_account("Bot") for _ in range(2)]
    orgs.replay()
    assert len({orgs.ids("users")[one] for one in ours}) == 2
    orgs.settle()
    lose_map(orgs)
    assert orgs.replay(code=4).sent == []
    told = [one for one in orgs.outcomes().values() if one["id"] in ours]
    assert [one["status"] for one in told] == ["ambiguous", "ambiguous"]


def lose_map(orgs: Pair) -> None:
    orgs.git("update-ref", "-d", "refs/heads/journal/eu1")
