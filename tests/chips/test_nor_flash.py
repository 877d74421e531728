"""The flash behind the emulators: bits, protection, wear, power cuts and raw SPI."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.chips.nor_flash import (
    BLOCK_32K,
    BLOCK_64K,
    PAGE,
    SECTOR,
    FlashQuirks,
    FlashTimings,
    NorFlash,
)

MIB = 1 << 20


def flash(size=2 * MIB, jedec_id="eb6015", **options):
    return NorFlash(size, jedec_id, **options)


def test_a_new_flash_is_erased_and_programming_clears_bits_only():
    nor = flash()
    assert nor.read(0, 4) == b"\xff" * 4
    nor.program(0x1000, b"\xf0\x0f")
    nor.program(0x1000, b"\x3c\x3c")
    assert nor.read(0x0FFF, 4) == b"\xff\x30\x0c\xff"


def test_erase_takes_the_unit_around_the_address():
    nor = NorFlash(bytes(2 * MIB))
    assert nor.erase(0x12345, SECTOR) == pytest.approx(0.045)
    assert nor.data.count(0xFF) == SECTOR
    assert nor.data[0x12000:0x13000] == b"\xff" * SECTOR
    assert nor.erase(0x2ABCD, BLOCK_64K) == pytest.approx(0.35)
    assert nor.data[0x20000:0x30000] == b"\xff" * BLOCK_64K
    assert nor.erase(0x3ABCD, BLOCK_32K) == pytest.approx(0.2)
    assert nor.data[0x38000:0x40000] == b"\xff" * BLOCK_32K
    assert nor.data.count(0xFF) == SECTOR + BLOCK_64K + BLOCK_32K
    assert nor.erase_all() == pytest.approx(3.5)
    assert nor.data.count(0xFF) == 2 * MIB


def test_addresses_wrap_at_the_size():
    nor = flash()
    nor.program(2 * MIB + 0x1000, b"abc")
    assert nor.read(0x1000, 3) == b"abc"
    assert nor.read(0x80001000, 3) == b"abc"
    nor.program(2 * MIB - 1, b"xy")
    assert nor.read(2 * MIB - 1, 2) == b"xy"
    nor.erase(2 * MIB + 0x1000, SECTOR)
    assert nor.read(0x1000, 3) == b"\xff" * 3


def test_size_must_be_whole_sectors():
    with pytest.raises(ValueError):
        NorFlash(4095)
    with pytest.raises(ValueError):
        NorFlash(b"")


# first protected address, address after the last, by data sheet tables of 16 and 32 Mbit parts
@pytest.mark.parametrize(
    ("jedec_id", "size", "status", "start", "end"),
    [
        ("eb6015", 2 * MIB, 0x0000, 0, 0),
        ("eb6015", 2 * MIB, 0x007C, 0, 2 * MIB),
        ("eb6015", 2 * MIB, 0x0004, 0x1F0000, 2 * MIB),
        ("eb6015", 2 * MIB, 0x0014, 0x100000, 2 * MIB),
        ("eb6015", 2 * MIB, 0x0018, 0, 2 * MIB),
        ("eb6015", 2 * MIB, 0x0024, 0, 0x10000),
        ("eb6015", 2 * MIB, 0x0044, 0x1FF000, 2 * MIB),
        ("eb6015", 2 * MIB, 0x0070, 0, 0x8000),
        ("eb6015", 2 * MIB, 0x4000, 0, 2 * MIB),
        ("eb6015", 2 * MIB, 0x4004, 0, 0x1F0000),
        ("eb6015", 2 * MIB, 0x407C, 0, 0),
        ("ef4016", 4 * MIB, 0x0018, 0x200000, 4 * MIB),
        ("1c7015", 2 * MIB, 0x0040, 0, 0),  # bit 6 protects nothing on this part
        ("1c7015", 2 * MIB, 0x003C, 0, 2 * MIB),
    ],
)
def test_protected_range_by_status_bits(jedec_id, size, status, start, end):
    nor = flash(size, jedec_id, status=status)
    for at in {0, start, end - 1, size - 1, start - 1, end, size // 2, SECTOR}:
        if 0 <= at < size:
            assert nor.protected(at) == (start <= at < end), hex(at)


def test_protection_is_silent_and_costs_no_wear():
    nor = NorFlash(bytes(2 * MIB), status=0x407C & ~0x7C)
    assert nor.erase(0x1000, SECTOR) == 0
    assert nor.program(0x1000, b"\0" * 300) == 0
    assert nor.wear.operations == 0
    assert nor.data == bytes(2 * MIB)


def test_a_block_with_one_protected_sector_is_left_alone_as_a_whole():
    nor = NorFlash(bytes(2 * MIB), status=0x0044)
    nor.erase(0x1F0000, BLOCK_64K)
    assert nor.data.count(0xFF) == 0
    nor.erase(0x1F0000, SECTOR)
    assert nor.data.count(0xFF) == SECTOR


def test_status_writes_keep_what_cannot_be_written():
    nor = flash()
    assert nor.write_status(0x01, b"\xff\x42") == pytest.approx(0.005)
    assert nor.status == 0x42FC
    nor.write_status(0x01, b"\x04")
    assert nor.status == 0x4204
    nor.write_status(0x31, b"\x02")
    assert nor.status == 0x0204
    nor.write_status(0x01, b"")
    nor.write_status(0x11, b"\x7c")
    assert nor.status == 0x0204
    assert [nor.read_status(command, 9.0) for command in (0x05, 0x35, 0x15)] == [0x04, 0x02, 0x00]


def test_one_register_parts_ignore_the_second_byte():
    nor = flash(jedec_id="1c7015")
    nor.write_status(0x01, b"\x3c\x40")
    assert nor.status == 0x003C
    assert nor.read_status(0x35) == 0


def test_srp1_locks_the_registers_until_power_is_removed():
    nor = flash(status=0x0004)
    nor.write_status(0x01, b"\x04\x01")
    nor.write_status(0x01, b"\x00\x00")
    assert nor.status == 0x0104
    nor.power_cycle()
    nor.write_status(0x01, b"\x00\x00")
    assert nor.status == 0


def test_852015_turns_a_status_write_that_changes_nothing_into_all_ones():
    nor = flash(jedec_id="852015")
    nor.write_status(0x01, b"\0\0")
    assert nor.status == 0x7BFC
    nor.write_status(0x01, b"\0\0")
    assert nor.status == 0x7BFC
    nor.power_cycle()
    nor.write_status(0x01, b"\0\0")
    assert nor.status == 0


def test_854215_ignores_two_bytes_and_takes_them_one_by_one():
    nor = flash(jedec_id="854215", status=0x4004)
    nor.write_status(0x01, b"\0\0")
    assert nor.status == 0x4004
    nor.write_status(0x01, b"\0")
    assert nor.status == 0x4000
    nor.write_status(0x31, b"\0")
    assert nor.status == 0


def test_quirks_can_be_put_on_any_part():
    nor = flash(quirks=FlashQuirks(silent=True))
    nor.program(0, b"abc")
    nor.erase(0, SECTOR)
    assert nor.read(0, 3) == bytes(3)
    assert nor.exchange(b"\x9f\0\0\0") == bytes(4)
    assert nor.data.count(0xFF) == 2 * MIB


# --- wear and power cuts -------------------------------------------------------------------------


def test_wear_counts_pages_and_sectors():
    nor = flash()
    nor.program(0x10F0, bytes(0x120))
    nor.erase(0x20000, BLOCK_64K)
    nor.erase(0x21000, SECTOR)
    assert nor.wear.operations == 5
    assert nor.wear.programs_by_page == {0x1000: 1, 0x1100: 1, 0x1200: 1}
    assert nor.wear.erases_by_sector[0x21000] == 2
    assert len(nor.wear.sectors_erased) == 16


def test_power_cut_in_an_erase_leaves_a_mixture_that_is_the_same_every_time():
    left = []
    for _ in range(2):
        nor = NorFlash(bytes(range(256)) * (2 * MIB // 256))
        told = []
        nor.on_power_cut = lambda told=told: told.append(True)
        nor.cut_at_operation = 2
        nor.erase(0x1000, SECTOR)
        nor.erase(0x2000, SECTOR)
        assert told == [True]
        assert not nor.powered
        nor.program(0x1000, b"\0")  # nobody is at home
        assert nor.data[0x1000:0x2000] == b"\xff" * SECTOR
        left.append(bytes(nor.data[0x2000:0x3000]))
        assert left[-1] not in (b"\xff" * SECTOR, bytes(range(256)) * 16)
        assert nor.data[0x3000:0x3100] == bytes(range(256))
        nor.power_cycle()
        nor.erase(0x2000, SECTOR)
        assert nor.data[0x1000:0x3000] == b"\xff" * 2 * SECTOR
    assert left[0] == left[1]


def test_power_cut_in_a_program_leaves_the_first_part_of_the_page():
    nor = flash()
    nor.cut_at_operation = 3
    nor.program(0x1000, bytes(SECTOR))
    assert nor.data[0x1000:0x1200] == bytes(0x200)
    third = nor.data[0x1200:0x1300]
    done = third.count(0)
    assert 0 <= done < PAGE
    assert third == bytes(done) + b"\xff" * (PAGE - done)
    assert nor.data[0x1300:0x2000] == b"\xff" * 0xD00
    assert nor.wear.operations == 3


# --- raw SPI -------------------------------------------------------------------------------------


def test_identification():
    nor = flash(jedec_id="1c7015")
    assert nor.exchange(b"\x9f\0\0\0").hex() == "001c7015"
    assert nor.exchange(b"\xab\0\0\0\0").hex() == "00ffffff14"
    assert len(set(nor.exchange(b"\x4b" + bytes(12))[5:])) > 1
    assert nor.exchange(b"") == b""


def test_nothing_changes_without_write_enable():
    nor = flash()
    for out in (b"\x02\0\x10\0abc", b"\x01\x7c\x00", b"\x31\x40"):
        nor.exchange(out)
    nor.exchange(b"\x06")
    nor.exchange(b"\x04")
    nor.exchange(b"\x02\0\x10\0abc")
    assert nor.data.count(0xFF) == 2 * MIB
    assert nor.status == 0


def test_page_program_wraps_inside_the_page_and_clears_the_latch():
    nor = flash()
    nor.exchange(b"\x06", 0.0)
    assert nor.exchange(b"\x05\0", 0.0) == b"\0\x02"
    nor.exchange(b"\x02\x00\x10\xfeabcd", 0.0)
    assert nor.exchange(b"\x05\0", 0.0001) == b"\0\x01"
    assert nor.exchange(b"\x03\0\x10\0\0", 0.0001)[4:] == b"\xff"  # still busy
    assert nor.exchange(b"\x05\0", 0.01) == b"\0\0"
    assert nor.exchange(b"\x03\0\x10\0\0\0\0", 0.01)[4:] == b"cd\xff"
    assert nor.read(0x10FE, 3) == b"ab\xff"


@pytest.mark.parametrize(
    ("command", "size", "busy_s"),
    [
        (b"\x20\0\x12\x34", SECTOR, 0.045),
        (b"\x52\0\x92\x34", BLOCK_32K, 0.2),
        (b"\xd8\0\x92\x34", BLOCK_64K, 0.35),
        (b"\xc7", 2 * MIB, 3.5),
    ],
)
def test_erase_commands(command, size, busy_s):
    nor = NorFlash(bytes(2 * MIB))
    nor.exchange(b"\x06", 1.0)
    nor.exchange(command, 1.0)
    assert nor.data.count(0xFF) == size
    assert nor.busy(1.0 + busy_s - 0.001)
    assert not nor.busy(1.0 + busy_s + 0.001)


def test_status_write_over_spi_shows_busy_with_the_latch_cleared_by_write_disable():
    nor = flash(status=0x407C)
    nor.exchange(b"\x06", 0.0)
    nor.exchange(b"\x01\0\0", 0.0)
    nor.exchange(b"\x04", 0.0)
    assert nor.exchange(b"\x05\0", 0.001) == b"\0\x01"
    assert nor.exchange(b"\x05\0", 0.006) == b"\0\0"
    assert nor.exchange(b"\x35\0", 0.006) == b"\0\0"


def test_deep_power_down_and_software_reset():
    nor = flash()
    nor.program(0, b"abc")
    nor.exchange(b"\xb9")
    assert nor.exchange(b"\x9f\0\0\0") == b"\xff" * 4
    nor.exchange(b"\xab")
    assert nor.exchange(b"\x9f\0\0\0")[1:].hex() == "eb6015"
    nor.exchange(b"\x06")
    nor.exchange(b"\x66")
    nor.exchange(b"\x99")
    assert nor.exchange(b"\x05\0") == b"\0\0"


@given(st.lists(st.tuples(st.binary(max_size=300), st.floats(0, 1)), max_size=12))
def test_raw_exchange_never_raises_and_answers_byte_for_byte(exchanges):
    nor = NorFlash(8192)
    for out, at_s in exchanges:
        assert len(nor.exchange(out, at_s)) == len(out)
    assert nor.size == 8192


@given(
    st.integers(0, 1 << 33), st.binary(max_size=600), st.integers(0, 0xFFFF), st.integers(0, 9000)
)
def test_programming_never_sets_a_bit(address, data, status, size):
    nor = NorFlash(b"\x5a" * 16384, timings=FlashTimings(), status=status)
    nor.program(address, data)
    assert set(nor.data) <= {value & 0x5A for value in range(256)}
    assert len(nor.read(address, size)) == size
