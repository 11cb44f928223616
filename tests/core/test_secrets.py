"""What counts as a secret, what never does, and what takes its place."""

from __future__ import annotations

import base64
import json
import string
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from orgs import contract_data

from ddsnap.core import canonical, pointers
from ddsnap.core.normalize import is_secret, normalize
from ddsnap.core.resource_type import ResourceType
from ddsnap.core.secret_forms import form_of, is_random, secret_entries
from ddsnap.core.secrets import Known, Places, conceal, marked, maybe, scan, scrub
from ddsnap.errors import UnstorableError

if TYPE_CHECKING:
    from collections.abc import Iterator

THING = ResourceType("things", "tests", "/things", unordered=("tags",), secrets=("auth.password",))


def part(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


JWT = f"{part(json.dumps({'alg': 'HS256', 'typ': 'JWT'}))}.{part('{}')}.c2lnbmF0dXJlLW9mLWl0"
# Split, so that no scanner of source code takes them for real ones.
MIXED = "aB3dE5gH7" + "jK9mN1pQ3sT5vW7yZ9bC"
SECRETS = {
    "GitHub": "ghp" + "_" + "1a2B3c4D5e6F7g8H9i0J1k2L3m4N5o6P7q8R",
    "GitHub fine-grained": "github" + "_pat_" + "11ABCDEFG0123456789abc" + "_" + MIXED * 2,
    "GitLab": "glpat" + "-" + "x1y2Z3_w4V5-u6T7s8R9",
    "Slack": "xoxb" + "-123456789012-1234567890123-" + "AbCdEfGhIjKlMnOpQrStUvWx",
    "Slack app": "xapp" + "-1-A012B3C4D5E-1234567890123-" + "0a1b2c3d4e5f6a7b",
    "Slack hook": "https://hooks.slack" + ".com/services/T0123ABCD/B0123ABCD/" + MIXED[:24],
    "Discord hook": "https://discord" + ".com/api/webhooks/123456789012345678/" + MIXED * 2,
    "Teams hook": "https://x.webhook" + ".office.com/webhookb2/1@2/IncomingWebhook/" + "0a1b" * 8,
    "AWS": "AKIA" + "Q3EGRTBV7WXYZ2AB",
    "AWS session": "ASIA" + "Q3EGRTBV7WXYZ2AB",
    "Google": "AIza" + "SyA1b2C3d4E5f6G7h8I9j0K-l_m3N4o5P6q",
    "Stripe": "sk" + "_live_" + MIXED,
    "SendGrid": "SG" + "." + MIXED[:22] + "." + MIXED + MIXED[:14],
    "npm": "npm" + "_" + MIXED + "aB3dE5g",
    "PyPI": "pypi" + "-AgEIcHlwaS5vcmc" + MIXED,
    "OpenAI": "sk" + "-proj-" + MIXED,
    "Vault": "hvs" + "." + MIXED,
    "Hugging Face": "hf" + "_" + MIXED + "aB3d",
    "DigitalOcean": "dop" + "_v1_" + "0123456789abcdef" * 4,
    "Shopify": "shpat" + "_" + "0123456789abcdef" * 2,
    "Grafana": "glsa" + "_" + MIXED + "abc_" + "0a1b2c3d",
    "age": "AGE-SECRET" + "-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2,
    "private key": "-----BEGIN RSA PRIVATE" + " KEY-----\nMIIEpAIBAAKCAQEA1a2b3c4d5e\n-----END",
    "encrypted key": "-----BEGIN PRIVATE" + " KEY-----\nDEK-Info: x\n\nMIIEpAIBAAKCAQEA1a2b3c",
    "JWT": JWT,
    "address": "postgres://app:hunter2" + "@db.example.com/prod",
    "address without user": "redis://:s3cr3tWord" + "@cache:6379",
    "Bearer": "Bearer " + "0f3a9c7e5b1d0f3a",
    "bearer in a text": "curl -H 'authorization: bearer " + MIXED + "' https://example.com",
    "Basic": "Basic " + base64.b64encode(b"admin:hunter2").decode(),
    "parameter": "https://example.com/hook?channel=a&api_key=" + MIXED,
}
LOOK_ALIKES = [
    "",
    "0123456789abcdef0123456789abcdef",
    "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
    "REDACTED",
    "Bearer REDACTED",
    "Bearer {{ TOKEN }}",
    "Basic {{ CREDENTIALS }}",
    "Bearer $API_TOKEN",
    "Bearer <your token>",
    "{{ API_KEY }}",
    "the bearer authentication failed on host1",
    "Basic authentication is on",
    "Basic Dashboard 2024",
    "https://user:{{ PASSWORD }}@example.com",
    "https://user:${PASSWORD}@example.com",
    "https://user:password@example.com",
    "https://user:***@example.com",
    "https://example.com:8080/a/b@c",
    "https://example.com/?token={{ TOKEN }}",
    "https://example.com/?api_key=0123456789abcdef0123456789abcdef",
    "https://app.datadoghq.com/dashboard/abc-def-ghi?fromUser=true&refresh_mode=sliding",
    "ghp_" + "x" * 36,
    "AKIA" + "IOSFODNN7EXAMPLE",
    "AKIAQ3EGRTBV7WXYZ2ABLONGER",
    "sk_live_environment",
    "task-prod-web-runner-0123456789",
    "npm_package_download_count_by_version",
    "-----BEGIN (?:RSA )?PRIVATE KEY-----",
    "paste your -----BEGIN PRIVATE" + " KEY----- here",
    "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A\n-----END PUBLIC KEY-----",
    "eyJhbGciOi is how one begins",
    "eyJub3RoaW5nIjoxfQ.eyJub3RoaW5nIjoxfQ.c2lnbmF0dXJl",
    "avg(last_5m):avg:system.cpu.user{env:prod,service:api-gateway} by {host} > 90",
    "hooks.slack.com/services",
    "SG.team.name",
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "@slack-team-alerts-production @pagerduty-Database_Oncall",
]


@pytest.mark.parametrize("name", SECRETS)
def test_a_form_that_is_nothing_else_is_a_secret(name: str) -> None:
    secret = SECRETS[name]
    body = {"id": 1, "message": f"{secret} is here\n", "more": [{"x": secret}]}
    found = scan(THING, body)
    assert [finding.pointer for finding in found] == ["/message", "/more/0/x"]
    assert maybe(canonical.encode(body)), "the quick look must not miss it"
    assert all(secret not in finding.why for finding in found)
    told = scrub(f"HTTP 400: {secret}")
    assert told.startswith("HTTP 400: ")
    assert told.count("***") == 1
    assert form_of(told) == ""
    assert not any(core in told for core in (MIXED, "hunter2", "MIIE", "c2lnbmF0dXJl"))


def test_a_short_bearer_token_is_one_where_nothing_else_stands() -> None:
    assert form_of("Bearer 0f3a9c7e5b1d") == "a Bearer token"
    assert form_of("the bearer 0f3a9c7e5b1d of it") == ""


@pytest.mark.parametrize("text", LOOK_ALIKES)
def test_what_only_looks_like_a_secret_is_none(text: str) -> None:
    assert form_of(text) == ""
    assert scan(THING, {"id": 1, "message": text}) == []


@pytest.mark.parametrize(
    "name", ["password", "clientSecret", "API_KEY", "apikey", "token", "private-key", "credentials"]
)
def test_a_long_random_text_is_a_secret_under_a_telling_name(name: str) -> None:
    for value in (
        MIXED,
        "x7k2p9q4w8e3r6t1y5u0",
        "correct-horse-battery-9f8a7b6c5d",
        "wJal/K7MD+bPxRfiC9",
    ):
        body = {"id": 1, "in": {name: value, "title": value}}
        assert [f.pointer for f in scan(THING, body)] == [f"/in/{name}"]
        assert maybe(canonical.encode(body))
    assert maybe(canonical.encode({name: ["short", MIXED]}))
    assert [f.pointer for f in scan(THING, {name: ["short", MIXED]})] == [f"/{name}/1"]


@pytest.mark.parametrize(
    "value",
    [
        "{{ TOKEN }}",
        "REDACTED",
        "short1",
        "0123456789abcdef0123456789abcdef",
        "3f2504e0-4f89-11d3-9a0c-0305e82c3301",
        "DD_OP_SPLUNK_HEC_TOKEN",
        "production-database-password-2",
        "the token of the team",
        "1234567890123456789",
        "https://example.com/oauth/token?v=1a2b3c",
        "xxxxxxxxxxxxxxxxxxxx",
    ],
)
def test_plain_texts_under_a_telling_name_are_none(value: str) -> None:
    assert not is_random(value)
    assert scan(THING, {"id": 1, "token": value, "api_key": value}) == []


def test_a_key_of_the_run_is_a_secret_anywhere_and_cannot_be_allowed() -> None:
    key = "0123456789abcdef" * 2
    known = Known.of([key, "short"])
    body = {"id": 1, "message": f"curl -H 'DD-API-KEY: {key}' short", "tags": ["short"]}
    assert maybe(canonical.encode(body), known)
    assert not maybe(canonical.encode(body))
    allow = Places.of(["/message"])
    found = scan(THING, body, known=known, allow=allow)
    assert [(f.pointer, f.why) for f in found] == [("/message", "a secret that the run knows")]
    assert scan(THING, body, known=known, redact=allow) == []
    assert key not in repr(known)


def test_a_key_that_json_escapes_is_found() -> None:
    known = Known.of(['with"quote\\and more'])
    assert maybe(canonical.encode({"a": 'x with"quote\\and more y'}), known)


def test_what_the_configuration_decided_is_no_finding() -> None:
    body = {"id": 1, "options": {"steps": [{"url": SECRETS["address"]}, {"url": JWT}]}}
    assert len(scan(THING, body)) == 2
    for place in ("/options", "/options/steps/0/url", "options.steps[*].url"):
        left = scan(THING, body, allow=Places.of([place]))
        assert [f.pointer for f in left] == (
            ["/options/steps/1/url"] if place.endswith("/0/url") else []
        )
        assert left == scan(THING, body, redact=Places.of([place]))
    assert scan(THING, body, allow=Places.of(["/option", "/options/steps/0/ur"])) == scan(
        THING, body
    )
    present = Places.of(["/options/steps/0/url", "options.steps[*].url", "/none"]).present(body)
    assert set(present) == {"/options/steps/0/url", "/options/steps/1/url"}


def test_ids_and_markers_are_not_looked_at() -> None:
    body = normalize(THING, {"id": SECRETS["GitHub"], "auth": {"password": MIXED}}).document.body
    assert scan(THING, body) == []
    assert list(marked(body)) == [("auth", "password")]


def test_a_member_whose_name_is_a_secret_hides_its_object() -> None:
    body: dict[str, Any] = {"id": 1, "in": {SECRETS["GitHub"]: 1}}
    found = scan(THING, body)
    assert [f.pointer for f in found] == ["/in"]
    conceal(body, [f.pointer for f in found])
    assert is_secret(body["in"])
    at_the_top = {"id": 1, SECRETS["GitHub"]: 1}
    with pytest.raises(UnstorableError, match="the name of a member"):
        conceal(at_the_top, [f.pointer for f in scan(THING, at_the_top)])


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("Authorization", "anything", True),
        ("Cookie", "a=b", True),
        ("X-Api-Key", "0123456789abcdef0123456789abcdef", True),
        ("DD-API-KEY", "k", True),
        ("x-auth-token", "t", True),
        ("X-My-Secret", "s", True),
        ("Accept", SECRETS["Bearer"], True),
        ("Content-Type", "application/json", False),
        ("X-Datadog-Trace-ID", "123456789", False),
        ("Authorization", "Bearer {{ TOKEN }}", False),
        ("Authorization", "Basic $CREDENTIALS", False),
        ("Authorization", "Bearer {{ A }} and more", True),
        ("Authorization", "", False),
        ("Authorization", ["Bearer x"], True),
        ("key", "value", False),
    ],
)
def test_of_headers_only_what_name_or_form_gives_away(name: str, value: Any, secret: bool) -> None:
    assert bool(list(secret_entries({name: value}))) is secret
    assert bool(list(secret_entries([{"name": name, "value": value}]))) is secret


