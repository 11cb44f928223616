"""The plan of a replay as it is told before anything is written, by ``plan`` and by ``replay``."""

from __future__ import annotations

from datetime import timezone
from functools import partial
from typing import TYPE_CHECKING

from ddsnap.cli.render.plan import MOST_NAMED, counted, plan_lines
from ddsnap.cli.states import State
from ddsnap.cli.text import one_line
from ddsnap.core.match import portable
from ddsnap.core.paths import document_path
from ddsnap.core.values import Address
from ddsnap.flows.repeating import gone_before

if TYPE_CHECKING:
    from ddsnap.cli.terminal import Terminal
    from ddsnap.core.actions import Action
    from ddsnap.core.manifest import TypeState
    from ddsnap.core.values import JSONObject
    from ddsnap.flows.app_links import AppLinks
    from ddsnap.flows.prepared import Prepared

MOST_SECRETS = 10


def tell_plan(terminal: Terminal, prepared: Prepared) -> None:
    """Print the head of the plan, which rules apply, what would be written, and what is unread."""
    for warning in (*prepared.warnings, *prepared.reading.warnings):
        terminal.warn(warning)
    if terminal.json:
        _tell_programs(terminal, prepared)
    else:
        _tell_people(terminal, prepared)
    _tell_unread(terminal, prepared)
    _tell_gone(terminal, prepared)


def restores(prepared: Prepared) -> bool:
    """Whether the plan leads back into the org that the snapshot came from."""
    ours = prepared.order.source.manifest.org.public_id
    return bool(ours) and ours == prepared.before.manifest.org.public_id


def present(prepared: Prepared, action: Action) -> JSONObject:
    """Return what the destination has of a resource, as plans compare it."""
    catalog = prepared.run.catalog
    address = Address(action.address.type, action.to)
    found = prepared.before.document(document_path(address), catalog)
    return portable(catalog[address.type], found.body) if found else {}


def unread(prepared: Prepared) -> list[tuple[str, TypeState]]:
    """Return the destination's types that may hold more than was read, and than the plan knows."""
    return [*State(prepared.before, prepared.run.org).unread(())]


def _tell_unread(terminal: Terminal, prepared: Prepared) -> None:
    source = prepared.order.source
    ours = [(source.label, "", one) for one in State(source, source.label).unread(())]
    so = "; it may hold more than the plan says"
    theirs = [(prepared.run.org, so, one) for one in unread(prepared)]
    for where, then, (name, found) in (*ours, *theirs):
        reason = found.reason or found.state
        terminal.warn(f"{name} not read as a whole at {where}: {reason}{then}")
        if terminal.json:
            terminal.event("unread", type=name, at=where, state=found.state, reason=found.reason)


def _tell_gone(terminal: Terminal, prepared: Prepared) -> None:
    """Say what a whole type may lack although there is nothing to restore of the snapshot."""
    source, undo = prepared.order.source, prepared.order.wishes.undo
    if prepared.writes or undo or not restores(prepared) or not source.commit:
        return
    gone = gone_before(source, prepared.order.wishes.types)
    if gone:
        terminal.note(f"this is the state of {_taken(prepared)}; {gone}")


def _tell_programs(terminal: Terminal, prepared: Prepared) -> None:
    source, plan = prepared.order.source, prepared.plan
    terminal.event(
        "plan",
        **{"from": source.manifest.org.name, "to": prepared.run.org},
        commit=source.commit,
        revision=prepared.order.revision,
        restore=restores(prepared),
        transforms=[rule.name for rule in prepared.source.rules],
        idle_transforms=[*prepared.order.idle],
        rehearsal=prepared.order.rehearsal,
        quiet=prepared.quiet,
        mute=prepared.needs_mute,
        counts=plan.counts(),
        spared=plan.spared,
    )
    for action in plan.actions:
        terminal.event("action", **action.to_json(), moved=prepared.moved.get(action.address, ""))
    for need in prepared.lacking:
        terminal.event(
            "secret_needed",
            type=need.address.type,
            id=need.address.id,
            title=need.title,
            pointers=list(need.pointers),
            how=prepared.supplied.ask(need.address, need.pointers),
        )
    for link in prepared.links.to_json():
        terminal.event("link", **link)
    told = plan.to_json()
    terminal.event("summary", counts=told["counts"], cycles=told["cycles"])


