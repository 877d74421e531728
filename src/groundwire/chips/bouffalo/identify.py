"""Finding out what a module is: from the boot ROM alone, and with the RAM loader all of it."""

# Ref: PROTOCOL.md, section 3 (boot info), section 9 (flash layout)

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from groundwire.chips.bouffalo.access import read_span
from groundwire.chips.bouffalo.codec import U32
from groundwire.chips.bouffalo.exchange import RETRIED, Exchange
from groundwire.chips.bouffalo.facts import (
    LOADER_VERSION,
    ChipFacts,
    chip_by_version,
    chip_facts,
    find_flash,
    flash_size_of,
    packages_of,
)
from groundwire.chips.bouffalo.layout import BOOT2, factory_span, health_of, table_of
from groundwire.chips.bouffalo.messages import ReadJedecId, ReadMemory
from groundwire.chips.bouffalo.replies import BootInfo, Data, JedecId, mac_text
from groundwire.chips.family import SECTOR, Identity, Region, RfHealth
from groundwire.errors import DamagedImage, UnsupportedHere
from groundwire.evidence import Evidence
from groundwire.images.bouffalo import boot_header, partition_table
from groundwire.quantities import Span, size_text
from groundwire.wire import Procedure

FAMILY: Final = "bouffalo"
ID_WITHIN_S: Final = 1.0
MEMORY_WITHIN_S: Final = 0.3
EFUSE_WORD: Final = 0x4000_7018  # eFuse as the processor sees it: end of the MAC, and device info
EMBEDDED_SIZES: Final = {1: 0x100000, 2: 0x200000, 3: 0x400000}
LARGE_PACKAGE: Final = 1 << 31
DEVICE_INFO_BITS: Final = 24  # what lies above them is 0 on chips whose eFuse does not tell
NO_SIZE: Final = "the boot ROM does not tell; the RAM loader would"


@dataclass(slots=True)
class Findings:
    """What has been found so far."""

    facts: ChipFacts = field(default_factory=lambda: chip_facts("BL602"))
    locked: str = ""
    package_known: bool = False
    size: int = 0
    size_source: str = NO_SIZE
    flash_id: str = ""
    flash_part: str = ""
    mac: str = ""
    bootloader: str = ""
    rf: RfHealth = RfHealth.UNKNOWN
    regions: tuple[Region, ...] = ()
    evidence: list[Evidence] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def note(self, fact: str, value: str, source: str) -> None:
        """One more piece of evidence."""
        self.evidence.append(Evidence(fact, value, source))


def find_chip(link: Exchange, found: Findings) -> Procedure[BootInfo | None]:
    """Which chip answers; its boot info where that has a form whose fields are known.

    Raises:
        UnsupportedHere: a version word that nobody has written about.
    """
    info = yield from link.ask_info()
    found.note("version word", f"0x{info.version:08X}", "GetBootInfo")
    facts = chip_by_version(info.version)
    if info.version == LOADER_VERSION:
        facts = chip_facts("BL602")  # only its loader puts this word there
    if facts is None:
        raise UnsupportedHere(
            asked="working with this chip",
            reason=f"boot ROM version 0x{info.version:08X} is none that groundwire knows",
            advice="report the version and the text printed on the module",
        )
    found.facts = facts
    if not facts.supported:
        found.warnings.append(f"{facts.name} is recognised but not supported: {facts.reason}")
    if not isinstance(info, BootInfo):
        return None
    if info.mac_fits:
        found.mac = mac_text(info.mac)
        found.note("MAC", found.mac, "GetBootInfo; its zero bits are counted right")
    else:
        found.warnings.append("the eFuse holds no MAC whose check is right")
    if info.sign or info.encrypt:
        kind = "signed" if info.sign else "encrypted"
        found.locked = f"the chip is locked: it runs {kind} programs only"
        found.warnings.append(found.locked)
        found.note("security", kind, "GetBootInfo")
    return info


