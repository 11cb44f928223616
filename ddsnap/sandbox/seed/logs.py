"""Invented log indexes, pipelines and metrics made of logs."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING

from ddsnap.sandbox.furnish import index
from ddsnap.sandbox.seed.words import DOMAINS, PARTS, combinations
from ddsnap.sandbox.state import enlist, enlist_pipeline

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Body
    from ddsnap.sandbox.org import SandboxOrg

_INTEGRATIONS = ("Nginx", "PostgreSQL", "Redis")


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


def add_pipelines(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add pipelines, every fourth of which is an integration's."""
    for place, (domain, part) in enumerate(combinations(rng, count, DOMAINS, PARTS)):
        integration = place % 4 == 3
        name = rng.choice(_INTEGRATIONS) if integration else f"{domain}-{part}"
        row: Body = {
            "id": _pipeline_id(org),
            "type": "pipeline",
            "name": name,
            "is_enabled": rng.random() < 0.9,
            "is_read_only": integration,
            "filter": {"query": f"source:{name.lower()}"},
            "processors": _processors(domain),
        }
        if not integration:
            row |= {"tags": [f"service:{domain}-{part}", "managed:yes"], "description": ""}
        org.table("logs_pipelines")[row["id"]] = row
        enlist_pipeline(org, row["id"])


def add_metrics(org: SandboxOrg, rng: random.Random, count: int) -> None:
    """Add metrics made of logs: counts and distributions."""
    for domain, part in combinations(rng, count, DOMAINS, PARTS):
        id_ = f"logs.{domain}.{part}"
        compute: Body = {"aggregation_type": "count"}
        if rng.random() < 0.5:
            compute = {"aggregation_type": "distribution", "path": "@duration"}
            compute["include_percentiles"] = rng.random() < 0.5
        groups = [{"path": "service", "tag_name": "service"},
                  {"path": "@http.status_code", "tag_name": "status"}]  # fmt: skip
        attributes = {
            "filter": {"query": f"service:{domain}-{part}"},
            "group_by": groups[: rng.randint(0, 2)],
            "compute": compute,
        }
        row = {"id": id_, "attributes": attributes, "type": "logs_metrics"}
        org.table("logs_metrics")[id_] = row


def _processors(domain: str) -> list[Body]:
    def step(kind: str, name: str, **more: object) -> Body:
        return {"name": name, "is_enabled": True, "type": kind, **more}

    grok = {"support_rules": "", "match_rules": "rule %{word:level} %{data:text}"}
    nested = step("status-remapper", "Take the status", sources=["level"])
    return [
        step("grok-parser", "Parse the line", source="message", samples=[], grok=grok),
        step("date-remapper", "Take the date", sources=["timestamp"]),
        step(
            "pipeline",
            f"Errors of {domain}",
            filter={"query": "status:error"},
            processors=[nested],
        ),
    ]


def _pipeline_id(org: SandboxOrg) -> str:
    raw = bytes.fromhex(org.new_uuid().replace("-", ""))
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
