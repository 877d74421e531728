"""A line with several chips, and the judgement of who really said what a bus took."""

import random
from collections import Counter

from groundwire.meter.bl0942.bus import Bus, Reading, set_ups
from groundwire.meter.bl0942.codec import encode_packet
from groundwire.meter.bl0942.emulated_line import SELECT_FIRST, SELECT_SECOND, LinePort, MeterLine
from groundwire.meter.bl0942.emulator import Chip, Load
from groundwire.meter.bl0942.exchange import Channel, TransmitLine

FIRST = TransmitLine("TX1", SELECT_FIRST)
SECOND = TransmitLine("P24", SELECT_SECOND)


def load_of(index, seed=0):
    """Values that move all the time and that no other chip ever has."""

    def load_at(at_s):
        rng = random.Random(f"{seed}/{index}/{at_s:.3f}")
        return Load(
            v_rms=(3_650_000 + rng.randrange(8000)) // 4 * 4 + index,
            i_rms=rng.randrange(30_000, 400_000),
            watt=rng.randrange(2_000, 200_000),
            i_fast_rms=rng.randrange(20_000, 150_000),
            freq=rng.choice((19_990, 19_998, 20_006, 20_014)),
        )

    return load_at


def by_line(faults=None, seed=0, clocks=(0.01, -0.01), **options):
    """Two chips, each with a transmit line of its own (H1)."""
    chips = [
        Chip(name, clock_error=clock, load_at=load_of(index, seed))
        for index, (name, clock) in enumerate(zip("AB", clocks, strict=True))
    ]
    line = MeterLine({"TX1": chips[:1], "P24": chips[1:]}, faults=faults, seed=seed, **options)
    port = LinePort(line, {SELECT_FIRST: "TX1", SELECT_SECOND: "P24"})
    return line, port, [Channel("A", line=FIRST), Channel("B", line=SECOND)]


def by_address(faults=None, seed=0, count=4, **options):
    """Up to four chips with different addresses on one pair of wires (H5)."""
    chips = [
        Chip("ABCD"[index], index, clock_error=0.004 * index, load_at=load_of(index, seed))
        for index in range(count)
    ]
    line = MeterLine({"TX1": chips}, faults=faults, seed=seed, **options)
    return line, LinePort(line), [Channel(chip.name, chip.address) for chip in chips]


def by_speed(faults=None, seed=0, **options):
    """Two chips with different straps on one pair of wires (H4)."""
    chips = [
        Chip("A", load_at=load_of(0, seed)),
        Chip("B", strap_fast=True, load_at=load_of(1, seed)),
    ]
    line = MeterLine({"TX1": chips}, faults=faults, seed=seed, **options)
    return line, LinePort(line), [Channel("A"), Channel("B", baudrate=9600)]


WIRINGS = {"line": by_line, "address": by_address, "speed": by_speed}


def judge(line, reading, asked_s, address):
    """'right', 'wrong chip', 'stale', or 'damaged' for bytes that no chip ever meant to send."""
    data = encode_packet(reading.packet, address)
    said = [spoken for spoken in line.spoken if spoken.data == data]
    if any(spoken.chip == reading.channel and spoken.start_s >= asked_s for spoken in said):
        return "right"
    if any(spoken.chip == reading.channel for spoken in said):
        return "stale"
    return "wrong chip" if said else "damaged"


def poll_many(run, bench, polls, *, latency_s=0.0, with_set_up=True):
    """Poll so often and count how the readings were judged, and the losses by reason."""
    line, port, channels = bench
    faults, line.faults = line.faults, {}
    for index, chip in enumerate(line.chips):
        chip.cf_cnt = 100_000 * index
    set_up = set_ups(len(channels)) if with_set_up else None
    bus = Bus(channels, set_up=set_up, latency_s=latency_s)
    for _ in channels:
        run(bus.turn(), port)
    line.faults = faults
    addresses = {channel.name: channel.address for channel in channels}
    verdicts = Counter()
    for _ in range(polls):
        asked_s = line.now_s
        outcome = run(bus.turn(), port)
        if isinstance(outcome, Reading):
            verdicts[judge(line, outcome, asked_s, addresses[outcome.channel])] += 1
        else:
            verdicts[outcome.loss] += 1
    return verdicts, bus
