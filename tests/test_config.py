import os
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from ddsnap.config import (
    Config,
    Credentials,
    DeleteLimit,
    Org,
    Reference,
    check_org_name,
    credentials,
    load,
    parse,
    put,
    seconds,
    site,
    template,
    variable,
)
from ddsnap.errors import ConfigError, ExitCode, UsageError

FULL = b"""\
version: 1
remote: backup
orgs:
  us1:
    site: datadoghq.com
    public_id: abc123
    api_key: env:MY_API_KEY
    app_key: file:keys/app
  local: {api_url: 'http://127.0.0.1:8126/'}
capture:
  types: [monitors, dashboards]
  exclude: [users]
  filters: ['monitors:$[?@.name]']
  concurrency: 4
  full_every: 12h
replay: {transforms: [a, b], max_deletes: "5%"}
journal: {unchanged: daily}
secrets: {file: secrets.yaml, allow: ['webhooks:/url'], redact: []}
http: {connect: 500ms, read: 1m, total: 1.5h, retries: 0}
types:
  monitors: {volatile: [options.foo], since: 2024-01-01, limit: 5}
"""


def test_every_setting_is_read():
    config = parse(FULL, "ddsnap.yaml")
    assert config.remote == "backup"
    assert config.orgs["us1"] == Org(
        "us1",
        site="datadoghq.com",
        public_id="abc123",
        api_key=Reference("env", "MY_API_KEY"),
        app_key=Reference("file", "keys/app"),
    )
    assert config.orgs["local"].api_url == "http://127.0.0.1:8126"
    assert config.capture.types == ("monitors", "dashboards")
    assert config.capture.full_every == 12 * 3600
    assert config.replay.max_deletes == DeleteLimit(None, 5.0)
    assert config.journal.unchanged == "daily"
    assert config.secrets.allow == ("webhooks:/url",)
    assert (config.http.connect, config.http.read, config.http.total) == (0.5, 60, 5400)
    assert config.http.retries == 0
    monitors = config.types["monitors"]
    assert monitors == {"volatile": ["options.foo"], "since": "2024-01-01", "limit": 5}


def test_a_section_without_members_keeps_its_defaults():
    assert parse(b"version: 1\ncapture:\norgs:\n", "x").capture == Config(1).capture


MISTAKES = [
    ("capture:\n  concurency: 3\n", "3:3", "unknown key 'capture.concurency' (did you mean 'conc"),
    ("captur: {}\n", "2:1", "unknown key 'captur' (did you mean 'capture'?)"),
    ("zzzz: {}\n", "2:1", "unknown key 'zzzz'"),
    ("capture:\n  concurrency: many\n", "3:16", "capture.concurrency must be a whole number"),
    ("capture:\n  concurrency: true\n", "3:16", "not true or false"),
    ("capture:\n  concurrency: 0\n", "3:16", "capture.concurrency must be 1 or more, not 0"),
    ("capture:\n  types: all\n", "3:10", "capture.types must be a list, not a text"),
    ("capture:\n  types: [users, roles, users]\n", "3:25", "duplicate name 'users'"),
    ("capture:\n  full_every: 7\n", "3:15", "capture.full_every must be a text, not a number"),
    ("capture:\n  full_every: 7 days\n", "3:15", "capture.full_every must be a duration"),
    ("capture: [all]\n", "2:10", "capture must be a mapping of names to values, not a list"),
    ("http: {read: 0s}\n", "2:14", "http.read must be a duration"),
    ("http: {retries: -1}\n", "2:17", "http.retries must be 0 or more"),
    ("orgs:\n  us1: {}\n  us1: {}\n", "4:3", "duplicate name 'us1' (first on line 3)"),
    ("orgs:\n  main: {}\n", "3:3", "'main' cannot name an org"),
    ("orgs:\n  US1: {}\n", "3:3", "'US1' cannot name an org"),
    ("orgs:\n  1: {}\n", "3:3", "a key must be a text"),
    (
        "orgs:\n  us1: {site: 'https://app.datadoghq.eu/'}\n",
        "3:15",
        "orgs.us1.site must be the host",
    ),
    ("orgs:\n  us1: {api_url: 'localhost:80'}\n", "3:18", "orgs.us1.api_url must be an address"),
    ("orgs:\n  us1: {site: a.b, api_url: 'http://x'}\n", "3:20", "both site and api_url"),
    ("orgs:\n  us1: {public_id: 12}\n", "3:20", "orgs.us1.public_id must be a text, not a number"),
    ("replay: {max_deletes: 5 %}\n", "2:23", "replay.max_deletes must be a count"),
    ("replay: {max_deletes: 101%}\n", "2:23", "replay.max_deletes must be a count"),
    ("journal: {unchanged: never}\n", "2:22", "journal.unchanged must be always or daily"),
    ("secrets: {allow: [url]}\n", "2:19", "'url' in secrets.allow must read TYPE:POINTER"),
    ("types: {monitors: [volatile]}\n", "2:19", "types.monitors must be a mapping"),
    ("remote: ''\n", "2:9", "remote must be a text, not an empty text"),
    ("capture:\n\tconcurrency: 1\n", "3:1", "not YAML"),
    ("remote: [\n", "3:1", "not YAML"),
    ("remote: *nowhere\n", "2:9", "not YAML"),
    ("remote: a\x01b\n", "2:10", "not YAML: a character that no YAML file may hold"),
    ("remote: !!python/name:os.system x\n", "2:9", "the YAML tag"),
    ("http: {retries: !!int x}\n", "2:17", "this is no int"),
    ("http: &h {<<: *h}\n", "2:11", "merge keys (<<) are not used here"),
    ("types: {a: &a {b: *a}}\n", "1:1", "nested too deeply, or within itself"),
    ("---\nversion: 1\n", "2:1", "not YAML"),
]


