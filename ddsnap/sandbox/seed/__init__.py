"""An invented org of any size: realistic, interlinked, and the same for the same seed and name."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ddsnap.sandbox.seed import (
    access,
    boards,
    dashboards,
    downtimes,
    logs,
    monitors,
    people,
    slos,
    synthetics,
)

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
    tests: int
    variables: int
    locations: int
    pipelines: int
    logs_metrics: int
    downtimes: int
    slos: int
    corrections: int
    powerpacks: int
    lists: int
    notebooks: int
    memberships: int


def shares(size: int) -> Shares:
    """Spread a size: 45 % monitors, 20 % dashboards, the rest people, access and logs."""
    few, one = int(size >= 5), int(size >= 100)
    users, teams = max(few, size * 8 // 100), max(few, size * 4 // 100)
    wanted = Shares(
        monitors=size * 45 // 100,
        dashboards=size * 20 // 100,
        roles=min(40, size // 50),
        users=users,
        teams=teams,
        indexes=min(20, size // 60),
        policies=size * 5 // 100,
        tests=max(one, size // 100),
        variables=max(one, size // 200),
        locations=max(one, min(5, size // 400)),
        pipelines=max(one, min(20, size // 100)),
        logs_metrics=max(one, size // 200),
        downtimes=max(one, size // 200),
        slos=max(one, size // 50),
        corrections=max(one, size // 100),
        powerpacks=max(one, size // 200),
        lists=max(one, size // 200),
        notebooks=max(one, size // 100),
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
    logs.add_pipelines(org, rng, wanted.pipelines)
    logs.add_metrics(org, rng, wanted.logs_metrics)
    synthetics.add_locations(org, rng, wanted.locations)
    synthetics.add_variables(org, rng, wanted.variables)
    monitors.add_monitors(org, rng, wanted.monitors)
    slos.add_slos(org, rng, wanted.slos)
    slos.add_corrections(org, rng, wanted.corrections)
    boards.add_powerpacks(org, rng, wanted.powerpacks)
    dashboards.add_dashboards(org, rng, wanted.dashboards)
    boards.add_lists(org, rng, wanted.lists)
    boards.add_notebooks(org, rng, wanted.notebooks)
    synthetics.add_tests(org, rng, wanted.tests)
    downtimes.add_downtimes(org, rng, wanted.downtimes)
    access.add_policies(org, rng, wanted.policies)
