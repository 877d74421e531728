"""From register counts to units, and how three firmwares write the same constants down.

# Ref: BL0942 data sheet V1.10 (English), equations of the rms, power and energy registers.
# Ref: BL0942 application note V1.04 (Chinese), circuit and example values.

ESPHome, OpenBeken and Tasmota all divide a raw register by counts per unit, so constants carry
over unchanged; only the energy constant is written down by one of them alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from groundwire.errors import BadArgument
from groundwire.meter.bl0942.codec import COUNTER_RANGE, Packet
from groundwire.meter.bl0942.facts import circuits

VREF_V = 1.218
VOLTAGE_FACTOR = 73989
CURRENT_FACTOR = 305978
POWER_FACTOR = 3537
PULSE_COUNTS_S = 1638.4 * 256
PULSES_PER_KWH_FACTOR = 3_600_000 / PULSE_COUNTS_S
CREEP_SCALE = 3125 / 256
# Full scale of the pins in counts, whatever the circuit around them: 30 mV and 70 mV rms.
FULL_CURRENT = CURRENT_FACTOR * 30 / VREF_V
FULL_VOLTAGE = VOLTAGE_FACTOR * 70 / VREF_V
FULL_POWER = POWER_FACTOR * 30 * 70 / VREF_V**2
# The inputs go a little beyond their full scale before they clip.
HEADROOM = 1.2
# WATT is at most this times I_RMS times V_RMS; reference and circuit cancel out.
POWER_OF_RMS = POWER_FACTOR / (CURRENT_FACTOR * VOLTAGE_FACTOR)


def power_constant(counts_per_volt: float, counts_per_ampere: float) -> float:
    """Counts per watt that follow from the other two."""
    return counts_per_volt * counts_per_ampere * POWER_OF_RMS


@dataclass(frozen=True, slots=True)
class Gains:
    """What the registers of one chip on one board count."""

    counts_per_volt: float
    counts_per_ampere: float
    counts_per_watt: float
    pulses_per_kwh: float

    def __post_init__(self) -> None:
        for name in ("counts_per_volt", "counts_per_ampere", "counts_per_watt", "pulses_per_kwh"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise BadArgument(name=name, value=str(value), expected="a number above zero")

    @classmethod
    def of(
        cls,
        counts_per_volt: float,
        counts_per_ampere: float,
        counts_per_watt: float | None = None,
        pulses_per_kwh: float | None = None,
    ) -> Gains:
        """What is not given follows from what is, as ESPHome does it."""
        power = counts_per_watt or power_constant(counts_per_volt, counts_per_ampere)
        return cls(
            counts_per_volt,
            counts_per_ampere,
            power,
            pulses_per_kwh or power * PULSES_PER_KWH_FACTOR,
        )

    @classmethod
    def of_resistors(
        cls, divider_low_ohm: float, divider_high_ohm: float, shunt_ohm: float
    ) -> Gains:
        """The gains that the circuit gives; `shunt_ohm` is burden over ratio for a transformer."""
        share = divider_low_ohm / (divider_low_ohm + divider_high_ohm)
        return cls.of(
            VOLTAGE_FACTOR * share * 1000 / VREF_V, CURRENT_FACTOR * shunt_ohm * 1000 / VREF_V
        )

    @classmethod
    def of_circuit(cls, name: str) -> Gains:
        """The gains of a circuit that facts.toml knows."""
        circuit = circuits().get(name)
        if circuit is None:
            raise BadArgument(
                name="circuit", value=name, expected="one of " + ", ".join(circuits())
            )
        return cls.of_resistors(
            circuit.divider_low_ohm, circuit.divider_high_ohm, circuit.shunt_ohm
        )

    @property
    def wh_per_pulse(self) -> float:
        return 1000 / self.pulses_per_kwh

    @property
    def full_current_a(self) -> float:
        """The largest current that the input can take."""
        return FULL_CURRENT / self.counts_per_ampere

    @property
    def full_voltage_v(self) -> float:
        return FULL_VOLTAGE / self.counts_per_volt

    @property
    def wrap_kwh(self) -> float:
        """How much energy passes until the counter starts anew."""
        return COUNTER_RANGE / self.pulses_per_kwh

    def creep_w(self, register: int) -> float:
        """The power below which the chip counts nothing, for a value of WA_CREEP."""
        return register * CREEP_SCALE / self.counts_per_watt

    def creep_register(self, power_w: float) -> int:
        """The value of WA_CREEP for a power, as near as its eight bits allow."""
        return max(0, min(0xFF, round(self.counts_per_watt * power_w / CREEP_SCALE)))


def power_factor_of(packet: Packet) -> float | None:
    """The power factor from the counts alone, so without any calibration; None without current."""
    apparent = packet.i_rms * packet.v_rms * POWER_OF_RMS
    return packet.watt / apparent if apparent else None


# --- the same constants as others write them -----------------------------------------

ESPHOME_DEFAULT = Gains(15883.34116, 251065.6814, 623.0270705, 5347.484240)
OPENBEKEN_DEFAULT = Gains.of(15188.0, 251210.0, 598.0)
TASMOTA_DEFAULT = Gains.of(15187, 251213, 596)


@dataclass(frozen=True, slots=True)
class EsphomeReferences:
    """The four `..._reference` options of ESPHome's bl0942; None is an option left out."""

    voltage_reference: float | None = None
    current_reference: float | None = None
    power_reference: float | None = None
    energy_reference: float | None = None

    def gains(self) -> Gains:
        """What ESPHome makes of them: what is left out follows from what is there."""
        default = ESPHOME_DEFAULT
        voltage = self.voltage_reference or default.counts_per_volt
        current = self.current_reference or default.counts_per_ampere
        power, energy = self.power_reference, self.energy_reference
        if power is None and (self.voltage_reference or self.current_reference):
            power = power_constant(voltage, current)
        if energy is None and power is not None:
            energy = power * PULSES_PER_KWH_FACTOR
        return Gains(
            voltage,
            current,
            power or default.counts_per_watt,
            energy or default.pulses_per_kwh,
        )


