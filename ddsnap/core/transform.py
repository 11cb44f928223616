"""Transformations: what a rule makes of a document is always an RFC 6902 patch.

Rules are applied in order, each to what the one before it left. The result is normalized, so that
applying the same rules to the same document gives the same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from ddsnap.core.changes import PatchError, apply_patch
from ddsnap.core.normalize import normalize, title_of
from ddsnap.core.rule_steps import dropping, forgetting, rewriting, tagging
from ddsnap.core.unchangeable import disturbed, moved_secret
from ddsnap.core.values import Document, clone
from ddsnap.errors import TransformError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence

    from ddsnap.core.jsonpath import Query
    from ddsnap.core.resource_type import Catalog, ResourceType
    from ddsnap.core.rule_steps import Resolvable, Rewrite
    from ddsnap.core.values import JSON, JSONObject

    Names: TypeAlias = Mapping[str, Collection[str]]
    Step: TypeAlias = Callable[[JSONObject], Sequence[JSONObject]]

Patch: TypeAlias = "tuple[JSONObject, ...]"


@dataclass(frozen=True)
class Rule:
    """One transformation. Without ``types`` it is about all, without orgs about any two."""

    name: str
    text: str = field(default="", repr=False)
    """The YAML, as it was read."""
    description: str = ""
    from_orgs: tuple[str, ...] = ()
    to_orgs: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    where: Query | None = None
    patch: Patch = ()
    rewrite: tuple[Rewrite, ...] = ()
    add_tags: tuple[str, ...] = ()
    drop_principals: bool = False
    """Drop principals that the destination does not know, but never the last of a list."""
    drop_permissions: bool = False
    """Drop permissions that the destination does not know, but never the last of a role."""

    @property
    def is_fixed(self) -> bool:
        """Whether what the rule does depends on the document alone."""
        return bool(self.patch or self.rewrite or self.add_tags)

    def selects(self, document: Document) -> bool:
        """Whether the document is one that the rule is about."""
        if self.types and document.address.type not in self.types:
            return False
        return self.where is None or self.where.selects(document.body)

    def leads(self, source: str, destination: str) -> bool:
        """Whether the rule is about replays from the one org to the other."""
        starts = not self.from_orgs or source in self.from_orgs
        return starts and (not self.to_orgs or destination in self.to_orgs)


@dataclass(frozen=True)
class Applied:
    """What one rule did to one document."""

    rule: str
    patch: Patch


def transform(
    document: Document,
    rules: Sequence[Rule],
    catalog: Catalog,
    *,
    resolvable: Resolvable = lambda _: True,
    names: Names = MappingProxyType({}),
) -> tuple[Document, tuple[Applied, ...]]:
    """Apply ``rules`` to a document, which stays as it is; return the new one and what was done.

    ``resolvable`` answers for the rules that drop principals; ``names`` are what the destination's
    tables hold, for those that drop permissions. Raises ``TransformError``.
    """
    changed, applied = apply_rules(document, rules, catalog, resolvable=resolvable, names=names)
    type_ = catalog.get(document.address.type)
    if type_ is None or not applied:
        return document, ()
    return _normalized(type_, document, changed, applied), applied


def apply_rules(
    document: Document,
    rules: Sequence[Rule],
    catalog: Catalog,
    *,
    resolvable: Resolvable = lambda _: True,
    names: Names = MappingProxyType({}),
) -> tuple[Document, tuple[Applied, ...]]:
    """Do as ``transform``, but return what the last rule leaves as it is, not yet normalized."""
    type_ = catalog.get(document.address.type)
    present, applied = document, []
    for rule in rules if type_ else ():
        if type_ is None or not rule.selects(present):
            continue
        steps = _steps(rule, type_, catalog, resolvable, names)
        patch, body = _apply(rule, type_, present, steps)
        if patch:
            applied.append(Applied(rule.name, patch))
            present = Document(document.address, body)
    return present, tuple(applied)


def unmatched(rules: Iterable[Rule], matches: Mapping[str, int]) -> tuple[Rule, ...]:
    """Return the rules that did nothing, by how many documents each of them changed.

    What only drops depends on the destination: that it finds nothing to drop is no mistake.
    """
    return tuple(rule for rule in rules if not matches.get(rule.name) and rule.is_fixed)


def _apply(
    rule: Rule, type_: ResourceType, document: Document, steps: Iterable[Step]
) -> tuple[Patch, JSONObject]:
    """Return the patch that the rule makes of a document that it is about, and the result."""
    body = document.body
    done: list[JSONObject] = []
    for step in steps:
        made = step(body)
        try:
            after = apply_patch(body, made) if made else body
        except PatchError as error:
            raise _failed(rule.name, document, type_, error.message) from None
        if not isinstance(after, dict):
            raise _failed(rule.name, document, type_, "it leaves no object")
        body = after
        done += made
    if disturbed(type_, document.body, body):
        raise _failed(rule.name, document, type_, _trespass(type_, document.body, done))
    return tuple(done), body


def _steps(
    rule: Rule, type_: ResourceType, catalog: Catalog, resolvable: Resolvable, names: Names
) -> Iterator[Step]:
    """Yield what makes the operations, in order; each sees what the ones before it left."""
    yield lambda _: rule.patch
    for rewrite in rule.rewrite:
        yield lambda body, rewrite=rewrite: rewriting(type_, body, rewrite)  # type: ignore[misc]
    if rule.add_tags:
        yield lambda body: tagging(type_, body, rule.add_tags)
    if rule.drop_principals:
        yield lambda body: dropping(type_, body, catalog, resolvable)
    if rule.drop_permissions:
        yield lambda body: forgetting(type_, body, names)


def _trespass(type_: ResourceType, before: JSONObject, patch: Sequence[JSONObject]) -> str:
    """Name the first operation that changes what no rule may change."""
    body: JSON = before
    for nth, operation in enumerate(patch, 1):
        body = apply_patch(body, [operation])
        what = disturbed(type_, before, body) if isinstance(body, dict) else "everything"
        if what:
            where = f"{operation['op']} {operation['path'] or 'the whole document'}"
            return f"operation {nth} ({where}): it may not change {what}"
    return "it changes what no rule may change"


def _normalized(
    type_: ResourceType, document: Document, changed: Document, applied: Sequence[Applied]
) -> Document:
    made = normalize(type_, clone(changed.body)).document
    if moved_secret(document.body, made.body):  # a plain value in its place has just become one
        _blame(type_, document, applied)
    return made


def _blame(type_: ResourceType, document: Document, applied: Sequence[Applied]) -> None:
    """Raise the error for the first rule that sets a secret."""
    body: JSON = document.body
    for one in applied:
        body = apply_patch(body, one.patch)
        made = normalize(type_, clone(body)).document.body if isinstance(body, dict) else {}
        secret = moved_secret(document.body, made)
        if secret:
            raise _failed(one.rule, document, type_, f"it may not set {secret}")


def _failed(name: str, document: Document, type_: ResourceType, why: str) -> TransformError:
    title = title_of(type_, document.body)
    what = f'{document.address} "{title}"' if title else str(document.address)
    return TransformError(
        f"rule '{name}' fails for {what}: {why}",
        f"narrow its 'match', or mend the operation, in transforms/{name}.yaml",
    )
