"""The one place where errors become messages and exit codes; no traceback leaves it."""

from __future__ import annotations

import errno
import signal
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import click

from ddsnap.errors import DdsnapError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ddsnap.cli.context import App

_OF_THE_MACHINE: Final = frozenset(
    {
        errno.EACCES, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EISDIR, errno.EMFILE,
        errno.ENFILE, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS, errno.ESTALE,
    }
)  # fmt: skip
"""Failures of the machine, which are no bugs of ddsnap."""


def run_guarded(app: App, argv: Sequence[str], work: Callable[[], ExitCode]) -> ExitCode:
    """Do the work; whatever it raises is told in at most three lines and becomes an exit code."""
    try:
        try:
            with _signals_interrupt():
                code = work()
        except BrokenPipeError:
            raise
        except click.exceptions.Exit as ended:
            code = ExitCode(ended.exit_code)
        except (KeyboardInterrupt, click.Abort):
            app.terminal.persist()  # the terminal may be what has gone
            code = _tell(app, argv, ExitCode.INTERRUPTED, f"interrupted: {app.if_interrupted}")
        except DdsnapError as error:
            code = _tell(app, argv, error.code, error.message, error.hint)
        except click.ClickException as error:
            code = _tell(app, argv, ExitCode.USAGE, error.format_message(), _help_hint(error))
        except Exception as error:  # noqa: BLE001 - the boundary
            code = _unexpected(app, argv, error)
        app.terminal.stdout.flush()
    except OSError as error:  # what is to be told cannot be written
        code = ExitCode.FAILED
        app.terminal.persist()
        if not isinstance(error, BrokenPipeError):
            app.terminal.error(f"cannot write the output: {error.strerror}")
        app.terminal.stdout.flush()
        app.terminal.stderr.flush()
    return code


def _tell(app: App, argv: Sequence[str], code: ExitCode, message: str, hint: str = "") -> ExitCode:
    from ddsnap.core.secrets import scrub  # noqa: PLC0415 - for errors only

    terminal = app.terminal
    message, hint = (scrub(text, app.known_secrets()) for text in (message, hint))
    if terminal.json or "--json" in argv:  # a mistake may stand before the option
        terminal.json = True
        terminal.event("error", code=int(code), message=message, hint=hint)
    terminal.error(message, hint)
    return code


def _help_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"see '{context.command_path if context else 'ddsnap'} --help'"


def _unexpected(app: App, argv: Sequence[str], error: Exception) -> ExitCode:
    if isinstance(error, OSError) and error.errno in _OF_THE_MACHINE:
        where = f": {error.filename}" if error.filename else ""
        return _tell(app, argv, ExitCode.FAILED, f"{error.strerror}{where}", app.if_interrupted)
    from ddsnap.cli.report import write_report  # noqa: PLC0415 - for bugs only

    path = write_report(app, argv, error)
    message = f"this is a bug in ddsnap ({type(error).__name__})"
    return _tell(app, argv, ExitCode.BUG, message, f"a report without secrets is in {path}")


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """Let SIGTERM and SIGHUP end a run as Ctrl-C does: in order, with a word on what to do next."""

    def interrupt(number: int, _: object) -> None:
        if number != signal.SIGTERM:  # a terminal that goes says so more than once
            signal.signal(number, signal.SIG_IGN)
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]
    # What nohup has made the process deaf to stays so.
    heard = {number: signal.getsignal(number) for number in numbers}
    heard = {number: before for number, before in heard.items() if before is not signal.SIG_IGN}
    for number in heard:
        signal.signal(number, interrupt)
    try:
        yield
    finally:
        for number, before in heard.items():
            signal.signal(number, before)
