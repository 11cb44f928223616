"""A replay as it is told: each resource's end, what the server made of it, how to take it back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ddsnap.cli.render.prepared import restores
from ddsnap.cli.text import one_line
from ddsnap.core.match import named_by_id
from ddsnap.core.outcomes import in_words

if TYPE_CHECKING:
    from ddsnap.cli.terminal import Terminal
    from ddsnap.core.outcomes import Outcome
    from ddsnap.flows.replay_result import Result

_MOST: Final = 20
"""Of the causes for which something was not written."""
_FEW: Final = 3
"""Of the resources of one cause."""
_REQUEST: Final = re.compile(r" \((?:GET|POST|PUT|PATCH|DELETE) [^)]*\)")
_INDEX: Final = re.compile(r"/[0-9]+(?=/|$)")
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
            pending={one.type: one.count for one in result.pending},
            undo=result.undo,
            resume=result.resume,
            again=result.again,
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
        above = " (see above)" if terminal.verbosity >= 0 else ", named without -q"
        terminal.line(f"{told}; {needs}{above}" if lacking else told, bold=True)
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
    return in_words(result.outcomes)


def _tell_people(terminal: Terminal, result: Result) -> None:
    if result.mute:
        said = "made" if result.mute.made else "found"
        terminal.line(
            f"silenced by the downtime {result.mute.id} ({said});"
            f" `ddsnap migration unmute --to {result.org}` ends it"
        )
    for one in result.pending:
        terminal.line(str(one))
    _tell_new_ids(terminal, result)
    for path in result.keys_at:
        terminal.line(f"keys of a private location, shown once: {path}")
    terminal.line(
        f"{result.org}: {_counted(result) or 'nothing to do'}"
        f" -> journal/{result.org} {result.commit[:7]}",
        bold=True,
    )
    if result.resume:
        terminal.line(f"to go on: {result.resume}")
    if result.again:
        terminal.line(f"again: {result.again}")
    if result.undo:
        terminal.line(f"to take it back: {result.undo}")


def _tell_new_ids(terminal: Terminal, result: Result) -> None:
    """Print under which id comes back what its own org has lost."""
    catalog = result.prepared.run.catalog
    new = [
        f"{_name(outcome)} is {outcome.to} now"
        for outcome in result.outcomes
        if outcome.result == "created" and outcome.to != outcome.action.address.id
        if not outcome.action.undeletes and not named_by_id(catalog[outcome.action.address.type])
    ]
    for line in _few(terminal, new if restores(result.prepared) else []):
        terminal.line(line)


def _few(terminal: Terminal, told: list[str]) -> list[str]:
    """Return the first lines, and how many more there are; with -v all."""
    if terminal.verbosity > 0 or len(told) <= _MOST:
        return told
    return [*told[:_MOST], f"... and {len(told) - _MOST} more (-v names all)"]


def _tell_trouble(terminal: Terminal, outcomes: list[Outcome]) -> None:
    """Print what was not written: what has one cause together, the most frequent first."""
    causes: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.status not in ("done", "unchanged"):
            causes.setdefault((outcome.status, _cause(outcome)), []).append(outcome)
    gravest = sorted(causes.items(), key=lambda pair: -len(pair[1]))
    most = None if terminal.verbosity > 0 else _MOST
    for (status, cause), alike in gravest[:most]:
        colour = _COLOURS.get(status)
        if len(alike) <= _FEW:
            for outcome in alike:
                terminal.line(f"{status}: {_name(outcome)}: {one_line(outcome.error)}", fg=colour)
            continue
        terminal.line(f"{status} ({len(alike)}): {cause}", fg=colour)
        shown = alike if most is None else alike[:_FEW]
        for outcome in shown:
            terminal.line(f"  {_name(outcome)}")
        if len(alike) > len(shown):
            terminal.line(f"  ... and {len(alike) - len(shown)} more (-v names all)")
    if most is not None and len(gravest) > most:
        others = sum(len(alike) for _, alike in gravest[most:])
        terminal.line(f"... and {others} more, of other causes (-v names all)")


def _cause(outcome: Outcome) -> str:
    """Return why something was not written, without what is of this one alone."""
    return one_line(_REQUEST.sub("", outcome.error))


def _name(outcome: Outcome) -> str:
    address, title = outcome.action.address, one_line(outcome.action.title)
    return f"{address.type} {title!r} {address.id}" if title else str(address)


def _tell_settled(terminal: Terminal, outcomes: list[Outcome]) -> None:
    """Print what the server made of what was written, the same of one type together."""
    alike: dict[tuple[str, str], list[Outcome]] = {}
    for outcome in outcomes:
        if outcome.settled:
            places = dict.fromkeys(_INDEX.sub("/*", str(op["path"])) for op in outcome.settled)
            key = outcome.action.address.type, ", ".join([*places][:5])
            alike.setdefault(key, []).append(outcome)
    for (type_name, where), found in [*alike.items()][:_MOST]:
        one = str(found[0].action.address)
        name = one if len(found) == 1 else f"{len(found)} {type_name}, first {one}"
        terminal.line(f"settled differently: {name}: {where}")
    if len(alike) > _MOST:
        terminal.line(f"settled differently: ... and {len(alike) - _MOST} more")
