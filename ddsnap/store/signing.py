"""Who commits, and the signature where git's configuration asks for one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from dulwich.signature import GPGCliSignatureVendor, SSHCliSignatureVendor, X509SignatureVendor

from ddsnap.store.references import Note

if TYPE_CHECKING:
    from dulwich.config import Config

_FALLBACK = {"name": b"ddsnap", "email": b"ddsnap@localhost"}
_CRUD = bytes.maketrans(b"\n\0<>", b"    ")


def identity(config: Config, role: str) -> bytes:
    """Return ``Name <email>`` for a role, ``author`` or ``committer``, as git would choose it."""
    return _field(config, role, "name") + b" <" + _field(config, role, "email") + b">"


def _field(config: Config, role: str, field: str) -> bytes:
    value = os.environ.get(f"GIT_{role.upper()}_{field.upper()}", "").encode(
        "utf-8", "surrogateescape"
    )
    value = value or get(config, role, field) or get(config, "user", field)
    return value.translate(_CRUD).strip() or _FALLBACK[field]


def get(config: Config, section: str, name: str) -> bytes:
    """Return a value of git's configuration, empty where there is none."""
    try:
        return config.get((section.encode(),), name.encode())
    except KeyError:
        return b""


def sign(config: Config, commit: bytes, committer: bytes) -> tuple[bytes, Note | None]:
    """Return the signature that the configuration asks for (maybe empty), and what went wrong."""
    try:
        if not config.get_boolean((b"commit",), b"gpgsign", default=False):
            return b"", None
        return _signature(config, commit, committer), None
    except subprocess.CalledProcessError as error:
        reason = (error.stderr or b"").decode("utf-8", "replace").strip() or str(error)
    except (OSError, ValueError) as error:
        reason = str(error)
    return b"", Note(
        f"the commit is not signed: {reason}",
        "mend user.signingKey, gpg.format and the agent, or set commit.gpgSign to false",
    )


def _signature(config: Config, commit: bytes, committer: bytes) -> bytes:
    form = get(config, "gpg", "format").decode() or "openpgp"
    key = get(config, "user", "signingkey").decode("utf-8", "surrogateescape")
    if form == "openpgp":
        # Without a key git names the committer, too.
        return GPGCliSignatureVendor.from_config(config).sign(commit, key or committer.decode())
    if form == "x509":
        return X509SignatureVendor.from_config(config).sign(commit, key or committer.decode())
    if form == "ssh":
        path = str(Path(key).expanduser()) if key else None
        return SSHCliSignatureVendor.from_config(config).sign(commit, path)
    raise ValueError(f"gpg.format is {form!r}, which is unknown")
