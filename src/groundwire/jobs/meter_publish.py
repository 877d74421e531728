"""Publishing: readings to an MQTT broker, in a form that Home Assistant finds by itself."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final, Protocol

from groundwire.events import Notice, Severity, Tell, tell_nobody
from groundwire.exports.home_assistant import (
    OFFLINE,
    ONLINE,
    PREFIX,
    Topics,
    discovery_messages,
)
from groundwire.jobs.meter import Look
from groundwire.jobs.meter_store import Totals
from groundwire.link.mqtt import Broker, MqttLink
from groundwire.meter.bl0942.bus import Miss

AWAY_AFTER: Final = 3


class Wire(Protocol):
    """What carries messages."""

    @property
    def connected(self) -> bool: ...

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> bool: ...


class Publisher:
    """Turns readings into messages. A doubted reading publishes its doubts and no values.

    A chip is unavailable until its first reading, and again after some turns without one.
    """

    def __init__(self, wire: Wire, topics: Topics, tell: Tell = tell_nobody) -> None:
        self._wire = wire
        self._topics = topics
        self._tell = tell
        self._misses: dict[str, int] = {}
        self._available: dict[str, bool] = {}
        self._was_connected = True
        self.published = 0

    def listen(self, outcome: Look | Miss, totals: Totals | None) -> None:
        """One reading or miss of the recorder."""
        self._notice_connection()
        if isinstance(outcome, Miss):
            name = outcome.channel
            self._misses[name] = self._misses.get(name, 0) + 1
            if self._misses[name] >= AWAY_AFTER:
                self._say_available(name, available=False)
            return
        name = outcome.sample.channel
        self._misses[name] = 0
        self._say_available(name, available=True)
        self.published += self._wire.publish(
            self._topics.chip(name, "state"), state_text(outcome, totals or Totals())
        )
        doubts = sorted(str(doubt) for doubt in outcome.doubts)
        self._wire.publish(self._topics.chip(name, "doubts"), json.dumps({"doubts": doubts}))

    def _say_available(self, name: str, *, available: bool) -> None:
        if self._available.get(name) is not available:
            self._available[name] = available
            payload = ONLINE if available else OFFLINE
            self._wire.publish(self._topics.chip(name, "availability"), payload, retain=True)

    def _notice_connection(self) -> None:
        connected = self._wire.connected
        if connected != self._was_connected:
            self._was_connected = connected
            text = "the broker is back" if connected else "the broker went away; trying again"
            self._tell(Notice(text, Severity.INFO if connected else Severity.WARNING))


def state_text(look: Look, totals: Totals) -> str:
    """The values of one reading; null where doubted. Energy has its own care."""
    measured = look.sample.measurement if look.believable else None
    return json.dumps(
        {
            "voltage_v": measured and measured.voltage_v,
            "current_a": measured and measured.current_a,
            "active_power_w": measured and measured.active_power_w,
            "power_factor": measured and measured.power_factor,
            "frequency_hz": measured and measured.frequency_hz,
            "imported_kwh": totals.imported_kwh,
            "exported_kwh": totals.exported_kwh,
        }
    )


def connect(
    broker: Broker, topics: Topics, chips: Sequence[str], *, every_s: float, prefix: str = PREFIX
) -> MqttLink:
    """A broker that knows our entities, that we are there, and what to say when we vanish.

    Raises:
        BrokerUnreachable: it is not there, or does not let us in.
        UnsupportedHere: the extra `mqtt` is not installed.
    """
    births = discovery_messages(topics, chips, expire_s=every_s, prefix=prefix)
    for chip in chips:
        births[topics.chip(chip, "availability")] = OFFLINE
    births[topics.availability] = ONLINE
    return MqttLink(broker, births, (topics.availability, OFFLINE))
