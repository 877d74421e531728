import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import BadArgument, CorruptFrame
from groundwire.meter.bl0942.codec import (
    MODE_AFTER_RESET,
    PACKET_SIZE,
    Mode,
    Packet,
    PacketBuffer,
    ReadPacket,
    ReadRegister,
    Register,
    Status,
    WriteRegister,
    baudrate_of,
    checksum,
    decode_packet,
    decode_register_reply,
    decode_request,
    encode_packet,
    encode_register_reply,
    encode_request,
    find_packet,
    reply_size,
    write_of,
)

VECTORS = json.loads(Path(__file__).with_name("bl0942-vectors.json").read_text(encoding="utf-8"))

addresses = st.integers(0, 3)
word = st.integers(0, 0xFFFFFF)
packets = st.builds(
    Packet,
    i_rms=word,
    v_rms=word,
    i_fast_rms=word,
    watt=st.integers(-(1 << 23), (1 << 23) - 1),
    cf_cnt=word,
    freq=word,
    status=word,
)


def named(section):
    return [pytest.param(row, id=row["name"]) for row in VECTORS[section]]


def raw(text):
    return bytes.fromhex(text)


@pytest.mark.parametrize("row", named("packets_good"))
def test_packet_vectors_decode_and_encode(row):
    packet = decode_packet(raw(row["packet"]), row["address"])
    assert {name: getattr(packet, name) for name in row["raw"]} == row["raw"]
    assert encode_packet(packet, row["address"]) == raw(row["packet"])


@pytest.mark.parametrize("row", named("packets_bad"))
def test_bad_packet_vectors(row):
    data = raw(row["bytes"])
    if row["expect"] == "false_accept":
        # The sum cannot see it; what can is tested with the plausibility of readings.
        packet = decode_packet(data)
        assert all(getattr(packet, name) == value for name, value in row.get("raw", {}).items())
        return
    with pytest.raises(CorruptFrame):
        decode_packet(data)
    assert find_packet(data) is None


def test_a_packet_for_another_address_is_named_as_such():
    data = raw("55 a3 b9 00 9e 4c 36 93 43 00 f4 98 ff 99 00 00 16 4e 00 01 01 00 75")
    with pytest.raises(CorruptFrame) as caught:
        decode_packet(data)
    assert caught.value.what == (
        "a damaged frame: sum 75, wanted 76: right for a chip with address 1, not for 0 "
        "(55 a3 b9 00 9e 4c 36 93 43 00 f4 98 ff 99 00 00)"
    )


@pytest.mark.parametrize("row", named("streams"))
def test_stream_vectors(row):
    buffer = PacketBuffer()
    found = []
    for chunk in row["chunks"]:
        buffer.feed(raw(chunk))
        while (packet := buffer.next_packet()) is not None:
            found.append(encode_packet(packet))
    assert found == [raw(text) for text in row["resync_reader_accepts"]]
    total = sum(len(raw(chunk)) for chunk in row["chunks"])
    assert buffer.discarded + buffer.waiting + PACKET_SIZE * len(found) == total


@pytest.mark.parametrize("row", named("register_reads"))
def test_register_read_vectors(row):
    request = decode_request(raw(row["request"]))
    assert isinstance(request, ReadRegister)
    assert request.address == row["address"]
    assert encode_request(request) == raw(row["request"])
    reply = raw(row["uart_response"])
    assert decode_register_reply(reply, request) == row["value"]
    assert encode_register_reply(request.address, request.number, row["value"]) == reply


@pytest.mark.parametrize("row", named("register_writes"))
def test_register_write_vectors(row):
    number, value = int(row["register"], 16), int(row["value"], 16)
    frame = raw(row["uart_frame"])
    assert encode_request(write_of(row["address"], Register(number), value)) == frame
    assert decode_request(frame) == WriteRegister(row["address"], number, value)


def test_sums_of_the_worked_examples():
    assert checksum(0xA8, 0x1D, b"\x55\x00\x00") == 0xE5
    assert checksum(0xA8, 0x19, b"\x8f\x00\x00") == 0xAF
    assert checksum(0x58, 0x03, b"\x00\x00\x00") == 0xA4


