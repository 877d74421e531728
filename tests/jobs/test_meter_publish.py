"""Publishing to a real broker, seen by a subscriber of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing

import pytest

from groundwire.errors import BadArgument, BrokerUnreachable
from groundwire.exports.home_assistant import topics_of
from groundwire.jobs.meter_publish import Publisher, connect
from groundwire.jobs.meter_record import Pace, record
from groundwire.jobs.meter_store import MeterStore
from groundwire.link.mqtt import Broker, parse_broker
from meter_desk import MeterDesk, impossible

MOSQUITTO = shutil.which("mosquitto", path=os.environ.get("PATH", "") + ":/usr/sbin")
needs_broker = pytest.mark.skipif(MOSQUITTO is None, reason="no mosquitto on this machine")
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


class LocalBroker:
    """A mosquitto on a free port of this machine."""

    def __init__(self, folder, *, password=None):
        with socket.create_server(("127.0.0.1", 0)) as found:
            self.port = found.getsockname()[1]
        lines = [f"listener {self.port} 127.0.0.1", "persistence false"]
        if password is None:
            lines.append("allow_anonymous true")
        else:
            users = folder / "users"
            tool = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
            subprocess.run([tool, "-b", "-c", str(users), *password], check=True)
            users.chmod(0o644)
            lines += ["allow_anonymous false", f"password_file {users}"]
        if os.geteuid() == 0:
            lines.append("user root")
        self.config = folder / "mosquitto.conf"
        self.config.write_text("\n".join(lines) + "\n")
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [MOSQUITTO, "-c", str(self.config)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self._answers)

    def _answers(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self):
        self.process.terminate()
        self.process.wait()

    @property
    def broker(self):
        return Broker("127.0.0.1", self.port)


class Subscriber:
    """What Home Assistant would hear."""

    def __init__(self, port):
        from paho.mqtt import client as mqtt

        self.heard = []
        self._lock = threading.Lock()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        self.client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = self._hear
        self.client.reconnect_delay_set(1, 1)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert subscribed.wait(5)

    def _hear(self, _client, _data, message):
        with self._lock:
            self.heard.append((message.topic, message.payload.decode(), message.retain))

    def of(self, topic):
        with self._lock:
            return [payload for name, payload, _retained in self.heard if name == topic]

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


def wait_for(holds, within_s=15.0):
    ends = time.monotonic() + within_s
    while not holds():
        assert time.monotonic() < ends, "waited in vain"
        time.sleep(0.01)


@pytest.fixture
def broker(tmp_path):
    found = LocalBroker(tmp_path)
    yield found
    found.stop()


@pytest.fixture
def subscriber(broker):
    found = Subscriber(broker.port)
    yield found
    found.close()


def publish(desk, broker, *, for_s=10.0, store=None, events=None):
    session = desk.session(states=store.states if store else {})
    topics = topics_of("meter", session.names)
    link = connect(broker.broker, topics, session.names, every_s=1.0)
    with closing(link):
        publisher = Publisher(link, topics, (events if events is not None else []).append)
        return record(session, store, Pace(1.0, for_s), publisher.listen)


@needs_broker
def test_home_assistant_finds_every_value_and_energy_only_grows(broker, subscriber):
    report = publish(MeterDesk(), broker, for_s=30.0)
    assert report.readings == 60
    wait_for(lambda: "offline" in subscriber.of("groundwire/meter/availability"))
    config = json.loads(
        subscriber.of("homeassistant/sensor/groundwire_meter_a/imported_kwh/config")[0]
    )
    assert config["state_class"] == "total_increasing"
    assert config["device_class"] == "energy"
    assert config["unit_of_measurement"] == "kWh"
    assert config["availability_mode"] == "all"
    assert [one["topic"] for one in config["availability"]] == [
        "groundwire/meter/availability",
        "groundwire/meter/a/availability",
    ]
    states = [json.loads(text) for text in subscriber.of(config["state_topic"])]
    assert len(states) == 30
    energy = [state["imported_kwh"] for state in states]
    assert energy == sorted(energy)
    assert energy[-1] > 0
    assert all(200 < state["voltage_v"] < 250 for state in states)
    assert subscriber.of("groundwire/meter/availability") == ["online", "offline"]
    assert subscriber.of("groundwire/meter/a/availability") == ["offline", "online"]
    late = Subscriber(broker.port)
    wait_for(lambda: len(late.heard) >= 16 + 3)
    assert all(retained for _topic, _payload, retained in late.heard)
    assert not any("/state" in topic for topic, _payload, _retained in late.heard)
    late.close()


@needs_broker
def test_a_doubted_reading_publishes_its_doubt_and_no_value(broker, subscriber):
    desk = MeterDesk()
    desk.chip("B").load_at = impossible
    publish(desk, broker, for_s=3.0)
    wait_for(lambda: len(subscriber.of("groundwire/meter/b/doubts")) == 3)
    wait_for(lambda: len(subscriber.of("groundwire/meter/b/state")) == 3)
    for text in subscriber.of("groundwire/meter/b/state"):
        state = json.loads(text)
        assert state.pop("imported_kwh") == state.pop("exported_kwh") == 0.0
        assert set(state.values()) == {None}
    assert json.loads(subscriber.of("groundwire/meter/b/doubts")[0])["doubts"] == [
        "the power is larger than voltage times current"
    ]
    assert json.loads(subscriber.of("groundwire/meter/a/doubts")[0])["doubts"] == []


@needs_broker
def test_a_chip_that_is_silent_becomes_unavailable_and_comes_back(broker, subscriber):
    desk = MeterDesk()
    desk.line.at(10.0, lambda: setattr(desk.chip("B"), "off_until_s", 20.0))
    publish(desk, broker, for_s=120.0)
    wait_for(lambda: "offline" in subscriber.of("groundwire/meter/availability"))
    assert subscriber.of("groundwire/meter/b/availability") == [
        "offline",
        "online",
        "offline",
        "online",
    ]
    assert subscriber.of("groundwire/meter/a/availability") == ["offline", "online"]


@needs_broker
def test_totals_go_on_after_a_restart_with_a_store(broker, subscriber, tmp_path):
    desk = MeterDesk()
    with closing(MeterStore(tmp_path / "m.db")) as store:
        publish(desk, broker, for_s=30.0, store=store)
    desk.line.advance(desk.line.now_s + 600)
    with closing(MeterStore(tmp_path / "m.db")) as store:
        publish(desk, broker, for_s=30.0, store=store)
    wait_for(lambda: len(subscriber.of("groundwire/meter/a/state")) == 60)
    states = [json.loads(text) for text in subscriber.of("groundwire/meter/a/state")]
    energy = [state["imported_kwh"] for state in states]
    assert energy == sorted(energy)
    assert energy[30] - energy[29] > 0.02


@needs_broker
@pytest.mark.slow
def test_a_reader_that_is_killed_is_said_to_be_offline(broker, subscriber):
    process = subprocess.Popen(
        [sys.executable, "-m", "groundwire", "meter", "publish", "-p", "sim:meter-h5", "--every",
         "0.2", "--broker", f"mqtt://127.0.0.1:{broker.port}"],
        env={**os.environ, "PYTHONPATH": ":".join(sys.path)},
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_for(lambda: subscriber.of("groundwire/meter/tx_1_4800/state"), 30)
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_for(lambda: subscriber.of("groundwire/meter/availability") == ["online", "offline"])


@needs_broker
@pytest.mark.slow
def test_a_broker_that_comes_back_is_told_everything_again(broker):
    desk, events = MeterDesk(), []
    session = desk.session()
    topics = topics_of("meter", session.names)
    with closing(connect(broker.broker, topics, session.names, every_s=1.0)) as link:
        publisher = Publisher(link, topics, events.append)
        record(session, None, Pace(1.0, 3.0), publisher.listen)
        broker.stop()
        wait_for(lambda: not link.connected)
        record(session, None, Pace(1.0, 3.0), publisher.listen)
        assert link.dropped > 0
        broker.start()
        wait_for(lambda: link.connected)
        record(session, None, Pace(1.0, 3.0), publisher.listen)
        late = Subscriber(broker.port)
        wait_for(lambda: late.of("groundwire/meter/a/availability") == ["online"])
        assert late.of("groundwire/meter/availability") == ["online"]
        assert late.of("homeassistant/sensor/groundwire_meter_b/voltage_v/config")
        late.close()
    assert [event.text for event in events] == [
        "the broker went away; trying again",
        "the broker is back",
    ]


@needs_broker
def test_a_broker_that_wants_a_password(tmp_path):
    server = LocalBroker(tmp_path, password=("anna", "secret"))
    topics = topics_of("meter", ["A"])
    try:
        good = Broker("127.0.0.1", server.port, "anna", "secret")
        connect(good, topics, ["A"], every_s=1.0).close()
        with pytest.raises(BrokerUnreachable) as caught:
            connect(Broker("127.0.0.1", server.port), topics, ["A"], every_s=1.0)
        assert "Not authorized" in caught.value.what
    finally:
        server.stop()


def test_no_broker_at_all():
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = found.getsockname()[1]
    with pytest.raises(BrokerUnreachable) as caught:
        connect(Broker("127.0.0.1", port), topics_of("meter", ["A"]), ["A"], every_s=1.0)
    assert str(caught.value) == (
        f"the MQTT broker 127.0.0.1:{port} cannot be used: Connection refused\n"
        "  next     check host, port, user and password of the broker, and that it runs"
    )


def test_a_broker_as_a_user_writes_it():
    assert parse_broker("mqtt://house") == Broker("house", 1883)
    assert parse_broker("mqtts://anna@house", "x") == Broker("house", 8883, "anna", "x", tls=True)
    assert parse_broker("mqtt://anna%40b@[::1]:99") == Broker("::1", 99, "anna@b")
    assert parse_broker("mqtt://house:99").name == "house:99"


@pytest.mark.parametrize(
    "url", ["", "house", "http://house", "mqtt://", "mqtt://a:b@house", "mqtt://h:x", "mqtt://h/y"]
)
def test_a_broker_that_is_none(url):
    with pytest.raises(BadArgument) as caught:
        parse_broker(url)
    assert "a:b" not in str(caught.value)


def test_names_that_would_share_a_topic_are_refused():
    with pytest.raises(BadArgument):
        topics_of("meter", ["TX/1", "TX-1"])
    with pytest.raises(BadArgument):
        topics_of("My Meter", ["A"])
    with pytest.raises(BadArgument):
        topics_of("meter", ["°"])
