"""``ddsnap transform``: the transformations of replays: what there is, what it does, a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from ddsnap.errors import ExitCode, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from ddsnap.cli.context import App
    from ddsnap.config import Config
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import JSON
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository

COLUMNS = ("name", "from", "to", "types", "does", "description")


@click.group(no_args_is_help=False)
def transform() -> None:
    """Work on transformations: rules in transforms/NAME.yaml that change what a replay writes.

    They are applied in order of name, or as replay.transforms lists them, to each document that
    they match. What a rule did is always an RFC 6902 patch, which the plan shows.

    \b
    ddsnap transform new eu-queries --from environment-in-queries
    ddsnap transform check us1 --to eu1
    """


@transform.command("list")
@click.option("--ready", is_flag=True, help="List the templates that 'new --from' takes.")
@click.pass_obj
def list_rules(app: App, ready: bool) -> None:
    """Show the transformations: between which orgs, of which types, and what they do.

    \b
    ddsnap transform list
    ddsnap transform list --ready

    With --json each line is a rule event (name, from, to, types, does, description); an empty list
    stands for any.
    """
    rules = _ready_rules() if ready else _rules(app)
    json = app.terminal.json
    rows: list[list[JSON]] = [
        [
            rule.name,
            _listed(rule.from_orgs, "any", json=json),
            _listed(rule.to_orgs, "any", json=json),
            _listed(rule.types, "all", json=json),
            ", ".join(deeds(rule)),
            rule.description,
        ]
        for rule in rules
    ]
    app.terminal.table("rule", COLUMNS, rows)
    if not rows:
        app.terminal.note("there are no transformations; 'ddsnap transform new NAME' makes one")


@transform.command()
@click.argument("name", metavar="NAME")
@click.option("--ready", is_flag=True, help="Show a template.")
@click.pass_obj
def show(app: App, name: str, ready: bool) -> None:
    """Show a transformation: what it means, and its text.

    \b
    ddsnap transform show eu-queries

    With --json: one rule event (name, means, text).
    """
    from ddsnap.config.transforms import find_rule  # noqa: PLC0415 - slow to import

    rules = _ready_rules() if ready else _rules(app)
    rule = find_rule({one.name: one for one in rules}, name)
    if app.terminal.json:
        app.terminal.event("rule", name=rule.name, means=[*meaning(rule)], text=rule.text)
        return
    for line in meaning(rule):
        app.terminal.line(line, bold=True)
    app.terminal.line()
    app.terminal.line(rule.text.rstrip("\n"))


@transform.command()
@click.argument("revision", metavar="REV")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--to", metavar="ORG", help="Only what a replay into it applies, and NAMEs.")
@click.pass_obj
def check(app: App, revision: str, names: tuple[str, ...], to: str | None) -> ExitCode:
    """Show each patch that transformations would make of the snapshot REV, all or those named.

    Nothing is written. Principals are looked for in ORG's last snapshot; which permissions ORG
    knows no snapshot tells, so those are dropped by a plan alone. A rule that fails for a resource,
    or changes nothing at all, would stop a replay: it is named, and the check ends with 2.

    \b
    ddsnap transform check us1
    ddsnap transform check us1 --to eu1
    ddsnap transform check us1 pause-tests

    With --json each line is an event: patch (rule, type, id, title, patch), failure (type, id,
    title, message), and at the end one checked of each rule (name, resources).
    """
    from ddsnap.cli.checked_rules import check_rules  # noqa: PLC0415 - slow to import
    from ddsnap.cli.rules import read_rules  # noqa: PLC0415
    from ddsnap.cli.states import Desk  # noqa: PLC0415

    with app.open() as repository:
        config = app.config(repository)
        rules = read_rules(app, repository, config)
        state = Desk(app, repository, config).open(revision)
        there = _last_view(repository, to)
        chosen = _chosen(rules, config, (state.view, there), to, names)
        if not chosen:
            where = f" from {state.org} to {to}" if to else ""
            app.terminal.note(f"no transformation applies{where}")
            return ExitCode.DONE
        return check_rules(app.terminal, state, chosen, there)


@transform.command()
@click.argument("name", metavar="NAME")
@click.option("--from", "template", default="blank", show_default=True, metavar="TEMPLATE",
              help="What to begin with; 'list --ready' shows what there is.")  # fmt: skip
@click.pass_obj
def new(app: App, name: str, template: str) -> None:
    """Write transforms/NAME.yaml, with comments, to be edited, checked and committed.

    \b
    ddsnap transform new calm --from pause-tests

    With --json: one transform_written event (name, path).
    """
    from ddsnap.config.ready_made import ready_rule  # noqa: PLC0415 - slow to import
    from ddsnap.config.transforms import FOLDER, check_name, parse_rule  # noqa: PLC0415

    check_name(name)
    with app.open() as repository:
        path = _work_tree(repository) / FOLDER / f"{name}.yaml"
    source = ready_rule(template)
    parse_rule(str(path), source)
    try:
        path.parent.mkdir(exist_ok=True)
        with path.open("xb") as file:
            file.write(source)
    except FileExistsError:
        if not path.exists():
            raise UsageError(f"{path.parent} is no folder", "move it out of the way") from None
        raise Refused(f"{path} exists", "edit it, or choose another name") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    app.terminal.event("transform_written", name=name, path=str(path))
    app.terminal.line(f"Made {path}")
    app.terminal.line("Next: edit it, then run 'ddsnap transform check REV', and commit it.")


# --- in words


def _listed(names: tuple[str, ...], word: str, *, json: bool) -> JSON:
    """Return names; to people a word stands for none of them."""
    return [*names] if names or json else word


def deeds(rule: Rule) -> list[str]:
    """Return what a rule does, in a few words each."""
    told = []
    for count, word in ((len(rule.patch), "operation"), (len(rule.rewrite), "rewrite")):
        if count:
            told.append(f"{count} {word}{'s' if count > 1 else ''}")
    if rule.add_tags:
        told.append(f"adds {', '.join(rule.add_tags)}")
    if rule.drop_principals:
        told.append("drops unknown principals")
    if rule.drop_permissions:
        told.append("drops unknown permissions")
    return told


def meaning(rule: Rule) -> list[str]:
    """Return what a rule means, line by line."""
    from_, to = ", ".join(rule.from_orgs), ", ".join(rule.to_orgs)
    orgs = f"from {from_ or 'any org'} to {to or 'any other'}"
    types = ", ".join(rule.types) or "every type"
    where = f" where {rule.where.text}" if rule.where else ""
    lines = [f"applies {orgs}; in one org only with --transform {rule.name}", f"to {types}{where}"]
    lines += [_operation(operation) for operation in rule.patch]
    for rewrite in rule.rewrite:
        what, new, at = rewrite.pattern.pattern, rewrite.replacement, rewrite.at.text
        lines.append(f"rewrite '{what}' as '{new}' in the texts at {' '.join(at.split())}")
    if rule.add_tags:
        lines.append(f"add the tags {', '.join(rule.add_tags)} where they are missing")
    if rule.drop_principals:
        lines.append("drop principals that the destination does not know, never the last of a list")
    if rule.drop_permissions:
        lines.append("drop permissions that the destination does not know, never all of a role's")
    return lines


def _operation(operation: dict[str, JSON]) -> str:
    from ddsnap.cli.render.fields import shown  # noqa: PLC0415 - slow to import

    words = [str(operation["op"])]
    words += [f"{operation['from']} to"] if "from" in operation else []
    words.append(str(operation["path"]) or "the whole document")
    words += [f"= {shown(operation['value'])}"] if "value" in operation else []
    return " ".join(words)


# --- finding rules


def _rules(app: App) -> tuple[Rule, ...]:
    from ddsnap.cli.rules import read_rules  # noqa: PLC0415 - with what follows

    with app.open() as repository:
        return read_rules(app, repository, app.config(repository))


def _ready_rules() -> tuple[Rule, ...]:
    from ddsnap.config.ready_made import ready_names, ready_rule  # noqa: PLC0415 - slow to import
    from ddsnap.config.transforms import parse_rules  # noqa: PLC0415

    return parse_rules({f"{name}.yaml": ready_rule(name) for name in ready_names()})


def _last_view(repository: Repository, org: str | None) -> View | None:
    """Return the org's last snapshot, if it has one."""
    from ddsnap.flows.view import snapshot_view  # noqa: PLC0415 - slow to import

    tip = repository.branch(f"snapshots/{org}") if org else None
    return snapshot_view(repository, tip, org or "") if tip else None


