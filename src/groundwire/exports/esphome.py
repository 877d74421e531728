"""An ESPHome configuration for a wiring."""

# Ref: tuya-storage 11; ESPHome 2026.6 (the tests run its own `config` command over the result).

from __future__ import annotations

import re
from dataclasses import dataclass, field

from groundwire.errors import UnsupportedHere
from groundwire.exports import esphome_lights, esphome_meters
from groundwire.exports.yaml_text import Tag, to_yaml
from groundwire.pins import Confidence, PinRole, Role, Wiring
from groundwire.tables.modules import module_named

GENERIC_BOARDS = {
    "BK7231N": "generic-bk7231n-qfn32-tuya",
    "BK7231T": "generic-bk7231t-qfn32-tuya",
    "BK7238": "generic-bk7238-tuya",
    "BK7252": "generic-bk7252",
    "BK7252N": "generic-bk7252",
    "BK7231M": "generic-bk7231n-qfn32-tuya",
    "BL2028N": "generic-bk7231n-qfn32-tuya",
    "BK7231Q": "wa2",
}
ADC_PINS = frozenset({23})
MCU_PINS = (10, 11)
DEFAULT_PULSE_MS = 100
OUTPUT_ROLES = (Role.RELAY, Role.LATCH_ON)


@dataclass(frozen=True, slots=True)
class EsphomeFile:
    """The file, the board it is for, and what could not be expressed."""

    text: str
    board: str
    notes: tuple[str, ...]
    secrets: tuple[str, ...]


@dataclass(slots=True)
class Draft:
    """The file while it is being put together."""

    wiring: Wiring
    tree: dict[str, object] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    taken: dict[int, str] = field(default_factory=dict)
    relays: dict[int, str] = field(default_factory=dict)
    light: str = ""

    def add(self, section: str, item: dict[str, object]) -> None:
        """Append to a list section, which appears where it is first used."""
        rows = self.tree.setdefault(section, [])
        if isinstance(rows, list):
            rows.append(item)

    def take(self, pin: PinRole) -> bool:
        """Reserve a pin; false, with a note, if another part already has it."""
        holder = self.taken.get(pin.pin)
        if holder is not None:
            self.notes.append(f"P{pin.pin} ({pin.role.value}) is already used by {holder}")
            return False
        self.taken[pin.pin] = pin.role.value
        return True


def write_esphome(wiring: Wiring, *, name: str = "") -> EsphomeFile:
    """The wiring as an ESPHome file with its passwords in `secrets.yaml`.

    A wiring without pins still gives a file that links, joins Wi-Fi and can be updated.
    """
    draft = Draft(wiring)
    board = board_for(wiring, draft.notes)
    host = host_name(name or wiring.module or "groundwire")
    add_basis(draft, board, host)
    add_mcu(draft)
    add_relays(draft)
    light = esphome_lights.add_light(draft)
    draft.light = light
    esphome_meters.add_meter(draft)
    add_leds(draft)
    add_inputs(draft)
    add_others(draft)
    draft.notes += [
        f"P{pin.pin} ({pin.role.value}): {pin.source}, {pin.confidence.value} only"
        for pin in wiring.pins
        if pin.confidence is Confidence.GUESS
    ]
    head = f"# {wiring.module or 'module'} with {wiring.chip or 'unknown chip'}"
    comments = [one_line(head), *(f"# note: {one_line(note)}" for note in draft.notes)]
    text = "\n".join(comments) + "\n\n" + to_yaml(draft.tree)
    secrets = tuple(re.findall(r"!secret (\w+)", text))
    return EsphomeFile(text, board, tuple(draft.notes), secrets)


def one_line(text: str) -> str:
    """A text that cannot leave its comment line."""
    return "".join(sign if sign.isprintable() else " " for sign in text)


def host_name(name: str) -> str:
    """A name that ESPHome and DNS accept."""
    host = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:24].strip("-")
    return host or "groundwire"


