"""What the sandbox answers: bodies, statuses, and the refusals in Datadog's several shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from ddsnap.errors import DdsnapError

Json: TypeAlias = Any
"""Bodies as strangers send them: nothing is known of their shape until it was checked."""
Body: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """One HTTP answer; ``raw`` is sent in the place of ``body`` where it is given."""

    body: Json = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    raw: bytes | None = None
    content_type: str = "application/json"


NO_CONTENT = Answer(status=204)


class Rejected(DdsnapError):  # noqa: N818 - it says what happened
    """A request that Datadog would refuse; it carries the answer."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body}")
        self.answer = answer


def reject(status: int, *texts: str) -> Rejected:
    """Make the usual refusal: ``{"errors": [text, ...]}``."""
    return Rejected(Answer({"errors": list(texts)}, status))


def reject_logs(status: int, code: str, message: str) -> Rejected:
    """Make a refusal of the logs configuration API: ``{"error": {"code", "message"}}``."""
    return Rejected(Answer({"error": {"code": code, "message": message}}, status))


def reject_titled(status: int, title: str, detail: str) -> Rejected:
    """Make a JSON:API refusal: ``{"errors": [{"status", "title", "detail"}]}``."""
    error = {"status": str(status), "title": title, "detail": detail}
    return Rejected(Answer({"errors": [error]}, status))


def not_found(what: str) -> Rejected:
    """Make the most common 404: ``<what> not found``."""
    return reject(404, f"{what} not found")
