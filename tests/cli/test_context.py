import io
from pathlib import Path

import pytest

from ddsnap.cli.context import App, find_org, find_orgs
from ddsnap.cli.terminal import Terminal
from ddsnap.config import Config, Credentials, Org, template
from ddsnap.errors import ConfigError, StoreError, UsageError
from ddsnap.store.repository import Repository

US1, EU1 = Org("us1", site="datadoghq.com"), Org("eu1", api_url="http://127.0.0.1:8126")
BOTH = Config(1, orgs={"us1": US1, "eu1": EU1})


def app(directory=".", **env):
    return App(Terminal(io.StringIO(), io.StringIO(), {}), env, Path(directory))


@pytest.fixture
def repository(tmp_path):
    files = {"ddsnap.yaml": template("us1", "datadoghq.com")}
    with Repository.init(tmp_path / "repo", files, "Start") as repository:
        yield repository


def test_the_configuration_is_the_work_trees(repository, tmp_path, monkeypatch):
    path = repository.path / "ddsnap.yaml"
    path.write_bytes(template("eu1", "datadoghq.eu"))
    config = app(repository.path).config(repository)
    assert list(config.orgs) == ["eu1"]
    monkeypatch.chdir(repository.path)
    path.write_bytes(b"version: 1\ncapture: {types: [monitrs]}\n")
    with pytest.raises(ConfigError) as caught:
        app().config(repository)
    assert caught.value.message == (
        "ddsnap.yaml:2:19: unknown type 'monitrs' (did you mean 'monitors'?)"
    )


def test_without_a_work_tree_it_is_the_one_on_main(repository):
    (repository.path / "ddsnap.yaml").unlink()
    assert list(app(repository.path).config(repository).orgs) == ["us1"]


def test_a_repository_without_a_configuration_leads_to_init(tmp_path):
    with (
        Repository.init(tmp_path, {"README": b""}, "Start") as repository,
        pytest.raises(ConfigError, match="does not exist") as caught,
    ):
        app(tmp_path).config(repository)
    assert "ddsnap init" in caught.value.hint


def test_a_folder_below_opens_the_repository_around_it(repository):
    below = repository.path / "transforms"
    below.mkdir()
    with app(below).open() as opened:
        assert opened.path.resolve() == repository.path.resolve()


def test_outside_of_a_repository_there_is_nothing_to_open(tmp_path):
    with pytest.raises(StoreError, match="not in a git repository"):
        app(tmp_path).open()


def test_orgs_are_found_by_name():
    assert find_org(BOTH, "eu1") is EU1
    assert find_orgs(BOTH, ()) == (US1, EU1)
    assert find_orgs(BOTH, ("eu1", "us1", "eu1")) == (EU1, US1)


@pytest.mark.parametrize(("config", "hint"), [(BOTH, "us1, eu1"), (Config(1), "none yet")])
def test_an_unknown_org_leads_to_the_known_ones(config, hint):
    with pytest.raises(UsageError, match="no org is called 'us2'") as caught:
        find_org(config, "us2")
    assert caught.value.hint == f"known in ddsnap.yaml: {hint}"


def test_all_orgs_of_none_is_a_mistake():
    with pytest.raises(UsageError, match="names no org"):
        find_orgs(Config(1), ())


def test_keys_that_were_found_stay_out_of_reports():
    one = app(DDSNAP_US1_API_KEY="api-of-us1")
    found = one.keys(BOTH, US1, Credentials(app_key="app-of-us1"))
    assert found == Credentials("api-of-us1", "app-of-us1")
    assert one.secrets == {"api-of-us1", "app-of-us1"}


def test_addresses_are_checked_before_keys_go_there():
    assert app().address(BOTH, US1) == "https://api.datadoghq.com"
    assert app().address(BOTH, EU1) == "http://127.0.0.1:8126"
    proxy = Org("us1", api_url="https://datadog.proxy.example")
    with pytest.raises(UsageError, match=r"datadog\.proxy\.example"):
        app().address(BOTH, proxy)
    named = app(DDSNAP_ALLOW_HOSTS="other.example, datadog.proxy.example")
    assert named.address(BOTH, proxy) == "https://datadog.proxy.example"
    assert app().address(BOTH, proxy, ("datadog.proxy.example",)).endswith("example")
