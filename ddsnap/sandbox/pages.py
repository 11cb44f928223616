"""Slices of listings, in the styles that Datadog's APIs use, and their caps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.sandbox.answers import Body, reject

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from ddsnap.sandbox.router import Call


@dataclass(frozen=True)
class Page:
    """One page of a listing; ``total`` is what the answer claims."""

    items: list[Body]
    number: int
    size: int
    total: int


def whole(call: Call, items: Iterable[Body]) -> list[Body]:
    """Return an unpaged listing, as the faults in force let it be seen."""
    shown = list(items)
    for fault in call.faults:
        if fault.empty:
            return []
        if fault.skip:
            shown = [item for item in shown if _name(item) != fault.skip]
    return shown


def numbered(call: Call, items: Iterable[Body], *, default: int = 10, cap: int = 100) -> Page:
    """Return the page that ``page[number]`` and ``page[size]`` ask for."""
    return _page(
        call,
        whole(call, items),
        number(call, "page[number]", 0),
        _clamped(call, number(call, "page[size]", default, least=1), cap),
    )


def plain_numbered(call: Call, items: Iterable[Body], *, default: int, cap: int) -> Page:
    """Return the page that ``page`` and ``page_size`` ask for."""
    size = _clamped(call, number(call, "page_size", default, least=1), cap)
    return _page(call, whole(call, items), number(call, "page", 0), size)


def after_id(call: Call, items: Iterable[Body], *, default: int, cap: int) -> list[Body]:
    """Return the next items whose id is above ``id_offset``, by rising id."""
    least = number(call, "id_offset", 0)
    size = _clamped(call, number(call, "page_size", default, least=1), cap)
    return [item for item in whole(call, items) if int(item["id"]) > least][:size]


def offset(
    call: Call, items: Iterable[Body], start: str, count: str, *, default: int, cap: int = 0
) -> Page:
    """Return the slice that two query parameters, an offset and a limit, ask for."""
    shown = whole(call, items)
    first = number(call, start, 0)
    size = _clamped(call, number(call, count, default, least=1), cap)
    return Page(shown[first : first + size], first, size, _total(call, shown))


def map_page(page: Page, view: Callable[[Body], Body]) -> list[Body]:
    """Return the page's items as the answer shows them."""
    return [view(item) for item in page.items]


def number(call: Call, name: str, default: int, *, least: int = 0) -> int:
    """Read a whole number from the query, or refuse the request."""
    text = call.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise reject(400, f"The value provided for parameter '{name}' is invalid")
    return int(text)


def _page(call: Call, shown: Sequence[Body], page: int, size: int) -> Page:
    items = list(shown[page * size : (page + 1) * size])
    return Page(items, page, size, _total(call, shown))


def _clamped(call: Call, size: int, cap: int) -> int:
    caps = [fault.clamp for fault in call.faults if fault.clamp]
    return min([size, *caps, *([cap] if cap else [])])


def _total(call: Call, shown: Sequence[Body]) -> int:
    claims = [fault.total for fault in call.faults if fault.total is not None]
    return claims[0] if claims else len(shown)


def _name(item: Body) -> str:
    return str(item.get("id", item.get("name", "")))
