"""The keys of a private location's worker, which Datadog answers once: kept outside of git.

They go to ``$XDG_STATE_HOME/ddsnap`` (``~/.local/state/ddsnap``), not into the repository's folder:
that is copied and backed up as a whole, and thrown away with a clone.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ddsnap.core import canonical
from ddsnap.core.fields import value_at
from ddsnap.core.paths import document_path
from ddsnap.core.unheard import Explained
from ddsnap.core.values import Address
from ddsnap.errors import UsageError
from ddsnap.store.owned import sync_folder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from ddsnap.core.values import JSON, JSONObject

LOCATIONS: Final = "synthetics_private_locations"

_HOLDS: Final = ("config", "result_encryption", "private_location.secrets")
"""Where the answer to a creation holds what no later one does."""


def keys_folder(env: Mapping[str, str], org: str) -> Path:
    """Return the folder for an org's worker keys, made and writable.

    Ask for it before a location is created: where there is no such folder, ``UsageError`` says so
    while nothing is lost.
    """
    state = env.get("XDG_STATE_HOME") or env.get("LOCALAPPDATA") or ""
    try:
        # A relative path says nothing, by the XDG base directory specification.
        base = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
        folder = base / "ddsnap" / org
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except (OSError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise UsageError(
            f"there is no folder for the keys of private locations: {reason}",
            "set XDG_STATE_HOME to one that can be written to and outlasts the run",
        ) from None
    return folder


def lost_keys(there: Address) -> str:
    """Say what became of the keys of a location whose creation nobody heard the answer of."""
    return (
        f"the keys of its workers were lost with the answer: delete {there} there, and replay again"
    )


def without_lost_keys(explained: Explained, folder: Callable[[], Path | None]) -> Explained:
    """Let no location pass for whole whose keys were lost with the run that made it."""
    made = {a: id_ for a, id_ in explained.taken.items() if a.type == LOCATIONS}
    at = folder() if made else None
    lost = {
        address: f"the run that was cut off made {there}, and {lost_keys(there)}"
        for address, there in ((a, Address(a.type, id_)) for a, id_ in made.items())
        if at is None or not (at / document_path(there)).exists()
    }
    left = {address: id_ for address, id_ in explained.taken.items() if address not in lost}
    return Explained(left, {**explained.unclear, **lost})


def keep_keys(folder: Path, address: Address, answer: JSON) -> Path | None:
    """Write what only the answer to a creation holds, for its owner alone, and return where.

    ``None`` where it holds nothing of the kind.
    """
    held: JSONObject = {at: value_at(answer, at) for at in _HOLDS if value_at(answer, at)}
    if not held:
        return None
    path = folder / document_path(address)
    try:
        path.parent.mkdir(mode=0o700, exist_ok=True)
        # Made with mode 0600, by mkstemp's own promise.
        descriptor, beside = tempfile.mkstemp(prefix=".", suffix=".new", dir=path.parent)
        with open(descriptor, "wb") as file:  # noqa: PTH123 - of a descriptor
            file.write(canonical.encode(held))
            file.flush()
            os.fsync(descriptor)
        Path(beside).replace(path)
        sync_folder(path.parent)
    except OSError as error:
        raise UsageError(
            f"the worker keys of {address} cannot be kept in {path.parent}: {error.strerror}",
            "delete the location and create it again: Datadog shows its keys only once",
        ) from None
    return path
