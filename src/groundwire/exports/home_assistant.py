"""Meters in Home Assistant: the messages of MQTT discovery, and the topics they speak of.

# Ref: Home Assistant documentation, "MQTT": discovery, sensor, availability.
# Ref: Home Assistant developer documentation, "Sensor entity": state classes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from groundwire._version import __version__
from groundwire.errors import BadArgument

ONLINE: Final = "online"
OFFLINE: Final = "offline"
PREFIX: Final = "homeassistant"


@dataclass(frozen=True, slots=True)
class Entity:
    """One value of a chip as Home Assistant knows it."""

    key: str
    name: str
    device_class: str
    state_class: str
    unit: str | None
    digits: int


# `total_increasing`: only ever grows, and a fall means that counting began anew.
ENTITIES: Final = (
    Entity("voltage_v", "Voltage", "voltage", "measurement", "V", 1),
    Entity("current_a", "Current", "current", "measurement", "A", 3),
    Entity("active_power_w", "Power", "power", "measurement", "W", 1),
    Entity("power_factor", "Power factor", "power_factor", "measurement", None, 2),
    Entity("frequency_hz", "Frequency", "frequency", "measurement", "Hz", 2),
    Entity("imported_kwh", "Energy", "energy", "total_increasing", "kWh", 3),
    Entity("exported_kwh", "Energy returned", "energy", "total_increasing", "kWh", 3),
)


def slug(name: str) -> str:
    """A name as it may stand in a topic."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one node; a node is one reader with its chips."""

    node: str

    @property
    def availability(self) -> str:
        """Whether the reader is there; its last will says so too."""
        return f"groundwire/{self.node}/availability"

    def chip(self, name: str, what: str) -> str:
        """A topic of one chip: state, availability or doubts."""
        return f"groundwire/{self.node}/{slug(name)}/{what}"


def topics_of(node: str, chips: Sequence[str]) -> Topics:
    """The topics of a node.

    Raises:
        BadArgument: a name cannot stand in a topic, or two chips would share one.
    """
    if not slug(node) or slug(node) != node:
        raise BadArgument(name="node", value=node, expected="small letters, digits and _")
    slugs = [slug(chip) for chip in chips]
    if "" in slugs or len(set(slugs)) != len(slugs):
        raise BadArgument(
            name="channel",
            value=", ".join(chips),
            expected="names that differ in letters or digits",
        )
    return Topics(node)


def discovery_messages(
    topics: Topics, chips: Sequence[str], *, expire_s: float, prefix: str = PREFIX
) -> dict[str, str]:
    """The retained messages by topic that make all entities of all chips known."""
    messages: dict[str, str] = {}
    for chip in chips:
        unique = f"groundwire_{topics.node}_{slug(chip)}"
        shared: dict[str, object] = {
            "availability": [
                {"topic": topics.availability},
                {"topic": topics.chip(chip, "availability")},
            ],
            "availability_mode": "all",
            "device": {
                "identifiers": [unique],
                "name": f"{topics.node} {chip}",
                "manufacturer": "Shanghai Belling",
                "model": "BL0942",
            },
            "origin": {"name": "groundwire", "sw_version": __version__},
        }
        for entity in ENTITIES:
            config: dict[str, object] = {
                "name": entity.name,
                "unique_id": f"{unique}_{entity.key}",
                "state_topic": topics.chip(chip, "state"),
                "value_template": f"{{{{ value_json.{entity.key} }}}}",
                "device_class": entity.device_class,
                "state_class": entity.state_class,
                "suggested_display_precision": entity.digits,
                "expire_after": max(60, round(3 * expire_s)),
                **shared,
            }
            if entity.unit is not None:
                config["unit_of_measurement"] = entity.unit
            messages[f"{prefix}/sensor/{unique}/{entity.key}/config"] = json.dumps(config)
        doubt = {
            "name": "Doubted",
            "unique_id": f"{unique}_doubted",
            "device_class": "problem",
            "entity_category": "diagnostic",
            "state_topic": topics.chip(chip, "doubts"),
            "value_template": "{{ 'ON' if value_json.doubts else 'OFF' }}",
            "json_attributes_topic": topics.chip(chip, "doubts"),
            **shared,
        }
        messages[f"{prefix}/binary_sensor/{unique}/doubted/config"] = json.dumps(doubt)
    return messages
