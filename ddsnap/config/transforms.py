"""``transforms/*.yaml``: the rules of a repository, checked, and which of them a replay applies."""

from __future__ import annotations

import re
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Final

from ddsnap.config import fields
from ddsnap.config.marked import Place, read
from ddsnap.config.operations import operations
from ddsnap.core.conditions import PatternError
from ddsnap.core.jsonpath import QueryError, compile_places, compile_query
from ddsnap.core.rule_steps import Rewrite, check_replacement, compile_pattern, tags_at
from ddsnap.core.secret_forms import form_of, hide
from ddsnap.core.transform import Rule
from ddsnap.errors import ConfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from ddsnap.config.marked import Marked
    from ddsnap.core.resource_type import Catalog, ResourceType

FOLDER: Final = "transforms"
ALL: Final = "all"
PRINCIPALS: Final = "unresolvable_principals"
PERMISSIONS: Final = "unknown_permissions"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]*")
_VERBS: Final = ("patch", "rewrite", "add_tags", "drop")


def load_rules(folder: Path) -> tuple[Rule, ...]:
    """Read every rule in ``folder``, in order of name; there are none where it does not exist."""
    try:
        paths = [path for path in folder.iterdir() if is_rule(path.name)] if folder.exists() else []
        sources = {str(path): path.read_bytes() for path in paths}
    except OSError as error:
        raise ConfigError(f"{error.filename} cannot be read: {error.strerror}") from None
    return parse_rules(sources)


def is_rule(name: str) -> bool:
    """Whether a file of the folder is taken for a rule; others may stand beside it."""
    return name.endswith((".yaml", ".yml")) and not name.startswith(".")


def parse_rules(sources: Mapping[str, bytes]) -> tuple[Rule, ...]:
    """Read rules, each text under the name of its file, and return them in order of name."""
    rules = [parse_rule(file, source) for file, source in sorted(sources.items())]
    return tuple(sorted(rules, key=lambda rule: rule.name))


def parse_rule(file: str, source: bytes) -> Rule:
    """Read one rule; it is called as its file is."""
    from ddsnap.catalog import CATALOG  # noqa: PLC0415 - slow to import

    name, top = _name(file), read(source, file)
    text = source.decode()
    _refuse_secrets(text, file)
    given = fields.members(top)
    match = _match(given["match"], CATALOG) if "match" in given else {}
    types = [CATALOG[one] for one in match.get("types") or CATALOG.names]
    parts: dict[str, Callable[[Marked], object]] = {
        "description": fields.text,
        "apply": _apply,
        "match": lambda _: match,
        "patch": partial(operations, types=types),
        "rewrite": _rewrites,
        "add_tags": partial(_tags, types=types),
        "drop": partial(_drop, types=types),
    }
    read_as: dict[str, Any] = fields.section(top, dict, parts)
    if not any(read_as.get(verb) for verb in _VERBS):
        raise top.place.error("the rule does nothing", f"give it one of: {', '.join(_VERBS)}")
    orgs, drop = read_as.pop("apply", {}), read_as.pop("drop", {})
    read_as.pop("match", None)
    return Rule(name, text, **orgs, **match, **read_as, **drop)


def applying(
    rules: Sequence[Rule],
    configured: Sequence[str],
    source_org: str,
    destination_org: str,
    named: Sequence[str] = (),
    *,
    same_org: bool = False,
    file: str = "ddsnap.yaml",
) -> tuple[Rule, ...]:
    """Return the rules that a replay applies, in order.

    First those that are ``configured`` (``all``: in order of name) and lead from the one org to
    the other, none of them back into the same org; then those that were ``named``, wherever they
    lead. Raises ``UsageError`` for a name that there is no rule of.
    """
    by_name = {rule.name: rule for rule in rules}
    for name in configured:
        if name not in by_name and name != ALL:
            message = f"{file}: replay.transforms names '{name}', which is not in {FOLDER}/"
            raise ConfigError(message, _known(by_name))
    listed = by_name if ALL in configured else configured
    across = not same_org and source_org != destination_org
    chosen = [
        name for name in listed if across and by_name[name].leads(source_org, destination_org)
    ]
    return tuple(find_rule(by_name, name) for name in dict.fromkeys((*chosen, *named)))


def find_rule(rules: Mapping[str, Rule], name: str) -> Rule:
    """Return the rule of this name. Raises ``UsageError`` where there is none."""
    if name not in rules:
        from difflib import get_close_matches  # noqa: PLC0415 - mistakes only

        near = get_close_matches(name, rules, n=1)
        guess = f" (did you mean '{near[0]}'?)" if near else ""
        raise UsageError(f"no transformation is called '{name}'{guess}", _known(rules))
    return rules[name]


