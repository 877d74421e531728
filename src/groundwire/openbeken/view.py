"""A configuration as plain values for people and programs, secrets masked."""

from __future__ import annotations

from groundwire.openbeken.commands import without_passwords
from groundwire.openbeken.config import Config
from groundwire.openbeken.facts import channel_types, flag_names, role_of_number
from groundwire.secret import Secret

PLAIN_FIELDS = (
    "version", "wifi_ssid", "wifi_ssid2", "mqtt_host", "mqtt_port", "mqtt_client_id", "mqtt_user",
    "mqtt_group", "short_name", "long_name", "webapp_root", "ntp_server", "ping_host",
    "ping_interval_s", "ping_restart_s", "boot_good_s", "change_counter", "ota_counter",
    "group_name", "files_size", "mqtt_certificate_file",
)  # fmt: skip
SECRET_FIELDS = ("wifi_password", "wifi_password2", "mqtt_password", "web_password")
SWITCHES = ("mqtt_tls", "mqtt_verify_certificate", "no_web_server")


def config_fields(config: Config, *, show_secrets: bool = False) -> dict[str, object]:
    """Everything a configuration says, by name, ready for JSON."""
    fields: dict[str, object] = {name: getattr(config, name) for name in PLAIN_FIELDS}
    for name in SECRET_FIELDS:
        fields[name] = shown(getattr(config, name), show_secrets=show_secrets)
    for name in SWITCHES:
        fields[name] = bool(getattr(config, name))
    command = config.start_command
    fields |= {
        "start_command": command if show_secrets else without_passwords(command),
        "mac": config.mac.hex(":") if any(config.mac) else "",
        "flags": {bit: name for bit, name in flag_names().items() if config.flags >> bit & 1},
        "pins": {f"P{pin.pin}": pin_text(pin.role, pin.channel, pin.second_channel)
                 for pin in config.pins},
        "channel_types": {
            channel: channel_types().get(number, f"type {number}")
            for channel, number in config.channel_types
        },
        "start_values": dict(config.start_values),
        "static_address": static_address(config.static_address),
        "checksum_ok": config.checksum_ok,
        "findings": list(config.findings),
    }  # fmt: skip
    return fields


def shown(secret: Secret[str], *, show_secrets: bool) -> str:
    """A secret as it may be printed."""
    return secret.reveal() if show_secrets else str(secret)


def pin_text(role: int, channel: int, second_channel: int) -> str:
    """Role and channels as a template writes them."""
    fact = role_of_number(role)
    text = f"{fact.name if fact else f'role {role}'};{channel}"
    return f"{text};{second_channel}" if second_channel else text


def static_address(data: bytes) -> dict[str, str]:
    """The fixed address, if one is set."""
    names = ("address", "mask", "gateway", "dns")
    if not any(data[:4]):
        return {}
    return {
        name: ".".join(str(byte) for byte in data[4 * at : 4 * at + 4])
        for at, name in enumerate(names)
    }
