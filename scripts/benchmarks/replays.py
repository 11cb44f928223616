"""What a replay over HTTP costs: against the requests that it needs, and against a capture."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import corpus
from measuring import Row, ddsnap, git
from network import serving

from ddsnap.catalog import CATALOG
from ddsnap.core.filling import needs
from ddsnap.flows.supply import variable
from ddsnap.flows.view import snapshot_view
from ddsnap.sandbox import SandboxOrg

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from measuring import Cost

LATENCY, CONCURRENCY = 0.02, 16


def replays(folder: Path, size: int) -> list[Row]:
    """Replay an org into an empty one that answers after 20 ms, and again; then capture it."""
    made = corpus.repository(folder / "repo", {}, branch="main")
    with serving("pair", size, LATENCY) as url:
        orgs = ", ".join(f"{name}: {{api_url: '{url}'}}" for name in ("us1", "eu1"))
        (made / "ddsnap.yaml").write_text(f"version: 1\norgs: {{{orgs}}}\n")
        _run(made, "capture", "us1")
        keys = _secrets(made)
        words = ("replay", "us1", "--to", "eu1", "--yes", "--allow-self-lockout")
        first = _run(made, *words, more=keys)
        requests, counts = _told(made)
        wanting = {name: counts[name] for name in ("failed", "blocked") if name in counts}
        # What could not be written is tried again: two runs more, so that the last has no news.
        _run(made, *words, more=keys)
        again = _run(made, *words, more=keys)
        writes = sum(n for route, n in _told(made)[0].items() if not route.startswith("GET"))
        alone = _run(made, "capture", "eu1")
    needed = sum(requests.values())
    bound = needed * LATENCY / CONCURRENCY
    ratio, same = first.wall / bound, again.wall / alone.wall
    return [
        Row(f"replay of {size} into an empty org, 20 ms: wall / bound of {needed} requests",
            f"{first.wall:.1f} s / {bound:.1f} s", f"{ratio:.2f}", "<= 1.5", ratio <= 1.5),
        Row("the same: CPU, peak memory, not written", f"{first.cpu:.1f} s, {first.rss:.0f} MB,"
            f" {wanting}"),
        Row(f"again ({writes} writes): wall / a capture's",
            f"{again.wall:.1f} s / {alone.wall:.1f} s", f"{same:.2f}", "<= 1.2", same <= 1.2),
        Row("the same: CPU, peak memory", f"{again.cpu:.1f} s / {alone.cpu:.1f} s,"
            f" {again.rss:.0f} MB / {alone.rss:.0f} MB"),
    ]  # fmt: skip


def _secrets(folder: Path) -> dict[str, str]:
    """Return a value for every secret that the org's snapshot has a marker for."""
    with corpus.opened(folder) as repo:
        view = snapshot_view(repo, repo.branch(corpus.BRANCH) or "", "us1")
        return {
            variable(document.address.type, document.address.id, at): "correct horse 1 battery"
            for document in view.documents(CATALOG)
            for at in needs(document.body)
        }


def _run(folder: Path, *words: str, more: Mapping[str, str] | None = None) -> Cost:
    keys = dict(more or {})
    for name in ("us1", "eu1"):
        org = SandboxOrg(name)
        keys[f"DDSNAP_{name.upper()}_API_KEY"] = org.api_key
        keys[f"DDSNAP_{name.upper()}_APP_KEY"] = org.app_key
    return ddsnap(folder, *words, env=keys)


def _told(folder: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Return the requests by route, and what came of the resources, of the last run."""
    record = json.loads(git(folder, "show", "journal/eu1:run.json").told)
    requests = {route: count["requests"] for route, count in record["requests"].items()}
    return requests, record["counts"]
