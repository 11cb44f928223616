"""How near a capture comes to parsing, serializing and hashing alone."""

from __future__ import annotations

import random
import shutil
from typing import TYPE_CHECKING

from corpus import repository
from measuring import Row, compared, in_turns, work
from played import FIRST, HOUR, Recorder, captured, save

from ddsnap.sandbox import Sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from measuring import Cost

ROUNDS = 5


def unchanged(folder: Path, size: int) -> list[Row]:
    """Capture an org in which nothing changed, everything read anew and as usual."""
    return [
        _against_bare(folder, size, "unchanged, all read", "full"),
        _against_bare(folder, size, "unchanged", "usual"),
    ]


def changed(folder: Path, size: int) -> list[Row]:
    """Capture an org in which 1 % changed."""
    edits = max(1, size // 100)
    return [
        _against_bare(folder, size, "1 % changed, all read", "full", edits),
        _against_bare(folder, size, "1 % changed", "usual", edits),
    ]


def _against_bare(folder: Path, size: int, what: str, mode: str, edits: int = 0) -> Row:
    base, answers = folder / f"base-{mode}-{edits}", folder / f"answers-{mode}-{edits}"
    record(base, answers, size, full=mode == "full", edits=edits)
    when = (FIRST + HOUR).isoformat()

    def ours() -> Cost:
        copy = folder / "copy"
        shutil.copytree(base, copy, symlinks=True)
        try:
            return work("capture", answers, copy, when, mode)
        finally:
            shutil.rmtree(copy)

    costs = in_turns(ROUNDS, ours, lambda: work("bare", answers, mode))
    return compared(f"{what}, {size} resources / parse, serialize, hash", *costs, "cpu", 1.25)


def record(base: Path, answers: Path, size: int, *, full: bool, edits: int) -> None:
    """Capture an org for the first time, edit it, and record what the next capture reads."""
    sandbox = Sandbox()
    org = sandbox.add_org("us1", seed=1, size=size)
    repository(base, {})
    captured(base, Recorder(sandbox, org), FIRST)
    org.edit(random.Random(1), edits)
    recorder = Recorder(sandbox, org)
    spare = base.with_name(f"{base.name}-spare")
    shutil.copytree(base, spare, symlinks=True)
    captured(spare, recorder, FIRST + HOUR, full=full)
    shutil.rmtree(spare)
    save(recorder.answers, answers)
