"""The embedded Datadog: strict, independent, over real HTTP on the loopback interface."""

from __future__ import annotations

from importlib.util import find_spec

from ddsnap.errors import UsageError

if find_spec("cheroot") is None:
    raise UsageError(
        "the sandbox needs the package cheroot, which is not installed",
        hint="pip install 'ddsnap[sandbox]'",
    )

from ddsnap.sandbox.faults import Fault, Faults
from ddsnap.sandbox.org import SandboxOrg
from ddsnap.sandbox.server import Sandbox

__all__ = ["Fault", "Faults", "Sandbox", "SandboxOrg"]
