"""Whoever replays, and somebody at all, can administrate the org when the replay is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import pair

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pairs import Pair

ADMIN = "Datadog Admin Role"
POWER = "user_access_manage"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def holding(orgs: Pair, *roles: str) -> None:
    """Let the owner of the keys of ``eu1``, whom the source does not know, hold these alone."""
    robot = orgs.eu1.all("users")[orgs.eu1.org.owner]
    robot["attributes"].update(handle="robot@e.example", email="robot@e.example")
    robot["relationships"]["roles"]["data"] = [{"type": "roles", "id": one} for one in roles]


def granted(orgs: Pair, role: str) -> set[str]:
    known = orgs.eu1.all("permissions")
    links = orgs.eu1.all("roles")[role]["relationships"]["permissions"]["data"]
    return {known[link["id"]]["attributes"]["name"] for link in links}


@pytest.mark.parametrize("words", [(), ("roles",), ("roles", "--no-dependencies")])
def test_a_role_does_not_lose_what_lets_who_replays_administrate(
    orgs: Pair, words: tuple[str, ...]
) -> None:
    orgs.us1.role("Ops", "dashboards_read")
    there = orgs.eu1.role("Ops", POWER, "dashboards_read")
    orgs.eu1.user("boss@e.example", orgs.eu1.one("roles", ADMIN)["id"])
    holding(orgs, there)
    said = orgs.replay(*words, code=4)
    assert said.on("/roles") == []
    assert orgs.outcomes()["Ops"]["status"] == "blocked"
    assert f"it would take {POWER} from the user who replays" in said.out
    assert POWER in granted(orgs, there)


def test_it_may_where_another_role_gives_the_same(orgs: Pair) -> None:
    orgs.us1.role("Ops", "dashboards_read")
    there = orgs.eu1.role("Ops", POWER, "dashboards_read")
    holding(orgs, there, orgs.eu1.role("Own", POWER))
    assert len(orgs.replay().on(f"/roles/{there}", "PATCH")) == 1
    assert granted(orgs, there) == {"dashboards_read"}


def test_a_role_does_not_lose_what_lets_anybody_administrate(orgs: Pair) -> None:
    orgs.us1.role("Ops", "dashboards_read")
    there = orgs.eu1.role("Ops", POWER, "dashboards_read")
    orgs.eu1.user("boss@e.example", there)
    holding(orgs)
    said = orgs.replay(code=4)
    assert said.on("/roles") == []
    assert f"nobody active would have {POWER} any more" in said.out
    assert POWER in granted(orgs, there)
