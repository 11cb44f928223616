from __future__ import annotations

from typing import Any

import pytest

from ddsnap.api.pages import ListingIncomplete, included_in, items_of, read_pages, requests_for
from ddsnap.core.resource_type import Pages
from ddsnap.errors import ApiError, AuthError

NUMBER = Pages("number", "page[number]", "page[size]", 100, total="meta.total")
NUMBER_BLIND = Pages("number", "page[number]", "page[size]", 100)
OFFSET = Pages("offset", "start", "count", 100, total="meta.total")
OFFSET_BLIND = Pages("offset", "start", "count", 100)
AFTER = Pages("after", "id_offset", "page_size", 100)
CURSOR = Pages("cursor", "page[cursor]", "page[size]", 100, cursor="meta.cursor")
ALL = [NUMBER, NUMBER_BLIND, OFFSET, OFFSET_BLIND, AFTER, CURSOR]
STYLES = ["number", "number-blind", "offset", "offset-blind", "after", "cursor"]


class Org:
    """A server with pages in every style; ``cap`` is the largest page that it gives."""

    def __init__(self, count: int, *, cap: int = 100) -> None:
        self.items = [{"id": number + 1} for number in range(count)]
        self.cap = cap
        self.total: int | None = None
        self.asked: list[dict[str, str]] = []
        self.before = lambda _number: None
        self.fails: dict[int, Any] = {}
        self.ignores_position = False

    def __call__(self, say, heard):
        self.asked.append(heard.query)
        self.before(len(self.asked))
        if len(self.asked) in self.fails:
            return self.fails[len(self.asked)]
        start, size = self.span(heard.query)
        if self.ignores_position:
            start = 0
        shown = self.items[start : start + size]
        more = start + size < len(self.items)
        cursor = f"at-{start + size}" if more else None
        total = len(self.items) if self.total is None else self.total
        return say(body={"data": shown, "meta": {"total": total, "cursor": cursor}})

    def span(self, query: dict[str, str]) -> tuple[int, int]:
        asked = int(query.get("page[size]") or query.get("count") or query.get("page_size") or 10)
        size = min(asked, self.cap)
        if "start" in query:
            return int(query["start"]), size
        if "id_offset" in query:
            after = int(query["id_offset"])
            return sum(item["id"] <= after for item in self.items), size
        if "page[cursor]" in query:
            return int(query["page[cursor]"].removeprefix("at-")), size
        return int(query.get("page[number]", 0)) * size, size


@pytest.fixture
def listing(server, say, connect):
    """Read a listing of ``org`` over HTTP; return the ids in the order in which they came."""
    session = connect()

    def read(org: Org, pages: Pages | None) -> list[int]:
        server.script = lambda heard: org(say, heard)

        def fetch(query):
            return session.request("GET", "/list", "/list", query=query).body

        found = read_pages(fetch, pages, "data", lambda item: str(item["id"]))
        return [item["id"] for page in found for item in page.items]

    return read


@pytest.mark.parametrize("pages", ALL, ids=STYLES)
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 250])
def test_the_requests_of_a_listing_are_known_beforehand(listing, pages, count) -> None:
    org = Org(count)
    listing(org, pages)
    assert len(org.asked) == requests_for(pages, count)


@pytest.mark.parametrize("pages", ALL, ids=STYLES)
@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 200, 250])
def test_every_style_reads_all_of_it(listing, pages, count) -> None:
    org = Org(count)
    assert listing(org, pages) == list(range(1, count + 1))
    assert len(org.asked) <= count // 100 + 2


@pytest.mark.parametrize("pages", ALL, ids=STYLES)
@pytest.mark.parametrize("cap", [10, 33, 50])
@pytest.mark.parametrize("count", [100, 101, 150])
def test_a_clamped_page_size_loses_nothing(listing, pages, cap, count) -> None:
    assert listing(Org(count, cap=cap), pages) == list(range(1, count + 1))


@pytest.mark.parametrize("pages", [NUMBER, OFFSET], ids=["number", "offset"])
def test_a_total_saves_the_empty_page(listing, pages) -> None:
    org = Org(200)
    listing(org, pages)
    assert len(org.asked) == 2


def test_a_short_page_alone_is_no_end(listing) -> None:
    org = Org(150, cap=60)
    assert len(listing(org, NUMBER_BLIND)) == 150
    assert [query["page[size]"] for query in org.asked] == ["100", "60", "60", "60"]


@pytest.mark.parametrize("pages", [NUMBER, OFFSET], ids=["number", "offset"])
@pytest.mark.parametrize("lie", [9, 11, 0])
def test_a_lying_total_is_an_error_that_names_both_counts(listing, pages, lie) -> None:
    org = Org(10)
    org.total = lie
    with pytest.raises(ListingIncomplete, match=f"counts {lie} and lists 10"):
        listing(org, pages)


def test_a_listing_is_read_once_more_before_it_is_given_up(listing) -> None:
    org = Org(10)
    org.total = 11
    org.before = lambda number: setattr(org, "total", 10 if number > 2 else 11)
    assert listing(org, NUMBER) == list(range(1, 11))
    assert len(org.asked) == 3


