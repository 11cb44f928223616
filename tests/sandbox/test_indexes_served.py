from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

ALL = "/api/v1/logs/config/indexes"
ORDER = "/api/v1/logs/config/index-order"
FILTER = {"filter": {"query": "service:web"}}


def create(client: Client, name: str, **more: Any) -> tuple[int, Any]:
    return client.ask("POST", ALL, {"name": name, **FILTER, **more})


def test_an_index_is_created_with_defaults_at_the_end_of_the_order(client: Client) -> None:
    status, body = create(client, "web")
    assert status == 200
    assert (body["num_retention_days"], body["daily_limit"]) == (15, None)
    assert client.get(f"{ALL}/web") == body
    assert [row["name"] for row in client.get(ALL)["indexes"]] == ["main", "web"]
    assert client.get(ORDER) == {"index_names": ["main", "web"]}


@pytest.mark.parametrize(
    ("name", "more"),
    [
        ("", {}),
        ("Web", {}),
        ("a/b", {}),
        ("main", {}),
        ("web", {"filter": {}}),
        ("web", {"num_retention_days": 8}),
        ("web", {"daily_limit": None}),
        ("web", {"daily_limit": 0}),
        ("web", {"exclusion_filters": [{"filter": {"sample_rate": 1}}]}),
        ("web", {"exclusion_filters": [{"name": "x", "filter": {}}]}),
    ],
)
def test_a_bad_index_is_refused(client: Client, name: str, more: dict[str, Any]) -> None:
    status, body = create(client, name, **more)
    assert (status, body["error"]["code"]) == (400, "InvalidArgument")
    assert list(client.org.resources("logs_indexes")) == ["main"]


def test_an_update_has_no_name_and_keeps_the_quota_unless_lifted(client: Client) -> None:
    create(client, "web", daily_limit=100, tags=["a:b"])
    path = f"{ALL}/web"
    assert client.ask("PUT", path, {"name": "web", **FILTER})[0] == 400
    exclusion = {"name": "x", "filter": {"query": "*", "sample_rate": 1}}
    _, body = client.ask("PUT", path, {**FILTER, "exclusion_filters": [exclusion]})
    assert (body["daily_limit"], body["tags"]) == (100, [])
    assert body["exclusion_filters"][0]["is_enabled"] is True
    assert repr(body["exclusion_filters"][0]["filter"]["sample_rate"]) == "1.0"
    _, body = client.ask("PUT", path, {**FILTER, "disable_daily_limit": True})
    assert body["daily_limit"] is None
    assert client.ask("PUT", f"{ALL}/none", FILTER)[0] == 404


def test_a_deleted_index_stays_in_the_order_and_its_name_is_burnt(client: Client) -> None:
    create(client, "web")
    assert client.ask("DELETE", f"{ALL}/web") == (202, None)
    missing = (404, {"error": {"code": "NotFound", "message": "No such index"}})
    assert client.ask("GET", f"{ALL}/web") == missing
    assert client.get(ORDER) == {"index_names": ["main", "web"]}
    assert create(client, "web")[0] == 400
    assert client.ask("PUT", ORDER, {"index_names": ["main"]}) == (
        200,
        {"index_names": ["main", "web"]},
    )


@pytest.mark.parametrize(
    "names", [["main"], ["main", "web", "none"], ["main", "main", "web"], "main", None]
)
def test_an_order_names_every_index_once(client: Client, names: object) -> None:
    create(client, "web")
    assert client.ask("PUT", ORDER, {"index_names": names})[0] == 400
    assert client.ask("PUT", ORDER, {"index_names": ["web", "main"]})[0] == 200
    assert client.get(ORDER) == {"index_names": ["web", "main"]}
