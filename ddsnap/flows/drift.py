"""Drift: what a person or a script changed between two states, resource by resource."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.core import pointers
from ddsnap.core.changes import Change, changes
from ddsnap.core.fields import value_at
from ddsnap.core.kinds import difference, is_provenance
from ddsnap.core.normalize import title_of
from ddsnap.flows.view import changed_between

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.core.fields import Parts
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import JSON, Address, Document, JSONObject
    from ddsnap.flows.view import View

DriftKind: TypeAlias = Literal["added", "changed", "deleted", "touched", "unknown"]


@dataclass(frozen=True, slots=True)
class Drift:
    """One resource that differs. ``changes`` leave out who and when; ``by`` and ``at`` tell them.

    ``unknown``: the newer state does not know the type well enough to say that it is gone.
    """

    kind: DriftKind
    address: Address
    title: str
    by: str
    at: str
    changes: tuple[Change, ...]
    old: JSONObject | None
    new: JSONObject | None


def drift(
    old: View, new: View, catalog: Catalog, *, types: Collection[str] = (), touched: bool = False
) -> Iterator[Drift]:
    """Yield what differs, sorted by path; provenance alone is a touch and left out unless asked."""
    for path, before, after in changed_between(old, new):
        if types and path.partition("/")[0] not in types:
            continue
        was = old.document(path, catalog, before)
        found = compare(was, new.document(path, catalog, after), new, catalog)
        if found and (touched or found.kind != "touched"):
            yield found


def compare(
    old: Document | None, new: Document | None, newer: View, catalog: Catalog
) -> Drift | None:
    """Return how one document differs; ``newer`` says whether a missing one is really gone."""
    here = new or old
    type_ = catalog.get(here.address.type) if here else None
    if here is None or type_ is None:
        return None
    if old is None or new is None:
        gone = newer.manifest.state_of(type_.name).whole
        kind: DriftKind = "added" if new else "deleted" if gone else "unknown"
        changed: list[Change] = []
    else:
        difference_ = difference(type_, old.body, new.body)
        if difference_ == "same":
            return None
        kind, changed = difference_, changes(old.body, new.body)
        if kind == "changed":
            changed = [c for c in changed if not is_provenance(type_, _parts(c))]
    told = here.body if new else {}
    return Drift(
        kind,
        here.address,
        title_of(type_, here.body),
        _text(told, type_.modified_by),
        _text(told, type_.modified_at),
        tuple(changed),
        old.body if old else None,
        new.body if new else None,
    )


def _text(body: JSON, path: str) -> str:
    value = value_at(body, path) if path else None
    return value if isinstance(value, str) else ""


def _parts(change: Change) -> Parts:
    """The way to a change, positions as numbers, as field paths have it."""
    return tuple(int(part) if part.isdigit() else part for part in pointers.parse(change.pointer))
