"""Verifying past replays: all that was recorded follows again, and what was changed is named."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, replace
from shutil import copytree
from typing import TYPE_CHECKING, Any

import pytest
from orgs import Backup, make_backup
from paper import NOW, Paper, on_paper

from ddsnap.catalog import CATALOG
from ddsnap.core import canonical
from ddsnap.core.outcomes import write_line
from ddsnap.core.resource_type import Catalog
from ddsnap.flows.verify import Checked, verify_journal
from ddsnap.sandbox import Sandbox
from ddsnap.store.snapshots import SnapshotWriter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from ddsnap.core.values import Address
    from ddsnap.flows.faults import Fault
    from ddsnap.flows.run import Run


@dataclass
class Told:
    """A journal that tells of one replay."""

    here: Backup
    run: Run
    paper: Paper
    commit: str
    catalog: Catalog = CATALOG

    def verify(self) -> tuple[list[Fault], Checked]:
        checked = Checked()
        tip = self.run.repo.branch(self.run.journal) or ""
        return list(verify_journal(self.run.repo, tip, self.catalog, checked)), checked

    def read(self, path: str) -> bytes:
        return self.run.repo.read_file(self.commit, path) or b""

    def record(self) -> Any:
        return json.loads(self.read("run.json"))

    def change(self, path: str, data: bytes | None) -> str:
        """Write over a file of the replay's commit, as somebody with git might."""
        repo, info = self.run.repo, self.run.repo.commit_info(self.commit)
        with SnapshotWriter(repo, self.run.journal) as writer:
            writer.keep_folder("")
            if data is None:
                writer.drop(path)
            else:
                writer.put(path, data)
            message = f"{info.subject}\n\n{info.body}\n"
            return writer.commit(message, time=NOW, parents=info.parents[1:], always=True) or ""

    def fault(self) -> Fault:
        """The one fault that there is."""
        (fault,) = self.verify()[0]
        return fault


@pytest.fixture(scope="module")
def two_orgs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Backup, Backup]]:
    """A seeded org and an empty one, both captured into one repository."""
    folder = tmp_path_factory.mktemp("two") / "backup"
    with Sandbox() as sandbox:
        here = make_backup(sandbox, sandbox.add_org("us1", seed=7, size=60), folder)
        there = Backup(sandbox, sandbox.add_org("eu1"), folder)
        here.capture()
        there.capture()
        yield here, there


@pytest.fixture
def told(two_orgs: tuple[Backup, Backup], tmp_path: Path) -> Iterator[Told]:
    """The one org, replayed on paper into the other."""
    folder = tmp_path / "backup"
    copytree(two_orgs[0].folder, folder)
    here, there = (replace(backup, folder=folder) for backup in two_orgs)
    with there.run() as run:
        source, before = (run.repo.branch(one.branch) or "" for one in (here, there))
        paper = on_paper(run, source, before)
        yield Told(here, run, paper, paper.stage(run))


def written(told: Told, type_name: str = "monitors", kind: str = "create") -> Address:
    """A resource that was written."""
    outcomes = told.paper.outcomes
    found = (o.action.address for o in outcomes if o.action.kind == kind and o.requests)
    return next(address for address in found if address.type == type_name)


def test_a_replay_is_recomputed_without_its_org(told: Told) -> None:
    faults, checked = told.verify()
    assert faults == []
    assert checked.requests == sum(len(o.requests) for o in told.paper.outcomes) > 40
    assert checked.notes == []


def test_updates_follow_from_the_destinations_own_documents(told: Told) -> None:
    old = told.paper.source.commit or ""
    assert told.here.org.edit(random.Random(4), 30)
    new = told.here.capture(full=True).commit or ""
    told.run = replace(told.run, org="us1")
    paper = on_paper(told.run, new, old)
    told.commit = paper.stage(told.run)
    wrote = [o for o in paper.outcomes if o.requests and o.action.kind != "create"]
    assert len(wrote) > 3
    assert told.verify()[0] == []
    record = {**told.record(), "before": new}
    told.change("run.json", canonical.encode(record))
    faults = told.verify()[0]
    assert len(faults) >= len(wrote)
    assert all("does not follow" in fault.reason for fault in faults)


def test_a_deletion_follows_from_what_was_there(told: Told) -> None:
    paper = Paper(told.paper.there, told.paper.source)
    address = written(told)
    paper.delete(address)
    told.commit = paper.stage(told.run)
    assert told.verify()[0] == []
    line = json.loads(told.read("outcomes.ndjson"))
    line["requests"][0]["path"] += "1"
    told.change("outcomes.ndjson", write_line(line))
    assert "does not follow" in told.fault().reason


def patched(told: Told, change: Callable[[list[Any]], None]) -> tuple[str, Fault]:
    path = f"patches/monitors/{written(told).id}.json"
    operations = json.loads(told.read(path))
    change(operations)
    told.change(path, canonical.encode(operations))
    return path, told.fault()


