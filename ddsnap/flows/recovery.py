"""The disaster-recovery state of an org, as far as it has one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ddsnap.errors import Refused

if TYPE_CHECKING:
    from ddsnap.api.gateway import Gateway

# Datadog disaster recovery docs: the states between which the organization's own sync works.
_STATES: Final = {
    0: "unspecified",
    1: "onboarding",
    2: "passive",
    3: "failover",
    4: "active",
    5: "recovery",
}
_IN_USE: Final = (3, 4)


def check_recovery(gateway: Gateway, org: str) -> str:
    """Return a note where the org cannot tell; refuse an org that has been failed over to.

    Raises ``Refused``.
    """
    state = gateway.recovery_state()
    if state is None:
        return ""
    if state in _IN_USE or state not in _STATES:
        name = _STATES.get(state, "unknown")
        raise Refused(
            f"{org} is in the disaster-recovery state {state} ({name}): nothing is written to it",
            "replay once the organization is passive or in recovery again",
        )
    return f"{org} is a disaster-recovery org, {_STATES[state]}"
