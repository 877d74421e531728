"""What differs outside the plan is kept before it is repaired: it may be newer than the backup."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from groundwire.chips.family import BootloaderPolicy, Identity
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families
from groundwire.jobs.ports import open_emulated
from groundwire.jobs.session import Session
from groundwire.jobs.write import change_flash, image_request
from groundwire.planning.plan import WritePlan
from groundwire.sim.modules import firmware_image, stock_flash

CHIP = "BK7231N"
SETTINGS = 0x1F0000


def test_a_sector_that_changed_after_the_backup_is_in_the_folder(tmp_path: Path) -> None:
    stock = stock_flash(CHIP)
    flash = NorFlash(stock)
    opened = open_emulated(CHIP, flash)
    session = Session(opened.port, families(), tell=opened.listener(lambda _event: None))
    session.link()
    newer = bytes(range(256)) * 16

    def consent(_plan: WritePlan, _identity: Identity) -> bool:
        flash.data[SETTINGS : SETTINGS + 0x1000] = newer
        return True

    image = firmware_image(CHIP)
    request = image_request(image, "image", session, BootloaderPolicy.KEEP, tmp_path)
    request = replace(request, consent=consent)
    report = change_flash(session, request)
    assert report.outcome is not None
    assert [span.start for span in report.outcome.repaired] == [SETTINGS]
    assert flash.read(SETTINGS, 0x1000) == stock[SETTINGS : SETTINGS + 0x1000]
    (kept,) = report.folder.glob("found-*.bin")
    assert kept.name == "found-1-0x1f0000.bin"
    assert kept.read_bytes() == newer