def _chosen(
    rules: tuple[Rule, ...],
    config: Config,
    views: tuple[View, View | None],
    to: str | None,
    names: Iterable[str],
) -> tuple[Rule, ...]:
    """Return the rules to check: those of a replay, those that are named, or all of them."""
    from ddsnap.cli.context import find_org  # noqa: PLC0415 - with what follows
    from ddsnap.config.transforms import applying, find_rule  # noqa: PLC0415 - slow to import

    if to is None:
        by_name = {rule.name: rule for rule in rules}
        return tuple(find_rule(by_name, name) for name in dict.fromkeys(names)) or rules
    ours, theirs = (view.manifest.org if view else None for view in views)
    return applying(
        rules,
        config.replay.transforms,
        ours.name if ours else "",
        find_org(config, to).name,
        tuple(names),
        same_org=bool(ours and theirs and ours.is_same(theirs)),
        file=config.file,
    )


def _work_tree(repository: Repository) -> Path:
    """Return where people edit; a machine's branch, or none, may be checked out."""
    from ddsnap.cli.context import CONFIG_FILE, near  # noqa: PLC0415 - with what follows

    if not (repository.path / CONFIG_FILE).exists():
        raise UsageError(
            f"there is no {CONFIG_FILE} in {repository.path} to put transformations beside",
            "check out the branch that has it, as with `git switch main`",
        )
    return near(repository.path)
