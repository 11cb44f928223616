from __future__ import annotations

import subprocess

import pytest

from ddsnap.store.repository import Repository


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
