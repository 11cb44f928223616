"""Every error that ddsnap raises on purpose, and the exit code that each one leads to.

    DdsnapError
    ├── UsageError            the command line or ddsnap.yaml says something that cannot be done
    │   ├── ConfigError       ... with file, line and column
    │   └── TransformError    a transformation cannot be applied to a resource
    ├── Refused               a guard stopped the run: identity, lock, diverged branch, confirmation
    │   └── LockHeld          another run holds the lock of this org
    ├── StoreError            the git repository cannot be used as it is
    │   ├── Damaged           what is on the disk is not what git wrote there
    │   ├── RefMoved          the branch moved since it was read (compare-and-swap failed)
    │   └── RemoteError       the remote could not be asked, or did not take what was sent
    ├── ApiError              Datadog, or the way to it, did not give what was asked
    │   ├── AuthError         the keys were refused
    │   ├── LostAnswer        a write may have had its effect, but no answer tells
    │   ├── Withheld          a request that would have had to wait was given up, without effect
    │   └── ListingIncomplete a listing gave fewer or other items than it said
    └── UnstorableError       a value that the canonical form cannot hold

Trouble with one resource or one type is an outcome of a run, not an exception that ends it.
"""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process answers to its caller."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    BUG = 3
    PARTIAL = 4
    DIFFERENT = 5
    REFUSED = 6
    INTERRUPTED = 130


# Of several, the first of these is the run's exit code.
_GRAVEST_FIRST = (
    ExitCode.INTERRUPTED,
    ExitCode.BUG,
    ExitCode.USAGE,
    ExitCode.REFUSED,
    ExitCode.FAILED,
    ExitCode.PARTIAL,
    ExitCode.DIFFERENT,
)


def gravest(codes: list[ExitCode]) -> ExitCode:
    """Return the exit code that stands for all of ``codes`` (``DONE`` for none)."""
    return next((code for code in _GRAVEST_FIRST if code in codes), ExitCode.DONE)


class DdsnapError(Exception):
    """The parent: ``message`` says what and where, ``hint`` how to mend it."""

    code = ExitCode.FAILED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(DdsnapError):
    """The caller asked for something that cannot be done as written."""

    code = ExitCode.USAGE


class ConfigError(UsageError):
    """``ddsnap.yaml`` (or a file it names) is wrong at a known place."""


class TransformError(UsageError):
    """A rule cannot be applied to a resource; the message names both, and the operation."""


class Refused(DdsnapError):  # noqa: N818 - it says what happened
    """A guard stopped the run before it did anything."""

    code = ExitCode.REFUSED


class LockHeld(Refused):
    """Another run holds the lock."""


class StoreError(DdsnapError):
    """The git repository is missing, damaged or not ddsnap's."""


class Damaged(StoreError):  # noqa: N818 - it says what happened
    """A part of the repository holds what git never wrote."""


class RefMoved(StoreError):  # noqa: N818 - it says what happened
    """A branch is no longer at the commit that was read from it."""


class RemoteError(StoreError):
    """The remote repository did not give or take what was asked; nothing here is half-done."""


class ApiError(DdsnapError):
    """A request to Datadog failed for good. ``status`` is 0 where no answer came."""

    def __init__(self, message: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(message, hint)
        self.status = status


class AuthError(ApiError):
    """The keys were refused (401, or 403 on the organization itself)."""


class UnstorableError(DdsnapError):
    """A value cannot be written in the canonical form; ``pointer`` says where it is (RFC 6901)."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer
