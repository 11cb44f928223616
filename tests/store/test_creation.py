from __future__ import annotations

import pytest

from ddsnap.errors import StoreError
from ddsnap.store.repository import Repository

FILES = {"ddsnap.yaml": b"version: 1\n", "transforms/.gitkeep": b""}


def test_init_makes_a_repository_that_git_finds_clean(tmp_path, git, fsck):
    with Repository.init(tmp_path / "new" / "repo", FILES, "Start\n\nwhy") as repo:
        assert repo.branch("main") == repo.resolve("HEAD")
        assert repo.read_file(repo.resolve("HEAD"), "ddsnap.yaml") == b"version: 1\n"
        assert repo.read_file(repo.resolve("HEAD"), "nothing") is None
        work = repo.path
    assert git(work, "status", "--porcelain=v1", "--branch").strip() == "## main"
    assert git(work, "symbolic-ref", "HEAD").strip() == "refs/heads/main"
    assert git(work, "config", "gc.auto").strip() == "0"
    assert git(work, "log", "--format=%s|%b|%an").strip() == "Start|why\n|Ada"
    assert "Start" in git(work, "reflog")
    assert not list((work / ".git").glob("objects/??/*"))
    assert sorted(p.name for p in work.iterdir()) == [".git", "ddsnap.yaml", "transforms"]
    fsck(work)


def test_init_refuses_a_repository_that_has_the_files(repo):
    with pytest.raises(StoreError, match=r"already is a repository with ddsnap\.yaml"):
        Repository.init(repo.path, FILES, "again")


def test_init_refuses_to_overwrite(tmp_path):
    (tmp_path / "ddsnap.yaml").write_bytes(b"mine\n")
    with pytest.raises(StoreError, match="there already"):
        Repository.init(tmp_path, FILES, "Start")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ddsnap.yaml"]


def test_init_in_an_empty_repository(tmp_path, git, fsck):
    git(tmp_path, "init", "-q", "-b", "trunk")
    with Repository.init(tmp_path, FILES, "Start") as repo:
        assert repo.branch("main")
    assert git(tmp_path, "status", "--porcelain=v1", "--branch").strip() == "## main"
    fsck(tmp_path)


def test_init_in_a_repository_with_other_things(tmp_path, git, fsck):
    git(tmp_path, "init", "-q", "-b", "trunk")
    (tmp_path / "README").write_text("hello\n")
    (tmp_path / "run").write_text("true\n")
    (tmp_path / "run").chmod(0o755)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-q", "-m", "mine")
    git(tmp_path, "config", "gc.auto", "7")
    (tmp_path / "staged").write_text("later\n")
    git(tmp_path, "add", "staged")
    with Repository.init(tmp_path, FILES, "Start") as repo:
        assert repo.branch("main") is None
    assert git(tmp_path, "status", "--porcelain").split() == ["A", "staged"]
    assert git(tmp_path, "show", "--stat", "--format=%s", "HEAD").startswith("Start")
    assert "100755" in git(tmp_path, "ls-tree", "HEAD", "run")
    assert git(tmp_path, "config", "gc.auto").strip() == "7"
    assert "commit: Start" in git(tmp_path, "reflog", "-1")
    fsck(tmp_path)


def test_init_beside_a_detached_head_or_in_a_bare_repository(tmp_path, repo, git):
    git(repo.path, "checkout", "-q", "--detach")
    with pytest.raises(StoreError, match="no branch checked out"):
        Repository.init(repo.path, {"other": b""}, "again")
    git(tmp_path, "init", "-q", "--bare", "bare")
    with pytest.raises(StoreError, match="bare"):
        Repository.init(tmp_path / "bare", FILES, "Start")
