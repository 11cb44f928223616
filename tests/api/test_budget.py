from __future__ import annotations

import heapq
import random
import threading
from itertools import pairwise

import pytest

from ddsnap.api.budget import RateBudget

ROUTE = "GET /things"


def headers(
    limit: int, period: float, remaining: int, reset: float, name: str = ""
) -> dict[str, str]:
    values = {"Limit": limit, "Period": period, "Remaining": remaining, "Reset": reset}
    told = {f"X-RateLimit-{key}": str(value) for key, value in values.items()}
    return {**told, "X-RateLimit-Name": name} if name else told


def make(clock) -> RateBudget:
    return RateBudget(clock, clock.sleep, draw=lambda: 0.5)


def test_nothing_is_held_back_before_a_limit_is_known(clock) -> None:
    budget = make(clock)
    assert [budget.take(ROUTE) for _ in range(100)] == [0.0] * 100


def test_a_used_up_limit_is_waited_out(clock) -> None:
    budget = make(clock)
    budget.take(ROUTE)
    budget.settle(ROUTE, headers(20, 10, 0, 4))
    assert 4 <= budget.take(ROUTE) <= 5
    assert budget.take(ROUTE) == 0.0


def test_what_is_under_way_counts(clock) -> None:
    budget = make(clock)
    for _ in range(3):
        budget.take(ROUTE)
    budget.settle(ROUTE, headers(20, 10, 3, 4))
    assert [budget.ask(ROUTE) > 0 for _ in range(2)] == [False, True]


def test_the_last_of_a_limit_is_spread_over_its_period(clock) -> None:
    budget = make(clock)
    budget.take(ROUTE)
    budget.settle(ROUTE, headers(100, 60, 5, 50))
    starts = []
    for _ in range(5):
        budget.take(ROUTE)
        starts.append(clock.time - 1000)
        budget.settle(ROUTE, {})
    gaps = [after - before for before, after in pairwise(starts)]
    assert min(gaps) >= 9
    assert starts[-1] <= 50


def test_an_idle_limit_is_fresh_again(clock) -> None:
    budget = make(clock)
    budget.take(ROUTE)
    budget.settle(ROUTE, headers(20, 10, 0, 4))
    clock.sleep(3600)
    assert budget.take(ROUTE) == 0.0


def test_an_answer_that_was_overtaken_does_not_lift_the_count(clock) -> None:
    budget = make(clock)
    budget.take(ROUTE)
    budget.take(ROUTE)
    budget.settle(ROUTE, headers(20, 10, 0, 4))
    budget.settle(ROUTE, headers(20, 10, 1, 4))
    assert budget.ask(ROUTE) > 0


def test_a_refusal_blocks_all_routes_of_its_limit_and_no_other(clock) -> None:
    budget = make(clock)
    for route in ("a", "b", "c"):
        budget.take(route)
    budget.settle("a", headers(20, 10, 20, 10, "shared"))
    budget.settle("b", headers(20, 10, 19, 10, "shared"))
    budget.settle("c", headers(20, 10, 19, 10, "other"))
    budget.block("a", 30)
    assert budget.ask("c") == 0
    assert budget.ask("b") >= 30
    assert 30 <= budget.take("b") <= 31


def test_a_block_is_never_shortened(clock) -> None:
    budget = make(clock)
    budget.block(ROUTE, 30)
    budget.block(ROUTE, 5)
    assert budget.take(ROUTE) >= 30


def test_waiters_come_back_one_after_another(clock) -> None:
    rng = random.Random(1)
    budget = RateBudget(clock, clock.sleep, draw=rng.random)
    budget.block(ROUTE, 30)
    waits = [budget.ask(ROUTE) for _ in range(20)]
    assert min(waits) >= 30
    assert max(waits) <= 31
    assert len(set(waits)) == 20


@pytest.mark.parametrize("told", [{}, {"X-RateLimit-Remaining": "x"}, {"X-RateLimit-Reset": "5"}])
def test_answers_that_tell_nothing_change_nothing(clock, told) -> None:
    budget = make(clock)
    budget.take(ROUTE)
    budget.settle(ROUTE, told)
    assert budget.take(ROUTE) == 0.0


