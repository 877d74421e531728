"""The table of flash chips: every row sound, ids unique, sizes as the id says."""

import re

import pytest

from groundwire.tables.flash_chips import StatusWrite, find_flash_chip, flash_chips

NO_SIZE_IN_THE_ID = {"014b42"}  # a pseudo id that one tool lists; its third byte is no size


def test_all_rows_load():
    chips = flash_chips()
    assert len(chips) == 88
    ids = [chip.jedec_id for chip in chips]
    assert ids == sorted(ids)
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("chip", flash_chips(), ids=lambda chip: chip.jedec_id)
def test_each_row_is_sound(chip):
    assert re.fullmatch("[0-9a-f]{6}", chip.jedec_id)
    assert chip.part
    assert chip.maker
    assert chip.source
    if chip.jedec_id not in NO_SIZE_IN_THE_ID:
        assert chip.size == 1 << int(chip.jedec_id[4:], 16)
    assert 0x10000 <= chip.size <= 64 << 20
    assert chip.status_bytes in (0, 1, 2, 3)
    assert chip.protect_mask & 0x8383 == 0  # never WIP, WEL, SRP, QE or suspend
    if chip.status_bytes == 0:
        assert (chip.protect_mask, chip.status_write) == (0, StatusWrite.NONE)
    elif chip.status_bytes == 1:
        assert chip.status_write is StatusWrite.SINGLE
    if chip.status_bytes:
        assert chip.protect_mask & 0x1C == 0x1C  # three block protection bits at least


@pytest.mark.parametrize(
    ("jedec_id", "part", "status_bytes", "protect_mask", "status_write"),
    [
        ("1c7015", "EN25QH16B", 1, 0x003C, StatusWrite.SINGLE),
        ("eb6015", "TH25Q16HB", 2, 0x407C, StatusWrite.PAIR),
        ("854215", "P25Q16HB", 2, 0x407C, StatusWrite.SEPARATE),
        ("852015", "P25Q16HBK", 2, 0x407C, StatusWrite.PAIR),
        ("514013", "GD25D40", 1, 0x001C, StatusWrite.SINGLE),
    ],
)
def test_rows_by_their_values(jedec_id, part, status_bytes, protect_mask, status_write):
    chip = find_flash_chip(jedec_id)
    assert (chip.part, chip.status_bytes) == (part, status_bytes)
    assert (chip.protect_mask, chip.status_write) == (protect_mask, status_write)


def test_an_unknown_id():
    assert find_flash_chip("123456") is None
    assert find_flash_chip("") is None
