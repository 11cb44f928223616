"""Percentiles of distribution metrics."""

from __future__ import annotations

from ddsnap.core.resource_type import Call, ResourceType, Toggle, paths

_SUMMARIES = "/metric/distribution/summary_aggr/percentiles"

METRIC_PERCENTILES = ResourceType(
    name="metric_percentiles",
    area="metrics",
    path="/metric/distribution/list_summaries",
    title="metric_name",
    items="",
    envelope="",
    query={"window": "1209600"},
    id="metric_name",
    direct=False,
    fields="metric_name include_percentiles",
    volatile=paths("key source group_by aggr_mode groups_negated summary_type"),
    toggle=Toggle(
        at="include_percentiles",
        names="metric_names",
        on=Call("PATCH", f"{_SUMMARIES}/enable"),
        off=Call("PATCH", f"{_SUMMARIES}/disable"),
    ),
    natural_key=("metric_name",),
    permissions=("metrics_read", "metric_tags_write"),
)
