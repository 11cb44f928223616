"""The version of the normalization rises with every change to what is stored."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from ddsnap.catalog import CATALOG

KNOWN = Path(__file__).parent.parent.parent / "fixtures" / "rules.json"

NOT_STORED = {
    "area", "permissions", "pages", "query", "hint", "item_path", "item_query", "create", "update",
    "delete", "toggle", "id_in_body", "natural_key", "built_in", "refs", "synonyms", "create_only",
    "update_only", "modified_at", "modified_by", "title", "fields", "gone", "direct",
    "path", "items", "envelope", "parent", "detail", "orders", "provenance", "identity", "derived",
    "quiet", "create_if", "undelete", "merges", "clears", "repeats", "spares", "keeps_secrets",
    "keeps_others", "timely", "to_come", "duplicate", "sheds", "uploads", "override",
    "irreversible", "disabled", "created_at", "held", "held_roles", "key_if",
    "administers", "owned", "automatic", "superseded", "restricts", "presets", "later", "ends_by",
    "immutable", "demands", "read_only", "arrives", "stays_away", "beside", "among", "checks",
}  # fmt: skip
"""What a declaration says that leaves the stored bytes as they are."""


def told(value: Any) -> Any:
    """A declaration's value as JSON that is the same in every process."""
    if callable(value):
        return value.__name__
    if isinstance(value, dict):
        return {str(key): told(member) for key, member in sorted(value.items())}
    if isinstance(value, (tuple, list, frozenset, set)):
        return [told(member) for member in value]
    if hasattr(value, "__dict__"):
        # How a part or a shape is written leaves alone what was read.
        return {key: told(member) for key, member in sorted(vars(value).items()) if key != "write"}
    return value


def digests() -> dict[str, str]:
    """What each type's declaration says of the stored bytes, as a digest."""
    return {
        type_.name: hashlib.sha256(
            json.dumps(
                {
                    name: told(value)
                    for name, value in vars(type_).items()
                    if name not in NOT_STORED
                },
                sort_keys=True,
            ).encode()
        ).hexdigest()[:16]
        for type_ in CATALOG.types
    }


def test_the_rules_of_this_version_are_the_ones_on_record() -> None:
    """Change what is stored of a type, and ``rules`` in ddsnap/catalog must rise by one.

    A new type, or new rules, are recorded by ``DDSNAP_RECORD_RULES=1 pytest`` of this file.
    """
    known = json.loads(KNOWN.read_text())
    recorded = known.setdefault(str(CATALOG.rules), {})
    if os.environ.get("DDSNAP_RECORD_RULES"):
        recorded.update({n: d for n, d in digests().items() if n not in recorded})
        KNOWN.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n")
    assert recorded == digests(), "what is stored of a type has changed: raise `rules`"
