"""Invented restriction policies on dashboards, monitors and some others."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

_OTHERS = {
    "synthetics-test": "synthetics_tests",
    "synthetics-global-variable": "synthetics_global_variables",
    "synthetics-private-location": "synthetics_private_locations",
    "logs-pipeline": "logs_pipelines",
    "notebook": "notebooks",
    "slo": "service_level_objectives",
    "powerpack": "powerpacks",
}


def add_policies(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Restrict some of what can be restricted to teams, roles and users."""
    dashboards = [f"dashboard:{id_}" for id_ in org.table("dashboards")]
    monitors = [f"monitor:{id_}" for id_ in org.table("monitors")]
    others = [f"{kind}:{id_}" for kind, name in _OTHERS.items() for id_ in org.table(name)]
    few = min(len(others), count // 5)
    half = min(len(dashboards), (count - few + 1) // 2)
    chosen = rng.sample(others, few) + rng.sample(dashboards, half)
    chosen += rng.sample(monitors, min(len(monitors), count - few - half))
    principals = {kind: list(org.table(f"{kind}s")) for kind in ("role", "team", "user")}
    for id_ in chosen:
        policy: Body = {"type": "restriction_policy", "id": id_}
        policy["attributes"] = {"bindings": _bindings(org, rng, principals)}
        org.table("restriction_policies")[id_] = policy


def _bindings(org: SandboxOrg, rng: random.Random, known: dict[str, list[str]]) -> list[Body]:
    kinds = [kind for kind, ids in known.items() if ids]
    editors = {f"{kind}:{rng.choice(known[kind])}" for kind in rng.choices(kinds, k=2)}
    bindings = [{"relation": "editor", "principals": sorted(editors | {f"user:{org.owner}"})}]
    if rng.random() < 0.6:
        bindings.append({"relation": "viewer", "principals": [f"org:{org.uuid}"]})
    return bindings
