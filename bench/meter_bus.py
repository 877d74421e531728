"""Figures of the meter bus: two chips on one receive line at 4800 baud, and the batch decoder.

    python bench/meter_bus.py [--polls 100000] [--fault-rate 0.01] [--seed 1]

Prints wire seconds on the bench clock and host time. Exits with 1 where a figure is missed. A
million polls take about ten times as long as the default.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter

from groundwire.link.runner import run
from groundwire.meter.bl0942.batch import decode_stream
from groundwire.meter.bl0942.bus import Bus, Reading, set_ups
from groundwire.meter.bl0942.codec import Packet, encode_packet
from groundwire.meter.bl0942.emulated_line import (
    SELECT_FIRST,
    SELECT_SECOND,
    Fault,
    LinePort,
    MeterLine,
)
from groundwire.meter.bl0942.emulator import Chip, Load
from groundwire.meter.bl0942.exchange import Channel, TransmitLine
from groundwire.meter.bl0942.reading import doubts_of

# Two chips in turn, 250.5 bit times each, with no pause at all.
LIMIT_POLLS_PER_S = 4800 / 250.5
WANTED_SHARE = 0.95
WANTED_PACKETS_PER_S = 200_000
# Damage of one answer; brown-outs and hangs follow at a tenth of the rate, as they take seconds.
REPLY_FAULTS = (
    Fault.FLIPPED_BIT,
    Fault.LOST_BYTE,
    Fault.BROKEN_OFF,
    Fault.NO_ANSWER,
    Fault.LATE_ANSWER,
    Fault.NOISE,
    Fault.CROSSTALK,
    Fault.DAMAGED_REQUEST,
)


def load_of(index: int, seed: int):
    """Readings that change with every renewal and are never equal to the other chip's."""

    def load_at(at_s: float) -> Load:
        mixed = hash((seed, index, round(at_s * 10))) & 0xFFFFFFFFFF
        return Load(
            v_rms=3_650_000 + mixed % 4000 * 2 + index,
            i_rms=100_000 + (mixed >> 8) % 300_000,
            watt=2_000 + (mixed >> 16) % 50_000,
            i_fast_rms=20_000 + (mixed >> 24) % 90_000,
            freq=19_990 + (mixed >> 4) % 4 * 8,
        )

    return load_at


def judge(line: MeterLine, reading: Reading, asked_s: float) -> str:
    data = encode_packet(reading.packet)
    said = [spoken for spoken in line.spoken if spoken.data == data]
    if any(spoken.chip == reading.channel and spoken.start_s >= asked_s for spoken in said):
        return "right"
    if said:
        return "wrong chip" if said[0].chip != reading.channel else "stale"
    return "damaged, doubted" if doubts_of(reading.packet) else "damaged, believed"


def poll(polls: int, fault_rate: float, seed: int) -> tuple[Counter, float, float, Bus, MeterLine]:
    chips = [
        Chip(name, clock_error=clock, load_at=load_of(index, seed))
        for index, (name, clock) in enumerate((("A", 0.004), ("B", -0.004)))
    ]
    line = MeterLine({"TX1": chips[:1], "P24": chips[1:]}, seed=seed)
    port = LinePort(line, {SELECT_FIRST: "TX1", SELECT_SECOND: "P24"})
    channels = [
        Channel("A", line=TransmitLine("TX1", SELECT_FIRST)),
        Channel("B", line=TransmitLine("P24", SELECT_SECOND)),
    ]
    chips[1].cf_cnt = 1200
    bus = Bus(channels, set_up=set_ups(2), latency_s=0.0)
    for _ in channels:
        run(bus.turn(), port)
    line.faults = {fault: fault_rate / len(REPLY_FAULTS) for fault in REPLY_FAULTS}
    verdicts: Counter = Counter()
    began_s, began_host_s = line.now_s, time.perf_counter()
    for _ in range(polls):
        asked_s = line.now_s
        outcome = run(bus.turn(), port)
        if isinstance(outcome, Reading):
            verdicts[judge(line, outcome, asked_s)] += 1
        else:
            verdicts[f"lost: {outcome.loss}"] += 1
    return verdicts, line.now_s - began_s, time.perf_counter() - began_host_s, bus, line


def report_polls(title: str, polls: int, fault_rate: float, seed: int) -> bool:
    verdicts, wire_s, host_s, bus, line = poll(polls, fault_rate, seed)
    share = polls / wire_s / LIMIT_POLLS_PER_S
    wrong = verdicts["wrong chip"] + verdicts["stale"]
    counted = sum(verdicts.values()) == polls and sum(
        sum(state.losses.values()) for state in bus.states.values()
    ) == sum(count for name, count in verdicts.items() if name.startswith("lost"))
    print(f"{title}: {polls} polls, {wire_s:.0f} s of wire, {host_s:.1f} s of host")
    print(f"  {polls / wire_s / 2:.2f} polls/s for each chip, {share:.2%} of the line's limit")
    print(f"  faults thrown: {sum(line.happened.values())}")
    for name, count in sorted(verdicts.items()):
        print(f"  {name}: {count}")
    print(f"  wrong attributions: {wrong}; every loss counted: {'yes' if counted else 'NO'}")
    return wrong == 0 and counted and share >= WANTED_SHARE


def report_decoder(packets: int, seed: int) -> bool:
    rng = random.Random(seed)
    word = 1 << 24
    stream = b"".join(
        encode_packet(
            Packet(
                *(rng.randrange(word) for _ in range(3)),
                rng.randrange(-word // 2, word // 2),
                *(rng.randrange(word) for _ in range(3)),
            )
        )
        for _ in range(packets)
    )
    decode_stream(stream[:2300])
    began_s = time.perf_counter()
    found = len(decode_stream(stream))
    rate = found / (time.perf_counter() - began_s)
    print(f"batch decoder: {found} of {packets} packets, {rate:,.0f} packets/s on one core")
    return rate >= WANTED_PACKETS_PER_S and found == packets


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--polls", type=int, default=100_000)
    parser.add_argument("--fault-rate", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    met = [
        report_polls("clean line", max(1, options.polls // 10), 0.0, options.seed),
        report_polls("with faults", options.polls, options.fault_rate, options.seed),
        report_decoder(200_000, options.seed),
    ]
    print("all figures met" if all(met) else "A FIGURE IS MISSED")
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
