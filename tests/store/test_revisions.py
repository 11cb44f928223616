from __future__ import annotations

import pytest

from ddsnap.errors import StoreError
from ddsnap.store.trees import read_paths


def commits(count, repo, capture, branch="snapshots/us1"):
    return [capture(repo, {"x": b"%d" % n}, branch) for n in range(count)]


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
