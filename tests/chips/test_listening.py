"""What stray bytes say: each finding has its own message and its own next step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.chips.listening import HeardKind, classify, is_echo, repeated_banner, text_share
from groundwire.chips.registry import families

SENT = bytes.fromhex("01e0fc0100") * 8


@pytest.mark.parametrize(
    ("heard", "kind"),
    [
        (b"", HeardKind.SILENCE),
        (SENT * 4, HeardKind.ECHO),
        (SENT * 4 + b"\x00", HeardKind.ECHO),
        (b"[I] firmware 1.0 is up and running\r\nwifi ok\r\n", HeardKind.BOOT_TEXT),
        (b"Booting module v1\r\nxy" * 5, HeardKind.BROKEN_BANNERS),
        (bytes.fromhex("55aa0000000001") * 4, HeardKind.VENDOR_FRAMES),
        (bytes(range(0x80, 0xC0)), HeardKind.WRONG_SPEED),
        (b"\x00" * 40, HeardKind.WRONG_SPEED),
        (b"ok", HeardKind.WRONG_SPEED),
        (bytes.fromhex("040e0501e0fc0100"), HeardKind.OTHER_FAMILY),
    ],
)
def test_each_finding(heard, kind):
    assert classify(heard, SENT, families()).kind is kind


def test_every_finding_says_something_of_its_own():
    samples = [
        b"",
        SENT * 4,
        b"some text from a log\r\n",
        b"\x55\xaa" * 9,
        bytes(range(0x80, 0xC0)),
    ]
    found = [classify(heard, SENT, ()) for heard in samples]
    assert len({one.kind for one in found}) == len(samples)
    assert len({one.advice for one in found}) == len(samples)
    for one in found:
        assert one.detail
        assert one.likely
        assert one.advice
        assert not one.advice.endswith(".")


@given(st.binary(max_size=400), st.binary(max_size=40))
def test_any_bytes_have_a_finding(heard, sent):
    found = classify(heard, sent, families())
    assert found.detail.isprintable()
    assert len(found.detail) < 400


def test_an_answer_is_no_echo():
    """A LinkCheck's answer contains the question."""
    assert not is_echo(bytes.fromhex("040e0501e0fc0100") * 20, SENT)
    assert is_echo(SENT * 3, SENT)
    assert not is_echo(SENT, b"")
    assert not is_echo(b"", SENT)


def test_shares_and_banners():
    assert text_share(b"") == 0
    assert text_share(b"abc\r\n") == 1
    assert text_share(b"a\x00") == 0.5
    assert repeated_banner(b"Booting module\r\n" * 2) == ""
    assert repeated_banner(b"Booting module\r\n" * 3) == "Booting modu"
    assert repeated_banner(b"short\r\n" * 30) == ""
