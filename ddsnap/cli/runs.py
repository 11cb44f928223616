"""What a run against a configured org is made of: its keys, its address, its session, its scope."""

from __future__ import annotations

import getpass
import socket
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timezone
from difflib import get_close_matches
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from ddsnap import __version__
from ddsnap.cli.ages import seconds_of
from ddsnap.config import Credentials, site
from ddsnap.core.select import Selection, parse_filter
from ddsnap.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator

    from ddsnap.api.session import Session
    from ddsnap.cli.context import App
    from ddsnap.config import Config, Org
    from ddsnap.flows.read_org import Scope
    from ddsnap.flows.run import Author, Run
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class Overrides:
    """What the command line says in place of the configuration; ``None`` says nothing."""

    keys: Credentials = field(default_factory=Credentials)
    allowed_hosts: tuple[str, ...] = ()
    timeout: float | None = None
    retries: int | None = None


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command take keys, hosts and patience; it gets what :func:`overrides` is made of."""
    for option in (
        click.option("--retries", type=click.IntRange(0), metavar="N",
                     help="How often to repeat a request at most."),
        click.option("--timeout", callback=seconds_of, metavar="TIME",
                     help="Give up a request after this, repeats included: 90s, 15m."),
        click.option("--allow-host", "allowed_hosts", multiple=True, metavar="HOST",
                     help="Send keys to this host too (or DDSNAP_ALLOW_HOSTS)."),
        click.option("--app-key", default="", metavar="KEY",
                     help="Application key of the org; the environment is safer."),
        click.option("--api-key", default="", metavar="KEY",
                     help="API key of the org; the environment is safer."),
    ):  # fmt: skip
        command = option(command)
    return command


def destination_keys(command: Callable[..., Any]) -> Callable[..., Any]:
    """Let a command name the keys as the destination's; such keys go before ``--api-key``."""

    @wraps(command)
    def keyed(
        *args: Any, to_api_key: str, to_app_key: str, api_key: str, app_key: str, **others: Any
    ) -> Any:
        keys = {"api_key": to_api_key or api_key, "app_key": to_app_key or app_key}
        return command(*args, **keys, **others)

    for option in (
        click.option("--to-app-key", default="", metavar="KEY",
                     help="Application key of the destination; the environment is safer."),
        click.option("--to-api-key", default="", metavar="KEY",
                     help="API key of the destination; the environment is safer."),
    ):  # fmt: skip
        keyed = option(keyed)
    return keyed


def overrides(
    *,
    api_key: str,
    app_key: str,
    allowed_hosts: tuple[str, ...],
    timeout: float | None,
    retries: int | None,
) -> Overrides:
    """Return the values of :func:`connection_options` as one."""
    return Overrides(Credentials(api_key, app_key), allowed_hosts, timeout, retries)


def arguments_of(context: click.Context) -> tuple[str, ...]:
    """Return what a command was called with, as the journal may hold it: no option with a key."""
    words = [context.info_name or ""]
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if given and parameter.expose_value and not name.endswith("_key"):
            words += _words(parameter, context.params[name])
    return tuple(words)


def options_given(context: click.Context, names: Collection[str]) -> list[str]:
    """Return those of the options of these names that stand on the command line, as they do."""
    return [
        max(parameter.opts, key=len)
        for parameter in context.command.params
        if parameter.name in names
        and context.get_parameter_source(parameter.name) is ParameterSource.COMMANDLINE
    ]


@contextmanager
def open_run(
    app: App,
    repository: Repository,
    config: Config,
    org: Org,
    *,
    arguments: tuple[str, ...] = (),
    given: Overrides | None = None,
) -> Iterator[Run]:
    """Open the way to an org; nothing is asked of it before the first use, and all is closed."""
    from ddsnap.api.gateway import Gateway  # noqa: PLC0415 - slow to import
    from ddsnap.catalog import CATALOG  # noqa: PLC0415
    from ddsnap.flows.guard import Guard  # noqa: PLC0415
    from ddsnap.flows.run import Run, new_run_id  # noqa: PLC0415

    run_id = new_run_id()
    with _session(app, config, org, given or Overrides(), run_id) as session:
        yield Run(
            repository,
            Gateway(session, CATALOG),
            CATALOG,
            org.name,
            _site(app, config, org),
            lambda: datetime.now(timezone.utc),
            _author(),
            org.public_id,
            arguments,
            app.terminal.event,
            Guard.of(app.known_secrets(), config.secrets.allow, config.secrets.redact),
            run_id,
            config.journal.unchanged == "daily",
        )