def test_a_changed_patch_is_found(told: Told) -> None:
    added = {"op": "add", "path": "/name", "value": "another"}
    path, fault = patched(told, lambda operations: operations.append(added))
    assert fault.path == path
    assert "does not follow from the snapshots and the patch" in fault.reason
    assert "POST /api/v1/monitor (create) of monitors/" in fault.reason


def test_a_patch_that_does_not_fit_is_found(told: Told) -> None:
    gone = {"op": "remove", "path": "/nowhere"}
    path, fault = patched(told, lambda operations: operations.append(gone))
    assert (fault.path, "remove /nowhere" in fault.reason) == (path, True)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "it is missing"),
        (b"[", ""),
        (b"{}\n", "operations is no list"),
        (b"[1]\n", "not in canonical form"),
        (b"[]", "not in canonical form"),
        (
            b'[\n  {\n    "op": "replace",\n    "path": "",\n    "value": 1\n  }\n]\n',
            "does not make an object",
        ),
        (
            b'[\n  {\n    "op": "replace",\n    "path": "",\n    "value": {}\n  }\n]\n',
            "does not follow",
        ),
    ],
)
def test_a_patch_that_is_none_is_found(told: Told, data: bytes | None, reason: str) -> None:
    path = f"patches/monitors/{written(told).id}.json"
    commit = told.change(path, data)
    fault = told.fault()
    assert (fault.commit, fault.path) == (commit, path)
    assert reason in fault.reason


def test_a_patch_that_nothing_tells_of_is_found(told: Told) -> None:
    told.change("patches/monitors/none.json", b"[]\n")
    assert told.fault().reason == "no outcome tells of it"


def lines_of(told: Told) -> list[Any]:
    return [json.loads(line) for line in told.read("outcomes.ndjson").splitlines()]


def first_write(lines: list[Any]) -> Any:
    return next(line for line in lines if line["action"] == "create" and line["requests"])


def flipped(lines: list[Any]) -> None:
    sent = first_write(lines)["requests"][0]
    sent["digest"] = "0" * 64 if sent["digest"][0] != "0" else "1" * 64


def elsewhere(lines: list[Any]) -> None:
    first_write(lines)["requests"][0]["path"] += "/other"


def other_method(lines: list[Any]) -> None:
    first_write(lines)["requests"][0]["method"] = "DELETE"


def other_address(lines: list[Any]) -> None:
    first_write(lines)["id"] = "0"


@pytest.mark.parametrize("spoil", [flipped, elsewhere, other_method])
def test_a_changed_request_is_found(told: Told, spoil: Any) -> None:
    lines = lines_of(told)
    spoil(lines)
    told.change("outcomes.ndjson", b"".join(map(write_line, lines)))
    assert "does not follow" in told.fault().reason


def test_an_outcome_of_something_else_is_found(told: Told) -> None:
    lines = lines_of(told)
    other_address(lines)
    told.change("outcomes.ndjson", b"".join(map(write_line, lines)))
    reasons = [fault.reason for fault in told.verify()[0]]
    assert any("no outcome tells of it" in reason for reason in reasons)
    assert any("holds no" in reason for reason in reasons)


def test_a_dropped_or_doubled_line_is_found(told: Told) -> None:
    lines = told.read("outcomes.ndjson").splitlines(keepends=True)
    for kept in (lines[1:], lines[:-1], [*lines, lines[0]]):
        told.change("outcomes.ndjson", b"".join(kept))
        fault = told.verify()[0][0]
        assert fault.path == "outcomes.ndjson"
        assert "do not add up" in fault.reason
    told.change("outcomes.ndjson", None)
    assert told.verify()[0][0].reason == "it is missing"
    told.change("outcomes.ndjson", b"".join(lines)[:-9])
    assert "is cut" in told.verify()[0][0].reason


def test_a_map_that_is_cut_or_lacks_what_was_made_is_found(told: Told) -> None:
    path = "map/us1/monitors.json"
    data = told.read(path)
    commit = told.change(path, data[: len(data) // 2])
    faults = told.verify()[0]
    assert (faults[0].commit, faults[0].path) == (commit, path)
    assert "is damaged" in faults[0].reason
    body, address = json.loads(data), written(told)
    for change in ({}, {address.id: {**body["ids"][address.id], "id": "7"}}):
        ids = {i: e for i, e in body["ids"].items() if i != address.id} | change
        told.change(path, canonical.encode({**body, "ids": ids}))
        fault = told.verify()[0][0]
        assert fault.path == path
        assert f"{address} is not mapped to" in fault.reason


def test_a_map_that_a_later_run_carries_is_looked_at_too(told: Told) -> None:
    with SnapshotWriter(told.run.repo, told.run.journal) as writer:
        writer.put("map/us1/monitors.json", b"{")
        record = {"run": "x", "kind": "capture", "state": "done", "org": "eu1"}
        writer.put("run.json", canonical.encode(record))
        trailers = "Ddsnap-Run: x\nDdsnap-State: done\nDdsnap-Org: eu1\n"
        commit = writer.commit(f"run capture eu1: unchanged\n\n{trailers}", time=NOW) or ""
    fault = told.fault()
    assert (fault.commit, fault.path) == (commit, "map/us1/monitors.json")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"now": "noon"}, "its now is no time"),
        ({"source": None}, "its source is no object"),
        ({"before": 7}, "its before is no text"),
        ({"counts": {}}, "do not add up"),
        ({"now": NOW.isoformat().replace("2026", "2025")}, ""),
        ({"before": "f" * 40}, "lacks a parent that the record names: ffffffffffff"),
    ],
)
def test_a_record_that_was_changed_is_found(told: Told, change: Any, reason: str) -> None:
    told.change("run.json", canonical.encode({**told.record(), **change}))
    faults = told.verify()[0]
    assert any(reason in fault.reason for fault in faults) or not reason


