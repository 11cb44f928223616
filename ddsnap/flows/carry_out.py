"""Carrying out a plan: in parallel where its references allow, and stopped in good order."""

from __future__ import annotations

import heapq
from collections import deque
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from ddsnap.core.actions import Action
from ddsnap.core.names import name_of
from ddsnap.core.outcomes import renamed
from ddsnap.core.protection import protects
from ddsnap.core.repointing import repointed, still_pointing
from ddsnap.core.saved_plan import dependents
from ddsnap.core.values import Address
from ddsnap.errors import DdsnapError, StoreError
from ddsnap.flows.act import act, close
from ddsnap.flows.interruption import Interruption
from ddsnap.flows.work import Done, Work, lacks_closing, left, unclosed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from ddsnap.core.plan import Plan
    from ddsnap.core.references import Reference
    from ddsnap.flows.work import Ground

_LONGEST_WAIT: Final = 1.0
"""Seconds between two looks at the clock while requests are under way."""

_NOBODY: Final = (
    "it is restricted, and the keys do not tell whose they are: were its policy refused, nobody"
    " could hold it alone; give the application key the scope user_access_read"
)


@dataclass
class CarriedOut:
    """What came of each action that was reached. ``trouble`` is what ended the run early."""

    done: dict[Address, Done] = field(default_factory=dict)
    added: dict[Address, Action] = field(default_factory=dict)
    """What only turned out to be needed: it goes before what the plan says of the same."""
    interrupted: bool = False
    trouble: DdsnapError | None = None


@dataclass(frozen=True)
class Means:
    """What carrying out needs from outside: documents, and somebody to tell.

    ``load`` reads an action's documents, on the calling thread; ``tick`` is called there again and
    again with how many actions are done; ``concurrency`` is how many are under way at once.
    ``first`` is done by a thread before anything else, and says by type why none of it may be
    created; ``moved`` says why something is not as it was when somebody approved of it. What a
    saved plan did not say is not ``added``.
    """

    load: Callable[[Action], Work]
    tick: Callable[[int], None]
    concurrency: int
    first: Callable[[], Mapping[str, str]] = dict
    moved: Mapping[Address, str] = field(default_factory=dict)
    added: bool = True


def carry_out(ground: Ground, plan: Plan, means: Means) -> CarriedOut:
    """Do what the plan says, each action once those that it needs are done.

    Neither a failing resource nor an interruption raises: both are told by the result.
    """
    result = CarriedOut()
    with (
        Interruption() as interruption,
        ThreadPoolExecutor(means.concurrency, thread_name_prefix="ddsnap-replay") as pool,
    ):
        board = _Board(ground, plan, means, result, _Crew(pool, interruption))
        try:
            board.begin()
            board.run()
            board.close_circles()
            board.repoint()
            board.delete()
            interruption.check()
        except KeyboardInterrupt:
            result.interrupted = True
            ground.run.gateway.stop_waiting()
        except DdsnapError as error:
            result.trouble = error
        finally:
            board.drain()
            board.tell_unclosed()
    return result


@dataclass(frozen=True)
class _Crew:
    """The threads that write, of which none starts once the run is to end."""

    pool: ThreadPoolExecutor
    interruption: Interruption

    def submit(self, work: Callable[..., list[Done]], *args: object) -> Future[list[Done]]:
        """Let a thread do something. Raises ``KeyboardInterrupt``."""
        self.interruption.check()
        return self.pool.submit(work, *args)


