"""Flags that put an OpenBeken configuration into a write, and passwords that stay off the screen.

A password never stands on the command line, where every user of the computer could read it.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from groundwire.backup.files import read_input
from groundwire.cli.failures import BadCommandLine
from groundwire.cli.options import FILE, NumberType, Settings
from groundwire.secret import Secret

if TYPE_CHECKING:
    from groundwire.exports.openbeken_template import Template
    from groundwire.jobs.provision import Provision

AUTO: Final = "auto"
LARGEST_TEXT: Final = 1 << 20
LONGEST_PASSWORD: Final = 256

PROVISION_FLAGS: Final = (
    click.option("--wifi", metavar="SSID", help="OpenBeken joins this network at its first start."),
    click.option(
        "--wifi-password-file",
        type=FILE,
        metavar="FILE",
        help="Its password; left out, GROUNDWIRE_WIFI_PASSWORD is taken, else you are asked.",
    ),
    click.option("--wifi-open", is_flag=True, help="The network has no password."),
    click.option("--mqtt", metavar="HOST", help="OpenBeken talks to this MQTT broker."),
    click.option(
        "--mqtt-port", type=NumberType(1, 65535), default=1883, show_default=True, metavar="PORT"
    ),
    click.option("--mqtt-user", metavar="NAME", help="The user for the broker."),
    click.option(
        "--mqtt-password-file",
        type=FILE,
        metavar="FILE",
        help="Its password; left out, GROUNDWIRE_MQTT_PASSWORD is taken, else you are asked.",
    ),
    click.option("--name", "device_name", metavar="NAME", help="What the module calls itself."),
    click.option(
        "--template",
        metavar="FILE|auto",
        help="Set the pins from an OpenBeken template, or from what the module held before.",
    ),
)


@dataclass(frozen=True, slots=True)
class ProvisionFlags:
    """What the flags of a provisioned write say."""

    wifi: str | None = None
    wifi_password_file: Path | None = None
    wifi_open: bool = False
    mqtt: str | None = None
    mqtt_port: int = 1883
    mqtt_user: str | None = None
    mqtt_password_file: Path | None = None
    device_name: str | None = None
    template: str | None = None

    @classmethod
    def taken_from(cls, values: dict[str, object]) -> ProvisionFlags:
        """Take these flags out of what click parsed."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: values.pop(name) for name in names if name in values})  # type: ignore[arg-type]

    @property
    def asked(self) -> bool:
        """Whether any configuration is to be written."""
        return any((self.wifi, self.mqtt, self.template, self.device_name))


def read_provision(settings: Settings, verb: str, flags: ProvisionFlags) -> Provision | None:
    """What is to be configured, its passwords fetched; None where nothing was asked for.

    Raises:
        BadCommandLine: flags that need another one, or a password that cannot be asked for.
        BadArgument, InputUnreadable: the template or a password file cannot be read.
    """
    _check(verb, flags)
    if not flags.asked:
        return None
    from groundwire.jobs.provision import Provision  # noqa: PLC0415 - only where it is used
    from groundwire.openbeken.provision import NO_PASSWORD, Networks  # noqa: PLC0415

    source = _Passwords(settings, verb)
    wifi_password = mqtt_password = NO_PASSWORD
    if flags.wifi and not flags.wifi_open:
        wifi_password = source.fetch("wifi", flags.wifi_password_file, f"network {flags.wifi!r}")
    if flags.mqtt_user:
        mqtt_password = source.fetch(
            "mqtt", flags.mqtt_password_file, f"MQTT user {flags.mqtt_user!r}"
        )
    networks = Networks(
        wifi_ssid=flags.wifi or "",
        wifi_password=wifi_password,
        mqtt_host=flags.mqtt or "",
        mqtt_port=flags.mqtt_port,
        mqtt_user=flags.mqtt_user or "",
        mqtt_password=mqtt_password,
        name=flags.device_name or "",
    )
    auto = flags.template == AUTO
    template = _read_template(flags.template) if flags.template and not auto else None
    return Provision(networks, template, pins_from_backup=auto)


def _check(verb: str, flags: ProvisionFlags) -> None:
    needed = (
        ("--wifi-password-file", flags.wifi_password_file, "--wifi", flags.wifi),
        ("--wifi-open", flags.wifi_open, "--wifi", flags.wifi),
        ("--mqtt-user", flags.mqtt_user, "--mqtt", flags.mqtt),
        ("--mqtt-password-file", flags.mqtt_password_file, "--mqtt-user", flags.mqtt_user),
    )
    for flag, given, other, present in needed:
        if given and not present:
            raise BadCommandLine(
                message=f"{flag} needs {other}", help_command=f"groundwire {verb} --help"
            )


def _read_template(name: str) -> Template:
    from groundwire.exports.openbeken_template import read_template  # noqa: PLC0415

    return read_template(read_input(Path(name), LARGEST_TEXT).decode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class _Passwords:
    """Where passwords come from: a file, the environment, or the person at the terminal."""

    settings: Settings
    verb: str

    def fetch(self, kind: str, file: Path | None, what: str) -> Secret[str]:
        """The password, in this order of sources.

        Raises:
            BadCommandLine: there is none, and nobody can be asked.
        """
        if file is not None:
            text = read_input(file, LARGEST_TEXT).decode("utf-8", "replace")
            return Secret(text.split("\n", 1)[0].rstrip("\r")[:LONGEST_PASSWORD])
        name = f"GROUNDWIRE_{kind.upper()}_PASSWORD"
        if name in os.environ:
            return Secret(os.environ[name])
        if self.settings.is_json or not sys.stdin.isatty():
            raise BadCommandLine(
                message=f"the password of the {what} cannot be asked for here: set {name} or give "
                f"--{kind}-password-file",
                help_command=f"groundwire {self.verb} --help",
            )
        return Secret(click.prompt(f"password of the {what}", hide_input=True, err=True))
