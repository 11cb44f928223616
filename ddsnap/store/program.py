"""The system's git, where there is one: asks nothing, bounded in time, silent about secrets."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ddsnap.store.signing import get

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.store.repository import Repository

_ELSEWHERE: Final = (
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_DIR",
    "GIT_INDEX_FILE",
    "GIT_NAMESPACE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_WORK_TREE",
    "SSH_ASKPASS",
)
"""What would point git at another repository, or open a window and wait for somebody."""

_USER = re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^/@\s'\"]+@", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ran:
    """What git said; ``code`` is 0 where all went well."""

    code: int
    out: str
    said: str

    @property
    def reason(self) -> str:
        """Why it failed, in one line without credentials."""
        lines = [line.strip() for line in self.said.splitlines() if line.strip()]
        telling = [
            line for line in lines if line.startswith(("fatal:", "error:", "remote:", "ssh:"))
        ]
        text = "; ".join(telling or lines[-1:]) or f"git ended with {self.code}"
        return without_credentials(text)


def without_credentials(text: str) -> str:
    """Return ``text`` with its addresses stripped of users, passwords and tokens."""
    return _USER.sub(r"\1", text)


def find_git() -> str | None:
    """Return the path of the system's git."""
    return shutil.which("git")


def run_git(repo: Repository, git: str, words: Sequence[str], patience: float) -> Ran:
    """Run git on the repository; what takes longer than ``patience`` seconds is ended."""
    command = [git, "-c", "gc.auto=0", "-c", "maintenance.auto=false", *words]
    with subprocess.Popen(
        command,
        cwd=repo.path,
        env=_environment(repo),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=sys.platform != "win32",  # so that its ssh ends with it
    ) as process:
        try:
            out, said = process.communicate(timeout=patience)
        except subprocess.TimeoutExpired:
            _end(process)
            return Ran(-1, "", f"fatal: no answer within {patience:g} s")
        except BaseException:
            _end(process)
            raise
    return Ran(process.returncode, _text(out), _text(said))


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End git and what it has started."""
    if sys.platform == "win32":
        process.kill()
    else:
        os.killpg(process.pid, signal.SIGKILL)


def _environment(repo: Repository) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    quiet = {
        "GCM_INTERACTIVE": "never",
        "GIT_NO_REPLACE_OBJECTS": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
    slow = {"GIT_HTTP_LOW_SPEED_LIMIT": "1", "GIT_HTTP_LOW_SPEED_TIME": "60"}
    return slow | kept | quiet | _ssh(repo)


def _ssh(repo: Repository) -> dict[str, str]:
    """Have OpenSSH ask nothing; another program than that is left as it was set."""
    configured = get(repo.config, "core", "sshcommand").decode("utf-8", "surrogateescape")
    command = os.environ.get("GIT_SSH_COMMAND", "") or configured
    if not command and "GIT_SSH" in os.environ:
        return {}
    command = command or "ssh"
    if Path(command.split()[0]).name not in ("ssh", "ssh.exe"):
        return {}
    return {"GIT_SSH_COMMAND": f"{command} -o BatchMode=yes -o ConnectTimeout=30"}
