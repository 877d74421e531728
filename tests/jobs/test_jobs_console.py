"""The console on real pseudo terminals: two at once, unplugged and plugged in again."""

from __future__ import annotations

import stat
import threading
import time

import pytest

from groundwire.bootlog.evidence import Pins
from groundwire.errors import BadArgument, PatternNotSeen, PortMissing
from groundwire.events import Listening, Notice, Printed, Restarted
from groundwire.jobs.console import Console, ConsoleOptions, watch_ports
from speaking_pty import SpeakingPty
from talking import APP_N, BL602_TEXT, BOOT_N, LATER_N


@pytest.fixture
def module(tmp_path):
    made = []

    def make(name="tty", rate=115_200):
        made.append(SpeakingPty(tmp_path / name, rate))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Seen(list):
    """The events so far, and a way to wait for one."""

    def __init__(self):
        self._came = threading.Condition()

    def append(self, event):
        with self._came:
            super().append(event)
            self._came.notify_all()

    def wait_for(self, kind, text):
        with self._came:
            here = self._came.wait_for(
                lambda: any(isinstance(one, kind) and text in one.text for one in self), timeout=20
            )
        assert here, f"no {kind.__name__} with {text!r}"


def watching(options, script, stop=lambda: False):
    """Watch in this thread while a script acts in another one."""
    events = Seen()
    console = Console(options, events.append, stop)
    console.seen = events
    failures = []

    def act():
        try:
            script(console)
        except BaseException as error:  # noqa: BLE001 - shown by the test that waits
            failures.append(error)

    actor = threading.Thread(target=act)
    actor.start()
    try:
        report = console.run()
    finally:
        actor.join()
        assert failures == []
    return report, events


def lines(events, source=""):
    return [one.text for one in events if isinstance(one, Printed) and one.source == source]


def test_a_boot_is_watched_until_its_pattern(module):
    port = module()

    def script(console):
        port.wait_for_listener()
        port.say(BOOT_N + APP_N)
        console.seen.wait_for(Printed, "version 1.18.300")
        port.say(LATER_N)

    options = ConsoleOptions((str(port.path),), until="Boot complete", for_s=30)
    report, events = watching(options, script)
    (watched,) = report.watches
    assert watched.facts.app_version == "1.18.300"
    assert watched.rate == 115_200
    assert report.which[0].pins is Pins.LOG
    assert lines(events)[0] == "V:BK7231N_1.0.1"
    assert [one.boot for one in events if isinstance(one, Restarted)] == [1]


def test_two_ports_at_once_are_told_apart(module, tmp_path):
    flashing, log = module("flashing", 9600), module("log")

    def script(console):
        flashing.wait_for_listener()
        log.wait_for_listener()
        for _ in range(4):
            flashing.say(bytes.fromhex("55aa0000000000ff") * 4)
            time.sleep(0.05)  # the pause between the controller's frames
        log.say(BOOT_N + APP_N)
        console.seen.wait_for(Printed, "version 1.18.300")
        log.say(LATER_N)

    save = tmp_path / "kept"
    options = ConsoleOptions(
        (str(flashing.path), str(log.path)), until="Boot complete", for_s=30, save=save
    )
    report, events = watching(options, script)
    assert [which.pins for which in report.which] == [Pins.FLASHING, Pins.LOG]
    assert "V:BK7231N_1.0.1" in lines(events, "B")
    assert (tmp_path / "kept-B.raw").read_bytes() == BOOT_N + APP_N + LATER_N
    text = (tmp_path / "kept-B.txt").read_text()
    assert "OpenBK7231N, version 1.18.300" in text
    assert (tmp_path / "kept-B.boot1.txt").read_text().startswith("V:BK7231N_1.0.1\n")
    assert {stat.S_IMODE(path.stat().st_mode) for path in report.saved} == {0o600}
    assert set(report.saved) == set(tmp_path.glob("kept-*"))


