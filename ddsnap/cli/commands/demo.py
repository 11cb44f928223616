"""``ddsnap demo``: the whole story on two sandbox orgs, told by the real commands."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ddsnap.config import variable
from ddsnap.errors import DdsnapError, ExitCode, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.cli.context import App
    from ddsnap.cli.terminal import Terminal
    from ddsnap.sandbox import Sandbox, SandboxOrg

_SEED = 21


@click.command()
@click.argument("directory", required=False, type=click.Path(path_type=Path, file_okay=False))
@click.option("--size", type=click.IntRange(20), default=200, show_default=True,
              help="About how many resources the first org has.")  # fmt: skip
@click.pass_obj
def demo(app: App, directory: Path | None, size: int) -> ExitCode:
    """Tell the whole story on two organizations of the embedded Datadog; no account is needed.

    The repository stays in DIRECTORY (a new temporary one by default), to be looked at with git.

    \b
    ddsnap demo
    """
    from ddsnap.sandbox import Sandbox  # noqa: PLC0415 - an extra

    folder = directory or Path(tempfile.mkdtemp(prefix="ddsnap-demo-"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"{folder} cannot be made: {error.strerror}") from None
    with Sandbox() as sandbox, tempfile.TemporaryDirectory(prefix="ddsnap-demo-") as state:
        us1 = sandbox.add_org("us1", seed=_SEED, size=size)
        eu1 = sandbox.add_org("eu1")
        story = _Story(app.terminal, folder.resolve(), sandbox, state)
        story.tell_of_snapshots(us1)
        story.tell_of_replays(us1, eu1)
        story.look_with_git()
    return ExitCode.DONE


@dataclass(frozen=True)
class _Story:
    terminal: Terminal
    folder: Path
    sandbox: Sandbox
    state: str
    """Where the keys of a sandbox's private locations go: nobody needs them after the story."""

    def tell_of_snapshots(self, us1: SandboxOrg) -> None:
        """Tell the first chapters; a command that fails ends the story."""
        self._say("Two organizations run in this process: us1 is in use, eu1 is new and empty.")
        self._run("init", ".", "--org", "us1", "--site", self.sandbox.url)
        self._add_org("eu1")
        self._say("The first snapshot reads everything.")
        self._run("capture", "us1")
        self._say("People work in us1:")
        for line in _work(us1):
            self.terminal.line(f"  {line}")
        monitor = self._delete_a_monitor(us1)
        self._say("What has changed since the snapshot?")
        self._run("diff", "us1")
        self._say("The next snapshot is a commit with exactly that; one more finds nothing new.")
        self._run("capture", "us1")
        self._run("capture", "us1")
        self._run("log", "us1")
        self._run("show", "us1")
        self._say("Who deleted the monitor, and when? Its history outlives it.")
        self._run("log", "us1", f"monitors/{monitor}")

    def tell_of_replays(self, us1: SandboxOrg, eu1: SandboxOrg) -> None:
        """Tell how an org becomes another one, and how something lost comes back."""
        self._say("What would it take to have the same in eu1?")
        self._run("plan", "us1", "--to", "eu1")
        self._say("Do it: in order, every id remapped, new monitors muted, new tests paused.")
        self._say("What has a secret that nobody supplies is left out, and named.")
        replay = ("replay", "us1", "--to", "eu1", "--allow-self-lockout", "--yes", "-q")
        self._run(*replay, partly=True)
        first = self._last_run()
        self._say("Once more: nothing is left to do.")
        self._run(*replay, partly=True)
        self._say("Somebody edits a dashboard in eu1:")
        dashboard = next(iter(eu1.resources("dashboards").values()))
        dashboard["title"] += " (edited by hand)"
        dashboard["modified_at"] = eu1.now().isoformat()
        self.terminal.line(f"  dashboards/{dashboard['id']}: {dashboard['title']}")
        self._run("diff", "eu1")
        self._say("Take the replay back: all but what somebody has touched since, and what nothing")
        self._say("brings back until its type is named. Both are told.")
        self._run("replay", "--undo", first, "--to", "eu1", "--yes", "-q", partly=True)
        self._say("Back in us1, where somebody deletes a dashboard:")
        lost, body = next(iter(us1.resources("dashboards").items()))
        self._delete(us1, f"/api/v1/dashboard/{lost}")
        self.terminal.line(f'  dashboards/{lost}: deleted "{body["title"]}"')
        self._say("It comes back under its own id, and nothing else is touched.")
        self._run("restore", "us1", f"dashboards/{lost}", "--yes")
        self._say("Everything that was sent can be computed again, from git alone.")
        self._run("verify")

    def _delete(self, org: SandboxOrg, path: str) -> None:
        """Delete a resource as anybody does, so that Datadog can have it back."""
        from ddsnap.api.session import Session  # noqa: PLC0415 - slow to import

        with Session(self.sandbox.url, org.api_key, org.app_key) as session:
            session.request("DELETE", path, path)

    def _last_run(self) -> str:
        """Return the beginning of the last replay's name in the journal of eu1."""
        from ddsnap.flows.past_replays import RUN, replays  # noqa: PLC0415 - slow to import
        from ddsnap.store.repository import Repository  # noqa: PLC0415

        with Repository.open(self.folder) as repository:
            tip = repository.branch("journal/eu1") or ""
            return (next(replays(repository, tip)).trailer(RUN) or "")[:12]

    def _add_org(self, name: str) -> None:
        path = self.folder / "ddsnap.yaml"
        address = f"    api_url: {self.sandbox.url}\n"
        text = path.read_text().replace("orgs:\n", f"orgs:\n  {name}:\n{address}", 1)
        path.write_text(text)
        self._say(f"{name} is added to ddsnap.yaml.")

    def _delete_a_monitor(self, org: SandboxOrg) -> str:
        monitors = org.resources("monitors")
        used = {id_ for monitor in monitors.values() for id_ in monitors if id_ in monitor["query"]}
        id_ = max(monitors.keys() - used)
        self.terminal.line(f'  monitors/{id_}: deleted "{monitors.pop(id_)["name"]}"')
        return id_

    def look_with_git(self) -> None:
        """Show that all of it is plain git."""
        self._say(f"All of it is plain git, in {self.folder}:")
        if shutil.which("git"):
            self._git("log", "--oneline", "--graph", "--all")
            self._git("diff", "--stat", "snapshots/us1~1", "snapshots/us1")
            self._git("show", "--stat", "journal/us1")

    def _git(self, *words: str) -> None:
        self.terminal.line(f"$ git {' '.join(words)}", bold=True)
        self._call(["git", "--no-pager", "-C", str(self.folder), *words])

    def _run(self, *words: str, partly: bool = False) -> None:
        """Run a command; with ``partly`` it may leave something undone that it names."""
        self.terminal.line(f"$ ddsnap {' '.join(words)}", bold=True)
        fine = (ExitCode.DONE, ExitCode.PARTIAL) if partly else (ExitCode.DONE,)
        self._call([sys.executable, "-m", "ddsnap", "-C", str(self.folder), *words], fine)

    def _call(self, command: list[str], fine: tuple[int, ...] = (0,)) -> None:
        keys = {"XDG_STATE_HOME": self.state}
        for org in self.sandbox.orgs.values():
            keys[variable(org.name, "api_key")] = org.api_key
            keys[variable(org.name, "app_key")] = org.app_key
        ended = subprocess.run(command, env={**os.environ, **keys}, check=False)
        if ended.returncode not in fine:
            raise DdsnapError(f"the demo ended at: {' '.join(command[1:])}")
        self.terminal.line()

    def _say(self, text: str) -> None:
        self.terminal.line(f"# {text}", fg="cyan")


