"""The journal of replays, staged on real repositories and read back with plain git."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from ddsnap.api.session import RouteCount
from ddsnap.core import canonical
from ddsnap.core.actions import Action, Unresolved
from ddsnap.core.id_map import Mapped
from ddsnap.core.manifest import OrgIdentity
from ddsnap.core.outcomes import Outcome, Sent, read_outcomes
from ddsnap.core.references import Reference
from ddsnap.core.values import Address
from ddsnap.errors import Damaged, Refused, UsageError
from ddsnap.flows.at_time import snapshot_at
from ddsnap.flows.guard import Guard
from ddsnap.flows.id_map import map_files, read_map
from ddsnap.flows.journal import last_record, read_times, standing, unknown_fields
from ddsnap.flows.live import Problem
from ddsnap.flows.past_replays import leftover, refuse_open, replays, runs, undoing
from ddsnap.flows.replay_journal import (
    Mute,
    Replayed,
    Source,
    stage_progress,
    stage_replay,
    stage_started,
)
from ddsnap.flows.status import status_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from orgs import Backup

    from ddsnap.flows.run import Run

NOW = datetime(2026, 11, 21, 12, 0, 1, 234567, tzinfo=timezone.utc)
LATER = NOW + timedelta(minutes=5)
US1 = OrgIdentity("us1", "abc123", "datadoghq.com")
CREATED, UPDATED, FAILED = (Address("monitors", str(n)) for n in (1, 2, 3))
SECRET = "a-canary-in-the-mine"
ENTRY = Mapped("91", "created", {}, "aa" * 32, "bb" * 32)


def sent(status: int = 200, method: str = "POST") -> Sent:
    return Sent(method, "/api/v1/monitor", "/api/v1/monitor", status, "ab" * 32, "create")


OUTCOMES = (
    Outcome(Action("create", CREATED, "One"), "done", "91", requests=(sent(),)),
    Outcome(Action("update", UPDATED, "Two", "92"), "done", "92", requests=(sent(method="PUT"),)),
    Outcome(Action("create", FAILED, "Three"), "failed", "", "HTTP 400", (sent(400),)),
    Outcome(Action("unchanged", Address("monitors", "4"), "Four", "94"), "unchanged", "94"),
)
PATCH = canonical.encode([{"op": "replace", "path": "/name", "value": "One!"}])


@dataclass
class Journal:
    """An org that was captured, and a run that replays into it."""

    backup: Backup
    run: Run
    before: str

    @property
    def identity(self) -> OrgIdentity:
        return OrgIdentity("new", self.backup.manifest().org.public_id, "datadoghq.com")

    @property
    def tip(self) -> str:
        return self.backup.git("rev-parse", "journal/new").strip()

    def replayed(self, **more: Any) -> Replayed:
        source = Source("us1", "abc123", self.before, "us1@yesterday")
        told: dict[str, Any] = {"state": "done", "started": NOW, "source": source, **more}
        return Replayed(destination=self.identity, before=self.before, **told)

    def stage(self, replayed: Replayed | None = None, **more: Any) -> str:
        files = {"outcomes": OUTCOMES, "patches": {"patches/monitors/1.json": PATCH}, **more}
        files.setdefault("rules", {"prod": "description: x\n"})
        files.setdefault("maps", map_files({CREATED: ENTRY}, US1, self.identity))
        return self.move(stage_replay(self.run, replayed or self.replayed(), **files))

    def move(self, commit: str) -> str:
        self.run.repo.move_branch("journal/new", self.run.repo.branch("journal/new"), commit, "x")
        return commit

    def again(self, run_id: str) -> Journal:
        """Another run against the same org."""
        return replace(self, run=replace(self.run, id=run_id))

    def show(self, path: str, at: str = "journal/new") -> str:
        return self.backup.git("show", f"{at}:{path}")

    def record(self, at: str = "journal/new") -> Any:
        return json.loads(self.show("run.json", at))


@pytest.fixture
def journal(empty: Backup) -> Iterator[Journal]:
    before = empty.capture().commit or ""
    with empty.run() as run:
        yield Journal(empty, replace(run, id="aaaa1111"), before)


def test_a_replay_is_one_commit_that_plain_git_can_read(journal: Journal) -> None:
    git = journal.backup.git
    previous = journal.tip
    commit = journal.stage()
    assert git("log", "-1", "--format=%P", commit).split() == [previous, journal.before]
    assert git("ls-tree", "-r", "--name-only", commit).split() == [
        ".gitattributes",
        "map/us1/monitors.json",
        "outcomes.ndjson",
        "patches/monitors/1.json",
        "rules/prod.yaml",
        "run.json",
    ]
    subject, body, trailers = git("log", "-1", "--format=%B", commit).strip().split("\n\n")
    assert subject == "run replay us1 -> new: 1 created, 1 updated, 1 unchanged, 1 failed"
    assert body.splitlines() == [
        f"of us1@yesterday ({journal.before[:12]})",
        '+ monitors "One" 1 -> 91',
        '~ monitors "Two" 2 -> 92',
        '! monitors "Three" 3: HTTP 400',
    ]
    assert trailers.splitlines() == [
        "Ddsnap-Run: aaaa1111",
        "Ddsnap-State: done",
        "Ddsnap-Org: new",
    ]
    assert journal.show("patches/monitors/1.json").encode() == PATCH
    assert journal.show("rules/prod.yaml") == "description: x\n"
    lines = journal.show("outcomes.ndjson").encode()
    assert list(read_outcomes(lines)) == list(OUTCOMES)
    assert read_map(journal.run.repo, commit, US1, journal.identity) == {CREATED: ENTRY}


def test_the_record_holds_all_that_is_known_of_a_run(journal: Journal) -> None:
    standing_before = journal.record()
    journal.stage(
        journal.replayed(
            kind="restore",
            state="partial",
            selection=("monitors/1",),
            options={"live": True},
            transforms=("prod",),
            plan="cc" * 32,
            identity="u-1",
            mute=Mute("d-1", made=True),
            warnings=("careful",),
            problems=[Problem(FAILED, "unreadable")],
            resumes="bbbb",
            after="f" * 40,
            requests={"POST /api/v1/monitor": RouteCount(3, 1)},
        )
    )
    record = journal.record()
    head = {"format": 1, "run": "aaaa1111", "kind": "restore", "state": "partial", "org": "new"}
    assert record.items() >= head.items()
    assert record["now"] == "2026-11-21T12:00:01.234567+00:00"
    assert record["source"] == {
        "org": "us1",
        "public_id": "abc123",
        "commit": journal.before,
        "revision": "us1@yesterday",
    }
    assert record["destination"]["name"] == "new"
    assert (record["before"], record["after"]) == (journal.before, "f" * 40)
    assert record["by"] == {"user": "tester", "host": "host", "version": "0.1.0"}
    assert record["mute"] == {"id": "d-1", "made": True, "requests": []}
    assert record["counts"] == {"created": 1, "updated": 1, "unchanged": 1, "failed": 1}
    assert record["problems"] == [{"type": "monitors", "id": "3", "reason": "unreadable"}]
    assert record["requests"]["POST /api/v1/monitor"]["retries"] == 1
    assert (record["selection"], record["options"]) == (["monitors/1"], {"live": True})
    assert (record["transforms"], record["plan"]) == (["prod"], "cc" * 32)
    assert (record["resumes"], record["undoes"], record["identity"]) == ("bbbb", "", "u-1")
    for name in ("public_id", "snapshot", "unknown_fields", "read_at"):
        assert record[name] == standing_before[name]
    subject = journal.backup.git("log", "-1", "--format=%s", "journal/new").strip()
    assert subject.startswith("run restore new: 1 created")


@pytest.mark.parametrize("state", ["failed", "interrupted"])
def test_a_run_that_did_not_end_well_says_so_first(journal: Journal, state: Any) -> None:
    journal.stage(journal.replayed(state=state, error="the keys were refused"), outcomes=())
    subject = journal.backup.git("log", "-1", "--format=%s", "journal/new").strip()
    assert subject == f"run replay us1 -> new: {state}"
    assert journal.record()["error"] == "the keys were refused"
    journal.stage(journal.replayed(state="done"), outcomes=())
    subject = journal.backup.git("log", "-1", "--format=%s", "journal/new").strip()
    assert subject == "run replay us1 -> new: nothing to do"


def test_maps_of_other_orgs_stay_and_patches_are_this_runs_alone(journal: Journal) -> None:
    ap1 = OrgIdentity("ap1", "ggg", "")
    source = Source("ap1", "ggg", journal.before, "ap1")
    journal.stage(
        journal.replayed(source=source),
        maps=map_files({UPDATED: ENTRY, Address("slos", "s"): ENTRY}, ap1, journal.identity),
        patches={"patches/slos/s.json": PATCH},
        rules={},
    )
    commit = journal.stage()
    assert journal.backup.git("ls-tree", "-r", "--name-only", commit).split() == [
        ".gitattributes",
        "map/ap1/monitors.json",
        "map/ap1/slos.json",
        "map/us1/monitors.json",
        "outcomes.ndjson",
        "patches/monitors/1.json",
        "rules/prod.yaml",
        "run.json",
    ]
    gone = journal.stage(maps={})
    assert read_map(journal.run.repo, gone, US1, journal.identity) == {}
    assert len(read_map(journal.run.repo, gone, ap1, journal.identity)) == 2


def test_a_capture_after_it_keeps_the_maps_and_drops_the_rest(journal: Journal) -> None:
    journal.stage()
    journal.backup.capture()
    listed = journal.backup.git("ls-tree", "-r", "--name-only", "journal/new").split()
    assert listed == [".gitattributes", "map/us1/monitors.json", "run.json"]


def test_no_secret_gets_into_any_object(journal: Journal) -> None:
    other = "the-second-canary"
    guard = Guard.of([SECRET]).knowing([other])
    run = replace(journal.run, guard=guard, arguments=("--api-key", SECRET))
    reference = Reference(("x",), None, ("slos",), "", "s", "", soft=False)
    dirty = Outcome(
        Action(
            "create",
            FAILED,
            f"title {SECRET}",
            reasons=(f"why {SECRET}",),
            unresolved=(Unresolved(reference, "gone", f"text {SECRET}"),),
            patch=({"op": "add", "path": "/x", "value": f"say {SECRET}"},),
        ),
        "failed",
        error=f"HTTP 400: <html>\n{other} {'x' * 5000}",
        settled=({"op": "add", "path": "/y", "value": [SECRET]},),
    )
    replayed = journal.replayed(
        warnings=(f"w {SECRET}",), error=f"e {other}", options={"o": [f"{SECRET}"]}
    )
    line = json.dumps({"sent": {"password": f"{SECRET}"}}).encode() + b"\n"
    told = {"expires": LATER, "resume": [SECRET, other]}
    journal.move(stage_started(run, replayed, **told))
    journal.move(stage_progress(run, replayed, line, **told))
    patch = canonical.encode([{"op": "add", "path": "/p", "value": other}])
    commit = stage_replay(
        run,
        replayed,
        [dirty],
        {"patches/monitors/3.json": patch},
        {"rule": f"with: {SECRET}\n"},
        maps=map_files({FAILED: Mapped("9", "created")}, US1, journal.identity),
    )
    journal.move(commit)
    git = journal.backup.git
    for name in git("rev-list", "--objects", "--all").split("\n"):
        if name:
            kind = git("cat-file", "-t", name.split()[0]).strip()
            held = git("cat-file", "-p", name.split()[0]) if kind != "tree" else ""
            assert SECRET not in held
            assert other not in held
    (told,) = read_outcomes(journal.show("outcomes.ndjson").encode())
    assert told.action.title == "title ***"
    assert len(told.error) == 500
    assert told.error.startswith("HTTP 400: <html>\\n*** xxx")
    assert journal.record()["masked"] == [
        "patches/monitors/3.json",
        "rules/rule.yaml",
    ]


# --- runs that go on


def test_a_run_that_goes_on_is_found_until_a_later_commit_closes_it(journal: Journal) -> None:
    repo, git = journal.run.repo, journal.backup.git
    assert leftover(repo, None) is None
    assert leftover(repo, journal.tip) is None
    going = journal.replayed(state="started", plan="cc" * 32)
    commit = journal.move(stage_started(journal.run, going, expires=LATER, resume={"argv": ["x"]}))
    assert git("log", "-1", "--format=%P", commit).split()[1:] == [journal.before]
    found = leftover(repo, journal.tip)
    assert found is not None
    assert (found.run, found.commit, found.who) == ("aaaa1111", commit, "tester on host")
    assert (found.expires, found.since) == (LATER, NOW.replace(microsecond=234000))
    assert found.record["resume"] == {"argv": ["x"]}
    assert found.record["plan"] == "cc" * 32
    assert not found.expired(NOW)
    assert found.expired(LATER)

    log = b'{"intent": 1}\n{"result": 2}\n{"cut'
    journal.move(stage_progress(journal.run, replace(going, state="progress"), log, expires=LATER))
    journal.backup.capture()
    found = leftover(repo, journal.tip)
    assert found is not None
    assert found.lines == ({"intent": 1}, {"result": 2})
    assert found.record["state"] == "progress"
    subjects = git("log", "-3", "--format=%s", "journal/new").splitlines()
    assert subjects[1:] == ["run replay us1 -> new: progress", "run replay us1 -> new: started"]

    closing = journal.again("bbbb2222")
    closing.stage(journal.replayed(state="interrupted", run="aaaa1111"), outcomes=())
    assert leftover(repo, journal.tip) is None
    assert journal.record()["run"] == "aaaa1111"


def test_who_comes_second_is_refused_with_the_holders_name(journal: Journal) -> None:
    repo = journal.run.repo
    refuse_open(repo, journal.tip, "new", NOW)
    going = journal.replayed(state="started")
    journal.move(stage_started(journal.run, going, expires=LATER))
    refuse_open(repo, journal.tip, "new", NOW, own="aaaa1111")
    with pytest.raises(Refused) as caught:
        refuse_open(repo, journal.tip, "new", NOW)
    assert caught.value.message == (
        "tester on host replays into new since 2026-11-21 12:00:01 UTC (run aaaa1111)"
    )
    assert "--resume takes it over after 12:05:01 UTC" in caught.value.hint
    with pytest.raises(Refused, match="did not end") as caught:
        refuse_open(repo, journal.tip, "new", LATER)
    assert "--resume" in caught.value.hint


def test_each_run_is_told_once_by_its_last_state(journal: Journal) -> None:
    repo = journal.run.repo
    journal.move(stage_started(journal.run, journal.replayed(state="started"), expires=LATER))
    journal.backup.capture()
    done = journal.stage()
    told = list(runs(repo, journal.tip))
    assert [info.sha for info in replays(repo, journal.tip)] == [done]
    assert len(told) == 3
    assert told[0].sha == done
    ids = [info.trailer("Ddsnap-Run") for info in told]
    assert len(set(ids)) == 3


# --- what the next runs build on


def test_the_next_capture_reads_no_more_than_it_must(backup: Backup) -> None:
    first = backup.capture()
    with backup.run() as run:
        known = read_times(run, first.commit)
        assert known
        org = OrgIdentity("us1", "x", "datadoghq.com")
        source = Source("ap1", "abc", first.commit or "", "ap1")
        replayed = Replayed("done", NOW, source, org, first.commit or "")
        for commit in (
            stage_started(run, replace(replayed, state="started"), expires=LATER),
            stage_replay(run, replayed, (), {}, {}, maps={}),
        ):
            run.repo.move_branch(run.journal, run.repo.branch(run.journal), commit, "x")
            assert read_times(run, first.commit) == known
        told = replace(replayed, standing=standing(run, first))
        commit = stage_replay(run, told, (), {}, {}, maps={})
        run.repo.move_branch(run.journal, run.repo.branch(run.journal), commit, "x")
        assert last_record(run)["snapshot"] == {"commit": first.commit, "new": True}
        assert read_times(run, first.commit) == known
        assert unknown_fields(run) == {}
        again = snapshot_at(run.repo, "us1", datetime.now(timezone.utc))
        assert again == first.commit
        found = status_of(run.repo, "us1")
        assert found.read_at is not None
    second = backup.capture()
    requests = [sum(c.requests for c in result.requests.values()) for result in (first, second)]
    assert requests[1] < requests[0]


# --- undoing


def test_what_a_run_did_is_known_by_the_beginning_of_its_id(journal: Journal) -> None:
    repo = journal.run.repo
    journal.stage()
    done = undoing(repo, journal.tip, "aaaa")
    assert (done.run, done.before) == ("aaaa1111", journal.before)
    assert done.created == {CREATED: ("91", "bb" * 32)}
    assert done.updated == (Address("monitors", "92"),)
    assert done.deleted == ()
    assert done.mapped == {CREATED: ENTRY}
    assert (done.source.name, done.destination) == ("us1", journal.identity)
    assert done.outcomes == OUTCOMES


def test_what_was_made_in_part_counts_as_made(journal: Journal) -> None:
    half = Outcome(Action("create", FAILED), "failed", "93", "HTTP 400", (sent(), sent(400)))
    taken = Outcome(Action("adopt", CREATED, to="91", origin="created"), "done", "91")
    found = Outcome(Action("adopt", UPDATED, to="92", origin="adopted"), "done", "92")
    gone = Outcome(Action("delete", UPDATED, to="95"), "done", "95", "", (sent(),))
    journal.stage(outcomes=[half, taken, found, gone])
    done = undoing(journal.run.repo, journal.tip, "aaaa1111")
    assert done.created == {FAILED: ("93", ""), CREATED: ("91", "bb" * 32)}
    assert done.updated == ()
    assert done.deleted == (Address("monitors", "95"),)


def test_a_run_that_cannot_be_undone_is_named(journal: Journal) -> None:
    repo = journal.run.repo
    capture_run = journal.record()["run"]
    journal.stage()
    journal.again("aaaa2222").stage()
    going = journal.again("cccc3333")
    journal.move(stage_started(going.run, journal.replayed(state="started"), expires=LATER))

    def refusal(run_id: str) -> str:
        with pytest.raises(UsageError) as caught:
            undoing(repo, journal.tip, run_id)
        assert caught.value.hint
        return caught.value.message

    assert refusal("zzz") == "there is no run 'zzz'"
    assert refusal("") == "there is no run ''"
    assert refusal("aaaa") == "2 runs begin with aaaa"
    assert "is no replay: run capture new" in refusal(capture_run)
    assert refusal("cccc") == "run cccc has not ended"
    with pytest.raises(UsageError):
        undoing(repo, None, "aaaa")


@pytest.mark.parametrize(
    "spoil", [lambda data: data[:-5], lambda data: data.replace(b"create", b"paint", 1)]
)
def test_outcomes_that_are_damaged_are_not_undone(
    journal: Journal, spoil: Callable[[bytes], bytes]
) -> None:
    from ddsnap.store.snapshots import SnapshotWriter

    journal.stage()
    repo = journal.run.repo
    with SnapshotWriter(repo, "journal/new") as writer:
        writer.keep_folder("")
        writer.put("outcomes.ndjson", spoil(writer.read_previous("outcomes.ndjson") or b""))
        message = "run replay us1 -> new: x\n\nDdsnap-Run: dddd\nDdsnap-State: done\n"
        writer.commit(message, time=NOW)
    with pytest.raises(Damaged, match="line"):
        undoing(repo, journal.tip, "dddd")
