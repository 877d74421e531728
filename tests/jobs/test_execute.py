"""Frames that were damaged into other commands: found, repaired, reported, or at least not lied about.

Requests carry no checksum, so one flipped bit makes another command of them. Chosen frames are
damaged here on purpose, one bit at a time.
"""

import pytest

from contract.module import Module, attempt, differing_sectors, open_session, request_for, write
from contract.rigs import rig_of
from groundwire.errors import (
    ExitCode,
    FlashChanged,
    FlashError,
    FlashProtected,
    GroundwireError,
    StoppedPartWay,
)
from groundwire.events import Notice
from groundwire.jobs.backup import take_backup
from groundwire.jobs.write import change_flash
from groundwire.quantities import Span

LONG = bytes.fromhex("01e0fcfff4")
ERASE, WRITE, READ = 0x0F, 0x07, 0x09
OP_AT, ERASE_ADDRESS_AT, ADDRESS_AT = 7, 9, 8
N, T, U = rig_of("BK7231N"), rig_of("BK7231T"), rig_of("BK7231U")


def is_long(data, op):
    return data[:5] == LONG and len(data) > OP_AT and data[OP_AT] == op


def damage_one(op, byte, mask, which=0):
    """Damage the bits of `mask` in one byte of the n-th command of a kind, once."""
    seen = [0]

    def damage(_number, data):
        if not is_long(data, op):
            return data
        seen[0] += 1
        if seen[0] != which + 1:
            return data
        out = bytearray(data)
        out[byte] ^= mask
        return bytes(out)

    return damage


def short_write(rig, tmp_path, damage, before_job=None):
    """A short write during which a frame is damaged."""
    start = rig.nearly_written()
    module = Module(rig, start)
    backup = tmp_path / "given.bin"
    backup.write_bytes(start)
    bench = module.plug()
    bench.damage = damage
    session = open_session(bench, loader=rig.loader)
    outcome = []
    request = request_for(session, rig, tmp_path, backup)
    error = attempt(lambda: outcome.append(change_flash(session, request)))
    return module, session, (outcome[0] if outcome else error)


@pytest.mark.parametrize("rig", [N, U], ids=["BK7231N", "BK7231U"])
@pytest.mark.parametrize("mask", [0x10, 0x20, 0x80], ids=hex)
def test_an_erase_that_hits_another_sector_is_found_and_repaired(tmp_path, rig, mask):
    module, session, report = short_write(
        rig, tmp_path, damage_one(ERASE, ERASE_ADDRESS_AT + 1, mask)
    )
    assert not isinstance(report, GroundwireError), report
    assert module.now == rig.written()
    assert session.flasher.damaged or report.outcome.rounds > 1


def test_an_erase_that_hits_the_calibration_is_repaired_from_the_backup(tmp_path):
    """The address is damaged in more than one bit, so that it points at the calibration."""

    def damage(_number, data):
        if not is_long(data, ERASE) or hit:
            return data
        hit.append(1)
        return data[:ERASE_ADDRESS_AT] + N.radio.start.to_bytes(4, "little")

    hit = []
    module, session, report = short_write(N, tmp_path, damage)
    assert module.now == N.written()
    assert report.outcome.repaired == (N.radio,)
    notices = [event.text for event in session.tell.events if isinstance(event, Notice)]
    assert any(
        "0x1D0000..0x1D1000 differ from the backup, outside the plan" in text for text in notices
    )


@pytest.mark.parametrize("byte", range(ADDRESS_AT, ADDRESS_AT + 4))
@pytest.mark.parametrize("rig", [N, U], ids=["BK7231N", "BK7231U"])
def test_a_write_that_lands_elsewhere_is_found_and_repaired(tmp_path, rig, byte):
    module, _, report = short_write(rig, tmp_path, damage_one(WRITE, byte, 0x10))
    assert not isinstance(report, GroundwireError), report
    assert module.now == rig.written()


@pytest.mark.parametrize("at", [12, 500, 4107])
@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
def test_data_that_arrived_changed_is_written_again(tmp_path, rig, at):
    module, _, report = short_write(rig, tmp_path, damage_one(WRITE, at, 0x04))
    assert module.now == rig.written()
    assert report.outcome.rewritten == 1
    assert report.outcome.repaired == ()


def every_bit_of(op, size):
    return [(byte, 1 << bit) for byte in range(size) for bit in range(8)]


@pytest.mark.slow
@pytest.mark.parametrize("rig", [N, U], ids=["BK7231N", "BK7231U"])
@pytest.mark.parametrize(("byte", "mask"), every_bit_of(ERASE, 13))
def test_any_one_bit_of_an_erase(tmp_path, rig, byte, mask):
    module, _, report = short_write(rig, tmp_path, damage_one(ERASE, byte, mask))
    assert not isinstance(report, GroundwireError), report
    assert module.now == rig.written()


