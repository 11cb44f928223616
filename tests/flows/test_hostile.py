"""Hostile ids and bodies: none leaves its folder, collides or crashes; what cannot be is named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from orgs import git

from ddsnap.core.paths import document_path
from ddsnap.core.values import Address

if TYPE_CHECKING:
    from pathlib import Path

    from orgs import Backup

LONG = "i" * 300
CUT = (
    document_path(Address("logs_indexes", LONG)).removeprefix("logs_indexes/").removesuffix(".json")
)

IDS = [
    "../../.git/hooks/x",
    "a/b#c?d",
    "CON",
    "con",
    "con.json",
    "Foo",
    "foo",
    LONG,
    CUT,
    "emoji 🚀",
    "nul\0inside",
    ".hidden",
    "dot.",
    "space ",
    "..",
    ".",
    "%2e%2e",
    "e\u0301",
    "\u00e9",
    "-rf",
    "$(touch x)",
    "new\nline",
]


def index(name: str, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "filter": {"query": "*"},
        "num_retention_days": 15,
        "exclusion_filters": [],
        **more,
    }


def test_every_hostile_id_has_a_file_of_its_own(empty: Backup, tmp_path: Path) -> None:
    empty.org.load("logs_indexes", [index(name) for name in IDS])
    result = empty.capture()
    assert not result.partial
    files = empty.paths("logs_indexes/")
    ours = {empty.document(path)["name"]: path for path in files}
    assert set(IDS) <= ours.keys()
    assert len({path.casefold() for path in files}) == len(files)
    assert all(path.count("/") == 1 and len(path.encode()) < 256 for path in files)
    assert empty.git("fsck", "--strict", "--full") == ""
    git(tmp_path, "clone", "-q", "-b", empty.branch, str(empty.folder), "copy")
    on_disk = {path.name for path in (tmp_path / "copy" / "logs_indexes").iterdir()}
    assert on_disk == {path.split("/")[1] for path in files}
    assert not empty.capture().committed


def test_hostile_ids_are_asked_for_by_their_own_path(empty: Backup) -> None:
    """Gone from the listing, each is read directly, and only that proves it gone."""
    empty.org.load("logs_indexes", [index(name) for name in IDS])
    empty.capture()
    for name in IDS[:4]:
        del empty.org.resources("logs_indexes")[name]
    result = empty.capture()
    deleted = {c.address.id for c in result.changes if c.kind == "deleted"}
    assert deleted == set(IDS[:4])


def nested(depth: int) -> Any:
    value: Any = "bottom"
    for _ in range(depth):
        value = {"in": value}
    return value


def test_large_and_deep_bodies_and_long_numbers_survive(empty: Backup) -> None:
    wide = 10**29 + 7
    bodies = [
        index("large", note="x" * 5_000_000),
        index("deep", note=nested(500)),
        index("wide", note=wide, negative=-wide),
        index("plain"),
    ]
    empty.org.load("logs_indexes", bodies)
    assert not empty.capture().partial
    assert empty.document("logs_indexes/wide.json")["note"] == wide
    assert str(wide).encode() in empty.file("logs_indexes/wide.json")
    assert len(empty.document("logs_indexes/large.json")["note"]) == 5_000_000
    assert empty.document("logs_indexes/deep.json")["note"] == nested(500)
    assert not empty.capture().committed


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        ("half \ud800 a character", "not valid Unicode"),
        ({"$ddsnap": {"secret": True}}, "$ddsnap"),
    ],
)
def test_what_cannot_be_stored_is_named_and_the_rest_of_its_page_is(
    empty: Backup, value: Any, told: str
) -> None:
    empty.org.load("logs_indexes", [index("bad"), index("good"), index("wide", note=2**70)])
    empty.capture()
    before = empty.file("logs_indexes/bad.json")
    indexes = empty.org.resources("logs_indexes")
    indexes["bad"]["note"] = value
    indexes["good"]["num_retention_days"] = 30
    result = empty.capture()
    outcome = result.types["logs_indexes"]
    assert [p.address.id for p in outcome.problems] == ["bad"]
    assert told in outcome.problems[0].reason
    assert outcome.state.state == "partial"
    assert result.partial
    assert empty.file("logs_indexes/bad.json") == before
    assert empty.document("logs_indexes/good.json")["num_retention_days"] == 30
    assert empty.document("logs_indexes/wide.json")["note"] == 2**70


def test_a_reserved_name_inside_a_text_is_only_text(empty: Backup) -> None:
    empty.org.load("logs_indexes", [index("quotes", note='"$ddsnap": {"secret": true}')])
    assert not empty.capture().partial
    assert empty.document("logs_indexes/quotes.json")["note"] == '"$ddsnap": {"secret": true}'