def check_name(name: str) -> str:
    """Return ``name`` if a rule may be called so."""
    if not _NAME.fullmatch(name) or name == ALL:
        raise UsageError(
            f"'{name}' cannot name a transformation",
            f"use a-z, 0-9 and -, not beginning with -; '{ALL}' stands for every one",
        )
    return name


def _known(rules: Mapping[str, Rule]) -> str:
    return f"known in {FOLDER}/: {', '.join(rules) or 'none yet'}"


def _name(file: str) -> str:
    path = PurePath(file)
    if path.suffix != ".yaml":
        raise ConfigError(f"{file} is not read", f"call it {path.stem}.yaml")
    try:
        return check_name(path.stem)
    except UsageError as error:
        raise ConfigError(f"{file}: {error.message}", error.hint) from None


def _refuse_secrets(text: str, file: str) -> None:
    """Refuse what is a secret by its form, comments included: the journal holds the whole text."""
    why = form_of(text)
    if why:
        before = text[: hide(text, "\0").index("\0")]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        hint = "take it out; one that was committed must be revoked"
        raise Place(file, line, column).error(f"this looks like a secret: {why}", hint)


def _apply(node: Marked) -> dict[str, tuple[str, ...]]:
    given: dict[str, tuple[str, ...]] = fields.section(
        node, dict, {"from": _some(fields.texts), "to": _some(fields.texts)}
    )
    return {f"{name}_orgs": orgs for name, orgs in given.items()}


def _match(node: Marked, catalog: Catalog) -> dict[str, Any]:
    parts = {"types": _some(fields.known((ALL, *catalog.names))), "where": _where}
    given: dict[str, Any] = fields.section(node, dict, parts)
    if ALL in given.get("types", ()):
        del given["types"]
    return given


def _some(reader: Callable[[Marked], tuple[str, ...]]) -> Callable[[Marked], tuple[str, ...]]:
    """Return the reader of a list that is not empty: nothing must not come to mean everything."""

    def checked(node: Marked) -> tuple[str, ...]:
        found = reader(node)
        if not found:
            raise node.place.error(f"{node.name} is empty", "leave it out where any will do")
        return found

    return checked


def _where(node: Marked) -> object:
    try:
        return compile_query(fields.text(node))
    except QueryError as error:
        raise _in_text(node, error.message, error.offset, error.hint) from None


def _rewrites(node: Marked) -> tuple[Rewrite, ...]:
    if not isinstance(node.value, list):
        raise fields.wrong(node, "a list", "write - {at: ..., pattern: ..., with: ...}")
    return tuple(_rewrite(item) for item in node.value)


def _rewrite(node: Marked) -> Rewrite:
    parts = {"at": _places, "pattern": _pattern, "with": _replacement}
    given: dict[str, Any] = fields.section(node, dict, parts)
    for name in parts:
        if name not in given:
            raise node.place.error(f"{node.name} has no {name}", "it needs at, pattern and with")
    try:
        check_replacement(given["pattern"], given["with"])
    except PatternError as error:
        replacement = fields.members(node)["with"]
        raise _in_text(replacement, str(error), error.offset, r"groups are \1, \g<name>") from None
    return Rewrite(given["at"], given["pattern"], given["with"])


def _places(node: Marked) -> object:
    try:
        return compile_places(fields.text(node))
    except QueryError as error:
        raise _in_text(node, error.message, error.offset, "$ is the document: $..query") from None


def _pattern(node: Marked) -> object:
    try:
        return compile_pattern(fields.text(node))
    except PatternError as error:
        hint = "it is a regular expression of Python's re; put it in single quotes"
        raise _in_text(node, f"bad regex: {error}", error.offset, hint) from None


def _replacement(node: Marked) -> str:
    """Return the text to put there, which may be empty."""
    return node.value if node.value == "" else fields.text(node)


def _tags(node: Marked, types: Sequence[ResourceType]) -> tuple[str, ...]:
    if not any(map(tags_at, types)):
        names = ", ".join(type_.name for type_ in types)
        raise node.key.error(f"{names} have no tags", "name other types under match.types")
    return fields.texts(node)


def _drop(node: Marked, types: Sequence[ResourceType]) -> dict[str, bool]:
    what = fields.one_of(PRINCIPALS, PERMISSIONS)(node)
    if what == PERMISSIONS and not any(type_.named for type_ in types):
        names = ", ".join(type_.name for type_ in types)
        raise node.key.error(f"{names} have no permissions", "name roles under match.types")
    return {"drop_principals": what == PRINCIPALS, "drop_permissions": what == PERMISSIONS}


def _in_text(node: Marked, message: str, offset: int, hint: str) -> ConfigError:
    """Return the error for a mistake inside a text, whose quotes and folds hide the column."""
    return node.place.error(f"{node.name}: {message} (at character {offset + 1})", hint)
