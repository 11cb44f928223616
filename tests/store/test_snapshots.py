from __future__ import annotations

import os
import subprocess
import sys
from datetime import datetime, timedelta, timezone

import pytest

from ddsnap.errors import RefMoved, StoreError
from ddsnap.store.history import log
from ddsnap.store.repository import Repository
from ddsnap.store.snapshots import SnapshotWriter, list_folder, read_documents, tree_of
from ddsnap.store.sweep import sweep

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=timezone.utc)

FILES = {
    "snapshot.json": b"{}\n",
    "monitors/1.json": b'{\n  "id": 1\n}\n',
    "monitors/2.json": b'{\n  "id": 2\n}\n',
    "monitors.d/x.json": b"{}\n",
    "dashboards/abc-def.json": b'{\n  "title": "\xc3\xa9"\n}\n',
}


def packs(repo):
    return sorted(repo.pack_dir.glob("*.pack"))


def everything(repo):
    return {path: path.stat().st_mtime_ns for path in repo.git_dir.rglob("*")}


def test_git_reads_what_was_written(repo, capture, git, fsck):
    commit = capture(repo, FILES)
    fsck(repo.path)
    assert git(repo.path, "rev-parse", "snapshots/us1").strip() == commit
    listed = git(repo.path, "ls-tree", "-r", "--name-only", "snapshots/us1").split()
    assert listed == sorted(FILES)
    for path, data in FILES.items():
        assert git(repo.path, "show", f"snapshots/us1:{path}").encode() == data
    assert dict(read_documents(repo, commit)) == FILES


def test_an_unchanged_tree_leaves_no_trace(repo, capture):
    capture(repo, FILES)
    before = everything(repo)
    assert capture(repo, FILES) is None
    assert everything(repo) == before


def test_one_change_is_one_pack_of_what_changed(repo, capture, git, fsck):
    capture(repo, FILES)
    before = packs(repo)
    capture(repo, FILES | {"monitors/1.json": b'{\n  "id": 10\n}\n'})
    (new,) = set(packs(repo)) - set(before)
    assert oct(new.stat().st_mode & 0o777) == "0o444"
    counted = git(repo.path, "verify-pack", "-v", str(new)).splitlines()
    kinds = sorted(line.split()[1] for line in counted if len(line.split()) > 4)
    assert kinds == ["blob", "commit", "tree", "tree"]  # the top and monitors/
    assert not list(repo.git_dir.glob("objects/??/*"))
    fsck(repo.path)


def test_puts_say_what_they_did(repo, capture):
    capture(repo, FILES)
    with SnapshotWriter(repo, "snapshots/us1") as writer:
        assert writer.put("monitors/1.json", FILES["monitors/1.json"]) == "same"
        assert writer.put("monitors/2.json", b"{}\n") == "changed"
        assert writer.put("monitors/3.json", b"{}\n") == "added"
        assert writer.read_previous("monitors/1.json") == FILES["monitors/1.json"]
        assert writer.previous("monitors/9.json") is None
        assert writer.read_previous("nothing/9.json") is None


def test_what_is_neither_put_nor_kept_is_gone(repo, capture):
    capture(repo, FILES)
    with SnapshotWriter(repo, "snapshots/us1") as writer:
        writer.keep("monitors/2.json")
        writer.keep_folder("dashboards")
        writer.keep_folder("never-there")
        with pytest.raises(StoreError, match=r"monitors/9\.json"):
            writer.keep("monitors/9.json")
        commit = writer.commit("less", time=NOON)
    kept = {"monitors/2.json", "dashboards/abc-def.json"}
    assert set(dict(read_documents(repo, commit))) == kept


def test_a_kept_folder_can_be_refined(repo, capture, fsck):
    capture(repo, FILES | {"map/us1/a.json": b"a\n", "map/us2/b.json": b"b\n"})
    with SnapshotWriter(repo, "snapshots/us1") as writer:
        writer.keep_folder("")
        writer.put("map/us1/a.json", b"c\n")
        writer.drop("map/us2/b.json")
        writer.drop("monitors/1.json")
        writer.drop("never/there.json")
        commit = writer.commit("refined", time=NOON)
    expected = FILES | {"map/us1/a.json": b"c\n"}
    del expected["monitors/1.json"]
    assert dict(read_documents(repo, commit)) == expected
    assert set(list_folder(repo, commit, "map")) == {"us1"}
    fsck(repo.path)