def board_for(wiring: Wiring, notes: list[str]) -> str:
    """The board: the module's own if it reaches every pin, else the chip's generic one.

    Raises `UnsupportedHere` for a chip that is known and not one of ESPHome's Beken chips.
    """
    module = module_named(wiring.module)
    chip = wiring.chip or (module.chip if module is not None else "")
    if chip and chip not in GENERIC_BOARDS:
        raise UnsupportedHere(
            asked="an ESPHome file",
            reason=f"groundwire knows no ESPHome board for {chip}",
            advice="use OpenBeken where it supports this chip",
        )
    named = {pin.pin for pin in wiring.pins}
    if module is not None and module.esphome and named <= module.gpios:
        return module.esphome
    if not chip:
        notes.append("the chip is not known; change `board` if it is no BK7231N")
    return GENERIC_BOARDS[chip or "BK7231N"]


def add_basis(draft: Draft, board: str, host: str) -> None:
    """What every file has: board, log, Wi-Fi, updates."""
    draft.tree["esphome"] = {"name": host, "friendly_name": host}
    draft.tree["bk72xx"] = {"board": board}
    draft.tree["logger"] = None
    draft.tree["api"] = {"encryption": {"key": Tag("!secret api_encryption_key")}}
    draft.tree["ota"] = [{"platform": "esphome", "password": Tag("!secret ota_password")}]
    draft.tree["wifi"] = {
        "ssid": Tag("!secret wifi_ssid"),
        "password": Tag("!secret wifi_password"),
        "ap": None,
    }
    draft.tree["captive_portal"] = None
    draft.tree["web_server"] = None


def pin_schema(pin: PinRole, *, pull: bool = False) -> object:
    """A pin as ESPHome writes it; with `pull`, pulled away from its active level."""
    if not pin.inverted and not pull:
        return f"P{pin.pin}"
    schema: dict[str, object] = {"number": f"P{pin.pin}"}
    if pin.inverted:
        schema["inverted"] = True
    if pull:
        schema["mode"] = {"input": True, "pullup" if pin.inverted else "pulldown": True}
    return schema


def add_mcu(draft: Draft) -> None:
    """The serial line to a second processor."""
    mcu = draft.wiring.serial_mcu
    if mcu is None:
        return
    rx, tx = MCU_PINS
    draft.taken |= {rx: "TuyaMCU", tx: "TuyaMCU"}
    draft.add("uart", {"rx_pin": f"P{rx}", "tx_pin": f"P{tx}", "baud_rate": mcu.baudrate})
    draft.tree["tuya"] = None
    draft.notes.append("add switches and sensors by data point; the log lists the data points")


def add_relays(draft: Draft) -> None:
    """Relays, and latching relays with two coils."""
    off_coils = {pin.channel: pin for pin in draft.wiring.with_role(Role.LATCH_OFF)}
    pulse = draft.wiring.latch_pulse_ms or DEFAULT_PULSE_MS
    for pin in draft.wiring.with_role(*OUTPUT_ROLES):
        channel = pin.channel or 1
        if channel in draft.relays or not draft.take(pin):
            continue
        item: dict[str, object] = {"id": f"relay_{channel}", "name": f"Relay {channel}"}
        if pin.role is Role.RELAY:
            item = {"platform": "gpio", **item, "pin": pin_schema(pin)}
        else:
            off = off_coils.get(pin.channel)
            if off is None or not draft.take(off):
                draft.notes.append(f"relay {channel} has no pin for its off coil")
                continue
            item = {
                "platform": "hbridge",
                **item,
                "on_pin": pin_schema(pin),
                "off_pin": pin_schema(off),
                "pulse_length": f"{pulse}ms",
                "wait_time": f"{max(pulse // 2, 1)}ms",
            }
        draft.relays[channel] = f"relay_{channel}"
        draft.add("switch", item)


