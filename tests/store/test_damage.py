"""Damaged objects are errors that name them; and which branches there are."""

import hashlib
import zlib

import pytest

from ddsnap.errors import StoreError
from ddsnap.store.branches import branches_below
from ddsnap.store.objects import BLOB
from ddsnap.store.repository import Repository


@pytest.fixture
def folder(tmp_path):
    Repository.init(tmp_path / "repo", {"a.txt": b"content\n"}, "Start").close()
    return tmp_path / "repo"


def put(folder, name, content):
    """Write a loose object under a name of one's choice."""
    file = folder / ".git" / "objects" / name[:2] / name[2:]
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(content)
    return bytes.fromhex(name)


def test_a_sound_object_is_read(folder):
    whole = b"blob 3\0abc"
    sha = put(folder, hashlib.sha1(whole).hexdigest(), zlib.compress(whole))
    with Repository.open(folder) as repository:
        assert repository.read(sha, BLOB) == b"abc"
        assert repository.read_file(repository.resolve("main"), "a.txt") == b"content\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (zlib.compress(b"blob 3\0abc"), "holds something else"),
        (zlib.compress(b"tree 0\0"), "is no blob"),
        (zlib.compress(b"blob x\0abc"), "cannot be read"),
        (zlib.compress(b"blob 3\0abc")[:-6], "holds something else"),
        (b"noise", "cannot be read"),
        (b"", "cannot be read"),
    ],
)
def test_what_is_not_its_name_is_an_error_that_names_it(folder, content, said):
    name = "12" * 20
    sha = put(folder, name, content)
    with Repository.open(folder) as repository, pytest.raises(StoreError) as caught:
        repository.read(sha, BLOB)
    assert name in caught.value.message
    assert said in caught.value.message


def test_branches_are_listed_wherever_git_keeps_them(folder):
    heads = folder / ".git" / "refs" / "heads"
    tip = (heads / "main").read_text().strip()
    (heads / "snapshots").mkdir()
    (heads / "snapshots" / "us1").write_text(f"{tip}\n")
    (folder / ".git" / "packed-refs").write_text(f"{tip} refs/heads/snapshots/eu1\n")
    with Repository.open(folder) as repository:
        assert branches_below(repository, "snapshots") == ["eu1", "us1"]
        assert branches_below(repository, "journal") == []
