"""A module that an earlier command left in mid-conversation, or that restarts, is found again."""

import pytest

from groundwire.chips.bouffalo.emulated_chip import ChipOptions
from groundwire.chips.bouffalo.emulator import BouffaloEmulator, Mode
from groundwire.chips.bouffalo.flasher import BouffaloFlasher
from groundwire.chips.family import BootloaderPolicy
from groundwire.chips.ladder import LadderOptions
from groundwire.chips.listening import HeardKind, classify
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families
from groundwire.errors import ChipContradicted
from groundwire.events import NeedHands, Notice
from groundwire.jobs.emulate import HelpingHands
from groundwire.jobs.read import read_proven
from groundwire.jobs.session import RATES, Session, SessionOptions
from groundwire.jobs.write import change_flash, image_request
from groundwire.quantities import Span
from groundwire.sim.bench import Adapter, BenchPort, Wiring
from groundwire.sim.bouffalo import firmware_image, stand_in_loader, stock_flash, with_header
from groundwire.wire import Receive, Send

STOCK = stock_flash()
LOADER = stand_in_loader()
LINK_CHECK = bytes.fromhex("01e0fc0100")  # the other family's


def bench(options=None, chip="BL602", adapter=None):
    emulator = BouffaloEmulator(chip, NorFlash(STOCK, "ef4015"), options)
    return BenchPort(emulator, adapter or Adapter(wiring=Wiring.NONE)), emulator


def session_on(port, *, hands=True, loader=LOADER, **options):
    def tell(event):
        if hands and isinstance(event, NeedHands) and not port.hands_are_busy:
            port.press_reset(0.3)

    ladder = LadderOptions(hands_s=30.0)
    return Session(
        port, families(), SessionOptions(ladder=ladder, loader=loader, **options), tell=tell
    )


def new_session(port, **options):
    """What a further command starts with: the port opened anew, the module as it was left."""
    port.set_baudrate(115_200)
    return session_on(port, **options)


@pytest.mark.parametrize("idle_s", [0.1, 1.0, 1.9, 2.1, 5.0])
@pytest.mark.parametrize("loader", [b"", LOADER], ids=["boot ROM", "RAM loader"])
def test_one_command_after_another_links_at_once(loader, idle_s):
    port, emulator = bench()
    session_on(port, loader=loader).link(climb=False)
    resets = emulator.resets
    port.wait(idle_s)
    started = port.now()
    again = new_session(port, hands=False, loader=loader)
    assert again.link(climb=False).chip == "BL602"
    assert port.now() - started < 3.0
    assert emulator.resets == resets


@pytest.mark.parametrize("rate", RATES[1:])
@pytest.mark.parametrize("idle_s", [0.3, 6.0])
def test_a_loader_left_at_any_speed_is_found_without_a_reset(rate, idle_s):
    port, emulator = bench()
    first = session_on(port, rate=rate)
    first.link()
    assert first.flasher.rate == rate
    port.wait(idle_s)
    started = port.now()
    again = new_session(port, hands=False)
    assert again.link(climb=False).flash_id == "ef4015"
    assert port.now() - started < 3.0
    assert emulator.mode is Mode.LOADER


@pytest.mark.parametrize("loader", [b"", LOADER], ids=["boot ROM", "RAM loader"])
def test_words_of_another_family_in_mid_conversation_do_not_lock_us_out(loader):
    """A tool for the other family ran meanwhile; its bytes are taken for half a frame."""
    port, emulator = bench()
    session_on(port, loader=loader).link(climb=False)

    def other_tool():
        for _ in range(70):
            yield Send(LINK_CHECK)
            yield Receive(0.002)

    again = new_session(port, loader=loader)
    again.run_once(other_tool())
    started = port.now()
    assert again.link(climb=False).chip == "BL602"
    assert port.now() - started < 20
    assert bytes(emulator.flash.data) == STOCK


