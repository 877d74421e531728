"""The generated firmware in real time: a pseudo-terminal for the receiver, a pipe for the pin's edges.

No bench and no virtual clock: ESPHome's own host platform runs, on whatever the machine's scheduler
leaves it. A bit-banged byte that was held up is given up, so readings may be missing; none may be
wrong.
"""

import os
import select
import struct
import subprocess
import tempfile
import threading
import time
import tty
from pathlib import Path

import pytest
from firmware_build import REAL_BENCH, REAL_PARTS

from groundwire.meter.bl0942.codec import encode_packet
from groundwire.meter.bl0942.emulator import Chip, Load
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT

pytestmark = [pytest.mark.witness, pytest.mark.slow]

SECONDS = 12
EDGE = struct.Struct("<qq")
BIT_S = 1 / 4800


class PinReceiver:
    """Bytes from the edges of a bit-banged pin."""

    def __init__(self):
        self.edges = [(0.0, 1)]
        self.free_s = 0.0

    def level(self, at_s):
        return next((level for edge_s, level in reversed(self.edges) if edge_s <= at_s), 1)

    def take(self, now_s):
        """All bytes whose stop bit has passed."""
        heard = []
        for edge_s, level in list(self.edges):
            if level or edge_s < self.free_s or edge_s + 9.5 * BIT_S > now_s:
                continue
            bits = [self.level(edge_s + (index + 0.5) * BIT_S) for index in range(10)]
            self.free_s = edge_s + 9.5 * BIT_S
            if bits[0] == 0 and bits[9] == 1:
                heard.append(
                    (sum(bit << at for at, bit in enumerate(bits[1:9])), edge_s + 10 * BIT_S)
                )
        self.edges = self.edges[-40:]
        return heard


class Desk(threading.Thread):
    """Two chips at the other end of the pseudo-terminal and of the pipe."""

    def __init__(self, line, edges):
        super().__init__(daemon=True)
        self.line, self.edges = line, edges
        self.pin = PinReceiver()
        self.began_s = time.monotonic()
        self.stopping = False
        self.said = {"A": [], "B": []}
        self.chips = {
            "A": Chip("A", load_at=lambda at_s: load_of(at_s, 0)),
            "B": Chip("B", load_at=lambda at_s: load_of(at_s, 1)),
        }
        self.chips["B"].cf_cnt = 100_000

    def run(self):
        wire_free_s = 0.0
        while not self.stopping:
            ready, _, _ = select.select([self.line, self.edges], [], [], 0.001)
            now_s = time.monotonic()
            if self.line in ready:
                for value in os.read(self.line, 64):
                    # The tty takes bytes at once; a wire would not.
                    wire_free_s = max(wire_free_s, now_s) + 10 * BIT_S
                    self.hear("A", value, wire_free_s)
            if self.edges in ready:
                data = os.read(self.edges, EDGE.size * 64)
                for at_ns, level in EDGE.iter_unpack(data):
                    self.pin.edges.append((at_ns / 1e9, level))
            for value, at_s in self.pin.take(now_s):
                self.hear("B", value, at_s)

    def hear(self, name, value, at_s):
        chip = self.chips[name]
        reply = chip.on_byte(value, at_s - self.began_s)
        if reply is None:
            return
        self.said[name].append(chip.packet_at(at_s - self.began_s))
        start_s = max(reply.start_s + self.began_s, time.monotonic())
        for index, byte in enumerate(reply.data):
            time.sleep(max(0.0, start_s + (index + 1) * 10 * BIT_S - time.monotonic()))
            os.write(self.line, bytes((byte,)))


def load_of(at_s, index):
    """Values that no other moment and no other chip has."""
    slot = round(at_s * 10)
    return Load(
        v_rms=3_600_000 + 4 * slot + index, i_rms=100_000 + 97 * slot + index,
        watt=50_000 + 31 * slot + index, freq=20_006,
    )  # fmt: skip


def single(value):
    return struct.unpack("<f", struct.pack("<f", value))[0]


def as_shown(packet):
    gains = ESPHOME_DEFAULT
    return (
        single(packet.v_rms / single(gains.counts_per_volt)),
        single(packet.i_rms / single(gains.counts_per_ampere)),
        single(packet.watt / single(gains.counts_per_watt)),
    )


def readings_of(text):
    """Voltage, current and power as published, for each clamp."""
    found = {"A": [], "B": []}
    shown = {}
    for line in text.splitlines():
        if not line.startswith("READING "):
            continue
        _, quantity, clamp, value = line.split()
        shown[quantity, clamp] = single(float(value))
        if quantity == "Frequency":
            found[clamp].append(tuple(shown[q, clamp] for q in ("Voltage", "Current", "Power")))
    return found


@pytest.fixture
def port():
    """A pseudo-terminal: our end, and the other end's name as ESPHome takes one: two parts."""
    line, slave = os.openpty()
    tty.setraw(slave)
    link = Path(tempfile.gettempdir()) / f"groundwire-line-{os.getpid()}"
    link.symlink_to(os.ttyname(slave))
    yield line, link
    link.unlink()
    os.close(line)
    os.close(slave)


def test_two_clamps_on_a_pseudo_terminal(workshop, compiler, tmp_path, port):
    line, link = port
    source = workshop.generate("tests/configs/host-h1.yaml", port=str(link))
    binary = workshop.build(source, REAL_PARTS, REAL_BENCH)
    pipe = tmp_path / "edges"
    os.mkfifo(pipe)
    edges = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    desk = Desk(line, edges)
    desk.start()
    try:
        done = subprocess.run(
            [binary, pipe, str(SECONDS)],
            capture_output=True, text=True, check=True, env={"HOME": str(tmp_path)},
        )  # fmt: skip
    finally:
        desk.stopping = True
        desk.join()
        os.close(edges)
    readings = readings_of(done.stdout)
    for clamp, shown in readings.items():
        said = {as_shown(packet) for packet in desk.said[clamp]}
        assert [values for values in shown if values not in said] == []
    assert len(readings["A"]) >= SECONDS // 2
    assert len(readings["B"]) >= SECONDS // 4 or "clamp B: held up" in done.stdout
    assert encode_packet(desk.said["A"][0]) != encode_packet(desk.said["B"][0])
