"""The configuration that OpenBeken keeps in flash: read, build, check."""

# Ref: obk-config, sections 2 to 4 and 8.

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

from groundwire.errors import BadArgument, UnsupportedHere
from groundwire.openbeken.checksum import crc8
from groundwire.openbeken.facts import Placement
from groundwire.openbeken.layout import (
    CHANNELS,
    FULL_SIZE,
    IDENT,
    NEWEST_VERSION,
    PIN_COUNTS,
    PLAUSIBLE_VERSION,
    SHORT_SIZE,
    Field,
    Kind,
    Layout,
    layout_for,
    size_of_version,
)
from groundwire.secret import MASK, Secret

SECTOR = 4096
BROADCAST_ON_CONNECT = 10
NO_TEXT: Secret[str] = Secret("")
NO_BYTES: Secret[bytes] = Secret(b"")


@dataclass(frozen=True, slots=True)
class PinSetting:
    """Role number and channels of one pin, as stored."""

    pin: int
    role: int
    channel: int = 0
    second_channel: int = 0


@dataclass(frozen=True, slots=True)
class Config:
    """Every field of the configuration. All-zero is the neutral value.

    `signed_checksum` says which form of the checksum matched, None where neither did.
    `original` is the structure as it was read: a rewrite keeps what it does not change.
    """

    version: int = NEWEST_VERSION
    pin_count: int = 32
    signed_checksum: bool | None = None
    flags: int = 0
    change_counter: int = 0
    ota_counter: int = 0
    wifi_ssid: str = ""
    wifi_password: Secret[str] = NO_TEXT
    mqtt_host: str = ""
    mqtt_client_id: str = ""
    mqtt_user: str = ""
    mqtt_password: Secret[str] = NO_TEXT
    mqtt_port: int = 0
    webapp_root: str = ""
    mac: bytes = bytes(6)
    short_name: str = ""
    long_name: str = ""
    pins: tuple[PinSetting, ...] = ()
    channel_types: tuple[tuple[int, int], ...] = ()
    start_values: tuple[tuple[int, int], ...] = ()
    log_to_file_s: int = 0
    group_send: int = 0
    group_receive: int = 0
    group_name: str = ""
    ntp_server: str = ""
    calibration: bytes = bytes(32)
    button_times: tuple[int, ...] = (0, 0, 0)
    files_size: int = 0
    logger_flags: int = 0
    static_address: bytes = bytes(16)
    led_remap: tuple[int, ...] = (0, 0, 0, 0, 0)
    led_correction: tuple[float, ...] = (0.0,) * 6
    mqtt_group: str = ""
    boot_good_s: int = 0
    ping_interval_s: int = 0
    ping_restart_s: int = 0
    ping_host: str = ""
    start_command: str = ""
    wifi_ssid2: str = ""
    wifi_password2: Secret[str] = NO_TEXT
    web_password: Secret[str] = NO_TEXT
    mqtt_tls: int = 0
    mqtt_verify_certificate: int = 0
    mqtt_certificate_file: str = ""
    no_web_server: int = 0
    original: Secret[bytes] = NO_BYTES
    findings: tuple[str, ...] = ()

    @property
    def checksum_ok(self) -> bool:
        """Whether the checksum matched in one of its two forms."""
        return self.signed_checksum is not None

    @property
    def size(self) -> int:
        """The length of the structure."""
        return len(self.original.reveal()) or size_of_version(self.version)


# --- reading -----------------------------------------------------------------------------------


def parse_config(data: bytes, pin_count: int | None = None) -> Config | None:
    """The configuration at the start of `data`; None if none begins there.

    `pin_count` is that of the platform; without it the one under which the texts make sense is
    taken. A wrong checksum is a finding, not an error.
    """
    if len(data) < SHORT_SIZE or data[:3] != IDENT:
        return None
    version = int.from_bytes(data[4:8], "little")
    if version > PLAUSIBLE_VERSION:
        return None
    size, signed = match_checksum(data, version)
    if size > len(data):
        return None
    structure = bytes(data[:size])
    count = pin_count if pin_count in PIN_COUNTS else likely_pin_count(structure)
    layout = layout_for(count, size)
    values = {field.name: decode(structure, field) for field in layout.fields}
    return Config(
        version=version,
        pin_count=count,
        signed_checksum=signed,
        pins=read_pins(structure, layout),
        channel_types=used(structure[layout.channel_types_at :][:CHANNELS]),
        start_values=used(struct.unpack_from(f"<{CHANNELS}h", structure, layout.start_values_at)),
        original=Secret(structure),
        findings=config_findings(version, checksum_ok=signed is not None),
        **values,
    )


