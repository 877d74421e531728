"""The flash's write protection is put back however a write ends, as long as the module answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from groundwire.chips.family import BootloaderPolicy
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families
from groundwire.errors import StoppedPartWay
from groundwire.events import Event, Progress
from groundwire.jobs.ports import open_emulated
from groundwire.jobs.session import Session
from groundwire.jobs.write import change_flash, image_request
from groundwire.sim.modules import firmware_image, stock_flash

PROTECTED = 0x407C
CHIP = "BK7231N"


def run(flash: NorFlash, folder: Path, *, stop_at: int | None = None) -> None:
    opened = open_emulated(CHIP, flash)
    written = [0]

    def tell(event: Event) -> None:
        if isinstance(event, Progress) and event.action == "write":
            written[0] = event.done

    session = Session(
        opened.port,
        families(),
        tell=opened.listener(tell),
        stop=lambda: stop_at is not None and written[0] >= stop_at,
    )
    session.link()
    image = firmware_image(CHIP)
    change_flash(session, image_request(image, "image", session, BootloaderPolicy.KEEP, folder))


def test_a_finished_write_leaves_the_protection_as_it_was(tmp_path: Path) -> None:
    flash = NorFlash(stock_flash(CHIP), status=PROTECTED)
    run(flash, tmp_path)
    assert flash.status & PROTECTED == PROTECTED
    assert flash.read(0x20000, 0x1000) == firmware_image(CHIP)[0x20000:0x21000]


def test_a_cancelled_write_does_too_and_can_be_finished(tmp_path: Path) -> None:
    flash = NorFlash(stock_flash(CHIP), status=PROTECTED)
    with pytest.raises(StoppedPartWay):
        run(flash, tmp_path, stop_at=0x40000)
    assert flash.status & PROTECTED == PROTECTED
    run(flash, tmp_path)
    assert flash.status & PROTECTED == PROTECTED
    assert flash.read(0xC0000, 0x1000) == firmware_image(CHIP)[0xC0000:0xC1000]
