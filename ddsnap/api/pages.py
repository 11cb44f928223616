"""Listings read to their proven end: what is cut, lost or repeated is an error, never less."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from ddsnap.api.around import may_be_one, read_around
from ddsnap.core.fields import field_path, value_at
from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ddsnap.core.resource_type import Pages
    from ddsnap.core.values import JSON, JSONObject

_READINGS: Final = 2
_BY_PLACE: Final = ("number", "offset")
"""The styles that ask for a page by its place in the list, and so for any smaller one."""
_MOST_LOST: Final = 10
Lose: TypeAlias = "Callable[[int, ApiError], object]"
"""Takes the place of a record (from 0) that fails every page which holds it, and how."""


class ListingIncomplete(ApiError):  # noqa: N818 - it says what happened
    """The listing contradicts its own total, or never ends: it proves nothing."""


@dataclass(frozen=True)
class Page:
    """The items of one answer that no earlier page held, and what the answer includes."""

    number: int
    items: list[JSONObject]
    included: list[JSONObject]


def read_pages(
    fetch: Callable[[Mapping[str, str]], JSON],
    pages: Pages | None,
    items_at: str,
    id_of: Callable[[JSONObject], str],
    lose: Lose | None = None,
) -> Iterator[Page]:
    """Yield the pages of a listing; ``fetch`` asks for one, given its query parameters.

    A listing that contradicts itself is read once more: resources may have come and gone
    meanwhile. Only items that were not yielded before are yielded then. With ``lose`` a record that
    fails its page is left out where smaller pages lead around it; its place is told when all is
    read.
    """
    yielded: set[str] = set()
    for reading in range(1, _READINGS + 1):
        walk = _Walk(pages, strict=reading < _READINGS, lossy=lose is not None)
        yield from walk.pages_of(fetch, items_at, id_of, yielded)
        if not walk.doubt:
            if lose:
                for place, error in walk.lost.items():
                    lose(place, error)
            return
    raise ListingIncomplete(f"the listing is not whole: {walk.doubt}")


def requests_for(pages: Pages | None, count: int) -> int:
    """Return how many requests a listing of ``count`` items takes.

    Where nothing says how many items there are, an empty page ends what is not empty itself.
    """
    if pages is None:
        return 1
    full = -(-count // pages.size)
    told = pages.total or pages.style == "cursor"
    return max(full, 1) if told or not count else full + 1


@dataclass
class _Walk:
    """One way through a listing, from its first page to its end."""

    pages: Pages | None
    strict: bool
    """Whether a total that moves on the way is a doubt; a busy org may do that for ever."""
    number: int = 0
    given: int = 0
    size: int = 0
    last_id: str = ""
    cursor: str = ""
    ids: set[str] = field(default_factory=set)
    cursors: set[str] = field(default_factory=set)
    total: int | None = None
    doubt: str = ""
    lossy: bool = False
    lost: dict[int, ApiError] = field(default_factory=dict)
    """The places of the records that fail every page, each with what it says."""

    def pages_of(
        self,
        fetch: Callable[[Mapping[str, str]], JSON],
        items_at: str,
        id_of: Callable[[JSONObject], str],
        yielded: set[str],
    ) -> Iterator[Page]:
        """Yield this walk's pages without the items in ``yielded``, which it adds to."""
        self.size = self.pages.size if self.pages else 0
        more = True
        while more:
            self.number += 1
            before = len(self.lost)
            try:
                answers = self._ask(fetch, items_at)
                items = [items_of(answer, items_at) for answer in answers]
                keyed = [{id_of(item): item for item in some} for some in items]
            except ApiError as error:
                if self.pages is None:
                    raise
                raise type(error)(
                    f"page {self.number}: {error.message}", error.hint, status=error.status
                ) from error
            for answer, some in zip(answers, keyed, strict=True):
                new = [item for id_, item in some.items() if id_ not in yielded]
                yielded.update(some)
                yield Page(self.number, new, included_in(answer))
            ids = [id_ for some in keyed for id_ in some]
            more = self._more(answers[0], sum(map(len, items)), ids, len(self.lost) - before)
        self._compare()

    def _ask(self, fetch: Callable[[Mapping[str, str]], JSON], items_at: str) -> list[JSON]:
        """Ask for the next page: in one piece, or in several that leave one record out."""
        try:
            return [fetch(self._query())]
        except ApiError as error:
            pages = self.pages
            if not (self.lossy and self.size > 1 and may_be_one(error)):
                raise
            if pages is None or pages.style not in _BY_PLACE:
                raise

            def ask(at: int, size: int) -> JSON:
                value = at if pages.style == "offset" else at // size
                return fetch({pages.param: str(value), pages.size_param: str(size)})

            start = self.given if pages.style == "offset" else (self.number - 1) * self.size
            answers, place = read_around(
                ask, lambda answer: len(items_of(answer, items_at)), start, self.size, error
            )
            if place is not None:
                if len(self.lost) == _MOST_LOST:
                    raise
                self.lost[place] = error
            return answers

    def _query(self) -> dict[str, str]:
        """Return the parameters of the next page."""
        if self.pages is None:
            return {}
        style = self.pages.style
        value = {
            "number": str(self.number - 1),
            "offset": str(self.given),
            "after": self.last_id or "0",
            "cursor": self.cursor,
        }[style]
        query = {self.pages.size_param: str(self.size)}
        return {**query, self.pages.param: value} if value else query

    def _more(self, answer: JSON, count: int, ids: list[str], lost: int) -> bool:
        """Take note of a page; return whether the listing goes on behind it."""
        if self.pages is None:
            return False
        self._note_total(value_at(answer, self.pages.total) if self.pages.total else None)
        fresh = not self.ids.issuperset(ids) or (lost and not ids)
        self.ids.update(ids)
        count += lost
        self.given += count
        if self.pages.style == "cursor":
            return self._next_cursor(value_at(answer, self.pages.cursor))
        if not count or (self.total is not None and self._known >= self.total):
            return False
        if not fresh:
            self.doubt = f"page {self.number} repeats earlier items"
            return False
        self.last_id = ids[-1] if ids else self.last_id
        if self.number == 1:
            # The server may give fewer than asked for, as its largest page. To count on in
            # pages of that size is right then, and costs nothing where the list is just short.
            self.size = min(self.size, count)
        return True

    def _next_cursor(self, cursor: JSON) -> bool:
        if not isinstance(cursor, (str, int)) or isinstance(cursor, bool) or cursor == "":
            return False
        self.cursor = str(cursor)
        if self.cursor in self.cursors:
            self.doubt = f"page {self.number} leads back to an earlier page"
            return False
        self.cursors.add(self.cursor)
        return True

    def _note_total(self, value: JSON) -> None:
        if isinstance(value, bool) or not isinstance(value, (int, str)):
            return
        if not str(value).isdecimal():
            return
        if self.strict and self.total not in (None, int(value)):
            self.doubt = f"its total went from {self.total} to {value} while it was read"
        self.total = int(value)

    @property
    def _known(self) -> int:
        return len(self.ids) + len(self.lost)

    def _compare(self) -> None:
        if not self.doubt and self.total is not None and self.total != self._known:
            self.doubt = f"the server counts {self.total} and lists {self._known}"


def items_of(answer: JSON, at: str) -> list[JSONObject]:
    """Return the items of an answer; one object in a list's place is the only item.

    ``null`` is an empty list: Datadog's servers write it so. A missing member is an error.
    """
    if "[*]" in at or "**" in at:
        found: JSON = [slot.value for slot in field_path(at).find(answer)]
    else:
        found = value_at(answer, at)
        if found is None and not _is_there(answer, at):
            raise ApiError(f"the answer holds no {at!r}", "the API may have changed")
    if isinstance(found, dict):
        return [found]
    if not isinstance(found, list):
        found = [] if found is None else [found]
    items = [item for item in found if isinstance(item, dict)]
    if len(items) < len(found):
        raise ApiError(f"the answer holds items that are no objects at {at or 'its top'!r}")
    return items


def included_in(answer: JSON) -> list[JSONObject]:
    """Return what a JSON:API answer includes beside its items."""
    included = value_at(answer, "included")
    return (
        [item for item in included if isinstance(item, dict)] if isinstance(included, list) else []
    )


def _is_there(answer: JSON, at: str) -> bool:
    # JSON:API leaves ``included`` out where there is nothing to include.
    return at == "included" or next(field_path(at).find(answer), None) is not None if at else True