def _tell_people(terminal: Terminal, prepared: Prepared) -> None:
    terminal.line(_head(prepared), bold=True)
    if not prepared.order.wishes.undo:  # that takes documents as they were
        terminal.line(_rules(prepared))
    if prepared.needs_mute:
        terminal.line("new monitors get the tag migration:true, and a downtime silences it")
    if terminal.verbosity < 0:
        few = len(prepared.lacking)
        lack = f"; {few} of them {'lacks' if few == 1 else 'lack'} a secret" if few else ""
        terminal.line(f"{counted(prepared.plan, prepared.moved)}{lack}")
        return
    shown = partial(present, prepared) if terminal.verbosity > 0 else None
    for line in plan_lines(prepared.plan, shown, prepared.moved):
        terminal.line(str(line), **({"fg": line.colour} if line.colour else {}))
    _tell_links(terminal, prepared.links)
    if prepared.order.kind == "replay":  # a restore never deletes
        _tell_spared(terminal, prepared.plan.spared)
    _tell_lacking(terminal, prepared)


def _tell_links(terminal: Terminal, links: AppLinks) -> None:
    """Tell which links lead back to the source's site, and what would mend them."""
    if not links.places:
        return
    terminal.line()
    terminal.line(
        f"links that lead to {links.here} and not to {links.there} ({len(links.places)}):"
        " `ddsnap transform new links --from app-host` writes a rule that changes them"
    )
    most = None if terminal.verbosity > 0 else MOST_NAMED
    for url, actions in links.places[:most]:
        first, more = actions[0], len(actions) - 1
        title = f'"{first.title}" ' if first.title else ""
        others = f" and {more} more" if more else ""
        terminal.line(
            one_line(f"  {url} in {first.address.type} {title}{first.address.id}{others}")
        )
    if most and len(links.places) > most:
        terminal.line(f"  ... and {len(links.places) - most} more (-v names all)")


def _tell_spared(terminal: Terminal, count: int) -> None:
    """Say what --delete would delete, where that was not asked for."""
    if count:
        what = "1 resource" if count == 1 else f"{count} resources"
        terminal.line()
        terminal.line(f"--delete would delete {what} that ddsnap made and the snapshot has no more")


def _rules(prepared: Prepared) -> str:
    """Say which transformations apply, and which of those that there are do not."""
    rules, idle = ", ".join(rule.name for rule in prepared.source.rules), prepared.order.idle
    does = "1 does" if len(idle) == 1 else f"{len(idle)} do"
    others = f" ({does} not apply here: {', '.join(idle)})" if idle else ""
    return f"transformations: {rules or 'none'}{others}"


def _tell_lacking(terminal: Terminal, prepared: Prepared) -> None:
    lacking = [*prepared.lacking]
    if not lacking:
        return
    terminal.line()
    terminal.line(f"secrets to supply, without which these are not created ({len(lacking)})")
    most = None if terminal.verbosity > 0 else MOST_SECRETS
    for need in lacking[:most]:
        title = f'"{need.title}" ' if need.title else ""
        how = prepared.supplied.ask(need.address, need.pointers)
        terminal.line(one_line(f"  {need.address.type} {title}{need.address.id}: {how}"))
    if most and len(lacking) > most:
        terminal.line(f"  ... and {len(lacking) - most} more (-v names all)")


def _head(prepared: Prepared) -> str:
    """From which snapshot to which org."""
    order, to = prepared.order, prepared.run.org
    if prepared.undo:
        too = ", ".join(run[:12] for run in prepared.undo.earlier)
        also = f", and {too}, which it went on with," if too else ""
        return f"take back run {prepared.undo.undone.run[:12]}{also} in {to}"
    if order.wishes.unmute:
        return f"unmute what ddsnap has made in {to}"
    label = order.revision
    prefix = "rehearsal: " if order.rehearsal else ""
    if order.source.commit and not order.source.over:
        label += f" @ {_taken(prepared)} ({order.source.commit[:7]})"
    if restores(prepared):
        return f"{prefix}restore {label} -> {to} (the same org: ids are kept)"
    return f"{prefix}{order.kind} {label} -> {to}"


def _taken(prepared: Prepared) -> str:
    """When the snapshot was made."""
    commit = prepared.order.source.commit or ""
    when = prepared.run.repo.commit_info(commit).when.astimezone(timezone.utc)
    return f"{when:%Y-%m-%d %H:%M} UTC"
