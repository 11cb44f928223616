"""Captures into repositories in odd states, in bare surroundings, and with keys that half work."""

import json
import os
import random
import signal
import subprocess
import sys
import time

import pytest

from ddsnap.errors import ExitCode
from ddsnap.sandbox import Fault


def commit(console, name, text):
    (console.path / name).write_text(text)
    console.git("add", name)
    console.git("-c", "user.name=A", "-c", "user.email=a@b.example", "commit", "-q", "-m", name)


def stand(console, state):
    """Bring the work tree into a state."""
    commit(console, "notes", "one\n")
    if state == "dirty":
        (console.path / "notes").write_text("edited\n")
        (console.path / "staged").write_text("x")
        console.git("add", "staged")
    elif state == "detached":
        console.git("checkout", "-q", "--detach")
    else:
        console.git("checkout", "-q", "-b", "side", "HEAD~1")
        commit(console, "notes", "two\n")
        who = ("-c", "user.name=A", "-c", "user.email=a@b.example")
        command = ["git", "-C", str(console.path), *who, "rebase", "main"]
        assert subprocess.run(command, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("state", ["dirty", "detached", "rebasing"])
def test_the_work_tree_is_left_as_it_stands(console, state):
    org = console.add("us1")
    console.git("add", "ddsnap.yaml")
    stand(console, state)
    before = console.git("status", "--porcelain=v2", "--branch")
    files = {path: path.read_bytes() for path in console.path.iterdir() if path.is_file()}
    for number in range(2):
        assert console("capture").code == 0
        org.edit(random.Random(number), 2)
    assert console.git("rev-list", "--count", "snapshots/us1").strip() == "2"
    assert console.git("status", "--porcelain=v2", "--branch") == before
    assert {p: p.read_bytes() for p in console.path.iterdir() if p.is_file()} == files
    assert console.git("fsck", "--strict", "--no-dangling") == ""


def test_a_git_that_converts_line_ends_leaves_documents_alone(console, tmp_path):
    org = console.add("us1")
    next(iter(org.table("monitors").values()))["message"] = "a\r\nb\n"
    console("capture")
    assert console.git("show", "snapshots/us1:.gitattributes") == "* -text\n"
    copy = tmp_path / "copy"
    convert = ("-c", "core.autocrlf=true", "-c", "core.eol=crlf")
    words = ["clone", "-q", "-b", "snapshots/us1", *convert, str(console.path), str(copy)]
    subprocess.run(["git", *words], check=True, capture_output=True)
    status = ["git", "-C", str(copy), "status", "--porcelain"]
    assert subprocess.run(status, check=True, capture_output=True).stdout == b""
    for path in console.documents("snapshots/us1"):
        assert (copy / path).read_bytes() == console.git_bytes("show", f"snapshots/us1:{path}")
    console.git("config", "core.autocrlf", "true")
    tip = console.tip("snapshots/us1")
    assert console("capture").code == 0
    assert console.tip("snapshots/us1") == tip


@pytest.mark.parametrize(
    "content", [b"", b"{", b"<<<<<<< ours\n{}\n=======\n{}\n>>>>>>> theirs\n", b"[]\n"]
)
def test_a_snapshot_that_says_nothing_of_itself_is_not_built_upon(console, content):
    console.add("us1")
    console("capture")
    for who in ("AUTHOR", "COMMITTER"):
        console.monkeypatch.setenv(f"GIT_{who}_NAME", "someone")
        console.monkeypatch.setenv(f"GIT_{who}_EMAIL", "someone@example.com")
    console.monkeypatch.setenv("GIT_INDEX_FILE", str(console.path / ".git" / "other-index"))
    (console.path / "data").write_bytes(content)
    console.git("read-tree", "snapshots/us1")
    sha = console.git("hash-object", "-w", "--no-filters", "data").strip()
    console.git("update-index", "--add", "--cacheinfo", f"100644,{sha},snapshot.json")
    tree = console.git("write-tree").strip()
    tip = console.git("commit-tree", tree, "-p", "snapshots/us1", "-m", "by hand").strip()
    console.git("update-ref", "refs/heads/snapshots/us1", tip)
    done = console("capture")
    assert done.code == ExitCode.FAILED, done
    assert "snapshot.json is damaged" in done.err
    assert "ddsnap verify" in done.err
    assert console.tip("snapshots/us1") == tip


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_capture_ends_with_130_and_is_made_up_for(console, sent):
    console.add("us1")
    assert console("capture").code == 0
    tip = console.tip("snapshots/us1")
    stall = console.sandbox.faults.add(Fault(path="/api/v1/monitor$", stall=3))
    child = subprocess.Popen(
        [sys.executable, "-m", "ddsnap", "capture"],
        cwd=console.path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with child:
        deadline = time.monotonic() + 20
        while not console.sandbox.faults.struck(stall) and time.monotonic() < deadline:
            time.sleep(0.02)
        child.send_signal(sent)
        out, err = child.communicate(timeout=20)
    assert child.returncode == ExitCode.INTERRUPTED == 130, err
    assert "interrupted" in err
    assert "Traceback" not in out + err
    assert console.tip("snapshots/us1") == tip
    console.sandbox.faults.clear()
    assert console("capture").code == 0
    assert console.git("fsck", "--strict") == ""


def test_neither_a_home_to_write_in_nor_a_terminal_is_needed(console, tmp_path):
    console.add("us1")
    home = tmp_path / "read-only"
    home.mkdir(mode=0o500)
    kept = {
        name: value for name, value in os.environ.items() if name.startswith(("DDSNAP_", "PYTHON"))
    }
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), **kept}
    done = subprocess.run(
        [sys.executable, "-m", "ddsnap", "--json", "capture"], cwd=console.path, env=environment,
        stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["state"] == "done"
    assert b"\x1b" not in done.stdout + done.stderr
    assert list(home.iterdir()) == []


def test_half_a_pair_of_keys_is_told_before_anything_is_read(console):
    org = console.add("us1")
    console.use_keys("us1", org.api_key, "wrong")
    done = console("capture")
    assert done.code == ExitCode.FAILED
    assert "application key was refused" in done.err
    read = {route for _, _, route, status in console.sandbox.requests if status == 200}
    assert read <= {"/api/v1/validate"}
    assert console.sandbox.count("GET", "/api/v1/monitor") == 0
    assert console.sandbox.count("GET", "/api/v2/roles") == 0


def test_of_many_failures_the_first_twenty_are_lines_and_all_are_events(console):
    console.add("us1", size=600)
    console.sandbox.faults.add(Fault(path="/api/v1/dashboard/", status=403))
    done = console("capture", "--retries", "0")
    assert done.code == ExitCode.PARTIAL
    told = [line for line in done.out.splitlines() if line.startswith("  ! dashboards ")]
    total = len(console.sandbox.orgs["us1"].table("dashboards"))
    assert len(told) == 20 < total
    assert f"  ... and {total - 20} more (-v names all)" in done.out
    assert f"dashboards is partial: {total} could not be read" in done.err
    assert max(map(len, (done.out + done.err).splitlines())) < 8000
    done = console("--json", "capture", "--retries", "0")
    named = [(event["type"], event["id"]) for event in done.of("problem")]
    assert len(named) == len(set(named)) == total
    assert all("HTTP 403" in event["reason"] for event in done.of("problem"))