def test_maps_of_headers_are_marked_narrowly() -> None:
    type_ = ResourceType("calls", "tests", "/calls", secret_maps=("request.headers", "custom"))
    body = {
        "id": 1,
        "request": {"headers": {"Accept": "text/html", "Cookie": "a=b"}},
        "custom": '{"X-Token": "abc"}',
    }
    stored = normalize(type_, body)
    assert stored.document.body["request"] == {
        "headers": {"Accept": "text/html", "Cookie": {"$ddsnap": {"secret": True}}}
    }
    assert is_secret(stored.document.body["custom"])
    assert stored.markers == 2
    data = canonical.encode(stored.document.body)
    assert canonical.encode(normalize(type_, body).document.body) == data
    for open_text in ('{"Accept": "text/html"}', '{"X-Token": "$TOKEN"}', "{}", ""):
        kept = normalize(type_, {"id": 1, "custom": open_text}).document.body
        assert kept["custom"] == open_text
    assert is_secret(normalize(type_, {"id": 1, "custom": "no JSON"}).document.body["custom"])


def test_a_message_loses_keys_even_where_it_was_cut() -> None:
    key = "abcdefghij0123456789"
    assert scrub(f"bad key {key} ({key})", [key]) == "bad key *** (***)"
    assert scrub(f"bad key {key[:9]}…", [key]) == "bad key ***…"
    assert scrub("nothing here", [key]) == "nothing here"


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ('a "b" & c', r"HTTP 400: a \"b\" & c"),
        ('a "b" & c', "HTTP 400: a &quot;b&quot; &amp; c"),
        ("p/w d=1", "HTTP 400: p%2Fw%20d%3D1"),
        ("p/w d=1", "HTTP 400: p/w%20d%3D1"),
        ("one\n  two\tthree", "HTTP 400: one two three"),
        ("one\n  two\tthree", r"HTTP 400: one\n  two\tthree"),
        ("geheimnis-ü", r"HTTP 400: geheimnis-\u00fc"),
        ("1234", "HTTP 400: 1234"),
    ],
)
def test_a_message_loses_a_secret_however_it_is_spelled(secret: str, said: str) -> None:
    assert scrub(said, [secret, ""]) == "HTTP 400: ***"


