"""Log pipelines, their order and metrics made of logs, as the sandbox serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Client

PIPELINES = "/api/v1/logs/config/pipelines"
ORDER = "/api/v1/logs/config/pipeline-order"
METRICS = "/api/v2/logs/config/metrics"
DATE = {"type": "date-remapper", "sources": ["date"], "name": "d", "is_enabled": True}


def made(client: Client, name: str, **more: Any) -> dict[str, Any]:
    status, body = client.ask("POST", PIPELINES, {"name": name, **more})
    assert status == 200, body
    return dict(body)


def test_a_pipeline_is_filled_in_and_stands_last(client: Client) -> None:
    first = made(client, "first")
    second = made(client, "second", tags=["b:2", "a:1"], processors=[DATE])
    assert (first["is_enabled"], first["is_read_only"], first["tags"]) == (False, False, [])
    assert first["filter"] == {"query": "*"}
    assert second["tags"] == ["a:1", "b:2"]
    assert client.get(ORDER) == {"pipeline_ids": [first["id"], second["id"]]}
    assert client.get(PIPELINES) == [first, second]


def test_what_does_not_exist_is_answered_with_400(client: Client) -> None:
    message = {"error": {"code": "InvalidArgument", "message": "Non existing pipeline"}}
    for method, body in (("GET", None), ("PUT", {"name": "x"}), ("DELETE", None)):
        assert client.ask(method, f"{PIPELINES}/none", body) == (400, message)


def test_an_integrations_pipeline_is_not_to_be_written(client: Client) -> None:
    row = {"id": "nginx", "name": "Nginx", "is_read_only": True, "processors": []}
    client.org.load("logs_pipelines", [row])
    answer = client.send("PUT", f"{PIPELINES}/nginx", {"name": "mine"})
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html")
    assert client.ask("DELETE", f"{PIPELINES}/nginx")[0] == 400
    assert client.get(f"{PIPELINES}/nginx") == row


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": ""},
        {"id": "mine"},
        {"is_read_only": True},
        {"processors": [{"type": "odd"}]},
        {"processors": [{"type": "date-remapper"}]},
        {"processors": [{"type": "pipeline", "processors": [{"type": "pipeline"}]}]},
    ],
)
def test_a_bad_pipeline_is_refused(client: Client, wrong: dict[str, Any]) -> None:
    assert client.ask("POST", PIPELINES, {"name": "p", **wrong})[0] == 400
    assert client.get(PIPELINES) == []


def test_an_order_names_every_pipeline_once(client: Client) -> None:
    ids = [made(client, name)["id"] for name in ("a", "b")]
    for wrong in ([ids[0]], [*ids, "none"], [ids[0], *ids], None):
        assert client.ask("PUT", ORDER, {"pipeline_ids": wrong})[0] == 422
    turned = {"pipeline_ids": ids[::-1]}
    assert client.ask("PUT", ORDER, turned) == (200, turned)
    assert client.ask("DELETE", f"{PIPELINES}/{ids[0]}") == (200, None)
    assert client.get(ORDER) == {"pipeline_ids": [ids[1]]}


def metric(id_: str, **attributes: Any) -> dict[str, Any]:
    own = {"compute": {"aggregation_type": "count"}, **attributes}
    return {"data": {"id": id_, "type": "logs_metrics", "attributes": own}}


def test_a_metric_is_spelled_as_metrics_are_and_its_name_serves_once(client: Client) -> None:
    status, body = client.ask("POST", METRICS, metric("logs-of.web"))
    assert (status, body["data"]["id"]) == (200, "logs_of.web")
    assert body["data"]["attributes"]["filter"] == {"query": "*"}
    assert client.ask("POST", METRICS, metric("logs_of.web"))[0] == 409
    assert client.get(METRICS)["data"] == [body["data"]]


def test_what_a_metric_computes_is_fixed(client: Client) -> None:
    compute = {"aggregation_type": "distribution", "path": "@x"}
    client.ask("POST", METRICS, metric("m", compute=compute))
    for wrong in ({"aggregation_type": "count"}, {"path": "@y"}):
        sent = {"data": {"type": "logs_metrics", "attributes": {"compute": wrong}}}
        assert client.ask("PATCH", f"{METRICS}/m", sent)[0] == 400
    more = {"compute": {"include_percentiles": True}, "group_by": [{"path": "@a.b"}]}
    sent = {"data": {"type": "logs_metrics", "attributes": more}}
    _, body = client.ask("PATCH", f"{METRICS}/m", sent)
    attributes = body["data"]["attributes"]
    assert attributes["compute"] == {**compute, "include_percentiles": True}
    assert attributes["group_by"] == [{"path": "@a.b", "tag_name": "a.b"}]
    assert client.ask("DELETE", f"{METRICS}/m") == (204, None)
    missing = {"errors": ["not_found(Metric with name 'm' not found)"]}
    assert client.ask("GET", f"{METRICS}/m") == (404, missing)


@pytest.mark.parametrize("compute", [{}, {"aggregation_type": "sum"}, None, {"path": "@x"}])
def test_a_bad_metric_is_refused(client: Client, compute: Any) -> None:
    assert client.ask("POST", METRICS, metric("m", compute=compute))[0] == 400
