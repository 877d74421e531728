"""Guided tests on the bench: what each asks, does and proves."""

from __future__ import annotations

import io

import pytest

from groundwire.bootlog.evidence import OtherEvidence
from groundwire.bootlog.signatures import signature_table
from groundwire.errors import PortMissing
from groundwire.jobs.diagnose import Known, read_log
from groundwire.jobs.guided import TESTS, Setup, guide
from groundwire.jobs.ports import OpenedPort, open_emulated
from groundwire.sim.bench import BenchPort
from groundwire.sim.faults import LineFaults
from groundwire.sim.modules import firmware_image, stock_flash
from talking import APP_N, BOOT_N, LATER_N, Talker, talking

RATE = 115_200.0


def setup_of(ports=(), flashing=None, answer=lambda _question: True, **more):
    waiting = list(ports)
    asked = []

    def ask(question):
        asked.append(question)
        return answer(question)

    def opener():
        return OpenedPort(waiting.pop(0))

    found = Setup(
        ask=ask,
        tell=lambda _event: None,
        stop=lambda: False,
        log=opener if ports else None,
        flashing=flashing,
        **more,
    )
    return found, asked


def facts_of(data):
    return read_log(io.BytesIO(data))


def learn(name, setup, known=None):
    return TESTS[name](setup, known or Known()).known


def test_every_test_of_the_table_can_be_done():
    assert set(TESTS) == set(signature_table().tests)


def test_nothing_is_done_that_was_not_agreed_to():
    setup, asked = setup_of([talking()], answer=lambda _question: False)
    guided = guide(setup, facts_of(b""), Known())
    assert guided.done == ()
    assert len(asked) == len(set(asked)) >= 3


def test_a_longer_capture_decides():
    port = talking((0.2, BOOT_N, RATE), (0.4, APP_N, RATE), (5, LATER_N, RATE))
    setup, asked = setup_of([port])
    guided = guide(setup, facts_of(b"hello\n"), Known())
    assert guided.diagnosis.sound
    assert guided.done == ("longer-capture",)
    assert asked[0].startswith("record for a minute across two power-ons")


@pytest.mark.parametrize(("fault", "works"), [(LineFaults(echo=True), True), (LineFaults(), False)])
def test_loopback(fault, works):
    setup, _ = setup_of([BenchPort(Talker(), faults=fault)])
    assert learn("loopback", setup).other.adapter_works is works


def test_an_adapter_that_is_broken_is_the_diagnosis():
    setup, _ = setup_of([BenchPort(Talker())], answer=lambda text: "TX and RX" in text)
    guided = guide(setup, facts_of(b""), Known())
    assert guided.diagnosis.ids()[0] == "adapter-broken"
    assert not guided.diagnosis.tests


def boots(count):
    return talking(*((1 + at, BOOT_N, RATE) for at in range(count)))


def test_restarts_that_end_without_the_radio_are_the_supply():
    setup, asked = setup_of([boots(9), boots(1)])
    known = learn("boots-by-radio", setup)
    assert (known.other.restarts_radio, known.other.restarts_no_radio) == (8, 0)
    assert "safe mode" in asked[1]
    guided = guide(setup_of()[0], facts_of(BOOT_N * 3), known)
    assert guided.diagnosis.ids()[0] == "brownout-rf-start"
    assert "8 restarts with Wi-Fi and none without" in guided.diagnosis.findings[0].because


def test_restarts_that_go_on_without_the_radio_are_not():
    setup, _ = setup_of([boots(9), boots(7)])
    known = learn("boots-by-radio", setup)
    assert known.other.restarts_no_radio == 6
    found = guide(setup_of()[0], facts_of(BOOT_N * 3), known).diagnosis
    assert all(one.confidence == "low" for one in found.findings if one.id == "brownout-rf-start")


def test_a_strong_supply_that_helps_is_proof():
    setup, _ = setup_of([boots(1)])
    known = learn("strong-supply", setup)
    assert known.other.restarts_strong_supply == 0
    found = guide(setup_of()[0], facts_of(BOOT_N * 3), known).diagnosis
    assert found.ids()[0] == "brownout-rf-start"


