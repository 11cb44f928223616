"""Invented restriction policies on some dashboards and monitors."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg


def add_policies(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Restrict some dashboards and monitors to teams, roles and users."""
    dashboards = [f"dashboard:{id_}" for id_ in org.table("dashboards")]
    monitors = [f"monitor:{id_}" for id_ in org.table("monitors")]
    half = min(len(dashboards), count // 2 + count % 2)
    chosen = rng.sample(dashboards, half) + rng.sample(monitors, min(len(monitors), count - half))
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
