from hypothesis import given
from hypothesis import strategies as st

from groundwire.meter.bl0942.batch import decode_stream
from groundwire.meter.bl0942.codec import PACKET_SIZE, Packet, PacketBuffer, encode_packet

CAPTURED = bytes.fromhex("55f4910086e433b57d00820600a41a00364e0000010033")
REVERSED = bytes.fromhex("55a3b9009e4c36934300f498ff990000164e0001010076")


def one_by_one(stream, address=0):
    buffer = PacketBuffer(address)
    buffer.feed(stream)
    return list(iter(buffer.next_packet, None))


def test_captured_packets():
    columns = decode_stream(CAPTURED + REVERSED)
    assert columns.watt.tolist() == [1666, -26380]
    assert columns.cf_cnt.tolist() == [6820, 153]
    assert columns.offsets.tolist() == [0, 23]
    assert columns.discarded == 0


def test_junk_is_skipped_and_counted():
    columns = decode_stream(b"\x00\x55" + CAPTURED + b"\x55\x01" + REVERSED[:10])
    assert len(columns) == 1
    assert columns.packet(0).i_rms == 37364
    assert columns.discarded == 14


def test_nothing_and_too_little():
    assert len(decode_stream(b"")) == 0
    assert decode_stream(CAPTURED[:-1]).discarded == 22


def test_a_packet_inside_another_is_not_counted_twice():
    inner = Packet(0x555555, 0x355555, 0x555555, 21845, 0x555555, 20053, 85)
    stream = encode_packet(inner) * 3
    assert [decode_stream(stream).packet(i) for i in range(3)] == one_by_one(stream)


words = st.integers(0, 0xFFFFFF)
some = st.builds(
    Packet, words, words, words, st.integers(-(1 << 23), (1 << 23) - 1), words, words, words
)


@given(
    st.lists(
        st.one_of(some.map(encode_packet), st.binary(max_size=20), st.just(b"\x55")), max_size=12
    )
)
def test_agrees_with_the_buffer_on_any_stream(parts):
    stream = b"".join(parts)
    columns = decode_stream(stream)
    assert [columns.packet(at) for at in range(len(columns))] == one_by_one(stream)
    assert columns.discarded == len(stream) - PACKET_SIZE * len(columns)
