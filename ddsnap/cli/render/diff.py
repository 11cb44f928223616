"""Drift as lines for people and as objects for programs."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Final

from ddsnap.cli.render.fields import Line, change_lines
from ddsnap.cli.text import aligned, one_line
from ddsnap.core.changes import json_patch

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from ddsnap.core.changes import Change
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.drift import Drift, DriftKind

Counts = Counter[tuple[str, "DriftKind"]]
"""How many resources differ, by type and kind."""

KINDS: Final[tuple[DriftKind, ...]] = ("added", "changed", "deleted", "unknown", "touched")

SIGNS: Final[Mapping[DriftKind, tuple[str, str]]] = {
    "added": ("+", "green"),
    "changed": ("~", "yellow"),
    "deleted": ("-", "red"),
    "unknown": ("?", "magenta"),
    "touched": (".", ""),
}
MOST_CHANGES: Final = 40
"""Changes of one resource that are shown unless everything is wanted."""


def headline(drift: Drift) -> str:
    """Return one line on a resource: ``~ monitors "CPU high" 123  by alice@example.com``."""
    title = f'"{one_line(drift.title)}" ' if drift.title else ""
    return f"{SIGNS[drift.kind][0]} {drift.address.type} {title}{one_line(drift.address.id)}"


def attribution(drift: Drift) -> str:
    """Return who made the change, and when, as far as the API says so."""
    words = (f"by {drift.by}" if drift.by else "", f"at {drift.at}" if drift.at else "")
    return one_line(" ".join(word for word in words if word))


def drift_lines(drift: Drift, *, all_of_it: bool = False) -> Iterator[Line]:
    """Yield what is told of one resource: its headline, then field by field."""
    told = attribution(drift)
    yield Line(f"{headline(drift)}{'  ' if told else ''}{told}", SIGNS[drift.kind][1])
    if drift.kind == "unknown":
        yield Line(f"gone or not: {drift.address.type} could not be read as a whole", "", 1)
    yield from _field_lines(drift, all_of_it=all_of_it)


def _field_lines(drift: Drift, *, all_of_it: bool) -> Iterator[Line]:
    most = len(drift.changes) if all_of_it else MOST_CHANGES
    for change in drift.changes[:most]:
        for line in change_lines(change, drift.old, drift.new, all_of_it=all_of_it):
            yield Line(line.text, line.colour, line.depth + 2)
    if len(drift.changes) > most:
        yield Line(f"... and {len(drift.changes) - most} more changes (-v shows all)", "", 2)


def summary(counts: Counts) -> str:
    """Return ``3 added, 2 changed``, or that nothing differs."""
    by_kind: Counter[DriftKind] = Counter()
    for (_, kind), number in counts.items():
        by_kind[kind] += number
    parts = [f"{by_kind[kind]} {kind}" for kind in KINDS if by_kind[kind]]
    return ", ".join(parts) or "no differences"


def stat(counts: Counts) -> str:
    """Return one line for each type with its counts."""
    kinds = shown_kinds(counts)
    types = sorted({type_name for type_name, _ in counts})
    rows = [[name, *(str(counts[name, kind] or "") for kind in kinds)] for name in types]
    return aligned(["type", *kinds], rows)


def shown_kinds(counts: Counts) -> list[DriftKind]:
    """Return the kinds that a table has columns for."""
    there = {kind for _, kind in counts}
    return [kind for kind in KINDS if kind in there or kind in ("added", "changed", "deleted")]


# --- for programs ------------------------------------------------------------------------------


def record(drift: Drift) -> JSONObject:
    """Return a resource's drift as an object: every member is always there."""
    return {
        **_head(drift),
        "title": drift.title,
        "by": drift.by,
        "at": drift.at,
        "changes": [_change(change) for change in drift.changes],
    }


def patch_record(drift: Drift) -> JSONObject:
    """Return the RFC 6902 patch that makes the newer document of the older one.

    An added document is made of ``{}``; a deleted one becomes ``null``. Of one that is unknown
    nothing is said: its patch is empty.
    """
    patch: list[JSONObject] = []
    if drift.new is not None:
        patch = json_patch(drift.old if drift.old is not None else {}, drift.new)
    elif drift.kind == "deleted":
        patch = [{"op": "replace", "path": "", "value": None}]
    return {**_head(drift), "patch": list(patch)}


def json_line(told: JSONObject) -> str:
    """Return an object as one line of printable ASCII."""
    return json.dumps(told).replace("\x7f", "\\u007f")


def _head(drift: Drift) -> JSONObject:
    return {"type": drift.address.type, "id": drift.address.id, "kind": drift.kind}


def _change(change: Change) -> JSONObject:
    told: JSONObject = {"op": change.kind, "path": change.pointer}
    values: dict[str, JSON] = {"from": change.from_pointer, "old": change.old, "new": change.new}
    wanted = {
        "add": ("new",),
        "remove": ("old",),
        "replace": ("old", "new"),
        "move": ("from",),
    }[change.kind]
    return told | {name: values[name] for name in wanted}
