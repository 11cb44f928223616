"""Fetching and pushing machine branches, by git and by dulwich, against real bare remotes."""

from __future__ import annotations

import shutil

import pytest

from ddsnap.errors import RemoteError
from ddsnap.store.remote import find_remote
from ddsnap.store.repository import Repository

BRANCH = "snapshots/us1"
OTHER = "journal/us1"


@pytest.fixture(params=["git", "dulwich"])
def transport(request, monkeypatch, git):
    """Both ways to a remote; plain git reads back in either case."""
    if request.param == "dulwich":
        monkeypatch.setattr("ddsnap.store.remote.find_git", lambda: None)
    return request.param


@pytest.fixture
def bare(tmp_path, git):
    folder = tmp_path / "hub.git"
    git(tmp_path, "init", "--quiet", "--bare", str(folder))
    return folder


@pytest.fixture
def clone(tmp_path, git, bare):
    """Make another repository with the bare one as its remote."""
    opened = []

    def make(name: str) -> Repository:
        Repository.init(tmp_path / name, {"ddsnap.yaml": b"version: 1\n"}, "Start").close()
        git(tmp_path / name, "remote", "add", "origin", bare.as_uri())
        opened.append(Repository.open(tmp_path / name))
        return opened[-1]

    yield make
    for repo in opened:
        repo.close()


def remote_of(repo):
    found = find_remote(repo, "origin")
    assert found is not None
    return found


def test_without_a_configured_remote_there_is_none(repo):
    assert find_remote(repo, "origin") is None


def test_what_one_pushes_the_other_gets(transport, clone, capture, git, fsck, bare):
    ada, bob = clone("ada"), clone("bob")
    first = capture(ada, {"a.json": b"1\n"})
    log = capture(ada, {"run.json": b"1\n"}, OTHER)
    pushed = remote_of(ada).push({BRANCH: first, OTHER: log})
    assert {p.branch: (p.commit, p.state) for p in pushed.values()} == {
        BRANCH: (first, "accepted"),
        OTHER: (log, "accepted"),
    }
    assert git(bare, "for-each-ref", "--format=%(refname) %(objectname)").split() == [
        "refs/heads/journal/us1", log, "refs/heads/snapshots/us1", first,
    ]  # fmt: skip
    fetched = remote_of(bob).fetch(BRANCH, OTHER, "snapshots/eu1")
    assert {f.branch: f.state for f in fetched.values()} == {
        BRANCH: "created", OTHER: "created", "snapshots/eu1": "none",
    }  # fmt: skip
    assert bob.branch(BRANCH) == first
    assert remote_of(bob).last_seen(BRANCH) == first
    assert remote_of(bob).last_seen("snapshots/eu1") is None
    assert git(bob.path, "show", f"{BRANCH}:a.json") == "1\n"
    assert [f.state for f in remote_of(bob).fetch(BRANCH).values()] == ["same"]
    fsck(bob.path)
    fsck(bare)


def test_behind_ahead_and_diverged(transport, clone, capture):
    ada, bob = clone("ada"), clone("bob")
    first = capture(ada, {"a.json": b"1\n"})
    remote_of(ada).push({BRANCH: first})
    remote_of(bob).fetch(BRANCH)
    second = capture(ada, {"a.json": b"2\n"})
    remote_of(ada).push({BRANCH: second})
    moved = remote_of(bob).fetch(BRANCH)[BRANCH]
    assert (moved.state, moved.here, moved.there) == ("forward", second, second)
    mine = capture(bob, {"a.json": b"3\n"})
    kept = remote_of(bob).fetch(BRANCH)[BRANCH]
    assert (kept.state, kept.here, kept.there) == ("ahead", mine, second)
    third = capture(ada, {"a.json": b"4\n"})
    remote_of(ada).push({BRANCH: third})
    apart = remote_of(bob).fetch(BRANCH)[BRANCH]
    assert (apart.state, apart.here, apart.there) == ("diverged", mine, third)
    assert bob.branch(BRANCH) == mine


def test_a_push_never_forces_and_takes_all_or_none(transport, clone, capture, git, bare):
    ada, bob = clone("ada"), clone("bob")
    first = capture(ada, {"a.json": b"1\n"})
    remote_of(ada).push({BRANCH: first})
    other = capture(bob, {"a.json": b"2\n"})
    log = capture(bob, {"run.json": b"1\n"}, OTHER)
    pushed = remote_of(bob).push({BRANCH: other, OTHER: log})
    assert [p.state for p in pushed.values()] == ["rejected", "rejected"]
    assert git(bare, "for-each-ref", "--format=%(objectname)").split() == [first]


def test_a_remote_that_declines_says_why(clone, capture, git, bare):
    hook = bare / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'closed for the night' >&2\nexit 1\n")
    hook.chmod(0o755)
    ada = clone("ada")
    pushed = remote_of(ada).push({BRANCH: capture(ada, {"a.json": b"1\n"})})
    assert pushed[BRANCH].state == "failed"
    assert "hook declined" in pushed[BRANCH].reason


