"""``ddsnap.yaml``: what it says, the keys it leads to, and edits that keep its comments."""

from ddsnap.config.credentials import Credentials, credentials, origin, site, variable
from ddsnap.config.edit import put, save, template
from ddsnap.config.fields import seconds
from ddsnap.config.load import check_org_name, load, parse, parse_limit
from ddsnap.config.model import (
    Capture,
    Config,
    DeleteLimit,
    Http,
    Journal,
    Org,
    Reference,
    Replay,
    Secrets,
)

__all__ = [
    "Capture",
    "Config",
    "Credentials",
    "DeleteLimit",
    "Http",
    "Journal",
    "Org",
    "Reference",
    "Replay",
    "Secrets",
    "check_org_name",
    "credentials",
    "load",
    "origin",
    "parse",
    "parse_limit",
    "put",
    "save",
    "seconds",
    "site",
    "template",
    "variable",
]
