"""What a creation of which nobody heard would have said, as far as a document tells today."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.core.normalize import normalize
from ddsnap.core.quiet import hush
from ddsnap.core.references import find_references, identifies, rewrite
from ddsnap.core.values import Address
from ddsnap.core.written import created, creation, timely

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from ddsnap.core.fields import Parts
    from ddsnap.core.references import Reference
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.values import JSON, Document, JSONObject


def likely_sent(
    document: Document,
    ids: Mapping[Address, str],
    catalog: Catalog,
    now: datetime,
    *,
    quiet: bool,
    exact: bool,
) -> JSONObject | None:
    """Return it in the destination's ``ids``; ``None`` where nothing of the kind is created.

    What refers to something is null, which stands for anything, unless it is to be ``exact``; then
    ``None`` also says that one of the ids is not known.
    """
    type_ = catalog[document.address.type]
    call = creation(type_, document.body)
    bound = {
        reference: _there(reference, ids)
        for reference in find_references(document.body, type_, catalog)
        if not reference.by and not identifies(type_, reference)
    }
    lacking = [reference for reference, id_ in bound.items() if id_ is None]
    if call is None or (exact and not all(reference.soft for reference in lacking)):
        return None
    body = rewrite(document.body, [*bound], bound.__getitem__)
    for reference in lacking if exact else bound:
        _clear(body, reference.parts)
    if quiet:
        hush(type_, body)
    normalize(type_, body)
    return timely(type_, created(type_, call, body), None, now)


def _there(reference: Reference, ids: Mapping[Address, str]) -> str | None:
    known = (ids.get(Address(name, reference.value)) for name in reference.to)
    return next(filter(None, known), None)


def _clear(body: JSONObject, parts: Parts) -> None:
    *way, last = parts
    here: JSON = body
    for step in way:
        here = here[step]  # type: ignore[index]
    here[last] = None  # type: ignore[index]
