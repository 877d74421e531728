"""ESPHome's own decoder, compiled, says the same as our codec."""

import random
import struct
import subprocess

import pytest
from firmware_build import DECODER_BENCH, VIRTUAL_PARTS

from groundwire.meter.bl0942.codec import Packet, decode_packet, encode_packet
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT

pytestmark = [pytest.mark.witness, pytest.mark.slow]


def single(value):
    """A number as single precision holds it."""
    return struct.unpack("<f", struct.pack("<f", value))[0]


def random_packet(rng):
    return Packet(
        i_rms=rng.getrandbits(24), v_rms=rng.getrandbits(24), i_fast_rms=rng.getrandbits(24),
        watt=rng.getrandbits(24) - (1 << 23), cf_cnt=rng.getrandbits(24),
        freq=rng.randrange(1, 1 << 16), status=rng.getrandbits(10),
    )  # fmt: skip


@pytest.fixture(scope="module")
def decoder(workshop, compiler):
    source = workshop.generate("tests/configs/host-h1.yaml")
    binary = workshop.build(source, VIRTUAL_PARTS, DECODER_BENCH)

    def decode(cases):
        text = "".join(f"{address} {data.hex(' ')}\n" for address, data in cases)
        done = subprocess.run([binary], input=text, capture_output=True, text=True, check=True)
        lines = [line[2:] for line in done.stdout.splitlines() if line.startswith("= ")]
        return [None if line == "refused" else [float(x) for x in line.split()] for line in lines]

    return decode


def as_shown(packet):
    gains = ESPHOME_DEFAULT
    references = (
        gains.counts_per_volt, gains.counts_per_ampere, gains.counts_per_watt, gains.pulses_per_kwh
    )  # fmt: skip
    raw = (packet.v_rms, packet.i_rms, packet.watt, packet.cf_cnt)
    shown = [single(value / single(by)) for value, by in zip(raw, references, strict=True)]
    return [*shown, single(1e6 / packet.freq)]


def test_random_packets(decoder):
    rng = random.Random(942)
    cases = [(address, random_packet(rng)) for address in range(4) for _ in range(5_000)]
    shown = decoder([(address, encode_packet(packet, address)) for address, packet in cases])
    assert len(shown) == len(cases)
    for (_, packet), values in zip(cases, shown, strict=True):
        assert [single(value) for value in values] == as_shown(packet)


def test_damaged_packets_are_refused_by_both(decoder):
    rng = random.Random(7)
    cases = []
    for _ in range(5_000):
        data = bytearray(encode_packet(random_packet(rng)))
        data[rng.randrange(1, 23)] ^= 1 << rng.randrange(8)
        cases.append((0, bytes(data)))
    assert decoder(cases) == [None] * len(cases)
    for _, data in cases:
        with pytest.raises(Exception, match="sum"):
            decode_packet(data)


def test_another_address_is_refused_by_both(decoder):
    data = encode_packet(random_packet(random.Random(1)), 1)
    assert decoder([(0, data)]) == [None]
    assert decoder([(1, data)]) != [None]
