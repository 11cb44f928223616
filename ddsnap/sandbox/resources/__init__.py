"""The operations that the sandbox serves, one module per product area.

Another type is a function per operation, its routes below, and its key in ``state.KEYS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources import (
    account,
    dashboard_lists,
    dashboards,
    downtimes,
    logs,
    logs_metrics,
    logs_pipelines,
    monitors,
    notebooks,
    policies,
    powerpacks,
    roles,
    slo_corrections,
    slos,
    synthetics_locations,
    synthetics_tests,
    synthetics_variables,
    teams,
    users,
)

if TYPE_CHECKING:
    from ddsnap.sandbox.router import Route

ROUTES: tuple[Route, ...] = (
    *account.ROUTES,
    *dashboard_lists.ROUTES,
    *dashboards.ROUTES,
    *downtimes.ROUTES,
    *logs.ROUTES,
    *logs_metrics.ROUTES,
    *logs_pipelines.ROUTES,
    *monitors.ROUTES,
    *notebooks.ROUTES,
    *policies.ROUTES,
    *powerpacks.ROUTES,
    *roles.ROUTES,
    *slo_corrections.ROUTES,
    *slos.ROUTES,
    *synthetics_locations.ROUTES,
    *synthetics_tests.ROUTES,
    *synthetics_variables.ROUTES,
    *teams.ROUTES,
    *users.ROUTES,
)
