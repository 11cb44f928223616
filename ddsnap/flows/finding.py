"""What a check found: that all is well, what somebody should look at, or what must be mended."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from ddsnap.errors import ExitCode, UsageError

if TYPE_CHECKING:
    from ddsnap.errors import DdsnapError

Level: TypeAlias = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check-up: ``check`` is its name for programs, ``mend`` what to do about it."""

    level: Level
    check: str
    text: str
    mend: str = ""
    org: str = ""
    code: ExitCode = ExitCode.DONE

    @classmethod
    def failed(cls, check: str, error: DdsnapError, org: str = "") -> Finding:
        """Return what an error means: a mistake in the configuration, or something broken."""
        code = ExitCode.USAGE if isinstance(error, UsageError) else ExitCode.FAILED
        return cls("fail", check, error.message, error.hint, org, code)
