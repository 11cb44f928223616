"""A server whose certificate an authority of one's own has signed, as behind a TLS proxy."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

import pytest

from ddsnap.errors import ApiError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the certificate, is not there")
    command = [
        "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
        "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
        "-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "authority.pem"),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return tmp_path / "authority.pem"


@pytest.fixture
def secured(server, certificate):
    """The scripted server, behind TLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, certificate.with_name("key.pem"))
    server.server.socket = context.wrap_socket(server.server.socket, server_side=True)
    return server.url.replace("http:", "https:")


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_an_authority_that_the_environment_names_is_trusted(
    server, say, secured, certificate, connect, monkeypatch, variable
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, str(certificate))
    server.script = [say(body={"ok": True})]
    assert connect(url=secured).request("GET", "/x", "/x").body == {"ok": True}


def test_any_other_is_refused_at_once_and_no_key_is_sent(
    server, secured, connect, monkeypatch, clock
) -> None:
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ApiError, match="certificate refused") as caught:
        connect(url=secured).request("GET", "/x", "/x")
    assert "REQUESTS_CA_BUNDLE" in caught.value.hint
    assert server.heard == []
    assert clock.slept == []
