"""Maintenance: few packs, the same objects, and never while a run works in the repository."""

from __future__ import annotations

import random
import threading

import pytest

from ddsnap.store import maintenance
from ddsnap.store.locks import org_lock, sole_lock
from ddsnap.store.maintenance import Packs, count_packs, maintain
from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import read_documents

BRANCH = "snapshots/us1"
ROUNDS = 60


@pytest.fixture
def crowded(repo, capture):
    """A repository of many small packs, and every state that it went through."""
    rng = random.Random(4)
    files = {f"monitors/{n}.json": b'{"name": "%d"}\n' % n * 20 for n in range(200)}
    states = {}
    for number in range(ROUNDS):
        files[f"monitors/{rng.randrange(200)}.json"] = b"changed %d\n" % number
        states[capture(repo, files)] = dict(files)
    return states


def holds(repo, states):
    return all(dict(read_documents(repo, commit)) == files for commit, files in states.items())


def test_when_packs_are_crowded():
    assert not Packs(50, 100, 100).crowded
    assert Packs(51, 100, 1).crowded
    assert Packs(11, 100, 101).crowded
    assert not Packs(10, 100, 1000).crowded
    assert not Packs(0, 0, 0).crowded


def test_packs_are_joined_and_nothing_is_lost(repo, crowded, fsck, git):
    before = count_packs(repo)
    assert before.count > ROUNDS
    assert maintain(repo) is None
    after = count_packs(repo)
    assert after.count < 10
    assert after.base + after.small < (before.base + before.small) / 3
    assert holds(repo, crowded)  # the repository that was open all the time
    with Repository.open(repo.path) as again:
        assert holds(again, crowded)
    fsck(repo.path)
    assert git(repo.path, "config", "gc.auto").strip() == "0"
    assert list((repo.git_dir / "objects/info").glob("commit-graph*"))
    assert int(git(repo.path, "rev-list", "--count", BRANCH)) == ROUNDS


def test_what_is_not_crowded_is_left_alone(repo, capture):
    capture(repo, {"a.json": b"1\n"})
    packs = set(repo.pack_dir.iterdir())
    assert maintain(repo) is None
    assert set(repo.pack_dir.iterdir()) == packs


def test_commits_that_no_branch_names_yet_survive(repo, crowded, capture):
    from datetime import datetime, timezone

    from ddsnap.store.snapshots import SnapshotWriter

    with SnapshotWriter(repo, BRANCH) as writer:
        writer.put("staged.json", b"staged\n")
        staged = writer.stage("capture us1", time=datetime(2026, 1, 1, tzinfo=timezone.utc))
    maintain(repo)
    assert repo.read_file(staged, "staged.json") == b"staged\n"


def test_nothing_is_repacked_while_a_run_works(repo, crowded):
    before = count_packs(repo)
    with org_lock(repo, "eu1", "capture"):
        assert maintain(repo) is None
        assert count_packs(repo) == before
    assert maintain(repo) is None
    assert count_packs(repo) != before


def test_runs_of_different_orgs_share_the_repository(repo):
    us1, eu1 = org_lock(repo, "us1", "capture"), org_lock(repo, "eu1", "capture")
    with us1, eu1, sole_lock(repo) as alone:
        assert not alone
    with sole_lock(repo) as alone:
        assert alone


def test_a_run_waits_for_maintenance_to_end(repo):
    order = []

    def work():
        with Repository.open(repo.path) as mine, org_lock(mine, "us1", "capture"):
            order.append("run")

    with sole_lock(repo) as alone:
        assert alone
        thread = threading.Thread(target=work)
        thread.start()
        thread.join(0.3)
        order.append("maintained")
    thread.join()
    assert order == ["maintained", "run"]


@pytest.fixture
def no_git(monkeypatch):
    monkeypatch.setattr(maintenance, "find_git", lambda: None)


def test_without_git_versions_become_deltas(repo, crowded, no_git, fsck, git):
    before = count_packs(repo)
    assert maintain(repo) is None
    after = count_packs(repo)
    assert after.count < 5
    assert after.base + after.small < (before.base + before.small) / 3
    assert holds(repo, crowded)
    with Repository.open(repo.path) as again:
        assert holds(again, crowded)
    fsck(repo.path)
    assert int(git(repo.path, "rev-list", "--count", BRANCH)) == ROUNDS
    pack = max(repo.pack_dir.glob("*.pack"), key=lambda path: path.stat().st_size)
    chains = [line.split() for line in git(repo.path, "verify-pack", "-v", str(pack)).splitlines()]
    depths = [int(words[5]) for words in chains if len(words) == 7]
    assert len(depths) > ROUNDS / 2
    assert max(depths) <= 50


def test_without_git_nothing_is_lost_time_after_time(repo, capture, no_git, fsck):
    """Values that come back, files that move and vanish, two branches, and joined packs again."""
    rng = random.Random(9)
    files, states = {}, {}
    for number in range(130):
        path = f"{rng.choice('abc')}/{rng.randrange(30)}.json"
        body = (
            b'{\n  "name": "%d",\n  "tags": []\n}\n' % rng.randrange(4) * rng.choice((1, 40, 4000))
        )
        if rng.random() < 0.2:
            files.pop(path, None)
        else:
            files[path] = body
        branch = rng.choice((BRANCH, "journal/us1", "snapshots/eu1"))
        commit = capture(repo, files, branch)
        if commit:
            states[commit] = dict(files)
        if number % 3 == 0:
            assert maintain(repo) is None
    assert count_packs(repo).count <= 50
    assert holds(repo, states)
    fsck(repo.path)


def test_what_others_keep_is_kept(repo, crowded, no_git):
    kept = sorted(repo.pack_dir.glob("*.pack"))[:3]
    for pack in kept:
        pack.with_suffix(".keep").touch()
    maintain(repo)
    assert all(pack.exists() for pack in kept)
    assert count_packs(repo).count < 8
    assert holds(repo, crowded)


def test_a_pack_that_cannot_be_read_is_told_without_git(repo, crowded, no_git):
    packs = set(repo.pack_dir.glob("pack-*.pack"))
    damaged = min(packs)
    repo.close()
    damaged.chmod(0o644)
    damaged.write_bytes(damaged.read_bytes()[:20] + bytes(60))
    note = maintain(repo)
    assert note is not None
    assert set(repo.pack_dir.glob("pack-*.pack")) == packs


def test_a_repack_that_fails_is_told(repo, crowded):
    pack = max(repo.pack_dir.glob("pack-*.pack"), key=lambda path: path.stat().st_size)
    repo.close()
    pack.chmod(0o644)
    damaged = bytearray(pack.read_bytes())
    damaged[20:40] = bytes(20)
    pack.write_bytes(damaged)
    note = maintain(repo)
    assert note is not None
    assert "the packs could not be joined" in note.text


@pytest.mark.parametrize("with_git", [True, False])
def test_an_index_that_names_what_is_not_there_costs_no_object(
    repo, crowded, monkeypatch, with_git
):
    if not with_git:
        monkeypatch.setattr(maintenance, "find_git", lambda: None)
    index = sorted(repo.pack_dir.glob("pack-*.idx"))[7]
    data = index.read_bytes()
    index.chmod(0o600)
    at = 8 + 256 * 4 + 5  # within the name of the first object
    index.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])
    before = count_packs(repo)
    with Repository.open(repo.path) as again:
        note = maintain(again)
    assert note
    assert f"{index.name} is damaged" in note.text
    assert count_packs(repo) == before
    index.write_bytes(data)
    with Repository.open(repo.path) as again:
        assert holds(again, crowded)
