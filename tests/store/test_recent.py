"""What is kept of what was read."""

from __future__ import annotations

from ddsnap.store.recent import Recent


def test_what_was_used_longest_ago_goes_first():
    recent = Recent(24)
    for name in (b"a", b"b"):
        recent.put(name, name * 3)
    for number in range(7):
        recent.get(b"a")
        recent.put(str(number).encode(), b"xxx")
    assert recent.get(b"a") == b"aaa"
    assert recent.get(b"b") is None
    assert recent.get(b"6") == b"xxx"


def test_what_would_push_out_the_others_is_not_kept():
    recent = Recent(80)
    recent.put(b"small", b"x")
    recent.put(b"large", b"x" * 11)
    assert recent.get(b"large") is None
    assert recent.get(b"small") == b"x"


def test_without_room_nothing_is_kept():
    recent = Recent(0)
    recent.put(b"a", b"")
    recent.put(b"b", b"x")
    assert recent.get(b"b") is None
