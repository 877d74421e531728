"""Which part hangs on which pin of a module, in words that belong to no firmware.

A vendor's settings and an OpenBeken configuration are both read into a `Wiring`; templates,
ESPHome files, tables and drawings are all written from one.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Confidence(StrEnum):
    """How sure a statement about a pin is."""

    CERTAIN = "certain"  # the device's own settings say so, and their check value is right
    LIKELY = "likely"  # the settings say so, but are a default, unchecked, or open to reading
    GUESS = "guess"  # follows from something else


class Role(StrEnum):
    """What is connected to a pin."""

    RELAY = "relay"
    LATCH_ON = "latching relay, on coil"
    LATCH_OFF = "latching relay, off coil"
    BUTTON = "button"
    BUTTON_ALL = "button for everything"
    TOGGLE = "toggle switch"
    LED = "LED"
    WIFI_LED = "Wi-Fi LED"
    PWM = "PWM"
    METER_CF = "meter CF"
    METER_CF1 = "meter CF1"
    METER_SEL = "meter SEL"
    METER_RX = "meter data in"
    METER_TX = "meter data out"
    INPUT = "digital input"
    IR_RECEIVER = "infrared receiver"
    IR_SENDER = "infrared sender"
    RF_RECEIVER = "radio receiver"
    BATTERY_ADC = "battery voltage"
    BATTERY_SWITCH = "battery divider switch"
    PIXELS = "addressable LED data"
    DRIVER_DATA = "LED driver data"
    DRIVER_CLOCK = "LED driver clock"
    POWER_ENABLE = "power enable"
    BUZZER = "buzzer"
    MICROPHONE = "microphone"
    SENSOR = "sensor"
    OTHER = "other"


class Colour(StrEnum):
    """Which light a PWM pin or a driver output drives."""

    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    COLD = "cold white"
    WARM = "warm white"
    BRIGHTNESS = "brightness"
    TEMPERATURE = "colour temperature"


@dataclass(frozen=True, slots=True)
class PinRole:
    """One statement about one GPIO.

    `inverted` means that the part acts while the pin is low, for inputs and outputs alike.
    `channel` is the number of the relay, button or light, from 1; 0 where there is none.
    `label` keeps the firmware's own word where `role` is too coarse.
    """

    pin: int
    role: Role
    channel: int = 0
    inverted: bool = False
    source: str = ""
    confidence: Confidence = Confidence.LIKELY
    colour: Colour | None = None
    second_channel: int = 0
    label: str = ""


class LedChip(StrEnum):
    """Constant-current LED drivers on two wires."""

    SM2135 = "SM2135"
    SM2235 = "SM2235"
    BP5758D = "BP5758D"
    BP1658CJ = "BP1658CJ"
    KP18058 = "KP18058"
    SM16726B = "SM16726B"


@dataclass(frozen=True, slots=True)
class LedDriver:
    """A constant-current driver: which output drives which colour, and how strongly.

    `outputs` maps a colour to the driver's output, from 0. Currents are in the unit of the
    driver: mA for BP5758D and SM2135, steps for the others. None where the settings do not tell.
    """

    chip: LedChip
    outputs: tuple[tuple[Colour, int], ...] = ()
    colour_current: int | None = None
    cold_current: int | None = None
    warm_current: int | None = None
    source: str = ""


class MeterChip(StrEnum):
    """Energy meters found beside the module."""

    BL0937 = "BL0937"
    HLW8012 = "HLW8012"
    HLW8032 = "HLW8032"
    BL0942 = "BL0942"
    RN8209C = "RN8209C"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Meter:
    """The energy meter, and what is known of its wiring."""

    chip: MeterChip
    shunt_mohm: float | None = None
    baudrate: int | None = None
    source: str = ""
    confidence: Confidence = Confidence.LIKELY


@dataclass(frozen=True, slots=True)
class SerialMcu:
    """A second processor that owns the pins; the module only speaks TuyaMCU with it."""

    baudrate: int
    source: str = ""


class NoPins(StrEnum):
    """Why there is nothing to say about pins."""

    SERIAL_MCU = "a second processor (TuyaMCU) owns the pins"
    NEVER_CONFIGURED = "the settings were never filled in"
    IN_CODE = "the settings name no pins; this firmware has them in its code"
    ERASED = "the settings were erased"
    NOT_UNDERSTOOD = "there are settings in a form that is not understood"
    NO_SETTINGS = "the file holds no settings"


@dataclass(frozen=True, slots=True)
class Wiring:
    """All that is known of what hangs on the module."""

    chip: str = ""
    module: str = ""
    pins: tuple[PinRole, ...] = ()
    led_driver: LedDriver | None = None
    meter: Meter | None = None
    serial_mcu: SerialMcu | None = None
    pwm_hz: int | None = None
    latch_pulse_ms: int | None = None
    pixel_count: int | None = None
    reason: NoPins | None = None
    commands: tuple[str, ...] = ()
    flags: int = 0
    findings: tuple[str, ...] = ()
    source: str = ""

    def with_role(self, *roles: Role) -> tuple[PinRole, ...]:
        """The pins in one of these roles, by channel and then pin."""
        chosen = [pin for pin in self.pins if pin.role in roles]
        return tuple(sorted(chosen, key=lambda pin: (pin.channel, pin.pin)))

    @property
    def empty(self) -> bool:
        """Whether nothing at all is known."""
        return not (self.pins or self.led_driver or self.meter or self.serial_mcu)
