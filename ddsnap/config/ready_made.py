"""Rules that are ready to be copied: what ``transform new NAME --from TEMPLATE`` writes."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from ddsnap.errors import UsageError

_READY: Final = files("ddsnap.config") / "ready"


def ready_names() -> tuple[str, ...]:
    """Return the names of the templates, sorted."""
    found = (entry.name for entry in _READY.iterdir())
    return tuple(sorted(name.removesuffix(".yaml") for name in found if name.endswith(".yaml")))


def ready_rule(name: str) -> bytes:
    """Return the text of a template."""
    if name not in ready_names():
        known = ", ".join(ready_names())
        raise UsageError(f"no template is called '{name}'", f"there are: {known}")
    return (_READY / f"{name}.yaml").read_bytes()
