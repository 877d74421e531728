"""From Tuya settings to what hangs on which pin, or to the reason why that is not known."""

# Ref: tuya-storage, sections 4.5, 6.4, 8 and 10.

from __future__ import annotations

import json

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
from groundwire.tables.load import EvidenceKind
from groundwire.tuya.facts import (
    DriverFact,
    chip_of_module,
    chip_of_platform,
    driver_facts,
    meter_facts,
    pin_names,
)
from groundwire.tuya.parameters import CodeDefault, Parameters, parse_parameters
from groundwire.tuya.storage import StoredValue, TuyaStore, ValueState

SETTINGS = "user_param_key"
LAST_PIN = 63
DEFAULT_MCU_BAUDRATE = 9600
COLOUR_NAMES = (
    ("iicr", Colour.RED),
    ("iicg", Colour.GREEN),
    ("iicb", Colour.BLUE),
    ("iicc", Colour.COLD),
    ("iicw", Colour.WARM),
)
METER_MARKS = ("chip_type", "ele_pin", "epin", "ele_rx", "ele_fun_en")
CODE_METERS = (
    (b"rn8209", MeterChip.RN8209C),
    (b"bl0942", MeterChip.BL0942),
    (b"bl0937", MeterChip.BL0937),
    (b"hlw8012", MeterChip.HLW8012),
)


def read_wiring(
    store: TuyaStore | None,
    code_defaults: tuple[CodeDefault, ...] = (),
    copies: tuple[CodeDefault, ...] = (),
    *,
    flash: bytes = b"",
    code: bytes = b"",
) -> Wiring:
    """What is known of the pins: from the store, else a copy beside it, else firmware defaults.

    `flash` tells an erased store from a missing one; `code` is the deciphered application, in
    which the name of a meter chip may stand. Both may be left out.
    """
    chip = chip_of_platform(text_of(store, "em_sys_env")) if store is not None else ""
    value = store.get(SETTINGS) if store is not None else None
    if value is not None:
        parameters = parse_parameters(value.text())
        if parameters is not None:
            return from_parameters(parameters, chip, confidence_of(value, parameters), code=code)
    if copies:
        found, source = copies[0].parameters, "copy of the settings beside the store"
        return from_parameters(found, chip, Confidence.LIKELY, source=source, code=code)
    baudrate = mcu_baudrate(store) if store is not None else None
    if baudrate is not None:
        mcu = SerialMcu(baudrate, source="baud_cfg of the store")
        return Wiring(chip=chip, serial_mcu=mcu, reason=NoPins.SERIAL_MCU, source="settings store")
    if code_defaults:
        return from_default(code_defaults[0], chip, code)
    findings = store.findings if store is not None else ()
    return without_settings(reason_of(store, flash), chip, *findings)


def from_default(default: CodeDefault, chip: str, code: bytes) -> Wiring:
    """The firmware's default settings, marked as such: they may belong to another device."""
    return from_parameters(
        default.parameters,
        chip,
        Confidence.GUESS,
        source="default in the firmware, not this device's own",
        code=code,
    )


def without_settings(reason: NoPins, chip: str, *findings: str) -> Wiring:
    """A wiring that only says why there is none."""
    return Wiring(chip=chip, reason=reason, findings=tuple(findings))


def is_erased(flash: bytes) -> bool:
    """Whether nothing but 0xFF is there."""
    return bool(flash) and flash.count(0xFF) == len(flash)


def reason_of(store: TuyaStore | None, flash: bytes) -> NoPins:
    """Why there are no pin settings."""
    if store is None:
        return NoPins.ERASED if is_erased(flash) else NoPins.NO_SETTINGS
    if store.get(SETTINGS) is not None:
        return NoPins.NOT_UNDERSTOOD
    if not store.sectors:
        return NoPins.NOT_UNDERSTOOD if store.protected else NoPins.ERASED
    if not store.configured:
        return NoPins.NOT_UNDERSTOOD if store.findings else NoPins.NEVER_CONFIGURED
    # A device that was paired works without these settings, so its pins are in its code.
    paired = any(store.get(name) is not None for name in ("gw_di", "gw_ai"))
    return NoPins.IN_CODE if paired else NoPins.NEVER_CONFIGURED