class _Board:
    """Who waits for whom, what is ready, and what is under way."""

    def __init__(
        self, ground: Ground, plan: Plan, means: Means, result: CarriedOut, crew: _Crew
    ) -> None:
        self._crew = crew
        self._ground = ground
        self._means = means
        self._result = result
        self._plan = plan
        self._left_alone: dict[Address, str] = {}
        """What needs something that turned out to be other than when it was planned."""
        self._actions = {action.address: action for action in plan.actions}
        self._order = {address: nth for nth, address in enumerate(self._actions)}
        self._policies = _policies(plan)
        attached = {policy.address for many in self._policies.values() for policy in many}
        self._waiting: dict[Address, int] = {}
        self._waited_for: dict[Address, list[Address]] = {}
        self._ready: list[tuple[int, Address]] = []
        self._busy: dict[Future[list[Done]], object] = {}
        self._equal: dict[object, deque[Work]] = {}
        self._barred: Mapping[str, str] = {}
        """Why nothing of a type may be created."""
        self._unclosed: dict[Address, Work] = {}
        """What is made, or is to be, and lacks what closes its circle."""
        pending = [
            action
            for action in plan.actions
            if action.writes and action.kind != "delete" and action.address not in attached
        ]
        self._late = [action for action in pending if _waits(action)]
        """What is there, and has to wait for what refers to it: it is written once, at the end."""
        pending = [action for action in pending if not _waits(action)]
        pending_addresses = {action.address for action in pending} | attached
        for action in pending:
            self._enter(action, pending_addresses)

    def _enter(self, action: Action, pending: set[Address]) -> None:
        """Let an action wait for what it, and what follows it at once, needs."""
        own = [policy.address for policy in self._policies.get(action.address, ())]
        needs = {*action.needs}
        for policy in self._policies.get(action.address, ()):
            needs |= {*policy.needs}
        needs = (needs & pending) - {action.address, *own}
        for need in needs:
            self._waited_for.setdefault(need, []).append(action.address)
        self._waiting[action.address] = len(needs)
        if not needs:
            heapq.heappush(self._ready, (self._order[action.address], action.address))

    # --- going through

    def begin(self) -> None:
        """Do what comes before anything else: on a thread, whose request no signal tears off."""
        self._busy[self._crew.submit(self._first)] = None
        self._collect_until(0)

    def _first(self) -> list[Done]:
        self._barred = self._means.first()
        return []

    def run(self) -> None:
        """Do everything but deletions and what closes circles."""
        while self._ready or self._busy:
            while self._ready and len(self._busy) < self._means.concurrency:
                self._start(heapq.heappop(self._ready)[1])
            self._collect()

    def close_circles(self) -> None:
        """Write the references that creations had to leave out, and what waited for them."""
        for action in self._late:
            self._enter(action, set())
        self.run()
        for work in [*self._unclosed.values()]:
            if self._done(work).outcome.result == "created":
                self._collect_until(self._means.concurrency - 1)
                self._busy[self._crew.submit(self._close, work)] = None
        self._collect_until(0)

    def _close(self, work: Work) -> list[Done]:
        done = close(self._ground, work, self._done(work))
        del self._unclosed[work.action.address]
        return [done]

    def repoint(self) -> None:
        """Point at what Datadog would not undelete, and is another one now."""
        known, binding = self._plan.resolution, self._ground.binding
        new = renamed(done.outcome for done in self._result.done.values())
        if not new or known is None or not self._means.added:
            return
        written = {Address(a.address.type, a.to) for a in self._actions.values() if a.writes}
        for address, targets in still_pointing(known, new, written):
            work = self._means.load(Action("update", address, to=address.id, base="destination"))
            wanted = binding.written(work.document, None, base="destination")
            action = repointed(known, work.document, wanted, targets)
            self._result.added[address] = action
            if action.writes:
                self._collect_until(self._means.concurrency - 1)
                self._submit(replace(work, action=action), None)
        self._collect_until(0)

    def delete(self) -> None:
        """Delete one after another, dependents first; what is still needed stays."""
        for action in self._actions.values():
            if action.kind != "delete":
                continue
            needing = self._still_there(action)
            if action.address in self._means.moved:
                self._settle(left(action, "moved", self._means.moved[action.address]))
            elif needing:
                self._settle(left(action, "blocked", f"{needing} still refers to it"))
            else:  # never on this thread, where a signal would tear it off
                self._submit(self._means.load(action), None)
                self._collect_until(0)

    def _still_there(self, action: Action) -> Address | None:
        """Return what was to let go of a resource first, and did not."""
        done = self._result.done
        first = (one for one in action.needs if one in self._actions and self._actions[one].writes)
        undone = (n for n in first if n not in done or done[n].outcome.status != "done")
        return next(undone, None)

    def drain(self) -> None:
        """Wait for what is under way; a request is never left without knowing its answer.

        What nobody expected is raised once all have ended: the run is then gone on with by its log.
        """
        bugs: list[BaseException] = []
        for future in list(self._busy):
            error = future.exception()
            if error is None:
                for done in future.result():
                    self._settle(done)
            elif not isinstance(error, DdsnapError):
                bugs.append(error)
            elif self._result.trouble is None:
                self._result.trouble = error
            del self._busy[future]
        try:
            self._ground.log.sync()
        except StoreError as error:
            self._result.trouble = self._result.trouble or error
        for bug in bugs:
            raise bug

    def tell_unclosed(self) -> None:
        """Call no creation done that lacks what was to close its circle."""
        for address in self._unclosed:
            done = self._result.done.get(address)
            if done is not None and lacks_closing(done):
                self._result.done[address] = unclosed(done)

    # --- single steps

    def _start(self, address: Address) -> None:
        action = self._actions[address]
        if address in self._means.moved:
            self._leave_moved(action)
            return
        barred = self._barred.get(address.type) if action.kind == "create" else ""
        why = barred or self._left_alone.get(address)
        if why:
            self._refuse(action, why)
            return
        work = self._load(action)
        closes = set(action.closes if action.kind == "create" else ())
        lacking = self._lacking(work, closes)
        if lacking:
            self._refuse(action, lacking)
            return
        if closes:
            self._unclosed[address] = work
        key = self._key(work)
        if key is not None and key in self._equal:
            self._equal[key].append(work)
            return
        if key is not None:
            self._equal[key] = deque()
        self._submit(work, key)

    def _lacking(self, work: Work, closes: Collection[Reference]) -> str:
        """Say what keeps something from being written; what nobody can protect is not made."""
        binding, action = self._ground.binding, work.action
        missing = binding.missing(work.document, action.base)
        lacking = [ref for ref in missing if ref not in closes]
        policies = work.policies if action.kind == "create" else ()
        for policy in policies:
            unbound = binding.missing(policy.document)
            lacking += [ref for ref in unbound if binding.target(ref) != action.address]
        if lacking:
            return binding.why(lacking[0])
        return _NOBODY if policies and not self._ground.user else ""

    def _submit(self, work: Work, key: object) -> None:
        self._busy[self._crew.submit(act, self._ground, work)] = key

    def _load(self, action: Action) -> Work:
        work = self._means.load(action)
        policies = tuple(
            self._means.load(policy) for policy in self._policies.get(action.address, ())
        )
        return replace(work, policies=policies)

    def _key(self, work: Work) -> object:
        """What is the same for resources that are made one by one.

        Once an answer is lost, what it tells of is known by its name, or by all that it holds.
        """
        type_, body = self._ground.run.catalog[work.action.address.type], work.document.body
        if work.action.kind != "create":
            return None
        return type_.name, name_of(type_, body) or self._ground.binding.digest(work.document)

    def _refuse(self, action: Action, why: str) -> None:
        for one in (action, *self._policies.get(action.address, ())):
            self._settle(left(one, "blocked", why))

    def _leave_moved(self, action: Action) -> None:
        """Leave alone what is not as it was approved of, and what would come right after it."""
        moved = self._means.moved
        why = moved[action.address]
        for one in (action, *self._policies.get(action.address, ())):
            self._settle(left(one, "moved", moved.get(one.address, why)))

    def _collect(self) -> None:
        """Take in what has finished, and let others start."""
        if not self._busy:
            return
        finished, _ = wait(self._busy, timeout=_LONGEST_WAIT, return_when=FIRST_COMPLETED)
        for future in finished:
            key = self._busy.pop(future)
            for done in future.result():
                self._settle(done)
            if key is not None:
                self._next_equal(key)
        self._crew.interruption.check()
        self._means.tick(len(self._result.done))

    def _collect_until(self, few: int) -> None:
        """Take in what finishes until no more than so many are under way."""
        while len(self._busy) > few:
            self._collect()

    def _next_equal(self, key: object) -> None:
        waiting = self._equal[key]
        if waiting:
            self._submit(waiting.popleft(), key)
        else:
            del self._equal[key]

    def _settle(self, done: Done) -> None:
        address = done.outcome.action.address
        self._result.done[address] = done
        if done.outcome.status == "moved":
            why = f"{address}, which it needs, has moved"
            self._left_alone |= dict.fromkeys(dependents(self._plan, [address]), why)
        for dependent in self._waited_for.pop(address, ()):
            self._waiting[dependent] -= 1
            if not self._waiting[dependent]:
                heapq.heappush(self._ready, (self._order[dependent], dependent))

    def _done(self, work: Work) -> Done:
        return self._result.done[work.action.address]


def _waits(action: Action) -> bool:
    """Whether an action needs what is made after it; a creation can do without for a while."""
    return bool(action.closes) and action.kind != "create"


def _policies(plan: Plan) -> dict[Address, list[Action]]:
    """The policies that are written, by the resource that is written right before them."""
    resolution = plan.resolution
    if resolution is None:
        return {}
    written = {action.address for action in plan.actions if action.writes}
    found: dict[Address, list[Action]] = {}
    for action in plan.actions:
        protected = protects(action, resolution) if action.writes else None
        if protected in written and protected is not None and action.kind != "delete":
            found.setdefault(protected, []).append(action)
    return found
