"""A configuration with which a module joins its networks at the first start, pins already set."""

# Ref: obk-config 4.1.

from __future__ import annotations

from dataclasses import dataclass, replace

from groundwire.errors import BadArgument
from groundwire.openbeken.config import Config, check_credentials, fresh_config
from groundwire.openbeken.facts import Placement
from groundwire.openbeken.wiring import ObkSettings
from groundwire.secret import Secret

NO_PASSWORD: Secret[str] = Secret("")
HIGHEST_PORT = 65535


@dataclass(frozen=True, slots=True)
class Networks:
    """What the module needs to know about the networks it joins; empty means: leave it out."""

    wifi_ssid: str = ""
    wifi_password: Secret[str] = NO_PASSWORD
    mqtt_host: str = ""
    mqtt_port: int = 1883
    mqtt_user: str = ""
    mqtt_password: Secret[str] = NO_PASSWORD
    mqtt_group: str = ""
    web_password: Secret[str] = NO_PASSWORD
    name: str = ""


def provisioned(
    placement: Placement,
    networks: Networks,
    settings: ObkSettings | None = None,
    *,
    before: Config | None = None,
    mac: bytes = bytes(6),
    flags: int = 0,
) -> Config:
    """The configuration to write.

    It starts from `before`, if the module already has one whose checksum is right, else from what
    the firmware itself would write. Raises `BadArgument` for values that no network accepts.
    """
    usable = before is not None and before.checksum_ok and before.pin_count == placement.pin_count
    base = before if before is not None and usable else fresh_config(placement, mac)
    if not 0 < networks.mqtt_port <= HIGHEST_PORT:
        raise BadArgument(
            name="MQTT port", value=str(networks.mqtt_port), expected=f"1 to {HIGHEST_PORT}"
        )
    config = replace(
        base, flags=base.flags | flags, change_counter=base.change_counter + 1 & 0xFFFF
    )
    if networks.wifi_ssid:
        config = replace(config, wifi_ssid=networks.wifi_ssid, wifi_password=networks.wifi_password)
    if networks.mqtt_host:
        config = replace(
            config,
            mqtt_host=networks.mqtt_host,
            mqtt_port=networks.mqtt_port,
            mqtt_user=networks.mqtt_user,
            mqtt_password=networks.mqtt_password,
            mqtt_group=networks.mqtt_group or config.mqtt_group,
        )
    if networks.web_password:
        config = replace(config, web_password=networks.web_password)
    if networks.name:
        config = replace(
            config,
            short_name=networks.name,
            long_name=networks.name,
            mqtt_client_id=networks.name,
        )
    if settings is not None:
        config = replace(
            config, pins=settings.pin_settings(), start_command=settings.start_command()
        )
    check_credentials(config)
    return config
