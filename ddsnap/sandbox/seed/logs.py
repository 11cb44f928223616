"""Invented log indexes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.sandbox.furnish import index
from ddsnap.sandbox.seed.words import DOMAINS
from ddsnap.sandbox.state import enlist

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.org import SandboxOrg


def add_indexes(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add up to 20 indexes, some with a quota or an exclusion filter."""
    for domain in rng.sample(DOMAINS, count):
        row = index(f"{domain}-logs", f"service:{domain}-*")
        row["num_retention_days"] = rng.choice((3, 7, 15, 30))
        if rng.random() < 0.4:
            row["daily_limit"] = rng.choice((10_000_000, 200_000_000))
        if rng.random() < 0.5:
            sampled = {"query": "status:debug", "sample_rate": rng.choice((0.9, 1.0))}
            exclusion = {"name": "Drop debug logs", "is_enabled": True, "filter": sampled}
            row["exclusion_filters"] = [exclusion]
        org.table("logs_indexes")[row["name"]] = row
        enlist(org, row["name"])