@pytest.mark.parametrize(("text", "place", "message"), MISTAKES)
def test_a_mistake_is_pointed_at(text, place, message):
    with pytest.raises(ConfigError) as caught:
        parse(b"version: 1\n" + text.encode(), "ddsnap.yaml")
    assert caught.value.message.startswith(f"ddsnap.yaml:{place}: ")
    assert message in caught.value.message
    assert caught.value.code == ExitCode.USAGE


def test_the_line_of_a_mistake_counts_from_the_top_of_the_file():
    text = FULL.replace(b"concurrency", b"concurency")
    with pytest.raises(ConfigError) as caught:
        parse(text, "conf/ddsnap.yaml")
    assert caught.value.message == (
        "conf/ddsnap.yaml:14:3: unknown key 'capture.concurency' (did you mean 'concurrency'?)"
    )
    assert caught.value.hint == "known: types, exclude, filters, concurrency, full_every"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "x:1:1: version is missing"),
        (b"# nothing\n", "x:1:1: version is missing"),
        (b"orgs: {}\n", "x:1:1: version is missing"),
        (b"version: 2\n", "x:1:10: version 2 is newer than this ddsnap"),
        (b"version: one\n", "x:1:10: version must be a whole number, not a text"),
        (b"- version\n", "x:1:1: the file must be a mapping of names to values, not a list"),
        (b"version: 1\nremote: \xff\n", "x:2:9: this is not UTF-8 text"),
        (b"a: " + b"[" * 5000, "x:1:1: a value is nested too deeply"),
    ],
)
def test_a_file_that_is_no_configuration(text, message):
    with pytest.raises(ConfigError) as caught:
        parse(text, "x")
    assert caught.value.message == message


LITERALS = [
    "0123456789abcdef0123456789abcdef",
    "env:9x",
    "env:two words",
    "ENV:NAME",
    "[secret, b]",
]


@pytest.mark.parametrize("literal", LITERALS)
def test_a_literal_key_is_refused_and_not_repeated(literal):
    with pytest.raises(ConfigError) as caught:
        parse(f"version: 1\norgs:\n  us1:\n    api_key: {literal}\n".encode(), "ddsnap.yaml")
    assert caught.value.message == (
        "ddsnap.yaml:4:14: orgs.us1.api_key must say where the key is, not what it is"
    )
    assert "revoked" in caught.value.hint
    assert literal not in caught.value.message + caught.value.hint


def test_unknown_types_are_refused_where_the_types_are_known():
    text = (
        b"version: 1\ncapture: {types: [monitors, dashbords], exclude: [mine]}\ntypes: {mine: {}}\n"
    )
    assert parse(text, "x").capture.types == ("monitors", "dashbords")
    with pytest.raises(ConfigError) as caught:
        parse(text, "x", types=("monitors", "dashboards"))
    assert caught.value.message == "x:2:29: unknown type 'dashbords' (did you mean 'dashboards'?)"
    good = text.replace(b"dashbords", b"dashboards")
    assert parse(good, "x", types=("monitors", "dashboards")).capture.exclude == ("mine",)


