"""Indexes, pipelines, their orders and metrics made of logs, from one org to another."""

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

INDEXES = "/api/v1/logs/config/indexes"
PIPELINES = "/api/v1/logs/config/pipelines"
ORDER = "/api/v1/logs/config/pipeline-order"
METRICS = "/api/v2/logs/config/metrics"


@pytest.fixture
def orgs(tmp_path: Path) -> Iterator[Pair]:
    with pair(tmp_path) as made:
        yield made


def test_an_order_is_sent_whole_and_theirs_keep_their_place(orgs: Pair) -> None:
    for name in "abc":
        pipeline(orgs.us1, name)
    theirs = pipeline(orgs.eu1, "theirs")
    pipeline(orgs.eu1, "more of theirs")
    orgs.replay()
    assert ordered(orgs.eu1) == ["theirs", "more of theirs", "a", "b", "c"]
    ids = orgs.us1.get(ORDER)["pipeline_ids"]
    orgs.us1.put(ORDER, {"pipeline_ids": ids[::-1]})
    mine = orgs.ids("logs_pipelines")
    orgs.eu1.put(ORDER, {"pipeline_ids": [mine[ids[0]], theirs, mine[ids[1]],
                 *(i for i in orgs.eu1.all("logs_pipelines")
                   if i not in (mine[ids[0]], mine[ids[1]], theirs))]})  # fmt: skip
    said = orgs.replay()
    assert said.sent == [f"PUT {ORDER}"]
    assert sorted(said.writes[0].body["pipeline_ids"]) == sorted(orgs.eu1.all("logs_pipelines"))
    names = ordered(orgs.eu1)
    assert [name for name in names if name in "abc"] == ["c", "b", "a"]
    assert names[names.index("a") + 1] == "theirs"  # where it stood
    orgs.settle()


def test_what_is_made_there_while_an_order_is_written_is_taken_in(orgs: Pair) -> None:
    turned_round(orgs)
    pipeline(orgs.us1, "c")
    late = appearing(orgs, f"{PIPELINES}$", "POST")
    said = orgs.replay()
    (write,) = said.on(ORDER)
    assert late in write.body["pipeline_ids"]
    assert [name for name in ordered(orgs.eu1) if name != "late"] == ["b", "a", "c"]
    orgs.settle()


def test_an_order_that_is_refused_is_read_and_written_again(orgs: Pair) -> None:
    turned_round(orgs)
    appearing(orgs, ORDER, "PUT")
    said = orgs.replay()
    assert [write.status for write in said.on(ORDER)] == [422, 200]
    assert [name for name in ordered(orgs.eu1) if name != "late"] == ["b", "a"]
    assert orgs.run("verify").code == 0
    orgs.settle()


def test_an_order_that_somebody_has_changed_since_is_left_as_it_is(orgs: Pair) -> None:
    turned_round(orgs)
    pipeline(orgs.eu1, "theirs")
    pipeline(orgs.us1, "c")

    def meanwhile(sent: Any) -> Any:
        listed = orgs.eu1.all("logs_pipelines_order")["order"]["pipeline_ids"]
        listed.insert(0, listed.pop())
        return sent

    orgs.sandbox.faults.add(
        Fault(path=f"{PIPELINES}$", org="eu1", method="POST", nth=1, mangle=meanwhile)
    )
    said = orgs.replay(code=4)
    assert said.on(ORDER) == []
    (told,) = (one for one in orgs.outcomes().values() if one["type"] == "logs_pipelines_order")
    assert (told["status"], told["error"]) == (
        "moved",
        "somebody has changed it since the plan was made",
    )
    assert ordered(orgs.eu1) == ["theirs", "a", "b", "c"]
    assert orgs.run("verify").code == 0
    orgs.replay()
    assert [name for name in ordered(orgs.eu1) if name != "theirs"] == ["b", "a", "c"]
    orgs.settle()


def test_an_order_goes_on_without_a_member_that_failed(orgs: Pair) -> None:
    for name in "abc":
        pipeline(orgs.us1, name)
    bad = orgs.us1.one("logs_pipelines", "b")
    bad["processors"] = [{"type": "grok-parser", "name": "g", "is_enabled": True}]
    orgs.replay(code=4)
    assert orgs.outcomes()["b"]["status"] == "failed"
    assert "InvalidArgument" not in orgs.outcomes()["b"]["error"]
    assert ordered(orgs.eu1) == ["a", "c"]
    assert orgs.outcomes()["order"]["status"] in ("done", "unchanged")


def test_pipelines_of_integrations_are_never_written(orgs: Pair) -> None:
    for side, names in ((orgs.us1, ("nginx", "redis", "cron", "ufw")), (orgs.eu1, ("Nginx",))):
        for name in names:
            side.all("logs_pipelines")[pipeline(side, name)]["is_read_only"] = True
    pipeline(orgs.us1, "ours")
    orgs.us1.one("logs_pipelines", "nginx")["is_enabled"] = False
    orgs.us1.one("logs_pipelines", "redis")["filter"] = {"query": "source:redis"}
    said = orgs.replay()
    assert [write.body["name"] for write in said.on(PIPELINES)] == ["ours"]
    assert ordered(orgs.eu1) == ["Nginx", "ours"]
    told = orgs.outcomes()
    assert told["redis"]["status"] == "deferred"
    assert "it comes with the first log of source:redis" in told["redis"]["error"]
    assert told["cron"]["status"] == told["ufw"]["status"] == "unchanged"
    assert "where nothing brings it" in told["cron"]["reasons"][0]
    said = orgs.replay()
    assert said.sent == []
    assert "deferred: logs_pipelines 'redis'" in said.out
    assert "cron" not in said.out


