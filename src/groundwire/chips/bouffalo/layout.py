"""The regions of a BL602 flash: by its own partition table, or where there is none, by habit."""

# Ref: PROTOCOL.md, section 9 (flash layout)

from __future__ import annotations

from typing import Final

from groundwire.chips.family import SECTOR, Identity, Layout, Region, RegionKind, RfHealth
from groundwire.images.bouffalo import partition_table
from groundwire.images.bouffalo.partition_table import PartitionTable, Row
from groundwire.quantities import Span

BOOT2_NAME: Final = "boot2 and partition tables"
BOOT2: Final = Span(0, 0x10000)
FACTORY: Final = "factory"
DEVICE_TREE: Final = b"\xd0\x0d\xfe\xed"
HABIT: Final = 0xD8000  # the firmware's room in the vendor's present 2 MiB layout
SMALLEST: Final = 0x100000


def regions_of(table: PartitionTable, flash_size: int) -> tuple[Region, ...]:
    """What a partition table declares, in order of address; overlapping rows are left out."""
    found: list[Region] = []
    for row in table.rows:
        found += _regions_of_row(row)
    out: list[Region] = []
    for region in sorted(found, key=lambda one: one.span):
        end = out[-1].span.end if out else BOOT2.end
        if region.span.start >= end and region.span.end <= flash_size:
            out.append(region)
    return tuple(out)


def _regions_of_row(row: Row) -> list[Region]:
    if not row.is_plausible:
        return []
    out: list[Region] = []
    for index in (0, 1):
        slot = row.slot(index)
        if slot is None or not slot.is_aligned(SECTOR):
            continue
        kind = RegionKind.SETTINGS
        name = row.name
        if row.name.lower() == "fw":
            kind = RegionKind.APP if index == row.active else RegionKind.DOWNLOAD
            name = "firmware" if kind is RegionKind.APP else "update area"
        elif row.name.lower() == FACTORY:
            kind, name = RegionKind.RF, "device tree and radio calibration"
        out.append(Region(name, kind, slot))
    return out


def layout_for(identity: Identity) -> Layout:
    """The regions of a module's flash; the mask ROM serves the protocol, so nothing else does."""
    boot2 = Region(BOOT2_NAME, RegionKind.BOOTLOADER, BOOT2)
    declared = identity.partitions
    if declared:
        return Layout((boot2, *declared))
    size = max(identity.flash_size, SMALLEST)
    app = Span.between(BOOT2.end, min(BOOT2.end + HABIT, size))
    rest = Span.between(app.end, size)
    regions = [boot2, Region("firmware", RegionKind.APP, app)]
    if rest.size:
        regions.append(Region("settings", RegionKind.SETTINGS, rest))
    return Layout(tuple(regions))


def factory_span(regions: tuple[Region, ...]) -> Span | None:
    """Where the device tree lies, if the table says so."""
    return next((one.span for one in regions if one.kind is RegionKind.RF), None)


def health_of(first_bytes: bytes) -> RfHealth:
    """The state of the device tree, by its first bytes."""
    if first_bytes.startswith(DEVICE_TREE):
        return RfHealth.PRESENT
    if first_bytes.count(0xFF) == len(first_bytes):
        return RfHealth.ERASED
    return RfHealth.DAMAGED


def table_of(head: bytes, flash_size: int) -> tuple[Region, ...]:
    """The regions that the table in force declares; `head` is the flash from 0 on."""
    table = partition_table.in_force(head)
    return regions_of(table, flash_size) if table else ()