def test_keeping_everything_changes_nothing(repo, capture):
    capture(repo, FILES)
    with SnapshotWriter(repo, "snapshots/us1") as writer:
        writer.keep_folder("")
        writer.put("monitors/1.json", FILES["monitors/1.json"])
        assert writer.commit("same", time=NOON) is None


def test_the_way_to_a_tree_does_not_matter(repo, capture):
    one = capture(repo, FILES)
    capture(repo, {"x": b"y"})
    backwards = dict(reversed(FILES.items()))
    assert tree_of(repo, capture(repo, backwards)) == tree_of(repo, one)


def test_an_empty_snapshot(repo, capture, fsck):
    commit = capture(repo, {})
    assert dict(read_documents(repo, commit)) == {}
    assert capture(repo, {}) is None
    capture(repo, FILES)
    assert capture(repo, {}) is not None
    fsck(repo.path)


def test_names_of_any_kind(repo, capture, git, fsck):
    files = {
        "monitors/" + "n" * 250 + ".json": b"1\n",
        "monitors/%2F%C3%A9 .json": b"2\n",
        "monitors/é\udcff\n\t.json": b"3\n",
        "monitors/-rf": b"4\n",
        "a": b"5\n",
        "a-b": b"6\n",
        "a.b/c": b"7\n",
        "a0": b"8\n",
    }
    commit = capture(repo, files)
    fsck(repo.path)
    assert dict(read_documents(repo, commit)) == files
    names = git(repo.path, "ls-tree", "-r", "-z", "--name-only", commit).split("\0")
    assert len(names) == len(files) + 1


@pytest.mark.parametrize("path", ["", "/a", "a/", "a//b", "../a", "a/./b", "a/.GIT/b", "a\0b"])
def test_paths_that_no_tree_may_hold(repo, path):
    with SnapshotWriter(repo, "snapshots/us1") as writer, pytest.raises(StoreError, match="path"):
        writer.put(path, b"")


def test_a_file_and_a_folder_take_each_others_place(repo, capture, fsck):
    capture(repo, {"a": b"1\n", "b/c": b"2\n"})
    commit = capture(repo, {"a/x": b"1\n", "b": b"2\n"})
    assert dict(read_documents(repo, commit)) == {"a/x": b"1\n", "b": b"2\n"}
    fsck(repo.path)


def test_a_body_of_any_size(repo, capture, fsck):
    files = {f"x/{size}": os.urandom(size) for size in (0, 1, 15, 16, 2047, 2048, 3_000_000)}
    assert dict(read_documents(repo, capture(repo, files))) == files
    fsck(repo.path)


def test_what_is_kept_need_not_be_an_ordinary_file(repo, git, capture, fsck):
    work = repo.path
    git(work, "checkout", "-q", "--orphan", "snapshots/us1")
    (work / "run.sh").write_bytes(b"true\n")
    (work / "run.sh").chmod(0o755)
    (work / "link").symlink_to("run.sh")
    git(work, "add", "-A")
    git(work, "commit", "-q", "-m", "by hand")
    with SnapshotWriter(repo, "snapshots/us1") as writer:
        writer.keep_folder("")
        writer.put("new", b"")
        commit = writer.commit("kept", time=NOON)
    listed = git(work, "ls-tree", commit)
    assert "100755 blob" in listed
    assert "120000 blob" in listed
    assert "link" not in dict(read_documents(repo, commit))
    fsck(work)


def test_commits_can_have_further_parents(repo, capture, git, fsck):
    snapshot = capture(repo, FILES)
    first = capture(repo, {"run.json": b"1\n"}, "journal/eu1")
    second = capture(repo, {"run.json": b"2\n"}, "journal/eu1", parents=[snapshot])
    assert repo.commit_info(second).parents == (first, snapshot)
    assert git(repo.path, "log", "--first-parent", "--format=%H", second).split() == [second, first]
    fsck(repo.path)


def test_an_equal_tree_is_committed_when_asked(repo, capture):
    first = capture(repo, FILES)
    second = capture(repo, FILES, always=True)
    assert repo.commit_info(second).parents == (first,)


