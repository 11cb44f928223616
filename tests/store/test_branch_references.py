from __future__ import annotations

import multiprocessing
import os
import subprocess

import pytest

from ddsnap.errors import RefMoved, StoreError
from ddsnap.store import references
from ddsnap.store.owned import sync_folder
from ddsnap.store.repository import Repository
from ddsnap.store.trees import read_paths


def commits(count, repo, capture, branch="snapshots/us1"):
    return [capture(repo, {"x": b"%d" % n}, branch) for n in range(count)]


def test_a_branch_moves_only_from_where_it_was_read(repo, capture, git):
    first, second = commits(2, repo, capture)
    repo.move_branch("b/one", None, first, "new")
    with pytest.raises(RefMoved, match="b/one"):
        repo.move_branch("b/one", None, second, "new")
    with pytest.raises(RefMoved, match="nothing"):
        repo.move_branch("b/two", first, second, "no such")
    git(repo.path, "pack-refs", "--all")
    with pytest.raises(RefMoved):
        repo.move_branch("b/one", second, second, "stale")
    repo.move_branch("b/one", first, second, "a\nmessage")
    assert repo.branch("b/one") == second
    assert git(repo.path, "reflog", "show", "--format=%gs", "b/one").split("\n")[:2] == [
        "a message",
        "new",
    ]


def test_git_may_pack_a_branch_that_has_just_moved(repo, capture, git, monkeypatch):
    """It removes the folder that was about to be brought to the disk."""
    first, second = commits(2, repo, capture)

    def packed_first(folder):
        git(repo.path, "pack-refs", "--all")
        assert not folder.exists()
        sync_folder(folder)

    monkeypatch.setattr(references, "sync_folder", packed_first)
    repo.move_branch("snapshots/us1", second, first, "back")
    assert repo.branch("snapshots/us1") == first


def test_a_branch_cannot_be_a_folder_of_branches(repo, capture, git):
    (first,) = commits(1, repo, capture)
    for _ in range(2):
        for name in ("snapshots", "snapshots/us1/x"):
            with pytest.raises(StoreError, match="in its way"):
                repo.move_branch(name, None, first, "no")
        git(repo.path, "pack-refs", "--all")
    git(repo.path, "branch", "a/b", first)
    git(repo.path, "branch", "-D", "a/b")
    for folder in ("refs/heads/a/b", "logs/refs/heads/a/b"):
        (repo.git_dir / folder).mkdir(parents=True, exist_ok=True)
    repo.move_branch("a/b", None, first, "over an empty folder")
    assert repo.branch("a/b") == first


def test_a_damaged_branch_is_never_overwritten(repo, capture):
    (first,) = commits(1, repo, capture)
    path = repo.git_dir / "refs/heads/snapshots/us1"
    for content in (b"", b"ref: refs/heads/main\n", b"rubbish\n"):
        path.write_bytes(content)
        with pytest.raises(StoreError, match="damaged or symbolic"):
            repo.move_branch("snapshots/us1", None, first, "no")
        assert path.read_bytes() == content


def test_a_held_lock_file_is_waited_for_then_named(repo, capture, monkeypatch):
    (first,) = commits(1, repo, capture)
    monkeypatch.setattr("ddsnap.store.references.PATIENCE", 0.2)
    lock = repo.git_dir / "refs/heads/side.lock"
    lock.write_bytes(b"")
    with pytest.raises(StoreError, match=r"side\.lock is held"):
        repo.move_branch("side", None, first, "no")
    assert lock.exists()
    lock.unlink()
    repo.move_branch("side", None, first, "yes")


def test_a_file_system_without_hard_links_will_do(repo, capture, monkeypatch):
    def refuse(*_):
        raise PermissionError(1, "no links here")

    monkeypatch.setattr(os, "link", refuse)
    monkeypatch.setattr("pathlib.Path.hardlink_to", refuse)
    first, second = commits(2, repo, capture)
    assert repo.branch("snapshots/us1") == second
    assert not list(repo.git_dir.rglob("*.lock"))
    assert first != second


def _append(path, name, count):
    from datetime import datetime, timezone

    from ddsnap.store.snapshots import SnapshotWriter

    done = 0
    with Repository.open(path) as repo:
        while done < count:
            with SnapshotWriter(repo, "snapshots/us1") as writer:
                writer.keep_folder("")
                writer.put(f"{name}/{done}", b"x")
                try:
                    writer.commit(f"{name} {done}", time=datetime.now(timezone.utc))
                except RefMoved:
                    continue
            done += 1


def test_no_update_is_lost_between_processes(repo, fsck, git):
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_append, args=(repo.path, name, 15)) for name in "abc"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
        assert worker.exitcode == 0
    tip = repo.branch("snapshots/us1")
    assert len(read_paths(repo, tip)) == 45
    assert len(git(repo.path, "rev-list", tip).split()) == 45
    fsck(repo.path)


def test_a_checked_out_machine_branch_is_detached_first(repo, capture, git, tmp_path):
    (first,) = commits(1, repo, capture)
    linked = tmp_path / "linked"
    git(repo.path, "checkout", "-q", "snapshots/us1")
    git(repo.path, "worktree", "add", "-q", "-f", str(linked), "snapshots/us1")
    (linked / "x").write_bytes(b"edited")
    second = capture(repo, {"x": b"new"})
    for work in (repo.path, linked):
        assert git(work, "rev-parse", "HEAD").strip() == first
        assert "detached" in git(work, "status")
        assert git(work, "reflog", "-1", "--format=%gs").startswith("checkout: moving from")
    assert git(repo.path, "status", "--porcelain") == ""
    assert (linked / "x").read_bytes() == b"edited"
    git(repo.path, "checkout", "-q", "--detach", "snapshots/us1")
    assert git(repo.path, "rev-parse", "HEAD").strip() == second


def test_the_note_says_how_to_go_on(repo, capture, git):
    first, second = commits(2, repo, capture)
    git(repo.path, "update-ref", "refs/heads/journal/us1", first)
    git(repo.path, "checkout", "-q", "journal/us1")
    (note,) = repo.move_branch("journal/us1", first, second, "run")
    assert str(repo.path) in note.text
    assert first[:12] in note.text
    command = note.hint.partition(": ")[2].split()
    subprocess.run(command, check=True, capture_output=True)
    assert git(repo.path, "rev-parse", "HEAD").strip() == second


def test_people_s_branches_move_under_their_head(repo, capture, git):
    (first,) = commits(1, repo, capture)
    assert repo.move_branch("main", repo.branch("main"), first, "by ddsnap") == ()
    assert git(repo.path, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    assert git(repo.path, "reflog", "-1", "--format=%gs", "HEAD").strip() == "by ddsnap"


def test_a_bare_repository_keeps_a_reflog_where_it_is_told_to(repo, capture, git, tmp_path):
    git(tmp_path, "init", "-q", "--bare", "bare")
    with Repository.open(tmp_path / "bare") as bare:
        capture(bare, {"x": b"1"})
        assert not (bare.git_dir / "logs").exists()
    git(tmp_path / "bare", "config", "core.logAllRefUpdates", "true")
    with Repository.open(tmp_path / "bare") as bare:
        capture(bare, {"x": b"2"})
        assert (bare.git_dir / "logs/refs/heads/snapshots/us1").exists()
