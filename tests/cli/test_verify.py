"""``ddsnap verify``: what plain git or a bad disk did to a backup is found and named."""

import random
import re

import pytest

from ddsnap.errors import ExitCode


@pytest.fixture
def sound(console):
    """An org with three snapshots and four runs."""
    org = console.add("us1")
    for number in range(3):
        console("capture")
        assert org.edit(random.Random(number), 3)
    console("capture")
    return console


def commit_over(console, path, data, branch="snapshots/us1"):
    """Add a commit with plain git in which ``path`` holds ``data``."""
    for who in ("AUTHOR", "COMMITTER"):
        console.monkeypatch.setenv(f"GIT_{who}_NAME", "someone")
        console.monkeypatch.setenv(f"GIT_{who}_EMAIL", "someone@example.com")
    console.monkeypatch.setenv("GIT_INDEX_FILE", str(console.path / ".git" / "other-index"))
    (console.path / "data").write_bytes(data)
    console.git("read-tree", branch)
    sha = console.git("hash-object", "-w", "--no-filters", "data").strip()
    console.git("update-index", "--add", "--cacheinfo", f"100644,{sha},{path}")
    tree = console.git("write-tree").strip()
    commit = console.git("commit-tree", tree, "-p", branch, "-m", "by hand").strip()
    console.git("update-ref", f"refs/heads/{branch}", commit)
    return commit


def unpack(console):
    """Let every object be a file of its own, as after a clone that was unpacked."""
    packs = console.path / ".git" / "objects" / "pack"
    moved = console.path / "packs"
    moved.mkdir()
    for pack in list(packs.iterdir()):
        pack.rename(moved / pack.name)
    import subprocess

    for pack in moved.glob("*.pack"):
        with pack.open("rb") as file:
            command = ["git", "-C", str(console.path), "unpack-objects", "-q"]
            subprocess.run(command, stdin=file, check=True, capture_output=True)


def file_of(console, revision):
    sha = console.git("rev-parse", revision).strip()
    return sha, console.path / ".git" / "objects" / sha[:2] / sha[2:]


def test_a_sound_backup_is_said_to_be_so(sound):
    commits = int(sound.git("rev-list", "--count", "snapshots/us1", "journal/us1"))
    done = sound("verify", "us1")
    assert done.code == 0
    match = re.fullmatch(rf"us1: sound \({commits} commits, (\d+) documents\)\n", done.out)
    assert match
    assert int(match[1]) >= len(sound.documents("snapshots/us1"))
    assert sound("verify").out == done.out
    (event,) = sound("--json", "verify").of("verified")
    assert (event["name"], event["commits"], event["faults"]) == ("us1", commits, 0)


def test_one_snapshot_is_checked_whole(sound):
    count = len(sound.documents("snapshots/us1~1"))
    assert sound("verify", "us1~1").out == f"us1~1: sound (1 commits, {count} documents)\n"
    assert sound("verify", sound.tip("snapshots/us1")).code == 0


def test_every_org_that_is_recorded_is_checked(sound):
    sound.add("eu1", seed=6)
    sound("capture", "eu1")
    out = sound("verify").out
    assert [line.split(":")[0] for line in out.splitlines()] == ["eu1", "us1"]
    text = (sound.path / "ddsnap.yaml").read_text()
    (sound.path / "ddsnap.yaml").write_text(text.replace("  eu1:", "  ap1:"))
    assert sound("verify").out == out


@pytest.mark.parametrize(
    ("path", "data", "reason"),
    [
        ("monitors/1.json", b'{"id": 1}\n', "it is not in canonical form"),
        ("monitors/1.json", b"[]\n", "it holds no object"),
        ("monitors/1.json", b"{", ""),
        ("monitors/1.json", b'{\n  "id": 2\n}\n', "it is the document of monitors/2"),
        ("monitors/2.json", b'{\n  "id": 2,\n  "overall_state": "OK"\n}\n', "not normalized"),
        ("teams/x.json", b'{\n  "title": "no id"\n}\n', ""),
        ("monitors/\xe4.json", b'{\n  "id": 2\n}\n', ""),
        ("snapshot.json", b"{}\n", "snapshot.json is damaged"),
    ],
)
def test_a_document_that_is_wrong_is_named_with_its_commit(sound, path, data, reason):
    commit = commit_over(sound, path, data)
    done = sound("verify", "us1", "-q")
    assert done.code == ExitCode.FAILED
    first, last = done.out.splitlines()
    assert first.startswith(f"us1: {commit[:7]} {path}: ")
    assert reason in first
    assert last.startswith("us1: 1 fault (")
    (fault,) = sound("--json", "verify", "us1").of("fault")
    assert (fault["commit"], fault["path"]) == (commit, path)


def test_a_journal_that_is_wrong_is_found(sound):
    commit = commit_over(sound, "run.json", b'{"run": 1}\n', "journal/us1")
    done = sound("verify", "us1")
    assert done.code == ExitCode.FAILED
    assert f"us1: {commit[:7]} run.json: it is not in canonical form\n" in done.out


@pytest.mark.parametrize("damage", ["missing", "cut", "noise", "empty"])
@pytest.mark.parametrize("what", ["document", "type", "top", "commit", "manifest", "run", "old"])
def test_an_object_that_is_lost_or_damaged_is_a_fault(sound, what, damage):
    unpack(sound)
    paths = sound.documents("snapshots/us1")
    revision = {
        "document": f"snapshots/us1:{paths[0]}",
        "type": "snapshots/us1:monitors",
        "top": "snapshots/us1^{tree}",
        "commit": "snapshots/us1~1",
        "manifest": "snapshots/us1:snapshot.json",
        "run": "journal/us1~1:run.json",
        "old": "journal/us1~2",
    }[what]
    sha, file = file_of(sound, revision)
    data = file.read_bytes()
    file.chmod(0o600)
    if damage == "missing":
        file.unlink()
    else:
        cut = data[: len(data) // 2]
        noise = data[:-9] + bytes(byte ^ 0x55 for byte in data[-9:])
        file.write_bytes({"cut": cut, "noise": noise, "empty": b""}[damage])
    done = sound("verify", "us1")
    assert done.code == ExitCode.FAILED, done
    assert sha[:12] in done.out
    assert re.search(r"^us1: \d+ faults? \(", done.out, re.MULTILINE)
    assert sound("--json", "verify").of("fault")


def test_whatever_byte_of_a_pack_is_damaged_no_bug_shows(sound):
    rng = random.Random(3)
    packs = sorted((sound.path / ".git" / "objects" / "pack").iterdir())
    found = 0
    for _ in range(60):
        pack = rng.choice(packs)
        data = pack.read_bytes()
        at = rng.randrange(len(data))
        pack.chmod(0o600)
        pack.write_bytes(data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :])
        done = sound("verify")
        assert done.code in (0, 1), done.err
        found += done.code
        pack.write_bytes(data)
    assert found
    assert sound("verify").code == 0


def test_nothing_recorded_and_nothing_found(console):
    console.add("us1")
    done = console("verify")
    assert done.code == ExitCode.USAGE
    assert "run `ddsnap capture`" in done.err
    assert console("verify", "zzz").code == ExitCode.USAGE
