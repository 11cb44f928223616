"""The operations that the sandbox serves, one module per product area.

Another type is a function per operation, its routes below, and its key in ``state.KEYS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources import (
    account,
    dashboards,
    downtimes,
    logs,
    logs_metrics,
    logs_pipelines,
    monitors,
    policies,
    roles,
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
    *dashboards.ROUTES,
    *downtimes.ROUTES,
    *logs.ROUTES,
    *logs_metrics.ROUTES,
    *logs_pipelines.ROUTES,
    *monitors.ROUTES,
    *policies.ROUTES,
    *roles.ROUTES,
    *synthetics_locations.ROUTES,
    *synthetics_tests.ROUTES,
    *synthetics_variables.ROUTES,
    *teams.ROUTES,
    *users.ROUTES,
)