@pytest.mark.parametrize(
    ("starts", "varies"), [((1.0, 20.0, 40.0), False), ((0.2, 25.0, 53.0), True)]
)
def test_the_time_to_the_first_byte(starts, varies):
    port = talking(*((at, b"x", RATE) for at in starts))
    powers = iter([0.0, starts[1] - 1.0, starts[2] - (1.0 if not varies else 9.0)])

    def answer(_question):
        port.wait(max(next(powers) - port.now(), 0.0))
        return True

    setup, _ = setup_of([port], answer=answer)
    known = learn("first-byte", setup)
    assert known.other.start_varies is varies, known.said


def test_other_pin_other_speed_and_power_off_listen_again():
    for name in ("other-uart", "other-rates", "power-off"):
        setup, _ = setup_of([talking((0.5, BOOT_N + APP_N, RATE))])
        learned = TESTS[name](setup, Known())
        assert learned.facts.app_version == "1.18.300", name
        assert learned.known.said, name


# --- asking the module --------------------------------------------------------------------------


def test_a_link_check_tells_who_answers_and_writes_nothing():
    opened = open_emulated("BK7231N")
    before = bytes(opened.bench.emulator.flash.data)
    setup, _ = setup_of(flashing=lambda: opened)
    known = learn("link-check", setup)
    assert (known.other.link_works, known.other.chip) == (True, "BK7231N")
    assert (known.other.chip_key, known.other.rf_erased) == ("tuya", False)
    assert bytes(opened.bench.emulator.flash.data) == before


def test_a_module_that_does_not_answer():
    setup, _ = setup_of(flashing=lambda: OpenedPort(talking()))
    assert learn("link-check", setup).other.link_works is False


def test_silence_and_a_module_that_answers_points_at_the_flash():
    setup, _ = setup_of(flashing=lambda: open_emulated("BK7231N"), answer=lambda t: "link" in t)
    guided = guide(setup, facts_of(b""), Known())
    assert guided.diagnosis.ids()[0] == "silence-not-bootable"
    assert "link-check" in guided.done


def test_the_bootloader_is_read_back_and_compared():
    flash = stock_flash("BK7231N")
    erased = b"\xff" * 0x11000 + flash[0x11000:]
    cases = {
        "whole": (flash, b"", lambda other: other.image_key == "tuya" and not other.image_damage),
        "erased": (erased, b"", lambda other: other.image_damage == "the bootloader is erased"),
        "that of the backup": (flash, flash, lambda other: other.flash_differs is False),
        "not that of the backup": (erased, flash, lambda other: other.flash_differs is True),
    }
    for name, (held, backup, holds) in cases.items():
        setup, _ = setup_of(
            flashing=lambda held=held: open_emulated("BK7231N", held), backup=backup
        )
        known = learn("read-bootloader", setup)
        assert holds(known.other), (name, known.said)


def test_the_application_is_proven_against_the_image():
    image = firmware_image("BK7231N")
    for held, differs in ((stock_flash("BK7231N"), True), (None, False)):
        flash = held or stock_flash("BK7231N")[:0x11000] + image[0x11000:]
        flash = flash.ljust(2 << 20, b"\xff")
        setup, _ = setup_of(
            flashing=lambda flash=flash: open_emulated("BK7231N", flash),
            image=image,
            image_name="OpenBK7231N_QIO.bin",
        )
        assert learn("verify-app", setup).other.flash_differs is differs


def test_a_port_that_fails_is_said_and_the_series_goes_on():
    def missing():
        raise PortMissing(port="/dev/none")

    setup, _ = setup_of(flashing=missing, answer=lambda text: "link" in text)
    guided = guide(setup, facts_of(b""), Known(other=OtherEvidence(link_works=True)))
    assert all(isinstance(said, str) for said in guided.known.said)