@pytest.mark.slow
@pytest.mark.parametrize("rig", [N, U], ids=["BK7231N", "BK7231U"])
@pytest.mark.parametrize(("byte", "mask"), every_bit_of(WRITE, 13))
def test_any_one_bit_of_the_head_of_a_write(tmp_path, rig, byte, mask):
    module, _, report = short_write(rig, tmp_path, damage_one(WRITE, byte, mask, which=3))
    assert not isinstance(report, GroundwireError), report
    assert module.now == rig.written()


@pytest.mark.slow
@pytest.mark.parametrize("op", [ERASE, WRITE])
@pytest.mark.parametrize(("byte", "mask"), every_bit_of(ERASE, 13))
def test_any_one_bit_on_a_chip_whose_addresses_wrap_is_never_called_done(tmp_path, op, byte, mask):
    """On a BK7231T a damaged address may hit the loader, where no repair reaches it."""
    module, _, report = short_write(T, tmp_path, damage_one(op, byte, mask))
    loader = Span(0, 0x11000)
    if isinstance(report, GroundwireError):
        assert isinstance(report, StoppedPartWay | FlashError)
        assert all(
            loader.contains(one) or T.room.contains(one)
            for one in differing_sectors(module.now, T.written())
        )
    else:
        assert module.now == T.written()


# --- reading ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", [0, 1, 17])
@pytest.mark.parametrize("lost", [False, True], ids=["answered", "its answer lost"])
def test_a_read_that_became_an_erase_is_reported_and_leaves_no_backup(tmp_path, which, lost):
    module = Module(N)
    bench = module.plug()
    session = open_session(bench)
    bench.damage = damage_one(READ, OP_AT, READ ^ 0x0B, which)
    if lost:
        bare = bench.damage

        def damage_and_lose(number, data):
            out = bare(number, data)
            if out != data:
                bench.faults.lose_replies = frozenset([bench._emissions])
            return out

        bench.damage = damage_and_lose
    error = attempt(lambda: take_backup(session, tmp_path / "backup.bin"))
    assert isinstance(error, FlashChanged), error
    assert error.exit_code is ExitCode.FLASH
    assert differing_sectors(module.now, N.stock) == [error.span]
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("rig", [N, T], ids=["BK7231N", "BK7231T"])
@pytest.mark.parametrize(("byte", "mask"), every_bit_of(READ, 12))
def test_any_one_bit_of_a_read(tmp_path, rig, byte, mask):
    module = Module(rig)
    bench = module.plug()
    session = open_session(bench)
    bench.damage = damage_one(READ, byte, mask, which=5)
    error = attempt(lambda: take_backup(session, tmp_path / "backup.bin"))
    if error is None:
        assert (tmp_path / "backup.bin").read_bytes() == rig.stock
        assert module.now == rig.stock
    else:
        assert isinstance(error, FlashChanged)
        assert not list(tmp_path.iterdir())
        assert differing_sectors(module.now, rig.stock) == [error.span]


# --- addresses that must never be sent -----------------------------------------------------------------


@pytest.mark.parametrize("part", ["BK7231T", "BK7231U", "BK7252"])
def test_nothing_is_ever_erased_or_written_at_or_above_the_flash_size_or_in_the_loader(
    tmp_path, part
):
    rig = rig_of(part)
    module = Module(rig)
    bench = module.plug()
    bench.faults.flips_to_host = 1e-6
    write(module, tmp_path, bench=bench)
    touched = []
    for data in bench.sent:
        if is_long(data, ERASE):
            size = {0x20: 0x1000, 0xD8: 0x10000}[data[8]]
            touched.append(Span(int.from_bytes(data[9:13], "little"), size))
        elif is_long(data, WRITE):
            touched.append(Span(int.from_bytes(data[8:12], "little"), 0x1000))
        else:
            assert not any(is_long(data, op) for op in (0x06, 0x0A, 0x0B, 0x0D))
    assert len(touched) > 100
    for span in touched:
        assert rig.room.contains(span), span
    assert module.now == rig.written()


# --- a flash that does not take it -------------------------------------------------------------------------


def test_a_flash_with_a_worn_bit_is_reported_with_its_place(tmp_path):
    """One bit of a sector stays 1 whatever is programmed."""
    module = Module(N, N.nearly_written())
    backup = tmp_path / "given.bin"
    backup.write_bytes(module.now)
    address = 0x25800
    real = module.flash.program

    def worn(at, data):
        took_s = real(at, data)
        module.flash.data[address] |= 0xFF if at <= address < at + len(data) else 0
        return took_s

    module.flash.program = worn
    session = open_session(module.plug())
    error = attempt(lambda: change_flash(session, request_for(session, N, tmp_path, backup)))
    assert isinstance(error, FlashError)
    assert not isinstance(error, FlashProtected)
    assert "0x25000..0x26000" in error.what
