"""Deltas: whatever two versions hold, git's own reader gets the second out of the first."""

from __future__ import annotations

from dulwich.pack import apply_delta
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ddsnap.store.delta import make_delta
from ddsnap.store.objects import BLOB, TREE
from ddsnap.store.trees import build_tree

TEXTS = st.lists(st.sampled_from([b"{\n", b"}\n", b"a\n", b"b" * 300 + b"\n", b"end", b""])).map(
    b"".join
)
SHAS = st.binary(min_size=20, max_size=20)
TREES = st.dictionaries(st.sampled_from([b"a", b"b", b"c", b"d.json"]), SHAS).map(
    lambda names: build_tree([(b"100644", name, sha) for name, sha in names.items()])
)


def applied(base: bytes, delta: bytes) -> bytes:
    return b"".join(apply_delta(base, delta))


@settings(max_examples=200, deadline=None)
@given(TEXTS | st.binary(), TEXTS | st.binary())
@example(b"", b"")
@example(b"a\n" * 70_000, b"a\n" * 70_000 + b"end")
@example(b"x" * 200_000, b"x" * 200_000 + b"\n")
def test_texts(base: bytes, target: bytes) -> None:
    assert applied(base, make_delta(BLOB, base, target)) == target


@settings(max_examples=100, deadline=None)
@given(TREES, TREES)
def test_trees(base: bytes, target: bytes) -> None:
    assert applied(base, make_delta(TREE, base, target)) == target


def test_a_small_change_of_something_large_is_small() -> None:
    shas = [bytes([n % 256, n // 256]) * 10 for n in range(1000)]
    entries = [(b"100644", b"%05d.json" % n, sha) for n, sha in enumerate(shas)]
    base = build_tree(entries)
    entries[500] = (b"100644", b"00500.json", b"\xff" * 20)
    assert len(make_delta(TREE, base, build_tree(entries))) < 70
    text = b"".join(b'  "key %d": 1,\n' % n for n in range(1000))
    assert len(make_delta(BLOB, text, text.replace(b'"key 500": 1', b'"key 500": 2'))) < 50
