"""Where each field of an OpenBeken configuration is, for every version and pin count."""

# Ref: obk-config, section 3; new_cfg.c and new_pins.h of OpenBK7231T_App at e1a809755.

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum
from functools import cache

IDENT = b"CFG"
HEADER_SIZE = 8
SHORT_SIZE = 2016
FULL_SIZE = 3584
NEWEST_VERSION = 5
PLAUSIBLE_VERSION = 20
CHANNELS = 64
PINS_AT = 0x33E
PIN_COUNTS = (32, 48, 50, 64)
SHORT_COMMAND_SIZE = SHORT_SIZE - 0x5E0
FULL_COMMAND_SIZE = 0xC00 - 0x5E0


class Kind(Enum):
    """How a field is stored."""

    TEXT = "text"
    MASKED = "masked text"
    BYTES = "bytes"
    NUMBER = "number"
    NUMBERS = "numbers"


@dataclass(frozen=True, slots=True)
class Field:
    """One field: a text of `size` bytes, or numbers of a `struct` format."""

    name: str
    offset: int
    kind: Kind
    size: int
    form: str = ""
    since: int = 0

    @property
    def end(self) -> int:
        return self.offset + self.size


def text(name: str, offset: int, size: int, since: int = 0) -> Field:
    """A NUL-ended text."""
    return Field(name, offset, Kind.TEXT, size, since=since)


def secret(name: str, offset: int, size: int, since: int = 0) -> Field:
    """A NUL-ended text that must not be shown."""
    return Field(name, offset, Kind.MASKED, size, since=since)


def number(name: str, offset: int, form: str, since: int = 0) -> Field:
    """One little-endian number, or several where the format counts more."""
    packed = struct.Struct("<" + form)
    several = len(packed.unpack(bytes(packed.size))) > 1
    kind = Kind.NUMBERS if several else Kind.NUMBER
    return Field(name, offset, kind, packed.size, "<" + form, since)


def raw(name: str, offset: int, size: int) -> Field:
    """Bytes that are kept as they are."""
    return Field(name, offset, Kind.BYTES, size)


COMMON: tuple[Field, ...] = (
    number("flags", 0x008, "Q"),
    number("change_counter", 0x010, "H"),
    number("ota_counter", 0x012, "H"),
    text("wifi_ssid", 0x014, 64),
    secret("wifi_password", 0x054, 64),
    text("mqtt_host", 0x094, 256),
    text("mqtt_client_id", 0x194, 64),
    text("mqtt_user", 0x1D4, 64),
    secret("mqtt_password", 0x214, 128),
    number("mqtt_port", 0x294, "i"),
    text("webapp_root", 0x298, 64),
    raw("mac", 0x2D8, 6),
    text("short_name", 0x2DE, 32),
    text("long_name", 0x2FE, 64),
    number("led_correction", 0x53C, "6f"),
    text("mqtt_group", 0x554, 64),
    number("boot_good_s", 0x597, "B"),
    number("ping_interval_s", 0x598, "i"),
    number("ping_restart_s", 0x59C, "i"),
    text("ping_host", 0x5A0, 64),
)

SECOND_PART: tuple[Field, ...] = (
    text("wifi_ssid2", 0xC00, 64, since=4),
    secret("wifi_password2", 0xC40, 68, since=4),
    secret("web_password", 0xC84, 33, since=4),
    number("mqtt_tls", 0xCA5, "B", since=4),
    number("mqtt_verify_certificate", 0xCA6, "B", since=4),
    text("mqtt_certificate_file", 0xCA7, 20, since=4),
    number("no_web_server", 0xCBB, "B", since=4),
)


@dataclass(frozen=True, slots=True)
class Layout:
    """All places for one pin count and one length of the structure."""

    pin_count: int
    size: int
    roles_at: int
    first_channels_at: int
    second_channels_at: int
    channel_types_at: int
    start_values_at: int
    fields: tuple[Field, ...]


def size_of_version(version: int) -> int:
    """How long the structure is that firmware of this version writes."""
    return SHORT_SIZE if version <= 3 else FULL_SIZE


@cache
def layout_for(pin_count: int, size: int) -> Layout:
    """The layout for a platform's pin count and a structure of `size` bytes."""
    types_at = PINS_AT + 3 * pin_count
    values_at = types_at + CHANNELS
    log_at = values_at + 2 * CHANNELS
    # The compiler aligns the next 32-bit field; after it everything follows without gaps.
    groups_at = (log_at + 1 + 3) // 4 * 4
    address_at = 0x525 if pin_count == 64 else 0x527
    command_size = SHORT_COMMAND_SIZE if size == SHORT_SIZE else FULL_COMMAND_SIZE
    own = (
        number("log_to_file_s", log_at, "B"),
        number("group_send", groups_at, "i"),
        number("group_receive", groups_at + 4, "i"),
        text("group_name", groups_at + 8, 16),
        text("ntp_server", groups_at + 0x18, 32),
        raw("calibration", groups_at + 0x38, 32),
        number("button_times", groups_at + 0x58, "3B"),
        number("files_size", groups_at + 0x5C, "I"),
        number("logger_flags", groups_at + 0x60, "i"),
        raw("static_address", address_at, 16),
        number("led_remap", address_at + 16, "5B"),
        text("start_command", 0x5E0, command_size),
    )
    tail = SECOND_PART if size == FULL_SIZE else ()
    return Layout(
        pin_count=pin_count,
        size=size,
        roles_at=PINS_AT,
        first_channels_at=PINS_AT + pin_count,
        second_channels_at=PINS_AT + 2 * pin_count,
        channel_types_at=types_at,
        start_values_at=values_at,
        fields=COMMON + own + tail,
    )