def test_the_speed_is_found_on_a_real_terminal(module):
    port = module(rate=2_000_000)

    def script(_console):
        port.wait_for_listener()
        for _ in range(3):
            port.say(BL602_TEXT)
            time.sleep(0.6)  # the module's own pause between two texts

    options = ConsoleOptions((str(port.path),), until="Before_Delay done", for_s=30)
    report, events = watching(options, script)
    assert report.watches[0].rate == 2_000_000
    assert [one.rate for one in events if isinstance(one, Listening)][-1] == 2_000_000
    assert report.which[0].pins is Pins.FLASHING


def test_an_adapter_may_be_pulled_out_and_put_back(module):
    port = module()

    def script(console):
        port.wait_for_listener()
        port.say(BOOT_N)
        console.seen.wait_for(Printed, "BK7231N_1.0.1")
        port.unplug()
        console.seen.wait_for(Notice, "unplugged")
        port.plug()
        port.wait_for_listener()
        port.say(APP_N + LATER_N)

    options = ConsoleOptions((str(port.path),), until="Boot complete", for_s=60)
    report, events = watching(options, script)
    said = [one.text for one in events if isinstance(one, Notice)]
    assert any("unplugged" in text for text in said)
    assert any("is back" in text for text in said)
    assert report.watches[0].facts.boot_complete == 1
    assert report.watches[0].facts.bootloader == "BK7231N_1.0.1"


def test_what_is_typed_is_sent(module):
    port = module()
    heard = bytearray()

    def script(console):
        port.wait_for_listener()
        console.type(b"reboot\r\n")
        ends = time.monotonic() + 10
        while b"reboot" not in heard and time.monotonic() < ends:
            heard.extend(port.heard())
            time.sleep(0.02)
        port.say(b"Entering initLog()...\r\n")

    options = ConsoleOptions((str(port.path),), until="initLog", for_s=30, send=(b"version\r\n",))
    watching(options, script)
    assert bytes(heard) == b"version\r\nreboot\r\n"


def test_a_pattern_that_does_not_come(module):
    port = module()
    options = ConsoleOptions((str(port.path),), until="never", for_s=0.3)
    with pytest.raises(PatternNotSeen) as caught:
        watch_ports(options, lambda _event: None)
    assert str(caught.value) == (
        "'never' was not seen in 0 s: nothing came\n"
        "  likely   the module was not restarted, or prints on other pins\n"
        "  next     restart the module while the line is watched"
    )


def test_ctrl_c_is_how_a_watch_ends(module):
    port = module()
    stopped = []

    def script(_console):
        port.wait_for_listener()
        port.say(BOOT_N)
        time.sleep(0.3)
        stopped.append(True)

    report, _ = watching(ConsoleOptions((str(port.path),)), script, lambda: bool(stopped))
    assert report.watches[0].ended == "stopped"
    assert report.watches[0].facts.banners == 1


def test_hostile_text_is_cut_out_and_kept_escaped(module, tmp_path):
    port = module()
    hostile = (
        b"Entering initLog()...\r\n\x1b]0;owned\x07\x1b[2J"
        + "name\u202etxt.exe".encode()
        + b"\x00\x08\r\nEND\r\n"
    )

    def script(_console):
        port.wait_for_listener()
        port.say(hostile)

    options = ConsoleOptions((str(port.path),), until="END", for_s=30, save=tmp_path / "k")
    report, _ = watching(options, script)
    kept = (tmp_path / "k.txt").read_bytes()
    assert b"\x1b" not in kept
    assert b"\x00" not in kept
    assert "\u202e".encode() not in kept
    assert (tmp_path / "k.raw").read_bytes() == hostile
    assert report.watches[0].facts.lines_total == 3


def test_a_port_that_is_not_there(tmp_path):
    with pytest.raises(PortMissing):
        watch_ports(ConsoleOptions((str(tmp_path / "none"),)), lambda _event: None)


def test_a_pattern_that_is_none():
    with pytest.raises(BadArgument, match="regular expression"):
        watch_ports(ConsoleOptions(("x",), until="("), lambda _event: None)