def test_a_missing_file_leads_to_init(tmp_path):
    with pytest.raises(ConfigError, match="does not exist") as caught:
        load(tmp_path / "ddsnap.yaml")
    assert "ddsnap init" in caught.value.hint
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["a", "us1", "prod-eu", "9", "a" * 40])
def test_names_of_orgs(name):
    assert check_org_name(name) == name


@pytest.mark.parametrize("name", ["", "-a", "a_b", "A", "a" * 41, "main", "head", "live", "a\n"])
def test_names_that_no_org_may_have(name):
    with pytest.raises(UsageError):
        check_org_name(name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("10s", 10), ("15m", 900), ("7d", 604800), ("2w", 1209600), ("500ms", 0.5), ("1.5h", 5400)],
)
def test_durations(text, expected):
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "10", "s", "-1s", "0s", "1 s", "1y", "1e3s", "٣s"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError, match=r".*"):
        seconds(text)


def test_the_limit_of_deletions_is_a_count_or_a_share():
    assert DeleteLimit(3).of(1000) == 3
    assert DeleteLimit(None, 5.0).of(39) == 1
    assert (str(DeleteLimit()), str(DeleteLimit(None, 2.5))) == ("20", "2.5%")


# --- keys


def config_of(*orgs: Org, file: str = "ddsnap.yaml") -> Config:
    return Config(1, file=file, orgs={org.name: org for org in orgs})


US1, EU1 = Org("us1"), Org("eu-1")


def test_the_default_variables_are_named_for_the_org():
    env = {"DDSNAP_EU_1_API_KEY": "a", "DDSNAP_EU_1_APP_KEY": "b"}
    found = credentials(config_of(US1, EU1), EU1, env)
    assert (found.api_key, found.app_key) == ("a", "b")
    assert variable("eu-1", "app_key") == "DDSNAP_EU_1_APP_KEY"


def test_datadogs_own_variables_work_with_one_org_only():
    env = {"DD_API_KEY": "a", "DD_APP_KEY": "b", "DD_SITE": "datadoghq.eu"}
    config = config_of(US1)
    assert credentials(config, US1, env) == Credentials("a", "b")
    assert site(config, US1, env) == "datadoghq.eu"
    with pytest.raises(UsageError, match="DDSNAP_US1_API_KEY is not set"):
        credentials(config_of(US1, EU1), US1, env)
    with pytest.raises(UsageError, match="org 'us1' has no site"):
        site(config_of(US1, EU1), US1, env)


def test_the_closer_word_wins():
    own = Org("us1", api_key=Reference("env", "MINE"), site="datadoghq.com")
    env = {"MINE": "1", "DDSNAP_US1_API_KEY": "2", "DDSNAP_US1_APP_KEY": "3", "DD_API_KEY": "4"}
    env |= {"DD_APP_KEY": "5", "DD_SITE": "datadoghq.eu"}
    config = config_of(own)
    assert credentials(config, own, env) == Credentials("1", "3")
    assert credentials(config, own, env, Credentials(app_key="9")) == Credentials("1", "9")
    assert site(config, own, env) == "datadoghq.com"


def test_keys_are_never_shown():
    assert "hush" not in repr(Credentials("hush", "hush"))


def test_a_key_in_a_file_is_found_beside_the_configuration(tmp_path):
    (tmp_path / "api").write_text("abc\n")
    org = Org("us1", api_key=Reference("file", "api"))
    config = config_of(org, file=str(tmp_path / "ddsnap.yaml"))
    assert credentials(config, org, {"DD_APP_KEY": "x"}).api_key == "abc"
    (tmp_path / "api").unlink()
    with pytest.raises(UsageError, match=r"API key of 'us1' cannot be read from .*api: No such"):
        credentials(config, org, {})


@pytest.mark.parametrize("content", [b"", b"\n", b"two words", b"hush\nhush", "hüsh".encode()])
def test_a_file_that_holds_no_key_is_refused_unread(tmp_path, content):
    (tmp_path / "api").write_bytes(content)
    org = Org("us1", api_key=Reference("file", str(tmp_path / "api")))
    with pytest.raises(UsageError, match="holds no API key of 'us1'") as caught:
        credentials(config_of(org), org, {})
    assert "hush" not in caught.value.message
    assert "hüsh" not in caught.value.message


def test_a_variable_that_holds_no_key_is_refused_unread():
    with pytest.raises(UsageError, match="DD_API_KEY holds no API key") as caught:
        credentials(config_of(US1), US1, {"DD_API_KEY": "hu\nsh"})
    assert "sh" not in caught.value.message.replace("DD_API_KEY", "")


