"""The light of an ESPHome configuration: PWM channels, constant-current drivers, pixels."""

from __future__ import annotations

from typing import Protocol

from groundwire.pins import Colour, LedChip, LedDriver, PinRole, Role, Wiring

COLD, WARM = "6500 K", "2700 K"
PWM_PINS = frozenset({6, 7, 8, 9, 24, 26})
PIXEL_PIN = 16
RGB = (Colour.RED, Colour.GREEN, Colour.BLUE)
SM2135_RGB_MA = (10, 15, 20, 25, 30, 35, 40, 45)
SM2135_WHITE_MA = (10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60)
COMPONENTS = {
    LedChip.SM2135: "sm2135",
    LedChip.SM2235: "sm2235",
    LedChip.BP5758D: "bp5758d",
    LedChip.BP1658CJ: "bp1658cj",
}
KEYS = {
    Colour.RED: "red",
    Colour.GREEN: "green",
    Colour.BLUE: "blue",
    Colour.COLD: "cold_white",
    Colour.WARM: "warm_white",
}


class Sheet(Protocol):
    """What this file needs of the draft it writes into."""

    wiring: Wiring
    tree: dict[str, object]
    notes: list[str]

    def add(self, section: str, item: dict[str, object]) -> None: ...
    def take(self, pin: PinRole) -> bool: ...


def add_light(sheet: Sheet) -> str:
    """Add outputs and the light; the id of the light, or "" if there is none."""
    outputs = pwm_outputs(sheet)
    if not outputs and sheet.wiring.led_driver is not None:
        outputs = driver_outputs(sheet, sheet.wiring.led_driver)
    light = light_of(outputs)
    if light is not None:
        sheet.add("light", {"id": "light_1", "name": "Light", **light})
    elif outputs:
        sheet.notes.append("the colours of the light fit no kind of light; see the outputs")
    add_pixels(sheet)
    return "light_1" if light is not None else ""


def pwm_outputs(sheet: Sheet) -> dict[Colour, str]:
    """One output for each PWM pin, by colour."""
    outputs: dict[Colour, str] = {}
    for number, pin in enumerate(sheet.wiring.with_role(Role.PWM), 1):
        if pin.pin not in PWM_PINS:
            sheet.notes.append(f"P{pin.pin} has no PWM in this chip")
            continue
        if not sheet.take(pin):
            continue
        name = f"output_{pin.colour.value.replace(' ', '_')}" if pin.colour else f"output_{number}"
        if pin.colour is None and outputs:
            continue
        schema = {"number": f"P{pin.pin}", "inverted": True} if pin.inverted else f"P{pin.pin}"
        item: dict[str, object] = {"platform": "libretiny_pwm", "id": name, "pin": schema}
        if sheet.wiring.pwm_hz is not None:
            item["frequency"] = f"{sheet.wiring.pwm_hz} Hz"
        sheet.add("output", item)
        outputs.setdefault(pin.colour or Colour.BRIGHTNESS, name)
    return outputs


def driver_outputs(sheet: Sheet, driver: LedDriver) -> dict[Colour, str]:
    """The component of a constant-current driver and one output for each colour."""
    component = COMPONENTS.get(driver.chip)
    data, clock = (
        sheet.wiring.with_role(Role.DRIVER_DATA),
        sheet.wiring.with_role(Role.DRIVER_CLOCK),
    )
    if component is None or not data or not clock:
        sheet.notes.append(f"ESPHome has no component for {driver.chip.value}, or a pin is missing")
        return {}
    if not (sheet.take(data[0]) and sheet.take(clock[0])):
        return {}
    sheet.tree[component] = {
        "data_pin": f"P{data[0].pin}",
        "clock_pin": f"P{clock[0].pin}",
        **currents(driver),
    }
    outputs: dict[Colour, str] = {}
    # Two whites on one driver channel are one light channel.
    used: set[int] = set()
    for colour, channel in driver.outputs:
        if channel in used or channel > 4:
            continue
        used.add(channel)
        name = f"output_{colour.value.replace(' ', '_')}"
        item: dict[str, object] = {"platform": component, "id": name, "channel": channel}
        if driver.chip is LedChip.BP5758D:
            item["channel"] = channel + 1
            current = channel_current(driver, colour)
            if current is not None:
                item["current"] = min(current, 90)
        sheet.add("output", item)
        outputs[colour] = name
    return outputs


