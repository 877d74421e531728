"""Compare OpenBeken configurations and files with what reference tools said of them.

Nothing is ever read from the reference side but to compare with it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from groundwire.images.agreement import Comparison
from groundwire.openbeken.easyflash import Area
from groundwire.openbeken.littlefs import FileSystem
from groundwire.openbeken.search import FoundConfig
from groundwire.openbeken.wiring import to_openbeken
from groundwire.pins import Wiring
from groundwire.secret import Secret

Reference = Mapping[str, Any]

SAME_NAME: Final = (
    "version", "change_counter", "ota_counter", "wifi_ssid", "mqtt_host", "mqtt_client_id",
    "mqtt_user", "mqtt_port", "webapp_root", "short_name", "long_name", "ntp_server",
    "logger_flags", "mqtt_group", "ping_host", "wifi_ssid2",
)  # fmt: skip
OTHER_NAME: Final = {
    "wifi_pass": "wifi_password", "mqtt_pass": "mqtt_password", "wifi_pass2": "wifi_password2",
    "web_password": "web_password", "init_command": "start_command", "lfs_size": "files_size",
    "dgr_send": "group_send", "dgr_recv": "group_receive", "dgr_name": "group_name",
    "boot_ok_s": "boot_good_s", "ping_interval": "ping_interval_s",
    "ping_seconds": "ping_restart_s", "mqtt_use_tls": "mqtt_tls",
    "mqtt_verify_cert": "mqtt_verify_certificate", "mqtt_cert_file": "mqtt_certificate_file",
    "disable_web_server": "no_web_server",
}  # fmt: skip
# Names of the GUI flash tool. Where its structure differs from the firmware's own, the reference
# written from that structure decides.
GUI_NAMES: Final = {
    "version": "version", "mqtt_port": "mqtt_port", "wifi_ssid": "wifi_ssid",
    "wifi_pass": "wifi_password", "mqtt_host": "mqtt_host", "mqtt_clientId": "mqtt_client_id",
    "mqtt_userName": "mqtt_user", "mqtt_pass": "mqtt_password", "webappRoot": "webapp_root",
    "shortDeviceName": "short_name", "longDeviceName": "long_name", "mqtt_group": "mqtt_group",
    "ntpServer": "ntp_server", "ping_host": "ping_host", "dgr_name": "group_name",
    "initCommandLine": "start_command", "wifi_ssid2": "wifi_ssid2",
    "wifi_pass2": "wifi_password2", "bootok": "boot_good_s",
}  # fmt: skip
OTHER_STRUCTURE: Final = "the tool's structure differs from the firmware's at this field"
IGNORES_LEVEL: Final = "the tool ignores the active level that the settings give"
UNKNOWN_PART: Final = "the tool knows no role for what the settings name here"
DISPUTED: Final = "the two other tools differ from each other here"
FROM_ZERO: Final = "the tool counts light channels from 0; the web app and the firmware from 1"


def compare_openbeken(
    configs: Sequence[FoundConfig],
    systems: Sequence[FileSystem],
    areas: Sequence[Area],
    wiring: Wiring,
    document: Reference,
) -> list[Comparison]:
    """All values that the reference document also has."""
    own: Reference = document.get("own") or {}
    tools: Reference = document.get("reference") or {}
    listed = own.get("obk_config")
    out: list[Comparison] = []
    if listed is not None or "tuya_storage" in own:
        out += _configs(configs, listed or [])
    if listed and configs:
        out += _gui_config(configs[0], tools.get("gui_tool_obkconfig_mono") or {}, listed)
    if own.get("littlefs") is not None:
        out += _systems(systems, own["littlefs"])
    if own.get("bl602"):
        out += _areas(areas, own["bl602"].get("easyflash") or [])
    out += _pins(wiring, tools)
    return out


def agrees(value: object, theirs: object) -> bool:
    """Whether a value is what the reference has, which masks secrets by length and hash."""
    plain = value.reveal() if isinstance(value, Secret) else value
    if isinstance(theirs, Mapping) and "sha256" in theirs:
        data = str(plain).encode("utf-8", "surrogateescape")
        digest = hashlib.sha256(data).hexdigest()
        return (len(data), digest) == (theirs.get("length"), theirs["sha256"])
    return plain == theirs


def _configs(configs: Sequence[FoundConfig], theirs: list[Reference]) -> Iterator[Comparison]:
    found = sorted(configs, key=lambda item: item.span.start)
    yield Comparison("OpenBeken configurations", len(found), len(theirs))
    for item, reference in zip(found, theirs, strict=False):
        yield from _config(item, reference)


def _config(found: FoundConfig, theirs: Reference) -> Iterator[Comparison]:
    config, name = found.config, f"configuration {found.where}"
    if "offset" in theirs:
        yield Comparison(f"{name}: place", found.span.start, int(theirs["offset"], 16))
    else:
        area = found.area.start if found.area is not None else None
        listed = (theirs.get("key"), int(theirs["easyflash_area"], 16))
        yield Comparison(f"{name}: place", (found.key, area), listed)
    yield Comparison(f"{name}: size", found.span.size, theirs.get("struct_len"))
    signed = {True: "signed", False: "unsigned", None: None}[config.signed_checksum]
    yield Comparison(f"{name}: checksum", signed, theirs.get("crc_match"))
    flags = int(theirs["flags"], 16) | int(theirs["flags2"], 16) << 32
    yield Comparison(f"{name}: flags", config.flags, flags)
    names = {**{one: one for one in SAME_NAME}, **OTHER_NAME}
    for field, ours in names.items():
        if field in theirs:
            # no value is shown: it may be a password
            same = agrees(getattr(config, ours), theirs[field])
            yield Comparison(f"{name}: {field} is the same", same, True)  # noqa: FBT003
    pins = {str(pin.pin): [pin.role, pin.channel, pin.second_channel] for pin in config.pins}
    address = config.static_address
    more: dict[str, object] = {
        "pins": pins,
        "channel_types": {str(channel): value for channel, value in config.channel_types},
        "start_values": {str(channel): value for channel, value in config.start_values},
        "mac_sha256": hashlib.sha256(config.mac).hexdigest(),
        "cal_hex": config.calibration.hex(),
        "button": list(config.button_times),
        "led_remap": list(config.led_remap),
        "static_ip": [".".join(map(str, address[at : at + 4])) for at in (0, 4, 8, 12)],
    }
    for field, value in more.items():
        if field in theirs:
            yield Comparison(f"{name}: {field}", value, theirs[field])
    if "led_corr" in theirs:
        near = len(config.led_correction) == len(theirs["led_corr"]) and all(
            math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-6)
            for one, other in zip(config.led_correction, theirs["led_corr"], strict=True)
        )
        yield Comparison(f"{name}: light correction is the same", near, True)  # noqa: FBT003


def _gui_config(
    found: FoundConfig, tool: Reference, listed: list[Reference]
) -> Iterator[Comparison]:
    """What the GUI flash tool reads; argued where the independent reference agrees with us."""
    if tool.get("failed") or not tool:
        return
    own = next((one for one in listed if one.get("struct_len") == found.span.size), {})
    theirs_of = {ours: theirs for theirs, ours in OTHER_NAME.items()}
    for field, ours in GUI_NAMES.items():
        if field not in tool:
            continue
        value = getattr(found.config, ours)
        reference = own.get(ours, own.get(theirs_of.get(ours, "")))
        argued = reference is not None and agrees(value, reference)
        same = agrees(value, tool[field])
        reason = OTHER_STRUCTURE if argued else ""
        yield Comparison(f"GUI tool configuration: {field} is the same", same, True, reason)  # noqa: FBT003


def _systems(systems: Sequence[FileSystem], theirs: list[Reference]) -> Iterator[Comparison]:
    yield Comparison("file systems", len(systems), len(theirs))
    for system, reference in zip(systems, theirs, strict=False):
        name = f"file system 0x{system.span.start:X}"
        version = ".".join(map(str, system.disk_version))
        ours = (system.span.start, version, system.block_size, system.block_count, system.name_max)
        keys = ("disk_version", "block_size", "block_count", "name_max")
        listed = (int(reference["offset"], 16), *(reference.get(key) for key in keys))
        yield Comparison(f"{name}: form", ours, listed)
        files = {
            file.path: (file.size, hashlib.sha256(file.content or b"").hexdigest())
            for file in system.files
        }
        wanted = {path: (file["size"], file["sha256"]) for path, file in reference["files"].items()}
        yield Comparison(f"{name}: files", files, wanted)


def _areas(areas: Sequence[Area], theirs: list[Reference]) -> Iterator[Comparison]:
    ours = [
        [
            (entry.offset, entry.name, len(entry.content.reveal()), entry.live,
             entry.checksum_ok, entry.content.sha256())
            for entry in area.entries
        ]
        for area in areas
        if area.entries
    ]  # fmt: skip
    listed = [
        [
            (int(entry["pos"], 16), entry["key"], entry["length"], entry["live"],
             entry["crc_ok"], entry["sha256"])
            for entry in area["entries"]
        ]
        for area in theirs
    ]  # fmt: skip
    yield Comparison("EasyFlash records", ours, listed)


# --- pins that other tools make of the vendor's settings ------------------------------------------


def _pins(wiring: Wiring, tools: Reference) -> Iterator[Comparison]:
    ours = {str(pin.pin): (pin.role.name, pin.channel) for pin in to_openbeken(wiring).pins}
    web = ((tools.get("webapp_templateParser_node") or {}).get("tmpl") or {}).get("pins")
    gui = ((tools.get("gui_tool_code_mono") or {}).get("conversion") or {}).get("obk_pins")
    web_pins = {pin: _template_pin(text) for pin, text in (web or {}).items()}
    gui_pins = {pin: (one["role"], one["channel"]) for pin, one in (gui or {}).items()}
    lights = {
        pin: ("PWM", channel + 1) for pin, (role, channel) in gui_pins.items() if role == "PWM"
    }
    disputed = set()
    if web is not None and gui is not None:
        counted = gui_pins | lights
        disputed = {pin for pin in web_pins | counted if web_pins.get(pin) != counted.get(pin)}
    if web is not None:
        yield from _each_pin("web app", ours, web_pins, disputed)
    if gui is not None:
        yield from _each_pin("GUI tool", ours, gui_pins, disputed, light_channels_from=0)


def _template_pin(text: str) -> tuple[str, int]:
    role, _, channel = text.partition(";")
    return role, int(channel.partition(";")[0] or 0)


Pins = Mapping[str, tuple[str, int]]


def _each_pin(
    tool: str, ours: Pins, theirs: Pins, disputed: set[str], light_channels_from: int = 1
) -> Iterator[Comparison]:
    for pin in sorted({*ours, *theirs}, key=int):
        one, other = ours.get(pin), theirs.get(pin)
        reason = _argued(one, other, light_channels_from)
        if not reason and one != other and pin in disputed:
            reason = DISPUTED
        yield Comparison(f"{tool} P{pin}", one, other, reason)


def _argued(
    one: tuple[str, int] | None, other: tuple[str, int] | None, light_channels_from: int
) -> str:
    """Why a tool may name a pin otherwise."""
    if one is None or one == other:
        return ""
    if other is None:
        return UNKNOWN_PART
    if one[1] == other[1] and one[0].removesuffix("_n") == other[0].removesuffix("_n"):
        return IGNORES_LEVEL
    if one[0] == other[0] == "PWM" and one[1] - other[1] == 1 - light_channels_from:
        return FROM_ZERO
    return ""
