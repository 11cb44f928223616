"""Monitors, and the downtimes that silence them."""

from __future__ import annotations

from ddsnap.catalog import downtimes, pages, quirks, shared
from ddsnap.core.resource_type import Call, Quiet, Ref, ResourceType, Write, absent, paths

MONITORS = ResourceType(
    name="monitors",
    area="alerting",
    path="/api/v1/monitor",
    title="name",
    items="",
    envelope="",
    pages=pages.MONITORS,
    # Runbooks are told of one monitor at a time, and only when asked for.
    detail=True,
    item_query={"with_assets": "true"},
    hint="modified",
    # A synthetic test owns its monitor: it is written with the test, never by itself.
    skip=("type", ("synthetics alert",)),
    fields=(
        "id name type message query tags priority options restricted_roles restriction_policy"
        " assets draft_status; options: enable_logs_sample enable_samples escalation_message"
        " evaluation_delay group_retention_duration groupby_simple_monitor include_tags locked"
        " min_failure_duration min_location_failed new_group_delay new_host_delay no_data_timeframe"
        " notification_preset_name notify_audit notify_by notify_no_data on_missing_data"
        " renotify_interval renotify_occurrences renotify_statuses require_full_window"
        " scheduling_options synthetics_check_id threshold_windows thresholds timeout_h variables"
    ),
    identity=paths("org_id assets[*].monitor_id"),
    provenance=paths("creator created created_at modified run_as"),
    derived=paths(
        "deleted multi restricted options.avalanche_window options.aggregation"
        " options.device_ids assets[*].options assets[*].template_variables"
    ),
    volatile=paths(
        "overall_state overall_state_modified matching_downtimes options.silenced state"
    ),
    unordered=paths(
        "tags restricted_roles options.notify_by options.renotify_statuses"
        " restriction_policy.bindings restriction_policy.bindings[*].principals"
    ),
    defaults=absent(
        null="priority restriction_policy",
        empty="assets options.renotify_statuses restricted_roles tags",
        false="options.groupby_simple_monitor options.notify_audit options.notify_no_data",
        values={
            "draft_status": ("published", None),
            "options.include_tags": (True,),
            "options.new_host_delay": (300,),
        },
    ),
    # The server turns one into the other, depending on the query.
    synonyms={"type": {"query alert": "metric alert"}},
    immutable=("type",),
    created_at="created",
    modified_at="modified",
    create=Write("POST", "/api/v1/monitor", mend=quirks.acceptable_monitor),
    update=Write("PUT", "/api/v1/monitor/{id}", mend=quirks.acceptable_monitor),
    delete=Call("DELETE", "/api/v1/monitor/{id}"),
    checks=(
        Call("POST", "/api/v1/monitor/validate"),
        Call("POST", "/api/v1/monitor/{id}/validate"),
    ),
    duplicate=r"Duplicate of an existing monitor_id:\s*(?P<id>\d+)",
    # A PUT changes what it names; the options it replaces as a whole.
    merges=("",),
    clears={"message": {"message": ""}, "name": {"name": ""}},
    quiet=(Quiet("tags", "migration:true", element=True),),
    # A notebook shows the monitor whose runbook it is.
    later=("assets[*]",),
    held_roles=("restricted_roles",),
    refs=(
        Ref("query", text=shared.COMPOSITE, when=("type", ("composite",))),
        Ref("query", text=(*shared.SLO_ALERT, *shared.RUM_QUERY, *shared.LOG_INDEXES)),
        Ref("options.variables[*].indexes[*]", to=("logs_indexes",)),
        Ref("restricted_roles[*]", to=("roles",)),
        Ref("restriction_policy.bindings[*].principals[*]", prefixed=shared.PRINCIPALS),
        Ref("assets[*].resource_key", to=("notebooks",), when=("resource_type", ("notebook",))),
        Ref("message", text=shared.HANDLES),
        Ref("options.escalation_message", text=shared.HANDLES),
        Ref("tags[*]", to=("teams",), by="attributes.handle", starts="team:", soft=True),
    ),
    permissions=("monitors_read", "monitors_write"),
)

DOWNTIME_SCHEDULES = ResourceType(
    name="downtime_schedules",
    area="alerting",
    path="/api/v2/downtime",
    title="attributes.message",
    pages=pages.DOWNTIMES,
    # Who made a downtime is told only when asked.
    query={"include": "created_by"},
    item_query={"include": "created_by"},
    # A deletion cancels: the downtime stays readable for a while.
    skip=("attributes.canceled", ()),
    ends="attributes.schedule.end",
    ends_by=downtimes.end,
    fields=(
        "id type attributes relationships; attributes: display_timezone message"
        " monitor_identifier mute_first_recovery_notification notify_end_states notify_end_types"
        " schedule scope; relationships:"
    ),
    provenance=paths("attributes.created relationships.created_by"),
    created_at="attributes.created",
    derived=paths("attributes.canceled relationships.monitor"),
    volatile=paths("attributes.status attributes.schedule.current_downtime attributes.modified"),
    unordered=paths(
        "attributes.monitor_identifier.monitor_tags attributes.notify_end_states"
        " attributes.notify_end_types"
    ),
    defaults=absent(null="attributes.canceled attributes.message attributes.schedule.end"),
    # "Additional properties are not allowed": not even empty relationships.
    create=Write("POST", "/api/v2/downtime", takes=paths("type attributes")),
    update=Write("PATCH", "/api/v2/downtime/{id}", takes=paths("type attributes")),
    delete=Call("DELETE", "/api/v2/downtime/{id}"),
    # Of several that are named, none is the one.
    duplicate=r"duplicate of one or more existing downtimes: \['(?P<id>[^',]+)'\]",
    id_in_body=True,
    timely=downtimes.timely,
    to_come=downtimes.to_come,
    spares=("attributes.schedule",),
    natural_key=paths("attributes.scope attributes.monitor_identifier attributes.schedule"),
    refs=(
        # A test is silenced by the id of its own monitor.
        Ref("attributes.monitor_identifier.monitor_id", to=("monitors", "synthetics_tests")),
        Ref("attributes.message", text=shared.HANDLES),
    ),
    permissions=("monitors_downtime",),
)
