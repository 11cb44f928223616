"""Which org the keys belong to, and whether that is the org that was meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ddsnap.errors import Refused
from ddsnap.flows import journal

if TYPE_CHECKING:
    from ddsnap.core.manifest import Manifest
    from ddsnap.flows.run import Run


def check_identity(
    run: Run, public_id: str, before: Manifest | None, planned: str = ""
) -> list[str]:
    """Compare the keys' org with the pinned one, the last snapshot's and the last run's.

    ``planned`` is that of a saved plan. Returns warnings.

    Raises ``Refused`` where they differ, or where the keys cannot tell and an id is known.
    """
    expected = {
        "ddsnap.yaml pins": run.public_id,
        f"the last snapshot of {run.org} is of": before.org.public_id if before else "",
        f"the last run of {run.org} was against": _last_run(run),
        "the saved plan is for": planned,
    }
    for where, wanted in expected.items():
        if wanted and not public_id:
            raise Refused(
                f"the keys of {run.org} cannot tell which org they belong to; {where} {wanted}",
                "give the application key the scope user_access_read or org_management",
            )
        if wanted and wanted != public_id:
            raise Refused(
                f"the keys of {run.org} belong to org {public_id}, but {where} {wanted}",
                "check which keys are set; a different org needs a name of its own in ddsnap.yaml",
            )
    if public_id:
        return []
    return [f"the keys of {run.org} cannot tell which org they belong to"]


def _last_run(run: Run) -> str:
    public_id = journal.last_record(run).get("public_id")
    return public_id if isinstance(public_id, str) else ""
