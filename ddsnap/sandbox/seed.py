"""An invented org of any size."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.org import SandboxOrg


def grow(org: SandboxOrg, rng: random.Random, size: int) -> None:
    """Fill the org."""