def confidence_of(value: StoredValue, parameters: Parameters) -> Confidence:
    """The device's own settings are certain where both of their sums are right."""
    sure = value.state is ValueState.CURRENT and parameters.check_ok
    return Confidence.CERTAIN if sure else Confidence.LIKELY


def text_of(store: TuyaStore, name: str) -> str:
    """A value of the store as text, or ""."""
    value = store.get(name)
    return value.text() if value is not None else ""


def mcu_baudrate(store: TuyaStore) -> int | None:
    """The speed towards a second processor, or None if there is no sign of one."""
    if store.get("baud_cfg") is None and store.get("uart_adapt_params") is None:
        return None
    try:
        settings = json.loads(text_of(store, "baud_cfg"))
    except (ValueError, RecursionError):
        return DEFAULT_MCU_BAUDRATE
    baudrate = settings.get("baud") if isinstance(settings, dict) else None
    sane = isinstance(baudrate, int) and 300 <= baudrate <= 4_000_000
    return baudrate if sane else DEFAULT_MCU_BAUDRATE


def from_parameters(
    parameters: Parameters,
    chip: str = "",
    confidence: Confidence = Confidence.LIKELY,
    *,
    source: str = "settings store",
    code: bytes = b"",
) -> Wiring:
    """The wiring that a settings text describes."""
    module = parameters.word("module").upper()[:32]
    pins = pin_roles(parameters, confidence)
    driver = led_driver(parameters)
    meter = meter_of(parameters, pins, code)
    findings = [*parameters.findings, *contradictions(parameters, pins, chip, module)]
    return Wiring(
        chip=chip or chip_of_module(module),
        module=module,
        pins=pins,
        led_driver=driver,
        meter=meter,
        pwm_hz=within(parameters.number("pwmhz"), 1, 100_000),
        latch_pulse_ms=within(parameters.number("rl_drvtime"), 1, 10_000),
        pixel_count=within(parameters.number("LedNum"), 1, 10_000),
        reason=None if pins or meter else NoPins.NEVER_CONFIGURED,
        findings=tuple(findings),
        source=source,
    )


def within(value: int | None, low: int, high: int) -> int | None:
    """The number if it makes sense."""
    return value if value is not None and low <= value <= high else None


def pin_roles(parameters: Parameters, confidence: Confidence) -> tuple[PinRole, ...]:
    """All pins that the settings name, in the order of the text."""
    roles = []
    for name, pin in parameters.values.items():
        if not isinstance(pin, int) or not 0 <= pin <= LAST_PIN:
            continue
        role = pin_role(parameters, name, pin, confidence)
        if role is not None:
            roles.append(role)
    return tuple(roles)


def pin_role(parameters: Parameters, name: str, pin: int, confidence: Confidence) -> PinRole | None:
    """What one name says about one pin, or None if the name is no pin's."""
    for pin_name in pin_names():
        channel = pin_name.channel_in(name)
        fact = pin_name.fact
        if channel is None or (fact.needs and not parameters.number(fact.needs)):
            continue
        inverted = fact.acts_low
        for level_name in pin_name.level_names(channel):
            level = parameters.number(level_name)
            inverted = level == 0 if level in {0, 1} else inverted
        sure = confidence if not fact.doubtful else Confidence.GUESS
        if fact.evidence is EvidenceKind.REPORTED and sure is Confidence.CERTAIN:
            sure = Confidence.LIKELY
        colour = fact.colour
        if parameters.number("cwtype") == 1:
            swaps = {Colour.COLD: Colour.BRIGHTNESS, Colour.WARM: Colour.TEMPERATURE}
            colour = swaps.get(colour, colour) if colour else None
        return PinRole(pin, fact.role, channel, inverted, name, sure, colour, label=fact.label)
    return None