def test_reset_values_agree_with_the_bits_of_mode():
    assert Register.MODE.fact.reset == MODE_AFTER_RESET == 0x87
    assert Mode(0x8F) == MODE_AFTER_RESET | Mode.UPDATE_800_MS
    assert {register.value for register in Register} == {
        number for number in range(0x1E) if number in {fact.fact.number for fact in Register}
    }


@pytest.mark.parametrize(
    ("mode", "strap_fast", "rate"),
    [(0x87, False, 4800), (0x187, True, 9600), (0x28F, False, 19200), (0x38F, True, 38400)],
)
def test_speed_by_strap_and_mode(mode, strap_fast, rate):
    assert baudrate_of(mode, strap_fast=strap_fast) == rate


def test_reserved_status_bits_are_masked():
    captured = decode_packet(raw(VECTORS["packets_good"][0]["packet"]))
    assert captured.status == 0x122
    assert captured.flags == Status.NO_LOAD | Status.CURRENT_BELOW_THRESHOLD


@pytest.mark.parametrize(
    ("register", "value", "text"),
    [
        (Register.I_RMS, 1, "I_RMS: '1' is not a value: the register is read-only"),
        (Register.WA_CREEP, 256, "WA_CREEP: '256' is not in 0..255"),
        (Register.MODE, -1, "MODE: '-1' is not in 0..1023"),
    ],
)
def test_what_cannot_be_written(register, value, text):
    with pytest.raises(BadArgument) as caught:
        write_of(0, register, value)
    assert caught.value.what == text


def test_an_address_is_0_to_3():
    with pytest.raises(BadArgument):
        encode_request(ReadPacket(4))


@given(packets, addresses)
def test_packet_round_trip(packet, address):
    data = encode_packet(packet, address)
    assert decode_packet(data, address) == packet
    for other in set(range(4)) - {address}:
        with pytest.raises(CorruptFrame):
            decode_packet(data, other)


requests = st.one_of(
    st.builds(ReadPacket, addresses),
    st.builds(ReadRegister, addresses, st.integers(0, 0xFF).filter(lambda n: n != 0xAA)),
    st.builds(WriteRegister, addresses, st.integers(0, 0xFF), word),
)


@given(requests)
def test_request_round_trip(request_):
    assert decode_request(encode_request(request_)) == request_
    assert reply_size(request_) in {0, 4, 23}


@given(addresses, st.sampled_from(list(Register)), word)
def test_register_reply_round_trip(address, register, value):
    request = ReadRegister(address, register.value)
    decoded = decode_register_reply(encode_register_reply(address, register, value), request)
    assert register.fact.to_word(decoded) == value & register.fact.mask


@given(st.binary(max_size=40))
def test_garbage_only_ever_gives_values_or_our_errors(data):
    for decode in (
        decode_request,
        decode_packet,
        lambda it: decode_register_reply(it, ReadRegister(0, 3)),
    ):
        with suppress(CorruptFrame):
            assert decode(data) is not None


@given(
    st.lists(st.one_of(packets.map(encode_packet), st.binary(max_size=30)), max_size=8),
    st.data(),
)
def test_chunking_changes_nothing(parts, data):
    stream = b"".join(parts)
    whole = PacketBuffer()
    whole.feed(stream)
    expected = list(iter(whole.next_packet, None))
    split = PacketBuffer()
    got, at = [], 0
    while at < len(stream):
        size = data.draw(st.integers(1, len(stream) - at))
        split.feed(stream[at : at + size])
        at += size
        got += iter(split.next_packet, None)
    assert got == expected
    assert split.discarded == whole.discarded


def test_the_buffer_is_bounded():
    buffer = PacketBuffer()
    buffer.feed(b"\x55" * (PacketBuffer.LIMIT + 100))
    assert buffer.waiting == PacketBuffer.LIMIT
    assert buffer.discarded == 100
