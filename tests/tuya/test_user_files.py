from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus import corpus_folder, dump
from groundwire.tuya.user_files import directories, find_copies, kept_sectors, user_files
from store_builder import PINS

SECTOR = 4096


def directory(*files: tuple[str, int, list[int]]) -> bytes:
    rows = b"".join(
        name.encode().ljust(32, b"\0") + size.to_bytes(4, "little")
        + b"".join(block.to_bytes(2, "little") for block in blocks).ljust(64, b"\0")
        for name, size, blocks in files
    )  # fmt: skip
    head = (0x98764321).to_bytes(4, "little") + bytes(12)
    return (head + rows).ljust(SECTOR, b"\0")


AREA = (
    directory(("log_seq_stat", 0, []), ("oem_cfg", len(PINS), [2]), ("logseq0", 5000, [3, 4]),
              ("gamma_cfg", 10, [5]), ("lost", 10, [200])) * 2
    + PINS.encode().ljust(1024, b"Z").ljust(SECTOR, b"\xff")
    + b"\xff" * 3 * SECTOR
)  # fmt: skip


def test_files_and_their_sectors():
    flash = b"\xff" * SECTOR + AREA
    assert directories(flash) == [0x1000, 0x2000]
    assert [(file.name, file.size, file.sectors) for file in user_files(flash, 0x1000)] == [
        ("oem_cfg", len(PINS), (0x3000,)), ("logseq0", 5000, (0x4000, 0x5000)),
        ("gamma_cfg", 10, (0x6000,)),
    ]  # fmt: skip


def test_the_copy_of_the_settings_is_found_whatever_pads_it():
    (copy,) = find_copies(AREA)
    assert copy.offset == 0x2000
    assert copy.parameters.text == PINS
    assert copy.parameters.check_ok


def test_a_whole_copy_comes_before_a_spoilt_one():
    spoilt = PINS.replace("26", "24")
    flash = b"".join(text.encode().ljust(SECTOR, b"\xff") for text in (spoilt, PINS))
    assert [copy.parameters.check_ok for copy in find_copies(flash)] == [True, False]


def test_logs_are_not_among_the_sectors_to_keep():
    assert kept_sectors(AREA) == {0, 0x1000, 0x2000, 0x5000}


@given(st.binary(max_size=3000), st.booleans())
def test_any_area_is_read_in_bounds(noise, marked):
    head = (0x98764321).to_bytes(4, "little") if marked else b"{a:1,crc:"
    flash = (head + noise).ljust(2 * SECTOR, b"\0")
    assert all(offset < len(flash) for offset in kept_sectors(flash))
    find_copies(flash)


@pytest.mark.corpus
def test_stock_dumps_of_beken_have_two_equal_directories():
    seen = 0
    for path in sorted((corpus_folder() / "dumps").glob("*.expected.json")):
        if not json.loads(path.read_text())["own"].get("tuya_storage"):
            continue
        flash = dump(path.name.removesuffix(".expected.json"))
        found = directories(flash)
        if found:
            first, second = found
            assert second == first + SECTOR
            seen += 1
    assert seen
