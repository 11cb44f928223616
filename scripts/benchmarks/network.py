"""What a run over HTTP needs: memory, CPU, and patience with a rate limit."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import corpus
from measuring import WORK, Row, compared, ddsnap, in_turns, work

from ddsnap.sandbox import SandboxOrg

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from measuring import Cost

LIMIT, NEEDED = 20, 500


def sandbox(size: int, limit: int = 0) -> AbstractContextManager[str]:
    """Serve one org."""
    return serving("sandbox", size, limit)


@contextmanager
def serving(piece: str, *arguments: object) -> Iterator[str]:
    """Run a sandbox in another process, for as long as the block lasts; yield its address."""
    command = [sys.executable, str(WORK), piece, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            yield json.loads(child.stdout.readline())["url"]
        finally:
            child.stdin.close()
            child.wait()


def captured(folder: Path, url: str, *words: str) -> Cost:
    """Run ``ddsnap capture`` against a sandbox."""
    org = SandboxOrg("us1")
    keys = {"DDSNAP_US1_API_KEY": org.api_key, "DDSNAP_US1_APP_KEY": org.app_key}
    (folder / "ddsnap.yaml").write_text(f"version: 1\norgs: {{us1: {{api_url: '{url}'}}}}\n")
    return ddsnap(folder, "capture", *words, env=keys)


def memory(folder: Path, size: int) -> list[Row]:
    """Capture five times the size, and half of it; the sandbox is another process."""
    large, small = size * 5, size // 2
    ours, theirs = _captures(folder, large), _captures(folder, small)
    rows = []
    for what, big, little in zip(("first", "unchanged, all read"), ours, theirs, strict=True):
        more = big.rss - little.rss
        memory = f"{big.rss:.0f} MB / {little.rss:.0f} MB"
        what_memory = f"peak memory, {what}: {large} resources / {small}"
        rows.append(Row(what_memory, memory, f"+{more:.0f} MB", "<= +60 MB", more <= 60))
        cpu = f"{big.cpu / large * 1000:.2f} s per 1000"
        rows.append(Row(f"CPU of ddsnap capture over HTTP, {what}, {large} resources", cpu))
    return rows


def _captures(folder: Path, size: int) -> tuple[Cost, Cost]:
    """Capture an org of that size for the first time, and once more."""
    made = corpus.repository(folder / str(size), {}, branch="main")
    with sandbox(size) as url:
        return captured(made, url), captured(made, url, "--full")


def over_http(folder: Path, size: int) -> list[Row]:
    """Capture an unchanged org; the other side fetches the same and parses, serializes, hashes."""
    made = corpus.repository(folder / "repo", {}, branch="main")
    with sandbox(size) as url:
        captured(made, url)
        return [_fetched(folder, made, url, size, *words) for words in (("--full",), ())]


def _fetched(folder: Path, made: Path, url: str, size: int, *words: str) -> Row:
    targets = folder / "targets"
    work("targets", made, url, targets, *words)
    ours, theirs = in_turns(
        3, lambda: captured(made, url, *words), lambda: work("fetch", url, targets, whole=True)
    )
    what = f"unchanged{', all read' if words else ''}, {size} resources, HTTP on both sides"
    return compared(f"{what} / fetch, parse, serialize, hash", ours, theirs, "cpu", 1.25)


def limited(folder: Path, _size: int) -> list[Row]:
    """Need 500 requests where 20 a second are allowed."""
    del folder
    with sandbox(100, LIMIT) as url:
        cost = work("need", url, NEEDED)
    ideal = (NEEDED - LIMIT) / LIMIT
    share = cost.told["limited"] / cost.told["requests"]
    wall = cost.wall
    what = f"{NEEDED} requests, {LIMIT} a second allowed"
    return [
        Row(f"{what}: answered 429", f"{share:.1%}", "", "< 5%", share < 0.05),
        Row(f"{what}: time / ideal", f"{wall:.1f} s / {ideal:.1f} s", f"{wall / ideal:.2f}",
            "<= 1.15", wall / ideal <= 1.15),
    ]  # fmt: skip
