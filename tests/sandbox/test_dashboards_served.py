from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

NOTE: dict[str, Any] = {"definition": {"type": "note", "content": "text"}}
GROUP = {"definition": {"type": "group", "layout_type": "ordered", "widgets": [NOTE, NOTE]}}
BOARD: dict[str, Any] = {"title": "It's on: [fire]", "layout_type": "ordered", "widgets": [NOTE]}


def create(client: Client, **changes: Any) -> dict[str, Any]:
    status, body = client.ask("POST", "/api/v1/dashboard", {**BOARD, **changes})
    assert status == 200, body
    made: dict[str, Any] = body
    return made


def test_a_dashboard_gets_ids_an_address_and_an_author(client: Client) -> None:
    made = create(client, id="own-own-own", author_handle="me", widgets=[NOTE, GROUP])
    assert made["id"] != "own-own-own"
    assert made["url"] == f"/dashboard/{made['id']}/its-on-fire"
    assert made["author_handle"] == "admin@us1.example"
    inner = [widget["id"] for widget in made["widgets"][1]["definition"]["widgets"]]
    ids = [widget["id"] for widget in made["widgets"]] + inner
    assert len(set(ids)) == 4
    assert all(len(str(id_)) == 16 for id_ in ids)
    assert client.get(f"/api/v1/dashboard/{made['id']}") == made


def test_widget_ids_that_are_sent_stay(client: Client) -> None:
    made = create(client, widgets=[{**NOTE, "id": 0}, {**NOTE, "id": 7}, NOTE])
    assert [widget["id"] for widget in made["widgets"]][:2] == [0, 7]


def test_tabs_name_widgets_by_position_or_id(client: Client) -> None:
    tabs = [{"name": "One", "widget_ids": ["@2"]}, {"name": "Two", "widget_ids": [7]}]
    made = create(client, widgets=[{**NOTE, "id": 7}, NOTE], tabs=tabs)
    assert [tab["widget_ids"] for tab in made["tabs"]] == [[made["widgets"][1]["id"]], [7]]
    assert all(tab["id"] for tab in made["tabs"])
    for bad in ("@0", "@3", "7", 8, True):
        body = {**BOARD, "tabs": [{"name": "One", "widget_ids": [bad]}]}
        assert client.ask("POST", "/api/v1/dashboard", body)[0] == 400


def test_the_notified_are_sorted_users(seeded: Client) -> None:
    handles = [row["attributes"]["handle"] for row in seeded.org.resources("users").values()]
    made = create(seeded, notify_list=sorted(handles[:3], reverse=True))
    assert made["notify_list"] == sorted(handles[:3])
    assert create(seeded)["notify_list"] is None
    body = {**BOARD, "notify_list": ["stranger@acme.example"]}
    assert seeded.ask("POST", "/api/v1/dashboard", body)[0] == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"title": None},
        {"layout_type": "round"},
        {"widgets": {}},
        {"widgets": [{}]},
        {"widgets": [{"definition": {}}]},
        {"widgets": [{"definition": {"type": "group", "widgets": [{}]}}]},
        {"widgets": [{"definition": {"type": "note"}}]},
        {"widgets": [{"definition": {"type": "iframe", "url": None}}]},
        {"layout_type": "free"},
        {"tags": ["env:prod"]},
        {"restricted_roles": ["00000000-0000-0000-0000-000000000000"]},
        {"template_variables": [{"name": "a", "default": "x", "defaults": ["x"]}]},
        {"template_variables": [{"name": "a", "defaults": []}]},
    ],
)
def test_a_bad_dashboard_is_refused(client: Client, changes: dict[str, Any]) -> None:
    status, body = client.ask("POST", "/api/v1/dashboard", {**BOARD, **changes})
    assert status == 400
    assert body["errors"]
    assert client.get("/api/v1/dashboard") == {"dashboards": []}


def test_an_update_replaces_everything_but_the_origin(client: Client) -> None:
    made = create(client, description="old", tags=["team:a"])
    path = f"/api/v1/dashboard/{made['id']}"
    status, body = client.ask("PUT", path, {**BOARD, "title": "New"})
    assert status == 200
    assert (body["title"], body["description"]) == ("New", None)
    assert "tags" not in body
    assert body["created_at"] == made["created_at"]
    assert body["modified_at"] > made["modified_at"]
    assert client.ask("PUT", path, {"title": "New"})[0] == 400
    assert client.ask("PUT", "/api/v1/dashboard/none", BOARD)[0] == 404


def test_a_read_only_dashboard_cannot_be_changed(client: Client) -> None:
    made = create(client, is_read_only=True)
    status, body = client.ask("PUT", f"/api/v1/dashboard/{made['id']}", BOARD)
    assert (status, body) == (403, {"errors": ["This dashboard is read-only"]})


def test_a_deleted_dashboard_can_be_listed_and_restored(client: Client) -> None:
    made = create(client)
    path = f"/api/v1/dashboard/{made['id']}"
    assert client.ask("DELETE", path) == (200, {"deleted_dashboard_id": made["id"]})
    assert client.ask("GET", path)[0] == 404
    (gone,) = client.get("/api/v1/dashboard?filter[deleted]=true")["dashboards"]
    assert gone["id"] == made["id"]
    assert gone["deleted_at"] is not None
    named = {"data": [{"id": made["id"], "type": "dashboard"}]}
    assert client.ask("PATCH", "/api/v1/dashboard", named) == (204, None)
    assert client.get(path) == made
    assert client.ask("PATCH", "/api/v1/dashboard", named)[0] == 404


def test_several_are_deleted_all_or_none(client: Client) -> None:
    ids = [create(client)["id"], create(client)["id"]]
    named = [{"id": id_, "type": "dashboard"} for id_ in ids]
    bad = {"data": [*named, {"id": "none", "type": "dashboard"}]}
    assert client.ask("DELETE", "/api/v1/dashboard", bad)[0] == 404
    assert len(client.get("/api/v1/dashboard")["dashboards"]) == 2
    assert client.ask("DELETE", "/api/v1/dashboard", {"data": named}) == (204, None)
    assert client.get("/api/v1/dashboard") == {"dashboards": []}
    assert client.ask("DELETE", "/api/v1/dashboard", {"data": []})[0] == 400
