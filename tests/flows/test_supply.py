"""Secrets that are given to a replay: found by their place, refused where they are ambiguous."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from ddsnap.config.secrets_file import Entry, load_secrets
from ddsnap.core.values import Address
from ddsnap.errors import ConfigError
from ddsnap.flows.supply import Need, read_secrets_file, supply, variable
from ddsnap.store.repository import Repository

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "/config/request/basicAuth/password"
HEADER = "/config/request/headers/X-Api-Key"
LOGIN = Need(Address("synthetics_tests", "abc-def-ghi"), "Log in", (PASSWORD, HEADER))
OTHER = Need(Address("synthetics_tests", "xyz-xyz-xyz"), "Log out", (PASSWORD,))


def entries(folder: Path, text: str, env: dict[str, str] | None = None) -> tuple[Entry, ...]:
    file = folder / "secrets.yaml"
    file.write_text(text)
    return load_secrets(file, env or {}, ["synthetics_tests", "webhooks"])


def test_the_name_of_a_variable_says_the_place() -> None:
    name = "DDSNAP_SECRET_SYNTHETICS_TESTS_ABC_DEF_GHI_CONFIG_REQUEST_BASICAUTH_PASSWORD"
    assert variable("synthetics_tests", "abc-def-ghi", PASSWORD) == name
    assert variable("webhooks", "déploys // eu", "/url") == "DDSNAP_SECRET_WEBHOOKS_D_PLOYS_EU_URL"


@pytest.mark.parametrize("called", ["abc-def-ghi", "Log in"])
def test_a_variable_names_its_resource_by_id_or_title(called: str) -> None:
    env = {variable("synthetics_tests", called, PASSWORD): "given", "DDSNAP_SECRET_X": "spare"}
    supplied = supply([LOGIN, OTHER], env)
    assert supplied.at(LOGIN.address) == {PASSWORD: "given"}
    assert supplied.at(OTHER.address) == {}
    assert supplied.unused == ("DDSNAP_SECRET_X",)
    assert supplied.known == {"given", "spare"}


def test_the_id_comes_before_the_title_and_the_environment_before_the_file(tmp_path: Path) -> None:
    file = entries(
        tmp_path,
        f"synthetics_tests/Log in: {{{PASSWORD}: by-title, {HEADER}: by-title}}\n"
        f"synthetics_tests/abc-def-ghi: {{{PASSWORD}: by-id}}\n"
        f"synthetics_tests/Log out: {{{PASSWORD}: by-file}}\n",
    )
    env = {variable("synthetics_tests", "xyz-xyz-xyz", PASSWORD): "by-env"}
    supplied = supply([LOGIN, OTHER], env, file)
    assert supplied.at(LOGIN.address) == {PASSWORD: "by-id", HEADER: "by-title"}
    assert supplied.at(OTHER.address) == {PASSWORD: "by-env"}
    assert supplied.unused == ()


def test_a_title_of_two_resources_names_neither(tmp_path: Path) -> None:
    twin = Need(OTHER.address, LOGIN.title, (PASSWORD,))
    env = {variable("synthetics_tests", "Log in", PASSWORD): "given"}
    assert supply([LOGIN, twin], env).values == {}
    file = entries(tmp_path, f"synthetics_tests/Log in: {{{PASSWORD}: given}}\n")
    with pytest.raises(ConfigError, match=r"secrets.yaml:1:\d+: 2 synthetics_tests are called"):
        supply([LOGIN, twin], {}, file)


def test_a_variable_of_two_places_names_neither_and_the_message_says_so() -> None:
    places = ("/headers/X-Api-Key", "/headers/X_Api_Key", "/url")
    need = Need(Address("webhooks", "deploys"), "deploys", places)
    env = {variable("webhooks", "deploys", places[0]): "given"}
    supplied = supply([need], env)
    assert supplied.values == {}
    assert supplied.ask(need.address, places) == (
        "set DDSNAP_SECRET_WEBHOOKS_DEPLOYS_URL and put /headers/X-Api-Key, /headers/X_Api_Key"
        " under 'webhooks/deploys' in the file that secrets.file names"
    )


def test_the_message_names_exactly_the_variables_to_set() -> None:
    asked = supply([LOGIN], {}).ask(LOGIN.address, [PASSWORD])
    assert asked == f"set {variable('synthetics_tests', 'abc-def-ghi', PASSWORD)}"
    env = {asked.removeprefix("set "): "given"}
    assert supply([LOGIN], env).at(LOGIN.address) == {PASSWORD: "given"}


def test_values_may_stand_in_other_places(tmp_path: Path) -> None:
    (tmp_path / "key.pem").write_text("line one\nline two\n")
    text = "webhooks/deploys:\n  /url: env:HOOK\n  /custom_headers: file:key.pem\n"
    text += f"  {HEADER}: hush-hush\n"
    found = entries(tmp_path, text, {"HOOK": "https://example.com/1"})
    assert {entry.pointer: entry.value for entry in found} == {
        "/url": "https://example.com/1",
        "/custom_headers": "line one\nline two",
        HEADER: "hush-hush",
    }
    assert not [entry for entry in found if entry.value in repr(entry)]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("synthetics_tests: {/a: hush-hush}", ":1:1: a resource is written TYPE/ID"),
        ("synthetic_tests/a: {/a: hush-hush}", ":1:1: unknown type 'synthetic_tests' (did you"),
        ("webhooks/a:\n  url: hush-hush", ":2:3: a place is written as a pointer"),
        ("webhooks/a:\n  /url: env:NOT_SET", ":2:9: NOT_SET is not set"),
        ("webhooks/a:\n  /url: file:missing", ":2:9: "),
        ("webhooks/a:\n  /url: file:empty", ":2:9: empty is empty"),
        ("webhooks/a:\n  /url: 1234567", ":2:9: webhooks/a./url must be a text, not a number"),
        ("webhooks/a:\n  /url: [hush-hush]", ":2:9: webhooks/a./url must be a text, not a list"),
        ("webhooks/a: hush-hush", ":1:13: webhooks/a must be a mapping"),
        ("webhooks/a: {/url: x}\nwebhooks/a: {/url: y}", ":2:1: duplicate name"),
        ("webhooks/a: {/url: 'hush-hush", ":1:30: not YAML"),
    ],
)
def test_a_mistake_is_pointed_at_without_a_secret(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "empty").write_text("")
    with pytest.raises(ConfigError) as caught:
        entries(tmp_path, text)
    told = f"{caught.value.message} {caught.value.hint}"
    assert f"secrets.yaml{said}" in told
    assert "hush" not in told
    assert "1234567" not in told


def test_no_file_at_all_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.yaml cannot be read"):
        load_secrets(tmp_path / "missing.yaml", {})


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    folder = tmp_path / "repository"
    text = b"webhooks/a: {/url: hush-hush}\n"
    Repository.init(folder, {"secrets.yaml": text, "sub/secrets.yaml": text}, "Start").close()
    return folder


@pytest.mark.parametrize("name", ["secrets.yaml", "sub/secrets.yaml", "sub/../secrets.yaml"])
def test_a_file_that_git_tracks_is_refused(repository: Path, name: str) -> None:
    with (
        Repository.open(repository) as repo,
        pytest.raises(ConfigError, match="git tracks the secrets file") as caught,
    ):
        read_secrets_file(repo, repository / name, {})
    assert "hush" not in caught.value.message


def test_a_link_to_a_file_that_git_tracks_is_refused(repository: Path, tmp_path: Path) -> None:
    link = tmp_path / "link.yaml"
    link.symlink_to(repository / "secrets.yaml")
    with Repository.open(repository) as repo, pytest.raises(ConfigError, match="git tracks"):
        read_secrets_file(repo, link, {})


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_a_file_that_others_may_read_is_warned_of(repository: Path) -> None:
    file = repository / "own.yaml"
    file.write_text("webhooks/a: {/url: hush-hush}\n")
    with Repository.open(repository) as repo:
        file.chmod(0o640)
        found, warnings = read_secrets_file(repo, file, {})
        assert [entry.value for entry in found] == ["hush-hush"]
        assert warnings == (f"others may read the secrets file {file}: chmod 600 {file}",)
        file.chmod(0o600)
        assert read_secrets_file(repo, file, {})[1] == ()
