"""``ddsnap log`` and ``ddsnap show`` on real repositories, held against plain git."""

import json
import re

import pytest

from ddsnap.catalog import CATALOG
from ddsnap.core.manifest import parse_manifest
from ddsnap.errors import ExitCode

TIME = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ"


@pytest.fixture
def past(console):
    """Four snapshots: the first, an edit, a touch together with a deletion, an edit."""
    org = console.add("us1", size=60)
    console("capture")
    monitors = org.table("monitors")
    used = " ".join(row["query"] for row in monitors.values() if row["type"] == "composite")
    policies = org.table("restriction_policies")
    free = [id_ for id_ in monitors if id_ not in used and f"monitor:{id_}" not in policies]
    kept, gone = free[0], free[1]
    console.kept, console.gone, console.gone_title = kept, gone, monitors[gone]["name"]
    monitors[kept]["name"] = "Renamed\x07"
    console("capture")
    monitors[kept]["modified"] = "2031-05-05T00:00:00+00:00"
    del monitors[gone]
    console("capture")
    monitors[kept]["message"] = "Call the night watch."
    next(iter(org.table("teams").values()))["attributes"]["name"] = "Watch"
    console("capture")
    return console


def test_the_snapshots_of_an_org_newest_first(past):
    done = past("log", "us1")
    assert done.code == 0
    commits = past.git("log", "--format=%h", "--abbrev=7", "snapshots/us1").split()
    lines = done.out.splitlines()
    assert [line.split()[2] for line in lines] == commits
    assert re.fullmatch(rf"{TIME}  [0-9a-f]{{7}}  2 changed", lines[0])
    assert lines[1].endswith("  1 deleted, 1 touched")
    assert lines[-1].endswith(" added")
    assert past("log").out == done.out
    assert past("log", "-n", "2").out.splitlines() == lines[:2]
    events = past("--json", "log").of("snapshot")
    assert [event["commit"][:7] for event in events] == commits
    assert {event["kind"] for event in events} == {"capture"}


def test_the_runs_with_their_states(past):
    past("capture")
    past.use_keys("us1", "wrong", "keys")
    assert past("capture").code == ExitCode.FAILED
    lines = past("log", "us1", "--runs").out.splitlines()
    assert len(lines) == 6
    run = r"[0-9a-f]{7}  [0-9a-f]{12}"
    assert re.fullmatch(rf"{TIME}  {run}  failed    failed  by \S+ on \S+", lines[0])
    assert "  done      unchanged  by " in lines[1]
    assert past("--json", "log", "--runs", "-n1").of("run")[0]["state"] == "failed"


def test_the_snapshots_that_changed_a_type(past):
    lines = past("log", "us1", "monitors").out.splitlines()
    told = [line.split("  ", 2)[2] for line in lines]
    assert told[:3] == [
        "monitors: 1 changed", "monitors: 1 deleted, 1 touched", "monitors: 1 changed",
    ]  # fmt: skip
    assert re.fullmatch(r"monitors: \d+ added", told[3])
    assert len(past("log", "teams").out.splitlines()) == 2


@pytest.mark.parametrize("by", ["id", "title"])
def test_the_versions_of_a_resource_field_by_field(past, by):
    name = past.kept if by == "id" else "Renamed\x07"
    done = past("log", "us1", f"monitors/{name}")
    assert done.code == 0
    heads = [line for line in done.out.splitlines() if not line.startswith(" ")]
    assert [line.split()[3] for line in heads] == ["changed", "touched", "changed", "added"]
    assert re.match(rf'{TIME}  [0-9a-f]{{7}}  changed  "Renamed\\x07"', heads[0])
    assert "message" in done.out
    assert "+ Call the night watch." in done.out or '-> "Call the night watch."' in done.out
    assert "2031-05-05" in heads[1]
    events = past("log", "us1", f"monitors/{name}", "--json").of("version")
    assert [event["kind"] for event in events] == ["changed", "touched", "changed", "added"]
    (change,) = events[2]["changes"]
    assert (change["path"], change["new"]) == ("/name", "Renamed\x07")
    assert len(past("log", f"monitors/{name}", "-n", "1", "--json").events) == 1


@pytest.mark.parametrize("by", ["id", "title"])
def test_a_deleted_resource_has_a_past_too(past, by):
    name = past.gone if by == "id" else past.gone_title
    lines = past("log", "us1", f"monitors/{name}").out.splitlines()
    assert [line.split()[3] for line in lines] == ["deleted", "added"]


