"""Masking OpenBeken's own settings: configuration, EasyFlash records and files."""

from __future__ import annotations

import importlib
import re
from dataclasses import replace

from groundwire.openbeken.config import Config, build_config, parse_config
from groundwire.openbeken.easyflash import Area, Entry, find_areas, seal_entry
from groundwire.openbeken.facts import placements
from groundwire.openbeken.littlefs import FileSystem, StoredFile, find_file_systems
from groundwire.openbeken.search import find_configs
from groundwire.secret import Secret

# Commands whose arguments are secrets or addresses of somebody's network.
SECRET_COMMAND = re.compile(
    r"(?i)\b(ssid[12]?|password[12]?|wifi\w{0,20}|ap\w{0,20}|mqtt(?:host|user|password|client|port)\w{0,20}|"
    r"web(?:password|admin)\w*|(?:full|group)?topic|friendlyname|shortname|sendget|sendpost|"
    r"mac|ipaddress\d?|staticip|ping_?host|ntp_setserver)(\s+)([^;\r\n]+)"
)
ADDRESS = re.compile(r"(?i)\bhttps?://[^\s;\"']+|\b\d{1,3}(?:\.\d{1,3}){3}\b|"
                     r"\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b")  # fmt: skip
HARMLESS_RECORDS = frozenset({"OBK_FV", "myBtCnts"})
DEFAULT_TEXTS = frozenset(
    {
        "homeassistant", "192.168.0.1", "217.147.223.78", "pool.ntp.org",
        "https://openbekeniot.github.io/webapp/", "obks",
        *(row.mqtt_group for row in placements()),
    }
)  # fmt: skip
TEXT_FIELDS = (
    "wifi_ssid", "wifi_ssid2", "mqtt_host", "mqtt_client_id", "mqtt_user", "short_name",
    "long_name", "group_name", "mqtt_certificate_file", "webapp_root", "ping_host", "ntp_server",
    "mqtt_group",
)  # fmt: skip
SECRET_FIELDS = ("wifi_password", "wifi_password2", "mqtt_password", "web_password")

SECTOR = 4096
Named = list[tuple[str, Secret[bytes]]]
Edit = tuple[int, bytes]


def masked_commands(text: str) -> str:
    """Commands with secret arguments and network addresses overwritten, length kept."""
    masked = SECRET_COMMAND.sub(lambda m: m[1] + m[2] + "x" * len(m[3]), text)
    return ADDRESS.sub(lambda m: "x" * len(m.group()), masked)


def removed_from_commands(text: str) -> Named:
    """What masking takes out of commands."""
    found = [m[3].strip().strip('"') for m in SECRET_COMMAND.finditer(text)]
    found += [m.group() for m in ADDRESS.finditer(text)]
    return [("a command", Secret(item.encode())) for item in found if item]


def masked_config(config: Config) -> Config:
    """The configuration without secrets; unknown bytes are dropped, pins and flags stay."""
    changes: dict[str, object] = {name: mask_text(getattr(config, name)) for name in TEXT_FIELDS}
    for name in SECRET_FIELDS:
        changes[name] = Secret("x" * min(len(getattr(config, name).reveal()), 8))
    return replace(
        config,
        mac=bytes(6),
        static_address=bytes(16),
        start_command=masked_commands(config.start_command),
        **changes,  # type: ignore[arg-type]
    )


def mask_text(text: str) -> str:
    """A text overwritten, unless the firmware's default says as much."""
    return text if text in DEFAULT_TEXTS else "x" * min(len(text), 12)


def config_secrets(config: Config) -> Named:
    """Everything in a configuration that must not be left."""
    found: Named = [(name, Secret(getattr(config, name).reveal().encode()))
                    for name in SECRET_FIELDS]  # fmt: skip
    found += [
        (name, Secret(text.encode())) for name in TEXT_FIELDS
        if (text := getattr(config, name)) not in DEFAULT_TEXTS
    ]  # fmt: skip
    if any(config.mac):
        found.append(("MAC of the configuration", Secret(config.mac)))
    return found + removed_from_commands(config.start_command)


