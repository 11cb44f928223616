"""One record that fails every page which holds it costs that record alone, and few requests."""

from itertools import chain

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.api.around import read_around
from ddsnap.api.pages import ListingIncomplete, read_pages
from ddsnap.core.resource_type import Pages
from ddsnap.errors import ApiError

STYLES = {
    "number": Pages("number", "page", "size", 100, total="total"),
    "number-blind": Pages("number", "page", "size", 100),
    "offset": Pages("offset", "page", "size", 100, total="total"),
    "offset-blind": Pages("offset", "page", "size", 100),
}


class Listing:
    """A listing of numbers, some of which no page can hold."""

    def __init__(self, pages, count, poison=(), *, cap=1000, status=500, total=None):
        self.pages, self.count, self.poison = pages, count, set(poison)
        self.cap, self.status, self.total = cap, status, count if total is None else total
        self.asked = 0

    def fetch(self, query):
        self.asked += 1
        size = min(int(query["size"]), self.cap)
        start = int(query.get("page", 0))
        start = start if self.pages.style == "offset" else start * size
        shown = range(start, min(start + size, self.count))
        if self.poison.intersection(shown):
            raise ApiError("HTTP it fails", status=self.status)
        return {"data": [{"id": str(number)} for number in shown], "total": self.total}

    def read(self, *, lossy=True):
        lost = {}
        lose = lost.__setitem__ if lossy else None
        pages = read_pages(self.fetch, self.pages, "data", lambda item: item["id"], lose)
        return sorted(int(item["id"]) for page in pages for item in page.items), sorted(lost)


@pytest.mark.parametrize("style", STYLES)
@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_only_that_record_is_lost_wherever_it_is(style, data):
    count = data.draw(st.integers(1, 350))
    pages = range((count + 99) // 100)
    chosen = data.draw(st.sets(st.sampled_from(pages)))
    places = (data.draw(st.integers(p * 100, min(p * 100 + 99, count - 1))) for p in chosen)
    poison = sorted(places)
    listing = Listing(STYLES[style], count, poison)
    read, lost = listing.read()
    assert lost == poison
    assert read == [number for number in range(count) if number not in poison]
    assert listing.asked <= len(pages) + 2 + 20 * len(poison)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("status", [500, 501])
def test_a_server_that_fails_for_all_is_asked_little_more(style, status):
    listing = Listing(STYLES[style], 350, range(350), status=status)
    with pytest.raises(ApiError, match="page 1: HTTP it fails"):
        listing.read()
    assert listing.asked == 3


@pytest.mark.parametrize("status", [0, 400, 403, 404, 429, 502, 503, 504])
def test_what_is_no_fault_of_a_record_is_not_looked_for(status):
    listing = Listing(STYLES["offset"], 350, {120}, status=status)
    with pytest.raises(ApiError, match="page 2: HTTP it fails"):
        listing.read()
    assert listing.asked == 2


def test_two_records_of_one_page_are_not_believed_to_be_all():
    listing = Listing(STYLES["offset"], 350, {110, 180})
    with pytest.raises(ApiError, match="page 2"):
        listing.read()


def test_without_somebody_to_tell_nothing_is_lost():
    listing = Listing(STYLES["offset"], 350, {120})
    with pytest.raises(ApiError, match="page 2"):
        listing.read(lossy=False)
    assert listing.asked == 2


def test_a_total_counts_the_lost_ones_and_no_others():
    assert Listing(STYLES["offset"], 150, {120}, total=150).read()[1] == [120]
    with pytest.raises(ListingIncomplete, match="counts 151 and lists 150"):
        Listing(STYLES["offset"], 150, {120}, total=151).read()


@pytest.mark.parametrize("style", ["number-blind", "offset-blind"])
@pytest.mark.parametrize("place", [0, 7, 33, 149])
def test_a_server_that_gives_less_than_it_is_asked_for_is_not_misread(style, place):
    listing = Listing(STYLES[style], 150, {place}, cap=20)
    if place < 20:  # how much it gives is not known before its first page
        with pytest.raises(ApiError, match="page 1"):
            listing.read()
        return
    read, lost = listing.read()
    assert lost == [place]
    assert len(read) == 149


def test_more_than_a_few_are_too_many():
    listing = Listing(STYLES["offset"], 1500, range(50, 1500, 100))
    with pytest.raises(ApiError, match="page 11"):
        listing.read()


def test_a_page_that_answers_in_parts_costs_nothing():
    error = ApiError("HTTP 500", status=500)
    answers, place = read_around(lambda at, size: [*range(at, at + size)], len, 100, 10, error)
    assert place is None
    assert [*chain(*answers)] == [*range(100, 110)]
