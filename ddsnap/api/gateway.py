"""The org as its API shows it, read the way that each type's declaration says."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.api import identity, writing
from ddsnap.api.items import is_ours, place_id, place_parent, reduced, shaped, unwrapped
from ddsnap.api.pages import included_in, items_of, read_pages
from ddsnap.core import normalize
from ddsnap.core.fields import field_path, value_at
from ddsnap.core.resource_type import Pages
from ddsnap.core.routes import (
    Endpoint,
    addresses,
    endpoint,
    endpoints,
    filled,
    first_placeholder,
    ids_by_name,
)
from ddsnap.errors import ApiError, AuthError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from ddsnap.api.answers import Answer
    from ddsnap.api.identity import OrgIdentity
    from ddsnap.api.pages import Lose
    from ddsnap.api.session import RouteCount, Session
    from ddsnap.api.writing import Written
    from ddsnap.core.requests import Request
    from ddsnap.core.resource_type import Catalog, ResourceType, Section
    from ddsnap.core.values import JSON, JSONObject

_NO_PARENT = (404, 410)


@dataclass(frozen=True, slots=True)
class Found:
    """The resource is there, and this is all of it."""

    body: JSONObject


@dataclass(frozen=True, slots=True)
class Gone:
    """The resource's own address says that it does not exist."""


@dataclass(frozen=True, slots=True)
class Unreadable:
    """The resource may or may not be there: ``status`` is 0 where no answer came."""

    status: int
    reason: str


Reading: TypeAlias = "Found | Gone | Unreadable"
Items: TypeAlias = "list[JSONObject]"
Missing: TypeAlias = "list[_ParentGone]"


class _ParentGone(ApiError):  # noqa: N818 - it says what happened
    """The parent of a listing vanished after it was listed itself."""


