from __future__ import annotations

import pytest

from ddsnap.api.problems import explain


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"errors": ["Monitor not found"]}, "Monitor not found"),
        ({"errors": ["one", "two", "one"]}, "one; two"),
        ({"errors": "just a text"}, "just a text"),
        ({"error": "just a text"}, "just a text"),
        ({"errors": [{"status": "400", "title": "Bad", "detail": "no name"}]}, "Bad: no name"),
        ({"errors": [{"detail": "no name"}]}, "no name"),
        (
            {"errors": [{"title": "Bad", "source": {"pointer": "/data/id"}}]},
            "Bad (at /data/id)",
        ),
        ({"error": {"code": "NotFound", "message": "No such thing"}}, "No such thing"),
        (
            {"error": {"message": "Invalid rule", "details": [{"message": "bad schedule"}]}},
            "Invalid rule; bad schedule",
        ),
        ({"data": {"attributes": {"errors": ["nested"]}}}, "nested"),
        ({"data": {"attributes": {"errors": [{"message": "deep"}]}}}, "deep"),
        ({"message": "top"}, "top"),
        ("plain text\n", "plain text"),
        ("<html><head><title>502 Bad Gateway</title></head><p>x</p>", "502 Bad Gateway"),
        ("<!DOCTYPE html><body><h1>Log in &amp; go</h1>", "Log in & go"),
        ("<html></html>", "an HTML page"),
        (None, "no explanation (HTTP 403)"),
        ("", "no explanation (HTTP 403)"),
        ({}, "no explanation (HTTP 403)"),
        ([], "no explanation (HTTP 403)"),
        ({"errors": [None, 3, {"status": 400}]}, "no explanation (HTTP 403)"),
    ],
)
def test_every_shape_is_understood(body: object, text: str) -> None:
    said = explain(403, body)  # type: ignore[arg-type]
    assert text in said


def test_the_text_of_a_page_stays_out() -> None:
    assert "secret" not in explain(404, "<html><title>Gone</title><p>secret</p></html>")


def test_it_is_one_short_line() -> None:
    said = explain(400, {"errors": ["first\nsecond\tthird\x1b[31m \u2028" + "x" * 1000]})
    assert said.startswith("first second third")
    assert "\n" not in said
    assert "\x1b" not in said
    assert len(said) == 300
