"""The loader's side of each command: BK7231T, BK7231U and BK7252, with their guards and locks."""

# Ref: PROTOCOL.md, sections "Short commands", "Long commands", "Addresses", "Flash protection"

from __future__ import annotations

from typing import Final

from groundwire.chips.beken.codec import BAUD, ERASE, RANGE, SECTOR_SIZE, U32, encode_reply
from groundwire.chips.beken.facts import AboveSize, ChipFacts
from groundwire.chips.beken.messages import (
    ERASE_BYTES,
    BaudSet,
    BootVersion,
    Crc,
    Erased,
    EraseSize,
    Linked,
    LongOp,
    Programmed,
    SectorData,
    ShortCode,
    Status,
    Written,
)
from groundwire.chips.beken.receiver import Frame, Heard, StreamedData
from groundwire.chips.beken.serving import (
    SILENCE,
    Outcome,
    Then,
    answer,
    range_crc,
    uart_rate,
)
from groundwire.chips.nor_flash import NorFlash

REBOOT_ARGUMENT: Final = 0xA5
VERSION_SIZE: Final = 16
BAUD_TICK_S: Final = 0.002
PROTECT_ALL: Final = 0x7C
NEGATIVE: Final = 0x80000000  # the erase check compares signed
FIELDS_SIZE: Final = 16


class LoaderServer:
    """Carries commands out as the executed loaders did."""

    def __init__(self, facts: ChipFacts, flash: NorFlash) -> None:
        self._facts = facts
        self._flash = flash
        self._armed = False
        self._fields = bytearray(FIELDS_SIZE)
        self._locks = facts.crc_locks and flash.jedec_id not in facts.never_locks

    def reset(self) -> None:
        """Start anew, as after any reset of the chip."""
        self._armed = False
        self._fields = bytearray(FIELDS_SIZE)

    def serve(self, heard: Heard, _at_s: float) -> Outcome:
        """What a command does at a time; the unknown ones are swallowed."""
        if isinstance(heard, StreamedData):
            return self._streamed(heard)
        return self._long(heard) if heard.is_long else self._short(heard)

    def _arguments(self, frame: Frame, size: int) -> bytes:
        """The command's fields; what a short frame lacks is left over from an earlier one."""
        held = frame.payload[:FIELDS_SIZE]
        self._fields[: len(held)] = held
        return bytes(self._fields[:size])

    def _short(self, frame: Frame) -> Outcome:
        match frame.code:
            case ShortCode.LINK_CHECK:
                self._armed = True
                return answer(Linked(), links=True)
            case ShortCode.REBOOT:
                rebooting = frame.payload[:1] == bytes([REBOOT_ARGUMENT])
                return Outcome(then=Then.RESET) if rebooting else SILENCE
            case ShortCode.SET_BAUD:
                return self._set_baud(*BAUD.unpack(self._arguments(frame, BAUD.size)))
            case ShortCode.CHECK_CRC:
                return self._check_crc(*RANGE.unpack(self._arguments(frame, RANGE.size)))
            case ShortCode.READ_BOOT_VERSION if self._facts.boot_version:
                text = self._facts.boot_version.encode("ascii")
                return answer(BootVersion(text.ljust(VERSION_SIZE, b"\0")))
            case _:
                return SILENCE

    def _set_baud(self, rate: int, delay: int) -> Outcome:
        return Outcome(
            encode_reply(BaudSet(rate, delay)),
            took_s=(delay + 1) * BAUD_TICK_S,
            baudrate=uart_rate(rate, nearest=self._facts.baud_nearest),
        )

    def _check_crc(self, start: int, last: int) -> Outcome:
        found = range_crc(self._facts, self._flash, start, last)
        if found is None:
            return Outcome(then=Then.HANG)
        value, took_s = found
        if self._locks:
            took_s += self._write_protection(PROTECT_ALL)
        return answer(Crc(value), took_s)

    def _write_protection(self, value: int) -> float:
        values = bytes([value, 0])[: self._flash.status_bytes]
        return self._flash.write_status(0x01, values)

    def _long(self, frame: Frame) -> Outcome:
        match frame.code:
            case LongOp.READ_4K:
                (address,) = U32.unpack(self._arguments(frame, U32.size))
                return self._read(address, len(frame.payload))
            case LongOp.ERASE:
                return self._erase(*ERASE.unpack(self._arguments(frame, ERASE.size)))
            case _:
                return SILENCE

    def _read(self, address: int, payload_size: int) -> Outcome:
        if address < self._facts.guard:
            count = bytes([(payload_size - U32.size) & 0xFF])
            return answer(SectorData(Status.ADDRESS_REFUSED, address, count))
        data = self._flash.read(address, SECTOR_SIZE)
        return answer(SectorData(Status.OK, address, data), self._flash.timings.read_s(SECTOR_SIZE))

    def _reaches(self, address: int) -> bool:
        """Whether erase and program at the address get as far as the flash."""
        return self._facts.above_size is AboveSize.WRAPS or address < self._flash.size

    def _erase(self, size_command: int, address: int) -> Outcome:
        if address < self._facts.guard or address >= NEGATIVE:
            return answer(Erased(Status.ADDRESS_REFUSED, size_command, address))
        took_s = 0.0
        known = size_command in (EraseSize.SECTOR_4K, EraseSize.BLOCK_64K)
        if known and self._reaches(address):
            if self._armed:
                self._armed = False
                took_s += self._write_protection(0)
            took_s += self._flash.erase(address, ERASE_BYTES[EraseSize(size_command)])
        return answer(Erased(Status.OK, size_command, address), took_s)

    def _streamed(self, heard: StreamedData) -> Outcome:
        """Data of FlashWrite or Write4K, programmed while the command is still arriving."""
        whole_sector = heard.op == LongOp.WRITE_4K
        guard = self._facts.write4k_guard if whole_sector else self._facts.guard
        refused = heard.start < guard
        took_s = 0.0
        if not refused and self._reaches(heard.address & 0xFFFFFFFF):
            took_s = self._flash.program(heard.address, heard.data)
        if not heard.ends:
            return Outcome(took_s=took_s)
        status = Status.ADDRESS_REFUSED if refused else Status.OK
        if whole_sector:
            return answer(Programmed(status, guard if refused else heard.start), took_s)
        return answer(Written(status, heard.start, heard.total & 0xFF), took_s)