def channel_current(driver: LedDriver, colour: Colour) -> int | None:
    """The current of one channel of a BP5758D."""
    if colour in RGB:
        return driver.colour_current
    return driver.cold_current if colour is Colour.COLD else driver.warm_current


def currents(driver: LedDriver) -> dict[str, object]:
    """The settings of the driver as a whole."""
    colour, white = driver.colour_current, driver.warm_current
    match driver.chip:
        case LedChip.SM2135:
            names = {"rgb_current": (colour, SM2135_RGB_MA), "cw_current": (white, SM2135_WHITE_MA)}
            return {
                name: f"{min(steps, key=lambda step: abs(step - value))}mA"
                for name, (value, steps) in names.items()
                if value is not None
            }
        case LedChip.SM2235 | LedChip.BP1658CJ:
            powers = {"max_power_color_channels": colour, "max_power_white_channels": white}
            return {name: min(value, 15) for name, value in powers.items() if value is not None}
        case _:
            return {}


WHITE_RANGE: dict[str, object] = {
    "cold_white_color_temperature": COLD,
    "warm_white_color_temperature": WARM,
}
MIXED_WHITE = {Colour.TEMPERATURE: "color_temperature", Colour.BRIGHTNESS: "brightness"}
MIXED_WHITE_RGB = {Colour.TEMPERATURE: "color_temperature", Colour.BRIGHTNESS: "white_brightness"}
RGB_KEYS = {colour: KEYS[colour] for colour in RGB}
WHITE_KEYS = {colour: KEYS[colour] for colour in (Colour.COLD, Colour.WARM)}

# The richest kind of light first: its platform, its channels, and what else it needs.
LIGHTS: tuple[tuple[str, dict[Colour, str], dict[str, object]], ...] = (
    ("rgbww", RGB_KEYS | WHITE_KEYS, WHITE_RANGE),
    ("rgbct", RGB_KEYS | MIXED_WHITE_RGB, WHITE_RANGE),
    ("rgbw", RGB_KEYS | {Colour.COLD: "white"}, {}),
    ("rgbw", RGB_KEYS | {Colour.WARM: "white"}, {}),
    ("rgbw", RGB_KEYS | {Colour.BRIGHTNESS: "white"}, {}),
    ("rgb", RGB_KEYS, {}),
    ("cwww", WHITE_KEYS, WHITE_RANGE),
    ("color_temperature", MIXED_WHITE, WHITE_RANGE),
)


def light_of(outputs: dict[Colour, str]) -> dict[str, object] | None:
    """The platform and its channels for a set of colours, or None if no kind of light fits."""
    for platform, keys, settings in LIGHTS:
        if set(outputs) >= set(keys):
            channels = {key: outputs[colour] for colour, key in keys.items()}
            return {"platform": platform, **channels, **settings}
    if len(outputs) == 1:
        return {"platform": "monochromatic", "output": next(iter(outputs.values()))}
    return None


def add_pixels(sheet: Sheet) -> None:
    """Addressable LEDs on the SPI data pin."""
    for pin in sheet.wiring.with_role(Role.PIXELS)[:1]:
        if pin.pin != PIXEL_PIN:
            sheet.notes.append(f"addressable LEDs work on P{PIXEL_PIN} only, not on P{pin.pin}")
        elif sheet.take(pin):
            sheet.add(
                "light",
                {
                    "platform": "beken_spi_led_strip", "id": "pixels", "name": "Pixels",
                    "pin": f"P{pin.pin}", "chipset": "SM16703", "rgb_order": "GRB",
                    "num_leds": sheet.wiring.pixel_count or 30,
                },
            )  # fmt: skip
            sheet.notes.append("chipset and colour order of the addressable LEDs are assumptions")
