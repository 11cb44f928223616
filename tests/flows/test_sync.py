"""One remote, many runners: no edit is reverted, no commit is lost, nothing is forced."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from orgs import git
from runners import capture_with, make_hub, make_runner

from ddsnap.core import canonical
from ddsnap.core.select import Selection, id_filter
from ddsnap.errors import ExitCode, Refused, RemoteError
from ddsnap.flows.capture import exit_code

if TYPE_CHECKING:
    from collections.abc import Callable

    from orgs import Backup

    from ddsnap.sandbox import Sandbox, SandboxOrg

SIZE = 30


@pytest.fixture
def hub(tmp_path: Path) -> Path:
    return make_hub(tmp_path / "hub.git")


@pytest.fixture
def org(sandbox: Sandbox) -> SandboxOrg:
    return sandbox.add_org("us1", seed=3, size=SIZE)


@pytest.fixture
def runner(hub: Path, sandbox: Sandbox, org: SandboxOrg, tmp_path: Path) -> Callable[..., Backup]:
    def make(name: str, of: SandboxOrg | None = None) -> Backup:
        return make_runner(hub, sandbox, of or org, tmp_path / name)

    return make


@pytest.fixture(params=["git", "dulwich"])
def transport(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "dulwich":
        monkeypatch.setattr("ddsnap.store.remote.find_git", lambda: None)


def tip(folder: Path, branch: str) -> str:
    return git(folder, "rev-parse", f"refs/heads/{branch}").strip()


def count(folder: Path, branch: str) -> int:
    return int(git(folder, "rev-list", "--count", f"refs/heads/{branch}"))


def record(folder: Path, revision: str = "journal/us1") -> Any:
    return json.loads(git(folder, "show", f"{revision}:run.json"))


def names(
    folder: Path, path: str, branch: str = "snapshots/us1", member: str = "name"
) -> list[str]:
    """What a document was called over time, oldest first, without repetitions."""
    found: list[str] = []
    for commit in git(folder, "rev-list", "--reverse", branch).split():
        body = canonical.decode(git(folder, "show", f"{commit}:{path}").encode())
        assert isinstance(body, dict)
        if not found or found[-1] != body[member]:
            found.append(str(body[member]))
    return found


def never_forced(hub: Path) -> None:
    """Every move that the hub has noted went forward, and git finds the hub sound."""
    for log in (hub / "logs" / "refs" / "heads").rglob("*"):
        for line in log.read_text().splitlines() if log.is_file() else ():
            old, new = line.split()[:2]
            if set(old) != {"0"}:
                git(hub, "merge-base", "--is-ancestor", old, new)
    git(hub, "fsck", "--full", "--strict", "--no-dangling", "--no-progress")


def test_a_second_runner_goes_on_where_the_first_ended(
    transport: None, runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    assert capture_with(ada).pushed
    second = capture_with(bob)
    assert not second.committed
    assert (count(hub, "snapshots/us1"), count(hub, "journal/us1")) == (1, 2)
    org.edit(random.Random(1), 3)
    third = capture_with(ada)
    assert third.committed
    for folder in (hub, ada.folder):
        assert tip(folder, "snapshots/us1") == third.commit
        assert (count(folder, "snapshots/us1"), count(folder, "journal/us1")) == (2, 3)
    never_forced(hub)


def test_without_push_a_run_fetches_and_keeps_its_own(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    first = capture_with(ada)
    org.edit(random.Random(1), 3)
    mine = capture_with(bob, push=False)
    assert (mine.committed, mine.pushed) == (True, None)
    assert git(bob.folder, "rev-parse", "snapshots/us1~1").strip() == first.commit
    assert tip(hub, "snapshots/us1") == first.commit
    assert not capture_with(bob).committed
    assert tip(hub, "snapshots/us1") == mine.commit


def test_who_starts_first_and_ends_last_reverts_nothing(
    transport: None, runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    monitor = next(iter(org.resources("monitors").values()))
    path, old = f"monitors/{monitor['id']}.json", monitor["name"]
    dashboard = next(iter(org.resources("dashboards").values()))
    dashboard["title"] = "Changed before both"

    def faster() -> None:
        monitor["name"] = "Changed meanwhile"
        assert capture_with(ada).committed

    result = capture_with(bob, after="monitors", then=faster)
    assert (result.superseded, result.committed, result.pushed) == (True, False, True)
    assert result.changes == []
    assert names(hub, path) == [old, "Changed meanwhile"]
    assert count(hub, "snapshots/us1") == 2
    assert count(hub, "journal/us1") == 3
    last = record(hub)
    assert (last["state"], last["snapshot"]["new"]) == ("superseded", False)
    assert last["snapshot"]["commit"] == tip(hub, "snapshots/us1") == result.commit
    assert tip(bob.folder, "snapshots/us1") == tip(hub, "snapshots/us1")
    assert exit_code(result) == ExitCode.DONE
    never_forced(hub)


def test_a_later_run_without_a_change_supersedes_too(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    monitor = next(iter(org.resources("monitors").values()))
    old = monitor["name"]
    monitor["name"] = "Changed and taken back"

    def faster() -> None:
        monitor["name"] = old
        assert not capture_with(ada).committed

    result = capture_with(bob, after="monitors", then=faster)
    assert result.superseded
    assert count(hub, "snapshots/us1") == 1


def test_a_later_run_of_one_type_supersedes_that_type_alone(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    monitor = next(iter(org.resources("monitors").values()))
    path, old = f"monitors/{monitor['id']}.json", monitor["name"]
    monitor["name"] = "First"
    dashboard = next(iter(org.resources("dashboards").values()))
    dashboard["title"] = "Mine"

    def faster() -> None:
        monitor["name"] = "Second"
        capture_with(ada, only=frozenset({"monitors"}))

    result = capture_with(bob, after="monitors", then=faster)
    assert (result.superseded, result.committed) == (False, True)
    assert {str(change.address) for change in result.changes} == {f"dashboards/{dashboard['id']}"}
    assert names(hub, path) == [old, "Second"]
    assert names(hub, f"dashboards/{dashboard['id']}.json", member="title")[-1] == "Mine"
    body = git(hub, "log", "-1", "--format=%B", "snapshots/us1")
    assert body.startswith("capture us1: 1 changed\n")
    assert "monitors" not in body


def test_a_later_filtered_run_supersedes_its_documents_alone(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    one, other = list(org.resources("monitors").values())[:2]
    paths = [f"monitors/{monitor['id']}.json" for monitor in (one, other)]
    one["name"] = other["name"] = "First"
    narrowing = Selection((id_filter(str(one["id"])),))

    def faster() -> None:
        one["name"] = "Second"
        assert capture_with(ada, narrowing=narrowing).committed

    result = capture_with(bob, after="monitors", then=faster)
    assert [change.address.id for change in result.changes] == [str(other["id"])]
    assert names(hub, paths[0])[1:] == ["Second"]
    assert names(hub, paths[1])[1:] == ["First"]
    trailers = git(hub, "log", "--format=[%(trailers:key=Ddsnap-Read,valueonly)]", "snapshots/us1")
    assert "monitors" in trailers.split("]")[0]
    assert "monitors" not in trailers.split("]")[1]


def test_an_earlier_run_is_built_upon(
    transport: None, runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    """Ada starts first, and reads the monitors after Bob has; she ends while he still reads."""
    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    monitor, other = list(org.resources("monitors").values())[:2]
    order = list(ada.catalog.names)
    early = order[order.index("monitors") - 1]
    stopped, go_on = threading.Event(), threading.Event()

    def stop() -> None:
        stopped.set()
        assert go_on.wait(30)

    slow = threading.Thread(target=lambda: capture_with(ada, after=early, then=stop))

    def release() -> None:
        monitor["name"] = "After Bob had read"
        go_on.set()
        slow.join()

    slow.start()
    assert stopped.wait(30)
    other["name"] = "Both have read this"
    result = capture_with(bob, after="monitors", then=release)
    path = f"monitors/{monitor['id']}.json"
    assert names(hub, path)[-1] == "After Bob had read"
    assert len(names(hub, path)) == 2
    assert names(hub, f"monitors/{other['id']}.json")[-1] == "Both have read this"
    assert not result.superseded
    assert count(hub, "journal/us1") == 3
    assert record(hub)["snapshot"]["commit"] == tip(hub, "snapshots/us1")
    after = capture_with(ada)
    assert not after.committed
    never_forced(hub)


def test_what_is_composed_again_counts_what_it_records(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    """Two runners that never saw each other make the branch at once: one history comes of it."""
    ada, bob = runner("ada"), runner("bob")
    before = threading.Event()

    def faster() -> None:
        before.set()
        capture_with(ada, only=frozenset({"teams"}))

    result = capture_with(bob, after="monitors", then=faster)
    assert before.is_set()
    assert result.committed
    assert count(hub, "snapshots/us1") == 2
    said = git(hub, "log", "-1", "--format=%s", "snapshots/us1").strip()
    added = git(hub, "diff", "--name-only", "--diff-filter=A", "snapshots/us1~1", "snapshots/us1")
    assert said == f"capture us1: {len(added.split())} added"
    manifest = json.loads(git(hub, "show", "snapshots/us1:snapshot.json"))
    assert manifest["types"]["monitors"] == {"state": "complete"}
    assert manifest["types"]["teams"] == {"state": "complete"}
    assert not capture_with(ada).committed
    never_forced(hub)


def test_a_newer_ddsnap_composes_on_what_an_older_one_wrote(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    from test_noise import with_types

    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    bob.catalog = with_types(rules=ada.catalog.rules + 1)
    monitor = next(iter(org.resources("monitors").values()))
    monitor["name"] = "Changed before both"

    def faster() -> None:
        monitor["name"] = "Changed meanwhile"
        capture_with(ada)

    capture_with(bob, after="monitors", then=faster)
    subjects = git(hub, "log", "--format=%s", "snapshots/us1").splitlines()
    rules = ada.catalog.rules
    assert subjects[0] == f"normalize us1: rules {rules} -> {rules + 1}"
    assert len(subjects) == 3
    with pytest.raises(Refused, match="newer ddsnap"):
        capture_with(ada)


def test_diverged_branches_are_refused_with_both_commits(
    transport: None, runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    capture_with(bob, push=False)
    org.edit(random.Random(1), 2)
    capture_with(bob, push=False)
    org.edit(random.Random(2), 2)
    capture_with(ada)
    with pytest.raises(Refused) as caught:
        capture_with(bob)
    assert tip(bob.folder, "snapshots/us1")[:12] in caught.value.message
    assert tip(hub, "snapshots/us1")[:12] in caught.value.message
    assert "git branch -f snapshots/us1 origin/snapshots/us1" in caught.value.hint
    for branch in ("snapshots/us1", "journal/us1"):
        git(bob.folder, "branch", f"kept/{branch}", branch)
        git(bob.folder, "branch", "-f", branch, f"origin/{branch}")
    assert capture_with(bob).pushed


def test_an_unreachable_remote_stops_the_run_unless_offline(
    transport: None, runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    ada, bob = runner("ada"), runner("bob")
    capture_with(ada)
    org.edit(random.Random(1), 2)
    hub.rename(hub.with_name("gone.git"))
    with pytest.raises(RemoteError) as caught:
        capture_with(ada)
    assert "origin did not answer" in caught.value.message
    assert "--offline" in caught.value.hint
    assert ada.count("journal/us1") == 1
    result = capture_with(ada, push=False, offline=True)
    assert result.committed
    assert any("--offline" in warning for warning in result.warnings)
    with pytest.raises(Refused, match="snapshots/us1 is not here"):
        capture_with(bob, offline=True)
    assert git(bob.folder, "for-each-ref", "refs/heads/snapshots").strip() == ""
    hub.with_name("gone.git").rename(hub)
    assert capture_with(ada).pushed
    assert tip(hub, "snapshots/us1") == result.commit


def test_offline_a_branch_is_made_from_what_was_last_seen(
    runner: Callable[..., Backup], hub: Path, tmp_path: Path
) -> None:
    ada = runner("ada")
    first = capture_with(ada)
    git(ada.folder, "push", "--quiet", "origin", "main")
    git(tmp_path, "clone", "--quiet", "--branch", "main", hub.as_uri(), "ci")
    there = replace(ada, folder=tmp_path / "ci")
    hub.rename(hub.with_name("gone.git"))
    assert capture_with(there, offline=True, push=False).commit == first.commit


def test_a_push_that_is_declined_is_partial_and_made_up_for(
    runner: Callable[..., Backup], hub: Path
) -> None:
    ada = runner("ada")
    hook = hub / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    result = capture_with(ada)
    assert (result.committed, result.pushed) == (True, False)
    assert exit_code(result) == ExitCode.PARTIAL
    assert any("nothing was pushed to origin" in warning for warning in result.warnings)
    assert tip(ada.folder, "snapshots/us1") == result.commit
    hook.unlink()
    assert capture_with(ada).pushed
    assert tip(hub, "snapshots/us1") == result.commit
    assert count(hub, "journal/us1") == 2


def test_a_failed_run_is_published_too(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    from ddsnap.errors import AuthError

    ada = runner("ada")
    capture_with(ada)
    org.api_key = "another"
    wrong = replace(ada, org=_with_key(org, "sandbox-api-wrong"))
    with pytest.raises(AuthError):
        capture_with(wrong)
    assert record(hub)["state"] == "failed"
    assert count(hub, "snapshots/us1") == 1


def _with_key(org: SandboxOrg, key: str) -> Any:
    class Other:
        name, api_key, app_key = org.name, key, org.app_key

    return Other()


def test_a_fresh_shallow_clone_captures_and_pushes(
    runner: Callable[..., Backup], hub: Path, org: SandboxOrg, tmp_path: Path
) -> None:
    ada = runner("ada")
    git(ada.folder, "push", "--quiet", "origin", "main")
    for number in range(3):
        capture_with(ada)
        org.edit(random.Random(number), 2)
    git(tmp_path, "clone", "--quiet", "--depth=1", "--branch=main", hub.as_uri(), "ci")
    there = replace(ada, folder=tmp_path / "ci")
    result = capture_with(there)
    assert (result.committed, result.pushed) == (True, True)
    assert int(git(there.folder, "rev-list", "--count", "snapshots/us1")) == 2
    assert count(hub, "snapshots/us1") == 4
    assert count(hub, "journal/us1") == 4
    never_forced(hub)


def test_two_orgs_of_one_repository_at_once(
    sandbox: Sandbox, runner: Callable[..., Backup], hub: Path, org: SandboxOrg
) -> None:
    us1 = runner("shared")
    eu1 = replace(us1, org=sandbox.add_org("eu1", seed=4, size=SIZE))
    failures: list[BaseException] = []

    def work(backup: Backup) -> None:
        try:
            for number in range(4):
                assert capture_with(backup).pushed
                backup.org.edit(random.Random(number), 2)
        except BaseException as error:  # noqa: BLE001 - told by the test
            failures.append(error)

    threads = [threading.Thread(target=work, args=(backup,)) for backup in (us1, eu1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    for name in ("us1", "eu1"):
        assert count(hub, f"journal/{name}") == 4
        assert tip(hub, f"snapshots/{name}") == tip(us1.folder, f"snapshots/{name}")
    never_forced(hub)


@pytest.mark.torture
def test_several_orgs_by_several_processes(sandbox: Sandbox, hub: Path, tmp_path: Path) -> None:
    """No commit that a runner was told is published is lost, and nothing is forced.

    DDSNAP_TORTURE makes it ten orgs, four runners and twenty rounds.
    """
    torture = bool(os.environ.get("DDSNAP_TORTURE"))
    orgs, runners, rounds = (10, 4, 20) if torture else (3, 3, 3)
    made = [sandbox.add_org(f"org{number}", seed=number, size=SIZE) for number in range(orgs)]
    script = Path(__file__).parent.parent / "runners.py"
    processes = [
        subprocess.Popen(
            [sys.executable, str(script), str(tmp_path / f"runner{number}"), hub.as_uri(),
             sandbox.url, ",".join(org.name for org in made), str(rounds), str(number)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(runners)
    ]  # fmt: skip
    rng = random.Random(5)
    while any(process.poll() is None for process in processes):
        rng.choice(made).edit(rng, 1)
        threading.Event().wait(0.1)
    told = []
    for process in processes:
        out, said = process.communicate()
        assert process.returncode == 0, said
        told += [json.loads(line) for line in out.splitlines()]
    assert len(told) == orgs * runners * rounds
    for run in told:
        assert run["pushed"]
        git(hub, "merge-base", "--is-ancestor", run["snapshot"], f"snapshots/{run['org']}")
        git(hub, "merge-base", "--is-ancestor", run["journal"], f"journal/{run['org']}")
    for org in made:
        assert count(hub, f"journal/{org.name}") == runners * rounds
        runs = git(
            hub, "log", "--format=%(trailers:key=Ddsnap-Run,valueonly)", f"journal/{org.name}"
        )
        assert len(set(runs.split())) == runners * rounds
    never_forced(hub)
