"""A connection to an MQTT broker, with a last will."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from groundwire.errors import BadArgument, BrokerUnreachable, UnsupportedHere

if TYPE_CHECKING:
    from paho.mqtt.client import Client

PORT: Final = 1883
TLS_PORT: Final = 8883
KEEPALIVE_S: Final = 30
CONNECT_WITHIN_S: Final = 10.0
GOODBYE_WITHIN_S: Final = 3.0
SLOWEST_RETRY_S: Final = 60


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and who we are to it."""

    host: str
    port: int = PORT
    user: str | None = None
    password: str | None = None
    tls: bool = False

    @property
    def name(self) -> str:
        """Host and port, without secrets."""
        return f"{self.host}:{self.port}"


def parse_broker(url: str, password: str | None = None) -> Broker:
    """`mqtt://user@host:port` or `mqtts://…`.

    Raises:
        BadArgument: it is no such address, or holds a password, which other users could then see
            in the list of processes.
    """
    expected = "mqtt://HOST, mqtt://USER@HOST:PORT or mqtts://…, without a password"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadArgument(name="broker", value=url, expected=expected) from error
    if parts.password is not None:
        raise BadArgument(name="broker", value="an address with a password", expected=expected)
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname or parts.path.strip("/"):
        raise BadArgument(name="broker", value=url, expected=expected)
    tls = parts.scheme == "mqtts"
    user = unquote(parts.username) if parts.username else None
    return Broker(parts.hostname, port or (TLS_PORT if tls else PORT), user, password, tls)


class MqttLink:
    """A broker that is published to; it connects again by itself when the broker went away.

    `births` are retained messages by topic that are sent at every connection: what makes us known
    and says that we are there. `will` is what the broker says for us when we vanish.
    """

    def __init__(self, broker: Broker, births: Mapping[str, str], will: tuple[str, str]) -> None:
        self.broker = broker
        self.dropped = 0
        self._births = dict(births)
        self._will = will
        self._answered = threading.Event()
        self._refused = ""
        self._client = self._make_client()
        try:
            self._client.connect(broker.host, broker.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise BrokerUnreachable(broker=broker.name, reason=reason) from error
        self._client.loop_start()
        if not self._answered.wait(CONNECT_WITHIN_S):
            self._refused = f"no answer within {CONNECT_WITHIN_S:.0f} s"
        if self._refused:
            self._client.disconnect()
            self._client.loop_stop()
            raise BrokerUnreachable(broker=broker.name, reason=self._refused)

    def _make_client(self) -> Client:
        try:
            # an extra of its own: nothing else needs it
            from paho.mqtt import client as mqtt  # noqa: PLC0415
        except ImportError as error:
            raise UnsupportedHere(
                asked="publishing over MQTT",
                reason="the package paho-mqtt is not installed",
                advice="install it: pip install 'groundwire[mqtt]'",
            ) from error
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)  # type: ignore[attr-defined]
        if self.broker.user is not None:
            client.username_pw_set(self.broker.user, self.broker.password)
        if self.broker.tls:
            client.tls_set()
        client.will_set(*self._will, qos=1, retain=True)
        client.reconnect_delay_set(1, SLOWEST_RETRY_S)
        client.on_connect = self._on_connect
        return client

    def _on_connect(
        self, client: Client, _data: object, _flags: object, reason: Any, _properties: object
    ) -> None:
        """In the client's own thread."""
        self._refused = str(reason) if reason.is_failure else ""
        if not self._refused:
            for topic, payload in list(self._births.items()):
                client.publish(topic, payload, qos=1, retain=True)
        self._answered.set()

    @property
    def connected(self) -> bool:
        """Whether the broker is there at the moment."""
        return bool(self._client.is_connected())

    def publish(self, topic: str, payload: str, *, retain: bool = False) -> bool:
        """Send one message; False, and counted, where the broker is away: nothing is kept for it.

        Retained messages are sent again when the broker is back.
        """
        if retain:
            self._births[topic] = payload
        if not self.connected:
            self.dropped += 1
            return False
        self._client.publish(topic, payload, qos=1 if retain else 0, retain=retain)
        return True

    def close(self) -> None:
        """Say what the will would have said, and go."""
        topic, payload = self._will
        if self.connected:
            last = self._client.publish(topic, payload, qos=1, retain=True)
            try:
                last.wait_for_publish(GOODBYE_WITHIN_S)
            except (RuntimeError, ValueError):
                self.dropped += 1
        self._client.disconnect()
        self._client.loop_stop()
