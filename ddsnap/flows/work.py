"""An action with its documents, what came of it, and what all actions of a replay share."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from ddsnap.core.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from datetime import datetime

    from ddsnap.core.actions import Action
    from ddsnap.core.outcomes import Status
    from ddsnap.core.values import JSON, Address, Document, JSONObject
    from ddsnap.flows.binding import Binding
    from ddsnap.flows.newcomers import Newcomers
    from ddsnap.flows.run import Run
    from ddsnap.flows.supply import Supplied
    from ddsnap.store.run_log import RunLog


@dataclass(frozen=True)
class Work:
    """An action with the documents that it is about.

    ``base`` is the stored document, ``document`` what the transformations made of it; ``policies``
    protect the resource, and are written at once after it. ``like`` is the destination's stored
    document, or what takes its place where it has none, as far as there are markers in it. ``then``
    is the order that the destination had when it was planned to be another one.
    """

    action: Action
    base: JSONObject
    document: Document
    policies: tuple[Work, ...] = ()
    like: tuple[JSONObject, ...] = ()
    then: JSONObject | None = None


@dataclass(frozen=True)
class Done:
    """What came of an action, and what the id map has to say of it."""

    outcome: Outcome
    intended: str = ""
    aliases: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Ground:
    """What all actions of a replay share.

    ``known`` are, by type, the ids that nobody may take for new; no thread looks them up in the
    repository, which is one thread's alone. ``me`` are the replaying identity's names, ``user`` its
    id as a user.
    """

    run: Run
    log: RunLog
    binding: Binding
    supplied: Supplied
    now: datetime
    known: Mapping[str, Collection[str]]
    newcomers: Newcomers
    me: frozenset[str] = frozenset()
    user: str = ""
    pause: Callable[[], object] = lambda: None
    keep: Callable[[Address, JSON], object] = lambda *_: None
    """Keeps what the answer to a creation alone shows; raises where that is lost."""
    override: bool = False
    """Whether a policy may shut the replaying identity out."""
    check: Callable[[], object] = lambda: None
    """Raises where the run must not write any more."""


def left(action: Action, status: Status, reason: str = "") -> Done:
    """Return the outcome of an action for which nothing is written."""
    return Done(Outcome(action, status, error=reason))


def lacks_closing(done: Done) -> bool:
    """Whether something was created without what closes its circle."""
    return done.outcome.result == "created" and bool(done.outcome.action.closes)


def unclosed(made: Done) -> Done:
    """Return the outcome of a creation as long as what closes its circle is not written."""
    reason = "what closes its circle of references was not written"
    return replace(made, outcome=replace(made.outcome, status="failed", error=reason), intended="")
