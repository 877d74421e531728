"""Between an OpenBeken configuration and what hangs on which pin."""

# Ref: obk-config 5.2; tuya-storage 10.

from __future__ import annotations

import re
from dataclasses import dataclass

from groundwire.openbeken.config import Config, PinSetting
from groundwire.openbeken.facts import RoleFact, role_for, role_of_name, role_of_number
from groundwire.pins import (
    Colour,
    Confidence,
    LedChip,
    LedDriver,
    Meter,
    MeterChip,
    NoPins,
    PinRole,
    Role,
    SerialMcu,
    Wiring,
)

DRIVER_ROLES: dict[LedChip, tuple[str, str]] = {
    LedChip.SM2135: ("SM2135DAT", "SM2135CLK"),
    LedChip.BP5758D: ("BP5758D_DAT", "BP5758D_CLK"),
    LedChip.BP1658CJ: ("BP1658CJ_DAT", "BP1658CJ_CLK"),
    LedChip.SM2235: ("SM2235DAT", "SM2235CLK"),
    LedChip.KP18058: ("KP18058_DAT", "KP18058_CLK"),
}
CURRENT_COMMANDS: dict[LedChip, str] = {
    LedChip.SM2135: "SM2135_Current",
    LedChip.BP5758D: "BP5758D_Current",
    LedChip.BP1658CJ: "BP1658CJ_Current",
    LedChip.SM2235: "SM2235_Current",
    LedChip.KP18058: "KP18058_Current",
}
METER_DRIVERS: dict[MeterChip, str] = {
    MeterChip.BL0942: "BL0942",
    MeterChip.RN8209C: "RN8209",
    MeterChip.HLW8032: "CSE7766",
}
LED_ORDER = (Colour.RED, Colour.GREEN, Colour.BLUE, Colour.COLD, Colour.WARM)
PWM_COLOURS = dict(enumerate(LED_ORDER, 1))
DRIVER_ROLE_NAMES = {name: chip for chip, names in DRIVER_ROLES.items() for name in names}
START_DRIVER = re.compile(r"\bstartDriver\s+([A-Za-z0-9_]+)", re.IGNORECASE)
BAUD_COMMAND = re.compile(r"\btuyaMcu_setBaudRate\s+([0-9]{3,7})\b", re.IGNORECASE)


# --- from a configuration ----------------------------------------------------------------------


def read_wiring(config: Config, chip: str = "") -> Wiring:
    """What an OpenBeken configuration says about the pins."""
    sure = Confidence.CERTAIN if config.checksum_ok else Confidence.LIKELY
    pins = tuple(pin_role(pin, sure) for pin in config.pins)
    drivers = {name.lower() for name in START_DRIVER.findall(config.start_command)}
    chips = [
        DRIVER_ROLE_NAMES[fact.name]
        for pin in config.pins
        if (fact := role_of_number(pin.role)) and fact.name in DRIVER_ROLE_NAMES
    ]
    mcu = serial_mcu(config.start_command) if drivers & {"tuyamcu", "tmsensor"} else None
    meter = meter_of(pins, drivers)
    reason = None
    if not pins and not meter:
        reason = NoPins.SERIAL_MCU if mcu else NoPins.NEVER_CONFIGURED
    return Wiring(
        chip=chip,
        pins=pins,
        led_driver=LedDriver(chips[0], source="pin roles") if chips else None,
        meter=meter,
        serial_mcu=mcu,
        reason=reason,
        commands=tuple(line for line in [config.start_command.strip()] if line),
        flags=config.flags,
        findings=config.findings,
        source="OpenBeken configuration",
    )


def pin_role(pin: PinSetting, confidence: Confidence) -> PinRole:
    """One stored pin in neutral words; unknown roles keep their number."""
    fact = role_of_number(pin.role)
    name = fact.name if fact else f"role {pin.role}"
    role = fact.means if fact and fact.means else Role.OTHER
    colour = PWM_COLOURS.get(pin.channel) if role is Role.PWM else None
    return PinRole(
        pin=pin.pin,
        role=role,
        channel=pin.channel,
        inverted=bool(fact and fact.inverted),
        source="pin table",
        confidence=confidence,
        colour=colour,
        second_channel=pin.second_channel,
        label=name,
    )


