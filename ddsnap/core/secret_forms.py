"""What a secret looks like: the forms that are nothing else, and the names that give one away.

A form says what it is ("a GitHub token"), so that a message can without showing it. Bare hex,
UUIDs, ids, placeholders and variables (``{{ TOKEN }}``, ``$TOKEN``) are no secrets.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections import Counter
from math import log2
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from ddsnap.core.values import JSON

_TOKENS: Final = (
    ("a GitHub token", r"gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9]{16,}\w*"),
    ("a GitLab token", r"gl(?:pat|ptt|dt|rt|cbt|ft|soat)-[\w-]{20,}"),
    ("a Slack token", r"xox[abeoprs]-[A-Za-z0-9-]{10,}|xapp-\d-[A-Z0-9]+-\d+-\w{16,}"),
    ("an AWS access key", r"A[KS]IA[A-Z0-9]{16}(?![A-Za-z0-9])"),
    ("a Google key", r"AIza[\w-]{35}|GOCSPX-[\w-]{20,}|ya29\.[\w-]{20,}"),
    ("a Stripe key", r"[rs]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}"),
    ("a SendGrid key", r"SG\.[\w-]{16,}\.[\w-]{16,}"),
    ("an npm token", r"npm_[A-Za-z0-9]{30,}"),
    ("a PyPI token", r"pypi-AgE[\w-]{16,}"),
    ("an OpenAI or Anthropic key", r"sk-(?:proj|svcacct|admin|ant)-[\w-]{20,}"),
    ("a Vault token", r"hv[bs]\.[\w-]{24,}"),
    ("a Hugging Face token", r"hf_[A-Za-z0-9]{30,}"),
    ("a DigitalOcean token", r"do[opr]_v1_[a-f0-9]{64}"),
    ("a Shopify token", r"shp(?:at|ca|pa|ss)_[a-f0-9]{32}"),
    ("a Grafana token", r"glsa_[A-Za-z0-9]{32}_[a-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}"),
    ("an age key", r"AGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    ("a Slack webhook", r"hooks\.slack(?:-gov)?\.com/(?:services|workflows|triggers)(?:/\w+){2,}"),
    ("a Discord webhook", r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]{30,}"),
    ("a Microsoft Teams webhook", r"webhook\.office\.com/webhookb2/\S+/IncomingWebhook/\w+"),
)
_TOKEN: Final = re.compile(
    "|".join(rf"(?P<t{n}>(?<![A-Za-z0-9]){form})" for n, (_, form) in enumerate(_TOKENS))
)
_PRIVATE_KEY: Final = re.compile(
    r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----[\s\S]{0,300}?[A-Za-z0-9+/]{16}"
    r"[\s\S]*?(?:-----END[A-Z0-9 ]*(?:-----)?|\Z)"
)
_JWT: Final = re.compile(r"(?<![\w-])(eyJ[\w-]{8,})\.[\w-]{2,}\.[\w-]{6,}")
_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@\"'<>]*:(?P<password>[^\s/@\"'<>]+)@")
_BEARER: Final = re.compile(r"\bbearer\s+(?P<token>[\w.~+/=-]{8,})", re.IGNORECASE)
_BASIC: Final = re.compile(r"\bbasic\s+(?P<pair>[A-Za-z0-9+/]{4,}={0,2})", re.IGNORECASE)
_PARAMETER: Final = re.compile(r"[?&;](?P<name>[\w.-]+)=(?P<value>[^\s&;\"'<>]{16,})")

# Each begins with a literal, which re finds far faster than a choice of many beginnings.
_HINTS: Final = (
    re.compile(
        rb"_(?=[A-Za-z0-9+/]{16})(?:(?<=gh[pousr]_)|(?<=b_pat_)|(?<=[rs]k_(?:live|test)_)"
        rb"|(?<=whsec_)|(?<=npm_)|(?<=hf_)|(?<=do[opr]_v1_)|(?<=shp(?:at|ca|pa|ss)_)|(?<=glsa_)"
        rb"|(?<=glc_))"
    ),
    re.compile(
        rb"-(?:(?<=xox[abeoprs]-)|(?<=pat-|ptt-|ldt-|lrt-|cbt-|lft-|oat-)[\w-]{20}|(?<=xapp-)"
        rb"|(?<=pypi-)|(?<=CSPX-)|(?<=sk-)(?:proj|svcacct|admin|ant)-|(?<=AGE-)SECRET|----BEGIN )"
    ),
    re.compile(rb"A(?:[KS]IA[A-Z0-9]|Iza)"),
    re.compile(rb"\.(?:(?<=SG\.)|(?<=ya29\.)|(?<=hv[bs]\.)|slack[.-])"),
    re.compile(rb"eyJ[\w-]{8}"),
    re.compile(rb"/(?:(?<=:/)/[^\s/:@\"'<>]*:[^\s/@\"'<>]+@|webhook(?:s/\d|b2/))"),
)
_VALUE: Final = rb"[\w.-]*(?:\": \[|(?:\": \"|=)(?:[^\s\"\\]|\\.){16})"
_HINTS_IN_SMALL: Final = (
    re.compile(rb"k(?:en|(?<=[eghiknpst._-]k)ey)" + _VALUE),
    re.compile(rb"w(?:or)?d" + _VALUE),
    re.compile(rb"ret" + _VALUE),
    re.compile(rb"phrase" + _VALUE),
    re.compile(rb"redential" + _VALUE),
    re.compile(rb"b(?:earer\s+[\w.~+/=-]{8}|asic\s+[a-z0-9+/]{4}[a-z0-9+/=]{4})"),
)
_TELLING: Final = re.compile(
    r"(?:password|passwd|passphrase|pwd|secret|token|credentials?"
    r"|(?:api|app|application|access|private|secret|auth|signing|encryption|service|account"
    r"|integration|client|ingest|license|webhook)key)s?\d*$"
)
_HEADER: Final = re.compile(
    r"auth|cookie|token|secret|passw|credential|signature|apikey|appkey|applicationkey|accesskey"
    r"|subscriptionkey|functionskey|privatekey"
)
_VARIABLE: Final = re.compile(
    r"\{\{[^{}]*\}\}|\$\{[^{}]*\}|\$\([^()]*\)|\$[A-Za-z_]\w*|%\w+%|<[^<>]*>"
)
_SCHEME: Final = re.compile(r"\b(?:bearer|basic|digest|token|apikey|redacted)\b", re.IGNORECASE)
_PLAIN: Final = re.compile(
    r"(?:0x)?[0-9a-fA-F]+|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|[\d.,:_-]+"
)
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+")
_EXAMPLES: Final = frozenset(
    {"password", "passwd", "pass", "pwd", "pw", "secret", "token", "redacted"}
)
_SHORTEST: Final = 16
_SHORTEST_FORM: Final = 10
_LEAST_ENTROPY: Final = 3.0


def maybe_in(data: bytes) -> bool:
    """Whether JSON text may hold a secret: ``False`` is certain, ``True`` says to look closer."""
    if any(hint.search(data) for hint in _HINTS):
        return True
    small = data.lower()
    return any(hint.search(small) for hint in _HINTS_IN_SMALL)


def form_of(text: str) -> str:
    """Return what secret stands in ``text``, by its form alone; empty: none."""
    if len(text) < _SHORTEST_FORM:
        return ""
    return next((why for why, _, _ in _stretches(text)), "")


def hide(text: str, mask: str) -> str:
    """Return ``text`` with each secret in it replaced by ``mask``."""
    for _, start, end in sorted(set(_stretches(text)), key=lambda found: -found[1]):
        text = text[:start] + mask + text[end:]
    return text


def tells(name: str) -> bool:
    """Whether a member of this name holds a secret, as far as a name can say."""
    return bool(_TELLING.search(_bare(name)))


def header_tells(name: str) -> bool:
    """Whether a header or parameter of this name holds a secret."""
    return bool(_HEADER.search(_bare(name))) or tells(name)


def is_random(text: str) -> bool:
    """Whether ``text`` is long and random: no words, no hex, no UUID, no number, no variable."""
    if len(text) < _SHORTEST or re.search(r"\s|://", text) or is_open(text):
        return False
    if _PLAIN.fullmatch(text) or _entropy(text) < _LEAST_ENTROPY:
        return False
    words = _WORDS.findall(text)
    length = sum(map(len, words)) / len(words) if words else 0
    return 0 < length < (4.2 if re.search(r"\d", text) else 3)


def is_open(text: str) -> bool:
    """Whether nothing is left of ``text`` without its variables and the name of its scheme."""
    return not re.search(r"\w", _SCHEME.sub("", _VARIABLE.sub("", text)))


def secret_entries(value: JSON) -> Iterator[tuple[dict[str, JSON], str]]:
    """Yield the (container, member) of each secret in a map of headers or parameters.

    The map is an object, or a list of objects with ``name`` and ``value``.
    """
    if isinstance(value, dict):
        for name, entry in value.items():
            if _is_secret_entry(name, entry):
                yield value, name
    elif isinstance(value, list):
        for pair in value:
            if isinstance(pair, dict) and _is_secret_entry(
                str(pair.get("name")), pair.get("value")
            ):
                yield pair, "value"


def is_secret_text(value: JSON) -> bool:
    """Whether a text that should be such a map as JSON holds a secret; no map counts as one."""
    if not isinstance(value, str) or is_open(value):
        return False
    try:
        parsed = json.loads(value)
    except ValueError:
        return True
    return not isinstance(parsed, (dict, list)) or any(secret_entries(parsed))


def _is_secret_entry(name: str, entry: JSON) -> bool:
    texts = entry if isinstance(entry, list) else [entry]
    return any(
        isinstance(text, str) and not is_open(text) and (header_tells(name) or bool(form_of(text)))
        for text in texts
    )


def _stretches(text: str) -> Iterator[tuple[str, int, int]]:
    for match in _TOKEN.finditer(text):
        if _varied(match[0]):
            yield _TOKENS[int((match.lastgroup or "t0")[1:])][0], *match.span()
    for why, pattern, holds in _FORMS:
        for match in pattern.finditer(text):
            if holds(match):
                yield why, *match.span()


def _is_jwt(match: re.Match[str]) -> bool:
    head = _decoded(match[1])
    try:
        parsed = json.loads(head)
    except ValueError:
        return False
    return isinstance(parsed, dict) and "alg" in parsed


def _is_pair(match: re.Match[str]) -> bool:
    """Whether the text behind ``Basic`` is a user and a password."""
    try:
        user, colon, _ = _decoded(match["pair"]).decode().partition(":")
    except UnicodeDecodeError:
        return False
    return bool(colon) and user.isprintable()


def _is_token(match: re.Match[str]) -> bool:
    token = match["token"]
    whole = match[0] == match.string.strip()
    return bool(re.search(r"\d", token)) and _varied(token) and (whole or len(token) >= _SHORTEST)


def _is_password(match: re.Match[str]) -> bool:
    password = match["password"]
    if is_open(password) or re.search(r"[{}%$]", password):
        return False
    return password.lower() not in _EXAMPLES and len(set(password)) > 2


def _is_parameter(match: re.Match[str]) -> bool:
    return tells(match["name"]) and is_random(match["value"])


_FORMS: Final[tuple[tuple[str, re.Pattern[str], Callable[[re.Match[str]], bool]], ...]] = (
    ("a private key", _PRIVATE_KEY, lambda _: True),
    ("a JSON Web Token", _JWT, _is_jwt),
    ("a password in an address", _ADDRESS, _is_password),
    ("a Bearer token", _BEARER, _is_token),
    ("a Basic user and password", _BASIC, _is_pair),
    ("a secret parameter of an address", _PARAMETER, _is_parameter),
)


def _decoded(text: str) -> bytes:
    """Decode base64 of either alphabet, padded or not; empty where it is none."""
    plain = text.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except binascii.Error:
        return b""


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _varied(token: str) -> bool:
    """Whether ``token`` is no placeholder such as ``ghp_xxxxxxxx``."""
    return len(set(token[4:].lower())) > 4 and not token.upper().endswith("EXAMPLE")


def _entropy(text: str) -> float:
    """Return the bits per character."""
    return -sum(n / len(text) * log2(n / len(text)) for n in Counter(text).values())
