"""``replay --rehearse``: the same replay into an embedded copy of the org, which alone is written.

The copy is a sandbox org that holds what the real one holds now; the runs, the map and the commits
of the rehearsal are in a repository that is gone afterwards.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from ddsnap.catalog import CATALOG
from ddsnap.cli.context import find_org
from ddsnap.cli.meant import meant, order_of
from ddsnap.cli.render.prepared import tell_plan
from ddsnap.cli.render.replayed import tell_rehearsal
from ddsnap.cli.runs import Overrides, open_run
from ddsnap.cli.supplying import supplies
from ddsnap.cli.watch import Bars
from ddsnap.config import Credentials
from ddsnap.errors import ExitCode, gravest
from ddsnap.flows.presets import presets_of
from ddsnap.flows.rehearsal import look
from ddsnap.flows.replay import replay
from ddsnap.flows.replay_result import exit_code
from ddsnap.flows.sync import ALONE
from ddsnap.sandbox import Fault, Sandbox
from ddsnap.store.scratch import scratch

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.cli.context import App
    from ddsnap.cli.replaying import Asked
    from ddsnap.config import Config, Org
    from ddsnap.core.resource_type import ResourceType
    from ddsnap.flows.prepared import Order, Prepared
    from ddsnap.flows.rehearsal import Scene
    from ddsnap.flows.replay_result import Result
    from ddsnap.flows.run import Run
    from ddsnap.store.repository import Repository


def rehearse_with(app: App, repository: Repository, config: Config, asked: Asked) -> ExitCode:
    """Replay into a copy of the org, and tell what would fail."""
    if asked.exchange.asked and asked.exchange.remote:
        # Fetching moves branches; what others did since the last fetch is not part of it.
        app.terminal.note(f"{asked.exchange.remote.name} was not asked, for it leaves no trace")
    asked, source, rules = meant(app, repository, config, replace(asked, exchange=ALONE))
    org = find_org(config, asked.to)
    with Bars(app.terminal) as bars, supplies(app, repository, config, asked, source) as supply:
        order = order_of(app, config, asked, source, rules, supply=supply)
        # Keys of a location that is not real are of no use to anybody.
        order = replace(order, rehearsal=True, keys_folder=lambda: None)
        with open_run(app, repository, config, org, given=asked.given) as run:
            bars.start(f"reading {org.name}", len(order.scope.types))
            scene = look(bars.watch(run), order)
            order = replace(order, is_preset=presets_of(run))
            result = _Rehearsal(app, repository, config, org, bars).carry_out(scene, order)
    tell_rehearsal(app.terminal, result)
    lacking = ExitCode.PARTIAL if result.prepared.lacking else ExitCode.DONE
    return gravest([exit_code(result), lacking])


@dataclass(frozen=True)
class _Rehearsal:
    app: App
    repository: Repository
    config: Config
    org: Org
    bars: Bars

    def carry_out(self, scene: Scene, order: Order) -> Result:
        """Do to the copy of the org what was ordered for it."""
        name, bars = self.org.name, self.bars

        def show(prepared: Prepared) -> None:
            bars.stop()
            prepared.warnings[:0] = scene.warnings
            tell_plan(self.app.terminal, prepared)

        def approve(prepared: Prepared) -> None:
            bars.start(f"rehearsing {name}", prepared.writes)

        branches = (f"snapshots/{name}", f"journal/{name}")
        with (
            Sandbox() as sandbox,
            scratch(self.repository, branches) as copy,
            self._run(copy, sandbox, scene) as run,
        ):
            bars.start(f"reading the copy of {name}", len(order.scope.types))
            result = replay(bars.watch(run), order, approve, show=show)
            bars.stop()
            return result

    @contextmanager
    def _run(self, copy: Repository, sandbox: Sandbox, scene: Scene) -> Iterator[Run]:
        """Open the way to the copy of the org, under its name and identity."""
        _stage(sandbox, self.org.name, scene)
        ours = sandbox.orgs[self.org.name]
        given = Overrides(Credentials(ours.api_key, ours.app_key))
        there = replace(self.org, site="", api_url=sandbox.url)
        with open_run(self.app, copy, self.config, there, given=given) as run:
            yield replace(run, site=scene.view.manifest.org.site)


def _stage(sandbox: Sandbox, name: str, scene: Scene) -> None:
    """Make the sandbox hold what the org holds, and refuse what the org refuses."""
    org, keys = sandbox.add_org(name), scene.keys
    documents = scene.view.documents(CATALOG)
    org.load_snapshot([(one.address.type, dict(one.body)) for one in documents])
    org.public_id, org.uuid = keys.public_id, keys.uuid or org.uuid
    org.locations = scene.locations
    if keys.user in org.table("users"):
        org.owner = keys.user
    for type_name, status in scene.closed.items():
        sandbox.faults.add(Fault(path=_listing(CATALOG[type_name]), method="GET", status=status))


def _listing(type_: ResourceType) -> str:
    """Return the pattern of the path that lists a type."""
    return "^" + re.sub(r"\\\{[^}]*\}", "[^/]+", re.escape(type_.path)) + "$"
