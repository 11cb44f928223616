from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core.paths import document_path, parse_document_path
from ddsnap.core.values import Address
from ddsnap.errors import StoreError

# Surrogates, and letters that fold or decompose, are where two ids could meet.
_CHARS = st.one_of(
    st.characters(exclude_categories=()),
    st.sampled_from("aAb\u00df\u017fK\u212aké\u00c5\u0301.%~/\\ \x00\u0130i\u0131CONconux05"),
)
_IDS = st.one_of(st.text(_CHARS), st.text(_CHARS, min_size=60, max_size=260))


def path(id_: str) -> str:
    return document_path(Address("monitors", id_))


def name(id_: str) -> str:
    return path(id_).removeprefix("monitors/").removesuffix(".json")


def folded(text: str) -> set[str]:
    forms = [unicodedata.normalize(form, text) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    return {folding for form in forms for folding in (form.casefold(), form.lower(), form.upper())}


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("123", "123"),
        ("abc-def-ghi", "abc-def-ghi"),
        ("a_b@c+d,e=f", "a_b@c+d,e=f"),
        ("Foo", "%46oo"),
        ("foo", "foo"),
        ("../../.git/hooks/x", "%2E.%2F..%2F.git%2Fhooks%2Fx"),
        (".", "%2E"),
        ("..", "%2E%2E"),
        ("...", "%2E.%2E"),
        (".hidden", "%2Ehidden"),
        ("a.", "a%2E"),
        ("a.b", "a.b"),
        ("a ", "a%20"),
        ("a/b#c?d", "a%2Fb%23c%3Fd"),
        ("a\\b", "a%5Cb"),
        ("c:x", "c%3Ax"),
        ("CON", "%43%4F%4E"),
        ("con", "%63on"),
        ("con.x", "%63on.x"),
        ("con.", "%63on%2E"),
        ("contact", "contact"),
        ("xcon", "xcon"),
        ("nul", "%6Eul"),
        ("com0", "%63om0"),
        ("lpt9.tar.gz", "%6Cpt9.tar.gz"),
        ("com10", "com10"),
        ("😀", "%F0%9F%98%80"),
        ("é", "%C3%A9"),
        ("e\u0301", "e%CC%81"),
        ("\x00", "%00"),
        ("%41", "%2541"),
        ("a~b", "a%7Eb"),
        ("", "%"),
        ("%", "%25"),
        ("\ud800", "%ED%A0%80"),
        ("\ud83d\ude00", "%ED%A0%BD%ED%B8%80"),
        ("a\n", "a%0A"),
    ],
)
def test_names(id_: str, expected: str) -> None:
    assert name(id_) == expected
    assert parse_document_path(path(id_)) == ("monitors", id_)


def test_names_up_to_200_bytes_are_whole() -> None:
    assert name("a" * 200) == "a" * 200
    assert parse_document_path(path("a" * 200)) == ("monitors", "a" * 200)


def test_longer_names_are_cut_and_marked() -> None:
    cut = name("a" * 201)
    assert re.fullmatch(r"a{160}~[0-9a-f]{32}", cut)
    assert parse_document_path(path("a" * 201)) == ("monitors", None)
    assert cut != name("a" * 202)


def test_an_id_that_spells_a_cut_name_gets_another_name() -> None:
    cut = name("a" * 300)
    assert name(cut) != cut
    assert parse_document_path(path(cut)) in {("monitors", cut), ("monitors", None)}


@pytest.mark.parametrize(("char", "shift"), [(c, n) for c in ("é", "€", "😀") for n in range(12)])
def test_a_cut_never_splits_a_character(char: str, shift: int) -> None:
    kept = name("x" * shift + char * 100).partition("~")[0]
    escaped = name(char)
    assert re.fullmatch(f"x{{{shift}}}(?:{escaped})+", kept)
    assert 160 - len(escaped) < len(kept) <= 160


def test_a_cut_may_stand_right_after_a_dot_or_a_reserved_name() -> None:
    assert name("con." + "x" * 300).startswith("%63on.xx")
    assert name("." * 300).startswith("%2E....")


def test_a_type_cannot_leave_the_tree_either() -> None:
    assert document_path(Address("..", "x")) == "%2E%2E/x.json"
    assert parse_document_path("%2E%2E/x.json") == ("..", "x")


@pytest.mark.parametrize(
    "text",
    [
        "snapshot.json",
        ".gitattributes",
        "monitors/1",
        "monitors/1.txt",
        "monitors/a/b.json",
        "monitors/.json",
        "/1.json",
        "monitors/Foo.json",
        "monitors/%66oo.json",
        "monitors/%2e.json",
        "monitors/con.json",
        "monitors/%FF.json",
        "monitors/a~b.json",
        "monitors/é.json",
        "Monitors/1.json",
    ],
)
def test_other_paths_are_refused(text: str) -> None:
    with pytest.raises(StoreError):
        parse_document_path(text)


@settings(max_examples=300, deadline=None)
@given(_IDS)
def test_a_name_is_plain_bounded_and_leads_back(id_: str) -> None:
    text = path(id_)
    folder, file = text.split("/")
    assert folder == "monitors"
    assert re.fullmatch(r"[a-z0-9._@+,=%A-F-]+(~[0-9a-f]{32})?\.json", file)
    assert re.search(r"%(?![0-9A-F]{2}|\.json$)", file) is None
    assert not file.startswith(".")
    assert len(file) <= 205
    assert re.match(r"(con|prn|aux|nul|com\d|lpt\d)\.", file) is None
    assert parse_document_path(text) in {("monitors", id_), ("monitors", None)}


@settings(max_examples=300, deadline=None)
@given(_IDS, st.data())
def test_two_ids_never_share_a_name(id_: str, data: st.DataObject) -> None:
    near = [id_.swapcase(), id_ + ".", id_ + " ", name(id_), *folded(id_)]
    other = data.draw(st.one_of(_IDS, st.sampled_from(near)))
    if other != id_:
        assert folded(path(id_)).isdisjoint(folded(path(other)))