class Server:
    """A calendar-aligned limit, as Datadog has them; ``others`` use it up too."""

    def __init__(self, limit: int, period: int, others: int = 0) -> None:
        self.limit, self.period, self.others = limit, period, others
        self.used: dict[int, int] = {}
        self.refused = 0

    def answer(self, now: float) -> tuple[int, dict[str, str]]:
        window = int(now // self.period)
        used = self.used.setdefault(window, self.others)
        reset = int((window + 1) * self.period - now) + 1
        if used >= self.limit:
            self.refused += 1
            return 429, headers(self.limit, self.period, 0, reset, "things")
        self.used[window] = used + 1
        return 200, headers(self.limit, self.period, self.limit - used - 1, reset, "things")


def simulate(server: Server, requests: int, workers: int, clock) -> float:
    """Run workers against the server in simulated time; return how long it took."""
    rng = random.Random(7)
    budget = RateBudget(clock, clock.sleep, draw=rng.random)
    began, left = clock.time, requests
    events = [(clock.time, number, "ask") for number in range(workers)]
    while events and left:
        clock.time, number, what = heapq.heappop(events)
        if what == "ask":
            wait = budget.ask(ROUTE)
            latency = 0.05 + rng.random() / 10
            event = (wait, "ask") if wait > 0 else (latency, "answer")
        else:
            status, told = server.answer(clock.time)
            budget.settle(ROUTE, told)
            if status == 429:
                budget.block(ROUTE, float(told["X-RateLimit-Reset"]))
            left -= status == 200
            event = (0.0, "ask")
        heapq.heappush(events, (clock.time + event[0], number, event[1]))
    return clock.time - began


@pytest.mark.parametrize("workers", [1, 4, 16])
def test_many_workers_share_a_limit_without_running_into_it(clock, workers) -> None:
    server = Server(20, 10)
    seconds = simulate(server, 500, workers, clock)
    assert server.refused < 500 * 0.05
    assert seconds < 24 * 10 * 1.25 + 10


def test_others_that_draw_on_the_limit_are_noticed(clock) -> None:
    server = Server(100, 60, others=40)
    seconds = simulate(server, 600, 16, clock)
    assert server.refused < 600 * 0.1
    assert seconds < 10 * 60 * 1.25 + 60


def test_threads_share_one_limit() -> None:
    lock = threading.Lock()
    now = [0.0]

    def sleep(seconds: float) -> None:
        with lock:
            now[0] += seconds

    budget = RateBudget(lambda: now[0], sleep, draw=lambda: 0.5)
    budget.take(ROUTE)
    budget.settle(ROUTE, headers(10, 100, 10, 100))
    started: list[float] = []

    def work() -> None:
        for _ in range(5):
            budget.take(ROUTE)
            started.append(now[0])
            budget.settle(ROUTE, {})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(started) == 20
    assert len([time for time in started if time < 100]) <= 10
    assert max(started) < 300


def test_it_is_known_how_long_so_many_requests_take(clock) -> None:
    budget = make(clock)
    assert budget.seconds_for({ROUTE: 5}) is None
    budget.take(ROUTE)
    budget.settle(ROUTE, headers(100, 60, 40, 20, "things"))
    assert budget.seconds_for({ROUTE: 0}) == 0.0
    assert budget.seconds_for({ROUTE: 40}) == 0.0
    assert budget.seconds_for({ROUTE: 41}) == 20
    assert budget.seconds_for({ROUTE: 140}) == 20
    assert budget.seconds_for({ROUTE: 141}) == 80
    clock.sleep(25)
    assert budget.seconds_for({ROUTE: 100}) == 0.0


def test_routes_of_one_limit_draw_on_it_together(clock) -> None:
    budget = make(clock)
    for route in ("GET /a", "GET /b"):
        budget.take(route)
        budget.settle(route, headers(10, 60, 10, 60, "both"))
    assert budget.seconds_for({"GET /a": 6, "GET /b": 4}) == 0.0
    assert budget.seconds_for({"GET /a": 6, "GET /b": 5}) == 60
    assert budget.seconds_for({"GET /a": 11, "GET /c": 500}) == 60
    budget.block("GET /a", 90)
    assert budget.seconds_for({"GET /b": 11}) == 90
