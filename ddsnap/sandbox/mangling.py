"""What a server makes of a body that it does not store as it was sent."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.sandbox.disorder import reordered

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ddsnap.sandbox.answers import Body, Json

Mangle: TypeAlias = "str | Callable[[Json], Json]"


def mangled(body: Json, how: Mangle) -> Json:
    """Return a body that is trimmed, filled, reordered or dropped from, or a function's result."""
    if callable(how):
        return how(body)
    if not isinstance(body, dict):
        return body
    data = body.get("data")
    if isinstance(data, dict):
        return {**body, "data": mangled(data, how)}
    if isinstance(body.get("attributes"), dict):
        return {**body, "attributes": mangled(body["attributes"], how)}
    return _MANGLERS[how](body)


def mangled_at_random(seed: int, method: str, path: str, body: Json) -> Json:
    """Return what a server with habits stores: the same for the same seed and resource."""
    habits = next((found for found in _HABITS if re.fullmatch(found.path, path)), None)
    if habits is None or method not in ("POST", "PUT", "PATCH") or not isinstance(body, dict):
        return body
    settings = _settings(body)
    name = next((settings[key] for key in ("name", "title", "email") if key in settings), path)
    rng = random.Random(f"{seed} {habits.path} {name}")
    trims, fills, shuffles, drops = (rng.random() < 0.5 for _ in range(4))
    if drops:
        _leave_out(settings, habits.drops)
    if trims:
        settings.update({key: _trim(settings[key]) for key in habits.texts if key in settings})
    # A change of some members says nothing of the others: there is nothing to fill in.
    if fills and method != "PATCH":
        _fill_in(settings, habits.fills, new=method == "POST")
    return reordered(body, rng) if shuffles else body


@dataclass(frozen=True)
class _Habits:
    path: str
    drops: tuple[str, ...] = ()
    fills: Mapping[str, Json] = field(default_factory=dict)
    texts: tuple[str, ...] = ("name", "title", "description", "message")


_NOTE = "Filled in by the server."
_HABITS = (
    _Habits(
        r"/api/v1/monitor(/\d+)?",
        ("priority", "options.renotify_occurrences", "options.notification_preset_name"),
        {"options.timeout_h": 0},
    ),
    _Habits(
        r"/api/v1/dashboard(/[^/]+)?",
        ("reflow_type", "template_variable_presets"),
        {"description": _NOTE},
    ),
    _Habits(r"/api/v1/dashboard/lists/manual(/[^/]+)?"),
    _Habits(r"/api/v2/dashboard/lists/manual/[^/]+/dashboards"),
    _Habits(r"/api/v2/powerpacks(/[^/]+)?", ("description",), {"group_widget.live_span": "1h"}),
    _Habits(r"/api/v1/notebooks(/[^/]+)?", ("template_variables",), {"tags": ["ai_edited"]}),
    _Habits(r"/api/v1/slo(/[^/]+)?", ("description",), {"description": _NOTE}),
    _Habits(r"/api/v1/slo/correction(/[^/]+)?", ("description",), {"description": _NOTE}),
    _Habits(r"/api/v2/(users|service_accounts)(/[^/]+)?", ("title",), {"title": "Member"}),
    _Habits(r"/api/v2/team(/[^/]+)?", ("description",), {"description": _NOTE}),
    _Habits(r"/api/v2/roles(/[^/]+)?"),
    _Habits(r"/api/v2/restriction_policy/[^/]+"),
    _Habits(
        r"/api/v1/logs/config/indexes(/[^/]+)?",
        ("daily_limit_warning_threshold_percentage",),
        {"tags": ["filled:in"]},
        (),
    ),
    _Habits(r"/api/v1/logs/config/pipelines(/[^/]+)?", ("description",), {"description": _NOTE}),
    _Habits(r"/api/v2/logs/config/metrics(/[^/]+)?"),
    _Habits(
        r"/api/v2/downtime(/[^/]+)?",
        ("mute_first_recovery_notification",),
        {"message": _NOTE},
    ),
    _Habits(r"/api/v1/synthetics/private-locations(/[^/]+)?"),
    _Habits(r"/api/v1/synthetics/variables(/[^/]+)?"),
    _Habits(
        r"/api/v[12]/synthetics/tests/(api|browser|mobile|network)(/[^/]+)?",
        ("options.monitor_priority",),
        {"options.min_location_failed": 1},
    ),
)


def _settings(body: Body) -> Body:
    """Return the object that holds what people decide: of JSON:API, the attributes."""
    data = body.get("data")
    inner = data.get("attributes") if isinstance(data, dict) else None
    return inner if isinstance(inner, dict) else body


def _leave_out(settings: Body, paths: tuple[str, ...]) -> None:
    for path in paths:
        holder, _, name = path.rpartition(".")
        held = settings.get(holder) if holder else settings
        if isinstance(held, dict):
            held.pop(name, None)


def _fill_in(settings: Body, fills: Mapping[str, Json], *, new: bool) -> None:
    for path, value in fills.items():
        holder, _, name = path.rpartition(".")
        held = settings
        if holder and (new or holder in settings):
            held = settings.setdefault(holder, {})
        elif holder:
            continue
        if isinstance(held, dict) and held.get(name) in (None, "", []):
            held[name] = value


def _trim(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _trim(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_trim(item) for item in value]
    return value.strip() if isinstance(value, str) else value


def _fill(body: Body) -> Body:
    return {**body, "options": {**(body.get("options") or {}), "sandbox_default": True}}


def _reorder(value: Json) -> Json:
    if isinstance(value, dict):
        return {key: _reorder(item) for key, item in value.items()}
    return [_reorder(item) for item in reversed(value)] if isinstance(value, list) else value


def _drop(body: Body) -> Body:
    optional = [key for key in ("description", "tags", "priority", "message") if key in body]
    return {key: value for key, value in body.items() if key not in optional[:1]}


_MANGLERS: dict[str, Callable[[Body], Json]] = {
    "trim": _trim,
    "fill": _fill,
    "reorder": _reorder,
    "drop": _drop,
}
