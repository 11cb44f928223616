"""Filters on the command line and in ddsnap.yaml: where they lead, and mistakes in them."""

import re

import click
import pytest
from click.testing import CliRunner

from ddsnap.catalog import CATALOG
from ddsnap.cli.main import main
from ddsnap.cli.options import selection_options
from ddsnap.cli.runs import arguments_of, scope_of
from ddsnap.config import Capture, Config, parse
from ddsnap.core.select import Selection, parse_filter
from ddsnap.errors import ConfigError, ExitCode, UsageError
from ddsnap.store.repository import Repository

CONFIG = b"version: 1\norgs: {us1: {api_url: 'http://127.0.0.1:9'}}\n"
MONITORS = 'monitors:$[?@.name == "x"]'


@pytest.fixture
def repository(tmp_path, monkeypatch):
    for name in ("DDSNAP_REPO", "DD_API_KEY", "DD_APP_KEY", "DD_SITE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    with Repository.init(tmp_path / "backup", {"ddsnap.yaml": CONFIG}, "Start") as repository:
        monkeypatch.chdir(repository.path)
        yield repository


def narrowing(*texts):
    return Selection(tuple(parse_filter(text, CATALOG) for text in texts))


@pytest.mark.parametrize(
    ("options", "said", "mend"),
    [
        (
            ["--filter", "monitors:$[?@.name = 'x']"],
            "column 20: unexpected filter selector token '='",
            "==",
        ),
        (
            ["--filter", "Type=monitors;Nmae=name;Value=x"],
            "column 15: no key is called 'Nmae' (did you mean 'Name'?)",
            "keys: Type, Name, Value, Operator",
        ),
        (
            ["--filter", "Type=monitors;Name=nmae;Value=x;Operator=Not"],
            "column 20: monitors have no field 'nmae'",
            "TYPE:JSONPATH",
        ),
        (
            ["--filter", "monitor:$[?@.name]"],
            "column 1: no type is called 'monitor' (did you mean 'monitors'?)",
            "types: ",
        ),
        (["--filter", "monitors"], "column 1: no type", "write TYPE:JSONPATH"),
        (["--filter", MONITORS, "--filter", ""], "column 1: no type", "write TYPE:JSONPATH"),
        (["--name", "(prod"], "column 8: bad regex: missing )", ""),
        (["--tag", ""], "--tag is empty", "leave it out"),
        (["--id", ""], "--id is empty", "leave it out"),
        (
            ["--type", "dashboards", "--filter", MONITORS],
            "a filter names monitors, which this run does not read",
            "--type",
        ),
        (["--exclude", "monitors", "--filter", MONITORS], "no type is left to read", "--exclude"),
    ],
)
def test_a_mistake_on_the_command_line_ends_with_2_and_its_place(
    repository, capsys, options, said, mend
):
    assert main(["capture", *options]) == ExitCode.USAGE
    error, _, hint = capsys.readouterr().err.partition("hint:")
    assert said in error
    assert mend in hint
    assert repository.branch("journal/us1") is None


@pytest.mark.parametrize(
    ("capture", "said"),
    [
        (
            "\n  filters:\n    - 'monitors:$[?@.name = \"x\"]'\n",
            r"ddsnap.yaml:5:7: capture.filters\[0\]: filter '.*', column 20: unexpected",
        ),
        (
            "\n  filters: [--tag a, 'Type=monitors;Name=name']\n",
            r"ddsnap.yaml:4:22: capture.filters\[1\]: filter '.*', column 24: Value is missing",
        ),
        (
            f"{{exclude: [monitors], filters: ['{MONITORS}']}}\n",
            "ddsnap.yaml: capture.filters name monitors, which is not captured",
        ),
        (
            "{exclude: [monitors]}\n",
            "monitors is not among the types that ddsnap.yaml captures",
        ),
    ],
)
def test_a_mistake_in_the_file_ends_with_2_and_its_place(repository, capsys, capture, said):
    (repository.path / "ddsnap.yaml").write_bytes(CONFIG + f"capture: {capture}".encode())
    options = [] if "filters" in capture else ["--filter", MONITORS]
    assert main(["capture", *options]) == ExitCode.USAGE
    assert re.search(said, capsys.readouterr().err)


def test_without_types_to_know_the_file_is_read_and_the_scope_finds_the_mistake():
    config = parse(CONFIG + b"capture: {filters: ['monitors:name']}\n", "conf.yaml")
    assert config.capture.filters == ("monitors:name",)
    with pytest.raises(ConfigError, match=r"conf\.yaml: capture\.filters: .*, column 10"):
        scope_of(config)


def test_filters_of_the_file_are_the_scope_and_those_of_the_command_line_narrow_it():
    config = Config(1, capture=Capture(filters=("--tag a", MONITORS)))
    scope = scope_of(config)
    assert scope.selection.describe() == ("--tag a", MONITORS)
    assert not scope.narrowing
    assert scope.only == frozenset()
    narrowed = scope_of(config, narrowing=narrowing("dashboards:$[0]"))
    assert narrowed.selection == scope.selection
    assert narrowed.narrowing.describe() == ("dashboards:$[0]",)
    assert narrowed.types == scope.types


@pytest.mark.parametrize(
    ("filters", "only", "exclude", "read"),
    [
        ([MONITORS], (), (), {"monitors"}),
        ([MONITORS, "Type=dashboards;Name=title;Value=x"], (), (), {"monitors", "dashboards"}),
        ([MONITORS], ("monitors,roles",), (), {"monitors", "roles"}),
        ([MONITORS], (), ("roles",), {"monitors"}),
        ([MONITORS, "--tag a"], (), (), set()),
        (["--id 1"], (), (), set()),
        (["--id 1"], ("roles",), (), {"roles"}),
        (["--id 1"], (), ("roles",), set(CATALOG.names) - {"roles"}),
    ],
)
def test_a_run_reads_the_types_that_its_filters_name(filters, only, exclude, read):
    """Of none in ``only`` every type is read, without having been asked for by name."""
    scope = scope_of(Config(1), only, exclude, narrowing=narrowing(*filters))
    assert scope.only == read
    assert set(scope.types) == set(CATALOG.names)


def test_a_filter_on_what_the_file_leaves_out_is_a_mistake():
    config = Config(1, capture=Capture(types=("roles", "users")))
    with pytest.raises(UsageError, match="monitors is not among the types"):
        scope_of(config, narrowing=narrowing(MONITORS))


@click.command()
@selection_options
@click.option("--dry-run", is_flag=True)
@click.pass_context
def selecting(context, dry_run, selection):
    for text in selection.describe():
        click.echo(text)
    click.echo(f"{dry_run} {' '.join(arguments_of(context))}")


def test_a_command_gets_its_filters_as_one_selection():
    words = ["--tag", "a", "--id", "7", "--name", "^x", "--filter", MONITORS, "--tag", "b,c"]
    done = CliRunner().invoke(selecting, [*words, "--dry-run"])
    *told, last = done.output.splitlines()
    assert told == ["--id 7", "--name ^x", "--tag a", "--tag b,c", MONITORS]
    assert last.startswith("True selecting ")
    assert all(word in last for word in words)
    assert CliRunner().invoke(selecting, []).output == "False selecting\n"