@pytest.mark.parametrize("after_s", [0.5, 3.0, 6.0, 9.0, 12.0, 15.0])
def test_a_reset_in_the_middle_of_a_write_costs_time_and_nothing_else(after_s, tmp_path):
    port, emulator = bench()
    session = session_on(port)
    session.link()
    port.press_reset(after_s)
    image = firmware_image(size=0x40000)
    request = image_request(image, "OpenBL602.bin", session, BootloaderPolicy.KEEP, tmp_path)
    change_flash(session, request)
    page = with_header(image)
    wanted = bytearray(STOCK)
    wanted[0x10000 : 0x10000 + len(page)] = page
    tail = 0x10000 + len(page)
    wanted[tail : -(-tail // 4096) * 4096] = b"\xff" * (-tail % 4096)
    assert bytes(emulator.flash.data) == bytes(wanted)


def test_a_restart_into_the_firmware_is_brought_back_by_hands():
    port, emulator = bench()
    session = session_on(port)
    session.link()
    emulator.power(on=False, at_s=port.now())
    emulator.options = ChipOptions(boot_by_hands=False)
    emulator.power(on=True, at_s=port.now())
    emulator.options = ChipOptions()
    assert emulator.mode is Mode.FIRMWARE
    assert read_proven(session, Span(0, 0x20000)) == STOCK[:0x20000]
    assert session.relinks == 1


def test_an_adapter_without_high_speeds_is_no_obstacle():
    port, _ = bench(adapter=Adapter(wiring=Wiring.NONE, top_rate=230_400))
    session = session_on(port, hands=False)
    assert session.link().chip == "BL602"
    assert session.flasher.rate == 230_400


# --- names ----------------------------------------------------------------------------------------


def test_a_bl604_whose_efuse_tells_is_one():
    port, _ = bench(chip="BL604")
    assert session_on(port).link(climb=False).chip == "BL604"
    port, _ = bench(chip="BL604")
    with pytest.raises(ChipContradicted, match="this is a BL604"):
        session_on(port, chip="BL602").link(climb=False)


@pytest.mark.parametrize("wanted", ["BL602", "BL604", "bl604"])
def test_a_chip_whose_efuse_does_not_tell_may_be_either(wanted):
    port, _ = bench(ChipOptions(efuse_tells=False), chip="BL604")
    identity = session_on(port, chip=wanted).link(climb=False)
    assert identity.chip == "BL602"
    assert identity.may_be == ("BL604",)
    port, _ = bench(ChipOptions(efuse_tells=False), chip="BL604")
    with pytest.raises(ChipContradicted):
        session_on(port, chip="BL702").link(climb=False)


# --- the loader as it is --------------------------------------------------------------------------


def test_the_loader_can_be_used_unedited(tmp_path):
    port, emulator = bench()
    session = session_on(port, plain_loader=True)
    identity = session.link()
    assert any("is used as it is" in warning for warning in identity.warnings)
    destination = 0x2201_0000
    assert emulator.inside.read_words(destination, 0x9360) == LOADER[192 : 192 + 0x9360]
    image = firmware_image(size=0x20000)
    request = image_request(image, "OpenBL602.bin", session, BootloaderPolicy.KEEP, tmp_path)
    change_flash(session, request)
    assert bytes(emulator.flash.data[0x11000 : 0x11000 + len(image)]) == image


def test_a_guarded_loader_that_runs_is_used_even_if_a_plain_one_was_asked_for():
    port, _ = bench()
    session_on(port).link(climb=False)
    told = []
    options = SessionOptions(loader=LOADER, plain_loader=True)
    again = Session(port, families(), options, tell=told.append)
    assert again.link(climb=False).warnings == ()
    assert not [event for event in told if isinstance(event, Notice) and "as it is" in event.text]


def test_without_a_loader_plain_or_not_makes_no_difference():
    assert BouffaloFlasher(plain=True).digest_name == "sha256"


# --- a running module -----------------------------------------------------------------------------


def test_a_log_that_says_the_same_every_second_is_no_restart():
    log = b"Info:MAIN:Time 1, idle 170/s, free 70000, MQTT 0(0), bWifi 0\r\n" * 9
    finding = classify(log, b"", families())
    assert finding.kind is HeardKind.BOOT_TEXT
    restarts = classify(b"\r\nV:BK7231S_1.0.5\r\nCPSR:4" * 9, b"", families())
    assert restarts.kind is HeardKind.BROKEN_BANNERS


def test_helping_hands_reset_a_module_that_only_logs():
    """A program asks; the firmware prints its log meanwhile, which is no answer."""
    module = BouffaloEmulator("BL602", NorFlash(STOCK, "ef4015"))
    module.power(on=True, at_s=0.0)
    module.options = ChipOptions(boot_by_hands=False)
    module.hold_reset(held=True, at_s=0.1)
    module.hold_reset(held=False, at_s=0.2)
    assert module.mode is Mode.FIRMWARE
    module.options = ChipOptions()
    hands = HelpingHands(module, patience_s=2.0)
    at_s, logged = 0.3, 0
    while module.mode is Mode.FIRMWARE and at_s < 10:
        hands.advance(at_s)
        hands.on_bytes(LINK_CHECK, at_s, 10 / 115_200)
        logged += len(hands.take_output())
        at_s += 0.05
    assert logged > 1
    assert 2.0 < at_s < 4.0
    hands.advance(at_s + 1.0)
    assert module.mode is Mode.ROM_SCAN
