"""Whether a module came up: how long is watched, and what is said."""

from __future__ import annotations

import pytest

from groundwire.bootlog.evidence import OtherEvidence, Pins
from groundwire.jobs.boot_watch import SILENT_S, watch_boot
from groundwire.jobs.ports import open_emulated
from groundwire.sim.modules import application, bootloader, firmware_image, stock_flash
from talking import APP_N, BL602_TEXT, BOOT_N, LATER_N, talking

RATE = 115_200.0
LINKED = OtherEvidence(link_works=True, pins=Pins.LOG, chip="BK7231N", chip_key="tuya")


def watched(port, other=LINKED, **options):
    events = []
    return watch_boot(port, other, events.append, **options)


def test_openbeken_came_up():
    report = watched(talking((0.1, BOOT_N, RATE), (0.3, APP_N, RATE), (5, LATER_N, RATE)))
    assert report.came_up
    assert report.sentence == "it came up: OpenBeken 1.18.300, access point OpenBK7231N_5E100001"
    assert report.masked_sentence.endswith("access point OpenBK7231N_xxxxxxxx")
    assert report.watched.watched_s < 8


def test_silence_is_given_up_after_a_while():
    report = watched(talking())
    assert not report.came_up
    assert report.diagnosis.ids()[0] == "silence-not-bootable"
    assert report.watched.watched_s == pytest.approx(SILENT_S, abs=1.0)
    assert report.next_step


def test_a_loop_is_known_after_a_few_rounds():
    port = talking(*((1.2 * turn, BOOT_N + APP_N[:100], RATE) for turn in range(40)))
    report = watched(port)
    assert not report.came_up
    assert report.diagnosis.ids()[0] == "brownout-rf-start" or report.diagnosis.known
    assert report.watched.watched_s < 10


def test_a_jump_into_nothing_is_waited_for_longer_than_a_watchdog():
    report = watched(talking((0.1, BOOT_N, RATE)))
    assert report.diagnosis.ids()[0] == "jump-then-hang"
    assert 12 <= report.watched.watched_s < 15


def test_a_module_that_logs_at_two_million_on_the_flashing_pins():
    report = watched(
        talking((0.1, BL602_TEXT, 2e6)),
        OtherEvidence(link_works=True, family="bouffalo", chip="BL602"),
        first_rate=2_000_000,
    )
    assert report.watched.settled
    assert report.watched.rate == 2_000_000


@pytest.mark.parametrize("chip", ["BK7231N", "BK7231M", "BK7231T", "BK7231U"])
def test_an_emulated_module_prints_on_its_log_pin_what_its_flash_holds(chip):
    freed = stock_flash(chip)
    image = firmware_image(chip)
    opened = open_emulated(chip, image + freed[len(image) :])
    report = watched(opened.log_port(), OtherEvidence(link_works=True, chip=chip))
    assert report.sentence == f"it came up: OpenBeken 1.18.300, access point Open{chip}_5E100001"


def test_an_emulated_module_with_the_image_of_another_does_not_come_up():
    flash = stock_flash("BK7231N")
    foreign = bootloader("BK7231N") + application(
        "BK7231M", b"OpenBK7231M 1.18.300 Aug  2 2026 19:38:04"
    )
    opened = open_emulated("BK7231N", foreign + flash[len(foreign) :])
    report = watched(opened.log_port())
    assert not report.came_up
    assert report.diagnosis.ids()[0] == "jump-then-hang"


def test_ctrl_c_ends_the_watch_without_a_verdict_on_silence():
    port = talking()
    report = watch_boot(port, LINKED, lambda _event: None, lambda: port.now() > 2)
    assert not report.came_up
