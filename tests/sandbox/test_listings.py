from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client


def by_number(client: Client, path: str, size: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for number in range(1000):
        page = client.get(f"{path}?page[number]={number}&page[size]={size}")["data"]
        found += page
        if len(page) < size:
            return found
    raise AssertionError("the listing has no end")


@pytest.mark.parametrize(
    ("path", "type_name"),
    [("/api/v2/users", "users"), ("/api/v2/roles", "roles"), ("/api/v2/team", "teams")],
)
def test_numbered_pages_give_every_item_once(seeded: Client, path: str, type_name: str) -> None:
    everything = list(seeded.org.resources(type_name))
    assert [item["id"] for item in by_number(seeded, path, 4)] == everything
    assert len(seeded.get(path)["data"]) == min(10, len(everything))


def test_page_sizes_have_caps(seeded: Client) -> None:
    for number in range(120):
        role = {"id": f"r{number}", "attributes": {"name": f"role {number}"}}
        seeded.org.load("roles", [role])
    assert len(seeded.get("/api/v2/roles?page[size]=5000")["data"]) == 100
    users = seeded.get("/api/v2/users?page[size]=5000")
    assert len(users["data"]) == len(seeded.org.resources("users"))
    assert users["meta"]["page"]["max_page_size"] == 1000
    monitors = [{"id": id_, "type": "metric alert", "name": str(id_)} for id_ in range(1, 1101)]
    seeded.org.load("monitors", monitors)
    assert len(seeded.get("/api/v1/monitor?page=0&page_size=5000")) == 1000


@pytest.mark.parametrize(
    "query", ["page[size]=0", "page[size]=x", "page[number]=-1", "page[size]=1e3"]
)
def test_page_numbers_must_be_numbers(client: Client, query: str) -> None:
    assert client.ask("GET", f"/api/v2/roles?{query}")[0] == 400


def test_monitors_come_at_once_by_page_or_after_an_id(seeded: Client) -> None:
    everything = seeded.get("/api/v1/monitor")
    ids = [item["id"] for item in everything]
    owned = seeded.org.resources("synthetics_tests")  # each owns a monitor
    assert len(ids) == len(seeded.org.resources("monitors")) + len(owned)
    assert len(seeded.get("/api/v1/monitor?page=0")) == 100
    pages = [seeded.get(f"/api/v1/monitor?page={n}&page_size=50") for n in range(4)]
    assert [item["id"] for page in pages for item in page] == ids
    seen, last = [], 0
    while page := seeded.get(f"/api/v1/monitor?id_offset={last}&page_size=40"):
        seen += [item["id"] for item in page]
        last = seen[-1]
    assert seen == ids == sorted(ids)


def test_dashboards_are_listed_by_header_alone(seeded: Client) -> None:
    rows = seeded.get("/api/v1/dashboard")["dashboards"]
    assert [row["id"] for row in rows] == list(seeded.org.resources("dashboards"))
    assert all("widgets" not in row and row["deleted_at"] is None for row in rows)
    part = seeded.get("/api/v1/dashboard?start=3&count=4")["dashboards"]
    assert part == rows[3:7]


def test_the_members_of_a_team_are_paged_with_their_users(seeded: Client) -> None:
    team, members = max(seeded.org.members.items(), key=lambda item: len(item[1]))
    path = f"/api/v2/team/{team}/memberships"
    rows = by_number(seeded, path, 2)
    assert {row["relationships"]["user"]["data"]["id"] for row in rows} == set(members)
    assert all("team" not in row["relationships"] for row in rows)
    page = seeded.get(f"{path}?page[size]=1")
    assert page["meta"]["pagination"]["total"] == len(members)
    assert page["included"][0]["id"] == page["data"][0]["relationships"]["user"]["data"]["id"]
    missing = "/api/v2/team/00000000-0000-0000-0000-000000000000/memberships"
    assert seeded.ask("GET", missing)[0] == 404


def test_users_and_teams_can_be_searched(seeded: Client) -> None:
    user = list(seeded.org.resources("users").values())[3]["attributes"]
    found = seeded.get(f"/api/v2/users?filter={user['email']}")
    assert user["email"] in [row["attributes"]["email"] for row in found["data"]]
    team = next(iter(seeded.org.resources("teams").values()))["attributes"]
    found = seeded.get(f"/api/v2/team?filter[keyword]={team['handle']}")
    assert [row["attributes"]["handle"] for row in found["data"]] == [team["handle"]]
