"""A finished replay, as it is told, and what is to be done next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ddsnap.core.outcomes import Outcome, counts
from ddsnap.core.pending import pending
from ddsnap.errors import DdsnapError, ExitCode
from ddsnap.flows.past_replays import CUT
from ddsnap.flows.repeating import again

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.core.pending import Pending
    from ddsnap.flows.prepared import Prepared
    from ddsnap.flows.replay_journal import Mute, State


@dataclass
class Result:
    """A finished replay, as it is told."""

    prepared: Prepared
    outcomes: list[Outcome]
    state: State
    commit: str = ""
    mute: Mute | None = None
    mute_trouble: str = ""
    trouble: DdsnapError | None = None
    pushed: bool | None = None
    warnings: list[str] = field(default_factory=list)
    keys_at: list[str] = field(default_factory=list)
    """Where the keys of new private locations were written."""

    @property
    def org(self) -> str:
        """The destination's name."""
        return self.prepared.run.org

    @property
    def run_id(self) -> str:
        """The run's name in the journal."""
        return self.prepared.run.id

    @property
    def undo(self) -> str:
        """The command that takes the run back; empty where it wrote nothing."""
        muted = self.mute is not None and self.mute.made
        wrote = muted or any(outcome.may_have_written for outcome in self.outcomes)
        return f"ddsnap replay --undo {self.run_id[:12]} --to {self.org}" if wrote else ""

    @property
    def resume(self) -> str:
        """The command that goes on with the run; empty where it came to its end."""
        return f"ddsnap replay --resume --to {self.org}" if self.state in CUT else ""

    @property
    def pending(self) -> list[Pending]:
        """What people still have to do about what was made."""
        known = self.prepared.plan.resolution
        entries = known.source.entries.values() if known else ()
        disabled = {entry.address for entry in entries if entry.disabled}
        return [*pending(self.outcomes, self.prepared.run.catalog, disabled)]

    @property
    def again(self) -> str:
        """The command that asks for the same of the same snapshot; empty where nothing is left.

        Within one org its name does not mean that snapshot any more: the org was captured since.
        """
        return again(self.prepared.order, self.org) if self.state in (*CUT, "partial") else ""

    @property
    def counts(self) -> Mapping[str, int]:
        """How many resources came to each end."""
        return counts(self.outcomes)


def exit_code(result: Result) -> ExitCode:
    """Return what a finished replay answers to its caller."""
    if result.state == "interrupted":
        return ExitCode.INTERRUPTED
    if result.trouble is not None:
        return result.trouble.code
    whole = result.state == "done" and result.pushed is not False
    return ExitCode.DONE if whole else ExitCode.PARTIAL
