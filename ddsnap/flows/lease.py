"""What other machines know of a replay that goes on: it is theirs to take over once it is silent.

The push of a run's start is the lock between machines; without a remote there is none.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from ddsnap.errors import Refused, RemoteError
from ddsnap.flows.past_replays import refuse_open, refuse_overtaken, refuse_taken
from ddsnap.flows.replay_journal import stage_progress, stage_started
from ddsnap.flows.sync import Published, publish

if TYPE_CHECKING:
    from datetime import datetime

    from ddsnap.core.values import JSON
    from ddsnap.flows.replay_journal import Replayed
    from ddsnap.flows.run import Run
    from ddsnap.flows.sync import Exchange
    from ddsnap.store.run_log import RunLog

LEASE: Final = timedelta(minutes=15)
"""How long a replay that says no more is believed to go on."""

PUBLISH_EVERY: Final = timedelta(seconds=30)
PUBLISH_WRITES: Final = 100


class Lease:
    """The start of a run and its progress, published; ``resume`` is what lets another go on.

    ``last`` is the newest replay of others that the run has planned on: the commit of its record.
    """

    def __init__(
        self, run: Run, exchange: Exchange, record: Replayed, resume: JSON, last: str
    ) -> None:
        self._run = run
        self._exchange = exchange
        self._record = record
        self._resume = resume
        self._last = last
        self._writes = 0
        self._tried = self._told = run.clock()
        self._held = False

    def start(self) -> None:
        """Publish that the run is about to write.

        Raises ``Refused`` where another run is at it, or was since this one has planned, and where
        nobody can be told.
        """
        if not self._exchange.asked:
            return

        def compose() -> dict[str, str]:
            run = self._run
            refuse_open(run.repo, run.repo.branch(run.journal), run.org, run.clock(), run.id)
            self._check_last()
            started = replace(self._record, state="started")
            self._tried = self._told = run.clock()  # whatever time the push takes
            expires = self._told + LEASE
            return {run.journal: stage_started(run, started, expires=expires, resume=self._resume)}

        branches = (self._run.journal,)
        try:
            publish(self._run.repo, self._exchange, branches, compose, here_too=False)
        except RemoteError as error:
            raise Refused(
                f"the start of the replay could not be published: {error.message}",
                "nothing was written; --offline replays without the remote",
            ) from None
        self._held = True

    def renew(self, log: RunLog) -> None:
        """Publish from time to time how far the run has come.

        Raises ``DdsnapError`` where it must not go on: another has taken it over, or may do so.
        """
        now = self._run.clock()
        silence, writes = now - self._tried, log.writes - self._writes
        longest = min(PUBLISH_EVERY, LEASE / 3) if writes else LEASE / 3
        due = writes >= PUBLISH_WRITES or silence >= longest
        if not self._held or not due:
            return
        self._writes, self._tried = log.writes, now
        if self._publish(log, now).pushed:
            self._told = now
        else:
            self.check_time()

    def check_time(self) -> None:
        """Refuse to write once another run may have taken this one over, as after a long sleep."""
        if self._held and self._run.clock() - self._told >= LEASE:
            raise Refused(
                "the remote was not told in time that the replay goes on: another may have taken"
                " it over",
                "--resume goes on if none has",
            )

    def check(self) -> None:
        """Refuse to record a run that another one has taken over, or that knows too little."""
        if self._held:
            run = self._run
            refuse_taken(run.repo, run.repo.branch(run.journal), run.org, run.id)
        else:
            self._check_last()

    def _check_last(self) -> None:
        """The maps that a run leaves are made of those that it has read."""
        run = self._run
        refuse_overtaken(run.repo, run.repo.branch(run.journal), run.org, run.id, self._last)

    def _publish(self, log: RunLog, now: datetime) -> Published:
        run = self._run

        def compose() -> dict[str, str]:
            self.check()
            progress = replace(self._record, state="progress")
            lines, expires = log.path.read_bytes(), now + LEASE
            commit = stage_progress(run, progress, lines, expires=expires, resume=self._resume)
            return {run.journal: commit}

        try:
            return publish(run.repo, self._exchange, (run.journal,), compose)
        except RemoteError as error:
            return Published(False, (error.message,))
