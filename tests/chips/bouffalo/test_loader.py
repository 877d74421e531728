"""RAM loader files: recognised, refused, made provable and guarded."""

import struct

import pytest

from groundwire.chips.bouffalo import loader
from groundwire.chips.bouffalo.messages import Op
from groundwire.errors import NotALoader
from groundwire.framing.crc import crc32
from groundwire.sim.bouffalo import LOADER_OPS, stand_in_loader

GOOD = stand_in_loader()
SENT = (Op.GET_BOOT_INFO, Op.RESET, Op.PROGRAM, Op.READ, Op.READ_JEDEC_ID, Op.READ_STATUS,
        Op.WRITE_STATUS, Op.SHA256, Op.PROVE_GUARD, Op.GUARDED_ERASE)  # fmt: skip


def test_a_good_file_is_parsed_and_named():
    image = loader.parse_loader(GOOD)
    assert image.size == len(GOOD)
    assert loader.name_loader(GOOD).startswith("unknown loader, SHA-256 ")
    assert loader.image_hash(image) == image.header[132:164]


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda d: d[:100], "does not begin with a boot header"),
        (lambda d: b"MZ" + d[2:], "does not begin with a boot header"),
        (lambda d: d[:-1], "announces"),
        (lambda d: d + b"\0", "announces"),
        (lambda d: d[:116] + b"\x01\x03\0\0" + d[120:], "signed or encrypted"),
        (lambda d: d[:120] + b"\x02\0\0\0" + d[124:], "2 segments"),
        (lambda d: d[:176] + b"\x01" + d[177:], "CRC of its segment header"),
    ],
)
def test_other_files_are_refused_with_the_reason(change, finding):
    with pytest.raises(NotALoader, match=finding) as caught:
        loader.parse_loader(change(GOOD))
    assert caught.value.next_step == "run: groundwire loader get"


def test_a_wrong_address_is_refused():
    start = struct.pack("<III", 0x22020000, len(GOOD) - 192, 0)
    with pytest.raises(NotALoader, match="made for address 0x22020000"):
        loader.parse_loader(GOOD[:176] + start + struct.pack("<I", crc32(start)) + GOOD[192:])


def test_an_unchecked_file_becomes_a_checked_one():
    header = bytearray(GOOD[:176])
    struct.pack_into("<I", header, 116, 0x30300)
    header[132:164] = b"\xef\xbe\xad\xde" + bytes(28)
    header[172:176] = b"\xef\xbe\xad\xde"
    image = loader.make_provable(loader.parse_loader(bytes(header) + GOOD[176:]))
    assert image.header[116:120] == struct.pack("<I", 0x300)
    assert image.header[132:164] == loader.image_hash(image)
    assert image.header[172:176] == struct.pack("<I", crc32(image.header[:172]))


def test_the_guard_changes_the_command_table_and_nothing_else():
    before, after = loader.parse_loader(GOOD), loader.ready_to_send(GOOD)
    assert after.guarded
    rows = loader.command_table(before.data, before.segment)
    assert bytes(row.op for row in rows) == LOADER_OPS
    table = range(rows[0].offset, rows[-1].offset + 8)
    changed = [at for at, (a, b) in enumerate(zip(before.data, after.data, strict=True)) if a != b]
    assert changed
    assert all(at in table for at in changed)
    now = {row.op: row for row in loader.command_table(after.data, after.segment)}
    assert now[Op.GUARDED_ERASE].handler == rows[LOADER_OPS.index(Op.ERASE)].handler
    assert now[Op.PROVE_GUARD].handler == rows[0].handler


def test_no_single_bit_makes_an_erase_of_anything_that_is_sent():
    distances = {op: (op ^ Op.GUARDED_ERASE).bit_count() for op in SENT if op != Op.GUARDED_ERASE}
    assert min(distances.values()) >= 3
    after = loader.ready_to_send(GOOD)
    on = {row.op for row in loader.command_table(after.data, after.segment) if row.on}
    harmful = {Op.ERASE, Op.ERASE_ALL, Op.WRITE_EFUSE, Op.BOOT_FROM_FLASH}
    assert not on & harmful


def test_a_loader_without_a_table_is_sent_as_it_is():
    data = bytes(4096)
    start = struct.pack("<III", 0x22010000, len(data), 0)
    file = GOOD[:176] + start + struct.pack("<I", crc32(start)) + data
    image = loader.ready_to_send(file)
    assert not image.guarded
    assert image.data == data
