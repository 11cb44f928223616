"""Writing ``ddsnap.yaml``: the first one, and edits that keep its comments and order."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

from ddsnap.config.credentials import variable
from ddsnap.config.load import check_org_name
from ddsnap.config.marked import compose
from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_TEMPLATE: Final = """\
# What ddsnap captures, from where, and how it replays. Keys never stand in this file.
version: 1

orgs:
  {org}:
    {address}
    # Where the keys are: env:NAME, file:PATH, or command:... (with DDSNAP_ALLOW_COMMANDS=1).
    api_key: env:{api_key}
    app_key: env:{app_key}
    # public_id: abc123         # pins the organization; 'ddsnap doctor --pin' writes it

# remote: origin                # fetched before a run, and pushed to with --push

capture:
  types: [all]                  # or a list of what 'ddsnap types' shows
  # exclude: [users]
  # filters: ['monitors:$[?@.name != "heartbeat"]']
  # concurrency: 16
  # full_every: 7d              # everything is read in full at least this often

replay:
  transforms: [all]             # or a list, in order
  max_deletes: 20               # a count, or "5%"

# journal:
#   unchanged: daily            # record one unchanged run a day instead of each

# secrets:
#   file: secrets.yaml          # values for a replay; keep it out of git
#   allow: []                   # TYPE:POINTER that looks like a secret and is none
#   redact: []                  # TYPE:POINTER that is one

# http: {{connect: 10s, read: 60s, total: 15m, retries: 8}}
"""


def template(org: str, site: str) -> bytes:
    """Return the first ``ddsnap.yaml``, for one org at a site or an ``http`` address."""
    check_org_name(org)
    return _TEMPLATE.format(
        org=org,
        address=f"api_url: {site}" if "://" in site else f"site: {site}",
        api_key=variable(org, "api_key"),
        app_key=variable(org, "app_key"),
    ).encode()


def put(source: bytes, way: Sequence[str], value: str) -> bytes:
    """Set the member that ``way`` leads to; every other character stays as it is."""
    text = source.decode()
    _, node = compose(source, "ddsnap.yaml")
    written = json.dumps(value, ensure_ascii=False)
    for depth, step in enumerate(way):
        last = depth == len(way) - 1
        key, member = _member(node, step)
        if key is None and last and node is not None:
            return _insert(text, node, f"{step}: {written}").encode()
        if key is None:
            raise UsageError(f"there is no '{'.'.join(way[: depth + 1])}' to write to")
        if last or _is_nothing(member):
            inner = "".join(f"{{{name}: " for name in way[depth + 1 :])
            whole = f"{inner}{written}{'}' * inner.count('{')}"
            return _replace(text, key, member, whole).encode()
        node = member
    return source


def save(path: Path, data: bytes) -> None:
    """Replace a file in one step, with its permissions; a link stays one."""
    target = path.resolve()
    beside = target.with_name(f".{target.name}.new")
    try:
        beside.write_bytes(data)
        shutil.copymode(target, beside)
        beside.replace(target)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise UsageError(f"{path} cannot be written: {error.strerror}") from error


def _insert(text: str, mapping: Any, member: str) -> str:
    """Put a member first: what stands last may be followed by comments on something else."""
    if mapping.flow_style:
        at = mapping.start_mark.index + 1
        return f"{text[:at]}{member}{', ' if mapping.value else ''}{text[at:]}"
    first = mapping.value[0][0].start_mark
    return f"{text[: first.index]}{member}\n{' ' * first.column}{text[first.index :]}"


def _replace(text: str, key: Any, present: Any, value: str) -> str:
    start, end = present.start_mark.index, present.end_mark.index
    if _is_nothing(present):  # YAML finds nothing only where the next thing begins
        start = end = text.index(":", key.end_mark.index) + 1
        value = f" {value}"
    return text[:start] + value + text[end:]


def _is_nothing(node: Any) -> bool:
    return bool(node.start_mark.index == node.end_mark.index)


def _member(node: Any, name: str) -> tuple[Any, Any]:
    pairs = node.value if isinstance(getattr(node, "value", None), list) else []
    return next(((key, value) for key, value in pairs if key.value == name), (None, None))