def add_leds(draft: Draft) -> None:
    """Status LED of the Wi-Fi, and LEDs that follow a relay."""
    for pin in draft.wiring.with_role(Role.WIFI_LED)[:1]:
        if draft.take(pin):
            draft.tree["status_led"] = {"pin": pin_schema(pin)}
    for number, pin in enumerate(draft.wiring.with_role(Role.LED), 1):
        if not draft.take(pin):
            continue
        name = f"led_{pin.channel or number}_output"
        draft.add("output", {"platform": "gpio", "id": name, "pin": pin_schema(pin)})
        switches = draft.tree.get("switch")
        relay = draft.relays.get(pin.channel)
        for item in switches if isinstance(switches, list) else []:
            if relay is not None and item["id"] == relay:
                item["on_turn_on"] = [{"output.turn_on": name}]
                item["on_turn_off"] = [{"output.turn_off": name}]


def toggles(draft: Draft, channel: int) -> list[dict[str, object]]:
    """What a button of that channel switches: its relay, else everything."""
    if channel in draft.relays:
        return [{"switch.toggle": draft.relays[channel]}]
    everything: list[dict[str, object]] = [
        {"switch.toggle": relay} for relay in draft.relays.values()
    ]
    if draft.light:
        everything.append({"light.toggle": draft.light})
    return everything


def add_inputs(draft: Draft) -> None:
    """Buttons, wall switches and contacts."""
    roles = (Role.BUTTON, Role.BUTTON_ALL, Role.TOGGLE, Role.INPUT)
    for number, pin in enumerate(draft.wiring.with_role(*roles), 1):
        if not draft.take(pin):
            continue
        name = f"{pin.label or pin.role.value} {pin.channel or ''}".strip()
        item: dict[str, object] = {
            "platform": "gpio",
            "id": f"input_{number}",
            "name": f"{name[:1].upper()}{name[1:]}" if pin.channel else f"Input {number}",
            "pin": pin_schema(pin, pull=True),
        }
        channel = 0 if pin.role is Role.BUTTON_ALL else pin.channel
        actions = toggles(draft, channel)
        if actions and pin.role is Role.TOGGLE:
            item["on_state"] = actions
        elif actions and pin.role is not Role.INPUT:
            item["on_press"] = actions
        draft.add("binary_sensor", item)


def add_others(draft: Draft) -> None:
    """Infrared, radio, battery, power switch; a note for what ESPHome has no part for."""
    for pin in draft.wiring.pins:
        if draft.taken.get(pin.pin) == pin.role.value and pin.role is not Role.PIXELS:
            continue
        if pin.role in {Role.IR_RECEIVER, Role.RF_RECEIVER} and draft.take(pin):
            schema = {"number": f"P{pin.pin}", "inverted": pin.role is Role.IR_RECEIVER,
                      "mode": {"input": True, "pullup": True}}  # fmt: skip
            draft.add("remote_receiver", {"id": f"receiver_{pin.pin}", "pin": schema,
                                          "dump": "all"})  # fmt: skip
        elif pin.role is Role.IR_SENDER and draft.take(pin):
            draft.add("remote_transmitter", {"pin": pin_schema(pin),
                                             "carrier_duty_percent": "50%"})  # fmt: skip
        elif pin.role is Role.BATTERY_ADC and pin.pin in ADC_PINS and draft.take(pin):
            draft.add("sensor", {"platform": "adc", "name": "Battery voltage",
                                 "pin": f"P{pin.pin}"})  # fmt: skip
        elif pin.role in {Role.POWER_ENABLE, Role.BATTERY_SWITCH} and draft.take(pin):
            draft.add("switch", {"platform": "gpio", "id": f"enable_{pin.pin}",
                                 "name": f"Enable P{pin.pin}", "pin": pin_schema(pin),
                                 "restore_mode": "ALWAYS_ON"})  # fmt: skip
        elif pin.pin not in draft.taken:
            draft.notes.append(f"P{pin.pin} is left out: {pin.label or pin.role.value}")
