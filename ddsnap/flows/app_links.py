"""Links that a replay to another site leaves as they are: they lead back to the source's app."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.api.hosts import find_site
from ddsnap.core import links
from ddsnap.core.match import portable
from ddsnap.core.paths import document_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.actions import Action
    from ddsnap.core.plan import Plan
    from ddsnap.core.values import JSON, JSONObject
    from ddsnap.flows.replay_source import ReplaySource


@dataclass(frozen=True, slots=True)
class AppLinks:
    """The links by their addresses, with the resources in which they stand; the hosts of both apps.

    ``here`` is the source's.
    """

    here: str = ""
    there: str = ""
    places: tuple[tuple[str, tuple[Action, ...]], ...] = ()

    def to_json(self) -> Iterator[JSONObject]:
        """Yield each link for programs."""
        for url, actions in self.places:
            named: list[JSON] = [str(action.address) for action in actions]
            yield {"url": url, "host": self.there, "in": named}


def app_links(source: ReplaySource, plan: Plan, here: str, there: str) -> AppLinks:
    """Return the links to the app of the site ``here`` in what is written to the site ``there``.

    Of an address that is no site's, nobody knows whose app it stands for.
    """
    ours, theirs = find_site(here), find_site(there)
    if ours is None or theirs is None or ours == theirs:
        return AppLinks()
    host, domain = _host(ours.app), ours.site.encode()
    places: dict[str, list[Action]] = {}
    for action in plan.actions:
        if not action.writes or action.kind == "delete" or action.base == "destination":
            continue
        data = source.view.read(document_path(action.address))
        if data is None or domain not in data:
            continue
        type_ = source.catalog[action.address.type]
        body = portable(type_, source.load(action.address)[1].body)
        for url in links.app_links(body, ours.site, host):
            places.setdefault(url, []).append(action)
    found = sorted((url, tuple(actions)) for url, actions in places.items())
    return AppLinks(host, _host(theirs.app), tuple(found))


def _host(address: str) -> str:
    return address.removeprefix("https://")
