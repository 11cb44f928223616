"""``capture --push`` and ``--offline``, against a bare repository that plain git reads."""

import json
import subprocess

import pytest

from ddsnap.errors import ExitCode


def git(folder, *words):
    ran = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return ran.stdout.strip()


@pytest.fixture
def hub(tmp_path, console):
    """A bare repository, which the console's repository knows as origin."""
    folder = tmp_path / "hub.git"
    git(tmp_path, "init", "--quiet", "--bare", str(folder))
    console.add("us1")
    git(console.path, "remote", "add", "origin", folder.as_uri())
    return folder


def test_push_publishes_both_branches(console, hub):
    done = console("capture", "us1", "--push")
    assert done.code == ExitCode.DONE, done.err
    for branch in ("snapshots/us1", "journal/us1"):
        assert git(hub, "rev-parse", branch) == console.tip(branch)
    assert git(hub, "for-each-ref", "--format=%(refname:short)").split() == [
        "journal/us1", "snapshots/us1",
    ]  # fmt: skip
    assert console.journal("us1")["arguments"] == ["capture", "us1", "--push"]
    done = console("--json", "capture", "us1", "--push")
    told = json.loads(done.out.splitlines()[-1])
    assert (told["event"], told["pushed"], told["superseded"]) == ("captured", True, False)


def test_without_push_nothing_is_sent(console, hub):
    assert console("capture").code == ExitCode.DONE
    assert git(hub, "for-each-ref") == ""


def test_an_unreachable_remote_names_the_way_round_it(console, hub):
    console("capture", "--push")
    hub.rename(hub.with_name("gone"))
    tip = console.tip("journal/us1")
    done = console("capture")
    assert done.code == ExitCode.FAILED
    assert "the remote origin did not answer" in done.err
    assert "--offline" in done.err
    assert console.tip("journal/us1") == tip
    done = console("capture", "--offline")
    assert done.code == ExitCode.DONE
    assert "origin was not asked (--offline)" in done.err


def test_a_push_that_is_declined_is_partial(console, hub):
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    done = console("capture", "--push")
    assert done.code == ExitCode.PARTIAL
    assert "nothing was pushed to origin" in done.err


def test_push_needs_a_remote(console):
    console.add("us1")
    done = console("capture", "--push")
    assert done.code == ExitCode.USAGE
    assert "git knows no remote called 'origin' here" in done.err
    assert console("capture", "--push", "--offline").code == ExitCode.USAGE
    assert console("capture", "--offline").code == ExitCode.DONE
