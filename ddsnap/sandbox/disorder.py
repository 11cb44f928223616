"""What has no order in any order, and volatile fields that move at every read."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

    from ddsnap.sandbox.answers import Json

_UNORDERED = {
    "tags", "restricted_roles", "notify_list", "notify_by", "renotify_statuses", "bindings",
    "principals", "visible_modules", "hidden_modules", "notify_end_states", "notify_end_types",
    "monitor_tags", "group_by", "locations", "device_ids", "thresholds", "monitor_ids",
}  # fmt: skip
_UNORDERED_LINKS = {"roles", "permissions"}
_ORDERED_BELOW = {
    "cells",
    "widgets",
    "variables",
    "template_variables",
    "template_variable_presets",
}
_COUNTS = {"user_count", "team_count", "link_count", "popularity"}
_STATES = ("OK", "Alert", "Warn", "No Data", "Ignored", "Skipped")


def reordered(body: Json, rng: random.Random) -> Json:
    """Return the body with its sets in another order, and nothing else changed."""
    return _mix(body, rng, "", "", lists=True, moves=False)


def disordered(body: Json, rng: random.Random) -> Json:
    """Return the body as the next reader may see it."""
    return _mix(body, rng, "", "", lists=True, moves=True)


def _mix(
    value: Json, rng: random.Random, key: str, above: str, *, lists: bool, moves: bool
) -> Json:
    if isinstance(value, dict):
        below = lists and key not in _ORDERED_BELOW
        mixed = dict(_shuffled(list(value.items()), rng)) if moves else value
        mixed = {k: _moved(k, v, rng) if moves else v for k, v in mixed.items()}
        return {k: _mix(v, rng, k, key, lists=below, moves=moves) for k, v in mixed.items()}
    if not isinstance(value, list):
        return value
    items = [_mix(item, rng, key, above, lists=lists, moves=moves) for item in value]
    free = key in _UNORDERED or (key == "data" and above in _UNORDERED_LINKS)
    return _shuffled(items, rng) if lists and free else items


def _moved(key: str, value: Json, rng: random.Random) -> Json:
    if key == "overall_state":
        return rng.choice(_STATES)
    if key in ("overall_state_modified", "last_login_time"):
        return f"2026-03-{rng.randint(1, 28):02}T{rng.randint(0, 23):02}:15:00+00:00"
    if key == "current_downtime":
        day = rng.randint(1, 28)
        return {"start": f"2026-03-{day:02}T22:00:00+00:00", "end": None}
    if key == "downtime_ids":
        return [rng.randint(1, 10**9)]
    if key in _COUNTS and isinstance(value, int):
        return rng.randint(0, 500)
    return rng.random() < 0.5 if key in ("is_rate_limited", "is_favorite") else value


def _shuffled(items: list[Json], rng: random.Random) -> list[Json]:
    rng.shuffle(items)
    return items
