"""The operations that the sandbox serves, one module per product area.

Another type is a function per operation, its routes below, and its key in ``state.KEYS``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.resources import (
    account,
    dashboards,
    logs,
    monitors,
    policies,
    roles,
    teams,
    users,
)

if TYPE_CHECKING:
    from ddsnap.sandbox.router import Route

ROUTES: tuple[Route, ...] = (
    *account.ROUTES,
    *dashboards.ROUTES,
    *logs.ROUTES,
    *monitors.ROUTES,
    *policies.ROUTES,
    *roles.ROUTES,
    *teams.ROUTES,
    *users.ROUTES,
)