class Gateway:
    """Reads resources of any declared type through one session."""

    def __init__(self, session: Session, catalog: Catalog) -> None:
        self._session = session
        self._catalog = catalog
        self._lookups: dict[str, dict[str, str]] = {}
        self._lookups_lock = threading.Lock()
        self._beside: dict[str, set[str]] = {}

    def requests(self) -> dict[str, RouteCount]:
        """Return the traffic so far, by route."""
        return self._session.counters

    def server_time(self) -> float | None:
        """Return the time by the server's clock (seconds since 1970), as far as it is known."""
        return self._session.server_time()

    @property
    def concurrency(self) -> int:
        """How many requests may be under way at once."""
        return self._session.concurrency

    def stop_waiting(self) -> None:
        """Give up what waits for a limit; what is under way is answered."""
        self._session.stop_waiting()

    @property
    def hurried(self) -> bool:
        """Whether nothing waits any more."""
        return self._session.hurried

    def patiently(self) -> AbstractContextManager[None]:
        """Let what this thread asks for wait in any case."""
        return self._session.patiently()

    def conceal(self, secrets: Iterable[str]) -> None:
        """Keep these out of every error from now on."""
        self._session.conceal(secrets)

    def identity(self) -> OrgIdentity:
        """Return the org that the keys belong to; refused keys raise ``AuthError``."""
        return identity.of_keys(self._session)

    def recovery_state(self) -> int | None:
        """Return the org's disaster-recovery state, ``None`` where it has none."""
        return identity.recovery_state(self._session)

    def list(
        self, type_: ResourceType, *, parents: Sequence[str] = (), lose: Lose | None = None
    ) -> Iterator[JSONObject]:
        """Yield the items of the type's whole listing; any failure raises ``ApiError``.

        ``parents`` are the ids of the parent type's resources, where the type has one; ``lose`` is
        told of single records that the server cannot list (see ``read_pages``).
        """
        if not type_.parent:
            yield from self._items(type_, "", lose)
            return
        gone: Missing = []
        listings = self._session.map(lambda parent: self._of_parent(type_, parent), parents)
        for parent, items in zip(parents, listings, strict=True):
            if isinstance(items, _ParentGone):
                self._check_gone(type_, parent, items)
                gone.append(items)
            else:
                yield from items
        # That every parent vanished is less likely than that the whole type is not to be had.
        if gone and len(gone) == len(parents):
            raise gone[0]

    def read(self, type_: ResourceType, id_: str, hint_item: JSONObject | None = None) -> Reading:
        """Read one resource from its own address.

        ``hint_item`` is what the listing said of it; it chooses among a type's endpoints.
        """
        try:
            body = self._body(type_, id_, hint_item)
            return Gone() if body is None else self._whole(type_, id_, body)
        except AuthError:
            raise
        except ApiError as error:
            return Unreadable(error.status, error.message)

    def find(self, type_: ResourceType, id_: str) -> Reading:
        """Read one resource, from its listing where it has no address of its own."""
        if type_.direct:
            return self.read(type_, id_)
        parent = ids_by_name(type_, id_)[first_placeholder(type_.path)] if type_.parent else ""
        try:
            items = self._items(type_, parent)
            return next((Found(item) for item in items if self.id_of(type_, item) == id_), Gone())
        except AuthError:
            raise
        except _ParentGone:
            return Gone()
        except ApiError as error:
            return Unreadable(error.status, error.message)

    def read_many(
        self, type_: ResourceType, items: Iterable[tuple[str, JSONObject | None]]
    ) -> Iterator[tuple[str, Reading]]:
        """Read resources in order, several at a time.

        Of a listed item that is complete but for its sections, only these are read.
        """

        def read_one(item: tuple[str, JSONObject | None]) -> tuple[str, Reading]:
            id_, listed = item
            if listed is None or type_.detail:
                return id_, self.read(type_, id_, listed)
            return id_, self._completed(type_, id_, listed)

        return self._session.map(read_one, items)

    def seconds_for(self, type_: ResourceType, count: int) -> tuple[int, float | None]:
        """Return the requests that reading so many resources takes, and the seconds at least.

        The seconds are those that rate limits impose, ``None`` where no limit is known yet.
        """
        reads = [section.read for section in type_.sections if section.read.path != type_.one_path]
        sections = {f"{read.method} {read.path}": count for read in reads}
        # Of several addresses each resource has one: the slowest, as if all were of its kind.
        own = [f"GET {path}" for path in addresses(type_)] if type_.discover or type_.detail else []
        waits = map(
            self._session.budget.seconds_for,
            [{**sections, route: count} for route in own] or [sections],
        )
        seconds = max((wait for wait in waits if wait is not None), default=None)
        return count * (len(sections) + bool(own)), seconds

    def lookup(self, name: str) -> dict[str, str]:
        """Return the stable name of each id in a read-only table, read once per run."""
        with self._lookups_lock:
            if name not in self._lookups:
                type_ = self._catalog.lookups[name]
                self._lookups[name] = {
                    self.id_of(type_, item): str(value_at(item, type_.natural_key[0]))
                    for item in self.list(type_)
                }
            return self._lookups[name]

    def beside(self) -> dict[str, frozenset[str]]:
        """Return the ids of what listings held beside their types' own, by what they are.

        Of a listing that was not read as a whole nothing is told.
        """
        return {name: frozenset(ids) for name, ids in self._beside.items()}

    def send(self, type_: ResourceType, request: Request, body: JSON) -> Written:
        """Send a request whose secrets are filled in; names become the org's own ids.

        Raises ``ApiError``, or ``LostAnswer`` where the write may have had its effect.
        """
        return writing.send(self._session, type_, request, body, self.lookup)

    def check(self, requests: Iterable[Request]) -> Iterator[ApiError | None]:
        """Ask about writes, in order and several at a time; yield the refusals.

        Nothing is written; refused keys raise ``AuthError``.
        """
        return self._session.map(self._check, requests)

    def _check(self, request: Request) -> ApiError | None:
        try:
            self._session.request(request.method, request.route, request.path, body=request.body)
        except AuthError:
            raise
        except ApiError as error:
            return error
        return None

    def id_of(self, type_: ResourceType, item: JSONObject) -> str:
        """Return an item's id, made of its parts where it has several."""
        try:
            return normalize.id_of(type_, item)
        except KeyError as error:
            raise ApiError(f"an item without an id: {error.args[0]}") from error

    # --- listing

    def _of_parent(self, type_: ResourceType, parent: str) -> Items | _ParentGone:
        try:
            return [*self._items(type_, parent)]
        except _ParentGone as gone:
            return gone

    def _check_gone(self, type_: ResourceType, parent: str, told: _ParentGone) -> None:
        """Raise unless the parent's own address says, too, that it does not exist."""
        above = self._catalog.get(type_.parent)
        if above and above.direct and not isinstance(self.read(above, parent), Gone):
            raise ApiError(f"{told.message}, though {above.name}/{parent} may exist")

    def _items(
        self, type_: ResourceType, parent: str, lose: Lose | None = None
    ) -> Iterator[JSONObject]:
        """Yield the items of one listing: the org's, or one parent's."""
        route = type_.path
        path = filled(route, {first_placeholder(route): parent}) if parent else route
        if type_.constant_id:
            answer = self._get(route, path, {**type_.query, **type_.item_query}, bool(parent))
            item = place_parent(type_, unwrapped(answer, type_.envelope), parent)
            yield shaped(type_, item, included_in(answer))
            return

        for part in ({}, *type_.also):
            yield from self._part(type_, path, parent, {**type_.query, **part}, lose)

    def _part(
        self,
        type_: ResourceType,
        path: str,
        parent: str,
        query: Mapping[str, str],
        lose: Lose | None,
    ) -> Iterator[JSONObject]:
        """Yield what one query lists."""

        def fetch(page: Mapping[str, str]) -> JSON:
            return self._get(type_.path, path, {**query, **page}, bool(parent))

        def id_of(item: JSONObject) -> str:
            return self.id_of(type_, place_parent(type_, item, parent))

        beside: set[str] = set()
        for page in read_pages(fetch, type_.pages, type_.items, id_of, lose):
            for item in page.items:
                if is_ours(type_, item):
                    # Half an item cannot be brought into the shape of a whole one.
                    yield item if type_.detail else shaped(type_, item, page.included)
                elif isinstance(other := value_at(item, type_.id), str):
                    beside.add(other)
        if type_.beside:
            self._beside[type_.beside] = beside

    def _get(self, route: str, path: str, query: Mapping[str, str], of_parent: bool) -> JSON:
        expect = _NO_PARENT if of_parent else ()
        answer = self._session.request("GET", route, path, query=query, expect=expect)
        if answer.status in expect:
            raise _ParentGone(f"HTTP {answer.status} (GET {path})", status=answer.status)
        return answer.body

    # --- reading one

    def _body(
        self, type_: ResourceType, id_: str, hint_item: JSONObject | None
    ) -> JSONObject | None:
        """Read a resource without its sections; ``None``: it is gone."""
        for at in endpoints(type_, hint_item):
            answer = self._ask(type_, at, id_)
            if answer.status not in type_.gone:
                break
        else:
            return None
        body = unwrapped(answer.body, at.envelope)
        better = endpoint(type_, body)
        if type_.variants and hint_item is None and better != at:
            answer = self._ask(type_, better, id_)
            if answer.status in type_.gone:
                return None
            body = unwrapped(answer.body, better.envelope)
        if type_.nothing_when_empty and not value_at(body, type_.nothing_when_empty):
            return None
        if not is_ours(type_, body):  # cancelled, say, and readable for a while
            return None
        return shaped(type_, place_id(type_, body, id_), included_in(answer.body))

    def _ask(self, type_: ResourceType, at: Endpoint, id_: str) -> Answer:
        path = filled(at.path, ids_by_name(type_, id_))
        return self._session.request(
            "GET", at.path, path, query=type_.item_query, expect=type_.gone
        )

    def _completed(self, type_: ResourceType, id_: str, listed: JSONObject) -> Reading:
        try:
            return self._whole(type_, id_, listed)
        except AuthError:
            raise
        except ApiError as error:
            # A section that is gone since the listing: so may be the resource itself.
            if error.status in type_.gone:
                return self.read(type_, id_, listed)
            return Unreadable(error.status, error.message)

    def _whole(self, type_: ResourceType, id_: str, body: JSONObject) -> Found:
        """Add the sections, each of which has an API of its own."""
        for section in type_.sections:
            # What the resource's own address answers is in the body already.
            if section.read.path != type_.one_path:
                items = self._section(type_, section, id_)
                field_path(section.at).put(body, [reduced(item, section.keep) for item in items])
        return Found(body)

    def _section(self, type_: ResourceType, section: Section, id_: str) -> Items:
        call = section.read
        path = filled(call.path, ids_by_name(type_, id_))

        def fetch(query: Mapping[str, str]) -> JSON:
            return self._session.request(
                call.method, call.path, path, query={**call.query, **query}
            ).body

        at = type_.envelope if call.answer is None else call.answer
        if "page[size]" not in call.query:
            return items_of(fetch({}), at)
        pages = Pages("number", "page[number]", "page[size]", int(call.query["page[size]"]))
        return [
            item
            for page in read_pages(fetch, pages, at, lambda item: self.id_of(type_, item))
            for item in page.items
        ]
