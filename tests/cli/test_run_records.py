"""What a run answers for: the types that it read; and what it is called, everywhere alike."""

import json
import re

import pytest

from ddsnap.errors import ExitCode
from ddsnap.sandbox import Fault
from ddsnap.sandbox.service import Service

ONCE = ("--retries", "0")


def test_a_narrowed_run_does_not_answer_for_types_it_did_not_read(console):
    console.add("us1")
    assert console("capture").code == 0
    fault = console.sandbox.faults.add(Fault(path="/api/v1/monitor$", status=503))
    assert console("capture", *ONCE).code == ExitCode.PARTIAL
    done = console("capture", "--type", "dashboards", *ONCE)
    assert done.code == 0
    assert "monitors is stale" in done.err
    assert console.journal("us1")["state"] == "done"
    assert console("capture", "--type", "monitors", *ONCE).code == ExitCode.PARTIAL
    console.sandbox.faults.remove(fault)
    assert console("capture", *ONCE).code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 0),
        (("--exclude", "monitors"), 0),
        (("--type", "users"), 4),
        (("--type", "users", "--exclude", "monitors"), 4),
        (("--filter", "users:$[?@.id]"), 4),
        (("--type", "monitors"), 0),
    ],
)
def test_only_what_is_named_must_be_to_be_had(console, arguments, code):
    console.add("us1", size=10)
    console.sandbox.faults.add(Fault(path="/api/v2/users$", status=403))
    assert console("capture", *ONCE).code == 0
    assert console("capture", *arguments, *ONCE).code == code


def test_what_the_configuration_names_must_be_to_be_had(console):
    console.add("us1", size=10)
    console.configure("capture: {types: [users, monitors]}")
    console.sandbox.faults.add(Fault(path="/api/v2/users$", status=403))
    assert console("capture", *ONCE).code == ExitCode.PARTIAL
    assert console("capture", "--type", "monitors", *ONCE).code == 0


def test_requests_and_journal_name_the_same_run(console, monkeypatch):
    seen = set()
    perform = Service.perform

    def watched(service, incoming):
        seen.add(incoming.headers["user-agent"])
        return perform(service, incoming)

    monkeypatch.setattr(Service, "perform", watched)
    console.add("us1", size=5)
    runs = []
    for _ in range(2):
        seen.clear()
        assert console("capture").code == 0
        (agent,) = seen
        runs.append(re.fullmatch(r"ddsnap/\S+ \(run ([0-9a-f]{32})\)", agent)[1])
        assert console.journal("us1")["run"] == runs[-1]
        subject = console.git("log", "-1", "--format=%(trailers:key=Ddsnap-Run)", "journal/us1")
        assert runs[-1] in subject
    assert runs[0] != runs[1]


@pytest.mark.parametrize(("policy", "fewest", "most"), [("always", 4, 4), ("daily", 2, 3)])
def test_unchanged_runs_are_thinned_if_that_is_configured(console, policy, fewest, most):
    console.add("us1", size=5)
    console.configure(f"journal: {{unchanged: {policy}}}")
    for _ in range(4):
        assert console("capture").code == 0
    assert fewest <= int(console.git("rev-list", "--count", "journal/us1")) <= most
    assert json.loads(console.git("show", "journal/us1:run.json"))["snapshot"]["new"] is False