def test_a_pipeline_that_came_by_itself_takes_its_place(orgs: Pair) -> None:
    orgs.us1.all("logs_pipelines")[pipeline(orgs.us1, "redis")]["is_read_only"] = True
    pipeline(orgs.us1, "ours")
    orgs.replay()
    orgs.eu1.all("logs_pipelines")[pipeline(orgs.eu1, "redis")]["is_read_only"] = True
    assert ordered(orgs.eu1) == ["ours", "redis"]
    orgs.replay()
    assert ordered(orgs.eu1) == ["redis", "ours"]
    orgs.settle()


def test_a_pipeline_with_a_table_that_is_not_known_is_not_written(orgs: Pair) -> None:
    made = pipeline(orgs.us1, "enriched")
    orgs.us1.all("logs_pipelines")[made]["processors"] = [
        {"type": "lookup-processor", "name": "l", "is_enabled": True, "source": "a", "target": "b",
         "lookup_enrichment_table": "customers"}
    ]  # fmt: skip
    said = orgs.replay(code=4)
    assert said.on(PIPELINES) == []
    assert "reference_tables" in orgs.outcomes()["enriched"]["error"]


# --- indexes


def test_a_name_that_was_deleted_there_cannot_come_back_and_says_so(orgs: Pair) -> None:
    orgs.us1.post(INDEXES, index("web"))
    orgs.us1.post(INDEXES, index("api"))
    orgs.eu1.post(INDEXES, index("web"))
    orgs.eu1.delete(f"{INDEXES}/web")
    said = orgs.replay(code=4)
    assert orgs.outcomes()["web"]["status"] == "failed"
    assert "is already in use or was in use" in said.out
    assert orgs.outcomes()["api"]["status"] == "done"


def test_a_retention_that_is_not_in_the_contract_says_so(orgs: Pair) -> None:
    orgs.us1.post(INDEXES, index("web"))
    orgs.us1.all("logs_indexes")["web"]["num_retention_days"] = 999
    said = orgs.replay(code=4)
    assert "not among the retentions of this organization" in said.out


def test_the_order_of_indexes_follows(orgs: Pair) -> None:
    for name in ("web", "api"):
        orgs.us1.post(INDEXES, index(name))
    orgs.eu1.post(INDEXES, index("own"))
    orgs.us1.put("/api/v1/logs/config/index-order", {"index_names": ["api", "main", "web"]})
    orgs.replay()
    names = orgs.eu1.get("/api/v1/logs/config/index-order")["index_names"]
    assert [name for name in names if name != "own"] == ["api", "main", "web"]
    assert "own" in names
    orgs.settle()


# --- metrics


def test_what_a_metric_computes_is_told_and_not_sent(orgs: Pair) -> None:
    for side, path in ((orgs.us1, "@a"), (orgs.eu1, "@b")):
        compute = {"aggregation_type": "distribution", "path": path}
        side.post(METRICS, metric("m", compute, "*"))
    orgs.us1.post(METRICS, metric("n", {"aggregation_type": "count"}, "new"))
    orgs.eu1.post(METRICS, metric("n", {"aggregation_type": "count"}, "old"))
    said = orgs.replay()
    assert said.sent == [f"PATCH {METRICS}/n"]
    assert orgs.eu1.all("logs_metrics")["n"]["attributes"]["filter"] == {"query": "new"}
    told = orgs.outcomes()["m"]
    assert "attributes.compute.path" in str(told["reasons"])
    assert "attributes.compute.path differs" in said.out
    for _ in range(2):  # nothing mends it, so it is told each time
        said = orgs.replay()
        assert said.sent == []
        told = said.out.partition("unchanged, although they differ (1)\n")[2]
        assert told.startswith('  . logs_metrics "m" m; attributes.compute.path differs, and only')


def turned_round(orgs: Pair) -> None:
    """Let both orgs have two pipelines, and the source the other one first by now."""
    for name in "ab":
        pipeline(orgs.us1, name)
    orgs.replay()
    orgs.us1.put(ORDER, {"pipeline_ids": orgs.us1.get(ORDER)["pipeline_ids"][::-1]})


def appearing(orgs: Pair, path: str, method: str) -> str:
    """Let a pipeline be there from the moment when such a request has come."""
    late = pipeline(orgs.eu1, "late")
    body = orgs.eu1.all("logs_pipelines").pop(late)
    listed = orgs.eu1.all("logs_pipelines_order")["order"]["pipeline_ids"]
    listed.remove(late)

    def meanwhile(sent: Any) -> Any:
        if late not in orgs.eu1.all("logs_pipelines"):
            orgs.eu1.all("logs_pipelines")[late] = body
            orgs.eu1.all("logs_pipelines_order")["order"]["pipeline_ids"].append(late)
        return sent

    orgs.sandbox.faults.add(Fault(path=path, org="eu1", method=method, mangle=meanwhile))
    return late


def ordered(side: Side) -> list[str]:
    known = side.all("logs_pipelines")
    return [known[id_]["name"] for id_ in side.get(ORDER)["pipeline_ids"]]


def pipeline(side: Side, name: str) -> str:
    body = {"name": name, "is_enabled": True, "filter": {"query": "*"}, "processors": []}
    return str(side.post(PIPELINES, body)["id"])


def index(name: str) -> dict[str, Any]:
    return {"name": name, "filter": {"query": "*"}, "num_retention_days": 15}


def metric(name: str, compute: dict[str, Any], query: str) -> dict[str, Any]:
    return api("logs_metrics", {"filter": {"query": query}, "compute": compute}, id=name)