def test_an_upgrade_of_the_form_is_marked_and_is_no_version(past, tmp_path):
    """The commit that a newer ddsnap makes first, written by hand with plain git."""
    manifest = parse_manifest(past.git_bytes("show", "snapshots/us1:snapshot.json"), "us1")
    blob = tmp_path / "blob"
    blob.write_bytes(manifest.to_bytes().replace(b'"rules": %d' % CATALOG.rules, b'"rules": 0'))
    path = past.path
    past.monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index"))
    for variable in ("GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"):
        past.monkeypatch.setenv(variable, "t")
    for variable in ("GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"):
        past.monkeypatch.setenv(variable, "t@t")
    document = past.git_bytes("show", f"snapshots/us1:monitors/{past.kept}.json")
    (tmp_path / "document").write_bytes(document.replace(b'"multi": ', b'"multi":  '))
    past.git("read-tree", "snapshots/us1")
    for name, file in (("snapshot.json", blob), (f"monitors/{past.kept}.json", "document")):
        sha = past.git("hash-object", "-w", str(tmp_path / file)).strip()
        past.git("update-index", "--cacheinfo", f"100644,{sha},{name}")
    tree = past.git("write-tree").strip()
    told = f"rules 0 -> {CATALOG.rules}"
    message = f"normalize us1: {told}"
    commit = past.git("commit-tree", tree, "-p", "snapshots/us1", "-m", message).strip()
    past.git("update-ref", "refs/heads/snapshots/us1", commit)
    assert path.exists()
    first = past("log", "us1").out.splitlines()[0]
    assert first.endswith(f"  normalize: {told}")
    assert past("log", "us1", "monitors").out.splitlines()[0].endswith(f"normalize: {told}")
    versions = past("log", "us1", f"monitors/{past.kept}", "--json").of("version")
    assert len(versions) == 4


@pytest.mark.parametrize(
    ("argv", "code", "said"),
    [
        (("log", "eu9"), 2, "no org is called 'eu9'"),
        (("log", "us1", "monitrs"), 2, "(did you mean 'monitors'?)"),
        (("log", "us1", "monitors/none"), 2, "us1 holds no monitors/none"),
        (("log", "us1", "nothing/none"), 2, "names no resource"),
        (("log", "monitors/1", "us1"), 2, "write ORG before TYPE/ID"),
        (("log", "us1", "monitors", "1"), 2, "quote a title with blanks"),
        (("log", "us1", "monitors", "--runs"), 2, "leave monitors out"),
        (("log", "-n", "0"), 2, "0 is not in the range"),
        (("show",), 2, "Missing argument 'REV'"),
        (("show", "zzz"), 2, "names neither an org with a snapshot nor a git revision"),
        (("show", "main"), 1, "main is no snapshot"),
        (("show", "us1", "monitors/none"), 2, "us1 holds no monitors/none"),
        (("show", "us1", "monitrs"), 2, "(did you mean 'monitors'?)"),
    ],
)
def test_mistakes(past, argv, code, said):
    done = past(*argv)
    assert done.code == code
    assert said in done.err
    assert done.out == ""


def test_two_orgs_must_be_told_apart(console):
    console.add("us1")
    console.add("eu1", seed=6)
    console("capture", "us1")
    assert console("log").code == ExitCode.USAGE
    assert console("log", "monitors").code == ExitCode.USAGE
    done = console("log", "eu1")
    assert done.code == ExitCode.USAGE
    assert "ddsnap capture eu1" in done.err


def test_an_org_that_is_configured_no_more_keeps_its_past(past):
    text = (past.path / "ddsnap.yaml").read_text()
    (past.path / "ddsnap.yaml").write_text(text.replace("us1:", "eu1:"))
    assert len(past("log", "us1").out.splitlines()) == 4
    assert past("show", "us1").code == 0


def test_the_summary_of_a_snapshot(past):
    done = past("show", "us1~1")
    assert done.code == 0
    commit = past.git("rev-parse", "snapshots/us1~1").strip()
    org = past.sandbox.orgs["us1"]
    for line in ("org        us1\n", f"commit     {commit}\n", f"public_id  {org.public_id}\n"):
        assert line in done.out
    count = len([p for p in past.documents(commit) if p.startswith("monitors/")])
    assert re.search(rf"^monitors +complete +{count}$", done.out, re.MULTILINE)
    shown = past("--json", "show", commit[:9])
    (snapshot,) = shown.of("snapshot")
    assert (snapshot["commit"], snapshot["org"]) == (commit, "us1")
    assert snapshot["rules"] == CATALOG.rules
    documents = {event["type"]: event["documents"] for event in shown.of("type")}
    assert sum(documents.values()) == len(past.documents(commit))


def test_the_resources_of_a_type(past):
    out = past("show", "us1", "monitors").out
    assert re.search(rf"^{past.kept} +Renamed\\x07$", out, re.MULTILINE)
    assert past.gone not in out
    events = past("--json", "show", "us1~3", "monitors").of("resource")
    assert past.gone in {event["id"] for event in events}
    past.sandbox.orgs["us1"].table("dashboards").clear()
    empty = past("show", "us1", "logs_indexes_order")
    assert empty.code == 0


def test_a_document_is_written_byte_for_byte(past):
    org = past.sandbox.orgs["us1"]
    org.table("monitors")[past.kept]["name"] = "Ünï \u0085 監 \u202e \U0001f600"
    assert past("capture").code == 0
    stored = past.git_bytes("show", f"snapshots/us1:monitors/{past.kept}.json")
    assert "監".encode() in stored
    done = past.start("show", "us1", f"monitors/{past.kept}")
    assert (done.returncode, done.stdout, done.stderr) == (0, stored, b"")
    done = past.start("show", "us1", "monitors/Ünï \u0085 監 \u202e \U0001f600")
    assert done.stdout == stored
    assert past.start("show", "us1~1", f"monitors/{past.kept}").stdout != stored
    (event,) = past("--json", "show", "us1", f"monitors/{past.kept}").of("document")
    assert event["body"] == json.loads(stored)
    assert event["title"] == event["body"]["name"]