def serial_mcu(command: str) -> SerialMcu:
    """The speed of the TuyaMCU driver that the start command starts."""
    match = BAUD_COMMAND.search(command)
    return SerialMcu(int(match.group(1)) if match else 9600, source="start command")


def meter_of(pins: tuple[PinRole, ...], drivers: set[str]) -> Meter | None:
    """The meter that the pin roles or the start command name."""
    if any(pin.role is Role.METER_CF for pin in pins):
        return Meter(MeterChip.BL0937, source="pin roles", confidence=Confidence.LIKELY)
    for chip, driver in METER_DRIVERS.items():
        if driver.lower() in drivers:
            return Meter(chip, baudrate=4800, source="start command")
    return None


# --- to a configuration ------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class NamedPin:
    """One pin as a template names it."""

    pin: int
    role: RoleFact
    channel: int
    second_channel: int = 0


@dataclass(frozen=True, slots=True)
class ObkSettings:
    """All that OpenBeken needs to drive a wiring: pins, start-up commands, and what is left out."""

    pins: tuple[NamedPin, ...]
    commands: tuple[str, ...]
    left_out: tuple[str, ...]

    def pin_settings(self) -> tuple[PinSetting, ...]:
        """The pins as the configuration stores them."""
        return tuple(
            PinSetting(pin.pin, pin.role.number, pin.channel, pin.second_channel)
            for pin in self.pins
        )

    def start_command(self) -> str:
        """The commands as one start command."""
        return (
            f"backlog {'; '.join(self.commands)}"
            if len(self.commands) > 1
            else "".join(self.commands)
        )


def to_openbeken(wiring: Wiring) -> ObkSettings:
    """The roles, channels and start-up commands for a wiring."""
    pins: dict[int, NamedPin] = {}
    left_out = []
    for item in wiring.pins:
        fact = role_name(item, wiring)
        if fact is None:
            left_out.append(f"P{item.pin}: OpenBeken has no role for {item.role.value}")
        elif item.pin in pins:
            left_out.append(f"P{item.pin}: {item.role.value} would share the pin")
        else:
            pins[item.pin] = NamedPin(item.pin, fact, item.channel, item.second_channel)
    return ObkSettings(
        pins=tuple(pins[number] for number in sorted(pins)),
        commands=tuple(start_commands(wiring)),
        left_out=tuple(left_out),
    )


def role_name(item: PinRole, wiring: Wiring) -> RoleFact | None:
    """The role to write for one pin."""
    if item.role in {Role.DRIVER_DATA, Role.DRIVER_CLOCK}:
        chip = wiring.led_driver.chip if wiring.led_driver else None
        names = DRIVER_ROLES.get(chip) if chip else None
        if names is None:
            return None
        return named(names[0] if item.role is Role.DRIVER_DATA else names[1])
    if item.role is Role.OTHER:
        return named(item.label)
    return role_for(item.role, inverted=item.inverted)


def named(name: str) -> RoleFact | None:
    """The role of that name."""
    return role_of_name(name) if name else None


def start_commands(wiring: Wiring) -> list[str]:
    """What has to run at every start."""
    if wiring.commands:
        return list(wiring.commands)
    commands = []
    if wiring.serial_mcu is not None:
        commands += ["startDriver TuyaMCU", f"tuyaMcu_setBaudRate {wiring.serial_mcu.baudrate}"]
    if wiring.meter is not None and wiring.meter.chip in METER_DRIVERS:
        commands.append(f"startDriver {METER_DRIVERS[wiring.meter.chip]}")
    if wiring.pwm_hz is not None and wiring.with_role(Role.PWM):
        commands.append(f"PWMFrequency {wiring.pwm_hz}")
    if wiring.led_driver is not None:
        commands += driver_commands(wiring.led_driver)
    return commands


def driver_commands(driver: LedDriver) -> list[str]:
    """Currents and colour order of an LED driver."""
    commands = []
    white = max(
        (value for value in (driver.cold_current, driver.warm_current) if value is not None),
        default=None,
    )
    name = CURRENT_COMMANDS.get(driver.chip)
    if name and (driver.colour_current is not None or white is not None):
        first = driver.colour_current if driver.colour_current is not None else white
        commands.append(f"{name} {first} {white if white is not None else first}")
    if driver.outputs:
        outputs = dict(driver.outputs)
        numbers = " ".join(str(outputs.get(colour, -1)) for colour in LED_ORDER)
        commands.append(f"LED_Map {numbers}")
    return commands
