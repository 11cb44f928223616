from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

LISTS = "/api/v1/dashboard/lists/manual"
NOTE: dict[str, Any] = {"definition": {"type": "note", "content": "text"}}
GROUP = {"definition": {"type": "group", "layout_type": "ordered", "widgets": [NOTE]}}
PACK: dict[str, Any] = {"name": "Health", "group_widget": GROUP}
EMPTY: dict[str, Any] = {"definition": {"type": "note"}}
CELL = {"type": "markdown", "text": "# Title"}
MARKDOWN = {"type": "notebook_cells", "attributes": {"definition": CELL}}
NOTEBOOK: dict[str, Any] = {"name": "Notes", "cells": [MARKDOWN], "time": {"live_span": "1h"}}


def members_of(id_: int) -> str:
    return f"/api/v2/dashboard/lists/manual/{id_}/dashboards"


def pack(client: Client, **changes: Any) -> tuple[int, Any]:
    data = {"type": "powerpack", "attributes": {**PACK, **changes}}
    return client.ask("POST", "/api/v2/powerpacks", {"data": data})


def notebook(client: Client, **changes: Any) -> tuple[int, Any]:
    data = {"type": "notebooks", "attributes": {**NOTEBOOK, **changes}}
    return client.ask("POST", "/api/v1/notebooks", {"data": data})


def test_a_list_has_its_name_in_one_api_and_its_members_in_another(seeded: Client) -> None:
    _, made = seeded.ask("POST", LISTS, {"name": "On call"})
    board = next(iter(seeded.org.resources("dashboards")))
    ours, theirs = (
        {"id": board, "type": "custom_timeboard"},
        {"id": "aws", "type": "integration_timeboard"},
    )
    path = members_of(made["id"])
    status, body = seeded.ask("PUT", path, {"dashboards": [ours]})
    assert (status, body) == (200, {"dashboards": [ours]})
    assert seeded.ask("POST", path, {"dashboards": [ours, theirs]})[1] == {
        "added_dashboards_to_list": [theirs]
    }
    shown = seeded.get(path)
    assert shown["total"] == 2
    assert shown["dashboards"][0]["title"] == seeded.org.resources("dashboards")[board]["title"]
    head = seeded.get(f"{LISTS}/{made['id']}")
    assert (head["dashboards"], head["dashboard_count"]) == (None, 2)
    assert head["modified"] > made["modified"]
    listed = {row["id"]: row for row in seeded.get(LISTS)["dashboard_lists"]}
    assert listed[made["id"]] == head
    assert seeded.ask("DELETE", path, {"dashboards": [theirs]})[1] == {
        "deleted_dashboards_from_list": [theirs]
    }


def test_a_deleted_dashboard_leaves_its_lists(seeded: Client) -> None:
    board = next(iter(seeded.org.resources("dashboards")))
    _, made = seeded.ask("POST", LISTS, {"name": "On call"})
    item = {"id": board, "type": "custom_timeboard"}
    seeded.ask("PUT", members_of(made["id"]), {"dashboards": [item]})
    seeded.ask("DELETE", f"/api/v1/dashboard/{board}")
    assert seeded.get(members_of(made["id"])) == {"dashboards": [], "total": 0}


@pytest.mark.parametrize(
    ("item", "status"),
    [
        ({"id": "abc-def-ghi", "type": "custom_timeboard"}, 404),
        ({"id": "abc-def-ghi", "type": "timeboard"}, 400),
        ({"id": 7, "type": "custom_timeboard"}, 400),
        ({"type": "integration_timeboard"}, 400),
    ],
)
def test_members_must_be_dashboards(client: Client, item: dict[str, Any], status: int) -> None:
    _, made = client.ask("POST", LISTS, {"name": "On call"})
    assert client.ask("PUT", members_of(made["id"]), {"dashboards": [item]})[0] == status
    assert client.ask("PUT", members_of(made["id"]), {})[0] == 400
    assert client.ask("PUT", members_of(1), {"dashboards": []})[0] == 404


def test_lists_are_renamed_and_deleted(client: Client) -> None:
    _, made = client.ask("POST", LISTS, {"name": "On call"})
    path = f"{LISTS}/{made['id']}"
    assert client.ask("PUT", path, {"name": "On call"})[1]["modified"] == made["modified"]
    assert client.ask("PUT", path, {"name": "Off"})[1]["modified"] > made["modified"]
    assert client.ask("POST", LISTS, {})[0] == 400
    assert client.ask("DELETE", path) == (200, {"deleted_dashboard_list_id": made["id"]})
    assert client.ask("GET", path)[0] == 404


