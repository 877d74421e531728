"""OpenBeken's template file and the console commands that do the same."""

# Ref: tuya-storage 10; templates of the OpenBeken web app.

from __future__ import annotations

import json
from dataclasses import dataclass

from groundwire.errors import BadArgument
from groundwire.openbeken.commands import without_passwords
from groundwire.openbeken.facts import role_of_name
from groundwire.openbeken.wiring import NamedPin, ObkSettings, to_openbeken
from groundwire.pins import Wiring

TEMPLATE_LIMIT = 256 * 1024
LAST_PIN = 63


@dataclass(frozen=True, slots=True)
class Template:
    """A template file, read and checked."""

    name: str
    chip: str
    board: str
    settings: ObkSettings
    flags: int


def write_template(
    wiring: Wiring,
    *,
    vendor: str = "",
    name: str = "",
    model: str = "",
    show_secrets: bool = False,
) -> str:
    """The wiring as a template file for OpenBeken's web app, passwords in commands masked."""
    settings = to_openbeken(wiring)
    template = {
        "vendor": vendor or "Tuya",
        "bDetailed": "0",
        "name": name or "unnamed",
        "model": model or "unknown",
        "chip": wiring.chip or "unknown",
        "board": wiring.module or "unknown",
        "flags": str(wiring.flags),
        "keywords": [],
        "pins": {str(pin.pin): role_text(pin) for pin in settings.pins},
        "command": shown_command(settings, show_secrets=show_secrets),
        "image": "",
        "wiki": "",
    }
    return json.dumps(template, indent=2, ensure_ascii=False) + "\n"


def shown_command(settings: ObkSettings, *, show_secrets: bool) -> str:
    """The start command, its passwords masked unless asked for."""
    command = settings.start_command()
    return command if show_secrets else without_passwords(command)


def role_text(pin: NamedPin) -> str:
    """Role and channels as a template writes them."""
    text = f"{pin.role.name};{pin.channel}"
    return f"{text};{pin.second_channel}" if pin.second_channel else text


def write_commands(wiring: Wiring, *, show_secrets: bool = False) -> str:
    """The wiring as console commands, one `backlog` for each pin."""
    settings = to_openbeken(wiring)
    lines = [
        f"backlog setPinRole {pin.pin} {pin.role.name}{channel_commands(pin)}"
        for pin in settings.pins
    ]
    if settings.commands:
        # The firmware turns single quotes inside the quotes back into double ones.
        command = shown_command(settings, show_secrets=show_secrets).replace('"', "'")
        lines.append(f'StartupCommand "{command}"')
    return "\n".join(lines) + "\n" if lines else ""


def channel_commands(pin: NamedPin) -> str:
    """The command that gives a pin its channels."""
    if not (pin.channel or pin.second_channel):
        return ""
    second = f" {pin.second_channel}" if pin.second_channel else ""
    return f"; setPinChannel {pin.pin} {pin.channel}{second}"


def read_template(text: str) -> Template:
    """A template file as settings for a configuration.

    Raises `BadArgument` where it is no template, or names a pin or role that does not exist.
    """
    content = load_json(text)
    pins_read = content.get("pins")
    if not isinstance(pins_read, dict):
        raise BadArgument(name="template", value=text[:40], expected="a template: no pins in it")
    pins = tuple(read_pin(number, value) for number, value in pins_read.items())
    command = content.get("command", "")
    return Template(
        name=str(content.get("name", "")),
        chip=str(content.get("chip", "")),
        board=str(content.get("board", "")),
        settings=ObkSettings(pins, (str(command),) if command else (), ()),
        flags=read_flags(content.get("flags", 0)),
    )


def load_json(text: str) -> dict[str, object]:
    """The outer object of a template file."""
    if len(text) > TEMPLATE_LIMIT:
        raise BadArgument(name="template", value=f"{len(text)} characters", expected="a template")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadArgument(name="template", value=text[:40], expected=f"JSON ({error})") from error
    if not isinstance(content, dict):
        raise BadArgument(name="template", value=text[:40], expected="a JSON object")
    return content


def read_pin(number: str, value: object) -> NamedPin:
    """One row of a template's pins."""
    parts = str(value).split(";")
    role = role_of_name(parts[0].strip())
    channels = [int(part) for part in parts[1:3] if part.strip().isdecimal() and len(part) < 5]
    if role is None or not number.isdecimal() or len(number) > 2 or int(number) > LAST_PIN:
        raise BadArgument(
            name=f"pin {number!r} of the template", value=str(value), expected="a role that exists"
        )
    if any(channel > 255 for channel in channels):
        raise BadArgument(name=f"pin {number}", value=str(value), expected="channels up to 255")
    return NamedPin(int(number), role, *(channels or [0]))


def read_flags(value: object) -> int:
    """The flags of a template: a number, or one as text."""
    try:
        flags = int(str(value) or "0", 0)
    except ValueError as error:
        raise BadArgument(name="flags", value=str(value), expected="a number") from error
    if not 0 <= flags < 1 << 64:
        raise BadArgument(name="flags", value=str(value), expected="64 bits")
    return flags
