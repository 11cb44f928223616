"""Log indexes and their order."""

from __future__ import annotations

from ddsnap.core.resource_type import Call, Ref, ResourceType

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
    defaults={
        "daily_limit": (None,),
        "daily_limit_reset": (None,),
        "daily_limit_warning_threshold_percentage": (None,),
        "num_flex_logs_retention_days": (0, None),
        "tags": ([], None),
    },
    create_only=("name",),
    update_only=("disable_daily_limit",),
    create=Call("POST", "/api/v1/logs/config/indexes"),
    update=Call("PUT", "/api/v1/logs/config/indexes/{id}"),
    delete=Call("DELETE", "/api/v1/logs/config/indexes/{id}"),
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
