from __future__ import annotations

import os
import subprocess
import sys

import pytest
from dulwich.repo import Repo

from ddsnap.errors import StoreError
from ddsnap.store.repository import Repository
from ddsnap.store.trees import read_paths


def test_open_finds_the_repository_from_below(repo):
    (repo.path / "a" / "b").mkdir(parents=True)
    with Repository.open(repo.path / "a" / "b") as found:
        assert found.path == repo.path


def test_open_says_what_to_do_without_a_repository(tmp_path):
    with pytest.raises(StoreError, match="not in a git repository") as caught:
        Repository.open(tmp_path)
    assert "ddsnap init" in caught.value.hint


def test_a_bare_repository_will_do(repo, capture, git, tmp_path, fsck):
    capture(repo, {"x": b"1"})
    git(tmp_path, "clone", "-q", "--bare", str(repo.path), "bare")
    git(tmp_path / "bare", "symbolic-ref", "HEAD", "refs/heads/snapshots/us1")
    with Repository.open(tmp_path / "bare") as bare:
        commit = capture(bare, {"x": b"2"})
        assert git(tmp_path / "bare", "rev-parse", "HEAD").strip() == commit
    fsck(tmp_path / "bare")


def test_a_linked_work_tree_writes_to_the_shared_repository(repo, capture, git, tmp_path):
    git(repo.path, "worktree", "add", "-q", "-b", "side", str(tmp_path / "linked"))
    with Repository.open(tmp_path / "linked") as linked:
        commit = capture(linked, {"x": b"1"})
        assert linked.git_dir.resolve() == repo.git_dir.resolve()
        assert linked.resolve("HEAD") == linked.branch("side")
    assert repo.branch("snapshots/us1") == commit


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("core.repositoryformatversion", "7", "7"),
        ("extensions.partialclone", "origin", "partialclone"),
        ("core.worktree", "/nowhere", "core.worktree"),
    ],
)
def test_a_repository_that_cannot_be_used_is_named(repo, git, key, value, says):
    git(repo.path, "config", key, value)
    if key == "core.worktree":
        git(repo.path, "config", "core.bare", "true")
    with pytest.raises(StoreError, match=says):
        Repository.open(repo.path)


def test_sha256_is_refused(tmp_path, git):
    git(tmp_path, "init", "-q", "--object-format=sha256")
    with pytest.raises(StoreError, match="sha256"):
        Repository.open(tmp_path)


def test_reftables_are_refused(tmp_path):
    with Repo.init(tmp_path) as raw:
        config = raw.get_config()
        config.set((b"core",), b"repositoryformatversion", b"1")
        config.set((b"extensions",), b"refstorage", b"reftable")
        config.write_to_path()
    with pytest.raises(StoreError, match="reftables"):
        Repository.open(tmp_path)


def test_a_missing_object_is_a_store_error(repo):
    with pytest.raises(StoreError, match="lacks the commit 11111"):
        repo.read_file("1" * 40, "x")
    sha = read_paths(repo, repo.resolve("main"))["ddsnap.yaml"]
    with pytest.raises(StoreError, match="is no commit"):
        repo.read_file(sha.hex(), "x")


def test_a_damaged_object_is_a_store_error(repo, capture):
    commit = capture(repo, {"x": b"some text " * 100})
    repo.close()
    for pack in repo.pack_dir.glob("*.pack"):
        pack.chmod(0o644)
        data = bytearray(pack.read_bytes())
        data[15:-20] = bytes(len(data) - 35)
        pack.write_bytes(data)
    with Repository.open(repo.path) as again, pytest.raises(StoreError):
        again.read_file(commit, "x")


def test_ddsnap_needs_no_git(repo, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import sys; from pathlib import Path; from datetime import datetime, timezone\n"
        "from ddsnap.store.repository import Repository\n"
        "from ddsnap.store.snapshots import SnapshotWriter\n"
        "from ddsnap.store.history import path_history\n"
        "with Repository.init(Path(sys.argv[1]), {'ddsnap.yaml': b''}, 'Start') as repo:\n"
        "    with SnapshotWriter(repo, 'snapshots/us1') as writer:\n"
        "        writer.put('x', b'1')\n"
        "        commit = writer.commit('one', time=datetime.now(timezone.utc))\n"
        "    assert [v.commit.sha for v in path_history(repo, commit, 'x')] == [commit]\n"
    )
    environment = os.environ | {"PATH": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-W", "error", str(script), str(tmp_path / "other")]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
