"""The console script: its commands, and the call of the one that is asked for."""

from __future__ import annotations

import os
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from ddsnap import __version__
from ddsnap.cli.boundary import run_guarded
from ddsnap.cli.context import App
from ddsnap.cli.options import global_options
from ddsnap.cli.terminal import Terminal
from ddsnap.errors import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME: Final = "ddsnap"
COMPLETE: Final = "_DDSNAP_COMPLETE"

COMMANDS: Final = {
    "init": "Make a repository with a first ddsnap.yaml.",
    "capture": "Record the configuration of one org, or of all.",
    "diff": "Show what changed between two states.",
    "plan": "Show what a replay would do.",
    "replay": "Write to an org what a snapshot holds.",
    "restore": "Bring back what an org has lost, or how it was.",
    "migration": "End the quiet after a replay into another org.",
    "transform": "Work on the transformations of replays.",
    "log": "Show the snapshots of an org, or the versions of a resource.",
    "show": "Show a snapshot, or one document of it.",
    "status": "Say whether the backup is fresh and complete.",
    "doctor": "Look for what would keep captures from working.",
    "verify": "Check that what is recorded is sound.",
    "types": "Show what is covered, and what it needs.",
    "sandbox": "Run the embedded Datadog.",
    "demo": "Tell the whole story on two sandbox orgs.",
    "completion": "Print the completion of a shell.",
}
"""Each command's line in the help; it is the function of its name in the module of its name."""


class Commands(click.Group):
    """The commands; only the one that is called is imported."""

    def list_commands(self, _: click.Context) -> list[str]:
        """Return the names, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; the global options are good behind its name too."""
        if cmd_name not in COMMANDS:
            return None
        name = cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{NAME}.cli.commands.{name}"), name)
        _take_global_options(command)
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of the help without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; a word that is none leads to the nearest one."""
        if args[0] in COMMANDS or args[0].startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        from difflib import get_close_matches  # noqa: PLC0415 - mistakes only

        near = get_close_matches(args[0], COMMANDS, n=1)
        guess = f" (did you mean '{near[0]}'?)" if near else ""
        raise click.UsageError(f"no command is called '{args[0]}'{guess}", ctx)


def _take_global_options(command: click.Command) -> None:
    """Let a command take the global options behind its name, and each of its own commands too."""
    taken = {option for parameter in command.params for option in parameter.opts}
    for option in global_options(hidden=True):
        if not taken.intersection(option.opts):
            command.params.append(option)
    for inner in command.commands.values() if isinstance(command, click.Group) else ():
        _take_global_options(inner)


def _version(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not context.resilient_parsing:
        click.echo(f"{NAME} {__version__}")
        context.exit()


cli = Commands(
    NAME,
    params=[
        *global_options(),
        click.Option(
            ["--version"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_version,
            help="Show the version and exit.",
        ),
    ],
    help="Git-backed snapshots, drift review and replay for Datadog organizations.",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return the exit code of the process."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    if argv is None:
        _open_streams()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # whatever a title holds can be written
            stream.reconfigure(errors="backslashreplace")
    terminal = Terminal(sys.stdout, sys.stderr, os.environ)
    app = App(terminal, os.environ, Path(os.environ.get("DDSNAP_REPO") or "."))
    code = run_guarded(app, arguments, lambda: _run(app, arguments))
    if argv is None and code is ExitCode.INTERRUPTED:
        os._exit(code)  # threads that still wait for an answer would keep the process
    return int(code)


def _open_streams() -> None:
    """Let a stream that the caller closed lead nowhere: its number must not become a file's."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, number in (("stdin", 0), ("stdout", 1), ("stderr", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(number, "r" if number == 0 else "w", encoding="utf-8"))


def _run(app: App, arguments: list[str]) -> ExitCode:
    instruction = app.env.get(COMPLETE)
    if instruction:
        from click.shell_completion import shell_complete  # noqa: PLC0415 - for shells only

        return ExitCode(shell_complete(cli, {"obj": app}, NAME, COMPLETE, instruction))
    with cli.make_context(NAME, arguments, obj=app) as context:
        result = cli.invoke(context)
    return result if isinstance(result, ExitCode) else ExitCode.DONE
