from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from ddsnap.store import history
from ddsnap.store.commits import parse_commit
from ddsnap.store.history import log, path_history, walk_path_history
from ddsnap.store.repository import Repository

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)


@pytest.fixture
def past(repo, capture):
    """Six captures in which files come, change, stay, go, and come back."""
    states = [
        {"a/1": b"1", "b/1": b"1"},
        {"a/1": b"1", "b/1": b"2"},
        {"a/1": b"2", "b/1": b"2", "a/2": b"0"},
        {"b/1": b"2", "a/2": b"0"},
        {"a/1": b"2", "b/1": b"1", "a/2": b"0"},
        {"a/1": b"2", "b/1": b"1", "a/2": b"0", "c": b"0"},
    ]
    return [
        capture(repo, files, message=f"capture {n}", time=NOON + timedelta(hours=n))
        for n, files in enumerate(states)
    ]


def test_the_log_is_gits(repo, past, git):
    assert [info.sha for info in log(repo, past[-1])] == past[::-1]
    shown = git(repo.path, "log", "--format=%H|%T|%an <%ae>|%ct|%s|%P", past[-1]).splitlines()
    lines = [
        "|".join((i.sha, i.tree, i.author, str(i.time), i.subject, " ".join(i.parents)))
        for i in log(repo, past[-1])
    ]
    assert lines == shown


def test_all_parents_or_the_first(repo, past, capture, git):
    first = capture(repo, {"r": b"1"}, "journal/us1", time=NOON + timedelta(days=1))
    second = capture(
        repo, {"r": b"2"}, "journal/us1", parents=[past[-1]], time=NOON + timedelta(days=2)
    )
    assert [info.sha for info in log(repo, second)] == [second, first]
    everything = [info.sha for info in log(repo, second, first_parent=False)]
    assert everything == git(repo.path, "log", "--format=%H", second).split()
    assert len(everything) == 8


@pytest.mark.parametrize("path", ["a/1", "b/1", "a/2", "c", "a", "b", "nothing", "a/1/x", "x/y"])
def test_the_history_of_a_path_is_gits(repo, past, git, path):
    expected = git(repo.path, "log", "--first-parent", "--format=%H", past[-1], "--", path).split()
    for packed in (False, True):
        walked = list(walk_path_history(repo, past[-1], path))
        assert [version.commit.sha for version in walked] == expected
        assert list(path_history(repo, past[-1], path)) == walked
        if not packed:
            git(repo.path, "gc", "-q")
            git(repo.path, "commit-graph", "write", "--reachable", "--changed-paths")


def test_what_stood_at_a_path(repo, past):
    versions = list(walk_path_history(repo, past[-1], "a/1"))
    assert [version.commit.sha for version in versions] == [past[4], past[3], past[2], past[0]]
    assert [version.sha is None for version in versions] == [False, True, False, False]
    assert versions[0].sha == versions[2].sha


def test_history_follows_first_parents_only(repo, past, capture):
    first = capture(repo, {"a/1": b"x"}, "journal/us1")
    second = capture(repo, {"a/1": b"2"}, "journal/us1", parents=[past[-1]])
    third = capture(repo, {"a/1": b"2", "z": b""}, "journal/us1", parents=[past[-1]])
    walked = list(walk_path_history(repo, third, "a/1"))
    assert [version.commit.sha for version in walked] == [second, first]
    assert list(path_history(repo, third, "a/1")) == walked


def test_a_path_is_no_pattern(repo, capture):
    commit = capture(repo, {"*": b"1", "a": b"1", ":(top)x": b"1"})
    later = capture(repo, {"*": b"1", "a": b"2", ":(top)x": b"1"})
    for path in ("*", ":(top)x"):
        assert [v.commit.sha for v in path_history(repo, later, path)] == [commit]


def test_a_git_that_fails_is_done_without(repo, past, monkeypatch):
    expected = list(walk_path_history(repo, past[-1], "a/1"))
    monkeypatch.setattr(history.shutil, "which", lambda _: "/bin/false")
    assert list(path_history(repo, past[-1], "a/1")) == expected


def test_another_repository_in_the_environment_is_not_asked(repo, past, monkeypatch, tmp_path):
    monkeypatch.setenv("GIT_DIR", str(tmp_path))
    assert len(list(path_history(repo, past[-1], "a/1"))) == 4


def test_a_shallow_clone_ends_where_it_ends(repo, past, git, tmp_path):
    url = f"file://{repo.path}"
    git(tmp_path, "clone", "-q", "--depth=2", "-b", "snapshots/us1", url, "shallow")
    with Repository.open(tmp_path / "shallow") as shallow:
        assert [info.sha for info in log(shallow, past[-1])] == past[:-3:-1]


def test_commits_of_any_make_are_read():
    data = (
        b"tree " + b"1" * 40 + b"\nparent " + b"2" * 40 + b"\nauthor \xe9 <> 5 +0100\n"
        b"committer B <b@x> 1700000000 -0930\nencoding latin-1\n"
        b"gpgsig -----BEGIN\n author Fake <f@x> 1 +0000\n -----END\n\n\nsubj\xe9ct\nmore\n\n"
        b"Key: value\nOther-Key:  v 2 \n"
    )
    info = parse_commit("3" * 40, data)
    assert (info.tree, info.parents) == ("1" * 40, ("2" * 40,))
    assert info.author == "\ufffd <>"
    assert info.when.isoformat() == "2023-11-14T12:43:20-09:30"
    assert info.subject == "subjéct"
    assert info.trailers == (("Key", "value"), ("Other-Key", "v 2"))
    assert info.body.startswith("more\n\nKey")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n\n",
        b"tree\n\nx",
        b"author\ncommitter x\nencoding nope\n\nhi",
        b"committer A <> 1 +9999\n\n",
    ],
)
def test_a_malformed_commit_is_no_error(data):
    info = parse_commit("3" * 40, data)
    assert info.when is not None
    assert info.trailer("x") is None
