"""A filter that holds for nothing: refused on the command line, named in the configuration."""

import pytest

from ddsnap.errors import ExitCode
from ddsnap.sandbox import Fault

NOWHERE = (
    ("--id", "no-such-id"),
    ("--name", "^nothing is called this$"),
    ("--tag", "no:such-tag"),
    ("--filter", 'monitors:$[?@.name == "nothing is called this"]'),
    ("--filter", "Type=dashboards;Name=title;Value=nothing;Operator=ExactMatch"),
)


@pytest.mark.parametrize("options", NOWHERE, ids=lambda options: " ".join(options)[:20])
@pytest.mark.parametrize("again", [False, True])
def test_on_the_command_line_it_is_a_mistake(console, options, again):
    console.add("us1")
    if again:
        console("capture")
    refs = console.git("for-each-ref")
    # In a first run, policies are not known as a whole: they are read through other types.
    known = () if again or options[0] == "--filter" else ("--type", "monitors,dashboards")
    done = console("capture", *options, *known)
    assert done.code == ExitCode.USAGE
    assert (
        f"no resource of us1 passes the filter {options[1 if options[0] == '--filter' else 0]}"
        in (done.err)
    )
    assert console.git("for-each-ref") == refs


def test_one_that_holds_for_what_needs_no_reading_is_none(console):
    org = console.add("us1")
    console("capture")
    id_, board = next(iter(org.table("dashboards").items()))
    before = console.sandbox.count("GET", "/api/v1/dashboard/{dashboard_id}")
    assert console("capture", "--id", id_).code == 0
    assert console("capture", "--filter", f"dashboards:$[?@.title == '{board['title']}']").code == 0
    assert console.sandbox.count("GET", "/api/v1/dashboard/{dashboard_id}") == before
    del org.table("dashboards")[id_]
    done = console("capture", "--type", "dashboards", "--id", id_)
    assert (done.code, " deleted" in done.out) == (0, True)
    assert console("capture", "--type", "dashboards", "--id", id_).code == ExitCode.USAGE


def test_where_not_all_was_read_nobody_knows(console):
    console.add("us1")
    console("capture")
    console.sandbox.faults.add(Fault(path="/api/v1/monitor$", status=503))
    option = ("--filter", 'monitors:$[?@.name == "nothing is called this"]')
    assert console("capture", *option, "--retries", "0").code == ExitCode.PARTIAL


def test_in_the_configuration_it_is_named_and_the_backup_is_made(console):
    org = console.add("us1")
    role = next(iter(org.table("roles").values()))["attributes"]["name"]
    console.configure(
        "capture: {filters: ['monitors:$[?@.name == \"nothing\"]',"
        f" 'roles:$[?@.attributes.name == \"{role}\"]']}}"
    )
    for _ in range(2):
        done = console("capture")
        assert done.code == 0
        (told,) = [line for line in done.err.splitlines() if "no resource passes" in line]
        assert told.startswith("warning: us1: ")
        assert 'monitors:$[?@.name == "nothing"] of capture.filters' in told
    listed = console.documents("snapshots/us1")
    assert not [path for path in listed if path.startswith("monitors/")]
    assert len([path for path in listed if path.startswith("roles/")]) == 1
