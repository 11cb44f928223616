"""The transformations of a repository, with a word on what in them may be a mistake."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ddsnap.cli.context import App
    from ddsnap.config import Config
    from ddsnap.core.transform import Rule
    from ddsnap.store.repository import Repository


def read_rules(app: App, repository: Repository, config: Config) -> tuple[Rule, ...]:
    """Read the rules; one that names an org that nobody configured may be off by mistake."""
    rules = app.rules(repository)
    for rule in rules:
        for org in dict.fromkeys((*rule.from_orgs, *rule.to_orgs)):
            if org not in config.orgs:
                app.terminal.warn(
                    f"transforms/{rule.name}.yaml: {config.file} names no org '{org}'"
                )
    return rules
