"""What a destination shall hold: what only it has in a list of people's own stays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.directory import read_directory
from ddsnap.core.intended import intended_document, is_reordered
from ddsnap.core.match import portable
from ddsnap.core.resolution import Resolution
from ddsnap.core.values import Address, Document

if TYPE_CHECKING:
    from ddsnap.core.values import JSON, JSONObject

LISTS = CATALOG["dashboard_lists"]


def member(id_: str, kind: str = "custom_timeboard") -> JSONObject:
    return {"id": id_, "type": kind}


def a_list(*members: JSONObject) -> Document:
    held: JSON = list(members)
    return Document(Address(LISTS.name, "7"), {"id": 7, "name": "Mine", "dashboards": held})


def board(id_: str) -> Document:
    return Document(Address("dashboards", id_), {"id": id_, "title": id_, "widgets": []})


def intended(source: Document, present: Document | None, *, same_org: bool = False) -> JSON:
    ids = {Address("dashboards", "aaa-aaa-aaa"): "xxx-xxx-xxx"}
    documents = [board("aaa-aaa-aaa"), source]
    known = read_directory(documents, CATALOG)
    resolution = Resolution(known, read_directory([], CATALOG), CATALOG, {}, same_org=same_org)
    there = portable(LISTS, present.body) if present else None
    body = intended_document(source, resolution, ids=ids, present=there)
    return body.get("dashboards")


SOURCE = a_list(member("aaa-aaa-aaa"), member("12", "integration_timeboard"))
OURS = [member("12", "integration_timeboard"), member("xxx-xxx-xxx")]
THEIRS = member("own-own-own")


def test_members_that_only_the_destination_has_stay() -> None:
    there = a_list(THEIRS, member("xxx-xxx-xxx"))
    assert intended(SOURCE, there) == [OURS[0], THEIRS, OURS[1]]
    assert intended(SOURCE, a_list(*OURS)) == OURS
    assert intended(SOURCE, a_list()) == OURS
    assert intended(a_list(), a_list(THEIRS)) == [THEIRS]
    assert intended(a_list(), a_list()) is None


def test_without_a_destination_or_in_the_same_org_it_is_the_sources() -> None:
    assert intended(SOURCE, None) == OURS
    assert intended(SOURCE, a_list(THEIRS), same_org=True) == OURS


@pytest.mark.parametrize(
    ("then", "now", "moved"),
    [
        ("ab", "ab", False),
        ("ab", "ba", True),
        ("ab", "xayb", False),  # others are new, be they this run's own
        ("abc", "ca", True),
        ("abc", "ac", False),
        ("", "ab", False),
    ],
)
def test_an_order_is_another_one_if_what_it_had_stands_otherwise(
    then: str, now: str, moved: bool
) -> None:
    type_ = CATALOG["logs_pipelines_order"]
    before, after = ({"pipeline_ids": [*names]} for names in (then, now))
    assert is_reordered(type_, before, after) is moved