def to_esphome(gains: Gains) -> EsphomeReferences:
    """All four options, so that none is left to a default."""
    return EsphomeReferences(
        gains.counts_per_volt,
        gains.counts_per_ampere,
        gains.counts_per_watt,
        gains.pulses_per_kwh,
    )


@dataclass(frozen=True, slots=True)
class OpenBekenConstants:
    """The three constants that OpenBeken stores; energy follows from power."""

    voltage: float
    current: float
    power: float

    def gains(self) -> Gains:
        """As gains."""
        return Gains.of(self.voltage, self.current, self.power)


def to_openbeken(gains: Gains) -> OpenBekenConstants:
    """The constants that OpenBeken would have to store."""
    return OpenBekenConstants(gains.counts_per_volt, gains.counts_per_ampere, gains.counts_per_watt)


def openbeken_commands(gains: Gains, packet: Packet) -> tuple[str, ...]:
    """The commands that make OpenBeken store these gains while the chip reads this packet.

    OpenBeken takes what a true instrument shows, not the constant, and divides its latest raw
    value by it: the load must be steady between the packet and the commands. Raises where a raw
    value is zero, which OpenBeken refuses.
    """
    wanted = (
        ("VoltageSet", packet.v_rms, gains.counts_per_volt),
        ("CurrentSet", packet.i_rms, gains.counts_per_ampere),
        ("PowerSet", packet.watt, gains.counts_per_watt),
    )
    for name, raw, _constant in wanted:
        if not raw:
            raise BadArgument(name=name, value="0", expected="possible without voltage and load")
    return tuple(f"{name} {raw / constant:.7g}" for name, raw, constant in wanted)


@dataclass(frozen=True, slots=True)
class TasmotaSettings:
    """Tasmota's three calibration values: whole numbers."""

    voltage: int
    current: int
    power: int

    def gains(self) -> Gains:
        """As gains."""
        return Gains.of(self.voltage, self.current, self.power)


def to_tasmota(gains: Gains) -> TasmotaSettings:
    """The nearest whole numbers; for power that may cost a tenth of a percent."""
    return TasmotaSettings(
        round(gains.counts_per_volt), round(gains.counts_per_ampere), round(gains.counts_per_watt)
    )