def command(text: str) -> Org:
    return Org("us1", api_key=Reference("command", f"{sys.executable} -c {text}"))


def test_a_command_runs_only_where_the_environment_allows_it(tmp_path):
    proof = tmp_path / "ran"
    org = command(f"\"open({os.fspath(proof)!r}, 'w').close(); print('abc')\"")
    with pytest.raises(UsageError, match="not allowed") as caught:
        credentials(config_of(org), org, {})
    assert "DDSNAP_ALLOW_COMMANDS=1" in caught.value.hint
    assert not proof.exists()
    env = {"DDSNAP_ALLOW_COMMANDS": "1", "DD_APP_KEY": "x"}
    assert credentials(config_of(org), org, env).api_key == "abc"
    assert proof.exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('"raise SystemExit(3)"', "ended with 3"),
        ('"print(1, 2)"', "holds no API key"),
        ('"print(chr(252))"', "holds no API key"),
        ('"', "cannot be run"),
    ],
)
def test_a_command_that_gives_no_key(text, message, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "utf-8")
    org = command(text)
    with pytest.raises(UsageError, match=message):
        credentials(config_of(org), org, {"DDSNAP_ALLOW_COMMANDS": "1"})


def test_a_command_that_does_not_exist():
    org = Org("us1", api_key=Reference("command", "no-such-program-here x"))
    with pytest.raises(UsageError, match="cannot be run"):
        credentials(config_of(org), org, {"DDSNAP_ALLOW_COMMANDS": "1"})


# --- writing


@pytest.mark.parametrize("address", ["datadoghq.eu", "http://127.0.0.1:8126"])
def test_the_first_file_says_what_it_was_made_for(address):
    config = parse(template("prod-eu", address), "ddsnap.yaml")
    org = config.orgs["prod-eu"]
    assert address in (org.site, org.api_url)
    assert org.api_key == Reference("env", "DDSNAP_PROD_EU_API_KEY")
    assert config.capture == Config(1).capture
    assert config.replay == Config(1).replay


def test_every_line_that_the_first_file_comments_out_is_valid():
    lines = template("us1", "datadoghq.com").decode().splitlines()
    settings_ = [
        line.replace("# ", "", 1) if "# " in line and ":" in line.split("# ")[1] else line
        for line in lines[3:]
        if "Where the keys are" not in line
    ]
    text = "version: 1\n" + "\n".join(settings_)
    config = parse(text.replace("#   ", "  ").encode(), "x")
    assert config.orgs["us1"].public_id == "abc123"
    assert config.capture.exclude == ("users",)
    assert config.journal.unchanged == "daily"
    assert config.http == Config(1).http


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("us1:\n    a: b  # c\n\n  # d\n", 'us1:\n    public_id: "x"\n    a: b  # c\n\n  # d\n'),
        ("us1: {site: a.b}  # c\n", 'us1: {public_id: "x", site: a.b}  # c\n'),
        ("us1: {}\n", 'us1: {public_id: "x"}\n'),
        ("us1:  # c\n  eu1:\n", 'us1: {public_id: "x"}  # c\n  eu1:\n'),
        ("us1:\n    public_id: old # c\n", 'us1:\n    public_id: "x" # c\n'),
        ("us1:\n    public_id:\n    site: a.b\n", 'us1:\n    public_id: "x"\n    site: a.b\n'),
        ("'us1': {public_id: 'old'}\n", "'us1': {public_id: \"x\"}\n"),
    ],
)  # fmt: skip
def test_an_edit_changes_one_value_and_nothing_else(before, after):
    head = "# é head\nversion:   1\norgs:   # orgs\n  "
    assert put((head + before).encode(), ("orgs", "us1", "public_id"), "x").decode() == head + after


def test_an_edit_needs_a_place():
    with pytest.raises(UsageError, match=r"there is no 'orgs.us1'"):
        put(b"version: 1\norgs: {eu1: {}}\n", ("orgs", "us1", "public_id"), "x")
    with pytest.raises(UsageError, match="there is no 'orgs'"):
        put(b"", ("orgs",), "x")


@given(st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1))
@settings(deadline=None, max_examples=50)
def test_whatever_is_put_is_read_back(value):
    text = put(template("us1", "datadoghq.com"), ("orgs", "us1", "public_id"), value)
    assert YAML(typ="safe", pure=True).load(text)["orgs"]["us1"]["public_id"] == value