@pytest.mark.parametrize("pages", ALL, ids=STYLES)
@pytest.mark.parametrize("bad", [1, 2, 3])
def test_a_failing_page_fails_the_listing_and_is_named(listing, say, pages, bad) -> None:
    org = Org(250)
    org.fails = {bad: say(403, {"errors": ["Forbidden"]})}
    with pytest.raises(ApiError, match=f"^page {bad}: HTTP 403: Forbidden") as error:
        listing(org, pages)
    assert error.value.status == 403


def test_a_page_that_fails_for_a_moment_costs_nothing(listing, say) -> None:
    org = Org(250)
    org.fails = {2: say(512), 4: say(500)}
    assert len(listing(org, AFTER)) == 250


def test_refused_keys_on_a_page_are_refused_keys(listing, say) -> None:
    org = Org(250)
    org.fails = {2: say(401)}
    with pytest.raises(AuthError, match="page 2"):
        listing(org, NUMBER)


@pytest.mark.parametrize("pages", ALL[:5], ids=STYLES[:5])
def test_a_server_that_repeats_a_page_is_found_out(listing, pages) -> None:
    org = Org(250)
    org.ignores_position = True
    with pytest.raises(ListingIncomplete, match="page 2 repeats"):
        listing(org, pages)
    assert len(org.asked) == 4


def test_a_cursor_that_leads_back_is_found_out(listing, say) -> None:
    org = Org(250)
    org.ignores_position = True
    with pytest.raises(ListingIncomplete, match="leads back"):
        listing(org, CURSOR)
    assert len(org.asked) < 10


def test_an_empty_page_in_the_middle_does_not_end_a_cursor(listing, say) -> None:
    org = Org(250)
    org.fails = {2: say(body={"data": [], "meta": {"cursor": "at-100"}})}
    assert len(listing(org, CURSOR)) == 250


@pytest.mark.parametrize("pages", [AFTER, OFFSET, NUMBER], ids=["after", "offset", "number"])
def test_what_is_added_meanwhile_is_neither_lost_nor_doubled(listing, pages) -> None:
    org = Org(250)

    def add(number: int) -> None:
        if number == 2:
            org.items.append({"id": 251})

    org.before = add
    assert listing(org, pages) == list(range(1, 252))


@pytest.mark.parametrize("pages", [OFFSET, NUMBER], ids=["offset", "number"])
def test_items_that_move_up_between_pages_are_still_found(listing, pages) -> None:
    org = Org(250)

    def remove(number: int) -> None:
        if number == 2:
            del org.items[0]

    org.before = remove
    ids = listing(org, pages)
    assert sorted(ids) == list(range(1, 251))


def test_an_insert_in_front_doubles_nothing(listing) -> None:
    org = Org(250)
    org.before = lambda number: org.items.insert(0, {"id": 999}) if number == 2 else None
    ids = listing(org, OFFSET)
    assert len(ids) == len(set(ids))
    assert set(ids) == {*range(1, 251), 999}


def test_without_pages_there_is_one_request(listing) -> None:
    org = Org(8)
    assert listing(org, None) == list(range(1, 9))
    assert org.asked == [{}]


def test_items_without_an_id_fail_the_page() -> None:
    def id_of(item):
        raise ApiError("an item without an id")

    pages = read_pages(lambda _: {"data": [{"x": 1}]}, NUMBER, "data", id_of)
    with pytest.raises(ApiError, match="page 1: an item without an id"):
        list(pages)


@pytest.mark.parametrize(
    ("answer", "at", "items"),
    [
        ([{"id": 1}], "", [{"id": 1}]),
        ({"data": [{"id": 1}]}, "data", [{"id": 1}]),
        ({"data": {"attributes": {"rules": [{"id": 1}]}}}, "data.attributes.rules", [{"id": 1}]),
        ({"data": {"id": 1}}, "data", [{"id": 1}]),
        ({"data": None}, "data", []),
        (
            {"apps": [{"v": [{"id": 1}]}, {"v": [{"id": 2}]}]},
            "apps[*].v[*]",
            [{"id": 1}, {"id": 2}],
        ),
        ({"data": {}}, "included", []),
    ],
)
def test_items_stand_where_the_declaration_says(answer, at, items) -> None:
    assert items_of(answer, at) == items


@pytest.mark.parametrize("answer", [{}, {"other": []}, None, [1], {"data": [1]}, {"data": "x"}])
def test_an_answer_of_another_form_is_an_error(answer) -> None:
    with pytest.raises(ApiError, match="answer holds"):
        items_of(answer, "data")


def test_what_is_included_comes_with_the_page() -> None:
    assert included_in({"included": [{"id": 1}, 2]}) == [{"id": 1}]
    assert included_in([]) == []


def test_deep_pages_that_fail_for_a_moment_lose_nothing(listing, say) -> None:
    org = Org(41_950)
    org.fails = {137: say(500), 400: say(512), 401: say(512), 419: say(500)}
    ids = listing(org, NUMBER_BLIND)
    assert ids == list(range(1, 41_951))
