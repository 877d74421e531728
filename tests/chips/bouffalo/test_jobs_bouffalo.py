"""The jobs know nothing of this family, and do their work on it all the same."""

from dataclasses import replace

import pytest

import corpus
from groundwire.chips.bouffalo.emulated_chip import ChipOptions
from groundwire.chips.bouffalo.emulator import BouffaloEmulator, Mode
from groundwire.chips.bouffalo.offline import identify_dump
from groundwire.chips.family import BootloaderPolicy, RegionKind, RfHealth
from groundwire.chips.ladder import LadderOptions
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families, family_of
from groundwire.errors import ChipContradicted, LoaderMissing, NothingLinked, UnsupportedHere
from groundwire.events import Heard, NeedHands, Notice
from groundwire.jobs.backup import take_backup
from groundwire.jobs.restore import RestoreRequest, restore_backup
from groundwire.jobs.session import Session, SessionOptions
from groundwire.jobs.verify import verify_image
from groundwire.jobs.write import change_flash, image_request
from groundwire.openbeken.search import find_configs
from groundwire.quantities import Span
from groundwire.sim.bench import Adapter, BenchPort
from groundwire.sim.bouffalo import FLASH_SIZE, firmware_image, stand_in_loader, stock_flash
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


def test_without_a_loader_a_backup_says_what_to_do(tmp_path):
    session, _, _ = session_on(loader=b"")
    assert session.link().chip == "BL602"
    assert session.flasher.rate == 115_200
    with pytest.raises(LoaderMissing, match="none is at hand"):
        take_backup(session, tmp_path / "backup.bin")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("chip", ["BL702", "BL616"])
def test_relatives_are_identified_and_refused_by_every_job(chip, tmp_path):
    port = BenchPort(BouffaloEmulator(chip), Adapter())
    session = Session(port, families(), SessionOptions(ladder=OPTIONS, loader=LOADER))
    assert session.link().chip == chip
    with pytest.raises(UnsupportedHere, match=chip):
        take_backup(session, tmp_path / "backup.bin")


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


def test_a_running_module_is_named_by_its_log_within_seconds():
    """The user takes it for a BK7231N and resets it by hand, without holding BOOT."""
    emulator = BouffaloEmulator("BL602", STOCK, ChipOptions(boot_by_hands=False))
    port = BenchPort(emulator, Adapter())
    told = []

    def tell(event):
        told.append((port.now(), event))
        if isinstance(event, NeedHands) and not port.hands_are_busy and port.now() < 2:
            port.press_reset(after_s=0.5)

    session = Session(port, families(), SessionOptions(chip="BK7231N", ladder=OPTIONS), tell=tell)
    with pytest.raises(NothingLinked, match="Bouffalo BL602 prints its log at 2000000 baud"):
        session.link()
    heard = [(at, event) for at, event in told if isinstance(event, Heard)]
    named = [at for at, event in heard if "Bouffalo BL602" in event.detail]
    assert named
    assert named[0] < 10
    asked = [event.instruction for at, event in told if isinstance(event, NeedHands)]
    assert "hold BOOT" in asked[-1]
    assert "CEN to GND" in asked[0]


def test_the_chip_is_named_before_its_loader_is_there():
    port = BenchPort(BouffaloEmulator("BL602", STOCK), Adapter())
    told = []
    options = SessionOptions(ladder=OPTIONS, loader=LOADER)
    session = Session(
        port, families(), options, tell=lambda event: told.append((port.now(), event))
    )
    session.link()
    at, notice = next((at, event) for at, event in told if isinstance(event, Notice))
    assert notice.text == "this is a BL602, MAC 7C:B9:4C:00:00:01"
    assert at < 1.0


def test_a_chip_that_is_named_wrongly_is_contradicted_with_evidence():
    emulator = BouffaloEmulator("BL602", STOCK)
    options = SessionOptions(chip="BK7231N", ladder=OPTIONS)
    session = Session(BenchPort(emulator, Adapter()), families(), options)
    with pytest.raises(ChipContradicted, match="this is a BL602") as caught:
        session.link()
    assert "version word 0x00000001" in caught.value.means


@pytest.mark.corpus
@pytest.mark.parametrize("name", ["bl602-obk-full", "bl602-blank-2m"])
def test_a_real_flash_goes_round(name, tmp_path):
    """Backed up, inspected, written to, verified, and restored byte for byte."""
    real = corpus.dump(name).ljust(FLASH_SIZE, b"\xff")
    session, _, emulator = session_on(content=real)
    session.link()
    backup = take_backup(session, tmp_path / "real.bin")
    assert backup.data == real
    identity = identify_dump(real)
    assert identity is not None
    assert identity.partitions == session.identity.partitions
    assert (identity.bootloader, identity.rf) == (session.identity.bootloader, RfHealth.PRESENT)
    image = firmware_image(size=0x30000)
    request = image_request(image, "OpenBL602.bin", session, BootloaderPolicy.KEEP, tmp_path)
    change_flash(session, replace(request, given_backup=tmp_path / "real.bin", reboot=False))
    verify_image(session, image, "OpenBL602.bin", BootloaderPolicy.KEEP)
    slot = session.layout.of_kind(RegionKind.APP)[0].span
    flash = bytes(emulator.flash.data)
    assert (flash[: slot.start], flash[slot.end :]) == (real[: slot.start], real[slot.end :])
    assert flash != real
    restored = RestoreRequest(backup=tmp_path / "real.bin", base=tmp_path, reboot=False)
    report = restore_backup(session, restored)
    assert report.outcome is not None
    assert emulator.flash.data == real


@pytest.mark.corpus
def test_the_configuration_in_a_backup_is_found():
    found = find_configs(corpus.dump("bl602-obk-full"), "BL602")
    assert [(one.key, one.config.checksum_ok) for one in found] == [("mY0bcFg", True)]
    table = identify_dump(corpus.dump("bl602-obk-full")).partitions
    settings = next(region.span for region in table if region.name == "PSM")
    assert settings.contains(found[0].span)
