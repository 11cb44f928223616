from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys

import pytest
from dulwich.repo import Repo

from ddsnap.errors import RefMoved, StoreError
from ddsnap.store.repository import Repository
from ddsnap.store.trees import read_paths

FILES = {"ddsnap.yaml": b"version: 1\n", "transforms/.gitkeep": b""}


def commits(count, repo, capture, branch="snapshots/us1"):
    return [capture(repo, {"x": b"%d" % n}, branch) for n in range(count)]


# --- init


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


# --- open


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


# --- reading


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


# --- revisions


def test_revisions_are_gits(repo, capture, git):
    first, second, third = commits(3, repo, capture)
    run = capture(repo, {"r": b"1"}, "journal/us1", parents=[third])
    run2 = capture(repo, {"r": b"2"}, "journal/us1", parents=[third])
    git(repo.path, "tag", "-a", "-m", "x", "v1", second)
    git(repo.path, "tag", "-a", "-m", "x", "v2", "v1")
    git(repo.path, "tag", "light", first)
    git(repo.path, "update-ref", "refs/remotes/origin/snapshots/us1", first)
    git(repo.path, "symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/snapshots/us1")
    names = ["HEAD", "@", "main", "snapshots/us1", "refs/heads/snapshots/us1", "heads/main"]
    names += ["v1", "v2", "light", "tags/v1", "origin/snapshots/us1", "origin"]
    names += [third, third.upper(), third[:8], third[:7] + "~1", "v2^{}", "v2^{commit}~"]
    names += ["snapshots/us1~2", "snapshots/us1^^", "snapshots/us1~0", "snapshots/us1^0"]
    names += [f"{run2}^2", f"{run2}^2~1", f"{run2}^2^^", "journal/us1~1^0"]
    for packed in (False, True):
        for name in names:
            expected = git(repo.path, "rev-parse", "--verify", name + "^{commit}").strip()
            assert repo.resolve(name) == expected, name
        if not packed:
            git(repo.path, "pack-refs", "--all")
            git(repo.path, "gc", "-q")
    assert run == repo.resolve(f"{run2}~")


@pytest.mark.parametrize(
    "name",
    ["", "nope", "snapshots", "main~1", "main^2", "abcd", "1" * 40, "-x", "a//b", "^", "~1", "é"],
)
def test_unknown_revisions_are_named(repo, name):
    with pytest.raises(StoreError) as caught:
        repo.resolve(name)
    assert name in caught.value.message


def test_an_ambiguous_abbreviation_is_named(repo, capture):
    shas, number = {}, 0
    while True:
        commit = capture(repo, {"x": b"%d" % number})
        if commit[:4] in shas:
            break
        shas[commit[:4]] = commit
        number += 1
        assert number < 2000
    with pytest.raises(StoreError, match="ambiguous"):
        repo.resolve(commit[:4])
    assert repo.resolve(commit[:12]) == commit


def test_a_blob_is_no_revision(repo):
    sha = read_paths(repo, repo.resolve("main"))["ddsnap.yaml"].hex()
    with pytest.raises(StoreError, match="no commit"):
        repo.resolve(sha)


# --- identity and signatures


def test_identity_is_the_environments_then_gits_then_ddsnaps(repo, git, monkeypatch):
    assert repo.identity() == (b"Ada <ada@example.com>",) * 2
    for name in ("AUTHOR_NAME", "AUTHOR_EMAIL", "COMMITTER_NAME"):
        monkeypatch.delenv(f"GIT_{name}")
    assert repo.identity() == (b"ddsnap <ddsnap@localhost>", b"ddsnap <ada@example.com>")
    git(repo.path, "config", "--global", "user.name", "Bob <\n>")
    git(repo.path, "config", "user.email", "bob@example.com")
    with Repository.open(repo.path) as again:
        assert again.identity() == (b"Bob <bob@example.com>", b"Bob <ada@example.com>")


def test_a_commit_is_signed_where_git_says_so(repo, capture, git, tmp_path, fsck):
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    (tmp_path / "signers").write_text("ada@example.com " + key.with_suffix(".pub").read_text())
    git(repo.path, "config", "commit.gpgsign", "true")
    git(repo.path, "config", "gpg.format", "ssh")
    git(repo.path, "config", "user.signingkey", str(key))
    git(repo.path, "config", "gpg.ssh.allowedSignersFile", str(tmp_path / "signers"))
    with Repository.open(repo.path) as again:
        commit = capture(again, {"x": b"1"})
    assert git(repo.path, "log", "-1", "--format=%G?", commit).strip() == "G"
    fsck(repo.path)


@pytest.mark.parametrize(
    "settings",
    [
        {"gpg.format": "ssh", "user.signingkey": "/nowhere"},
        {"gpg.format": "ssh"},
        {"gpg.program": "/nowhere"},
        {"gpg.format": "smoke-signals"},
    ],
)
def test_a_commit_that_cannot_be_signed_is_made_and_told(repo, git, settings, capture, fsck):
    from datetime import datetime, timezone

    from ddsnap.store.snapshots import SnapshotWriter

    git(repo.path, "config", "commit.gpgsign", "true")
    for key, value in settings.items():
        git(repo.path, "config", key, value)
    with Repository.open(repo.path) as again, SnapshotWriter(again, "snapshots/us1") as writer:
        writer.put("x", b"1")
        commit = writer.commit("capture", time=datetime.now(timezone.utc))
        (note,) = writer.notes
        assert "not signed" in note.text
        assert note.hint
        assert again.branch("snapshots/us1") == commit
    fsck(repo.path)


# --- moving branches


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


# --- checked-out machine branches


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
