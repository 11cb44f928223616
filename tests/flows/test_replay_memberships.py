"""Who is in which team: people's own decisions are written, and no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pairs import api, pair

from ddsnap.sandbox import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import Any

    from pairs import Pair, Side


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_a_member_who_joins_after_the_plan_gets_the_role_by_the_next_one(orgs: Pair) -> None:
    orgs.us1.join(orgs.us1.team("core"), orgs.us1.user("u@e.example"), "admin")
    orgs.eu1.team("core")
    orgs.eu1.user("u@e.example")
    team, user = (orgs.eu1.one(t, n)["id"] for t, n in
                  (("teams", "core"), ("users", "u@e.example")))  # fmt: skip

    def meanwhile(sent: Any) -> Any:
        orgs.eu1.join(team, user, None)
        return sent

    path = f"/team/{team}/memberships$"
    orgs.sandbox.faults.add(
        Fault(path=path, org="eu1", method="POST", times=1, mangle=meanwhile)
    )  # fmt: skip
    orgs.replay(code=4)
    (told,) = (one for one in orgs.outcomes().values() if one["status"] == "moved")
    assert told["type"] == "team_memberships"
    orgs.replay()
    (membership,) = orgs.eu1.all("team_memberships").values()
    assert membership["attributes"]["role"] == "admin"
    orgs.settle()


def test_a_members_role_follows_the_source_and_none_is_none(orgs: Pair) -> None:
    team, user = orgs.us1.team("core"), orgs.us1.user("u@e.example")
    orgs.us1.join(team, user, "admin")
    orgs.replay()
    change = api("team_memberships", {"role": None})
    orgs.us1.send("PATCH", f"/api/v2/team/{team}/memberships/{user}", change)
    said = orgs.replay()
    assert [write.method for write in said.writes] == ["PATCH"]
    (membership,) = orgs.eu1.all("team_memberships").values()
    assert membership["attributes"]["role"] is None
    orgs.settle()


# --- what others decide


def manage(side: Side, team: str) -> str:
    """Let a team come from an external source."""
    side.all("teams")[team]["attributes"]["is_managed"] = True
    return team


def map_members(side: Side) -> None:
    """Let all memberships come from a SAML mapping."""
    for body in side.all("team_memberships").values():
        body["attributes"].update(provisioned_by="saml_mapping", provisioned_by_id=None)


def test_a_team_that_is_managed_elsewhere_is_left_alone(orgs: Pair) -> None:
    for side, text in ((orgs.us1, "ours"), (orgs.eu1, "theirs")):
        manage(side, side.team("core", description=text))
    manage(orgs.us1, orgs.us1.team("lost"))
    said = orgs.replay(code=4)
    assert said.sent == []
    assert orgs.eu1.one("teams", "core")["attributes"]["description"] == "theirs"
    assert orgs.outcomes()["core"]["reasons"] == ["it is managed elsewhere"]
    why = "it is managed elsewhere and is not at the destination"
    assert orgs.outcomes()["lost"]["error"] == why


@pytest.mark.parametrize("managed", ["us1", "eu1", "both"])
@pytest.mark.parametrize("there", [False, True])
def test_who_is_in_such_a_team_is_not_for_people_to_decide(
    orgs: Pair, managed: str, there: bool
) -> None:
    for side in (orgs.us1, orgs.eu1):
        team, user = side.team("core"), side.user("u@e.example")
        if side is orgs.us1 or there:
            side.join(team, user, "admin" if side is orgs.us1 else None)
        if managed in (side.org.name, "both"):
            manage(side, team)
    before = [*orgs.eu1.all("team_memberships").values()]
    assert orgs.replay().sent == []
    assert [*orgs.eu1.all("team_memberships").values()] == before
    (told,) = [one for one in orgs.outcomes().values() if one["type"] == "team_memberships"]
    assert (told["status"], told["reasons"]) == ("unchanged", ["its team is managed elsewhere"])
    orgs.settle()


def test_no_member_of_a_managed_team_that_is_not_there_is_a_trouble_of_its_own(orgs: Pair) -> None:
    team = orgs.us1.team("core")
    orgs.us1.join(team, orgs.us1.user("u@e.example"))
    manage(orgs.us1, team)
    assert orgs.replay(code=4).sent == ["POST /api/v2/users"]
    statuses = {one["type"]: one["status"] for one in orgs.outcomes().values()}
    assert (statuses["teams"], statuses["team_memberships"]) == ("blocked", "unchanged")


@pytest.mark.parametrize("there", [False, True])
def test_what_a_saml_mapping_makes_comes_by_itself(orgs: Pair, there: bool) -> None:
    for side in (orgs.us1, orgs.eu1):
        team, user = side.team("core"), side.user("u@e.example")
        if side is orgs.us1 or there:
            side.join(team, user, "admin" if side is orgs.us1 else None)
    map_members(orgs.us1)
    assert orgs.replay().sent == []
    (told,) = [one for one in orgs.outcomes().values() if one["type"] == "team_memberships"]
    assert (told["status"], told["reasons"]) == ("unchanged", ["it comes from a SAML mapping"])
    assert all(b["attributes"]["role"] is None for b in orgs.eu1.all("team_memberships").values())
    orgs.settle()


def test_what_a_service_account_makes_is_somebodys_decision(orgs: Pair) -> None:
    orgs.us1.join(orgs.us1.team("core"), orgs.us1.user("u@e.example"))
    for body in orgs.us1.all("team_memberships").values():
        body["attributes"]["provisioned_by"] = "service_account"
    orgs.replay()
    assert len(orgs.eu1.all("team_memberships")) == 1


@pytest.mark.parametrize("how", [manage, map_members])
def test_nor_is_one_deleted_that_others_decide_about_by_now(orgs: Pair, how: Any) -> None:
    team, user = orgs.us1.team("core"), orgs.us1.user("u@e.example")
    orgs.us1.join(team, user)
    orgs.replay()
    orgs.us1.delete(f"/api/v2/team/{team}/memberships/{user}")
    how(*((orgs.eu1, orgs.ids("teams")[team]) if how is manage else (orgs.eu1,)))
    said = orgs.replay("--delete", code=4)
    assert said.sent == []
    words = "its team is managed elsewhere" if how is manage else "it comes from a SAML mapping"
    assert words in said.out
