"""Filters: the truth table of what each form keeps, and the place of every mistake in one."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddsnap.core.conditions import OPERATORS, condition, pattern, texts_at
from ddsnap.core.jsonpath import QueryError, compile_query
from ddsnap.core.resource_type import Catalog, ResourceType
from ddsnap.core.select import (
    SHORTHANDS,
    Filter,
    Selection,
    id_filter,
    name_filter,
    parse_filter,
    tag_filter,
)
from ddsnap.errors import ExitCode, UsageError

LAMPS = ResourceType(
    name="lamps",
    area="test",
    path="/lamps",
    title="name",
    fields="id name tags on watts socket parts notes; socket: kind bolts",
    volatile=("glowing", "parts[*].heat", "socket.warm"),
)
CHAIRS = ResourceType(
    name="chairs",
    area="test",
    path="/chairs",
    title="attributes.label",
    fields="id attributes; attributes: label tags legs",
)
RUGS = ResourceType(name="rugs", area="test", path="/rugs")
CATALOG = Catalog((LAMPS, CHAIRS, RUGS))

DOCUMENT = {
    "id": 7,
    "name": "Desk (v1.0)",
    "tags": ["room:study", "old"],
    "on": True,
    "watts": 5.0,
    "socket": {"kind": None, "bolts": [[2, 3], []]},
    "parts": [{"name": "bulb"}, {"name": "shade", "size": 1.5}],
    "notes": "first\nsecond",
    "empty": [],
    "off": False,
    "huge": 12345678901234567890,
    "blank": "",
}

# field, value: what no operator (a whole match), ExactMatch, SubString and Not say of DOCUMENT
TABLE = [
    # strings: a whole value, case counts, metacharacters are literal for ExactMatch alone
    ("name", r"Desk \(v1\.0\)", "1010"),
    ("name", "Desk (v1.0)", "0101"),
    ("name", "desk.*", "0001"),
    ("name", "Desk", "0011"),
    ("name", "Desk.*", "1010"),
    ("name", "^Desk.*$", "1010"),
    ("name", ".esk .v1.0.", "1010"),
    ("name", r"v1\.0", "0011"),
    ("name", "v1x0", "0001"),
    ("notes", "first.*", "1010"),  # a dot is any character, line ends too
    ("notes", "second", "0011"),
    ("blank", ".*", "1010"),
    # booleans, numbers and null are the text of JSON
    ("on", "true", "1110"),
    ("on", "True", "0001"),
    ("on", "1", "0001"),
    ("off", "false", "1110"),
    ("watts", "5", "1110"),
    ("watts", "5.0", "0001"),
    ("parts.size", "1.5", "1110"),
    ("id", "7", "1110"),
    ("huge", "12345678901234567890", "1110"),
    ("socket.kind", "null", "1110"),
    ("socket.kind", "None", "0001"),
    # lists: any element, for Not none of them; nested ones too
    ("tags", "old", "1110"),
    ("tags", "room", "0011"),
    ("tags", "room:.*", "1010"),
    ("tags", "new", "0001"),
    ("parts.name", "shade", "1110"),
    ("parts.name", "lamp", "0001"),
    ("socket.bolts", "3", "1110"),
    ("socket.bolts", "4", "0001"),
    # what is not there has no value: only Not holds
    ("missing", ".*", "0001"),
    ("missing", "null", "0001"),
    ("empty", ".*", "0001"),
    ("name.first", ".*", "0001"),
    ("socket.gone.deep", ".*", "0001"),
    # an object has no text
    ("socket", ".*", "0001"),
    ("parts", ".*", "0001"),
]


@pytest.mark.parametrize(("field", "value", "expected"), TABLE)
def test_what_a_condition_says(field, value, expected):
    operators = ("", "ExactMatch", "SubString", "Not")
    said = [condition(field.split("."), value, one)(DOCUMENT) for one in operators]
    assert "".join("01"[one] for one in said) == expected


QUERIES = [
    ('$[?@.name == "Desk (v1.0)"]', True),
    ('$[?@.name == "desk (v1.0)"]', False),
    ("$[?@.on == true]", True),
    ("$[?@.on == 1]", False),
    ("$[?@.watts == 5]", True),
    ("$[?@.id == 7.0]", True),
    ("$[?@.watts > 4.5 && @.id < 8]", True),
    ('$[?@.id == "7"]', False),
    ("$[?@.huge == 12345678901234567890]", True),
    ("$[?@.huge == 12345678901234567891]", False),
    ("$[?@.socket.kind == null]", True),
    ("$[?@.socket.kind]", True),
    ("$[?@.missing == null]", False),
    ('$[?@.missing != "x"]', True),
    ('$[?!(@.missing == "x")]', True),
    ("$[?@.missing]", False),
    ("$[?!@.missing]", True),
    ('$[?@.tags[?@ == "old"]]', True),
    ('$[?!@.tags[?@ == "old"]]', False),
    ("$[?@.socket.bolts[*][?@ == 3]]", True),
    ("$[?@..size]", True),
    ('$[?search(@.name, "[0-9]")]', True),
    (r'$[?search(@.name, "\\.0\\)")]', True),
    ('$[?match(@.name, "[0-9]")]', False),
    ("$[?length(@.parts) == 2]", True),
    ("$[?count(@.tags[*]) > 2]", False),
    ("$[0]", True),
    ("$[1]", False),
    ("$", True),
]


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_what_a_query_selects(query, expected):
    assert parse_filter(f"lamps:{query}", CATALOG).test(LAMPS, DOCUMENT) is expected


@pytest.mark.parametrize(
    ("text", "type_", "body", "expected"),
    [
        ("--name Desk", LAMPS, DOCUMENT, True),
        ("--name desk", LAMPS, DOCUMENT, False),
        ("--name (?i)desk", LAMPS, DOCUMENT, True),
        ("--name v1.0.$", LAMPS, DOCUMENT, True),
        ("--name .*", RUGS, {"id": "a", "name": "x"}, False),  # no title to look in
        ("--name sofa", CHAIRS, {"id": "a", "attributes": {"label": "sofa bed"}}, True),
        ("--tag old", LAMPS, DOCUMENT, True),
        ("--tag room", LAMPS, DOCUMENT, False),
        ("--tag Old", LAMPS, DOCUMENT, False),
        ("--tag old", CHAIRS, {"id": "a", "attributes": {"tags": ["old"]}}, True),
        ("--tag old", CHAIRS, {"id": "a", "tags": "old", "attributes": {}}, False),
        ("--tag old", RUGS, {"id": "a"}, False),
        ("--id 7", LAMPS, DOCUMENT, True),
        ("--id 77", LAMPS, DOCUMENT, False),
        ("--id a", RUGS, {"id": "a"}, True),
    ],
)
def test_what_a_shorthand_selects_of_any_type(text, type_, body, expected):
    one = parse_filter(text, CATALOG)
    assert one.types == ()
    assert one.test(type_, body) is expected


@pytest.mark.parametrize(
    ("text", "canonical", "types"),
    [
        (' Lamps : $[?@.name == "a:b"]\n', 'lamps:$[?@.name == "a:b"]', ("lamps",)),
        ("rugs, lamps,rugs:$[0]", "lamps,rugs:$[0]", ("lamps", "rugs")),
        ("lamps:$[?@.on\n  == true]", "lamps:$[?@.on   == true]", ("lamps",)),
        ("Type=lamps;Name=tags;Value=a", "Type=lamps;Name=tags;Value=a", ("lamps",)),
        (
            "; operator=substring ; VALUE=a=b; type= Rugs , lamps;name = tags ;",
            "Type=lamps,rugs;Name=tags;Value=a=b;Operator=SubString",
            ("lamps", "rugs"),
        ),
        ("Type=lamps;Name=tags;Value= a ;Operator=", "Type=lamps;Name=tags;Value= a ", ("lamps",)),
        ("Type=rugs;Name=any.thing;Value=x", "Type=rugs;Name=any.thing;Value=x", ("rugs",)),
        ("--name=a b", "--name a b", ()),
    ],
)
def test_a_filter_is_told_in_one_form(text, canonical, types):
    one = parse_filter(text, CATALOG)
    assert (one.text, one.types) == (canonical, types)
    assert parse_filter(canonical, CATALOG) == one


MISTAKES = [
    ("", 1, "no type", "TYPE:JSONPATH"),
    ("lamps", 1, "no type", "TYPE:JSONPATH"),
    ("$[?@.name]", 1, "no type", "TYPE:JSONPATH"),
    ("lmps:$[0]", 1, "no type is called 'lmps' (did you mean 'lamps'?)", "chairs"),
    ("lamps, rug:$[0]", 8, "no type is called 'rug' (did you mean 'rugs'?)", "lamps"),
    ("lamps,,rugs:$[0]", 7, "a type is missing", ""),
    (":$[0]", 1, "a type is missing", ""),
    ("lamps:", 7, "", "RFC 9535"),
    ("lamps:name", 7, "expected '$', found 'n'", "RFC 9535"),
    ("lamps:$[?@.on = true]", 15, "unexpected", "=="),
    ("lamps:$[?@.on", 8, "unbalanced", ""),
    ("lamps:  $[?@.on] x", 18, "x", ""),
    ("lamps:$.name", 8, "a list has no members", "$[?@.name"),
    ("lamps:$['name','on']", 8, "a list has no members", "$[?@.name"),
    ('lamps:$[?@.tags[*] == "x"]', 20, "non-singular", "@.tags[?@"),
    ("lamps:$[?nope(@)]", 10, "'nope' is not defined", ""),
    ("lamps:$[?@.on == 1e400]", 18, "too large", ""),
    (r'lamps:$[?search(@.name, "\\d")]', 26, "I-Regexp", "[0-9]"),
    ('lamps:$[?match(@.name, "(")]', 25, "I-Regexp", ""),
    ('lamps:$[?@.name == "a\nb"]', 21, "invalid character", ""),
    ('lamps:$[?@.name == "\u2028"]', 21, "a character", r"\u2028"),
    ("lamps:$" + "[?@" * 900 + "]" * 900, 7, "nested too deeply", ""),
    ("lamps:$" + "[0]" * 2000, 7, "too long", "4000"),
    ("Nmae=x", 1, "no key is called 'Nmae' (did you mean 'Name'?)", "Type, Name"),
    ("Type=lamps; Vlaue=x", 13, "no key is called 'Vlaue'", "Value"),
    ("Type=lamps;Name=tags", 21, "Value is missing", "Value="),
    ("Type=lamps;Name=tags;Value=", 28, "Value is missing", "Value="),
    ("Name=tags;Value=x", 18, "Type is missing", "Type="),
    ("Type=lamps;Type=rugs;Name=id;Value=1", 12, "Type is given twice", ""),
    ("Type=lamp;Name=tags;Value=x", 6, "no type is called 'lamp'", "lamps"),
    ("Type=lamps, ;Name=tags;Value=x", 12, "a type is missing", ""),
    ("Type=lamps;Name=tags;Value=a;b", 30, "'b' is not KEY=VALUE", r"\x3b"),
    ("Type=lamps;Name=tags;Value=a[b", 29, "bad regex", "ExactMatch"),
    ("Type=lamps;Name=tags;Value=a{99999999999999999999}", 28, "bad regex", ""),
    ("Type=lamps;Name=tags;Value=x;Operator=Like", 39, "no operator is called 'Like'", "Not"),
    ("Type=lamps;Name=tgas;Value=x;Operator=Not", 17, "no field 'tgas'", "TYPE:JSONPATH"),
    ("Type=lamps;Name=socket.kin;Value=x", 17, "no field 'socket.kin'", "TYPE:JSONPATH"),
    ("Type=lamps,chairs;Name=tags;Value=x", 24, "chairs have no field 'tags'", "JSONPATH"),
    ("Type=lamps;Name=glowing;Value=x", 17, "stored without 'glowing'", "show"),
    ("Type=lamps;Name=parts.heat;Value=x", 17, "stored without 'parts.heat'", ""),
    ("Type=lamps;Name=socket.warm.up;Value=x", 17, "stored without", ""),
    ("Type=lamps;Name=a..b;Value=x", 17, "'a..b' names no field", "dot"),
    ("Type=lamps;Name=tags;Value=a\nb", 29, "a character", r"\n"),
    ("--name (", 8, "bad regex", ""),
    ("--names x", 1, "no type", ""),
]


@pytest.mark.parametrize(("text", "column", "what", "mend"), MISTAKES)
def test_a_mistake_is_refused_with_its_place(text, column, what, mend):
    with pytest.raises(UsageError) as caught:
        parse_filter(text, CATALOG)
    assert f", column {column}: " in caught.value.message
    assert what in caught.value.message
    assert mend in caught.value.hint
    assert "\n" not in caught.value.message
    assert caught.value.code is ExitCode.USAGE


@pytest.mark.parametrize("make", SHORTHANDS.values())
@pytest.mark.parametrize("text", ["", "a\nb", "\udcff"])
def test_a_shorthand_of_nothing_or_of_what_cannot_be_told_is_refused(make, text):
    with pytest.raises(UsageError):
        make(text)


def test_one_filter_of_a_type_is_enough_and_a_type_without_is_whole():
    texts = ("lamps:$[?@.id == 1]", "Type=lamps;Name=tags;Value=old", "chairs:$[?@.id == 1]")
    selection = Selection(tuple(parse_filter(text, CATALOG) for text in texts))
    kept = [
        selection.keeps(LAMPS, {"id": 1, "tags": []}),
        selection.keeps(LAMPS, {"id": 2, "tags": ["old"]}),
        selection.keeps(LAMPS, {"id": 2, "tags": ["new"]}),
        selection.keeps(CHAIRS, {"id": 2, "tags": ["old"]}),
        selection.keeps(RUGS, {"id": 9}),
    ]
    assert kept == [True, True, False, False, True]
    assert selection.types == ("chairs", "lamps")
    assert [selection.only(name) for name in ("lamps", "rugs")] == [True, False]
    assert len(selection.of("lamps")) == 2
    assert selection.of("rugs") == ()


def test_a_shorthand_filters_every_type():
    selection = Selection((id_filter("9"), parse_filter("lamps:$[?@.id == 1]", CATALOG)))
    assert selection.keeps(RUGS, {"id": 9})
    assert not selection.keeps(RUGS, {"id": 1})
    assert selection.keeps(LAMPS, {"id": 1})
    assert not selection.only("lamps")


def test_without_filters_everything_is_kept():
    assert not Selection()
    assert Selection().keeps(LAMPS, {})
    assert (Selection().describe(), Selection().types, Selection().only("lamps")) == ((), (), False)
    assert Selection().unused({}) == ()


def test_what_held_for_nothing_is_named():
    tagged, named = tag_filter("old"), name_filter("^Desk")
    gone, again = id_filter("8"), tag_filter("old")
    selection = Selection((tagged, gone, named, again, gone))
    matching = selection.matching(LAMPS, DOCUMENT)
    assert matching == (tagged, named, again)
    assert selection.unused(dict.fromkeys(matching, 1)) == (gone,)
    assert selection.unused({tagged: 0, named: 2}) == (tagged, gone)
    assert selection.describe() == ("--id 8", "--name ^Desk", "--tag old")


# --- properties

texts = st.text(st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
documents = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "tags"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(deadline=None, max_examples=150)
@given(documents, st.sampled_from(["a", "tags", "a.b", "b.tags.a"]), st.text(max_size=3))
def test_not_is_the_opposite_of_a_whole_match(document, field, text):
    steps, escaped = field.split("."), re.escape(text)
    whole = condition(steps, escaped)(document)
    assert condition(steps, escaped, "Not")(document) is not whole
    assert condition(steps, text, "ExactMatch")(document) is whole
    assert not whole or condition(steps, escaped, "SubString")(document)


@settings(deadline=None, max_examples=150)
@given(documents, st.sampled_from(["a", "tags", "a.b"]))
def test_every_value_is_found_by_its_own_text_and_by_its_list(document, field):
    steps = field.split(".")
    found = list(texts_at(document, steps))
    for text in found:
        assert condition(steps, text, "ExactMatch")(document)
    assert list(texts_at([[document], []], steps)) == found


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(["lamps", "rugs"]), min_size=1),
    texts.filter(lambda text: ";" not in text),
    st.sampled_from(["", *OPERATORS]),
)
@example(["lamps"], " x ", "Not")
def test_the_canonical_text_reads_back_as_the_same_filter(types, value, operator):
    if not value.strip():
        return
    literal = value if operator == "ExactMatch" else re.escape(value)
    text = f"Type={','.join(types)};Name=tags;Value={literal};Operator={operator}"
    one = parse_filter(text, CATALOG)
    again = parse_filter(one.text, CATALOG)
    assert again == one
    for document in ({"tags": [value]}, {"tags": []}, {}):
        assert again.test(LAMPS, document) is one.test(LAMPS, document)
    assert one.test(LAMPS, {"tags": [value]}) is (operator != "Not")


@settings(deadline=None, max_examples=100)
@given(texts)
def test_a_shorthand_reads_back_and_finds_exactly_its_text(text):
    assert tag_filter(text).test(LAMPS, {"tags": ["x", text]})
    assert not tag_filter(text).test(LAMPS, {"tags": [text + "x", "x" + text]})
    assert id_filter(text).test(LAMPS, {"id": text})
    assert name_filter(re.escape(text)).test(LAMPS, {"name": f"a{text}b"})
    for one in (tag_filter(text), id_filter(text), name_filter(re.escape(text))):
        assert parse_filter(one.text, CATALOG) == one


@settings(deadline=None, max_examples=300)
@given(
    st.text(max_size=30)
    | st.lists(
        st.sampled_from([*"lamps:$[]?@.*=!&|()\"'\\,; \n-0e9", "Type=", "Name=", "search("])
    ).map("".join)
    | st.text("$[]?@.*=<>!&|()\"'\\,; name0123456789e-", max_size=25).map("lamps:$".__add__)
)
@example("lamps:$[?1e400]")
def test_any_text_is_a_filter_or_a_mistake(text):
    try:
        one = parse_filter(text, CATALOG)
    except UsageError:
        return
    assert isinstance(one, Filter)
    assert isinstance(one.test(LAMPS, DOCUMENT), bool)
    assert parse_filter(one.text, CATALOG) == one


def test_a_document_too_deep_for_a_query_is_an_error_and_no_crash():
    deep: list = []
    for _ in range(400):
        deep = [deep]
    with pytest.raises(QueryError, match="too deep"):
        compile_query("$..name").selects({"a": deep})


def test_a_pattern_that_other_pythons_read_differently_does_not_warn():
    assert pattern("[[a]]").search("a]")
