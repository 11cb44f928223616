"""A plan in a file: what it takes to make it again, told at its head, and read back from there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Literal

from ddsnap.core import shapes
from ddsnap.core.saved_plan import Approved, read_plan
from ddsnap.errors import Damaged, Refused, StoreError, UsageError
from ddsnap.flows.view import View, snapshot_view
from ddsnap.flows.wishes import Wishes

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ddsnap.core.transform import Rule
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.prepared import Prepared
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class SavedPlan:
    """A plan as a file has it; ``digests`` are its rules' by name."""

    where: str
    approved: Approved
    kind: Literal["replay", "restore"]
    commit: str
    revision: str
    org: str
    """The org that the snapshot came from."""
    source: str
    """That one's public id."""
    to: str
    wishes: Wishes
    digests: dict[str, str]

    def view(self, repo: Repository) -> View:
        """Return the snapshot that was planned. Raises ``StoreError`` where it is not here."""
        try:
            view = snapshot_view(repo, self.commit, self.revision)
        except StoreError as error:
            raise StoreError(
                f"the snapshot of {self.where}, {self.commit[:12]}, cannot be read here:"
                f" {error.message}",
                "fetch it from where the plan was made, or plan again",
            ) from None
        if view.manifest.org.public_id != self.source:
            raise Refused(f"{self.where} is of another org than its snapshot", "plan again")
        return view

    def rules(self, known: Iterable[Rule]) -> tuple[Rule, ...]:
        """Return its transformations, which must be as they were."""
        texts = {rule.name: rule for rule in known}
        for name, digest in self.digests.items():
            if name not in texts or _digest(texts[name]) != digest:
                what = "has changed" if name in texts else "is gone"
                raise Refused(
                    f"the transformation {name} {what} since {self.where} was made", "plan again"
                )
        return tuple(texts[name] for name in self.digests)


def head_of(prepared: Prepared) -> JSONObject:
    """Return what it takes to make a plan again; no secret is in it."""
    record = prepared.record()
    rules: list[JSON] = [
        {"name": rule.name, "digest": _digest(rule)} for rule in prepared.source.rules
    ]
    return {
        "kind": record.kind,
        "source": {
            "org": record.source.org,
            "public_id": record.source.public_id,
            "commit": record.source.commit,
            "revision": record.source.revision,
        },
        "destination": {
            "org": record.destination.name,
            "public_id": record.destination.public_id,
            "site": record.destination.site,
        },
        "wishes": prepared.order.wishes.to_json(),
        "transforms": rules,
    }


def read_saved(data: bytes, where: str) -> SavedPlan:
    """Read a plan's file; ``where`` names it. Raises ``UsageError``."""
    body = read_plan(data, where)
    try:
        head = shapes.as_object(body["head"], "its head")
        source = shapes.as_object(head.get("source"), "its source")
        destination = shapes.as_object(head.get("destination"), "its destination")
        rules = shapes.objects(head, "transforms")
        return SavedPlan(
            where,
            Approved(shapes.text(destination, "public_id"), shapes.objects(body, "actions")),
            shapes.one_of(head, "kind", ("replay", "restore")),
            _commit(source),
            shapes.text(source, "revision"),
            shapes.text(source, "org"),
            shapes.text(source, "public_id"),
            shapes.text(destination, "org"),
            Wishes.from_json(shapes.as_object(head.get("wishes"), "its wishes")),
            {shapes.text(rule, "name"): shapes.text(rule, "digest") for rule in rules},
        )
    except Damaged as error:
        raise UsageError(f"{where} cannot be replayed: {error.message}", "plan again") from None


def _commit(source: JSONObject) -> str:
    commit = shapes.text(source, "commit")
    if re.fullmatch("[0-9a-f]{40}", commit) is None:
        raise Damaged("its commit is not the name of one")
    return commit


def _digest(rule: Rule) -> str:
    return sha256(rule.text.encode()).hexdigest()
