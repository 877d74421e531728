"""From a packet to volts, amperes and watts, and to the doubts that forbid publishing them.

A sum of one byte lets one damaged packet in 256 through, and swapped bytes always. What cannot be
true is found here, from the counts alone: no packet that is doubted yields a single value.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from groundwire.meter.bl0942.codec import Packet, Status
from groundwire.meter.bl0942.gains import (
    FULL_CURRENT,
    FULL_POWER,
    FULL_VOLTAGE,
    HEADROOM,
    POWER_OF_RMS,
    Gains,
)

FREQ_AFTER_RESET = 20_000
VOLTAGE_THRESHOLD = 0x7FFFF
LOWEST_HZ = 45.0
HIGHEST_HZ = 66.0
# Rms readings of small currents are off by 6 %, and both have noise of about a no-load threshold.
POWER_MARGIN = 1.10
POWER_NOISE = 150
SAME_VOLTAGE = 0.03
SAME_FREQUENCY_HZ = 0.1


class Doubt(StrEnum):
    """Why a packet cannot be what a working chip measured."""

    RESERVED_BITS = "bits are set that the chip never sets"
    VOLTAGE = "the voltage is above what the input can take"
    CURRENT = "the current is above what the input can take"
    POWER = "the power is above what the input can take"
    POWER_OVER_RMS = "the power is larger than voltage times current"
    FREQUENCY = "the mains frequency is not between 45 and 66 Hz"
    VOLTAGE_JUMP = "the voltage differs from the other chip's on the same mains"
    FREQUENCY_JUMP = "the frequency differs from the other chip's on the same mains"


class Remark(StrEnum):
    """What is true of a packet and worth saying."""

    NO_MAINS = "no mains voltage at the chip"
    NO_LOAD = "below the no-load threshold: current and power read zero"
    EXPORT = "power flows back, or the clamp is the wrong way round"
    NO_FREQUENCY = "the chip has measured no frequency"


@dataclass(frozen=True, slots=True)
class Measurement:
    """One packet in units. Every value is None where the packet is doubted.

    `frequency_hz` is None without mains too: the chip then reports 50.000 Hz that it never saw.
    """

    packet: Packet
    voltage_v: float | None
    current_a: float | None
    active_power_w: float | None
    frequency_hz: float | None
    remarks: frozenset[Remark]
    doubts: frozenset[Doubt]

    @property
    def believable(self) -> bool:
        return not self.doubts

    @property
    def apparent_power_va(self) -> float | None:
        if self.voltage_v is None or self.current_a is None:
            return None
        return self.voltage_v * self.current_a

    @property
    def power_factor(self) -> float | None:
        apparent = self.apparent_power_va
        if not apparent or self.active_power_w is None:
            return None
        return max(-1.0, min(1.0, self.active_power_w / apparent))


def has_mains(packet: Packet) -> bool:
    """Whether the chip sees a voltage at all; its frequency means nothing otherwise."""
    return packet.v_rms > VOLTAGE_THRESHOLD and not packet.flags & Status.VOLTAGE_BELOW_THRESHOLD


def frequency_hz(packet: Packet) -> float | None:
    """The mains frequency, or None where the register holds what a reset put there, or zero."""
    if not packet.freq or not has_mains(packet):
        return None
    return 1_000_000 / packet.freq


def doubts_of(packet: Packet) -> frozenset[Doubt]:
    """All that cannot be true of one packet; no calibration is needed for it."""
    hertz = frequency_hz(packet)
    apparent = packet.i_rms * packet.v_rms * POWER_OF_RMS
    found = {
        Doubt.RESERVED_BITS: packet.freq >> 16 or packet.status >> 10,
        Doubt.VOLTAGE: packet.v_rms > FULL_VOLTAGE * HEADROOM,
        Doubt.CURRENT: packet.i_rms > FULL_CURRENT * HEADROOM,
        Doubt.POWER: abs(packet.watt) > FULL_POWER * HEADROOM,
        Doubt.POWER_OVER_RMS: abs(packet.watt) > apparent * POWER_MARGIN + POWER_NOISE,
        Doubt.FREQUENCY: hertz is not None and not LOWEST_HZ <= hertz <= HIGHEST_HZ,
    }
    return frozenset(doubt for doubt, holds in found.items() if holds)


def measure(packet: Packet, gains: Gains) -> Measurement:
    """The packet in units, or without values where it is doubted."""
    hertz = frequency_hz(packet)
    found = {
        Remark.NO_MAINS: not has_mains(packet),
        Remark.NO_LOAD: bool(packet.flags & Status.NO_LOAD),
        Remark.EXPORT: packet.watt < 0,
        Remark.NO_FREQUENCY: hertz is None,
    }
    remarks = frozenset(remark for remark, holds in found.items() if holds)
    doubts = doubts_of(packet)
    if doubts:
        return Measurement(packet, None, None, None, None, remarks, doubts)
    return Measurement(
        packet=packet,
        voltage_v=packet.v_rms / gains.counts_per_volt,
        current_a=packet.i_rms / gains.counts_per_ampere,
        active_power_w=packet.watt / gains.counts_per_watt,
        frequency_hz=hertz,
        remarks=remarks,
        doubts=doubts,
    )


def compare_mains(measurements: Mapping[str, Measurement]) -> dict[str, frozenset[Doubt]]:
    """Where chips on the same mains disagree; both sides of a disagreement are named.

    Agreement proves nothing about which chip is which. Chips on different phases agree too.
    """
    found: dict[str, set[Doubt]] = {name: set() for name in measurements}
    names = list(measurements)
    for index, name in enumerate(names):
        for other in names[index + 1 :]:
            one, two = measurements[name], measurements[other]
            if _apart(one.voltage_v, two.voltage_v, SAME_VOLTAGE * (one.voltage_v or 0)):
                found[name].add(Doubt.VOLTAGE_JUMP)
                found[other].add(Doubt.VOLTAGE_JUMP)
            if _apart(one.frequency_hz, two.frequency_hz, SAME_FREQUENCY_HZ):
                found[name].add(Doubt.FREQUENCY_JUMP)
                found[other].add(Doubt.FREQUENCY_JUMP)
    return {name: frozenset(doubts) for name, doubts in found.items() if doubts}


def _apart(one: float | None, two: float | None, limit: float) -> bool:
    return one is not None and two is not None and abs(one - two) > limit