def scope_of(
    config: Config,
    only: Iterable[str] = (),
    exclude: Iterable[str] = (),
    accept_loss: Iterable[str] = (),
    *,
    full: bool = False,
    narrowing: Selection | None = None,
) -> Scope:
    """Return what to read: the configured types, narrowed to ``only``, without ``exclude``.

    With ``full`` everything is read, whatever seems unchanged. ``narrowing`` are the filters of the
    command line; where each names its type and ``only`` is empty, only these types are read. Names
    may be joined by commas. Raises ``UsageError`` for one that is no captured type.
    """
    from ddsnap.flows.read_org import Scope  # noqa: PLC0415 - slow to import

    _refuse_unread(config)
    narrowing = narrowing or Selection()
    types = _configured_types(config)
    named, without = type_names(only), type_names(exclude)
    _check_captured(config, types, named)
    _check_captured(config, types, narrowing.types)
    # Left out for once is carried over, not dropped: only the configuration decides what is kept.
    wanted = named or tuple(name for name in types if narrowing.only(name))
    narrowed = [name for name in wanted or types if name not in without]
    if not narrowed:
        raise UsageError("no type is left to read", "name fewer with --exclude")
    unread = [name for name in narrowing.types if name not in narrowed]
    if unread:
        raise UsageError(
            f"a filter names {unread[0]}, which this run does not read", "see --type and --exclude"
        )
    return Scope(
        types,
        frozenset(narrowed if wanted or without else ()),
        frozenset(type_names(accept_loss)),
        full,
        config.capture.full_every,
        _configured_filters(config, types),
        narrowing,
        frozenset((*config.capture.types, *named, *narrowing.types)),
    )


def _configured_types(config: Config) -> tuple[str, ...]:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import

    wanted = config.capture.types
    configured = CATALOG.names if "all" in wanted else wanted
    return tuple(name for name in configured if name not in config.capture.exclude)


def _configured_filters(config: Config, types: tuple[str, ...]) -> Selection:
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import

    try:
        selection = Selection(tuple(parse_filter(text, CATALOG) for text in config.capture.filters))
    except UsageError as error:
        raise ConfigError(f"{config.file}: capture.filters: {error.message}", error.hint) from None
    unread = [name for name in selection.types if name not in types]
    if unread:
        raise ConfigError(
            f"{config.file}: capture.filters name {unread[0]}, which is not captured",
            "take the filter out, or see capture.types and capture.exclude",
        )
    return selection


def _check_captured(config: Config, types: tuple[str, ...], named: Iterable[str]) -> None:
    outside = [name for name in named if name not in types]
    if outside:
        raise UsageError(
            f"{outside[0]} is not among the types that {config.file} captures",
            "add it under capture.types, or take it out of capture.exclude",
        )


def type_names(words: Iterable[str]) -> tuple[str, ...]:
    """Return the captured types that ``words`` name, joined by commas or not, each once."""
    from ddsnap.catalog import CATALOG, DECLARED  # noqa: PLC0415 - slow to import

    names = [name.strip() for word in words for name in word.split(",")]
    lacking = {type_.name: lacks for type_, lacks in DECLARED.items()}
    for name in names:
        if name in lacking:
            raise UsageError(
                f"{name} is declared but not captured yet: it lacks {lacking[name]}",
                "`ddsnap types` shows what is captured",
            )
        if name not in CATALOG:
            near = get_close_matches(name, CATALOG.names, n=1)
            guess = f" (did you mean '{near[0]}'?)" if near else ""
            raise UsageError(
                f"no type is called '{name}'{guess}", "`ddsnap types` shows those there are"
            )
    return tuple(dict.fromkeys(names))


def _refuse_unread(config: Config) -> None:
    """Refuse what the file asks for and no run would do: silence would record something else."""
    if config.types:
        raise UsageError(
            f"types in {config.file} has no effect in ddsnap {__version__}", "take it out"
        )


def _session(app: App, config: Config, org: Org, given: Overrides, run_id: str) -> Session:
    from ddsnap.api.session import Session  # noqa: PLC0415 - slow to import
    from ddsnap.api.transport import Timeouts  # noqa: PLC0415

    address = app.address(config, org, given.allowed_hosts)
    keys = app.keys(config, org, given.keys)
    http = config.http
    total = http.total if given.timeout is None else given.timeout
    named = app.env.get("DDSNAP_ALLOW_HOSTS", "").replace(",", " ").split()
    session = Session(
        address,
        keys.api_key,
        keys.app_key,
        timeouts=Timeouts(min(http.connect, total), min(http.read, total), total),
        retries=http.retries if given.retries is None else given.retries,
        concurrency=config.capture.concurrency,
        allowed_hosts=(*given.allowed_hosts, *named),
        user_agent_run_id=run_id,
    )
    session.conceal(app.known_secrets())
    return session


def _site(app: App, config: Config, org: Org) -> str:
    """Return the site as snapshots name it, however the configuration spells it."""
    from ddsnap.api.hosts import find_site  # noqa: PLC0415 - slow to import

    where = site(config, org, app.env)
    known = find_site(where.removeprefix("https://api."))
    return known.site if known else where


def _author() -> Author:
    from ddsnap.flows.run import Author  # noqa: PLC0415 - slow to import

    try:
        user = getpass.getuser()
    except (ImportError, KeyError, OSError):  # a container may know no name for its user
        user = "unknown"
    return Author(user, socket.gethostname(), __version__)


def _words(parameter: click.Parameter, value: Any) -> list[str]:
    """Return a parameter as it could stand on the command line."""
    values = [value] if isinstance(value, (str, int, float, Path)) else [*(value or ())]
    if isinstance(parameter, click.Argument):
        return [str(one) for one in values]
    option = parameter.opts[-1]
    if value is True:
        return [option]
    return [word for one in values for word in (option, str(one))]
