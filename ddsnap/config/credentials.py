"""Where the keys of an org come from. A key is never shown, stored or put into a message."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ddsnap.config.model import Config, Org, Reference

_COMMAND_SECONDS: Final = 60
_KEY = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class Credentials:
    """The two keys of an org."""

    api_key: str = field(default="", repr=False)
    app_key: str = field(default="", repr=False)


def credentials(
    config: Config, org: Org, env: Mapping[str, str], given: Credentials | None = None
) -> Credentials:
    """Find the keys of ``org``: those given as options, those it refers to, the environment's."""
    given = given or Credentials()
    return Credentials(
        given.api_key or _find(config, org, env, "api_key", org.api_key),
        given.app_key or _find(config, org, env, "app_key", org.app_key),
    )


def origin(config: Config, org: Org, env: Mapping[str, str], key: str) -> str:
    """Return where a key (``api_key`` or ``app_key``) is looked for; never the key itself."""
    reference = org.api_key if key == "api_key" else org.app_key
    if reference is None:
        return f"env:{_variable_in_use(config, org, env, key)}"
    return "a command" if reference.kind == "command" else str(reference)


def site(config: Config, org: Org, env: Mapping[str, str]) -> str:
    """Return the site or address of ``org``; ``DD_SITE`` may name it where it is the only org."""
    found = org.api_url or org.site or (env.get("DD_SITE", "") if len(config.orgs) == 1 else "")
    if not found:
        raise UsageError(f"org '{org.name}' has no site", f"add 'site:' to it in {config.file}")
    return found


def variable(org_name: str, key: str) -> str:
    """Return the variable that holds a key by default: ``DDSNAP_US1_API_KEY``."""
    return f"DDSNAP_{org_name.upper().replace('-', '_')}_{key.upper()}"


def _find(
    config: Config, org: Org, env: Mapping[str, str], key: str, reference: Reference | None
) -> str:
    if reference is None:
        return _from_env(_variable_in_use(config, org, env, key), env, org, key)
    if reference.kind == "env":
        return _from_env(reference.target, env, org, key)
    if reference.kind == "file":
        return _from_file(Path(config.file).parent, reference.target, org, key)
    return _from_command(reference.target, env, org, key)


def _variable_in_use(config: Config, org: Org, env: Mapping[str, str], key: str) -> str:
    """Return the variable that holds a key: Datadog's usual one stands in for an only org's."""
    own, only = variable(org.name, key), f"DD_{key.upper()}"
    stands_in = not env.get(own) and len(config.orgs) == 1 and env.get(only)
    return only if stands_in else own


def _from_env(name: str, env: Mapping[str, str], org: Org, key: str) -> str:
    value = env.get(name, "")
    if not value:
        hint = f"export {name}, or name another place under orgs.{org.name}.{key}"
        raise UsageError(f"{name} is not set: it holds the {_called(key)} of '{org.name}'", hint)
    return _checked(value, f"{name}", org, key)


def _from_file(folder: Path, target: str, org: Org, key: str) -> str:
    path = folder / Path(target).expanduser()
    try:
        text = path.read_text(encoding="ascii")
    except OSError as error:
        message = f"the {_called(key)} of '{org.name}' cannot be read from {path}"
        hint = f"put the key there, or name another place under orgs.{org.name}.{key}"
        raise UsageError(f"{message}: {error.strerror}", hint) from None
    except UnicodeDecodeError:
        text = ""
    return _checked(text, str(path), org, key)


def _from_command(command: str, env: Mapping[str, str], org: Org, key: str) -> str:
    """Run a program without a shell; whoever may edit the file must not thereby run programs."""
    import shlex  # noqa: PLC0415 - rarely needed
    import subprocess  # noqa: PLC0415 - rarely needed

    if env.get("DDSNAP_ALLOW_COMMANDS") != "1":
        raise UsageError(
            f"orgs.{org.name}.{key} wants to run a command, which is not allowed",
            "read the command in the configuration, then set DDSNAP_ALLOW_COMMANDS=1",
        )
    what = f"the command for the {_called(key)} of '{org.name}'"
    try:
        done = subprocess.run(
            shlex.split(command), stdout=subprocess.PIPE, check=True, timeout=_COMMAND_SECONDS
        )
        text = done.stdout.decode("ascii")
    except subprocess.CalledProcessError as error:
        raise UsageError(f"{what} ended with {error.returncode}") from None
    except subprocess.TimeoutExpired:
        raise UsageError(f"{what} gave no answer in {_COMMAND_SECONDS} s") from None
    except UnicodeDecodeError:
        text = ""
    except (OSError, ValueError) as error:
        raise UsageError(f"{what} cannot be run: {error}") from None
    return _checked(text, what, org, key)


def _checked(text: str, where: str, org: Org, key: str) -> str:
    value = text.strip()
    if not _KEY.fullmatch(value):
        raise UsageError(f"{where} holds no {_called(key)} of '{org.name}': it must be one word")
    return value


def _called(key: str) -> str:
    return "API key" if key == "api_key" else "application key"
