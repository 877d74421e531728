"""Who answers: chip, group, flash, key, loader, MAC and calibration, without writing anything."""

# Ref: PROTOCOL.md, sections on identification, fingerprints and eFuse

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from groundwire.chips.beken.codec import SECTOR_SIZE
from groundwire.chips.beken.exchange import Exchange
from groundwire.chips.beken.facts import (
    PROTOCOLS,
    ChipFacts,
    Group,
    all_chips,
    chip_facts,
    layout_facts,
    loader_version,
)
from groundwire.chips.beken.messages import (
    BootVersion,
    CheckCrc,
    Crc,
    Read4K,
    ReadBootVersion,
    ReadReg,
    Register,
    SectorData,
    SpiData,
    SpiExchange,
    WriteReg,
)
from groundwire.chips.family import Identity, RfHealth
from groundwire.errors import (
    CommandRefused,
    CorruptFrame,
    FlashSilent,
    NoReply,
    ProtocolError,
    UnsupportedHere,
    WrongReply,
)
from groundwire.evidence import Evidence
from groundwire.images.beken import cipher, crc_blocks, rf
from groundwire.quantities import MIB, Span, hex_address, size_text
from groundwire.tables.flash_chips import FlashChip, find_flash_chip
from groundwire.wire import Procedure

CHIP_ID_REGISTER: Final = 0x800000
EFUSE_CONTROL: Final = 0x800074
EFUSE_DATA: Final = 0x800078
EFUSE_ADDRESS_BITS: Final = 0x1F02
EFUSE_VALID: Final = 0x100
EFUSE_KEY_BYTES: Final = 16
REGISTER_WITHIN_S: Final = 0.02
CRC_BYTES_PER_S: Final = 200_000  # the least that any host tool counts on
SECTOR_READ_S: Final = 0.02
READ_JEDEC_ID: Final = bytes([0x9F, 0, 0, 0])
SILENT_IDS: Final = ("000000", "ffffff")
SIZES: Final = (1 * MIB, 2 * MIB, 4 * MIB, 8 * MIB, 16 * MIB)
APP_LOGICAL: Final = 0x10000
APP_START: Final = 0x11000
TUYA_KEY: Final = (0x510FB093, 0xA3CBEADC, 0x5993A17E, 0xC7ADEB03)


@dataclass(slots=True)
class Findings:
    """What has been found so far; becomes an `Identity`."""

    facts: ChipFacts | None = None
    flash: FlashChip | None = None
    flash_id: str = ""
    size: int = 0
    size_source: str = ""
    key_class: str = ""
    bootloader: str = ""
    mac: str = ""
    rf: RfHealth = RfHealth.UNKNOWN
    rf_addresses: tuple[int, ...] = ()
    evidence: list[Evidence] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def learned(self, fact: str, value: str, source: str) -> None:
        """Keep a fact with its origin."""
        self.evidence.append(Evidence(fact, value, source))


# --- small questions -----------------------------------------------------------------------------


def read_register(link: Exchange, address: int) -> Procedure[int]:
    """The value of a register."""

    def attempt() -> Procedure[int]:
        reply = yield from link.ask_once(ReadReg(address), Register, within_s=REGISTER_WITHIN_S)
        if reply.address != address:
            raise WrongReply(
                command="ReadReg", asked=hex_address(address), got=hex_address(reply.address)
            )
        return reply.value

    return (yield from link.insist("ReadReg", attempt))


def chip_crc(link: Exchange, first: int, last: int) -> Procedure[int]:
    """The chip's CRC register over a range, both ends included."""
    within_s = (last - first + 1) / CRC_BYTES_PER_S + 0.05
    reply = yield from link.ask(CheckCrc(first, last), Crc, within_s=within_s)
    return reply.value


def read_sector(link: Exchange, address: int) -> Procedure[bytes]:
    """4096 bytes at an address as the chip counts it."""

    def attempt() -> Procedure[bytes]:
        reply = yield from link.ask_once(Read4K(address), SectorData, within_s=SECTOR_READ_S)
        check_sector(reply, address)
        return reply.data

    return (yield from link.insist("Read4K", attempt))


def check_sector(reply: SectorData, address: int) -> None:
    """Whether a sector's reply answers the question that was asked.

    Raises:
        CommandRefused: the chip protects the address.
        WrongReply: another address came back.
    """
    if reply.status:
        raise CommandRefused(command="Read4K", status=reply.status, meaning="address protected")
    if reply.address != address:
        raise WrongReply(
            command="Read4K", asked=hex_address(address), got=hex_address(reply.address)
        )
    if len(reply.data) != SECTOR_SIZE:
        raise CorruptFrame(reason="a sector of another length", frame=reply.data)


# --- who is it -----------------------------------------------------------------------------------


