"""An invented org of any size: realistic, interlinked, and the same for the same seed and name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ddsnap.sandbox.seed import access, dashboards, logs, monitors, people

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.org import SandboxOrg


@dataclass(frozen=True)
class Shares:
    """How many resources of each type a size comes to."""

    monitors: int
    dashboards: int
    roles: int
    users: int
    teams: int
    indexes: int
    policies: int
    memberships: int


def shares(size: int) -> Shares:
    """Spread a size: 45 % monitors, 25 % dashboards, the rest people, access and logs."""
    few = 1 if size >= 5 else 0
    users, teams = max(few, size * 8 // 100), max(few, size * 4 // 100)
    wanted = Shares(
        monitors=size * 45 // 100,
        dashboards=size * 25 // 100,
        roles=min(40, size // 50),
        users=users,
        teams=teams,
        indexes=min(20, size // 60),
        policies=size * 5 // 100,
        memberships=0,
    )
    rest = size - sum(vars(wanted).values())
    return replace(wanted, memberships=max(0, min(rest, users * teams)))


def grow(org: SandboxOrg, rng: random.Random, size: int) -> None:
    """Put about ``size`` resources into a fresh org, referred-to ones first."""
    wanted = shares(size)
    people.add_roles(org, rng, wanted.roles)
    people.add_users(org, rng, wanted.users)
    people.add_teams(org, rng, wanted.teams)
    people.add_memberships(org, rng, wanted.memberships)
    logs.add_indexes(org, rng, wanted.indexes)
    monitors.add_monitors(org, rng, wanted.monitors)
    dashboards.add_dashboards(org, rng, wanted.dashboards)
    access.add_policies(org, rng, wanted.policies)
