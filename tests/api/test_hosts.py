from __future__ import annotations

import pytest

from ddsnap.api.hosts import SITES, api_url, check_host, find_site
from ddsnap.errors import UsageError


@pytest.mark.parametrize(
    ("site", "url"),
    [
        ("datadoghq.com", "https://api.datadoghq.com"),
        ("us1", "https://api.datadoghq.com"),
        ("US5", "https://api.us5.datadoghq.com"),
        ("us3.datadoghq.com", "https://api.us3.datadoghq.com"),
        ("eu1", "https://api.datadoghq.eu"),
        ("ap2", "https://api.ap2.datadoghq.com"),
        ("uk1.datadoghq.com", "https://api.uk1.datadoghq.com"),
        ("us1-fed", "https://api.ddog-gov.com"),
        ("us2-fed", "https://api.us2.ddog-gov.com"),
        ("zz9.datadoghq.com", "https://api.zz9.datadoghq.com"),
    ],
)
def test_a_site_has_an_api(site: str, url: str) -> None:
    assert api_url(site) == url
    assert check_host(url, ()) == url


def test_every_site_is_found_by_both_of_its_names() -> None:
    assert len(SITES) == 9
    for site in SITES:
        assert find_site(site.name) is site
        assert find_site(site.site) is site
        assert check_host(site.api_url, ()) == site.api_url


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("app.datadoghq.eu", "datadoghq.eu"),
        ("https://app.datadoghq.eu/", "datadoghq.eu"),
        ("mycompany.datadoghq.com", "datadoghq.com"),
        ("mycompany.us5.datadoghq.com", "us5.datadoghq.com"),
        ("datadog.com", "us3.datadoghq.com"),
        ("", "datadoghq.com"),
    ],
)
def test_what_is_no_site_is_refused_with_the_likely_one(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match="is not a Datadog site") as caught:
        api_url(text)
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "https://api.datadoghq.com/",
        "https://api.datadoghq.com.",
        "HTTPS://API.DATADOGHQ.COM",
        "http://127.0.0.1:8126",
        "http://127.8.8.8",
        "http://localhost:8126/",
        "http://[::1]:8126",
    ],
)
def test_keys_go_to_datadog_and_to_loopback(url: str) -> None:
    assert check_host(url, ()) == url.rstrip("/")


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://api.datadoghq.com.example.com",
        "https://apidatadoghq.com",
        "https://127.0.0.1.example.com",
        "http://127.1.example",
        "http://0.0.0.0:8126",
        "http://192.168.0.1",
        "https://datadoghq.com",
        "https://app.datadoghq.com",
        "https://mycompany.datadoghq.com",
        "http://api.datadoghq.com",
        "https://api.datadoghq.com@example.com",
        "https://example.com\\@api.datadoghq.com",
        "https://example.com#api.datadoghq.com",
        "https://example.com?api.datadoghq.com",
        "https://user@api.datadoghq.com",
        "api.datadoghq.com",
        "ftp://api.datadoghq.com",
        "https://api.datadoghq.com/\r\nhost: example.com",
        "https://api.dаtadoghq.com",  # noqa: RUF001 - a Cyrillic letter, on purpose
        "",
    ],
)
def test_keys_go_nowhere_else(url: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_host(url, ())
    assert caught.value.hint


def test_other_hosts_must_be_named() -> None:
    with pytest.raises(UsageError, match=r"gate\.example\.com") as caught:
        check_host("https://gate.example.com/datadog/", ())
    assert "DDSNAP_ALLOW_HOSTS=gate.example.com" in caught.value.hint
    url = check_host("https://gate.example.com/datadog/", {" Gate.Example.com "})
    assert url == "https://gate.example.com/datadog"
    with pytest.raises(UsageError):
        check_host("https://other.example.com", {"gate.example.com", "example.com"})


@pytest.mark.parametrize(
    ("url", "hint"),
    [
        ("https://app.datadoghq.eu", "https://api.datadoghq.eu"),
        ("https://us5.datadoghq.com", "https://api.us5.datadoghq.com"),
        ("https://mycompany.datadoghq.com", "https://api.datadoghq.com"),
        ("http://api.datadoghq.com", "https://api.datadoghq.com"),
    ],
)
def test_the_address_of_the_user_interface_leads_to_the_api(url: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_host(url, ())
    assert hint in caught.value.hint
