"""The chips' parsers: what they cut out, in any chunking, and when at the earliest."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chips.beken.beken_frames import COUNTING, FRAMES
from groundwire.chips.beken.receiver import Coming, Frame, Receiver, StreamedData

WRITE = FRAMES["write4k_0x12000"].data
SHORT = [
    frame.data for frame in FRAMES.values() if frame.kind == "command" and len(frame.data) < 30
]


def loader():
    return Receiver(takes_repeated_01=False, streams_writes=True)


def boot_rom():
    return Receiver(takes_repeated_01=True, streams_writes=False)


def hear(receiver, data):
    heard, at = [], 0
    while at < len(data):
        used, one = receiver.take(data[at:])
        assert used > 0
        at += used
        if one is not None:
            heard.append(one)
    return heard


def test_a_short_and_a_long_frame():
    for receiver in (loader(), boot_rom()):
        assert hear(receiver, FRAMES["reboot"].data) == [Frame(0x0E, b"\xa5", is_long=False)]
        assert hear(receiver, FRAMES["read4k_0x11000"].data) == [
            Frame(0x09, b"\x00\x10\x01\x00", is_long=True)
        ]


def test_a_loader_hands_a_write_over_page_by_page():
    parts = hear(loader(), WRITE)
    assert len(parts) == 16
    assert {part.data for part in parts} == {COUNTING}
    assert [part.address for part in parts] == list(range(0x12000, 0x13000, 256))
    assert [part.ends for part in parts] == [False] * 15 + [True]
    assert parts[-1].total == 4096


def test_a_boot_rom_hands_a_write_over_as_a_whole():
    (frame,) = hear(boot_rom(), WRITE)
    assert (frame.code, len(frame.payload)) == (0x07, 4100)


def test_a_write_without_data():
    head = bytes.fromhex("01e0fcfff405000600200100")
    assert hear(loader(), head) == [StreamedData(0x06, 0x12000, 0, b"", ends=True)]


def test_length_255_is_a_short_frame_unless_f4_follows():
    frame = bytes.fromhex("01e0fcff55") + bytes(254)
    for receiver in (loader(), boot_rom()):
        assert hear(receiver, frame) == [Frame(0x55, bytes(254), is_long=False)]


def test_what_is_open_is_known():
    receiver = boot_rom()
    receiver.take(b"\x01\xe0\xfc")
    assert receiver.between_frames
    receiver.take(b"\x05")
    assert not receiver.between_frames
    assert receiver.partial == b"\x01\xe0\xfc\x05"
    receiver.reset()
    assert (receiver.between_frames, receiver.partial) == (True, b"")


@pytest.mark.parametrize("make", [loader, boot_rom])
@given(data=st.data())
def test_chunking_changes_nothing_and_wants_is_never_too_much(make, data):
    pieces = data.draw(
        st.lists(
            st.one_of(st.sampled_from(SHORT), st.binary(max_size=8), st.just(WRITE[:600])),
            max_size=5,
        )
    )
    stream = b"".join(pieces)
    whole = hear(make(), stream)
    receiver, heard = make(), []
    at = 0
    while at < len(stream):
        wants = receiver.wants
        assert wants >= 1
        size = data.draw(st.integers(1, 40))
        used, one = receiver.take(stream[at : at + size])
        at += used
        if one is not None:
            assert used >= wants
            heard.append(one)
    assert heard == whole


def test_coming_bytes_in_time():
    coming = Coming(b"abcd", 1.0, 0.5)
    assert [coming.count_until(at, inclusive=True) for at in (0.9, 1.0, 1.4, 2.5, 9.0)] == [
        0, 1, 1, 4, 4,
    ]  # fmt: skip
    assert coming.count_until(1.5, inclusive=False) == 1
    coming.drop(3)
    assert (coming.data, coming.first_s, coming.time_of(0)) == (b"d", 2.5, 2.5)
    assert Coming(b"abcd", 1.0, 0.0).count_until(1.0, inclusive=True) == 4
