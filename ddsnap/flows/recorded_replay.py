"""A replay as its commit tells of it, for those who compute it again."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from ddsnap.config.transforms import parse_rule
from ddsnap.core import shapes
from ddsnap.core.manifest import OrgIdentity
from ddsnap.errors import Damaged, DdsnapError
from ddsnap.flows.faults import Fault
from ddsnap.flows.id_map import read_map
from ddsnap.flows.journal import parse_time
from ddsnap.flows.past_writes import body_of
from ddsnap.flows.replay_journal import RULES, WRITES
from ddsnap.flows.view import snapshot_view
from ddsnap.store.objects import BLOB
from ddsnap.store.trees import read_paths

if TYPE_CHECKING:
    from datetime import datetime

    from ddsnap.core.id_map import Mapped
    from ddsnap.core.resource_type import Catalog
    from ddsnap.core.transform import Rule
    from ddsnap.core.values import Address, JSONObject
    from ddsnap.flows.view import View
    from ddsnap.store.commits import CommitInfo
    from ddsnap.store.repository import Repository


@dataclass(frozen=True)
class RecordedReplay:
    """A replay, with the snapshots that it went from and to."""

    repo: Repository
    commit: CommitInfo
    record: JSONObject
    catalog: Catalog
    source: OrgIdentity
    destination: OrgIdentity
    snapshots: tuple[str, str]
    now: datetime
    files: dict[str, bytes]
    to: dict[Address, str] = field(default_factory=dict)

    @classmethod
    def read(
        cls, repo: Repository, commit: CommitInfo, record: JSONObject, catalog: Catalog
    ) -> RecordedReplay:
        """Read a replay's record. Raises ``Damaged``."""
        source = shapes.as_object(record.get("source"), "its source")
        there = shapes.as_object(record.get("destination"), "its destination")
        now = parse_time(record.get("now"))
        if now is None:
            raise Damaged("its now is no time")
        return cls(
            repo,
            commit,
            record,
            catalog,
            OrgIdentity(shapes.text(source, "org"), shapes.text(source, "public_id"), ""),
            OrgIdentity(*(shapes.text(there, name) for name in ("name", "public_id", "site"))),
            (shapes.text(source, "commit"), shapes.text(record, "before")),
            now,
            read_paths(repo, commit.sha),
        )

    @property
    def outdated(self) -> bool:
        """Whether today's rules would make other documents, or other requests of them."""
        return (self.record.get("rules"), self.record.get("writes")) != (self.catalog.rules, WRITES)

    @cached_property
    def rules(self) -> tuple[Rule, ...] | None:
        """The rules that applied, in their order; ``None`` where they depend on more than these."""
        found = []
        for name in shapes.words(self.record, "transforms"):
            path = f"{RULES}/{name}.yaml"
            if path in self.masked:
                return None
            try:
                found.append(parse_rule(path, self.file(path) or b""))
            except DdsnapError:  # which was told
                return None
        dropping = any(rule.drop_principals or rule.drop_permissions for rule in found)
        return None if dropping else tuple(found)

    @cached_property
    def masked(self) -> tuple[str, ...]:
        """The files that a secret was taken out of, which shows."""
        told = shapes.words(self.record, "masked") if "masked" in self.record else ()
        return tuple(path for path in told if b"***" in (self.file(path) or b""))

    @cached_property
    def origin(self) -> View:
        """The snapshot that was replayed."""
        return snapshot_view(self.repo, self.snapshots[0], self.snapshots[0][:12])

    @cached_property
    def before(self) -> View:
        """The org as it was before."""
        return snapshot_view(self.repo, self.snapshots[1], self.snapshots[1][:12])

    @cached_property
    def after(self) -> View | None:
        """The org as it was read back, if it was."""
        sha = str(self.record.get("after") or "")
        return snapshot_view(self.repo, sha, sha[:12]) if sha else None

    @cached_property
    def mapped(self) -> dict[Address, Mapped]:
        """The map from the source as the run left it."""
        return read_map(self.repo, self.commit.sha, self.source, self.destination)

    def file(self, path: str) -> bytes | None:
        """Return a file of the commit."""
        sha = self.files.get(path)
        return self.repo.read(sha, BLOB) if sha else None

    def document(self, view: View, address: Address) -> JSONObject | None:
        """Return what a snapshot holds of a resource."""
        return body_of(view, address, self.catalog)

    def fault(self, path: str, reason: str) -> Fault:
        """Return what is wrong with one of its files."""
        return Fault(self.commit.sha, path, reason)
