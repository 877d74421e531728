"""UF2 packages: blocks, tags, schemes, patches."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwire.errors import DamagedImage
from groundwire.images import uf2
from groundwire.images.uf2 import Flag, Part, Scheme, Tag
from groundwire.quantities import Span

FAMILY_N = 0x7B3EF230


def tag(kind, value):
    raw = bytes([len(value) + 4]) + kind.to_bytes(3, "little") + value
    return raw + bytes(-len(raw) % 4)


def block(number, count, data=b"", tags=b"", address=0, flags=0):
    flags |= Flag.FAMILY_ID | (Flag.TAGS if tags else 0)
    head = struct.pack("<8I", *uf2.MAGICS, flags, address, len(data), number, count, FAMILY_N)
    return head + (data + tags).ljust(476, b"\0") + struct.pack("<I", uf2.END_MAGIC)


def table(*rows):
    return b"".join(
        struct.pack("<I16s16sIII", 0x45503130, name, b"flash0", offset, size, 0)
        for name, offset, size in rows
    )


def package():
    head = tag(Tag.BOARD, b"generic") + tag(Tag.OTA_PART_LIST, bytes.fromhex("110110"))
    head += tag(Tag.FAL_PTABLE, table((b"app", 0x11000, 0x1000), (b"ota2", 0x20000, 0x1000)))
    info = tag(Tag.OTA_PART_INFO, bytes.fromhex("012012") + b"app\0ota2\0")
    patch = tag(Tag.BINPATCH, bytes([0xFE, 6]) + struct.pack("<i", -1) + bytes([0, 4]))
    return b"".join(
        (
            block(0, 3, tags=head, flags=Flag.NOT_MAIN_FLASH),
            block(1, 3, struct.pack("<3I", 10, 20, 30), info + patch),
            block(2, 3, b"tail", address=0x20),
        )
    )


def test_a_package_is_opened():
    opened = uf2.parse(package())
    assert opened.problems == ()
    assert opened.family == FAMILY_N
    assert opened.text(Tag.BOARD) == "generic"
    assert opened.schemes == (
        Scheme.DEVICE_SINGLE, Scheme.DEVICE_DUAL_1, Scheme.FLASHER_SINGLE, Scheme.FLASHER_DUAL_1
    )  # fmt: skip
    assert opened.partitions[0].span == Span(0x11000, 0x1000)


def test_each_scheme_takes_its_own_partition_and_the_second_slot_is_patched():
    opened = uf2.parse(package())
    plain = struct.pack("<3I", 10, 20, 30).ljust(0x20, b"\xff") + b"tail"
    patched = struct.pack("<3I", 9, 19, 30).ljust(0x20, b"\xff") + b"tail"
    assert opened.extract(Scheme.DEVICE_SINGLE) == ()
    assert opened.extract(Scheme.DEVICE_DUAL_1) == (Part("app", 0x11000, plain),)
    assert opened.extract(Scheme.DEVICE_DUAL_2) == (Part("ota2", 0x20000, patched),)
    assert opened.extract(Scheme.FLASHER_DUAL_1) == (Part("app", 0x11000, plain),)
    assert opened.extract(Scheme.FLASHER_DUAL_2) == (Part("ota2", 0x20000, patched),)


def test_a_block_outside_its_partition_is_refused():
    bad = package()[:1024] + block(2, 3, b"tail", address=0x0FFE)
    with pytest.raises(DamagedImage) as caught:
        uf2.parse(bad).extract(Scheme.DEVICE_DUAL_1)
    assert caught.value.finding == "block 2 leaves the partition 'app'"


def test_a_far_address_without_a_table_is_bounded():
    info = tag(Tag.OTA_PART_INFO, bytes.fromhex("100000") + b"app\0")
    bad = block(0, 1, b"x", info, address=0xFFFFFF00)
    with pytest.raises(DamagedImage):
        uf2.parse(bad).extract(Scheme.DEVICE_SINGLE)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda raw: raw[:1024], "the file says it has 3 blocks, 2 are there"),
        (lambda raw: raw[:1500], "the file ends within a block: it is cut off"),
        (lambda raw: raw[:512] + bytes(512) + raw[1024:], "a block has not the three magic numbers"),
        (lambda raw: raw[:512] + raw[1024:] + raw[512:1024], "block 2 stands where block 1 should be"),
    ],
)  # fmt: skip
def test_damage_is_named(change, problem):
    assert problem in [text for _, text in uf2.parse(change(package())).problems]


def test_many_large_partitions_are_refused_before_they_fill_the_memory():
    blocks = [
        block(number, 20, b"x", tag(Tag.OTA_PART_INFO, bytes(3) + b"") + tag(
            Tag.OTA_PART_INFO, bytes.fromhex("100000") + b"p%d\0" % number
        ), address=0xFFFF00)
        for number in range(20)
    ]  # fmt: skip
    with pytest.raises(DamagedImage) as caught:
        uf2.parse(b"".join(blocks)).extract(Scheme.DEVICE_SINGLE)
    assert caught.value.finding == "its partitions are more than any flash holds"


def test_a_file_of_tags_is_refused():
    crowded = block(0, 600, tags=tag(1, b"") * 118)
    with pytest.raises(DamagedImage) as caught:
        uf2.parse(crowded * 600)
    assert caught.value.finding == "more than 65536 tags are no package"


def test_a_patch_outside_its_block_is_refused():
    info = tag(Tag.OTA_PART_INFO, bytes.fromhex("001000") + b"app\0")
    patch = tag(Tag.BINPATCH, bytes([0xFE, 5]) + struct.pack("<i", 1) + bytes([200]))
    with pytest.raises(DamagedImage) as caught:
        uf2.parse(block(0, 1, bytes(100), info + patch)).extract(Scheme.DEVICE_DUAL_2)
    assert caught.value.finding == "a binary patch leaves its block at 200"


@given(st.binary(max_size=600), st.integers(0, 3))
def test_any_bytes_are_a_package_or_damaged(data, repeats):
    try:
        opened = uf2.parse(uf2.MAGIC + data + package()[: 512 * repeats])
        for scheme in Scheme:
            opened.extract(scheme)
    except DamagedImage:
        pass


@given(st.integers(0, 1023), st.binary(min_size=1, max_size=40))
def test_a_package_with_any_bytes_overwritten_never_fails_otherwise(at, new):
    raw = bytearray(package())
    raw[at : at + len(new)] = new
    try:
        opened = uf2.parse(raw)
        for scheme in Scheme:
            opened.extract(scheme)
    except DamagedImage:
        pass
