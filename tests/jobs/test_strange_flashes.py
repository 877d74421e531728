"""Flash chips that are protected, unknown, silent, erased, or smaller than they say."""

from dataclasses import replace

import pytest

from contract.module import BoundedBench, attempt, open_session, request_for
from contract.rigs import rig_of
from groundwire.chips.nor_flash import CMP, QE, FlashQuirks, NorFlash
from groundwire.errors import (
    BackupUnusable,
    ExitCode,
    FlashError,
    FlashProtected,
    FlashSilent,
    GroundwireError,
    UnsupportedHere,
)
from groundwire.jobs.backup import check_sense, repeating_unit, take_backup
from groundwire.jobs.write import change_flash
from groundwire.quantities import Span
from groundwire.sim.modules import stock_flash

N, T = rig_of("BK7231N"), rig_of("BK7231T")
BP_ALL = 0x1C  # BP0 to BP2


def write_on(rig, flash, tmp_path, **changes):
    """The write job on a module with this flash; the report or the error."""
    bench = BoundedBench(rig.family.emulator(rig.part, flash))
    outcome = []

    def job():
        session = open_session(bench, loader=rig.loader)
        request = replace(request_for(session, rig, tmp_path), **changes)
        outcome.append(change_flash(session, request))

    error = attempt(job)
    return outcome[0] if outcome else error


# --- protection -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("jedec_id", "status"),
    [
        ("eb6015", BP_ALL),
        ("eb6015", 0x7C),
        ("eb6015", CMP),
        ("eb6015", CMP | BP_ALL | QE),
        ("852015", BP_ALL),
        ("852015", CMP | QE),
        ("852015", 0),
        ("854215", BP_ALL),
        ("854215", CMP | BP_ALL),
        ("854215", CMP | QE),
        ("1c7015", BP_ALL),
    ],
)
def test_protection_is_lifted_for_the_write_and_put_back(tmp_path, jedec_id, status):
    flash = NorFlash(N.stock, jedec_id, status=status)
    report = write_on(N, flash, tmp_path)
    assert not isinstance(report, GroundwireError), report
    assert bytes(flash.data) == N.written()
    assert flash.status == status
    if not status:
        assert flash.wear.status_writes == 0, "a status that needs no change is never written"


@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
def test_a_flash_that_stays_protected_is_an_error_of_its_own(tmp_path, rig):
    """Locked until power is removed, or for ever: the registers take nothing."""
    flash = NorFlash(rig.stock, "eb6015" if rig is N else "1c7015", status=BP_ALL)
    flash._status_locked = True
    flash.power_cycle = lambda: None
    error = write_on(rig, flash, tmp_path)
    assert isinstance(error, FlashError)
    assert error.exit_code is ExitCode.FLASH
    if rig is N:  # a loader lifts the protection by itself and does not tell
        assert isinstance(error, FlashProtected)
        assert "eb6015" in error.what
    assert bytes(flash.data) == rig.stock


def test_identifying_and_reading_never_touch_the_status(tmp_path):
    flash = NorFlash(N.stock, "852015", status=BP_ALL)
    session = open_session(BoundedBench(N.family.emulator("BK7231N", flash)))
    take_backup(session, tmp_path / "backup.bin")
    assert flash.wear.status_writes == 0
    assert flash.status == BP_ALL


# --- unknown and silent -----------------------------------------------------------------------------


def test_an_unknown_flash_is_sized_by_its_wrap_and_written_where_it_is_open(tmp_path):
    flash = NorFlash(N.stock, "123415")
    report = write_on(N, flash, tmp_path)
    assert not isinstance(report, GroundwireError), report
    assert report.identity.flash_size == N.size
    assert "wrap" in report.identity.flash_size_source
    assert bytes(flash.data) == N.written()


def test_an_unknown_flash_that_is_protected_is_left_alone(tmp_path):
    flash = NorFlash(N.stock, "123415", status=BP_ALL)
    error = write_on(N, flash, tmp_path)
    assert isinstance(error, UnsupportedHere)
    assert error.exit_code is ExitCode.UNSUPPORTED
    assert "123415" in error.what
    assert bytes(flash.data) == N.stock
    assert flash.wear.status_writes == 0


@pytest.mark.parametrize("content", [b"\xff" * 0x200000, bytes(0x200000)], ids=["erased", "zeros"])
def test_an_unknown_flash_without_content_cannot_be_sized(content):
    flash = NorFlash(content, "123415")
    bench = BoundedBench(N.family.emulator("BK7231N", flash))
    error = attempt(lambda: open_session(bench))
    assert isinstance(error, UnsupportedHere)
    assert "no wrap-around" in error.what


@pytest.mark.parametrize("jedec_id", ["000000", "ffffff"])
def test_a_flash_that_does_not_answer_says_so(tmp_path, jedec_id):
    flash = NorFlash(N.stock, jedec_id, quirks=FlashQuirks(silent=jedec_id == "000000"))
    error = write_on(N, flash, tmp_path)
    assert isinstance(error, FlashSilent)
    assert error.flash_id == jedec_id
    assert "power away completely" in error.next_step
    assert bytes(flash.data) == N.stock


# --- content that is no backup -----------------------------------------------------------------------


def test_an_erased_module_has_nothing_to_back_up(tmp_path):
    flash = NorFlash(b"\xff" * N.size, "eb6015")
    error = write_on(N, flash, tmp_path)
    assert isinstance(error, BackupUnusable)
    assert "erased" in error.finding
    assert not list(tmp_path.iterdir())
    assert not flash.wear.sectors_erased


@pytest.mark.parametrize("kept", [True, False], ids=["with backup", "without backup"])
def test_a_flash_of_half_the_size_that_its_id_says_is_never_written(tmp_path, kept):
    """Addresses above its end would hit the bootloader."""
    half = stock_flash("BK7231N")[: N.size // 2]
    flash = NorFlash(half, "eb6015")
    error = write_on(N, flash, tmp_path, keep_backup=kept)
    assert isinstance(error, GroundwireError)
    assert "smaller than it seems" in error.what
    assert bytes(flash.data) == half
    assert not flash.wear.sectors_erased


def test_what_a_backup_may_not_be():
    for data, unit in ((bytes(0x8000), 1), (b"\xff" * 0x8000, 1), (bytes(range(256)) * 64, 256)):
        assert repeating_unit(data) == unit
        with pytest.raises(BackupUnusable):
            check_sense(data)
    check_sense(N.stock)
    check_sense(bytes(0x7FFF) + b"\1")
    assert repeating_unit(N.stock) is None
    assert Span(0, N.size).of(N.stock) == N.stock
