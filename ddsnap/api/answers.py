"""What a reply says: JSON for the caller, or why it is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ddsnap.api.problems import explain, is_html
from ddsnap.api.retry import Failure
from ddsnap.core.canonical import decode
from ddsnap.errors import DdsnapError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ddsnap.api.transport import Reply
    from ddsnap.core.values import JSON


@dataclass(frozen=True)
class Answer:
    """What the server answered; ``body`` is ``None`` where it sent none."""

    status: int
    body: JSON
    headers: Mapping[str, str]


def judge(reply: Reply, expect: Collection[int]) -> Answer | Failure:
    """Return the answer if its status is good or among ``expect``; else what went wrong."""
    status, text = reply.status, _text(reply)
    if 300 <= status < 400:
        return _redirect(reply)
    if status >= 400 and status not in expect:
        return _refusal(status, _body(reply, text))
    if is_html(text):
        said = f"HTTP {status}: {explain(status, text)}, where JSON was expected"
        return Failure(said, status, lasting=True, hint="is a proxy or a login page in the way?")
    try:
        body = decode(reply.content) if reply.content.strip() else None
    except DdsnapError as error:
        if status < 400:
            return Failure(f"HTTP {status}: {error.message}", status)
        body = text
    return Answer(status, body, reply.headers)


def _refusal(status: int, body: JSON) -> Failure:
    hint = "the application key may lack a permission for this" if status == 403 else ""
    return Failure(f"HTTP {status}: {explain(status, body)}", status, hint=hint)


def _redirect(reply: Reply) -> Failure:
    """Refuse to follow: the keys in the headers are for one host alone."""
    host = urlsplit(reply.headers.get("Location", "")).hostname or "another page of this host"
    said = f"HTTP {reply.status}: redirected to {host}, which is not followed"
    return Failure(said, reply.status, lasting=True, hint="is the org's site right?")


def _body(reply: Reply, text: str) -> JSON:
    try:
        return decode(reply.content)
    except DdsnapError:
        return text


def _text(reply: Reply) -> str:
    """Return the start of the body as text, enough to tell what it is."""
    return reply.content[:4096].decode("utf-8", "replace")
