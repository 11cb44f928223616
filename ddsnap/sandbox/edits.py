"""Plausible edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.org import SandboxOrg


def edit(org: SandboxOrg, rng: random.Random, count: int) -> list[str]:
    """Edit the org."""
    return []
