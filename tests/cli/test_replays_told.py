"""Replays as ``log``, ``status`` and ``verify`` tell them: real ones, between sandbox orgs."""

from __future__ import annotations

import json
import random
import re
from datetime import datetime, timedelta, timezone
from types import SimpleNamespace

import pytest
import requests

from ddsnap.flows.journal import record_of
from ddsnap.flows.past_replays import undoing
from ddsnap.flows.replay_journal import Replayed, Source, stage_started
from ddsnap.flows.run import Author
from ddsnap.flows.snapshot import manifest_of
from ddsnap.store.repository import Repository


@pytest.fixture
def two(console):
    """Two orgs, the second of them empty; the first is captured."""
    org = console.add("us1", seed=7, size=60)
    console.add("eu1", size=0)
    assert console("capture", "us1").code == 0
    return SimpleNamespace(console=console, us1=org)


def replay(console, *words):
    done = console("replay", *words, "--yes")
    assert done.code in (0, 4), done
    return done


def test_a_real_replay_is_recomputed_to_the_last_request(two):
    console = two.console
    replay(console, "us1", "--to", "eu1")
    done = console("--json", "verify", "eu1")
    assert done.of("fault") == []
    (event,) = done.of("verified")
    lines = console.git("show", "journal/eu1:outcomes.ndjson").splitlines()
    sent = sum(len(json.loads(line)["requests"]) for line in lines)
    assert event["requests"] == sent > 40
    assert re.search(rf"eu1: sound \(.*, {sent} requests\)", console("verify", "eu1").out)

    two.us1.edit(random.Random(3), 25)
    console("capture", "us1")
    replay(console, "us1", "--to", "eu1")
    done = console("--json", "verify", "eu1")
    assert done.of("fault") == []
    assert done.of("verified")[0]["requests"] > sent


def test_a_journal_that_begins_with_a_replay_holds_runs_alone(two):
    console = two.console
    replay(console, "us1", "monitors", "--to", "eu1")
    subjects = console.git("log", "--first-parent", "--format=%s", "journal/eu1").splitlines()
    assert re.fullmatch(r"run replay us1 -> eu1: \d+ created.*", subjects[0])
    assert subjects[1:] == ["run replay us1 -> eu1: started"]
    parents = console.git("log", "-1", "--format=%P", "journal/eu1").split()
    assert parents[1] == console.tip("snapshots/us1")
    assert len(parents) == 3


def test_the_log_tells_replays_among_the_snapshots_and_once(two):
    console = two.console
    replay(console, "us1", "monitors", "--to", "eu1")
    lines = console("log", "eu1").out.splitlines()
    assert re.search(r"  replay from us1: \d+ created", lines[0])
    assert len([line for line in lines if "replay" in line]) == 1
    (event,) = console("--json", "log", "eu1").of("run")
    record = console.journal("eu1")
    assert (
        event.items()
        >= {
            "org": "eu1",
            "kind": "replay",
            "state": record["state"],
            "source": "us1",
            "run": record["run"],
        }.items()
    )
    (line,) = console("log", "eu1", "--runs").out.splitlines()
    assert re.search(rf"  {record['state']} +replay from us1: \d+ created", line)
    assert console("--json", "log", "eu1", "--runs").of("run") == [event]


def test_a_restored_resource_is_followed_through_both_its_lives(two):
    console, url = two.console, two.console.sandbox.url
    path = next(p for p in console.documents("snapshots/us1") if p.startswith("monitors/"))
    old = path.split("/")[1].removesuffix(".json")
    keys = {"DD-API-KEY": two.us1.api_key, "DD-APPLICATION-KEY": two.us1.app_key}
    gone = requests.delete(f"{url}/api/v1/monitor/{old}?force=true", headers=keys, timeout=5)
    assert gone.status_code == 200
    console("capture", "us1")
    told = replay(console, "us1~1", f"monitors/{old}", "--to", "us1").out
    mapped = json.loads(console.git("show", "journal/us1:map/us1/monitors.json"))
    new = mapped["ids"][old]["id"]
    assert new != old
    assert re.search(rf"^monitors '.*' {old} is {new} now$", told, re.MULTILINE)
    heads = [line for line in console("log", "us1", f"monitors/{old}").out.splitlines()
             if not line.startswith(" ")]  # fmt: skip
    assert [f"  {id_}" in line for id_, line in zip((new, old, old), heads, strict=True)] == [
        True
    ] * 3
    for id_ in (old, new):
        told = console("--json", "log", "us1", f"monitors/{id_}").of("version")
        kinds = [(event["kind"], event["id"]) for event in told]
        assert kinds == [("added", new), ("deleted", old), ("added", old)]
    assert console("log", "us1", "-n", "1", f"monitors/{old}").out.count("added") == 1


def test_the_status_names_the_last_replay_and_one_that_did_not_end(two):
    console = two.console
    replay(console, "us1", "monitors", "--to", "eu1")
    (event,) = console("--json", "status", "eu1").of("status")
    record = console.journal("eu1")
    told = {key: record[key] for key in ("run", "kind", "state", "counts")}
    assert event["replay"].items() >= {**told, "source": "us1"}.items()
    assert re.search(rf"last replay from us1 .* ago: {record['state']}, \d+ created",
                     console("status", "eu1").out)  # fmt: skip
    with Repository.open(console.path) as repo:
        tip = repo.branch("snapshots/eu1")
        org = manifest_of(repo, tip).org
        now = datetime.now(timezone.utc)
        run = SimpleNamespace(
            repo=repo,
            id="feedbeef",
            org="eu1",
            site=org.site,
            journal="journal/eu1",
            clock=lambda: now,
            author=Author("ann", "host", "0.1.0"),
            arguments=(),
            catalog=SimpleNamespace(rules=1),
            guard=SimpleNamespace(known=SimpleNamespace(values=())),
        )
        going = Replayed("started", now, Source("us1", "x", tip, "us1"), org, tip)
        commit = stage_started(run, going, expires=now + timedelta(minutes=5))
        repo.move_branch("journal/eu1", repo.branch("journal/eu1"), commit, "started")
        assert record_of(repo, commit)["snapshot"] == record["snapshot"]
        assert undoing(repo, commit, record["run"][:8]).created
    out = console("status", "eu1").out
    assert "! a replay from us1 by ann on host has not ended, last heard of" in out
    assert "run feedbeef" in out
    assert "replay from us1: started" in console("log", "eu1").out
