"""Kill a Python program at any step that it takes on the file system.

``run_killed_at_step`` runs a program in a process of its own; just before its Nth step below a
folder (creating, writing out, renaming, linking, removing, syncing ...), or the Nth of those whose
names hold a text, that process gets SIGKILL.
``steps_until_done`` does so for N = 1, 2, ... until the program gets through.
"""

from __future__ import annotations

import os
import runpy
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_CHANGES = {
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.utime",
    "shutil.rmtree",
}
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


@dataclass(frozen=True)
class Crash:
    """How a run ended: killed, or by itself with this code, and the last step that it took."""

    killed: bool
    code: int
    step: str
    stdout: str
    stderr: str


def run_killed_at_step(
    argv: Sequence[str], step: int, root: Path, trace: Path, timeout: float = 120, among: str = ""
) -> Crash:
    """Run ``python argv`` (``-m module ...`` or ``script ...``) and kill it at its Nth step.

    Only steps below ``root`` whose names hold ``among`` count; ``trace`` is a file outside of it
    that collects the names of all steps below it.
    """
    trace.unlink(missing_ok=True)
    ran = subprocess.run(
        [sys.executable, "-B", __file__, str(step), among, str(root), str(trace), *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )
    steps = trace.read_text().splitlines() if trace.exists() else []
    killed = ran.returncode == -signal.SIGKILL
    return Crash(killed, ran.returncode, steps[-1] if steps else "", ran.stdout, ran.stderr)


def steps_until_done(argv: Sequence[str], root: Path, trace: Path) -> Iterator[tuple[int, Crash]]:
    """Yield every step's crash, then the run that was not killed; the caller resets ``root``."""
    step = 0
    while True:
        step += 1
        crash = run_killed_at_step(argv, step, root, trace)
        yield step, crash
        if not crash.killed:
            return


class _Killer:
    """Counts the steps, in the process that is to die at one of them."""

    def __init__(self, step: int, among: str, root: str, trace: str) -> None:
        self.left = step
        self.among = among
        self.root = os.path.realpath(root)
        self.trace = os.open(trace, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self.write = os.write

    def audit(self, event: str, arguments: tuple[object, ...]) -> None:
        if event == "open":
            flags = arguments[2]
            if isinstance(flags, int) and flags & _WRITING:
                self.step("open", arguments[:1])
        elif event in _CHANGES:
            self.step(event, arguments[:2])

    def on_descriptor(self, name: str) -> Callable[..., object]:
        """Wrap a function of ``os`` that takes an open file, which Python does not audit."""
        real = getattr(os, name)

        def counted(descriptor: int, *rest: object) -> object:
            self.step(f"os.{name}", (_path_of(descriptor),))
            return real(descriptor, *rest)

        return counted

    def step(self, name: str, paths: tuple[object, ...]) -> None:
        texts = [os.fsdecode(path) for path in paths if isinstance(path, (str, bytes, os.PathLike))]
        if not any(os.path.abspath(text).startswith(self.root) for text in texts):  # noqa: PTH100
            return
        told = f"{name} {' '.join(texts)}"
        self.write(self.trace, f"{told}\n".encode("utf-8", "replace"))
        self.left -= self.among in told
        if self.left == 0 and self.among in told:
            os.kill(os.getpid(), signal.SIGKILL)


def _path_of(descriptor: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{descriptor}").readlink())
    except OSError:
        return ""


def _main(step: str, among: str, root: str, trace: str, *argv: str) -> None:
    killer = _Killer(int(step), among, root, trace)
    for name in ("fsync", "write", "ftruncate"):
        setattr(os, name, killer.on_descriptor(name))
    sys.addaudithook(killer.audit)
    if argv[0] == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv = list(argv[1:])
        runpy.run_module(argv[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = str(Path(argv[0]).parent)
        sys.argv = list(argv)
        runpy.run_path(argv[0], run_name="__main__")


if __name__ == "__main__":
    _main(*sys.argv[1:])
