"""Lifting write protection as each flash needs it, only where it is set, and putting it back."""

import pytest

from contract.module import BoundedBench, attempt, open_session
from contract.rigs import rig_of
from groundwire.chips.nor_flash import CMP, QE, FlashQuirks, NorFlash
from groundwire.errors import FlashProtected, UnsupportedHere
from groundwire.tables.flash_chips import StatusWrite, flash_chips

N = rig_of("BK7231N")
ROWS = [row for row in flash_chips() if row.size == N.size]
SOME = {(row.status_write, row.protect_mask, row.status_bytes): row for row in ROWS}


def session_on(flash):
    return open_session(BoundedBench(N.family.emulator("BK7231N", flash)), rate=115_200)


@pytest.mark.parametrize("row", SOME.values(), ids=lambda row: row.jedec_id)
def test_every_way_of_writing_a_status_is_lifted_and_put_back(row):
    wanted = row.protect_mask & 0x401C | (QE if row.status_bytes >= 2 else 0)
    flash = NorFlash(N.stock, row.jedec_id, status=wanted)
    session = session_on(flash)
    session.run_once(session.flasher.begin_writing())
    if row.status_write is not StatusWrite.NONE:
        assert flash.status & row.protect_mask == 0
        assert flash.status & QE == wanted & QE, "all other bits keep their values"
    session.run_once(session.flasher.end_writing())
    assert flash.status == wanted


@pytest.mark.parametrize("jedec_id", ["eb6015", "852015", "854215"])
@pytest.mark.parametrize("status", [0, QE])
def test_what_is_open_is_not_written(jedec_id, status):
    flash = NorFlash(N.stock, jedec_id, status=status)
    session = session_on(flash)
    session.run_once(session.flasher.begin_writing())
    session.run_once(session.flasher.end_writing())
    assert flash.wear.status_writes == 0


def test_a_two_byte_write_that_is_ignored_is_not_the_end():
    flash = NorFlash(
        N.stock, "eb6015", status=CMP | 0x1C, quirks=FlashQuirks(ignores_pair_write=True)
    )
    session = session_on(flash)
    session.run_once(session.flasher.begin_writing())
    assert flash.status & 0x407C == 0


def test_a_register_that_is_locked_is_an_error_that_names_it():
    flash = NorFlash(N.stock, "eb6015", status=0x1C)
    session = session_on(flash)
    flash._status_locked = True
    error = attempt(lambda: session.run_once(session.flasher.begin_writing()))
    assert isinstance(error, FlashProtected)
    assert (error.flash_id, error.status, error.mask) == ("eb6015", 0x1C, 0x407C)


def test_an_unknown_flash_that_is_protected_is_not_experimented_with():
    flash = NorFlash(N.stock, "123415", status=0x1C)
    session = session_on(flash)
    error = attempt(lambda: session.run_once(session.flasher.begin_writing()))
    assert isinstance(error, UnsupportedHere)
    assert "0x001C" in error.what
    assert flash.wear.status_writes == 0


def test_protection_that_came_back_with_a_reset_is_lifted_again():
    flash = NorFlash(N.stock, "eb6015", status=0x1C)
    session = session_on(flash)
    session.run_once(session.flasher.begin_writing())
    flash.status = 0x1C
    session.run_once(session.flasher.begin_writing())
    assert flash.status == 0
    session.run_once(session.flasher.end_writing())
    assert flash.status == 0x1C