def test_a_short_secret_hides_no_part_of_a_word() -> None:
    assert scrub("HTTP 400: no such host, on port 8040", ["on", "40"]) == (
        "HTTP 400: no such host, *** port 8040"
    )


words = st.text(string.ascii_letters + ' -_./:@{}"\\\n', max_size=20)
texts = st.sampled_from([*SECRETS.values(), *LOOK_ALIKES, MIXED])
names = words | st.sampled_from(["password", "apiKey", "tags", "url"])
values = st.recursive(
    words | texts | st.integers() | st.none(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(names, some, max_size=3),
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(names, values, max_size=5), words, words)
def test_redacting_is_complete_and_idempotent(
    more: dict[str, Any], before: str, after: str
) -> None:
    text = f"{before} {SECRETS['GitHub']} {after}"
    body = {"text": text, "tags": [MIXED, JWT], **more, "id": 7}
    found = scan(THING, body)
    assert maybe(canonical.encode(body)) or not found
    try:
        conceal(body, [finding.pointer for finding in found])
    except UnstorableError:
        return  # the top holds a member whose name is a secret
    document = normalize(THING, body).document
    data = canonical.encode(document.body)
    assert scan(THING, document.body) == []
    assert canonical.encode(normalize(THING, canonical.decode(data)).document.body) == data  # type: ignore[arg-type]
    assert SECRETS["GitHub"].encode() not in data


REALLY_SECRETS = {
    # The secret access key that AWS's own documentation gives as its example; only ever sent.
    ("integration_aws_accounts", "/body/data/attributes/auth_config/secret_access_key"),
}


def test_nothing_recorded_raises_a_false_alarm() -> None:
    looked: Counter[str] = Counter()
    alarms: Counter[str] = Counter()
    for type_name, body in _recorded():
        looked[type_name] += _strings(body)
        found = scan(THING, {"body": body})
        assert maybe(canonical.encode({"body": body})) or not found
        for finding in found:
            if (type_name, finding.pointer) not in REALLY_SECRETS:
                alarms[type_name] += 1
                text = pointers.get({"body": body}, finding.pointer)
                print(f"false alarm: {type_name}:{finding.pointer}: {finding.why}: {text}")
    for type_name in sorted(looked):
        print(f"{type_name}: {looked[type_name]} strings, {alarms[type_name]} alarms")
    assert len(looked) > 100
    assert sum(looked.values()) > 50_000
    assert not alarms


def _recorded() -> Iterator[tuple[str, Any]]:
    for file in sorted((contract_data() / "samples").glob("*/*.json")):
        sample = json.loads(file.read_text())
        for body in (sample["response"], sample.get("request_body")):
            if body is not None:
                yield file.parent.name, body


def _strings(value: Any) -> int:
    if isinstance(value, (dict, list)):
        return sum(map(_strings, value.values() if isinstance(value, dict) else value))
    return isinstance(value, str)
