"""What runs have left open, carried from one record to the next until a run settles it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from ddsnap.core import shapes
from ddsnap.core.fields import value_at
from ddsnap.core.outcomes import read_outcomes
from ddsnap.core.unheard import Open, is_unanswered, still_open
from ddsnap.core.values import Address
from ddsnap.errors import Damaged
from ddsnap.flows.journal import RECORD
from ddsnap.flows.past_replays import CUT, RUN, STATE, last_replays
from ddsnap.flows.replay_journal import OPEN, OUTCOMES
from ddsnap.flows.silence import Silent, find_silent
from ddsnap.flows.unheard import find_unheard

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from ddsnap.core.outcomes import Outcome
    from ddsnap.core.unheard import Explained
    from ddsnap.core.values import JSON, Document, JSONObject
    from ddsnap.flows.arrivals import Arrivals
    from ddsnap.flows.view import View
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository

_OPEN: Final = "open"
_SILENT: Final = "silent"


@dataclass(frozen=True)
class Unsettled:
    """Creations without an answer, and runs of which not all is known."""

    open: tuple[Open, ...] = ()
    silent: tuple[Silent, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.open or self.silent)

    @classmethod
    def read(cls, record: JSONObject) -> Unsettled | None:
        """Return what a run's record says of it; ``None`` where it says nothing at all.

        Raises ``Damaged``.
        """
        if _OPEN not in record:
            return None
        open_ = (
            Open(
                Address.parse(shapes.text(told, "address")),
                shapes.text(told, "run"),
                float(str(told.get("at") or 0)),
            )
            for told in shapes.objects(record, _OPEN)
        )
        silent = (
            Silent(shapes.text(told, "run"), shapes.text(told, "until"))
            for told in shapes.objects(record, _SILENT)
        )
        return cls(tuple(open_), tuple(silent))

    def to_json(self) -> JSONObject:
        """Return it as members of a run's record."""
        open_: list[JSON] = [
            {"address": str(one.address), "run": one.run, "at": one.at} for one in self.open
        ]
        silent: list[JSON] = [{"run": one.run, "until": one.until} for one in self.silent]
        return {_OPEN: open_, _SILENT: silent}

    def after(
        self,
        outcomes: Collection[Outcome],
        run: str,
        at: Mapping[Address, float],
        *,
        whole: bool = False,
        silent: Iterable[Silent] = (),
    ) -> Unsettled:
        """Return what is open after a run that began with this.

        ``at`` says when it sent its creations; a ``whole`` run had to do with all that the source
        holds, and ``silent`` are those of which not all is known since.
        """
        open_ = still_open(self.open, outcomes, run, at, whole=whole)
        done = whole and all(one.status in ("done", "unchanged") for one in outcomes)
        return Unsettled(tuple(open_), (*(() if done else self.silent), *silent))

    def explained(
        self, arrivals: Arrivals, source: View, documents: Callable[[], Iterable[Document]]
    ) -> Explained:
        """Return what of it is at the destination; ``documents`` are the source's, as replayed."""
        # Beside what a silent run intended may be what is like it, and came later.
        silent = {one.run for one in self.silent}
        heard = [one for one in self.open if one.run not in silent]
        found = find_unheard(heard, arrivals, source)
        for one in self.silent:
            found = found.joined(find_silent(one, found, arrivals, documents))
        return found


@dataclass(frozen=True)
class Earlier:
    """What is open since the last replays from an org.

    ``run`` is the last of them, unless it settled all that it had to do with.
    """

    run: str
    unsettled: Unsettled


def earlier(repo: Repository, org: str, source: str) -> Earlier | None:
    """Return what the last replay from the org ``source`` (its public id) has left, if anything.

    Raises ``Damaged`` where its record is not whole.
    """
    for info, record in last_replays(repo, org):
        if value_at(record, "source.public_id") != source or info.trailer(STATE) in OPEN:
            continue
        run, unsettled = info.trailer(RUN) or "", _left_by(repo, info, record)
        cut = info.trailer(STATE) in CUT or any(one.run == run for one in unsettled.open)
        return Earlier(run if cut else "", unsettled) if cut or unsettled else None
    return None


def own_open(record: JSONObject, run: str, outcomes: Iterable[Outcome]) -> list[Open]:
    """Return the creations that a run itself has left open."""
    known = Unsettled.read(record)
    if known is None:
        return [Open(one.action.address, run) for one in outcomes if is_unanswered(one)]
    return [one for one in known.open if one.run == run]


def _left_by(repo: Repository, info: CommitInfo, record: JSONObject) -> Unsettled:
    try:
        told = Unsettled.read(record)
        if told is not None:
            return told
        # Records of older versions do not say so.
        over = record.get("basis") or info.trailer(STATE) == "done"
        outcomes = read_outcomes((not over and repo.read_file(info.sha, OUTCOMES)) or b"")
        return Unsettled(tuple(own_open(record, info.trailer(RUN) or "", outcomes)))
    except Damaged as error:
        raise Damaged(
            f"{RECORD} or {OUTCOMES} of {info.sha[:12]}: {error.message}", "run `ddsnap verify`"
        ) from None
