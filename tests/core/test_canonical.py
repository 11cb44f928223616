from __future__ import annotations

import hashlib
import json
import math
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.core import canonical, exact
from ddsnap.core.canonical import decode, digest, encode, same
from ddsnap.errors import UnstorableError

if TYPE_CHECKING:
    from ddsnap.core.values import JSON

_FLOATS = st.one_of(
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2**64 - 1)
    .map(lambda bits: struct.unpack("<d", struct.pack("<Q", bits))[0])
    .filter(math.isfinite),
    st.builds(
        lambda digits, power: float(f"{digits}e{power}"),
        st.integers(-99, 99),
        st.integers(-320, 300),
    ),
)
_INTEGERS = st.integers(-(2**63), 2**64 - 1)
_LEAVES = st.one_of(st.none(), st.booleans(), _INTEGERS, _FLOATS, st.text())
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=20,
)
_WIDE = st.recursive(
    st.one_of(_LEAVES, st.integers()),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)
    ),
    max_leaves=12,
)


def nested(depth: int, leaf: JSON = 1) -> JSON:
    value = leaf
    for level in range(depth):
        value = [value] if level % 2 else {"k": value}
    return value


# --- the form ----------------------------------------------------------------------------------


def test_the_form() -> None:
    value: JSON = {"b": [1, 2.5, {}], "a": {"é": "😀"}, "B": [], "": None, "z": True}
    assert encode(value).decode() == (
        '{\n  "": null,\n  "B": [],\n  "a": {\n    "é": "😀"\n  },\n'
        '  "b": [\n    1,\n    2.5,\n    {}\n  ],\n  "z": true\n}\n'
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1.0"),
        (-0.0, "-0.0"),
        (0.1, "0.1"),
        (0.0001, "0.0001"),
        (1e-5, "0.00001"),
        (-1.234e-5, "-0.00001234"),
        (1e-6, "1e-6"),
        (1e-7, "1e-7"),
        (1.5e-10, "1.5e-10"),
        (1e15, "1000000000000000.0"),
        (1e16, "1e+16"),
        (1e22, "1e+22"),
        (123456789012345680.0, "1.2345678901234568e+17"),
        (5e-324, "5e-324"),
        (2.2250738585072014e-308, "2.2250738585072014e-308"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
        (2**53 + 2.0, "9007199254740994.0"),
        (2**63, "9223372036854775808"),
        (2**64, "18446744073709551616"),
        (-(2**63) - 1, "-9223372036854775809"),
        (10**400, "1" + "0" * 400),
    ],
)
def test_numbers_have_one_spelling(number: float, text: str) -> None:
    assert encode(number).decode() == text + "\n"
    assert exact.write(number).decode() == text + "\n"
    back = decode(text.encode())
    assert repr(back) == repr(number)


def test_escapes() -> None:
    text = "".join(map(chr, range(0x20))) + '"\\/\x7f\u0080\u2028\u2029\ufeff\uffff<&'
    assert encode(text) == exact.write(text)
    assert b"\\u001f" in encode(text)
    assert decode(encode(text)) == text


def test_keys_are_sorted_by_code_point() -> None:
    keys = ["\U00010000", "\uffff", "é", "z", "Z", "", "10", "9"]
    data = encode(dict.fromkeys(keys, 1))
    assert list(json.loads(data)) == sorted(keys)


@settings(max_examples=400, deadline=None)
@given(_VALUES)
def test_both_serializers_write_the_same_bytes(value: JSON) -> None:
    assert encode(value) == encode(value, parsed=True) == exact.write(value)


@settings(max_examples=500, deadline=None)
@given(_FLOATS)
def test_both_serializers_write_the_same_decimals(number: float) -> None:
    data = encode(number)
    assert data == exact.write(number)
    assert struct.pack("<d", float(data)) == struct.pack("<d", number)


@settings(max_examples=200, deadline=None)
@given(_WIDE)
def test_what_is_written_reads_back(value: JSON) -> None:
    assert repr(sorted_(decode(encode(value)))) == repr(sorted_(value))
    assert encode(decode(encode(value))) == encode(value)


def sorted_(value: JSON) -> JSON:
    if isinstance(value, dict):
        return {key: sorted_(value[key]) for key in sorted(value)}
    return [sorted_(child) for child in value] if isinstance(value, list) else value


def test_an_orjson_that_spells_exponents_otherwise_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(canonical, "ORJSON_AGREES", False)
    monkeypatch.setattr(canonical.orjson, "dumps", lambda *_, **__: b"1e16\n")
    assert encode(1e16) == b"1e+16\n"


# --- what cannot be stored ---------------------------------------------------------------------


@dataclass
class Point:
    x: int = 1


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (math.nan, "NaN"),
        (math.inf, "Infinity"),
        (-math.inf, "-Infinity"),
        ("\ud800", "Unicode"),
        pytest.param(10**5000, "integer", id="huge"),
        (object(), "object"),
        (Point(), "Point"),
        ({1: 2}, "key"),
        ({1, 2}, "set"),
        (b"x", "bytes"),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_place(bad: object, what: str) -> None:
    value = {"ok": None, "n": "null", "a/b": [None, {"x~y": bad}]}
    with pytest.raises(UnstorableError, match=what) as caught:
        encode(value)  # type: ignore[arg-type]
    assert caught.value.pointer == "/a~1b/1/x~0y"


