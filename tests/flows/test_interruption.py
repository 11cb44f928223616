"""Signals while threads are at work: the first is heeded where it fits, the next at once."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING

import pytest

from ddsnap.flows.interruption import Interruption
from ddsnap.store.run_log import RunLog, read_events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def usual() -> Iterator[None]:
    """Signals do here what they do in a terminal, and afterwards what they did."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_waits_until_it_is_asked_for(number: int) -> None:
    before = signal.getsignal(number)
    with Interruption() as interruption:
        interruption.check()
        os.kill(os.getpid(), number)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before


def test_who_insists_is_heeded_at_once() -> None:
    with Interruption():
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)


def test_a_terminal_that_goes_does_not_insist() -> None:
    with Interruption() as interruption:
        for _ in range(5):
            os.kill(os.getpid(), signal.SIGHUP)
        with pytest.raises(KeyboardInterrupt):
            interruption.check()
        os.kill(os.getpid(), signal.SIGHUP)


def test_what_is_ignored_stays_ignored() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with Interruption() as interruption:
        os.kill(os.getpid(), signal.SIGINT)
        interruption.check()


def test_other_threads_leave_signals_alone() -> None:
    seen = []

    def work() -> None:
        with Interruption() as interruption:
            seen.append(signal.getsignal(signal.SIGINT))
            interruption.check()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [signal.default_int_handler]


def test_a_log_stays_open_for_threads_that_outlive_an_interruption(tmp_path: Path) -> None:
    """Its number would be that of another file by then, of a pack perhaps."""

    def interrupted() -> None:
        with log:
            raise KeyboardInterrupt

    log = RunLog(tmp_path / "log.ndjson")
    with pytest.raises(KeyboardInterrupt):
        interrupted()
    (tmp_path / "other").write_bytes(b"other")
    log.add("result", status=200)
    assert read_events(log.path) == [{"event": "result", "status": 200}]
    with log:
        pass