def find_group(link: Exchange, found: Findings) -> Procedure[int]:
    """Tell boot ROM from loader: only a ROM reads registers. Returns the chip id, or 0."""
    for _ in range(3):
        try:
            reply = yield from link.ask_once(
                ReadReg(CHIP_ID_REGISTER), Register, within_s=REGISTER_WITHIN_S
            )
        except NoReply:
            link.out_of_step = False  # silence is an answer here, not a broken frame
            yield from link.keep_alive()
        except ProtocolError:
            yield from link.recover("ReadReg")
        else:
            link.group = Group.ROM
            found.learned("chip id", f"0x{reply.value:X}", "register 0x800000")
            return reply.value
    link.group = Group.LOADER
    found.learned("protocol", PROTOCOLS[Group.LOADER], "register reads stay unanswered")
    return 0


def find_boot_version(link: Exchange, found: Findings) -> Procedure[str]:
    """The version text that only BK7231T loaders tell."""
    for _ in range(2):
        try:
            reply = yield from link.ask_once(
                ReadBootVersion(), BootVersion, within_s=REGISTER_WITHIN_S
            )
        except NoReply:
            link.out_of_step = False
            yield from link.keep_alive()
        except ProtocolError:
            yield from link.recover("ReadBootVersion")
        else:
            text = reply.text.split(b"\0")[0].decode("ascii", "replace")
            found.learned("loader version", repr(text), "answer to ReadBootVersion")
            return text
    return ""


def find_flash(link: Exchange, found: Findings) -> Procedure[None]:
    """The flash chip's id (boot ROM only) and what the table says of it.

    Raises:
        FlashSilent: the id is all zeros or all ones: the flash does not answer.
    """
    reply = yield from link.ask(SpiExchange(READ_JEDEC_ID), SpiData, within_s=REGISTER_WITHIN_S)
    found.flash_id = reply.data[-3:].hex()
    if found.flash_id in SILENT_IDS:
        raise FlashSilent(flash_id=found.flash_id)
    found.flash = find_flash_chip(found.flash_id)
    part = found.flash.part if found.flash else "not in the table"
    found.learned("flash id", f"{found.flash_id} ({part})", "SPI command 9F")
    if found.flash:
        found.size, found.size_source = found.flash.size, f"flash id {found.flash_id}"


def find_size_by_wrap(link: Exchange, found: Findings) -> Procedure[None]:
    """Find the size by where addresses wrap: the checksum of the start appears again there.

    Raises:
        UnsupportedHere: the start is blank or repeats nowhere, so nothing can be told.
    """
    probes = [Span(0, SECTOR_SIZE), Span(APP_START, SECTOR_SIZE)]  # one size: blank shows
    here: list[int] = []
    for probe in probes:
        value = yield from chip_crc(link, probe.start, probe.end - 1)
        here.append(value)
    for size in SIZES:
        same = 0
        for probe, value in zip(probes, here, strict=True):
            there = yield from chip_crc(link, size + probe.start, size + probe.end - 1)
            same += there == value
        if same == len(probes):
            if len(set(here)) == 1:
                break  # blank everywhere: repeats prove nothing
            found.size, found.size_source = size, f"addresses wrap at {size_text(size)}"
            found.learned("flash size", size_text(size), found.size_source)
            return
    raise UnsupportedHere(
        asked="finding the flash size",
        reason="the flash id is unknown and the content shows no wrap-around",
        advice="give the size that is printed on the flash chip or known for the module",
    )


def find_bootloader(link: Exchange, found: Findings) -> Procedure[None]:
    """Name the loader by the CRC of its first bytes; 257 where the end is included, else 256."""
    size = 257 if link.group is Group.ROM else 256
    value = yield from chip_crc(link, 0, size - 1)
    crc = value ^ 0xFFFFFFFF
    version = loader_version(crc, size)
    found.bootloader = version or f"unknown, fingerprint {crc:08X}"
    found.learned("bootloader", found.bootloader, f"CRC-32 {crc:08X} of the first {size} bytes")


# --- key, radio ----------------------------------------------------------------------------------


def read_efuse(link: Exchange, index: int) -> Procedure[int | None]:
    """One byte of eFuse, or None where the chip marks it invalid."""
    before = yield from read_register(link, EFUSE_CONTROL)
    start = (before & ~EFUSE_ADDRESS_BITS) | index << 8 | 1
    yield from link.ask(WriteReg(EFUSE_CONTROL, start), Register, within_s=REGISTER_WITHIN_S)
    for _ in range(8):
        now = yield from read_register(link, EFUSE_CONTROL)
        if not now & 1:
            break
    value = yield from read_register(link, EFUSE_DATA)
    return value & 0xFF if value & EFUSE_VALID else None


