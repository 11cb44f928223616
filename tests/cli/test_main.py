"""The command line as a whole, in this process; test_process.py runs it as others do."""

import errno
import importlib
import json
import re
from pathlib import Path

import click
import pytest

from ddsnap import __version__
from ddsnap.cli import main as main_module
from ddsnap.cli.main import COMMANDS, cli, main
from ddsnap.cli.report import scrub
from ddsnap.errors import DdsnapError, ExitCode, Refused, UnstorableError, UsageError


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch, tmp_path):
    for name in ("DDSNAP_REPO", "NO_COLOR", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def failing(monkeypatch):
    """Make the command ``types`` raise."""

    def install(error):
        @click.command()
        @click.option("--api-key")
        @click.pass_obj
        def types(app, api_key):
            app.secrets.add("an-app-key-of-this-run")
            raise error

        module = importlib.import_module("ddsnap.cli.commands.types")
        monkeypatch.setattr(module, "types", types)

    return install


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (UsageError("no such org", "known: us1"), 2, "error: no such org\nhint: known: us1\n"),
        (Refused("another org"), 6, "error: another org\n"),
        (DdsnapError("two\nlines", "and\nmore"), 1, "error: two\\nlines\nhint: and\\nmore\n"),
        (UnstorableError("too deep", "/a"), 1, "error: too deep\n"),
        (OSError(errno.ENOSPC, "No space left on device", "x"), 1, "No space left on device: x\n"),
        (KeyboardInterrupt(), 130, "error: interrupted: nothing is half-written"),
        (click.Abort(), 130, "error: interrupted"),
        (click.UsageError("odd"), 2, "error: odd\nhint: see 'ddsnap types --help'\n"),
    ],
)
def test_every_error_is_a_code_and_at_most_three_lines(failing, capsys, error, code, said):
    failing(error)
    assert main(["types"]) == code
    out, err = capsys.readouterr()
    assert out == ""
    assert said in err
    assert err.count("\n") <= 3


def test_with_json_an_error_is_an_event_too(failing, capsys):
    failing(UsageError("no such org", "known: us1"))
    assert main(["--json", "types"]) == 2
    out, err = capsys.readouterr()
    expected = {"event": "error", "code": 2, "message": "no such org", "hint": "known: us1"}
    assert json.loads(out) == expected
    assert err == "error: no such org\nhint: known: us1\n"


def test_a_mistake_before_the_option_is_an_event_all_the_same(capsys):
    assert main(["--bogus", "--json"]) == 2
    out, _ = capsys.readouterr()
    assert json.loads(out)["code"] == 2


@pytest.mark.parametrize("in_repository", [True, False])
def test_a_bug_leaves_a_report_and_no_traceback(
    failing, capsys, tmp_path, monkeypatch, in_repository
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("DDSNAP_US1_APP_KEY", "an-app-key-of-the-environment")
    if in_repository:
        (tmp_path / ".git").mkdir()
    failing(ValueError("an-app-key-of-this-run an-api-key-option an-app-key-of-the-environment"))
    assert main(["types", "--api-key", "an-api-key-option"]) == ExitCode.BUG
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" not in err
    assert err.startswith("error: this is a bug in ddsnap (ValueError)\nhint: a report without")
    path = Path(re.search(r"is in (.*)$", err.strip())[1])
    assert path.resolve().parent == (tmp_path / ".git/ddsnap" if in_repository else tmp_path)
    report = path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert f"ddsnap {__version__}\n" in report
    assert "ValueError: *** *** ***" in report
    assert "arguments: types --api-key ***" in report
    assert "Traceback" in report
    assert "dulwich" in report


def test_a_report_hides_the_longest_secret_first():
    assert scrub("abcdefgh abcdef 1", ["abcdef", "abcdefgh", "1", ""]) == "*** *** 1"


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["capure"], "no command is called 'capure'"),
        (["tpes"], "no command is called 'tpes' (did you mean 'types'?)"),
        (["types", "--nope"], "No such option"),
        (["completion", "tcsh"], "'tcsh' is not one of"),
        (["-C", "nowhere", "types"], "'nowhere' does not exist"),
        (["sandbox", "--org", "main"], "'main' cannot name an org"),
        (["init", "--org", "US1"], "'US1' cannot name an org"),
        (["init", "--site", "https://app.datadoghq.eu:x"], "is not the address of an API"),
    ],
)
def test_mistakes_on_the_command_line(capsys, argv, said):
    assert main(argv) == ExitCode.USAGE
    assert said in capsys.readouterr().err


def test_the_site_is_checked_and_the_right_one_named(capsys, tmp_path):
    assert main(["init", "x", "--site", "app.datadoghq.eu"]) == ExitCode.USAGE
    assert "datadoghq.eu" in capsys.readouterr().err.split("hint:")[1]
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("argv", [["--json", "types"], ["types", "--json"]])
def test_global_options_are_good_on_both_sides_of_the_command(capsys, argv):
    assert main(argv) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {row["event"] for row in rows} == {"type"}


def test_types_shows_what_is_captured_and_what_is_only_declared(capsys):
    assert main(["--json", "types"]) == 0
    rows = {row["type"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows["monitors"]["state"] == "captured"
    assert "roles" in rows["monitors"]["depends_on"]
    assert rows["users"]["permissions"]
    declared = [row for row in rows.values() if row["state"] == "declared"]
    assert all(row["lacks"] for row in declared)
    assert main(["types"]) == 0
    assert re.search(r"^monitors +\S+ +captured", capsys.readouterr().out, re.MULTILINE)


def test_the_help_names_every_command_and_every_command_has_help(capsys):
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(summary)}$", shown, re.MULTILINE)
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert command.name == name
        assert command.help
        assert all(p.help for p in command.params if isinstance(p, click.Option)), name
        assert main([name, "--help"]) == 0
        usage, _, told = capsys.readouterr().out.partition("\n\n")
        assert usage.startswith(f"Usage: ddsnap {name}")
        assert re.search(rf'^  (eval "\$\()?ddsnap {name}\b', told, re.MULTILINE), "no example"


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"ddsnap {__version__}\n"


def test_no_command_at_all_is_a_question_for_help(capsys):
    assert main([]) == ExitCode.USAGE
    assert "Usage: ddsnap" in "".join(capsys.readouterr())


def test_help_imports_no_command():
    assert not [name for name in COMMANDS if name in vars(main_module)]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(capsys, shell):
    assert main(["completion", shell]) == 0
    assert "_DDSNAP_COMPLETE" in capsys.readouterr().out


def test_the_shell_asks_and_is_answered(capsys, monkeypatch):
    monkeypatch.setenv("_DDSNAP_COMPLETE", "bash_complete")
    monkeypatch.setenv("COMP_WORDS", "ddsnap ty")
    monkeypatch.setenv("COMP_CWORD", "1")
    assert main([]) == 0
    assert capsys.readouterr().out.strip() == "plain,types"
