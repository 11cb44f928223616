"""Absolute links to an org's app, which stand on the host of its site."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from ddsnap.core.filling import texts

if TYPE_CHECKING:
    from ddsnap.core.values import JSONObject

# What stands beside the apps of orgs on a site's domain; the others are custom names of orgs.
_OTHERS: Final = r"(?:api|docs|learn|p|status|www|[\w-]*intake[\w-]*|[a-z]{2,3}\d)"


def app_links(body: JSONObject, site: str, app: str) -> list[str]:
    """Return the links in a document's texts to the app of an org on ``site``, each once.

    ``app`` is the host of the site's app; an org may have a name of its own beside it. A link may
    be encoded, as within another one.
    """
    found = (match[0] for text in texts(body) for match in _pattern(site, app).finditer(text))
    return list(dict.fromkeys(link.rstrip(".,;:!?*") for link in found))


def _pattern(site: str, app: str) -> re.Pattern[str]:
    own = rf"(?!{_OTHERS}\.)[a-z0-9-]+\.{re.escape(site)}"
    host = rf"(?:{re.escape(app)}|{own})(?![\w-]|\.\w)"
    return re.compile(
        rf"https?(?:://|%3A%2F%2F){host}[^\s\"'<>()\[\]{{}}|\\^`]*", re.ASCII | re.IGNORECASE
    )
