"""``ddsnap completion``: the script that teaches a shell ddsnap's words."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from ddsnap.cli.context import App


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_obj
def completion(app: App, shell: str) -> None:
    """Print the completion script of a SHELL.

    \b
    eval "$(ddsnap completion bash)"
    """
    from click.shell_completion import get_completion_class  # noqa: PLC0415 - rarely needed

    from ddsnap.cli.main import COMPLETE, NAME, cli  # noqa: PLC0415 - it leads here

    script = get_completion_class(shell)
    if script is not None:
        app.terminal.line(script(cli, {}, NAME, COMPLETE).source())