def find_device_info(link: Exchange, found: Findings, info: BootInfo) -> Procedure[None]:
    """Package and embedded flash, where eFuse tells them; the boot ROM alone can say this.

    A BL604 whose eFuse does not tell passes for a BL602; for this protocol they are the same.
    Read as a register and not with the eFuse command, which one flipped bit turns into a write.
    """
    try:
        reply = yield from link.ask_once(ReadMemory(EFUSE_WORD, 4), Data, within_s=MEMORY_WITHIN_S)
    except RETRIED as error:
        yield from link.recover(error, "ReadMemory")
        return
    if len(reply.data) != 4:
        return
    word = int(U32.unpack(reply.data)[0])
    if reply.data[:2] != info.mac[4:] or word >> 16 & 0x3F != info.mac_zero_bits & 0x3F:
        return  # the register does not show the eFuse now
    found.package_known = bool(word >> DEVICE_INFO_BITS)
    if word & LARGE_PACKAGE:
        found.facts = chip_facts("BL604")
        found.note("package", "QFN40", "eFuse device info")
    size = EMBEDDED_SIZES.get(word >> 27 & 3, 0)
    if size and not found.size:
        found.size, found.size_source = size, "eFuse device info"
        found.note("embedded flash", size_text(size), "eFuse device info")


def find_flash_chip(link: Exchange, found: Findings) -> Procedure[None]:
    """The flash by its id, which only the RAM loader can ask for."""
    reply = yield from link.ask(ReadJedecId(), JedecId, within_s=ID_WITHIN_S)
    found.flash_id = reply.id.hex()
    row = find_flash(found.flash_id)
    found.flash_part = row.part if row else ""
    found.note("flash id", found.flash_id, "ReadJedecId")
    if not reply.flag & 0x80:
        found.warnings.append(
            f"the RAM loader does not know flash {found.flash_id}: an older loader, or a new part"
        )
    size = flash_size_of(reply.id)
    if size and found.size_source != "given by the user":
        found.size, found.size_source = size, "flash id"
    if not found.size:
        raise UnsupportedHere(
            asked="finding the size of the flash",
            reason=f"its id reads {found.flash_id}, which is no flash's",
            advice="check the supply of the module, or name the size",
        )


def find_content(link: Exchange, found: Findings) -> Procedure[None]:
    """What boots, how the flash is divided, and whether the device tree is there."""
    head = bytearray(b"\xff" * BOOT2.size)
    for at in (0, *partition_table.ADDRESSES):
        head[at : at + SECTOR] = yield from read_span(link, Span(at, SECTOR))
    describe_head(bytes(head), found)
    factory = factory_span(found.regions)
    if factory is not None:
        found.rf = health_of((yield from read_span(link, Span(factory.start, SECTOR))))
        warn_of_radio(found)


def describe_head(head: bytes, found: Findings) -> None:
    """What the first 64 KiB of a flash tell."""
    try:
        header = boot_header.parse(head)
    except DamagedImage:
        found.warnings.append("there is no boot header at 0: this flash does not start")
    else:
        whole = header.header_ok is not False
        found.bootloader = f"boot2, {header.image_size:,} bytes" if whole else "boot2, damaged"
        found.note("boot header", found.bootloader, "flash at 0")
    found.regions = table_of(head, found.size)
    if found.regions:
        names = ", ".join(region.name for region in found.regions)
        found.note("partition table", names, "flash at 0xE000 and 0xF000")
    else:
        found.warnings.append("there is no valid partition table at 0xE000 or 0xF000")


def warn_of_radio(found: Findings) -> None:
    """Say so where the device tree is missing."""
    if found.rf in (RfHealth.ERASED, RfHealth.DAMAGED):
        found.warnings.append(
            f"the device tree with the radio calibration is {found.rf.value}: the firmware starts "
            "with a zero MAC, or not at all"
        )


def finish(found: Findings) -> Identity:
    """The findings as a value."""
    return Identity(
        family=FAMILY,
        chip=found.facts.name,
        protocol="RAM loader" if found.flash_id else "boot ROM",
        flash_size=found.size,
        flash_size_source=found.size_source,
        flash_id=found.flash_id,
        flash_part=found.flash_part,
        bootloader=found.bootloader,
        mac=found.mac,
        rf=found.rf,
        partitions=found.regions,
        evidence=tuple(found.evidence),
        warnings=tuple(found.warnings),
        may_be=() if found.package_known else packages_of(found.facts),
    )
