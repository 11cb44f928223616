from __future__ import annotations

import io
import struct
import zlib
from hashlib import sha1

import pytest
from dulwich.object_format import DEFAULT_OBJECT_FORMAT
from dulwich.pack import load_pack_index_file
from hypothesis import given, settings
from hypothesis import strategies as st

from ddsnap.errors import StoreError
from ddsnap.store.objects import BLOB, COMMIT, object_id
from ddsnap.store.pack import PackWriter, build_index, entry_header

NAMES = st.binary(min_size=20, max_size=20)
ENTRIES = st.dictionaries(NAMES, st.tuples(st.integers(12, 1 << 40), st.integers(0, 0xFFFFFFFF)))


@settings(max_examples=100, deadline=None)
@given(ENTRIES)
def test_an_index_gives_back_every_entry(entries):
    data = build_index(entries, b"p" * 20)
    index = load_pack_index_file("x.idx", io.BytesIO(data), DEFAULT_OBJECT_FORMAT)
    try:
        index.check()
        assert index.get_pack_checksum() == b"p" * 20
        found = {bytes(name): (offset, crc) for name, offset, crc in index.iterentries()}
        assert found == entries
        assert all(index.object_offset(name) == entries[name][0] for name in entries)
    finally:
        index.close()


def test_offsets_from_2_gib_on_are_in_the_64_bit_table():
    offsets = [12, (1 << 31) - 1, 1 << 31, (1 << 32) + 5, 1 << 40]
    entries = {bytes([n]) * 20: (offset, n) for n, offset in enumerate(offsets)}
    data = build_index(entries, b"\0" * 20)
    small = struct.unpack(">5L", data[-40 - 3 * 8 - 5 * 4 : -40 - 3 * 8])
    large = struct.unpack(">3Q", data[-40 - 3 * 8 : -40])
    assert small == (12, (1 << 31) - 1, 1 << 31, (1 << 31) + 1, (1 << 31) + 2)
    assert large == tuple(offsets[2:])
    assert data[-20:] == sha1(data[:-20]).digest()


@settings(deadline=None)
@given(st.integers(1, 4), st.integers(0, 1 << 40))
def test_an_entry_header_tells_kind_and_size(kind, size):
    header = entry_header(kind, size)
    assert (header[0] >> 4) & 7 == kind
    read = header[0] & 15
    for place, byte in enumerate(header[1:]):
        read |= (byte & 0x7F) << (4 + 7 * place)
    assert read == size
    assert [byte >> 7 for byte in header] == [1] * (len(header) - 1) + [0]


def test_git_accepts_a_pack(tmp_path, git):
    with PackWriter(tmp_path) as pack:
        shas = [pack.add(BLOB, b"%d" % n * n) for n in range(50)]
        assert pack.add(BLOB, b"") == shas[0]
        assert shas[7] in pack
        assert len(pack) == 50
        path = pack.finish()
    listed = git(tmp_path, "verify-pack", "-v", str(path))
    assert all(sha.hex() in listed for sha in shas)
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".idx", ".pack"]
    data = path.read_bytes()
    assert path.name == f"pack-{data[-20:].hex()}.pack"
    git(tmp_path, "index-pack", "-o", str(tmp_path / "git.idx"), str(path))
    assert (tmp_path / "git.idx").read_bytes() == path.with_suffix(".idx").read_bytes()


def test_a_pack_without_objects_is_no_file(tmp_path):
    with PackWriter(tmp_path) as pack:
        assert pack.finish() is None
    assert list(tmp_path.iterdir()) == []


def test_an_abandoned_pack_is_removed(tmp_path):
    with PackWriter(tmp_path) as pack:
        pack.add(BLOB, b"x")
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_refuses_is_a_store_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with PackWriter(tmp_path / "file") as pack, pytest.raises(StoreError, match="cannot write"):
        pack.add(BLOB, b"x")
    with PackWriter(tmp_path / "packs") as pack:
        pack.add(BLOB, b"x")
        next((tmp_path / "packs").iterdir()).unlink()  # as `git prune --expire=now` would
        with pytest.raises(StoreError, match="cannot write"):
            pack.finish()
    assert list((tmp_path / "packs").glob("tmp*")) == []


def test_names_of_objects_are_gits():
    assert object_id(BLOB, b"").hex() == "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"
    assert object_id(COMMIT, b"x") == sha1(b"commit 1\0x").digest()


def test_entries_are_deflated(tmp_path):
    with PackWriter(tmp_path) as pack:
        pack.add(BLOB, b"x" * 100_000)
        data = pack.finish().read_bytes()
    assert zlib.decompress(data[12 + len(entry_header(BLOB, 100_000)) : -20]) == b"x" * 100_000
