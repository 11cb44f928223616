"""Damage on the disk ends a command in two lines that name it; a bug never shows."""

import random

import pytest

COMMANDS = (
    ("show", "us1"),
    ("show", "us1", "monitors"),
    ("diff", "us1~1", "us1"),
    ("log", "us1"),
    ("capture",),
)


@pytest.fixture
def backup(console):
    """An org with three snapshots."""
    org = console.add("us1", size=20)
    for number in range(3):
        assert console("capture", "-q").code == 0
        org.edit(random.Random(number), 3)
    return console


def flipped(data, at, bit):
    return data[:at] + bytes([data[at] ^ (1 << bit)]) + data[at + 1 :]


def test_a_damaged_pack_is_named_by_whatever_reads_it(backup):
    rng = random.Random(7)
    packs = backup.path / ".git" / "objects" / "pack"
    before = {branch: backup.tip(branch) for branch in ("main", "snapshots/us1")}
    failed = 0
    for _ in range(80):
        pack = rng.choice(sorted(packs.iterdir()))  # now and then they are joined
        data = pack.read_bytes()
        pack.chmod(0o600)
        at = rng.randrange(len(data))
        command = rng.choice(COMMANDS)
        pack.write_bytes(flipped(data, at, rng.randrange(8)))
        done = backup(*command)
        if pack.exists():
            pack.write_bytes(data)
        assert done.code in (0, 1, 4), (command, pack.suffix, at, done.err)
        if done.code == 1:
            failed += 1
            assert done.err.count("\n") <= 3
            assert "error: " in done.err
            assert "ddsnap verify" in done.err, done.err
            assert {branch: backup.tip(branch) for branch in before} == before
        elif command == ("capture",):  # it changed the branch, or nothing: both are right
            before["snapshots/us1"] = backup.tip("snapshots/us1")
    assert failed
    assert backup("verify").code == 0


@pytest.mark.parametrize("suffix", [".pack", ".idx"])
@pytest.mark.parametrize("damage", ["empty", "half", "noise"])
@pytest.mark.parametrize("command", COMMANDS)
def test_packs_that_are_cut_or_noise_are_told(backup, command, damage, suffix):
    for pack in (backup.path / ".git" / "objects" / "pack").glob(f"*{suffix}"):
        data = pack.read_bytes()
        pack.chmod(0o600)
        noise = random.Random(1).randbytes(len(data))
        pack.write_bytes({"empty": b"", "half": data[: len(data) // 2], "noise": noise}[damage])
    done = backup(*command)
    assert done.code == 1, done
    assert done.err.count("\n") == 2, done.err
    assert "ddsnap verify" in done.err
    assert done.out == ""
