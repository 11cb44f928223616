"""What a command works with: the terminal, the repository, its configuration, the keys."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ddsnap.errors import ConfigError, StoreError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.cli.terminal import Terminal
    from ddsnap.config import Config, Credentials, Org
    from ddsnap.core.transform import Rule
    from ddsnap.store.repository import Repository

CONFIG_FILE: Final = "ddsnap.yaml"

RUN_AGAIN: Final = "nothing is half-written; run the same command again"


@dataclass
class App:
    """One invocation of the command line; made at its edge and passed down."""

    terminal: Terminal
    env: Mapping[str, str]
    directory: Path
    if_interrupted: str = RUN_AGAIN
    """What is safe to do after an interruption; a command that knows better says so."""
    secrets: set[str] = field(default_factory=set)
    """Values that no report may hold."""

    def open(self) -> Repository:
        """Open the repository around the directory."""
        from ddsnap.store.repository import Repository  # noqa: PLC0415 - slow to import

        if not self.directory.is_dir():
            raise UsageError(
                f"{self.directory} is no folder", "-C and DDSNAP_REPO name that of a repository"
            )
        return Repository.open(self.directory)

    def config(self, repository: Repository) -> Config:
        """Read the configuration: the work tree's, else the one on the branch ``main``.

        A machine's branch may be checked out, and a bare repository has no work tree.
        """
        from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import
        from ddsnap.config import load, parse  # noqa: PLC0415

        path = repository.path / CONFIG_FILE
        if path.exists():
            return load(near(path), CATALOG.names)
        source = _committed(repository)
        if source is None:
            raise ConfigError(f"{near(path)} does not exist", "run 'ddsnap init' to make one")
        return parse(source, str(near(path)), CATALOG.names)

    def rules(self, repository: Repository) -> tuple[Rule, ...]:
        """Read the transformations, from where the configuration is."""
        from ddsnap.config.transforms import FOLDER, load_rules, parse_rules  # noqa: PLC0415

        folder = repository.path / FOLDER
        if (repository.path / CONFIG_FILE).exists():
            return load_rules(near(folder))
        return parse_rules(_committed_rules(repository, near(folder)))

    def keys(self, config: Config, org: Org, given: Credentials | None = None) -> Credentials:
        """Find the keys of an org, and keep them out of every report from now on."""
        from ddsnap.config import credentials  # noqa: PLC0415 - slow to import

        found = credentials(config, org, self.env, given)
        self.secrets |= {found.api_key, found.app_key}
        return found

    def known_secrets(self) -> set[str]:
        """Return the keys found until now, and the secrets that the environment supplies."""
        supplied = (v for name, v in self.env.items() if name.startswith("DDSNAP_SECRET_"))
        return {*self.secrets, *supplied}

    def address(self, config: Config, org: Org, allowed: tuple[str, ...] = ()) -> str:
        """Return the address of an org's API, if keys may be sent there."""
        from ddsnap.api.hosts import api_url, check_host  # noqa: PLC0415 - slow to import
        from ddsnap.config import site  # noqa: PLC0415

        where = site(config, org, self.env)
        named = self.env.get("DDSNAP_ALLOW_HOSTS", "").replace(",", " ").split()
        return check_host(where if "://" in where else api_url(where), (*allowed, *named))


def find_org(config: Config, name: str) -> Org:
    """Return the org of this name."""
    if name in config.orgs:
        return config.orgs[name]
    known = ", ".join(config.orgs) or "none yet"
    raise UsageError(f"no org is called '{name}'", f"known in {config.file}: {known}")


def find_orgs(config: Config, names: tuple[str, ...]) -> tuple[Org, ...]:
    """Return the orgs of these names, each once; all of them where none is named."""
    if not config.orgs:
        raise UsageError(f"{config.file} names no org", "add one under 'orgs:'")
    return tuple(find_org(config, name) for name in dict.fromkeys(names or tuple(config.orgs)))


def _committed(repository: Repository) -> bytes | None:
    try:
        return repository.read_file(repository.resolve("refs/heads/main"), CONFIG_FILE)
    except StoreError:
        return None


def _committed_rules(repository: Repository, folder: Path) -> dict[str, bytes]:
    from ddsnap.config.transforms import FOLDER, is_rule  # noqa: PLC0415 - slow to import
    from ddsnap.store.trees import read_paths  # noqa: PLC0415 - slow to import

    main = repository.branch("main")
    paths = read_paths(repository, main, FOLDER) if main else {}
    names = [path.removeprefix(f"{FOLDER}/") for path in paths]
    chosen = [name for name in names if is_rule(name) and "/" not in name]
    return {
        str(folder / name): repository.read_file(main or "", f"{FOLDER}/{name}") or b""
        for name in chosen
    }


def near(path: Path) -> Path:
    """Return ``path`` as one would write it from here."""
    try:
        return path.relative_to(Path(os.getcwd()))  # noqa: PTH109 - not resolved twice
    except ValueError:
        return path