def test_another_snapshot_than_the_one_replayed_is_found(told: Told) -> None:
    record = told.record()
    record["source"]["commit"] = record["before"]
    told.change("run.json", canonical.encode(record))
    assert any("holds no" in fault.reason for fault in told.verify()[0])


def test_a_rule_that_cannot_be_read_is_found(told: Told) -> None:
    told.change("rules/tag.yaml", b"patch: [\n")
    assert told.fault().path == "rules/tag.yaml"


@pytest.mark.parametrize("name", ["rules", "writes"])
def test_what_older_rules_wrote_is_noted_and_no_fault(told: Told, name: str) -> None:
    commit = told.change("run.json", canonical.encode({**told.record(), name: 0}))
    faults, checked = told.verify()
    assert faults == []
    assert checked.notes == [f"{commit[:12]}: not recomputed (older rules)"]
    told.catalog = Catalog(CATALOG.types, rules=CATALOG.rules + 1)
    assert told.verify()[0] == []


def test_what_a_secret_was_taken_out_of_is_noted(told: Told) -> None:
    path = f"patches/monitors/{written(told).id}.json"
    operations = [*json.loads(told.read(path)), {"op": "add", "path": "/name", "value": "***"}]
    told.change(path, canonical.encode(operations))
    assert told.fault().path == path
    told.commit = told.run.repo.branch(told.run.journal) or ""
    commit = told.change("run.json", canonical.encode({**told.record(), "masked": [path]}))
    (fault,) = told.verify()[0]
    assert fault.commit != commit
    assert told.verify()[1].notes == [f"{commit[:12]} {path}: not recomputed (it held a secret)"]


def test_a_creation_without_its_requests_is_found(told: Told) -> None:
    lines = lines_of(told)
    line = next(one for one in lines if one["action"] == "create" and one["requests"])
    address = f"{line['type']}/{line['id']}"
    line["requests"] = []
    told.change("outcomes.ndjson", b"".join(write_line(one) for one in lines))
    reasons = {fault.path: fault.reason for fault in told.verify()[0]}
    assert reasons["outcomes.ndjson"] == f"{address} was made, and no request made it"
    (patch,) = (path for path in reasons if path.startswith("patches/"))
    assert reasons[patch] == f"nothing was sent to {address}, and yet it was written"


def test_rules_that_the_record_does_not_name_are_found(told: Told) -> None:
    told.change("run.json", canonical.encode({**told.record(), "transforms": []}))
    assert told.fault().reason == "the record does not name it"


@pytest.mark.parametrize("name", ["run", "state", "org"])
def test_a_record_of_another_run_is_found(told: Told, name: str) -> None:
    told.change("run.json", canonical.encode({**told.record(), name: "other"}))
    assert any(f"its {name} is not that of the commit" in f.reason for f in told.verify()[0])


def test_a_policy_may_have_been_replaced_by_a_lock(told: Told) -> None:
    from ddsnap.core.audit import intended_body, locked
    from ddsnap.core.outcomes import Sent
    from ddsnap.core.requests import create_request

    type_ = CATALOG["restriction_policies"]
    paper = told.paper
    nth, outcome = next(
        (n, o)
        for n, o in enumerate(paper.outcomes)
        if o.action.address.type == type_.name and o.requests
    )
    base = paper.source.document(f"{type_.name}/{_file(outcome.action.address)}", CATALOG)
    assert base is not None
    patch = json.loads(told.read(f"patches/{type_.name}/{_file(outcome.action.address)}"))
    body = intended_body(base.body, patch)
    request = create_request(type_, locked(type_, body, paper.identity), now=NOW)
    lock = Sent(request.method, request.route, request.path, 200, request.digest(), "lock")
    paper.outcomes[nth] = replace(outcome, status="failed", requests=(*outcome.requests, lock))
    told.commit = paper.stage(told.run)
    assert told.verify()[0] == []
    told.commit = paper.stage(told.run, identity="someone-else")
    assert "(lock) of restriction_policies/" in told.fault().reason


def _file(address: Address) -> str:
    from ddsnap.core.paths import document_path

    return document_path(address).partition("/")[2]
