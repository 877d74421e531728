"""Where an image goes on a BL602 module, and why it may not."""

# Ref: PROTOCOL.md, sections on boot header, flash layout and release files

from __future__ import annotations

from typing import Final

from groundwire.chips.bouffalo.identify import FAMILY
from groundwire.chips.bouffalo.layout import BOOT2, regions_of
from groundwire.chips.family import (
    BootloaderPolicy,
    Identity,
    Layout,
    Piece,
    Placement,
    Region,
    RegionKind,
    RfHealth,
)
from groundwire.errors import (
    DamagedImage,
    ImageTooLarge,
    RefusedBySafety,
    UnknownImage,
    WrongFamily,
)
from groundwire.evidence import Evidence
from groundwire.images.bouffalo import boot_header, ota, partition_table
from groundwire.images.bouffalo.boot_header import HEADER_SIZE, IMAGE_GAP
from groundwire.images.bouffalo.identify import firmware_address
from groundwire.images.recognise import ImageKind, Recognition, recognise
from groundwire.quantities import Span, hex_address

KINDS: Final = (ImageKind.BL602_APP, ImageKind.BL602_OTA, ImageKind.BL602_WHOLE)
KEPT: Final = "the module keeps its own boot2 and partition table"
CHOOSE: Final = (
    "choose the release file for BL602: OpenBL602_ with the version, or the same with _OTA"
)
NOT_COVERED: Final = "settings, update area and device tree stay as they are"
MENDING: Final = (
    "restore a backup of this module, or write a whole-flash file with its bootloader for this "
    "flash size"
)


def place(
    data: bytes, name: str, identity: Identity, layout: Layout, policy: BootloaderPolicy
) -> Placement:
    """The parts of an image that are to be written to this module.

    Raises:
        UnknownImage, DamagedImage, WrongFamily, ImageTooLarge: it would not start.
        RefusedBySafety: it would take away what makes the module start.
    """
    seen = recognise(data)
    if seen.family and seen.family != FAMILY:
        source = "; ".join(f"{one.fact}: {one.value}" for one in seen.evidence[:4])
        found = " or ".join(seen.chips) or seen.family
        raise WrongFamily(name=name, found=found, expected=identity.chip, evidence=source)
    if seen.kind not in KINDS:
        finding = "; ".join(problem.text for problem in seen.problems[:2]) or "nothing is known"
        raise UnknownImage(name=name, size=len(data), finding=finding, advice=CHOOSE)
    if seen.app is None or not seen.app_valid:
        where = "; ".join(str(problem) for problem in seen.problems[:3])
        raise DamagedImage(name=name, finding=where or "its application is incomplete")
    if policy is BootloaderPolicy.REPLACE:
        pieces = _with_bootloader(data, name, seen, identity)
    else:
        _require_base(identity)
        pieces = []
    slot = _slot(data, layout, policy)
    application = _application(data, seen)
    if len(application) > slot.size or slot.end > identity.flash_size:
        needs = Span(slot.start, len(application))
        raise ImageTooLarge(name=name, span=needs, limit=min(slot.end, identity.flash_size))
    pieces.append(Piece(slot.start, application, "application, boot header in front"))
    left_out = [] if policy is BootloaderPolicy.REPLACE else [(BOOT2, KEPT)]
    if slot.end < identity.flash_size:
        left_out.append((Span.between(slot.end, identity.flash_size), NOT_COVERED))
    kind = f"{seen.kind.value}, {seen.version or 'unknown version'}"
    return Placement(kind, tuple(pieces), tuple(left_out), (*seen.evidence, _slot_evidence(slot)))


def _slot_evidence(slot: Span) -> Evidence:
    return Evidence("firmware slot", hex_address(slot.start), "the active row of the table")


def _slot(data: bytes, layout: Layout, policy: BootloaderPolicy) -> Span:
    """The room for the firmware: by the table that will be in force."""
    if policy is BootloaderPolicy.REPLACE:
        table = partition_table.in_force(data)
        row = table.row("FW") if table else None
        slot = row.active_slot if row else None
        if slot is not None:
            return slot
    return layout.of_kind(RegionKind.APP)[0].span


def _application(data: bytes, seen: Recognition) -> bytes:
    """Header page and image as they lie in flash, whatever form the file has."""
    if seen.kind is ImageKind.BL602_OTA:
        return ota.unpack(data)
    if seen.kind is ImageKind.BL602_WHOLE:
        at = firmware_address(data)
        header = boot_header.parse(data[at : at + HEADER_SIZE])
        return data[at : at + IMAGE_GAP + header.image_size]
    if data.startswith(boot_header.MAGIC):
        return data
    # the generic flash block lets the chip find out what flash it has; clocks are for 40 MHz,
    # which every known module has
    built, padded = boot_header.for_image(data)
    return built.build().ljust(IMAGE_GAP, b"\xff") + padded


def _require_base(identity: Identity) -> None:
    """An application starts only behind boot2, a partition table and a device tree.

    Raises:
        RefusedBySafety: one of them is missing on the module.
    """
    missing = []
    if not identity.bootloader or "damaged" in identity.bootloader:
        missing.append("boot2 at 0")
    if not identity.partitions:
        missing.append("a valid partition table at 0xE000")
    if identity.rf in (RfHealth.ERASED, RfHealth.DAMAGED):
        missing.append("the device tree with the radio calibration")
    if missing:
        raise RefusedBySafety(
            rule="an application needs what starts it: boot2, partition table and device tree are "
            "checked first and supplied only from a backup or a file that is named",
            finding=f"the module lacks {' and '.join(missing)}",
            override=MENDING,
        )


def _with_bootloader(data: bytes, name: str, seen: Recognition, identity: Identity) -> list[Piece]:
    """Boot2 and both partition tables of a whole-flash file.

    Raises:
        RefusedBySafety: the file has none, or its table moves what must stay.
        DamagedImage: they would not start.
    """
    if seen.kind is not ImageKind.BL602_WHOLE:
        raise RefusedBySafety(
            rule="boot2 lies at address 0 and starts everything else; an application or update "
            "file written there would destroy it",
            finding=f"{name!r} is an application without boot2, not a whole flash",
            override="write it as the application that it is, and keep the bootloader",
        )
    table = partition_table.in_force(data)
    if not seen.bootloader_valid or table is None:
        where = "; ".join(str(problem) for problem in seen.problems[:3])
        raise DamagedImage(name=name, finding=where or "its boot2 or partition table is damaged")
    theirs = _must_be_found(regions_of(table, identity.flash_size))
    mine = _must_be_found(identity.partitions)
    if not mine <= theirs:
        raise RefusedBySafety(
            rule="settings and radio calibration would lie where the new table does not look",
            finding=f"the partition table in {name!r} divides the flash in another way",
            override="keep the bootloader: the application alone fits the table of this module",
        )
    if not mine and len(data) != identity.flash_size:
        raise RefusedBySafety(
            rule="a partition table belongs to one flash size",
            finding=f"{name!r} is not of the size of this module's flash",
            override="choose a whole-flash file of the same size",
        )
    return [Piece(0, data[: BOOT2.size], "boot2 and partition tables")]


def _must_be_found(regions: tuple[Region, ...]) -> set[tuple[str, int]]:
    """Names and places of what the new table must find where the old one had it."""
    kinds = (RegionKind.RF, RegionKind.SETTINGS)
    return {(region.name, region.span.start) for region in regions if region.kind in kinds}
