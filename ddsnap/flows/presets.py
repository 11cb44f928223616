"""What Datadog has in every org and lists in none: the only way to know of it is to ask for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from ddsnap.api.gateway import Found

if TYPE_CHECKING:
    from collections.abc import Callable

    from ddsnap.core.values import Address
    from ddsnap.flows.run import Run


def presets_of(run: Run) -> Callable[[Address], bool]:
    """Return the question whether the org has a preset, for which it is asked once."""

    @cache
    def is_preset(address: Address) -> bool:
        return isinstance(run.gateway.read(run.catalog[address.type], address.id), Found)

    return is_preset