def test_a_bad_value_at_the_top_has_the_empty_pointer() -> None:
    with pytest.raises(UnstorableError, match="NaN at the top") as caught:
        encode(math.nan)
    assert caught.value.pointer == ""


def test_a_broken_key_is_refused_with_a_printable_pointer() -> None:
    with pytest.raises(UnstorableError) as caught:
        encode({"a": {"\ud800": 1}})
    caught.value.pointer.encode()
    caught.value.message.encode()


def test_a_value_that_holds_itself_is_refused() -> None:
    value: list[JSON] = []
    value.append(value)
    for verb in (encode, digest):
        with pytest.raises(UnstorableError, match="deep"):
            verb(value)


def test_strings_that_say_null_are_no_trouble() -> None:
    value: JSON = {"a": "null", "b": ["x null,\n", None], "null": {"deep": [[None]]}, "f": 1.5}
    assert decode(encode(value)) == value


# --- reading -----------------------------------------------------------------------------------


def test_integers_of_any_size_survive() -> None:
    numbers = [2**64 - 1, 2**64, -(2**63), -(2**63) - 1, 10**19, 10**30, -(10**4000)]
    text = json.dumps(
        {"n": numbers, "s": "12345678901234567890123", "f": 0.12345678901234567890123}
    )
    value = decode(text.encode())
    assert isinstance(value, dict)
    assert value["n"] == numbers
    assert all(isinstance(number, int) for number in value["n"])  # type: ignore[union-attr]
    assert value["f"] == 0.12345678901234568


@pytest.mark.parametrize(
    "text",
    ["%s", "-%s", "[%s]", "[1,%s]", '{"a":%s}', '{"a": %s}', '{"a":\n%s\n}', "[%s ]", "[%s,1]"],
)
@pytest.mark.parametrize("digits", ["18446744073709551616", "99999999999999999999", "1" * 40])
def test_a_wide_integer_is_seen_wherever_it_stands(text: str, digits: str) -> None:
    assert digits.encode() in encode(decode((text % digits).encode()))


@pytest.mark.parametrize(
    "text",
    [
        "18446744073709551615",
        "-9223372036854775808",
        "1234567890123456789",
        '"12345678901234567890123"',
        '"a12345678901234567890123"',
        "0.12345678901234567890123",
        "12345678901234567890123.5",
        "1e0000000000000000000000001",
    ],
)
def test_what_fits_takes_the_fast_path(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact, "read", lambda _: pytest.fail("parsed slowly"))
    assert decode(text.encode()) == json.loads(text)


BAD_ITEMS = [
    ("NaN", "NaN"),
    ("Infinity", "Infinity"),
    ("-Infinity", "-Infinity"),
    ("1E400", "1E400"),
    ("-1e999", "-1e999"),
    ("1" * 5000, "integer of 5000 digits"),
    ('"\\ud800"', "Unicode"),
    ('"x\\udc00\\ud800y"', "Unicode"),
]


@pytest.mark.parametrize(("text", "what"), BAD_ITEMS)
def test_one_bad_item_never_costs_a_page(text: str, what: str) -> None:
    page = f'[{{"id": 1, "v": 2.5}}, {{"id": 2, "v": {{"w": [0, {text}]}}}}, {{"id": 3, "v": "é"}}]'
    items = decode(page.encode())
    assert isinstance(items, list)
    assert [item["id"] for item in items] == [1, 2, 3]  # type: ignore[index,call-overload]
    assert b'"v": 2.5' in encode(items[0])
    assert '"é"'.encode() in encode(items[2])
    with pytest.raises(UnstorableError, match=what) as caught:
        encode(items[1])
    assert caught.value.pointer == "/v/w/1"


@pytest.mark.parametrize("raw", [b"\xff", b"\xed\xa0\x80", b"\xc3", b"caf\xe9"])
def test_broken_utf8_costs_one_item_only(raw: bytes) -> None:
    items = decode(b'[{"t": "fine \xc3\xa9"}, {"t": "' + raw + b'"}]')
    assert isinstance(items, list)
    assert encode(items[0]).decode() == '{\n  "t": "fine é"\n}\n'
    with pytest.raises(UnstorableError, match="/t"):
        encode(items[1])


def test_surrogate_pairs_are_joined() -> None:
    assert decode(b'["\\ud83d\\ude00", NaN]')[0] == "😀"  # type: ignore[index]


