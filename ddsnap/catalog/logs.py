"""Log indexes, pipelines and their orders, and metrics made of logs."""

from __future__ import annotations

from ddsnap.core.resource_type import Call, Ref, ResourceType, Write, absent, paths

LOGS_INDEXES = ResourceType(
    name="logs_indexes",
    area="logs",
    path="/api/v1/logs/config/indexes",
    title="name",
    items="indexes",
    envelope="",
    id="name",
    fields=(
        "name filter exclusion_filters num_retention_days daily_limit daily_limit_reset"
        " daily_limit_warning_threshold_percentage disable_daily_limit"
        " num_flex_logs_retention_days tags"
    ),
    volatile=("is_rate_limited",),
    unordered=("tags",),
    defaults=absent(
        null="daily_limit daily_limit_reset daily_limit_warning_threshold_percentage",
        empty="tags",
        values={"num_flex_logs_retention_days": (0, None)},
    ),
    create_only=("name",),
    update_only=("disable_daily_limit",),
    create=Call("POST", "/api/v1/logs/config/indexes"),
    update=Call("PUT", "/api/v1/logs/config/indexes/{id}"),
    delete=Call("DELETE", "/api/v1/logs/config/indexes/{id}"),
    clears={"daily_limit": {"disable_daily_limit": True}},
    irreversible="the name of a deleted index can never be used again",
    natural_key=("name",),
    permissions=("logs_read_config", "logs_modify_indexes"),
)

LOGS_INDEXES_ORDER = ResourceType(
    name="logs_indexes_order",
    area="logs",
    path="/api/v1/logs/config/index-order",
    items="",
    envelope="",
    constant_id="order",
    # An index that is being deleted stands in the order until its logs have aged out.
    orders="logs_indexes",
    members="index_names[*]",
    fields="index_names",
    update=Call("PUT", "/api/v1/logs/config/index-order"),
    refs=(Ref("index_names[*]", to=("logs_indexes",)),),
    permissions=("logs_read_config", "logs_modify_indexes"),
)

_PIPELINES = "/api/v1/logs/config/pipelines"

LOGS_PIPELINES = ResourceType(
    name="logs_pipelines",
    area="logs",
    path=_PIPELINES,
    title="name",
    items="",
    envelope="",
    # An id that does not exist is answered with 400, "Non existing pipeline".
    gone=(400, 404, 410),
    fields="id name description filter is_enabled processors tags",
    derived=paths("type is_read_only meta"),
    unordered=paths("tags processors[*].tags"),
    defaults={"description": ("", None), "tags": ([], None)},
    create=Call("POST", _PIPELINES),
    update=Call("PUT", f"{_PIPELINES}/{{id}}"),
    delete=Call("DELETE", f"{_PIPELINES}/{{id}}"),
    # Pipelines of integrations: only their place in the order is anybody's decision.
    built_in=(("is_read_only", True),),
    built_in_key=("name",),
    arrives=("it comes with the first log of {}", "filter.query"),
    # No log brings them.
    stays_away=("cron", "ufw"),
    refs=(
        # Pipelines may hold pipelines.
        Ref(
            "processors.**.lookup_enrichment_table",
            to=("reference_tables",),
            by="attributes.table_name",
        ),
    ),
    permissions=("logs_read_config", "logs_write_pipelines"),
)

LOGS_PIPELINES_ORDER = ResourceType(
    name="logs_pipelines_order",
    area="logs",
    path="/api/v1/logs/config/pipeline-order",
    items="",
    envelope="",
    constant_id="order",
    orders="logs_pipelines",
    members="pipeline_ids[*]",
    fields="pipeline_ids",
    update=Call("PUT", "/api/v1/logs/config/pipeline-order"),
    refs=(Ref("pipeline_ids[*]", to=("logs_pipelines",)),),
    permissions=("logs_read_config", "logs_write_pipelines"),
)

_METRICS = "/api/v2/logs/config/metrics"

LOGS_METRICS = ResourceType(
    name="logs_metrics",
    area="logs",
    path=_METRICS,
    title="id",
    fields="id type attributes; attributes: compute filter group_by",
    unordered=("attributes.group_by",),
    defaults={"attributes.group_by": ([], None)},
    # The id is the metric's name, which the client chooses.
    create_only=paths("id attributes.compute.aggregation_type attributes.compute.path"),
    create=Call("POST", _METRICS),
    update=Write(
        "PATCH",
        f"{_METRICS}/{{id}}",
        takes=paths(
            "type attributes.filter attributes.group_by attributes.compute.include_percentiles"
        ),
    ),
    clears={"attributes.compute": {}},
    delete=Call("DELETE", f"{_METRICS}/{{id}}"),
    id_in_body=True,
    natural_key=("id",),
    permissions=("logs_read_config", "logs_generate_metrics"),
)
