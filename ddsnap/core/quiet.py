"""What keeps a resource silent in the org that it is replayed into: set when it is created,
and from then on that org's own decision.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.fields import field_path, value_at

if TYPE_CHECKING:
    from ddsnap.core.resource_type import Quiet, ResourceType
    from ddsnap.core.values import JSON, JSONObject


def hush(type_: ResourceType, body: JSONObject, present: JSONObject | None = None) -> None:
    """Silence ``body``, or leave it as loud as the destination's own ``present`` document is."""
    for quiet in type_.quiet:
        if quiet.element:
            own = None if present is None else _elements(present, quiet)
            rest = [element for element in _elements(body, quiet) if element != quiet.value]
            silent = own is None or quiet.value in own
            _put(body, quiet, [*rest, *([quiet.value] if silent else [])])
        else:
            value = quiet.value if present is None else value_at(present, quiet.at)
            _put(body, quiet, value)


def without_quiet(type_: ResourceType, body: JSONObject) -> None:
    """Take out of ``body`` what may differ between two orgs for quiet's sake."""
    for quiet in type_.quiet:
        rest: JSON = None
        if quiet.element:
            rest = [element for element in _elements(body, quiet) if element != quiet.value]
        _put(body, quiet, rest)


def _elements(body: JSONObject, quiet: Quiet) -> list[JSON]:
    value = value_at(body, quiet.at)
    return value if isinstance(value, list) else []


def _put(body: JSONObject, quiet: Quiet, value: JSON) -> None:
    path = field_path(quiet.at)
    if value in (None, []):
        path.remove(body)
    else:
        path.put(body, value)
