"""Trying rules on a snapshot: each patch that they would make, and what would stop a replay."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from ddsnap.catalog import CATALOG
from ddsnap.cli.render.fields import change_lines
from ddsnap.cli.text import one_line
from ddsnap.core.changes import apply_patch, changes
from ddsnap.core.normalize import title_of
from ddsnap.core.transform import transform, unmatched
from ddsnap.errors import ExitCode, TransformError
from ddsnap.flows.transforming import principals_known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ddsnap.cli.states import State
    from ddsnap.cli.terminal import Terminal
    from ddsnap.core.rule_steps import Resolvable
    from ddsnap.core.transform import Applied, Rule
    from ddsnap.core.values import JSON, Document
    from ddsnap.flows.view import View

MOST: Final = 20
"""So many resources are told whole; ``-v`` tells all."""


def check_rules(
    terminal: Terminal, state: State, rules: Sequence[Rule], there: View | None
) -> ExitCode:
    """Tell what the rules would do; ``there`` is where principals are looked for, if known."""
    resolvable = principals_known(rules, state.view, there, CATALOG, {})
    matches: Counter[str] = Counter()
    failed = changed = 0
    most = None if terminal.json or terminal.verbosity > 0 else MOST
    for document in state.view.documents(CATALOG):
        applied, failures = _try(document, rules, resolvable)
        matches.update(one.rule for one in applied)
        failed += bool(failures)
        changed += bool(applied)
        if most is None or changed <= most:
            _tell_patches(terminal, document, applied)
        for failure in failures if most is None or failed <= most else ():
            _tell_failure(terminal, document, failure)
    for count, what in ((changed, "that would change"), (failed, "for which rules fail")):
        if most is not None and count > most:
            terminal.line(f"... and {count - most} more resources {what} (-v names all)")
    return _sum_up(terminal, state, rules, matches, failed)


def _try(
    document: Document, rules: Sequence[Rule], resolvable: Resolvable
) -> tuple[tuple[Applied, ...], list[TransformError]]:
    """Apply the rules as a replay does; where that fails, each alone, to name every trouble."""
    _, applied, failure = _outcome(document, rules, resolvable)
    if failure is None:
        return applied, []
    done: list[Applied] = []
    failures: list[TransformError] = []
    for rule in rules:
        document, applied, failure = _outcome(document, [rule], resolvable)
        done += applied
        failures += [failure] if failure else []
    return tuple(done), failures


def _outcome(
    document: Document, rules: Sequence[Rule], resolvable: Resolvable
) -> tuple[Document, tuple[Applied, ...], TransformError | None]:
    try:
        return (*transform(document, rules, CATALOG, resolvable=resolvable), None)
    except TransformError as error:
        return document, (), error


def _tell_patches(terminal: Terminal, document: Document, applied: Sequence[Applied]) -> None:
    where = _where(document)
    if terminal.json:
        for one in applied:
            terminal.event("patch", rule=one.rule, **where, patch=[*one.patch])
        return
    if applied:
        terminal.line(_name(document), bold=True)
    body: JSON = document.body
    for one in applied:
        after = apply_patch(body, one.patch)
        terminal.line(f"  {one.rule}")
        told = [
            line for change in changes(body, after) for line in change_lines(change, body, after)
        ]
        for line in told:
            terminal.line(f"    {line}", **({"fg": line.colour} if line.colour else {}))
        if not told:
            terminal.line("    no change")
        body = after


def _tell_failure(terminal: Terminal, document: Document, error: TransformError) -> None:
    if terminal.json:
        terminal.event("failure", **_where(document), message=error.message)
    else:
        terminal.line(one_line(error.message), fg="red")


def _sum_up(
    terminal: Terminal, state: State, rules: Sequence[Rule], matches: Counter[str], failed: int
) -> ExitCode:
    rows: list[list[JSON]] = [[rule.name, matches[rule.name]] for rule in rules]
    if not terminal.json and (matches or failed):
        terminal.line()
    terminal.table("checked", ("name", "resources"), rows)
    nothing = unmatched(rules, matches)
    for rule in nothing:
        terminal.warn(
            f"rule '{rule.name}' changes nothing in {state.label}: it would stop a replay"
        )
    if failed:
        terminal.warn(f"rules fail for {failed} resources: they would stop a replay")
    return ExitCode.USAGE if nothing or failed else ExitCode.DONE


def _where(document: Document) -> dict[str, str]:
    title = title_of(CATALOG[document.address.type], document.body)
    return {"type": document.address.type, "id": document.address.id, "title": title}


def _name(document: Document) -> str:
    where = _where(document)
    title = f'"{where["title"]}" ' if where["title"] else ""
    return one_line(f"{where['type']} {title}{where['id']}")
