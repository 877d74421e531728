"""What can be checked in files that describe themselves, counted for the health report."""

from __future__ import annotations

from collections.abc import Iterator

from groundwire.errors import GroundwireError
from groundwire.images import uf2
from groundwire.images.beken import package, ug
from groundwire.images.bouffalo import boot_header, ota, partition_table
from groundwire.images.bouffalo.boot_header import HEADER_SIZE, IMAGE_GAP
from groundwire.images.bouffalo.identify import firmware_address
from groundwire.images.findings import Check
from groundwire.images.kinds import ImageKind

_DEVICE_TREE = b"\xd0\x0d\xfe\xed"


def container_checks(data: bytes, kind: ImageKind) -> tuple[Check, ...]:
    """The checks of one file; those behind the first part that cannot be opened are left out."""
    makers = {
        ImageKind.UG: _wrapper,
        ImageKind.RBL: _package,
        ImageKind.UF2: _uf2,
        ImageKind.BL602_APP: _bl602_app,
        ImageKind.BL602_WHOLE: _bl602_whole,
        ImageKind.BL602_OTA: _bl602_update,
    }
    if kind not in makers:
        return ()
    found: list[Check] = []
    try:
        found.extend(makers[kind](data))
    except GroundwireError:
        found.append(Check("the file can be opened", 0, 1))
    return tuple(found)


def _one(name: str, *, ok: bool | None) -> Iterator[Check]:
    """One check, or none where there is nothing to compare with."""
    if ok is not None:
        yield Check(name, int(ok), 1)


def _package(data: bytes) -> Iterator[Check]:
    opened = package.unpack(data)
    yield from _one("checksum of the container", ok=opened.body_ok)
    yield from _one("size of the unpacked application", ok=opened.size_ok)
    yield from _one("hash of the unpacked application", ok=opened.hash_ok)


def _wrapper(data: bytes) -> Iterator[Check]:
    opened = ug.parse(data)
    yield from _one("sum of the wrapper's header", ok=opened.header_sum_ok)
    yield from _one("size of the wrapper's content", ok=opened.size_ok)
    yield from _one("sum of the wrapper's content", ok=opened.payload_sum_ok)
    yield from _package(opened.payload)


def _uf2(data: bytes) -> Iterator[Check]:
    opened = uf2.parse(data)
    total = max(-(-len(data) // uf2.BLOCK_SIZE), opened.blocks[0].count)
    yield Check("blocks of the package", len(opened.blocks), total)


def _image(data: bytes, at: int, gap: int, name: str) -> Iterator[Check]:
    header = boot_header.parse(data[at : at + HEADER_SIZE])
    checks = [ok for ok in (header.flash_ok, header.clock_ok, header.header_ok) if ok is not None]
    yield Check(f"checksums in the boot header of the {name}", sum(checks), len(checks))
    image = data[at + gap : at + gap + header.image_size]
    yield from _one(f"SHA-256 of the {name}", ok=header.hash_fits(image))


def _bl602_app(data: bytes) -> Iterator[Check]:
    if data.startswith(boot_header.MAGIC):
        yield from _image(data, 0, IMAGE_GAP, "application")


def _bl602_whole(data: bytes) -> Iterator[Check]:
    yield from _image(data, 0, boot_header.image_start_of(data), "second bootloader")
    copies = partition_table.find(data)
    good = sum(table.ok for _, table in copies)
    yield Check("copies of the partition table", good, len(partition_table.ADDRESSES))
    yield from _image(data, firmware_address(data), IMAGE_GAP, "application")
    table = partition_table.in_force(data)
    row = table.row("factory") if table is not None else None
    if row is not None and row.is_plausible:
        start = row.address[0]
        found = data[start : start + len(_DEVICE_TREE)] == _DEVICE_TREE
        yield Check("device tree with MAC address and radio trims", int(found), 1)


def _bl602_update(data: bytes) -> Iterator[Check]:
    if data.startswith(ota.XZ_MAGIC):
        yield from _bl602_app(ota.unpack(data))
        return
    opened = ota.parse(data)
    yield from _one("SHA-256 of the packed body", ok=opened.hash_ok)
    yield from _one("size of the unpacked body", ok=opened.size_ok)
    yield from _bl602_app(opened.unpacked)
