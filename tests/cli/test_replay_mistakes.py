"""Wrong ways into a replay: each is told in few words, with the right code, and writes nothing."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from two_orgs import first, two_orgs

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.flows.guard import Guard
from ddsnap.flows.replay_journal import Replayed, Source, stage_started
from ddsnap.flows.run import Author
from ddsnap.flows.view import snapshot_view
from ddsnap.sandbox import Fault
from ddsnap.store.locks import org_lock
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from two_orgs import Said, TwoOrgs

REPLAY = ("replay", "us1", "monitors", "--to", "eu1", "--yes")


@pytest.fixture
def desk(tmp_path, capsys, monkeypatch) -> Iterator[TwoOrgs]:
    with two_orgs(tmp_path, capsys, monkeypatch) as desk:
        yield desk


@dataclass(frozen=True)
class Told:
    code: int
    words: str


def check(desk: TwoOrgs, argv: tuple[str, ...], told: Told, *, plan: bool = False) -> Said:
    """Run a command that must be refused: nothing is sent, and the journal does not move."""
    with nothing_done(desk):
        said = desk.run("-q", *argv)
    assert said.code == told.code, (said.out, said.err)
    assert told.words in said.err, said.err
    assert said.err.count("\n") <= 3, said.err
    assert bool(said.out) == plan
    return said


@contextmanager
def nothing_done(desk: TwoOrgs) -> Iterator[None]:
    writes, journal = len(desk.sandbox.writes), tip(desk, "journal/eu1")
    yield
    assert desk.sandbox.writes[writes:] == []
    assert tip(desk, "journal/eu1") == journal


def tip(desk: TwoOrgs, branch: str) -> str:
    return desk.git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}").strip()


def edited(desk: TwoOrgs, revision: str, path: str, data: bytes) -> str:
    """Return a commit on top of a revision, with one file changed, by plain git."""
    env = {**os.environ, "GIT_INDEX_FILE": str(desk.path.parent / "index")}

    def git(*words: str, given: bytes = b"") -> str:
        command = ["git", "-C", str(desk.path), *words]
        done = subprocess.run(command, input=given, env=env, check=True, capture_output=True)
        return done.stdout.decode().strip()

    git("read-tree", revision)
    blob = git("hash-object", "-w", "--stdin", given=data)
    git("update-index", "--add", "--cacheinfo", f"100644,{blob},{path}")
    message = git("log", "-1", "--format=%B", revision)
    user = ("-c", "user.name=x", "-c", "user.email=x@y.example")
    return git(*user, "commit-tree", git("write-tree"), "-p", revision, "-m", message)


# --- the command line


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("replay", "--to", "eu1", "--yes"), Told(2, "REV is missing")),
        (("replay", "us9", "--yes"), Told(2, "names neither an org with a snapshot nor a git")),
        (("replay", "main", "--to", "eu1", "--yes"), Told(1, "main is no snapshot")),
        (("replay", "us1", "--to", "us9", "--yes"), Told(2, "no org is called 'us9'")),
        (("replay", "us1", "monitrs", "--yes"), Told(2, "did you mean 'monitors'?")),
        (("replay", "us1", "monitrs/1", "--yes"), Told(2, "did you mean 'monitors'?")),
        (("replay", "us1", "monitors/none", "--yes"), Told(2, "us1 holds no monitors/none")),
        (("replay", "us1", "dashboards/No such", "--yes"), Told(2, "holds no dashboards/No such")),
        (("replay", "live:us1", "--to", "eu1", "--yes"), Told(2, "a live state is not recorded")),
        (("replay", "--resume", "--to", "eu1"), Told(2, "no replay into eu1 was cut off")),
        ((*REPLAY, "--adopt", "monitors/1"), Told(2, "write TYPE/ID=ID")),
        ((*REPLAY, "--adopt", "monitors/1="), Told(2, "write TYPE/ID=ID")),
        ((*REPLAY, "--adopt", "monitors/none=1"), Told(2, "us1 holds no monitors/none")),
        ((*REPLAY, "--adopt", "none/1=1"), Told(2, "'none/1' names no resource")),
        ((*REPLAY, "--max-deletes", "many"), Told(2, "many")),
        ((*REPLAY, "--max-deletes", "-1"), Told(2, "-1")),
        ((*REPLAY, "--max-deletes", "200%"), Told(2, "200%")),
        ((*REPLAY, "--transform", "none"), Told(2, "none")),
        ((*REPLAY, "--filter", "monitors:$["), Told(2, "$[")),
        ((*REPLAY, "--name", "("), Told(2, "(")),
        ((*REPLAY, "--name", "nobody is called that"), Told(2, "holds nothing that the filter")),
        ((*REPLAY, "--plan", "nowhere.json"), Told(2, "nowhere.json")),
        ((*REPLAY, "--push", "--offline"), Told(2, "exclude each other")),
        ((*REPLAY, "--push"), Told(2, "git knows no remote called 'origin'")),
        ((*REPLAY, "--loud"), Told(2, "No such option")),
    ],
)
def test_what_is_asked_cannot_be_done(desk: TwoOrgs, argv: tuple[str, ...], told: Told) -> None:
    check(desk, argv, told)


def test_with_several_other_orgs_the_destination_is_named(desk: TwoOrgs) -> None:
    desk.configure("us1", "eu1", "ap1")
    check(desk, ("replay", "us1", "--yes"), Told(2, "several other orgs"))
    check(desk, ("replay", "--resume"), Told(2, "several orgs"))
    desk.configure("us1")
    check(desk, ("replay", "us1", "--yes"), Told(2, "no other orgs"))


def test_two_resources_of_one_title(desk: TwoOrgs) -> None:
    (_, one), (_, two) = [*desk.us1.resources("dashboards").items()][:2]
    two["title"] = one["title"]
    two["modified_at"] = "2030-01-01T00:00:00+00:00"
    desk.capture()
    argv = ("replay", "us1", f"dashboards/{one['title']}", "--to", "eu1", "--yes")
    said = check(desk, argv, Told(2, one["title"]))
    assert one["id"] in said.err
    assert two["id"] in said.err


def test_a_counterpart_that_is_not_there(desk: TwoOrgs) -> None:
    id_, _ = first(desk.us1, "monitors")
    told = f"cannot adopt monitors/42 as monitors/{id_}: it is not at the destination"
    check(desk, (*REPLAY, "--adopt", f"monitors/{id_}=42"), Told(2, told))


# --- the orgs and their keys


def use_keys(monkeypatch: pytest.MonkeyPatch, api_key: str, app_key: str) -> None:
    monkeypatch.setenv("DDSNAP_EU1_API_KEY", api_key)
    monkeypatch.setenv("DDSNAP_EU1_APP_KEY", app_key)


def test_the_keys_of_the_source(desk: TwoOrgs, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, desk.us1.api_key, desk.us1.app_key)
    check(desk, REPLAY, Told(6, "the keys of eu1 belong to us1, the org that the snapshot came"))
    desk.configure("us1", "eu1", more=f"# {desk.us1.public_id}")
    check(desk, (*REPLAY, "--rehearse"), Told(6, "the keys of eu1 belong to us1"))


def test_the_keys_of_a_third_org(desk: TwoOrgs, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.capture("eu1")
    other = desk.sandbox.add_org("ap1")
    use_keys(monkeypatch, other.api_key, other.app_key)
    check(desk, REPLAY, Told(6, f"belong to org {other.public_id}, but the last snapshot of eu1"))


def test_keys_that_are_refused(desk: TwoOrgs, monkeypatch: pytest.MonkeyPatch) -> None:
    use_keys(monkeypatch, "no-such-key", "nor-that-one")
    said = check(desk, REPLAY, Told(1, "the API key was refused"))
    assert "no-such-key" not in said.err


def test_keys_that_are_not_set(desk: TwoOrgs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DDSNAP_EU1_APP_KEY")
    check(desk, REPLAY, Told(2, "DDSNAP_EU1_APP_KEY"))


def test_keys_that_cannot_tell_the_org(desk: TwoOrgs) -> None:
    closed = ("^/api/v2/current_user$", "^/api/v1/org$", "^/api/v2/validate_keys$")
    for path in closed:
        desk.sandbox.faults.add(Fault(path=path, status=403, org="eu1", body={"errors": ["no"]}))
    check(desk, REPLAY, Told(1, "the application key was refused"))
    desk.sandbox.faults.clear()
    for path in closed[:2]:
        desk.sandbox.faults.add(Fault(path=path, status=403, org="eu1", body={"errors": ["no"]}))
    check(desk, REPLAY, Told(6, "the keys of eu1 cannot tell which org they belong to"))
    desk.sandbox.faults.clear()
    desk.sandbox.faults.add(Fault(path="^/api/v1/org$", status=403, org="eu1"))
    desk.sandbox.faults.add(
        Fault(path="^/api/v2/current_user$", org="eu1", status=200, body={"data": {}})
    )
    check(desk, REPLAY, Told(6, "the keys of eu1 cannot tell which org they belong to"))


@pytest.mark.parametrize("spelling", ["hamr_status", "HamrStatus"])
@pytest.mark.parametrize("status", [3, 4, 99])
def test_an_org_in_failover(desk: TwoOrgs, spelling: str, status: int) -> None:
    desk.eu1.recovery = {"status": status, "spelling": spelling}
    check(desk, REPLAY, Told(6, f"eu1 is in the disaster-recovery state {status}"))
    check(desk, (*REPLAY, "--rehearse"), Told(6, f"disaster-recovery state {status}"))
    planned = desk.run("-q", "plan", "us1", "monitors")
    assert planned.code == 0
    assert "a replay would be refused: eu1 is in the disaster-recovery state" in planned.err


@pytest.mark.parametrize("spelling", ["hamr_status", "HamrStatus"])
@pytest.mark.parametrize("status", [0, 1, 2, 5])
def test_an_org_that_may_be_written_to(desk: TwoOrgs, spelling: str, status: int) -> None:
    desk.eu1.recovery = {"status": status, "spelling": spelling}
    said = desk.run("-q", "replay", "us1", "service_level_objectives", "--yes")
    assert said.code in (0, 4)
    assert desk.sandbox.writes
    assert "eu1 is a disaster-recovery org" in said.err


@pytest.mark.parametrize("status", [403, 404])
def test_an_org_that_takes_no_part_in_disaster_recovery(desk: TwoOrgs, status: int) -> None:
    desk.sandbox.faults.add(Fault(path="hamr", status=status, org="eu1"))
    said = desk.run("-q", "replay", "us1", "service_level_objectives", "--yes")
    assert said.code in (0, 4)
    assert desk.sandbox.writes
    assert "disaster" not in said.err


# --- the repository


def test_a_snapshot_of_a_newer_format(desk: TwoOrgs) -> None:
    manifest = json.loads(desk.git("show", "snapshots/us1:snapshot.json"))
    newer = canonical.encode({**manifest, "format": 2})
    commit = edited(desk, "snapshots/us1", "snapshot.json", newer)
    check(desk, ("replay", commit, "--to", "eu1", "--yes"), Told(1, "format"))
    ahead = canonical.encode({**manifest, "rules": manifest["rules"] + 1})
    commit = edited(desk, "snapshots/us1", "snapshot.json", ahead)
    check(desk, ("replay", commit, "--to", "eu1", "--yes"), Told(6, "by a newer ddsnap"))


def test_a_damaged_document(desk: TwoOrgs) -> None:
    name = desk.git("ls-tree", "--name-only", "snapshots/us1:monitors").split()[0]
    commit = edited(desk, "snapshots/us1", f"monitors/{name}", b'{"id": 1')
    told = f"monitors/{name} is damaged"
    said = check(desk, ("replay", commit, "--to", "eu1", "--yes"), Told(1, told))
    assert "ddsnap verify" in said.err


MAP = "map/us1/monitors.json"


def mapped(desk: TwoOrgs) -> bytes:
    """Replay once, so that there is a map; return its bytes."""
    assert desk.run("-q", *REPLAY).code in (0, 4)
    return desk.git("show", f"journal/eu1:{MAP}").encode()


def test_a_map_cut_in_half(desk: TwoOrgs) -> None:
    data = mapped(desk)
    commit = edited(desk, "journal/eu1", MAP, data[: len(data) // 2])
    desk.git("update-ref", "refs/heads/journal/eu1", commit)
    check(desk, REPLAY, Told(1, MAP))


def test_a_map_for_another_pair_of_orgs(desk: TwoOrgs) -> None:
    body = json.loads(mapped(desk))
    commit = edited(desk, "journal/eu1", MAP, canonical.encode({**body, "from": "other"}))
    desk.git("update-ref", "refs/heads/journal/eu1", commit)
    check(desk, REPLAY, Told(6, "other"))


def test_a_lock_that_is_held(desk: TwoOrgs) -> None:
    with Repository.open(desk.path) as repo, org_lock(repo, "eu1", "replay"):
        check(desk, REPLAY, Told(6, "eu1"))


def test_a_replay_by_somebody_else(desk: TwoOrgs) -> None:
    start(desk, expires=timedelta(minutes=5))
    check(desk, REPLAY, Told(6, "replays into eu1"))
    check(desk, (*REPLAY, "--rehearse"), Told(6, "replays into eu1"))
    check(desk, ("replay", "--resume", "--to", "eu1"), Told(6, "replays into eu1"))


def test_a_replay_by_somebody_else_that_did_not_end(desk: TwoOrgs) -> None:
    start(desk, expires=timedelta(minutes=-5))
    check(desk, REPLAY, Told(6, "did not end"))
    told = "`ddsnap replay --resume --to eu1` takes it over"
    assert told in desk.run("status", "eu1").out
    assert told in desk.run("doctor", "eu1").out


def start(desk: TwoOrgs, *, expires: timedelta) -> None:
    """Let the journal tell of a replay that goes on elsewhere."""
    desk.capture("eu1")
    now = datetime.now(timezone.utc)
    with Repository.open(desk.path) as repo:
        ours, theirs = (
            snapshot_view(repo, repo.branch(f"snapshots/{org}"), org) for org in ("us1", "eu1")
        )
        source = Source("us1", desk.us1.public_id, ours.commit, "us1")
        record = Replayed("started", now, source, theirs.manifest.org, theirs.commit)
        run = SimpleNamespace(
            repo=repo,
            id="ab" * 16,
            org="eu1",
            site=desk.sandbox.url,
            journal="journal/eu1",
            clock=lambda: now,
            author=Author("ann", "elsewhere", "0"),
            arguments=(),
            catalog=CATALOG,
            guard=Guard(),
        )
        commit = stage_started(run, record, expires=now + expires)  # type: ignore[arg-type]
        repo.move_branch("journal/eu1", repo.branch("journal/eu1"), commit, "elsewhere")


# --- the remote


def remote(desk: TwoOrgs) -> Path:
    """Give the repository a remote that has all of its branches."""
    path = desk.path.parent / "remote.git"
    subprocess.run(["git", "init", "-q", "--bare", str(path)], check=True)
    desk.git("remote", "add", "origin", str(path))
    desk.git("push", "-q", "--all", "origin")
    return path


def test_a_journal_that_has_diverged(desk: TwoOrgs) -> None:
    mapped(desk)
    path = remote(desk)
    theirs = edited(desk, "journal/eu1", "other", b"theirs")
    desk.git("push", "-q", "origin", f"{theirs}:refs/heads/journal/eu1")
    desk.git("update-ref", "refs/heads/journal/eu1", edited(desk, "journal/eu1", "other", b"ours"))
    assert path.exists()
    check(desk, REPLAY, Told(6, "journal/eu1 has diverged"))


def test_a_remote_that_is_not_there(desk: TwoOrgs) -> None:
    desk.git("remote", "add", "origin", str(desk.path.parent / "nowhere.git"))
    check(desk, REPLAY, Told(1, "origin"))


# --- the confirmation


def test_off_a_terminal_the_plan_is_shown_and_nothing_is_written(desk: TwoOrgs) -> None:
    argv = ("replay", "us1", "monitors", "--to", "eu1")
    said = check(desk, argv, Told(6, "was not confirmed"), plan=True)
    assert "to create" in said.out
    assert "--yes" in said.err


def program(desk: TwoOrgs, *argv: str) -> list[str]:
    return [sys.executable, "-m", "ddsnap", "-C", str(desk.path), *argv]


@pytest.mark.parametrize("stdin", ["nothing", "closed", "silent"])
def test_a_run_never_waits_for_an_answer_that_cannot_come(desk: TwoOrgs, stdin: str) -> None:
    """Whoever looks at standard error may be at a terminal all the same."""
    ours, theirs = pty.openpty()
    reading, writing = os.pipe()
    given: Any = {"nothing": subprocess.DEVNULL, "closed": None, "silent": reading}[stdin]
    words = program(desk, "replay", "us1", "monitors", "--to", "eu1")
    if stdin == "closed":
        words = ["sh", "-c", 'exec "$@" <&-', "sh", *words]
    with nothing_done(desk):
        ran = subprocess.run(
            words, stdin=given, stdout=subprocess.PIPE, stderr=theirs, timeout=60, check=False
        )
    for number in (theirs, reading, writing):
        os.close(number)
    said = b""
    while chunk := read(ours):
        said += chunk
    os.close(ours)
    assert ran.returncode == 6, said
    assert b"was not confirmed" in said


def read(number: int) -> bytes:
    try:
        return os.read(number, 65536)
    except OSError:  # the other end is closed
        return b""


# --- the transformations


def rule(desk: TwoOrgs, text: str) -> None:
    (desk.path / "transforms").mkdir(exist_ok=True)
    (desk.path / "transforms" / "rule.yaml").write_text(text)


def test_a_rule_that_fails(desk: TwoOrgs) -> None:
    rule(desk, "match: {types: [monitors]}\npatch:\n- {op: remove, path: /nothing}\n")
    said = check(desk, REPLAY, Told(2, "rule"))
    assert "monitors/" in said.err
    assert "remove" in said.err


def test_a_rule_that_matches_nothing(desk: TwoOrgs) -> None:
    rule(
        desk,
        "match: {types: [monitors], where: '$[?@.name == \"none\"]'}\n"
        "patch:\n- {op: add, path: /tags/-, value: x}\n",
    )
    argv = ("replay", "us1", "--to", "eu1", "--yes")
    check(desk, argv, Told(2, "the transformation rule matches nothing in us1"))


def test_a_rule_that_cannot_be_read(desk: TwoOrgs) -> None:
    rule(desk, "match: {types: [monitors]\n")
    check(desk, REPLAY, Told(2, "rule.yaml:"))


# --- odd repositories, in which a replay works


def works(desk: TwoOrgs, *argv: str) -> None:
    said = desk.run("-q", *argv, "replay", "us1", "service_level_objectives", "--yes")
    assert said.code == 0, said.err
    assert [write.method for write in desk.sandbox.writes if write.org == "eu1"]


def test_in_a_bare_repository(desk: TwoOrgs) -> None:
    desk.git("-c", "user.name=x", "-c", "user.email=x@y.example", "commit", "-qam", "Orgs")
    bare = desk.path.parent / "bare.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(desk.path), str(bare)], check=True)
    subprocess.run(["git", "-C", str(bare), "remote", "remove", "origin"], check=True)
    works(desk, "-C", str(bare))


def test_with_a_machine_branch_checked_out(desk: TwoOrgs) -> None:
    desk.capture("eu1")
    text = (desk.path / "ddsnap.yaml").read_bytes()
    desk.git("checkout", "-q", "-f", "snapshots/eu1")
    (desk.path / "ddsnap.yaml").write_bytes(text)
    before = tip(desk, "snapshots/eu1")
    works(desk)
    assert desk.git("rev-parse", "HEAD").strip() == before
    assert tip(desk, "snapshots/eu1") != before


def test_in_a_shallow_clone(desk: TwoOrgs) -> None:
    mapped(desk)
    clone = desk.path.parent / "clone"
    url = f"file://{desk.path}"
    subprocess.run(["git", "clone", "-q", "--depth=1", url, str(clone)], check=True)
    (clone / "ddsnap.yaml").write_bytes((desk.path / "ddsnap.yaml").read_bytes())
    branches = [f"+refs/heads/{name}/*:refs/heads/{name}/*" for name in ("snapshots", "journal")]
    fetch = ["git", "-C", str(clone), "fetch", "-q", "--depth=1", "origin", *branches]
    subprocess.run(fetch, check=True)
    desk.git("checkout", "-q", "--detach")  # so that the clone may push
    works(desk, "-C", str(clone))
