"""What a server says went wrong, from every shape in which Datadog and its edge say it."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ddsnap.core.values import JSON

_LONGEST: Final = 300
_SAYS: Final = ("title", "detail", "message", "error", "reason", "description")
_HOLDS: Final = ("errors", "error", "data", "attributes", "details")


def explain(status: int, body: JSON) -> str:
    """Return the server's text on one line; ``body`` is the decoded answer, or its text."""
    texts = [_text_of(body)] if isinstance(body, str) else list(_texts(body))
    said = "; ".join(dict.fromkeys(text for text in map(_one_line, texts) if text))
    return _cut(said) or f"no explanation (HTTP {status})"


def is_html(body: str) -> bool:
    """Whether a text is a page for people: a login form, a proxy's notice, an error page."""
    return body.lstrip("\ufeff \t\r\n").startswith("<")


def _texts(said: JSON) -> Iterator[str]:
    """Yield the texts of ``errors`` lists, of error objects, and of what these hold."""
    if isinstance(said, str):
        yield said
    elif isinstance(said, list):
        for part in said:
            yield from _texts(part)
    elif isinstance(said, dict):
        words = [text for key in _SAYS if isinstance(text := said.get(key), str) and text]
        where = _where(said.get("source"))
        if words:
            yield ": ".join(dict.fromkeys(words)) + where
        for key in _HOLDS:
            if isinstance(said.get(key), (dict, list)):
                yield from _texts(said[key])
        if isinstance(said.get("errors"), str):
            yield str(said["errors"])


def _where(source: JSON) -> str:
    """Return the place in the request that a JSON:API error points at."""
    if not isinstance(source, dict):
        return ""
    places = [str(value) for value in source.values() if isinstance(value, (str, int)) and value]
    return f" (at {', '.join(places)})" if places else ""


def _text_of(body: str) -> str:
    if not is_html(body):
        return body
    title = re.search(r"<title[^>]*>(.*?)</title", body, re.IGNORECASE | re.DOTALL)
    heading = re.search(r"<h1[^>]*>(.*?)</h1", body, re.IGNORECASE | re.DOTALL)
    found = title or heading
    words = unescape(re.sub(r"<[^>]*>", " ", found[1])) if found else ""
    return f"an HTML page: {words}" if words.strip() else "an HTML page"


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1].rstrip() + "…"
