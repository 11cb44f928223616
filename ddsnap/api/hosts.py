"""Where keys may be sent: Datadog's own sites, loopback, and what the operator names himself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ddsnap.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection


@dataclass(frozen=True)
class Site:
    """One of Datadog's regions: independent of the others, with accounts and keys of its own."""

    name: str
    site: str
    app: str

    @property
    def api_url(self) -> str:
        """The address of its API."""
        return f"https://api.{self.site}"


SITES = (
    Site("us1", "datadoghq.com", "https://app.datadoghq.com"),
    Site("us3", "us3.datadoghq.com", "https://us3.datadoghq.com"),
    Site("us5", "us5.datadoghq.com", "https://us5.datadoghq.com"),
    Site("eu1", "datadoghq.eu", "https://app.datadoghq.eu"),
    Site("ap1", "ap1.datadoghq.com", "https://ap1.datadoghq.com"),
    Site("ap2", "ap2.datadoghq.com", "https://ap2.datadoghq.com"),
    Site("uk1", "uk1.datadoghq.com", "https://uk1.datadoghq.com"),
    Site("us1-fed", "ddog-gov.com", "https://app.ddog-gov.com"),
    Site("us2-fed", "us2.ddog-gov.com", "https://us2.ddog-gov.com"),
)

_DOMAINS = r"(?:datadoghq\.com|datadoghq\.eu|ddog-gov\.com)"
# A region that opens after this table was written still has a name of this form.
_REGION = re.compile(rf"(?:[a-z]{{2,3}}\d\.)?{_DOMAINS}")
_OWN_API = re.compile(rf"api\.(?:[a-z]{{2,3}}\d\.)?{_DOMAINS}")
_OWN_ANY = re.compile(rf"(?:[a-z0-9-]+\.)*({_DOMAINS})")
_URL = re.compile(
    r"(https?)://(\[[0-9a-f:]+\]|[a-z0-9._-]+?)\.?(?::\d{1,5})?((?:/[\w.~-]+)*)/?",
    re.ASCII | re.IGNORECASE,
)
_LOOPBACK = re.compile(r"localhost|127(?:\.\d{1,3}){3}|\[::1\]")


def find_site(text: str) -> Site | None:
    """Return the site of this short name (``us1``) or site parameter (``datadoghq.com``)."""
    wanted = text.strip().lower()
    return next((site for site in SITES if wanted in (site.name, site.site)), None)


def api_url(site: str) -> str:
    """Return the address of a site's API; a name that is no site is refused with the likely one."""
    known = find_site(site)
    if known:
        return known.api_url
    name = site.strip().lower()
    if _REGION.fullmatch(name):
        return f"https://api.{name}"
    likely = _suggestion(re.sub(r"^https?://", "", name).split("/")[0])
    names = ", ".join(site.site for site in SITES)
    raise UsageError(
        f"{site!r} is not a Datadog site", f"write site: {likely}" if likely else f"sites: {names}"
    )


def host_of(url: str) -> str:
    """Return the host of a base address, in lower case; whatever reads two ways is refused."""
    match = _URL.fullmatch(url.strip())
    if not match:
        raise UsageError(
            f"{url!r} is not the address of an API", "write it as https://api.datadoghq.com"
        )
    return match[2].lower()


def is_loopback(host: str) -> bool:
    """Whether this host is the machine itself."""
    return _LOOPBACK.fullmatch(host) is not None


def check_host(url: str, allowed: Collection[str]) -> str:
    """Return ``url`` without its trailing slash if keys may be sent there; else say what to do."""
    host = host_of(url)
    secure = url.strip().lower().startswith("https:")
    if host in {name.strip().lower() for name in allowed} or is_loopback(host):
        return url.strip().rstrip("/")
    if _OWN_API.fullmatch(host):
        if secure:
            return url.strip().rstrip("/")
        raise UsageError(f"keys are not sent to {host} in the clear", f"write https://{host}")
    likely = _suggestion(host)
    if likely:
        raise UsageError(f"{host} does not serve the API", f"write https://api.{likely}")
    raise UsageError(
        f"{host} is not one of Datadog's hosts, so no keys are sent to it",
        f"if it is yours, set DDSNAP_ALLOW_HOSTS={host} or use --allow-host {host}",
    )


def _suggestion(host: str) -> str:
    """Return the site that an address of its user interface (``app.`` or a custom name) means."""
    match = _OWN_ANY.fullmatch(host)
    if not match:
        return ""
    labels = host.removesuffix(match[1]).strip(".").split(".")
    region = f"{labels[-1]}.{match[1]}"
    return region if _REGION.fullmatch(region) else match[1]