def test_a_powerpack_is_filled_in(client: Client) -> None:
    status, body = pack(client)
    assert status == 200
    own = body["data"]["attributes"]
    assert own["group_widget"]["layout"] == {"width": 12, "height": 1, "x": 0, "y": 0}
    assert (own["tags"], own["template_variables"]) == ([], None)
    (widget,) = own["group_widget"]["definition"]["widgets"]
    assert len(str(widget["id"])) == 16
    assert body["included"][0]["id"] == client.org.owner
    path = f"/api/v2/powerpacks/{body['data']['id']}"
    data = {"data": {"type": "powerpack", "attributes": PACK}}
    again = client.ask("PATCH", path, data)[1]["data"]["attributes"]["group_widget"]
    assert again["definition"]["widgets"][0]["id"] != widget["id"]
    assert client.ask("DELETE", path)[0] == 204
    assert client.ask("GET", path)[0] == client.ask("GET", "/api/v2/powerpacks/x")[0] == 404


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"group_widget": {}},
        {"group_widget": {"definition": {**GROUP["definition"], "type": "note"}}},
        {"group_widget": {"definition": {**GROUP["definition"], "layout_type": "free"}}},
        {"group_widget": {"definition": {**GROUP["definition"], "widgets": [GROUP]}}},
        {"group_widget": {"definition": {**GROUP["definition"], "widgets": [EMPTY]}}},
        {"tags": [f"t:{n}" for n in range(9)]},
        {"tags": ["t:" + "x" * 79]},
    ],
)
def test_powerpacks_that_are_refused(client: Client, changes: dict[str, Any]) -> None:
    assert pack(client, **changes)[0] == 400


def test_powerpacks_come_25_at_a_time(client: Client) -> None:
    for _ in range(30):
        pack(client)
    assert len(client.get("/api/v2/powerpacks")["data"]) == 25
    page = client.get("/api/v2/powerpacks?page[limit]=20&page[offset]=20")
    assert len(page["data"]) == 10
    assert page["meta"]["pagination"]["next_offset"] == 40
    assert "total" not in page["meta"]["pagination"]


def test_templates_are_a_listing_of_their_own(client: Client) -> None:
    plain = notebook(client)[1]["data"]
    template = notebook(client, metadata={"is_template": True, "type": "runbook"})[1]["data"]
    assert [row["id"] for row in client.get("/api/v1/notebooks")["data"]] == [plain["id"]]
    listed = client.get("/api/v1/notebooks?is_template=true")
    assert [row["id"] for row in listed["data"]] == [template["id"]]
    assert listed["meta"]["page"] == {"total_count": 1, "total_filtered_count": 1}
    assert "is_favorite" not in listed["data"][0]["attributes"]["metadata"]
    bare = client.get("/api/v1/notebooks?include_cells=false")["data"][0]["attributes"]
    assert not {"cells", "time"} & bare.keys()


def test_notebooks_are_sorted_and_cut(client: Client) -> None:
    made = [notebook(client, name=f"n{n % 7}")[1]["data"] for n in range(120)]
    path = f"/api/v1/notebooks/{made[3]['id']}"
    client.ask("PUT", path, {"data": {"type": "notebooks", "attributes": NOTEBOOK}})
    assert client.get("/api/v1/notebooks?count=1")["data"][0]["id"] == made[3]["id"]
    query = "sort_field=created&sort_dir=asc"
    first = client.get(f"/api/v1/notebooks?{query}&count=500")["data"]
    assert [row["id"] for row in first] == [row["id"] for row in made[:100]]
    rest = client.get(f"/api/v1/notebooks?{query}&start=100")["data"]
    assert [row["id"] for row in rest] == [row["id"] for row in made[100:]]
    assert client.ask("GET", "/api/v1/notebooks?sort_field=id")[0] == 400


def test_cells_keep_the_ids_that_are_sent(client: Client) -> None:
    made = notebook(client, cells=[MARKDOWN, MARKDOWN])[1]["data"]
    first, second = made["attributes"]["cells"]
    assert len(first["id"]) == len(second["id"]) == 8
    data = {"type": "notebooks", "attributes": {**NOTEBOOK, "cells": [second, MARKDOWN]}}
    path = f"/api/v1/notebooks/{made['id']}"
    cells = client.ask("PUT", path, {"data": data})[1]["data"]["attributes"]["cells"]
    assert cells[0] == second
    assert cells[1]["id"] not in (first["id"], second["id"])
    assert client.ask("DELETE", path)[0] == 204
    assert client.ask("GET", path)[0] == 404
    assert client.ask("GET", "/api/v1/notebooks/x")[0] == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"name": None},
        {"name": "x" * 81},
        {"cells": None},
        {"cells": [{"type": "notebook_cells"}]},
        {"cells": [{"type": "notebook_cells", "attributes": {"definition": {"type": "markdown"}}}]},
        {"time": {}},
        {"status": "draft"},
        {"metadata": {"type": "poem"}},
    ],
)
def test_notebooks_that_are_refused(client: Client, changes: dict[str, Any]) -> None:
    assert notebook(client, **changes)[0] == 400
