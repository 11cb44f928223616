"""The log of a run: what is told to it is on the disk, or whoever told it is told otherwise."""

from __future__ import annotations

import resource
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from ddsnap.errors import StoreError
from ddsnap.store.run_log import RunLog, read_events

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def no_file_longer_than(size: int) -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_what_is_added_is_there_at_once_after_all_that_was_noted(tmp_path: Path) -> None:
    with RunLog(tmp_path / "log") as log:
        for nth in range(100):
            log.note("noted", nth=nth, text="ä\n\ud800", none=None)
        log.add("intent", nth=100)
        events = read_events(log.path)
        assert [event["nth"] for event in events] == [*range(101)]
        assert events[0] == {"event": "noted", "nth": 0, "text": "ä\n\ud800", "none": None}
        log.note("noted", nth=101)
        log.sync()
        assert len(read_events(log.path)) == 102
        assert log.writes == 1
    assert len(read_events(log.path)) == 102


def test_threads_share_it_and_each_finds_its_own_in_order(tmp_path: Path) -> None:
    def work(name: int) -> None:
        for nth in range(50):
            log.note("noted", by=name, nth=nth)
            log.add("intent", by=name, nth=nth)

    with RunLog(tmp_path / "log") as log:
        threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    events = read_events(log.path)
    for name in range(8):
        own = [(event["nth"], event["event"]) for event in events if event["by"] == name]
        assert own == [(nth, kind) for nth in range(50) for kind in ("noted", "intent")]


def test_where_the_disk_takes_no_more_everybody_is_told_ever_after(tmp_path: Path) -> None:
    with RunLog(tmp_path / "log") as log:
        log.add("intent", text="x" * 100)
        with no_file_longer_than(300):
            log.note("noted", text="y" * 200)
            with pytest.raises(
                StoreError, match=r"cannot write down what it does: .*log: File too"
            ):
                log.sync()
        for tell in (log.add, log.note):
            with pytest.raises(StoreError, match="File too large"):
                tell("intent")
        with pytest.raises(StoreError):
            log.sync()
    assert [event["text"] for event in read_events(log.path)] == ["x" * 100]
