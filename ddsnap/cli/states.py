"""States of an org that a command looks at: snapshots, and the org as it is now."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timezone
from typing import TYPE_CHECKING

from ddsnap.cli.context import find_org
from ddsnap.cli.runs import Overrides, open_run, scope_of
from ddsnap.cli.watch import watched
from ddsnap.errors import UsageError
from ddsnap.flows.revisions import LIVE, find_snapshot
from ddsnap.flows.view import live_view, snapshot_view

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from ddsnap.cli.context import App
    from ddsnap.config import Config
    from ddsnap.core.manifest import TypeState
    from ddsnap.flows.outcome import CaptureResult
    from ddsnap.flows.view import View
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class Desk:
    """What states are opened with, the same for all of one command."""

    app: App
    repository: Repository
    config: Config
    types: tuple[str, ...] = ()
    """Narrowed on the command line: of a live org nothing else is read."""
    given: Overrides = field(default_factory=Overrides)
    full: bool = False
    """Whether of a live org everything is read, whatever seems unchanged."""

    def open(self, name: str) -> State:
        """Find the state that ``name`` means: ``live:ORG``, an org's name, any git revision."""
        if name.startswith(LIVE):
            return self.live(name.removeprefix(LIVE))
        snapshot = find_snapshot(self.repository, name)
        when = self.repository.commit_info(snapshot.commit).when.astimezone(timezone.utc)
        label = f"{name} @ {when:%Y-%m-%d %H:%M} UTC ({snapshot.commit[:7]})"
        return State(snapshot_view(self.repository, snapshot.commit, name), label)

    def live(self, org_name: str) -> State:
        """Read an org as it is now; nothing is recorded."""
        org = find_org(self.config, org_name)
        scope = scope_of(self.config, only=self.types, full=self.full)
        app = self.app
        with open_run(app, self.repository, self.config, org, given=self.given) as run:
            total = len(scope.only or scope.types)
            if app.terminal.interactive:
                with app.terminal.progress(f"reading {org.name}", total) as advance:
                    view, result = live_view(watched(run, advance), scope)
            else:
                view, result = live_view(run, scope)
        _warn(app, result)
        return State(view, view.label)


@dataclass(frozen=True)
class State:
    """One state: the view of it, and its name for people, with time and commit."""

    view: View
    label: str

    @property
    def org(self) -> str:
        """The org that it is a state of."""
        return self.view.manifest.org.name

    def unread(self, types: Collection[str]) -> Iterator[tuple[str, TypeState]]:
        """Yield which of ``types`` (all where none is named) could not be read as a whole."""
        for name, state in sorted(self.view.manifest.types.items()):
            lacking = state.state in ("stale", "partial")
            lacking |= state.state == "unavailable" and name in types
            if lacking and (not types or name in types):
                yield name, state


def only_org(config: Config, but: str = "", asked: str = "") -> str:
    """Return the only org of the configuration other than ``but``.

    Raises ``UsageError``, which names ``asked`` as the way to say which.
    """
    names = [name for name in config.orgs if name != but]
    if len(names) == 1:
        return names[0]
    known = ", ".join(names) or "none"
    raise UsageError(
        f"{config.file} names {'several' if names else 'no'} {'other ' if but else ''}orgs",
        f"say which: {asked} ({known})",
    )


def _warn(app: App, result: CaptureResult) -> None:
    for warning in result.warnings:
        app.terminal.warn(warning)
    for outcome in result.types.values():
        for problem in outcome.problems:
            app.terminal.detail(f"{problem.address}: {problem.reason}")
