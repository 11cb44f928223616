"""The vocabulary of an invented company, and draws from it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from ddsnap.sandbox.furnish import EPOCH

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence
    from datetime import datetime

DOMAINS = (
    "checkout", "payments", "catalog", "search", "orders", "shipping", "inventory", "identity",
    "billing", "pricing", "loyalty", "returns", "reviews", "recommendations", "notifications",
    "messaging", "reporting", "analytics", "ingest", "media",
)  # fmt: skip
PARTS = (
    "api", "worker", "gateway", "scheduler", "cache", "db", "stream", "frontend", "consumer",
    "publisher", "proxy", "indexer", "batch", "webhooks", "admin", "sync", "exporter", "auth",
    "router", "store",
)  # fmt: skip
ENVIRONMENTS = ("prod", "staging", "dev")
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "ap-northeast-1")
GROUPS = (
    "Platform", "Reliability", "Core", "Growth", "Experience", "Data", "Integrations", "Security",
    "Mobile", "Web", "Operations", "Enablement", "Delivery", "Support", "Tooling", "Research",
    "Insights", "Quality", "Edge", "Foundations",
)  # fmt: skip
FIRST_NAMES = (
    "Alice", "Bruno", "Chloé", "Daniel", "Elif", "Femi", "Grace", "Hiro", "Ines", "Jonas", "Kavya",
    "Liam", "Mara", "Nils", "Olga", "Priya", "Quentin", "Rosa", "Stefan", "Tomás", "Uma", "Victor",
    "Wanda", "Xin", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Adeyemi", "Bauer", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Haddad", "Ivanov",
    "Jensen", "Kowalski", "Lindqvist", "Moreau", "Nakamura", "Okafor", "Patel", "Quinn", "Rossi",
    "Schmidt", "Tanaka", "Ueda", "Varga", "Walsh", "Xu", "Yilmaz", "Zhang",
)  # fmt: skip
WEBHOOKS = ("incident-bridge", "deploy-gate", "status-page", "chatops")
CHANNELS = ("ops-alerts", "sre", "payments-oncall", "platform-noise")


def moment(rng: random.Random) -> datetime:
    """Draw a time in the org's past; it does not depend on today."""
    return EPOCH + timedelta(
        seconds=rng.randrange(1, 20_000_000), microseconds=rng.randrange(10**6)
    )


def later(when: datetime, rng: random.Random) -> datetime:
    """Draw a time after another one."""
    return when + timedelta(seconds=rng.randrange(60, 5_000_000))


def combinations(rng: random.Random, count: int, *lists: Sequence[str]) -> list[tuple[str, ...]]:
    """Draw combinations, no two equal: past the last one they are numbered."""
    if not count:
        return []
    total = 1
    for words in lists:
        total *= len(words)
    order = rng.sample(range(total), total) if count < total * 2 else list(range(total))
    return [_combination(order[n % total], n // total, lists) for n in range(count)]


def _combination(position: int, turn: int, lists: Sequence[Sequence[str]]) -> tuple[str, ...]:
    words = []
    for options in lists:
        position, at = divmod(position, len(options))
        words.append(options[at])
    if turn:
        words[-1] = f"{words[-1]} {turn + 1}"
    return tuple(words)
