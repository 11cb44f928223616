import io
import json
import re

import pytest

from ddsnap.cli.phrases import PHRASES
from ddsnap.cli.terminal import Terminal
from ddsnap.cli.text import aligned, cell, lines, one_line, span
from ddsnap.cli.watch import watched
from ddsnap.flows.run import Run

NASTY = "a\x1b[31mred\x9b2J\u202eltr\r\n\tend\x7f\ud800"


class Tty(io.StringIO):
    def isatty(self):
        return True


def terminal(stream=io.StringIO, **env):
    return Terminal(stream(), stream(), env)


@pytest.mark.parametrize("make", [one_line, lines, cell])
def test_control_characters_are_shown_and_not_obeyed(make):
    shown = make(NASTY)
    assert re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\ud800]", shown) is None
    assert r"\x1b[31mred\x9b2J\u202eltr\r" in shown
    assert ("\n" in shown) is (make is lines)


def test_a_plain_text_stays_as_it_is():
    text = "Überwachung 監視 🚀 -- ok"
    assert one_line(text) == lines(text) == text


def test_cells():
    assert [cell(value) for value in (None, True, False, 3, ["a", 1], "x")] == [
        "", "yes", "", "3", "a, 1", "x",
    ]  # fmt: skip


def test_a_plain_table_cuts_nothing():
    assert aligned(["a", "long"], [["x" * 300, ""], ["", "y"]]).splitlines() == [
        "A" + " " * 301 + "LONG",
        "x" * 300,
        " " * 302 + "y",
    ]


def test_off_a_terminal_there_is_no_colour_and_results_and_talk_are_apart():
    t = terminal()
    t.line("result", fg="red", bold=True)
    t.note("note")
    t.detail("detail")
    t.warn("careful\nnow")
    t.error("bad", "mend it")
    assert t.stdout.getvalue() == "result\n"
    assert t.stderr.getvalue() == "note\nwarning: careful\\nnow\nerror: bad\nhint: mend it\n"


@pytest.mark.parametrize(
    ("env", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_is_for_terminals_that_want_it(env, coloured):
    t = terminal(Tty, **env)
    t.line("result\x1b[2J", fg="red")
    assert t.stdout.getvalue().startswith("\x1b[31m") is coloured
    assert "\x1b[2J" not in t.stdout.getvalue()


def test_quiet_leaves_results_warnings_and_errors():
    t = terminal()
    t.verbosity = -1
    t.note("note")
    t.event("unheard_of", a=1)
    with t.progress("reading") as advance:
        advance(1)
    t.line("result")
    t.warn("careful")
    assert (t.stdout.getvalue(), t.stderr.getvalue()) == ("result\n", "warning: careful\n")


def test_with_json_standard_output_holds_events_alone():
    t = terminal()
    t.json = True
    t.event("seen", title=NASTY, count=2, path=io)
    t.line("for people")
    t.table("row", ["name", "ok"], [["a", True], ["b", None]])
    with t.progress("reading", 3) as advance:
        advance(3)
    events = [json.loads(line) for line in t.stdout.getvalue().splitlines()]
    assert [event["event"] for event in events] == ["seen", "row", "row"]
    assert events[0]["title"] == NASTY
    assert events[1] == {"event": "row", "name": "a", "ok": True}
    assert t.stderr.getvalue() == "for people\nreading: 3\n"


def test_an_event_reads_as_its_phrase_and_without_one_only_in_detail(monkeypatch):
    monkeypatch.setitem(PHRASES, "known", lambda fields: f"{fields['n']} read")
    monkeypatch.setitem(PHRASES, "mute", lambda fields: "")
    t = terminal()
    t.event("known", n=3)
    t.event("mute", n=3)
    t.event("other", n=3)
    assert t.stderr.getvalue() == "3 read\n"
    t.verbosity = 1
    t.event("other", n=3, title="a\nb")
    assert t.stderr.getvalue() == "3 read\nother n=3 title=a\\nb\n"


def test_a_table_on_a_terminal_folds_and_escapes():
    t = terminal(Tty, COLUMNS="40")
    t.table("row", ["name", "what"], [["[bold]x", "y" * 200], [NASTY, ""]])
    shown = t.stdout.getvalue()
    assert "[bold]x" in shown
    assert shown.count("y") == 200
    assert "\x9b" not in shown


def test_a_table_that_is_wider_than_the_terminal_is_told_in_blocks(monkeypatch):
    monkeypatch.setenv("COLUMNS", "40")
    t = terminal(Tty, NO_COLOR="1")
    t.table(
        "row", ["name", "state", "needs"], [["one", "on", ["a-long-name"] * 8], ["two", "", []]]
    )
    shown = t.stdout.getvalue().splitlines()
    assert shown[0] == "one  state: on"
    assert shown[1] == "  needs: a-long-name, a-long-name,"
    assert shown[2].startswith("    a-long-name, ")
    assert shown[-1] == "two"
    assert max(map(len, shown)) <= 40


def test_progress_on_a_terminal_leaves_no_trace_and_lets_lines_through():
    t = terminal(Tty)
    with t.progress("reading [1]", total=2) as advance:
        advance(1)
        t.note("meanwhile")
        t.line("a result")
        advance(1)
    assert "meanwhile" in t.stderr.getvalue()
    assert t.stdout.getvalue() + t.stderr.getvalue() != ""
    assert t.stdout.getvalue() == ""  # both streams are one screen: the bar's console wrote it
    assert "a result" in t.stderr.getvalue()
    assert t.stderr.getvalue().endswith("\x1b[2K")


def test_a_bar_gives_its_place_back_when_the_work_fails():
    t = terminal(Tty)
    with pytest.raises(RuntimeError, match="oops"), t.progress("reading"):
        raise RuntimeError("oops")
    t.note("after")
    assert t.stderr.getvalue().endswith("after\n")


def test_a_bar_says_what_is_being_done_now():
    t = terminal(Tty, COLUMNS="100")
    with t.progress("us1", total=2) as advance:
        watch = watched(Run(None, None, None, "us1", "", None, None), advance).watch
        watch("dashboards", 1, 40, None)
        t._live.refresh()
        watch("dash[red]boards", 2, 40, 4000.0)
        t._live.refresh()
    shown = re.sub(r"\x1b\[[0-9;?]*\w", "", t.stderr.getvalue())
    assert "us1 dashboards 1/40 " in shown
    assert "us1 dash[red]boards 2/40, 1 h 7 min left " in shown


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(31, "31 s"), (89.6, "90 s"), (95, "2 min"), (3540, "59 min"), (3599, "1 h 0 min")],
)
def test_a_span_is_said_as_people_do(seconds, said):
    assert span(seconds) == said


def test_an_estimate_reads_as_one_line():
    told = {"org": "us1", "type": "dashboards", "requests": 400, "seconds": 1200}
    t = terminal()
    t.event("estimate", **told)
    assert t.stderr.getvalue() == (
        "us1: 400 requests for dashboards are left; the rate limit lets them take 20 min\n"
    )
