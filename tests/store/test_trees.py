from __future__ import annotations

import pytest
from dulwich.objects import Tree
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.errors import StoreError
from ddsnap.store.draft import TreeDraft
from ddsnap.store.objects import BLOB, COMMIT, TREE, object_id
from ddsnap.store.trees import (
    FILE,
    FOLDER,
    build_tree,
    changed_paths,
    find_entry,
    list_folder,
    parse_tree,
    read_paths,
    to_bytes,
    to_text,
    walk_files,
)

NAME = st.text("ab-.0é", min_size=1, max_size=4).filter(lambda name: name.strip("."))
SHA = st.binary(min_size=20, max_size=20)
# A path whose parents never are files: folders end in "d", files in "f".
PATH = st.builds(
    lambda folders, name: "/".join([*(f + "d" for f in folders), name + "f"]),
    st.lists(NAME, max_size=3),
    NAME,
)
FILES = st.dictionaries(PATH, st.binary(max_size=3), max_size=12)


class Memory(dict):
    """Objects in memory: a source to read from, and a pack to add to."""

    def read(self, sha, kind):
        found, data = self[sha]
        assert found == kind
        return data

    def add(self, kind, data, sha=None):
        sha = object_id(kind, data)
        self[sha] = (kind, data)
        return sha


def store(objects, files):
    draft = TreeDraft(objects)
    for path, data in files.items():
        draft.put(path, objects.add(BLOB, data))
    return draft.write(objects)


def commit(objects, tree):
    return objects.add(COMMIT, b"tree " + tree.hex().encode() + b"\n\nx\n").hex()


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAME.map(to_bytes), st.tuples(st.sampled_from([FILE, FOLDER]), SHA)))
def test_trees_are_those_of_dulwich(entries):
    raw = build_tree([(mode, name, sha) for name, (mode, sha) in entries.items()])
    tree = Tree()
    for name, (mode, sha) in entries.items():
        tree.add(name, int(mode, 8), sha.hex().encode())
    assert raw == tree.as_raw_string()
    assert {name: (mode, sha) for mode, name, sha in parse_tree(raw)} == entries


@pytest.mark.parametrize("data", [b"x", b"100644 a\0short", b"100644 a\0" + b"s" * 21, b"9 a\0"])
def test_a_damaged_tree_is_named(data):
    with pytest.raises(StoreError, match="damaged"):
        parse_tree(data)


def test_shas_may_look_like_anything():
    sha = b"100644 x\0\n 40000 y\0\n."
    assert parse_tree(build_tree([(FILE, b"a b", sha[:20]), (FILE, b"c", sha[:20])])) == [
        (FILE, b"a b", sha[:20]),
        (FILE, b"c", sha[:20]),
    ]


@settings(max_examples=100, deadline=None)
@given(FILES, FILES)
def test_changes_are_the_difference(old, new):
    objects = Memory()
    one = commit(objects, store(objects, old))
    two = commit(objects, store(objects, new))
    shas = [{path: object_id(BLOB, data) for path, data in files.items()} for files in (old, new)]
    expected = {
        path: (shas[0].get(path), shas[1].get(path))
        for path in old.keys() | new.keys()
        if old.get(path) != new.get(path)
    }
    found = list(changed_paths(objects, one, two))
    assert {path: (before, after) for path, before, after in found} == expected
    assert len(found) == len(expected)
    assert {path: sha for path, _, sha in changed_paths(objects, None, two)} == shas[1]
    assert read_paths(objects, one) == shas[0]


@settings(max_examples=100, deadline=None)
@given(FILES, FILES, st.sets(PATH))
def test_an_edited_tree_is_the_tree_of_the_edited_files(old, new, dropped):
    objects = Memory()
    base = store(objects, old)
    draft = TreeDraft(objects, base)
    for path, data in new.items():
        draft.put(path, objects.add(BLOB, data))
    for path in dropped:
        draft.drop(path)
    files = {path: data for path, data in (old | new).items() if path not in dropped}
    tree = draft.write(objects, known=TreeDraft(objects, base))
    assert tree == store(objects, files)
    assert dict(walk_files(objects, tree)).keys() == files.keys()


def test_equal_folders_are_never_read():
    objects = Memory()
    files = {f"{folder}/{n}": b"x" for folder in "abc" for n in range(ord(folder))}
    one = commit(objects, store(objects, files))
    two = commit(objects, store(objects, files | {"b/1": b"y"}))
    for folder in "ac":
        del objects[list_folder(objects, one)[folder]]
    assert [path for path, _, _ in changed_paths(objects, one, two)] == ["b/1"]


def test_only_changed_folders_are_written():
    objects = Memory()
    base = store(objects, {f"{folder}/x/1": b"x" for folder in "abc"})
    draft = TreeDraft(objects, base)
    draft.put("b/x/2", objects.add(BLOB, b"x"))
    before = set(objects)
    draft.write(objects, known=TreeDraft(objects, base))
    assert len(set(objects) - before) == 3  # top, b, b/x


def test_what_stands_at_a_path():
    objects = Memory()
    tree = store(objects, {"a/b/c": b"x", "d": b"y"})
    assert find_entry(objects, tree, "a/b/c") == (FILE, b"c", object_id(BLOB, b"x"))
    assert find_entry(objects, tree, "a/b")[0] == FOLDER
    assert find_entry(objects, tree, "d/e") is None
    assert find_entry(objects, tree, "z/e") is None
    assert list_folder(objects, commit(objects, tree), "nothing") == {}


def test_a_link_is_no_file():
    objects = Memory()
    blob = objects.add(BLOB, b"x")
    old = objects.add(TREE, build_tree([(FILE, b"a", blob)]))
    new = objects.add(TREE, build_tree([(b"120000", b"a", blob), (b"160000", b"m", blob)]))
    changes = changed_paths(objects, commit(objects, old), commit(objects, new))
    assert list(changes) == [("a", blob, None)]
    assert list(walk_files(objects, new)) == []


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_a_text(name):
    assert to_bytes(to_text(name)) == name
