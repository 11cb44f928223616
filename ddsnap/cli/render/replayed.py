"""A replay as it is told: each resource's end, what the server made of it, how to take it back."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ddsnap.cli.text import one_line

if TYPE_CHECKING:
    from ddsnap.cli.terminal import Terminal
    from ddsnap.core.outcomes import Outcome
    from ddsnap.flows.replay import Result

_MOST: Final = 20
_COLOURS: Final = {"failed": "red", "moved": "red", "blocked": "red", "ambiguous": "magenta"}


def tell(terminal: Terminal, result: Result) -> None:
    """Print what came of each resource, and how to take it back."""
    _tell_outcomes(terminal, result)
    if terminal.json:
        terminal.event(
            "replayed",
            run=result.run_id,
            state=result.state,
            commit=result.commit,
            counts=dict(result.counts),
            pushed=result.pushed,
            mute=result.mute.id if result.mute else None,
            undo=result.undo,
            resume=result.resume,
        )
    else:
        _tell_people(terminal, result)
    if result.trouble is not None:
        terminal.error(result.trouble.message, result.trouble.hint)


def tell_rehearsal(terminal: Terminal, result: Result) -> None:
    """Print what would come of each resource."""
    if not terminal.json:
        terminal.line(f"rehearsal: nothing was written to {result.org}", bold=True)
    _tell_outcomes(terminal, result)
    lacking = len(result.prepared.lacking)
    if terminal.json:
        terminal.event(
            "rehearsed", state=result.state, counts=dict(result.counts), secrets_needed=lacking
        )
    else:
        told = f"{_counted(result)} in a copy of {result.org}"
        needs = "1 resource needs secrets" if lacking == 1 else f"{lacking} resources need secrets"
        terminal.line(f"{told}; {needs} (see above)" if lacking else told, bold=True)
    if result.trouble is not None:
        terminal.error(result.trouble.message, result.trouble.hint)


def _tell_outcomes(terminal: Terminal, result: Result) -> None:
    for warning in result.warnings:
        terminal.warn(warning)
    if result.mute_trouble:
        terminal.warn(result.mute_trouble)
    if terminal.json:
        for outcome in result.outcomes:
            terminal.event("outcome", **outcome.to_json())
    else:
        _tell_trouble(terminal, result.outcomes)
        _tell_settled(terminal, result.outcomes)


def _counted(result: Result) -> str:
    return ", ".join(f"{number} {name}" for name, number in result.counts.items())


def _tell_people(terminal: Terminal, result: Result) -> None:
    if result.mute:
        said = "made" if result.mute.made else "found"
        terminal.line(
            f"silenced by the downtime {result.mute.id} ({said});"
            f" `ddsnap migration unmute --to {result.org}` ends it"
        )
    for path in result.keys_at:
        terminal.line(f"keys of a private location, shown once: {path}")
    terminal.line(
        f"{result.org}: {_counted(result) or 'nothing to do'}"
        f" -> journal/{result.org} {result.commit[:7]}",
        bold=True,
    )
    if result.resume:
        terminal.line(f"to go on: {result.resume}")
    if result.undo:
        terminal.line(f"to take it back: {result.undo}")


def _tell_trouble(terminal: Terminal, outcomes: list[Outcome]) -> None:
    """Print what was not written, of each cause the first few."""
    shown: Counter[str] = Counter()
    for outcome in outcomes:
        if outcome.status in ("done", "unchanged"):
            continue
        shown[outcome.status] += 1
        if shown[outcome.status] > _MOST:
            continue
        address, title = outcome.action.address, one_line(outcome.action.title)
        name = f"{address.type} {title!r} {address.id}" if title else str(address)
        text = f"{outcome.status}: {name}: {one_line(outcome.error)}"
        terminal.line(text, fg=_COLOURS.get(outcome.status))
    for status, number in shown.items():
        if number > _MOST:
            terminal.line(f"{status}: ... and {number - _MOST} more")


def _tell_settled(terminal: Terminal, outcomes: list[Outcome]) -> None:
    settled = [outcome for outcome in outcomes if outcome.settled]
    for outcome in settled[:_MOST]:
        places = ", ".join(str(operation["path"]) for operation in outcome.settled[:5])
        terminal.line(f"settled differently: {outcome.action.address}: {places}")
    if len(settled) > _MOST:
        terminal.line(f"settled differently: ... and {len(settled) - _MOST} more")
