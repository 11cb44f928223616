"""What an application key must be allowed to write: told where Datadog refuses that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.resource_type import Write

if TYPE_CHECKING:
    from ddsnap.core.resource_type import ResourceType


def needed(type_: ResourceType, method: str, route: str) -> tuple[str, ...]:
    """Return the permissions one of which a write needs: the call's own, else the type's."""
    for call in (type_.create, *(other for *_, other in type_.create_if), type_.update):
        own = call.permissions if isinstance(call, Write) else ()
        if call is not None and own and (call.method, call.path) == (method, route):
            return own
    return tuple(name for name in type_.permissions if "read" not in name)


def forbidden(type_: ResourceType, method: str, route: str, message: str) -> str:
    """Return what a refusal says, and what it may be about where it does not say so itself."""
    names = needed(type_, method, route)
    if not names or any(name in message for name in names):
        return message
    return f"{message}; it needs {'one of ' if len(names) > 1 else ''}{', '.join(names)}"
