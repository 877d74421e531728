"""ESPHome's own component, built from its sources, reads what we encode and says what we decode."""

import os
import random
import shutil
import subprocess
from pathlib import Path

import pytest

from groundwire.meter.bl0942.codec import (
    Mode,
    Packet,
    ReadPacket,
    ReadRegister,
    Register,
    decode_request,
    encode_packet,
    request_size,
    write_of,
)
from groundwire.meter.bl0942.emulator import Chip
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT

pytestmark = [pytest.mark.witness, pytest.mark.slow]
STUBS = Path(__file__).with_name("esphome_stubs")
ALMOST = {"rel": 1e-6, "abs": 1e-12}


def sources():
    """The folder that holds ESPHome's package, found beside its program."""
    program = os.environ.get("GROUNDWIRE_ESPHOME") or shutil.which("esphome")
    if not program:
        pytest.skip("no esphome: set GROUNDWIRE_ESPHOME to its program")
    found = sorted(Path(program).parent.parent.glob("lib/python3*/site-packages/esphome"))
    if not found:
        pytest.skip(f"no sources of esphome beside {program}")
    return found[0].parent


@pytest.fixture(scope="module")
def witness(tmp_path_factory):
    compiler = shutil.which("g++") or pytest.skip("no g++")
    root = sources()
    program = tmp_path_factory.mktemp("esphome") / "witness"
    done = subprocess.run(
        [
            compiler, "-std=c++20", "-O1", "-w", f"-I{STUBS}", f"-I{root}",
            str(STUBS / "witness.cpp"), str(root / "esphome/components/bl0942/bl0942.cpp"),
            "-o", str(program),
        ],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]

    def ask(lines):
        text = "\n".join(lines)
        done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    return ask


def some_packets(count):
    rng = random.Random(942)
    word = 1 << 24
    for _ in range(count):
        packet = Packet(
            i_rms=rng.randrange(word),
            v_rms=rng.randrange(word),
            i_fast_rms=rng.randrange(word),
            watt=rng.randrange(-word // 2, word // 2),
            cf_cnt=rng.randrange(word),
            freq=rng.choice((0, rng.randrange(1, 1 << 16))),
            status=rng.randrange(1 << 10),
        )
        yield rng.randrange(4), packet


def test_it_reads_the_same_values_out_of_random_packets(witness):
    cases = list(some_packets(5000))
    lines = witness(f"packet {at} {encode_packet(packet, at).hex()}" for at, packet in cases)
    assert len(lines) == len(cases)
    for line, (_address, packet) in zip(lines, cases, strict=True):
        volts, amperes, watts, kwh, hertz = map(float, line.split())
        assert volts == pytest.approx(packet.v_rms / ESPHOME_DEFAULT.counts_per_volt, **ALMOST)
        assert amperes == pytest.approx(packet.i_rms / ESPHOME_DEFAULT.counts_per_ampere, **ALMOST)
        assert watts == pytest.approx(packet.watt / ESPHOME_DEFAULT.counts_per_watt, **ALMOST)
        assert kwh == pytest.approx(packet.cf_cnt / ESPHOME_DEFAULT.pulses_per_kwh, **ALMOST)
        assert (hertz != hertz) if packet.freq == 0 else hertz == pytest.approx(1e6 / packet.freq)


def test_it_rejects_a_packet_for_another_address_and_a_damaged_one(witness):
    lines = []
    for address, packet in some_packets(200):
        data = encode_packet(packet, address)
        lines.append(f"packet {(address + 1) % 4} {data.hex()}")
        lines.append(f"packet {address} {(bytes([data[0] ^ 1]) + data[1:]).hex()}")
    assert set(witness(lines)) == {"rejected"}


@pytest.mark.parametrize("address", range(4))
def test_an_emulated_chip_understands_what_it_sends(witness, address):
    chip = Chip("A", address)
    (said,) = witness([f"setup {address} {esphome_mode_reply(address)}"])
    sent, warned = said.split()
    requests, replies = speak(chip, bytes.fromhex(sent))
    assert requests == [
        write_of(address, Register.USR_WRPROT, 0x55),
        write_of(address, Register.MODE, 0x8F),
        write_of(address, Register.USR_WRPROT, 0),
        ReadRegister(address, Register.MODE.value),
        ReadPacket(address),
    ]
    assert chip.mode == Mode(0x8F)
    assert replies[0].hex() == esphome_mode_reply(address)
    assert len(replies[1]) == 23
    assert warned == "0"


def esphome_mode_reply(address):
    """MODE 0x8F as a chip of this address sends it; at address 0 a vector of the specification."""
    return f"8f0000{0xFF - address:02x}"


def speak(chip, data):
    """All bytes to a chip with a pause after each request; the requests and its replies."""
    requests, replies, at, now_s = [], [], 0, 0.0
    while at < len(data):
        size = request_size(data[at])
        requests.append(decode_request(data[at : at + size]))
        for value in data[at : at + size]:
            now_s += 10 / 4800
            reply = chip.on_byte(value, now_s)
            if reply is not None:
                replies.append(reply.data)
        at += size
        now_s += 0.1
    return requests, replies
