"""Which links lead to an org's app."""

from __future__ import annotations

import pytest

from ddsnap.core.links import app_links

APPS = {
    "datadoghq.com": "app.datadoghq.com",
    "us3.datadoghq.com": "us3.datadoghq.com",
    "datadoghq.eu": "app.datadoghq.eu",
}


def found(text: str, site: str = "datadoghq.com") -> list[str]:
    return app_links({"a": [{"b": text}, 1, None]}, site, APPS[site])


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("https://app.datadoghq.com", ["https://app.datadoghq.com"]),
        ("[x](http://app.datadoghq.com/a?b=c#d).", ["http://app.datadoghq.com/a?b=c#d"]),
        ("see https://acme.datadoghq.com/monitors/1.", ["https://acme.datadoghq.com/monitors/1"]),
        (
            "https://e.example/?to=https%3A%2F%2Fapp.datadoghq.com%2Fx&y",
            ["https%3A%2F%2Fapp.datadoghq.com%2Fx&y"],
        ),
        (
            'a "https://app.datadoghq.com/1" https://app.datadoghq.com/2 https://app.datadoghq.com/1',
            ["https://app.datadoghq.com/1", "https://app.datadoghq.com/2"],
        ),
    ],
)
def test_links_to_the_app_are_found(text: str, links: list[str]) -> None:
    assert found(text) == links


@pytest.mark.parametrize(
    "text",
    [
        "/dashboard/abc-def-ghi",
        "app.datadoghq.com",
        "https://docs.datadoghq.com/x",
        "https://api.datadoghq.com",
        "https://p.datadoghq.com/sb/x",
        "https://http-intake.logs.datadoghq.com",
        "https://us3.datadoghq.com/dashboard/x",
        "https://app.datadoghq.eu/x",
        "https://app.datadoghq.com.example/x",
        "https://app.datadoghq.community",
        "https://acme.us3.datadoghq.com/x",
    ],
)
def test_other_addresses_are_not(text: str) -> None:
    assert found(text) == []


def test_each_site_has_its_own() -> None:
    text = "https://us3.datadoghq.com/a https://acme.us3.datadoghq.com/b https://app.datadoghq.eu/c"
    assert found(text, "us3.datadoghq.com") == text.split()[:2]
    assert found(text, "datadoghq.eu") == text.split()[2:]
