"""What Datadog has: one declaration per resource type."""

from __future__ import annotations

from typing import Final

from ddsnap.catalog import (
    access,
    alerting,
    dashboards,
    integrations,
    logs,
    metrics,
    on_call,
    rum,
    shared,
    slo,
    synthetics,
)
from ddsnap.core.resource_type import Catalog

CATALOG: Final = Catalog(
    types=(
        # A type is read after the types whose ids it needs.
        access.ROLES,
        access.USERS,
        access.TEAMS,
        access.TEAM_MEMBERSHIPS,
        logs.LOGS_INDEXES,
        logs.LOGS_INDEXES_ORDER,
        logs.LOGS_PIPELINES,
        logs.LOGS_PIPELINES_ORDER,
        logs.LOGS_METRICS,
        synthetics.SYNTHETICS_PRIVATE_LOCATIONS,
        synthetics.SYNTHETICS_GLOBAL_VARIABLES,
        synthetics.SYNTHETICS_TESTS,
        alerting.MONITORS,
        alerting.DOWNTIME_SCHEDULES,
        slo.SERVICE_LEVEL_OBJECTIVES,
        slo.SLO_CORRECTIONS,
        dashboards.POWERPACKS,
        dashboards.DASHBOARDS,
        dashboards.DASHBOARD_LISTS,
        dashboards.NOTEBOOKS,
        access.RESTRICTION_POLICIES,
    ),
    lookups=(access.PERMISSIONS,),
    known_refs=shared.KNOWN_REFS,
    rules=2,
)
"""The types that are captured."""

DECLARED: Final = {
    rum.RUM_RETENTION_FILTERS_ORDER: "the applications and filters that it orders",
    on_call.ON_CALL_SCHEDULES: "a proven listing",
    on_call.ON_CALL_ESCALATION_POLICIES: "the routing rules that name them",
    metrics.METRIC_PERCENTILES: "bulk calls outside the documented API",
    integrations.WEBHOOKS: "secrets in addresses and headers",
}
"""Types that are declared but not captured yet, and what each of them still lacks."""