def led_driver(parameters: Parameters) -> LedDriver | None:
    """The constant-current driver, by `dmod`, else by the currents that are set."""
    dmod = parameters.number("dmod")
    names = set(parameters.values)
    facts = driver_facts()
    chosen = next((fact for fact in facts if dmod is not None and dmod in fact.dmod), None)
    source = f"dmod {dmod}"
    if chosen is None and {"iicscl", "iicsda"} & names:
        chosen = next((fact for fact in facts if names & set(fact.marks)), None)
        source = "the current settings"
    if chosen is None:
        return None
    outputs = tuple(
        (colour, output)
        for name, colour in COLOUR_NAMES
        if (output := within(parameters.number(name), 0, 7)) is not None
    )
    return LedDriver(
        chip=chosen.chip,
        outputs=outputs,
        colour_current=current(parameters, chosen, chosen.colour_current),
        cold_current=current(parameters, chosen, chosen.cold_current),
        warm_current=current(parameters, chosen, chosen.white_current),
        source=source,
    )


def current(parameters: Parameters, fact: DriverFact, names: tuple[str, ...]) -> int | None:
    """The first current that is set; SM2135 steps become mA (10 + 5 a step)."""
    for name in names:
        value = within(parameters.number(name), 0, 200)
        if value is not None:
            steps = fact.chip is LedChip.SM2135 and name in fact.step_names
            return 10 + 5 * value if steps else value
    return None


def meter_of(parameters: Parameters, pins: tuple[PinRole, ...], code: bytes) -> Meter | None:
    """The energy meter, if the settings speak of one."""
    roles = {pin.role for pin in pins}
    if parameters.number("ele_fun_en") == 0 and not roles & {Role.METER_CF, Role.METER_RX}:
        return None
    if not any(name in parameters.values for name in METER_MARKS):
        return None
    shunt = parameters.number("resistor") or parameters.number("sample_resistor")
    shunt_mohm = float(shunt) if shunt and 0 < shunt <= 1000 else None
    number = parameters.number("chip_type")
    for fact in meter_facts():
        if number is not None and number in fact.chip_type:
            return Meter(
                fact.chip, shunt_mohm, fact.baudrate, f"chip_type {number}", Confidence.CERTAIN
            )
    if Role.METER_CF in roles:
        why = "CF pin and no chip_type: BL0937 and HLW8012 are read alike"
        return Meter(MeterChip.BL0937, shunt_mohm, None, why, Confidence.LIKELY)
    lowered = code.lower()
    for name, chip in CODE_METERS:
        if name in lowered:
            return Meter(chip, shunt_mohm, 4800, "its name in the application", Confidence.GUESS)
    return Meter(MeterChip.UNKNOWN, shunt_mohm, None, f"chip_type {number}", Confidence.GUESS)


def contradictions(
    parameters: Parameters, pins: tuple[PinRole, ...], chip: str, module: str
) -> list[str]:
    """What in the settings does not fit together."""
    findings = []
    seen: dict[int, PinRole] = {}
    for pin in pins:
        other = seen.setdefault(pin.pin, pin)
        if other is not pin:
            findings.append(f"P{pin.pin} is named twice: {other.source} and {pin.source}")
    by_module = chip_of_module(module)
    if chip and by_module and chip != by_module:
        findings.append(f"module {module} has a {by_module}, the store says {chip}")
    colours = {pin.colour for pin in pins if pin.colour}
    letters = {"r": Colour.RED, "g": Colour.GREEN, "b": Colour.BLUE}
    mode = parameters.word("cmod")
    if colours and any(c in mode and colour not in colours for c, colour in letters.items()):
        findings.append(f"colour mode {mode!r}, but not all of its colours have a pin")
    channels = parameters.number("ch_num")
    relays = sum(pin.role in {Role.RELAY, Role.LATCH_ON} for pin in pins)
    if channels is not None and relays and channels != relays:
        findings.append(f"{channels} channels declared, {relays} relays with a pin")
    return findings