def match_checksum(data: bytes, version: int) -> tuple[int, bool | None]:
    """The length under which the checksum matches, and in which form; else the usual length."""
    usual = size_of_version(version)
    other = SHORT_SIZE if usual == FULL_SIZE else FULL_SIZE
    for size in (usual, other):
        for signed in (True, False):
            if size <= len(data) and crc8(data[4:size], signed=signed) == data[3]:
                return size, signed
    return usual, None


def config_findings(version: int, *, checksum_ok: bool) -> tuple[str, ...]:
    """What a person should know before trusting or rewriting this configuration."""
    findings = []
    if not checksum_ok:
        findings.append(
            "its checksum is wrong (an interrupted save): the firmware would write its defaults"
        )
    if version > NEWEST_VERSION:
        findings.append(f"version {version} is newer than the newest known, {NEWEST_VERSION}")
    return tuple(findings)


def likely_pin_count(structure: bytes) -> int:
    """The pin count under which the name of the time server is a text; 32 if none is."""
    for count in PIN_COUNTS:
        layout = layout_for(count, len(structure))
        field = next(field for field in layout.fields if field.name == "ntp_server")
        name = structure[field.offset : field.end].split(b"\0", 1)[0]
        if len(name) > 3 and all(0x2D <= byte <= 0x7A for byte in name):
            return count
    return PIN_COUNTS[0]


def decode(structure: bytes, field: Field) -> Any:
    """One field as a Python value."""
    piece = structure[field.offset : field.end]
    if field.kind is Kind.BYTES:
        return piece
    if field.kind in {Kind.TEXT, Kind.MASKED}:
        shown = piece.split(b"\0", 1)[0].decode("utf-8", "backslashreplace")
        return Secret(shown) if field.kind is Kind.MASKED else shown
    numbers = struct.unpack(field.form, piece)
    if field.form == "<6f":
        numbers = tuple(float(f"{number:.7g}") for number in numbers)
    return numbers if field.kind is Kind.NUMBERS else numbers[0]


def read_pins(structure: bytes, layout: Layout) -> tuple[PinSetting, ...]:
    """The pins with a role."""
    columns = zip(
        structure[layout.roles_at :][: layout.pin_count],
        structure[layout.first_channels_at :][: layout.pin_count],
        structure[layout.second_channels_at :][: layout.pin_count],
        strict=True,
    )
    return tuple(PinSetting(pin, *row) for pin, row in enumerate(columns) if row[0])


def used(values: bytes | tuple[int, ...]) -> tuple[tuple[int, int], ...]:
    """Index and value of everything that is not zero."""
    return tuple((index, value) for index, value in enumerate(values) if value)


# --- building ----------------------------------------------------------------------------------


def build_config(config: Config, *, signed: bool) -> bytes:
    """The structure as bytes, its checksum in the form of the platform.

    Fields equal to those of `original` keep their bytes, unknown bytes stay as they are. Raises
    `BadArgument` for a value that does not fit.
    """
    size = config.size
    before = config.original.reveal() or IDENT + bytes(size - len(IDENT))
    structure = bytearray(before)
    layout = layout_for(config.pin_count, size)
    for field in layout.fields:
        value = getattr(config, field.name)
        if value != decode(before, field):
            structure[field.offset : field.end] = encode(value, field)
    structure[4:8] = config.version.to_bytes(4, "little")
    write_pins(structure, layout, config.pins)
    write_channels(structure, layout, config)
    structure[3] = crc8(bytes(structure[4:]), signed=signed)
    return bytes(structure)


def encode(value: Any, field: Field) -> bytes:
    """One value as the bytes of its field."""
    if field.kind is Kind.BYTES:
        if len(value) != field.size:
            raise BadArgument(name=field.name, value=value.hex(), expected=f"{field.size} bytes")
        return bytes(value)
    if field.kind in {Kind.TEXT, Kind.MASKED}:
        return encode_text(value, field)
    numbers = value if field.kind is Kind.NUMBERS else (value,)
    try:
        return struct.pack(field.form, *numbers)
    except (struct.error, OverflowError) as error:
        raise BadArgument(name=field.name, value=repr(value), expected=str(error)) from error