def test_the_commit_says_who_when_and_why(repo, capture, git):
    zone = timezone(-timedelta(hours=3, minutes=30))
    time = datetime(2026, 3, 1, 12, 0, tzinfo=zone)
    message = "capture us1: ünïcode \udc80\0\n\nbody\n\nDdsnap-Org: us1\nDdsnap-Site: x\n"
    info = repo.commit_info(capture(repo, FILES, message=message, time=time))
    assert (info.author, info.time, info.zone) == (
        "Ada <ada@example.com>",
        int(time.timestamp()),
        "-0330",
    )
    assert info.when == time
    assert info.subject == "capture us1: ünïcode ?"
    assert info.trailers == (("Ddsnap-Org", "us1"), ("Ddsnap-Site", "x"))
    assert info.trailer("ddsnap-org") == "us1"
    shown = git(repo.path, "log", "-1", "--format=%cI %(trailers:key=Ddsnap-Org)", info.sha)
    assert shown.split() == ["2026-03-01T12:00:00-03:30", "Ddsnap-Org:", "us1"]


def test_a_branch_that_moved_meanwhile_is_not_overwritten(repo, capture):
    capture(repo, FILES)
    with SnapshotWriter(repo, "snapshots/us1") as writer:
        writer.put("x", b"1")
        other = capture(repo, {"y": b"2"})
        with pytest.raises(RefMoved, match="snapshots/us1"):
            writer.commit("late", time=NOON)
    assert repo.branch("snapshots/us1") == other


def test_leaving_without_a_commit_leaves_nothing(repo):
    before = set(repo.git_dir.rglob("*"))
    with SnapshotWriter(repo, "snapshots/us1") as writer:
        writer.put("x", b"1")
        assert list(repo.pack_dir.glob("tmp_pack_ddsnap_*"))
    assert set(repo.git_dir.rglob("*")) == before


def test_reading_survives_gc_and_goes_on(repo, capture, git, fsck):
    commits = []
    for number in range(5):
        body = b"".join(b"%d\n" % (n + number) for n in range(200))
        commits.append(capture(repo, {f"m/{n}.json": body + b"%d" % n for n in range(40)}))
    old = {commit: dict(read_documents(repo, commit)) for commit in commits}
    git(repo.path, "gc", "-q", "--prune=now")
    assert {commit: dict(read_documents(repo, commit)) for commit in commits} == old
    with Repository.open(repo.path) as again:
        assert {commit: dict(read_documents(again, commit)) for commit in commits} == old
        assert capture(again, {"m/0.json": b""}) is not None
    fsck(repo.path)


def test_many_documents_come_in_the_order_of_the_pack(repo, capture):
    files = {f"m/{n:05}.json": b"%d\n" % n for n in range(1500)} | {"twin": b"7\n"}
    commit = capture(repo, dict(reversed(files.items())))
    read = list(read_documents(repo, commit))
    assert dict(read) == files
    assert read[-1][0] == "m/00000.json"
    assert dict(read_documents(repo, commit, "m")) == {p: d for p, d in files.items() if "/" in p}
    assert list(read_documents(repo, commit, "nothing")) == []


def test_git_clones_and_diffs(repo, capture, git, tmp_path):
    one = capture(repo, FILES)
    two = capture(repo, FILES | {"monitors/1.json": b"{}\n"})
    changed = git(repo.path, "diff", "--name-status", one, two).split()
    assert changed == ["M", "monitors/1.json"]
    git(tmp_path, "clone", "-q", str(repo.path), "copy")
    with Repository.open(tmp_path / "copy") as copy:
        assert copy.resolve("origin/snapshots/us1") == two


def test_captures_while_git_gc_runs(repo, capture, git, fsck):
    gc = ["git", "-C", str(repo.path), "gc", "-q"]
    loop = (
        f"import subprocess\nfor _ in range(8): subprocess.run({gc!r}, stderr=subprocess.DEVNULL)\n"
    )
    with subprocess.Popen([sys.executable, "-c", loop]) as collector:
        files, number = {}, 0
        while collector.poll() is None or number < 5:
            number += 1
            files[f"m/{number % 40}.json"] = b"%d\n" % number
            commit = capture(repo, files)
            assert dict(read_documents(repo, commit)) == files
            sweep(repo)
    assert collector.returncode == 0
    assert sum(1 for _ in log(repo, commit)) == number
    fsck(repo.path)
