"""What is written down when ddsnap itself is at fault: versions and traceback, never a secret."""

from __future__ import annotations

import platform
import re
import sys
import tempfile
import time
import traceback
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ddsnap import __version__
from ddsnap.core.secret_forms import hide

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from ddsnap.cli.context import App

_PACKAGES: Final = ("click", "dulwich", "jsonpatch", "orjson", "requests", "rich", "ruamel.yaml")
_SECRET_NAME = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_SHORTEST: Final = 5
"""Shorter values are no secrets, and hiding them would leave nothing to read."""


def write_report(app: App, argv: Sequence[str], error: Exception) -> Path:
    """Write the report beside the repository's own files, else among temporary ones."""
    text = scrub(_report(argv, error), [*app.secrets, *_from_env(app), *_from_options(argv)])
    name = f"report-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{error.__class__.__name__}-"
    folder = app.directory / ".git"
    if folder.is_dir():
        try:
            (folder / "ddsnap").mkdir(exist_ok=True)
            return _save(folder / "ddsnap", name, text)
        except OSError:
            pass
    return _save(Path(tempfile.gettempdir()), f"ddsnap-{name}", text)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """Return ``text`` without ``secrets``, the longest first, nor what has a secret's form."""
    for secret in sorted(set(secrets), key=len, reverse=True):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, "***")
    return hide(text, "***")


def _report(argv: Sequence[str], error: Exception) -> str:
    installed = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    trace = "".join(traceback.format_exception(error))
    return (
        f"ddsnap {__version__}\npython {sys.version}\n{platform.platform()}\n{installed}\n"
        f"arguments: {' '.join(argv)}\n\n{trace}"
    )


def _save(folder: Path, name: str, text: str) -> Path:
    """Make a file that nobody else can read."""
    with tempfile.NamedTemporaryFile(
        "w", dir=folder, prefix=name, suffix=".txt", delete=False, encoding="utf-8",
        errors="backslashreplace",
    ) as file:  # fmt: skip
        file.write(text)
    return Path(file.name)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "missing"


def _from_env(app: App) -> list[str]:
    return [value for name, value in app.env.items() if _SECRET_NAME.search(name)]


def _from_options(argv: Sequence[str]) -> list[str]:
    """The values of options that give a key: ``--to-api-key X`` and ``--to-api-key=X``."""
    found = []
    for option, following in zip(argv, [*argv[1:], ""], strict=True):
        name, joined, value = option.partition("=")
        if name.startswith("--") and _SECRET_NAME.search(name):
            found.append(value if joined else following)
    return found
