"""What people change about logs: processors, their order, the order of pipelines, metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.state import ORDER

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from ddsnap.sandbox.org import SandboxOrg


def _own_pipelines(org: SandboxOrg) -> list[str]:
    table = org.table("logs_pipelines")
    return [id_ for id_, row in table.items() if not row["is_read_only"]]


def _turn_processors(org: SandboxOrg, rng: random.Random) -> str:
    rows = [org.table("logs_pipelines")[id_] for id_ in _own_pipelines(org)]
    rows = [row for row in rows if len(row["processors"]) > 1]
    if not rows:
        return ""
    row = rng.choice(rows)
    row["processors"] = [*row["processors"][1:], row["processors"][0]]
    return f"logs_pipelines/{row['id']}: its first processor is now the last"


def _switch_pipeline(org: SandboxOrg, rng: random.Random) -> str:
    ids = _own_pipelines(org)
    if not ids:
        return ""
    row = org.table("logs_pipelines")[rng.choice(ids)]
    row["is_enabled"] = not row["is_enabled"]
    return f"logs_pipelines/{row['id']}: enabled is {row['is_enabled']}"


def _move_pipeline(org: SandboxOrg, rng: random.Random) -> str:
    order = org.table("logs_pipelines_order").get(ORDER, {"pipeline_ids": []})["pipeline_ids"]
    if len(order) < 2:
        return ""
    place = rng.randrange(1, len(order))
    order.insert(0, order.pop(place))
    return f"logs_pipelines_order/{ORDER}: {order[0]} is now the first"


def _requery_metric(org: SandboxOrg, rng: random.Random) -> str:
    row = rng.choice(list(org.table("logs_metrics").values()))
    attributes = row["attributes"]
    query = f"{attributes['filter']['query'].partition(' AND ')[0]} AND @v:{rng.randint(1, 9999)}"
    row["attributes"] = {**attributes, "filter": {"query": query}}
    return f"logs_metrics/{row['id']}: counts {query}"


EDITS: tuple[tuple[str, Callable[[SandboxOrg, random.Random], str]], ...] = (
    ("logs_pipelines", _turn_processors),
    ("logs_pipelines", _switch_pipeline),
    ("logs_pipelines", _move_pipeline),
    ("logs_metrics", _requery_metric),
)