def rebuilt(config: Config) -> bytes:
    """The masked configuration from zeros, so that nothing unknown is carried over."""
    size = config.size
    empty = Secret(b"CFG".ljust(size, b"\0"))
    signed = config.signed_checksum is not False
    return build_config(replace(masked_config(config), original=empty), signed=signed)


def redact_configs(flash: bytes, chip: str) -> tuple[Named, list[Edit]]:
    """Mask every configuration in a sector of its own; the rest of the sector is emptied."""
    removed: Named = []
    edits: list[Edit] = []
    for found in find_configs(flash, chip):
        if found.key:
            continue
        removed += config_secrets(found.config)
        new = rebuilt(found.config)
        if found.span.start % SECTOR == 0:
            room = min(SECTOR, len(flash) - found.span.start)
            new = new.ljust(room, b"\xff")
        edits.append((found.span.start, new))
    return removed, edits


def redact_areas(flash: bytes) -> tuple[Named, list[Edit]]:
    """Mask every record of every EasyFlash area, replaced ones included."""
    removed: Named = []
    edits: list[Edit] = []
    data = bytearray(flash)
    for area in find_areas(flash):
        for entry in area.entries:
            removed += redact_entry(data, area, entry)
        edits.append((area.span.start, bytes(data[area.span.start : area.span.end])))
    return removed, edits


def redact_entry(data: bytearray, area: Area, entry: Entry) -> Named:
    """Mask one record; records that are not understood become zeros."""
    content = entry.content.reveal()
    config = parse_config(content)
    if config is not None:
        new = rebuilt(config).ljust(len(content), b"\0")
        secrets = config_secrets(config)
    elif entry.name in HARMLESS_RECORDS:
        return []
    else:
        new = bytes(len(content))
        secrets = [(f"record {entry.name}", Secret(content.strip(b"\0\xff")))]
    seal_entry(data, entry, area.form, new[: len(content)])
    return secrets


def redact_files(flash: bytes, notes: list[str]) -> tuple[Named, list[Edit]]:
    """Write every file system anew with its files masked; one that cannot be read is erased."""
    removed: Named = []
    edits: list[Edit] = []
    for system in find_file_systems(flash):
        removed += file_secrets(system)
        new = rebuilt_file_system(system)
        if new is None:
            notes.append(f"the file system at {system.span} cannot be rebuilt and is erased")
            new = b"\xff" * system.span.size
        edits.append((system.span.start, new[: system.span.size]))
    return removed, edits


def masked_file(file: StoredFile) -> bytes:
    """A file with its commands masked; a file that is no text is emptied of nothing."""
    content = file.content or b""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content
    return masked_commands(text).encode("utf-8")


def file_secrets(system: FileSystem) -> Named:
    """What masking takes out of the files of a file system."""
    found: Named = []
    for file in system.files:
        content = file.content or b""
        found += removed_from_commands(content.decode("utf-8", "replace"))
    return found


def rebuilt_file_system(system: FileSystem) -> bytes | None:
    """The same files, masked, in a new file system without any old copies; None if impossible."""
    # Late: only redaction and building need the library.
    littlefs = importlib.import_module("littlefs")
    if system.findings or system.block_size != 4096 or system.block_count > 256:
        return None
    fs = littlefs.LittleFS(
        block_size=system.block_size, block_count=system.block_count, read_size=1, prog_size=1,
        cache_size=16, lookahead_size=16, block_cycles=500,
        disk_version=system.disk_version[0] << 16 | system.disk_version[1],
    )  # fmt: skip
    for file in system.files:
        path = file.path.strip("/")
        if file.content is None or not path or ".." in path.split("/"):
            return None
        if "/" in path:
            fs.makedirs(path.rsplit("/", 1)[0], exist_ok=True)
        with fs.open(path, "wb") as out:
            out.write(masked_file(file))
    return bytes(fs.context.buffer)