def test_a_byte_order_mark_is_skipped() -> None:
    assert decode(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_equal_markers_are_the_same() -> None:
    assert same(decode(b"[NaN]"), decode(b"[NaN]"))
    assert not same(decode(b"[NaN]"), decode(b"[1E400]"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (b"<!DOCTYPE html><p>Gateway</p>", "HTML"),
        (b" <html>", "HTML"),
        (b'{"a": 1', "cut off after 7 characters"),
        (b'{"a": "b', "cut off"),
        (b"[1, 2,", "cut off"),
        (b'{"a"', "cut off"),
        (b"[1 2]", "line 1 column 4"),
        (b"{'a': 1}", "line 1 column 2"),
        (b"[1,]", "line 1"),
        (b"{} {}", "Extra data"),
        (b'["a\nb"]', "control character"),
        (b"hello", "not JSON"),
        (b"01", "not JSON"),
        (b"\x00", "not JSON"),
        (b"\xff\xfe{\x00}\x00", "not JSON"),
    ],
)
def test_what_is_no_json_says_so(data: bytes, message: str) -> None:
    with pytest.raises(UnstorableError, match=message):
        decode(data)


# --- depth -------------------------------------------------------------------------------------


@pytest.mark.parametrize("depth", [253, 254, 255, 500, 1023, 1024, 1025, 5000])
def test_deep_values_go_both_ways(depth: int) -> None:
    data = encode(nested(depth))
    back = decode(data)
    assert same(back, nested(depth))
    assert len(digest(back)) == 64
    if depth <= 500:
        assert encode(back) == data


def test_deep_and_wide_values_read_alike_by_both_parsers() -> None:
    text = (
        b'{"a":[1,-2.5,{"b":[]},{}, [ ] ,"x\\n",true,null],"c":' + b"[" * 2000 + b"]" * 2000 + b"}"
    )
    value = decode(text)
    assert isinstance(value, dict)
    assert value["a"] == [1, -2.5, {"b": []}, {}, [], "x\n", True, None]


@pytest.mark.parametrize(
    "text", [b"[" * 7000 + b"]" * 7000, b'{"a":' * 10**5 + b"1" + b"}" * 10**5]
)
def test_depth_beyond_reason_is_refused(text: bytes) -> None:
    with pytest.raises(UnstorableError, match="deep"):
        decode(text)
    with pytest.raises(UnstorableError, match="deep"):
        encode(nested(7000))


_PREFIX = b"[" * 3000


@pytest.mark.parametrize(
    "tail", [b"", b"1", b"1,", b"]", b"{", b'{"a"', b'{"a":', b"{1:2}", b"1 2", b"]" * 3001, b"x"]
)
def test_deep_text_that_is_no_json_says_so(tail: bytes) -> None:
    with pytest.raises(UnstorableError, match=r"not JSON|cut off"):
        decode(_PREFIX + tail)


@settings(max_examples=200, deadline=None)
@given(_WIDE, st.sampled_from([None, 2]))
def test_the_parser_without_recursion_reads_what_the_other_reads(
    value: JSON, indent: int | None
) -> None:
    text = json.dumps(value, indent=indent)
    assert repr(exact._read_deep(text)) == repr(json.loads(text))


@settings(max_examples=300, deadline=None)
@given(st.text('[]{}:,"1a \\ne-+.', max_size=14))
def test_all_parsers_agree_on_what_is_json(text: str) -> None:
    def outcome(read: object) -> str:
        try:
            return repr(read(text))  # type: ignore[operator]
        except ValueError:
            return "no JSON"

    assert outcome(exact._read_deep) == outcome(json.loads)


# --- sameness ----------------------------------------------------------------------------------

PAIRS: list[tuple[JSON, JSON, bool]] = [
    (5, 5.0, True),
    (0, -0.0, True),
    (2**53, float(2**53), True),
    (10**22, 1e22, True),
    (2**53 + 1, float(2**53), False),
    (True, 1, False),
    (False, 0, False),
    (False, None, False),
    (1, "1", False),
    ([], {}, False),
    ([1, 2], [2, 1], False),
    ([1], [1, 1], False),
    ({"a": 1, "b": [2]}, {"b": [2.0], "a": 1.0}, True),
    ({"a": None}, {}, False),
    ({"a": [{"b": True}]}, {"a": [{"b": 1}]}, False),
]


@pytest.mark.parametrize(("a", "b", "equal"), PAIRS)
def test_same_and_digest(a: JSON, b: JSON, equal: bool) -> None:
    assert same(a, b) is equal
    assert same(b, a) is equal
    assert (digest(a) == digest(b)) is equal


def test_a_digest_is_that_of_the_canonical_bytes() -> None:
    assert digest({"a": 5.0}) == hashlib.sha256(encode({"a": 5})).hexdigest()


_TELLTALES = st.sampled_from([5.0, -0.0, 0.0, 1e16, -3.0, 0.5, "5.0", "a\n5.0", "1e3", 2**70])


@settings(max_examples=300, deadline=None)
@given(st.recursive(_LEAVES | _TELLTALES, lambda inner: st.lists(inner, max_size=5)))
def test_a_digest_takes_integral_numbers_for_integers(value: JSON) -> None:
    assert digest(value) == hashlib.sha256(exact.write(value, integral=True)).hexdigest()


@settings(max_examples=200, deadline=None)
@given(_VALUES, _VALUES)
def test_one_digest_exactly_if_same(a: JSON, b: JSON) -> None:
    assert (digest(a) == digest(b)) == same(a, b)
    assert same(a, a)
