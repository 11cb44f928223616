"""Bringing a branch to newer rules, in a commit of its own, so that an upgrade is no drift."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ddsnap.core import canonical
from ddsnap.core.manifest import NAME as MANIFEST
from ddsnap.errors import StoreError, UnstorableError
from ddsnap.flows.messages import trailer_block
from ddsnap.flows.snapshot import parse_document
from ddsnap.store.snapshots import SnapshotWriter, read_documents

if TYPE_CHECKING:
    from ddsnap.core.manifest import Manifest
    from ddsnap.core.resource_type import Catalog
    from ddsnap.flows.run import Run


def renormalized(path: str, data: bytes, catalog: Catalog) -> bytes:
    """Return a stored document as today's rules have it; what is none stays as it is."""
    try:
        return canonical.encode(parse_document(path, data, catalog, stale=True).body)
    except (StoreError, UnstorableError):
        return data


def renormalize(run: Run, base: str, before: Manifest) -> str:
    """Stage the documents of the snapshot ``base`` again, as today's rules have them."""
    rules = run.catalog.rules
    trailers = {
        "Ddsnap-Org": run.org,
        "Ddsnap-Site": run.site,
        "Ddsnap-Version": run.author.version,
        "Ddsnap-Rules": str(rules),
    }
    subject = f"normalize {run.org}: rules {before.rules} -> {rules}"
    with SnapshotWriter(run.repo, run.snapshots, base) as writer:
        writer.keep_folder("")
        for name in before.types:
            for path, data in read_documents(run.repo, base, name):
                again = renormalized(path, data, run.catalog)
                if again != data:
                    writer.put(path, again)
        writer.put(MANIFEST, replace(before, rules=rules).to_bytes())
        message = f"{subject}\n\n{trailer_block(trailers)}\n"
        return writer.stage(message, time=run.clock()) or base