def encode_text(value: str | Secret[str], field: Field) -> bytes:
    """A text with its NUL; only the Wi-Fi password may fill its field to the end."""
    plain = value.reveal() if isinstance(value, Secret) else value
    data = plain.encode("utf-8", "surrogateescape")
    room = field.size if field.name == "wifi_password" else field.size - 1
    if len(data) > room or b"\0" in data:
        raise BadArgument(name=field.name, value=str(value), expected=f"at most {room} bytes")
    return data.ljust(field.size, b"\0")


def write_pins(structure: bytearray, layout: Layout, pins: tuple[PinSetting, ...]) -> None:
    """Replace the pin tables."""
    if pins == read_pins(bytes(structure), layout):
        return
    for start in (layout.roles_at, layout.first_channels_at, layout.second_channels_at):
        structure[start : start + layout.pin_count] = bytes(layout.pin_count)
    for pin in pins:
        numbers = (pin.role, pin.channel, pin.second_channel)
        if not 0 <= pin.pin < layout.pin_count or not all(0 <= n <= 255 for n in numbers):
            raise BadArgument(
                name="pins", value=repr(pin), expected=f"a pin below {layout.pin_count}"
            )
        structure[layout.roles_at + pin.pin] = pin.role
        structure[layout.first_channels_at + pin.pin] = pin.channel
        structure[layout.second_channels_at + pin.pin] = pin.second_channel


def write_channels(structure: bytearray, layout: Layout, config: Config) -> None:
    """Replace channel types and start values."""
    tables = (
        (config.channel_types, "<B", layout.channel_types_at),
        (config.start_values, "<h", layout.start_values_at),
    )
    for rows, form, start in tables:
        packed = bytearray(struct.calcsize(form) * CHANNELS)
        for channel, value in rows:
            if not 0 <= channel < CHANNELS:
                raise BadArgument(name="channel", value=str(channel), expected=f"below {CHANNELS}")
            try:
                struct.pack_into(form, packed, channel * struct.calcsize(form), value)
            except struct.error as error:
                raise BadArgument(name="channel", value=str(value), expected=str(error)) from error
        structure[start : start + len(packed)] = packed


# --- a configuration for a fresh module ----------------------------------------------------------


def check_credentials(config: Config) -> None:
    """Refuse Wi-Fi settings with which no module can join."""
    for ssid, password in (
        (config.wifi_ssid, config.wifi_password),
        (config.wifi_ssid2, config.wifi_password2),
    ):
        if len(ssid.encode()) > 32:
            raise BadArgument(name="Wi-Fi name", value=ssid, expected="at most 32 bytes")
        key = password.reveal()
        size = len(key.encode())
        hexadecimal = size == 64 and all(sign in "0123456789abcdefABCDEF" for sign in key)
        if size and not (8 <= size <= 63 or hexadecimal):
            raise BadArgument(
                name="Wi-Fi password", value=MASK, expected="8 to 63 bytes, or 64 hex digits"
            )


def fresh_config(placement: Placement, mac: bytes = bytes(6)) -> Config:
    """What the firmware itself writes at its first start on this platform.

    The short name, the client id and the long name end in the last four bytes of the MAC.
    Source: obk-config 3.1.
    """
    tail = mac[2:].hex().upper()
    short = f"{placement.client_prefix or 'obk'}{tail}"
    return Config(
        version=NEWEST_VERSION,
        pin_count=placement.pin_count,
        signed_checksum=placement.signed_char,
        flags=1 << BROADCAST_ON_CONNECT,
        mqtt_client_id=short,
        mqtt_user="homeassistant",
        mqtt_password=Secret("q" * 10),
        mqtt_port=1883,
        webapp_root="https://openbekeniot.github.io/webapp/",
        short_name=short,
        long_name=f"{placement.name_prefix or 'OpenBeken_'}{tail}",
        ntp_server="217.147.223.78",
        button_times=(3, 10, 5),
        led_correction=(1.0, 1.0, 1.0, 2.2, 0.1, 0.1),
        mqtt_group=placement.mqtt_group,
        boot_good_s=5,
        ping_host="192.168.0.1",
    )


def config_sector(config: Config, placement: Placement) -> tuple[int, bytes]:
    """Address and content of the whole sector to be erased and written.

    Raises `UnsupportedHere` for platforms that keep the configuration in another store, and
    `BadArgument` for values that do not fit.
    """
    address = placement.config_address
    if address is None or address % SECTOR:
        raise UnsupportedHere(
            asked=f"writing a configuration for {placement.platform}",
            reason="its configuration is not in a flash sector of its own",
            advice="join the module's access point and configure it there",
        )
    check_credentials(config)
    structure = build_config(config, signed=placement.signed_char)
    return address, structure.ljust(SECTOR, b"\xff")