def find_efuse_key(link: Exchange, found: Findings) -> Procedure[str]:
    """The key class that the chip's eFuse holds: "tuya", "zero", "other", or "" if unreadable."""
    raw = bytearray()
    for index in range(EFUSE_KEY_BYTES):
        byte = yield from read_efuse(link, index)
        if byte is None:
            return ""
        raw.append(byte)
    words = struct.unpack("<4I", raw)
    if words == TUYA_KEY:
        key = "tuya"
    elif words == (0, 0, 0, 0):
        key = "zero"
    else:
        key = "other"
    found.learned("key in eFuse", key, "eFuse bytes 0 to 15")
    return key


def find_app_key(link: Exchange, found: Findings) -> Procedure[str]:
    """The key class that the application in flash was built for, or "" where there is none."""
    sector = yield from read_sector(link, APP_START)
    code = crc_blocks.strip(sector[: SECTOR_SIZE // 34 * 34])
    stream = cipher.find_stream(code, APP_LOGICAL)
    if stream is None:
        return ""
    found.learned("key of the application", stream.name, f"its first bytes at 0x{APP_START:X}")
    return stream.name


def find_radio(link: Exchange, found: Findings, facts: ChipFacts) -> Procedure[None]:
    """MAC and calibration, at the places where this layout keeps them."""
    states: list[rf.RfState] = []
    holding: list[int] = []
    for address in layout_facts(facts.layout).rf:
        if address >= found.size:
            continue
        data = yield from read_sector(link, address)
        look = rf.look_at(data, 0)
        if look is None or (look.state is rf.RfState.DAMAGED and not data.startswith(rf.MAGIC)):
            continue  # something else is kept here
        states.append(look.state)
        if look.state is not rf.RfState.ERASED:
            holding.append(address)
        if look.state is rf.RfState.PRESENT and look.block is not None and not found.mac:
            found.mac = look.block.mac_text
            found.learned("MAC", found.mac, f"calibration area at {hex_address(address)}")
    found.rf_addresses = tuple(holding)
    if rf.RfState.PRESENT in states:
        found.rf = RfHealth.PRESENT
    elif rf.RfState.DAMAGED in states:
        found.rf = RfHealth.DAMAGED
        found.warnings.append("the radio calibration is damaged: its MAC cannot be read")
    elif states:
        found.rf = RfHealth.ERASED
        found.warnings.append("the radio calibration is erased: Wi-Fi will be weak or absent")


# --- the whole question --------------------------------------------------------------------------


def _rom_chip(chip_id: int, key: str) -> ChipFacts:
    candidates = [chip for chip in all_chips() if chip.chip_id == chip_id]
    if not candidates:
        raise UnsupportedHere(
            asked="working with this chip",
            reason=f"chip id 0x{chip_id:X} is none that groundwire knows",
            advice="report the id and the text printed on the module",
        )
    return next((chip for chip in candidates if chip.key_class == key), candidates[0])


def _loader_chip(version: str, size: int) -> ChipFacts:
    if version:
        return chip_facts("BK7231T")
    return chip_facts("BK7252" if size > 2 * MIB else "BK7231U")


def identify_rom(link: Exchange, found: Findings, chip_id: int) -> Procedure[ChipFacts]:
    """All that is known of a boot-ROM chip."""
    facts = _rom_chip(chip_id, "")
    yield from find_flash(link, found)
    if not found.size:
        yield from find_size_by_wrap(link, found)
    yield from find_bootloader(link, found)
    app_key = yield from find_app_key(link, found)
    if facts.efuse_key:
        found.key_class = yield from find_efuse_key(link, found)
        if found.key_class == "zero" and app_key == "tuya":
            # a read-protected eFuse reads zero too, and an enciphered application was put there
            found.warnings.append(
                "the eFuse reads as empty, but the application in flash is enciphered for the "
                "Tuya key: the eFuse may be read-protected, or a wrong image was written"
            )
    else:
        found.key_class = facts.key_class
    return _rom_chip(chip_id, found.key_class)


def identify_loader(link: Exchange, found: Findings) -> Procedure[ChipFacts]:
    """All that is known of a chip whose loader serves the protocol."""
    version = yield from find_boot_version(link, found)
    if not found.size:
        yield from find_size_by_wrap(link, found)
    facts = _loader_chip(version, found.size)
    yield from find_bootloader(link, found)
    app_key = yield from find_app_key(link, found)
    found.key_class = app_key or facts.key_class
    return facts


def finish(found: Findings, facts: ChipFacts) -> Identity:
    """The findings as a value."""
    return Identity(
        family="beken",
        chip=facts.name,
        protocol=PROTOCOLS[facts.group],
        flash_size=found.size,
        flash_size_source=found.size_source,
        flash_id=found.flash_id,
        flash_part=found.flash.part if found.flash else "",
        key_class=found.key_class,
        bootloader=found.bootloader,
        mac=found.mac,
        rf=found.rf,
        rf_addresses=found.rf_addresses,
        evidence=tuple(found.evidence),
        warnings=tuple(found.warnings),
    )
