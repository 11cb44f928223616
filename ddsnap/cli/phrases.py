"""How events read to people: one function per event, of its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

Phrase: TypeAlias = Callable[[Mapping[str, Any]], str]

PHRASES: Final[dict[str, Phrase]] = {}
"""An event that is not here is told only with ``-v``; a phrase that is empty is not told."""
