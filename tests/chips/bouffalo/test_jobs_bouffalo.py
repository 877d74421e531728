"""The jobs know nothing of this family, and do their work on it all the same."""

import pytest

from groundwire.chips.bouffalo.emulator import BouffaloEmulator, Mode
from groundwire.chips.family import BootloaderPolicy
from groundwire.chips.ladder import LadderOptions
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families, family_of
from groundwire.errors import LoaderMissing
from groundwire.events import NeedHands
from groundwire.jobs.backup import take_backup
from groundwire.jobs.session import Session, SessionOptions
from groundwire.jobs.write import change_flash, image_request
from groundwire.quantities import Span
from groundwire.sim.bench import Adapter, BenchPort
from groundwire.sim.bouffalo import firmware_image, stand_in_loader, stock_flash
from groundwire.sim.faults import LineFaults
from groundwire.sim.modules import stock_flash as any_stock_flash

STOCK = stock_flash()
LOADER = stand_in_loader()
OPTIONS = LadderOptions(hands_s=20.0, ask_firmware=False, use_lines=False)


def session_on(faults=None, loader=LOADER, rate=None, content=STOCK):
    emulator = BouffaloEmulator("BL602", NorFlash(content, "ef4015"))
    port = BenchPort(emulator, Adapter(), faults)
    options = SessionOptions(rate=rate, ladder=OPTIONS, loader=loader)
    return Session(port, families(), options), port, emulator


def test_the_family_is_registered():
    family = family_of("bl602")
    assert family is not None
    assert family.name == "bouffalo"
    assert family.log_baudrate == 2_000_000
    assert "BOOT" in family.hands


def test_identify_among_all_families_is_quick():
    session, port, _ = session_on(loader=b"")
    identity = session.link(climb=False)
    assert identity.chip == "BL602"
    assert port.now() < 3


@pytest.mark.parametrize("wait_s", [0.0, 3.0])
@pytest.mark.parametrize("chip", ["BK7231N", "BL602"])
def test_families_do_not_take_each_other_for_themselves(chip, wait_s):
    family = family_of(chip)
    port = BenchPort(family.emulator(chip, any_stock_flash(chip)), Adapter())
    port.wait(wait_s)  # plugged in before the command, or with it
    started = port.now()

    def hands(event):
        if isinstance(event, NeedHands) and not port.hands_are_busy:
            port.press_reset(after_s=0.3)

    session = Session(port, families(), SessionOptions(ladder=OPTIONS), tell=hands)
    assert session.link(climb=False).chip == chip
    assert port.now() - started < 4


def test_without_a_loader_a_backup_says_what_to_do():
    session, _, _ = session_on(loader=b"")
    with pytest.raises(LoaderMissing, match="none is at hand"):
        session.link()


def test_backup_is_whole(tmp_path):
    session, _, _ = session_on()
    session.link()
    assert session.flasher.rate == 2_000_000
    backup = take_backup(session, tmp_path / "backup.bin")
    assert backup.data == STOCK
    assert backup.manifest.digest_name == "sha256"
    assert backup.manifest.mac == "7C:B9:4C:00:00:01"


@pytest.mark.parametrize("rate", [1e-6, 0])
def test_write_proves_the_whole_flash(tmp_path, rate):
    faults = LineFaults(seed=5, flips_to_chip=rate, flips_to_host=rate)
    session, port, emulator = session_on(faults)
    session.link()
    image = firmware_image()
    request = image_request(image, "OpenBL602.bin", session, BootloaderPolicy.KEEP, tmp_path)
    report = change_flash(session, request)
    assert report.outcome is not None
    flash = bytes(emulator.flash.data)
    assert flash[0x11000 : 0x11000 + len(image)] == image
    for span in (Span(0, 0x10000), Span(0xD8000, 0x200000 - 0xD8000)):
        assert span.of(flash) == span.of(STOCK)
    port.wait(0.1)
    assert emulator.mode is Mode.FIRMWARE


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_write_over_a_bad_line_succeeds(tmp_path, seed):
    faults = LineFaults(seed=seed)
    session, _, emulator = session_on(faults)
    session.link()
    faults.flips_to_chip = faults.flips_to_host = 1e-5
    image = firmware_image(size=0x40000)
    request = image_request(image, "OpenBL602.bin", session, BootloaderPolicy.KEEP, tmp_path)
    change_flash(session, request)
    flash = bytes(emulator.flash.data)
    assert flash[0x11000 : 0x11000 + len(image)] == image
    assert flash[:0x10000] == STOCK[:0x10000]
    assert flash[0xD8000:] == STOCK[0xD8000:]
