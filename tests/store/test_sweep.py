from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timezone

import pytest
from dulwich.file import GitFile

from ddsnap.store import sweep as sweeping
from ddsnap.store.objects import BLOB
from ddsnap.store.owned import OwnedFile
from ddsnap.store.pack import PackWriter
from ddsnap.store.snapshots import SnapshotWriter
from ddsnap.store.sweep import sweep

OWN = """
import os, sys, time
from pathlib import Path
from ddsnap.store.objects import BLOB
from ddsnap.store.owned import OwnedFile
from ddsnap.store.pack import PackWriter
git_dir = Path(sys.argv[1])
temp = OwnedFile(git_dir / "ddsnap" / "tmp", "ref_")
for lock in ("refs/heads/main.lock", "HEAD.lock"):
    (git_dir / lock).hardlink_to(temp.path)
pack = PackWriter(git_dir / "objects" / "pack")
pack.add(BLOB, b"x")
print("owned", flush=True)
time.sleep(60)
"""


@pytest.fixture
def owner(repo):
    process = subprocess.Popen([sys.executable, "-c", OWN, repo.git_dir], stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"owned\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def older(path, seconds):
    """Pretend that a file is old: its change time cannot be set, so the clock is looked at late."""
    stamp = time.time() - seconds
    os.utime(path, (stamp, stamp))


def everything(repo):
    return {path for path in repo.git_dir.rglob("*") if path.is_file()}


def test_nothing_of_a_living_process_is_touched(repo, owner):
    before = everything(repo)
    assert sweep(repo) == []
    assert everything(repo) == before


def test_everything_of_a_dead_process_goes_at_once(repo, owner, capture, fsck):
    before = everything(repo)
    owner.send_signal(signal.SIGKILL)
    owner.wait()
    removed = sweep(repo)
    kinds = sorted(path.name.rsplit("_", 1)[0] for path in removed)
    assert kinds == ["HEAD.lock", "main.lock", "ref", "tmp_pack_ddsnap"]
    assert everything(repo) == before - set(removed)
    fsck(repo.path)


def test_a_capture_of_another_org_goes_on(repo):
    with SnapshotWriter(repo, "snapshots/eu1") as writer:
        writer.put("x", b"1")
        assert sweep(repo) == []
        assert writer.commit("capture", time=datetime.now(timezone.utc))


def test_a_pack_whose_index_never_came(repo):
    with PackWriter(repo.pack_dir) as pack:
        pack.add(BLOB, b"unfinished")
        path = pack.finish()
    index = path.with_suffix(".idx")
    left = repo.pack_dir / f"tmp_idx_ddsnap_{path.stem.removeprefix('pack-')}_00"
    index.rename(left)
    assert set(sweep(repo)) == {left, path}


def test_a_finished_pack_stays_whatever_lies_beside_it(repo):
    with PackWriter(repo.pack_dir) as pack:
        pack.add(BLOB, b"finished")
        path = pack.finish()
    left = repo.pack_dir / f"tmp_idx_ddsnap_{path.stem.removeprefix('pack-')}_00"
    left.write_bytes(b"of a second attempt")
    assert sweep(repo) == [left]
    assert path.exists()


@pytest.fixture
def foreign(repo):
    """What a git or dulwich process, alive or not, may have under way."""
    (repo.git_dir / "objects/ab").mkdir()
    names = {
        "lock": ["refs/heads/main.lock", "refs/tags/v1.lock", "HEAD.lock"],
        "objects": ["objects/ab/cdef.lock", "objects/pack/pack-1.idx.lock"],
        "packs": ["objects/pack/tmp_pack_Xy12", "objects/pack/tmpabc.pack"],
        "unindexed": ["objects/pack/pack-1.pack"],
        "never": ["index.lock", "packed-refs.lock", "objects/pack/pack-1.keep", "gc.pid"],
    }
    paths = {kind: [repo.git_dir / name for name in group] for kind, group in names.items()}
    for path in [path for group in paths.values() for path in group]:
        path.write_bytes(b"")
    return paths


@pytest.mark.parametrize(
    ("age", "gone"),
    [
        (0, []),
        (1800, []),
        (4000, ["lock", "objects"]),
        (90_000, ["lock", "objects", "packs", "unindexed"]),
    ],
)
def test_what_is_foreign_goes_by_age(repo, foreign, monkeypatch, age, gone):
    real = time.time()
    monkeypatch.setattr(sweeping.time, "time", lambda: real + age)
    assert set(sweep(repo)) == {path for kind in gone for path in foreign[kind]}


def test_a_lock_just_taken_is_young_however_old_its_time_is(repo, foreign):
    for path in [path for group in foreign.values() for path in group]:
        older(path, 1_000_000)
    assert sweep(repo) == []


def test_a_living_git_lock_survives(repo):
    with GitFile(repo.git_dir / "refs/heads/main", "wb") as held:
        assert sweep(repo) == []
        held.abort()


def test_an_owned_file_survives_until_it_is_published(tmp_path):
    temp = OwnedFile(tmp_path / "folder", "x_")
    temp.file.write(b"content")
    temp.flush()
    temp.publish(tmp_path / "target")
    assert (tmp_path / "target").read_bytes() == b"content"
    assert list((tmp_path / "folder").iterdir()) == []