def _work(org: SandboxOrg) -> Iterator[str]:
    """Do what people do on a day, in the org itself; yield a line of text for each edit.

    A small org may lack what one of them is about.
    """
    now = org.now().isoformat()
    for monitor in filter(_critical, [*org.resources("monitors").values()]):
        old = _critical(monitor)
        monitor["options"]["thresholds"]["critical"] = old * 2
        monitor["query"] = monitor["query"].rsplit(" ", 1)[0] + f" {old * 2:g}"
        monitor["modified"] = now
        yield f"monitors/{monitor['id']}: critical threshold {old:g} -> {old * 2:g}"
        break
    for dashboard in org.resources("dashboards").values():
        note = {"definition": {"type": "note", "content": "See the runbook first."}}
        dashboard["widgets"].insert(0, {"id": org.new_widget(), **note})
        dashboard["modified_at"] = now
        yield f"dashboards/{dashboard['id']}: a note inserted at the top"
        break
    for role in org.resources("roles").values():
        if role["attributes"].get("managed"):
            continue
        role["relationships"]["permissions"]["data"].pop()
        role["attributes"]["modified_at"] = now
        yield f"roles/{role['id']}: one permission removed"
        break


def _critical(monitor: dict[str, Any]) -> float:
    """Return a monitor's critical threshold where its query ends in it, else 0."""
    critical = monitor["options"].get("thresholds", {}).get("critical", 0)
    return critical if monitor["query"].endswith(f" {critical:g}") else 0