def test_an_unreachable_remote_is_an_error_without_credentials(transport, clone, git, capture):
    ada = clone("ada")
    git(ada.path, "remote", "set-url", "origin", "http://ada:s3cret@127.0.0.1:9/hub.git")
    ada = Repository.open(ada.path)
    with ada, pytest.raises(RemoteError) as caught:
        remote_of(ada).fetch(BRANCH)
    assert "origin did not answer" in caught.value.message
    assert "s3cret" not in caught.value.message
    with Repository.open(ada.path) as again:
        pushed = remote_of(again).push({BRANCH: capture(again, {"a.json": b"1\n"})})
    assert pushed[BRANCH].state == "failed"
    assert "s3cret" not in pushed[BRANCH].reason


def test_a_remote_that_never_answers_is_given_up(clone, git):
    import socket

    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        ada = clone("ada")
        git(ada.path, "remote", "set-url", "origin", f"git://127.0.0.1:{deaf.getsockname()[1]}/x")
        with Repository.open(ada.path) as repo, pytest.raises(RemoteError, match="no answer"):
            find_remote(repo, "origin", patience=0.5).fetch(BRANCH)


def test_a_remote_without_atomic_pushes_is_served_branch_by_branch(
    transport, clone, capture, git, bare
):
    git(bare, "config", "receive.advertiseAtomic", "false")
    ada, bob = clone("ada"), clone("bob")
    if transport == "dulwich":
        pytest.skip("dulwich opens a local remote itself and asks for no capability")
    log = capture(ada, {"run.json": b"1\n"}, OTHER)
    first = capture(ada, {"a.json": b"1\n"})
    pushed = remote_of(ada).push({BRANCH: first, OTHER: log})
    assert [p.state for p in pushed.values()] == ["accepted", "accepted"]
    mine = capture(bob, {"a.json": b"2\n"})
    log = capture(bob, {"run.json": b"2\n"}, OTHER)
    pushed = remote_of(bob).push({BRANCH: mine, OTHER: log})
    assert [p.state for p in pushed.values()] == ["rejected", "rejected"]


def test_a_shallow_clone_gets_what_it_lacks_shallow_and_deepens_when_needed(
    tmp_path, clone, capture, git, bare
):
    ada = clone("ada")
    git(ada.path, "push", "--quiet", "origin", "main")
    tips = [capture(ada, {"a.json": b"%d\n" % number}) for number in range(6)]
    remote_of(ada).push({BRANCH: tips[3]})
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", bare.as_uri(), "ci")
    with Repository.open(tmp_path / "ci") as ci:
        assert remote_of(ci).fetch(BRANCH)[BRANCH].state == "created"
        assert git(ci.path, "rev-list", "--count", BRANCH).strip() == "1"
        remote_of(ada).push({BRANCH: tips[5]})
        assert remote_of(ci).fetch(BRANCH)[BRANCH].state == "forward"
        assert git(ci.path, "rev-list", "--count", BRANCH).strip() == "3"
        mine = capture(ci, {"a.json": b"mine\n"})
        assert remote_of(ci).push({BRANCH: mine})[BRANCH].state == "accepted"

    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch", BRANCH, bare.as_uri(), "deep")
    git(tmp_path / "deep", "checkout", "--quiet", "--detach")
    remote_of(ada).fetch(BRANCH)
    tips += [capture(ada, {"a.json": b"later %d\n" % number}) for number in range(3)]
    remote_of(ada).push({BRANCH: tips[-1]})
    git(tmp_path / "deep", "fetch", "--quiet", "--depth=1", "origin", BRANCH)
    with Repository.open(tmp_path / "deep") as deep:
        moved = remote_of(deep).fetch(BRANCH)[BRANCH]
        assert (moved.state, moved.here) == ("forward", tips[-1])


def test_without_git_a_cut_history_is_refused_with_the_command(
    tmp_path, clone, capture, git, bare, monkeypatch
):
    ada = clone("ada")
    tips = [capture(ada, {"a.json": b"%d\n" % number}) for number in range(3)]
    remote_of(ada).push({BRANCH: tips[0]})
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch", BRANCH, bare.as_uri(), "ci")
    remote_of(ada).push({BRANCH: tips[2]})
    git(tmp_path / "ci", "fetch", "--quiet", "--depth=1", "origin", BRANCH)
    monkeypatch.setattr("ddsnap.store.remote.find_git", lambda: None)
    with Repository.open(tmp_path / "ci") as ci, pytest.raises(RemoteError) as caught:
        remote_of(ci).fetch(BRANCH)
    assert f"git fetch --unshallow origin {BRANCH}" in caught.value.hint
    assert shutil.which("git")


def test_a_branch_merged_by_hand_is_ahead(clone, capture, git):
    ada, bob = clone("ada"), clone("bob")
    remote_of(ada).push({BRANCH: capture(ada, {"a.json": b"1\n"})})
    remote_of(bob).fetch(BRANCH)
    remote_of(ada).push({BRANCH: capture(ada, {"a.json": b"2\n"})})
    capture(bob, {"a.json": b"1\n", "b.json": b"1\n"})
    assert remote_of(bob).fetch(BRANCH)[BRANCH].state == "diverged"
    git(bob.path, "checkout", "--quiet", BRANCH)
    git(bob.path, "merge", "--quiet", "--no-edit", f"origin/{BRANCH}")
    assert remote_of(bob).fetch(BRANCH)[BRANCH].state == "ahead"
