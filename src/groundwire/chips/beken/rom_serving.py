"""The boot ROM's side of each command: BK7231N, BK7231M, BK7238 and BK7252N."""

# Ref: PROTOCOL.md, sections "Short commands", "Long commands", "eFuse", "Status codes"

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from groundwire.chips.beken.codec import (
    BAUD,
    ERASE,
    LONG_MARK,
    LONG_REPLY_HEAD,
    RANGE,
    REGISTER,
    SECTOR_SIZE,
    U16,
    U32,
    encode_reply,
)
from groundwire.chips.beken.facts import ChipFacts
from groundwire.chips.beken.messages import (
    ERASE_BYTES,
    AllErased,
    BaudSet,
    Crc,
    Echo,
    Erased,
    EraseSize,
    FlashData,
    Linked,
    LongOp,
    LongRefused,
    LongReply,
    Programmed,
    Register,
    SectorData,
    SectorErased,
    ShortCode,
    ShortIncomplete,
    ShortRefused,
    SpiData,
    Status,
    StatusRegister,
    StatusWritten,
    Written,
)
from groundwire.chips.beken.receiver import CODE_AT, LENGTH_AT, LONG_BODY_AT, Frame, Heard
from groundwire.chips.beken.serving import (
    SILENCE,
    Outcome,
    Then,
    answer,
    range_crc,
    uart_rate,
)
from groundwire.chips.nor_flash import PAGE, NorFlash

CHIP_ID: Final = 0x800000
DEVICE_ID: Final = 0x800004
EFUSE_CONTROL: Final = 0x800074
EFUSE_DATA: Final = 0x800078
EFUSE_START: Final = 0x01
EFUSE_VALID: Final = 0x100
RESET_MAGIC: Final = b"SEAN"
STAY_ARGUMENT: Final = b"\x55"
REBOOT_ARGUMENT: Final = b"\xa5"
ADDRESS_BITS: Final = 0xFFFFFF
ERASE_LIMIT_S: Final = 5.0
SECTOR_LIMIT_S: Final = 1.0
WRITE_ENABLE: Final = b"\x06"
WRITE_DISABLE: Final = b"\x04"
READ_JEDEC_ID: Final = 0x9F

_SHORT_SIZES: Final = {
    ShortCode.STAY_ROM: 1,
    ShortCode.READ_REG: 4,
    ShortCode.WRITE_REG: 8,
    ShortCode.REBOOT: 1,
    ShortCode.RESET: 4,
    ShortCode.SET_BAUD: 5,
    ShortCode.CHECK_CRC: 8,
}
# least and most bytes of payload
_LONG_SIZES: Final = {
    LongOp.FLASH_WRITE: (5, 0xFFFF),
    LongOp.WRITE_4K: (4 + SECTOR_SIZE, 4 + SECTOR_SIZE),
    LongOp.FLASH_READ: (5, 5),
    LongOp.READ_4K: (4, 4),
    LongOp.ERASE_ALL: (1, 1),
    LongOp.ERASE_4K: (4, 4),
    LongOp.READ_STATUS: (1, 1),
    LongOp.WRITE_STATUS: (2, 0xFFFF),
    LongOp.SPI_EXCHANGE: (1, 0xFFFF),
    LongOp.ERASE: (5, 5),
}


def _failure(op: int, status: Status, payload: bytes) -> LongReply:
    """The reply to a command of the wrong size: what is known of its address comes back."""
    if op == LongOp.ERASE and len(payload) >= ERASE.size:
        return Erased(status, *ERASE.unpack_from(payload))
    if len(payload) < U32.size:
        return LongRefused(op, status)
    (address,) = U32.unpack_from(payload)
    shapes: dict[int, LongReply] = {
        LongOp.READ_4K: SectorData(status, address, b""),
        LongOp.WRITE_4K: Programmed(status, address),
        LongOp.FLASH_WRITE: Written(status, address, (len(payload) - U32.size) & 0xFF),
        LongOp.ERASE_4K: SectorErased(status, address),
        LongOp.FLASH_READ: FlashData(status, address, b""),
    }
    return shapes.get(op, LongRefused(op, status))


def reply_to_partial(partial: bytes) -> bytes:
    """What the ROM sends when a frame stops arriving; nothing while only its head has come."""
    if len(partial) <= LENGTH_AT:
        return b""
    is_long = partial[LENGTH_AT : CODE_AT + 1] == LONG_MARK
    if not is_long:
        return encode_reply(ShortIncomplete(partial[LENGTH_AT:]))
    if len(partial) <= LONG_BODY_AT:
        return b""
    op, payload = partial[LONG_BODY_AT], partial[LONG_BODY_AT + 1 :]
    return encode_reply(_failure(op, Status.PAYLOAD_MISSING, payload))


class RomServer:
    """Carries commands out as the boot ROM lineage does."""

    def __init__(
        self,
        facts: ChipFacts,
        flash: NorFlash,
        efuse: bytes,
        *,
        mid_length_field_5: bool = False,
    ) -> None:
        self._facts = facts
        self._flash = flash
        self._efuse = efuse
        self._mid_length_field_5 = mid_length_field_5
        self._linked = False
        self._registers: dict[int, int] = {}
        self._short: dict[int, Callable[[bytes], Outcome]] = {
            ShortCode.STAY_ROM: self._stay,
            ShortCode.READ_REG: self._read_register,
            ShortCode.WRITE_REG: self._write_register,
            ShortCode.REBOOT: self._reboot,
            ShortCode.RESET: self._reset_by_magic,
            ShortCode.SET_BAUD: self._set_baud,
            ShortCode.CHECK_CRC: self._check_crc,
        }
        self._long: dict[int, Callable[[bytes, float], Outcome]] = {
            LongOp.FLASH_WRITE: self._flash_write,
            LongOp.WRITE_4K: self._write_4k,
            LongOp.FLASH_READ: self._flash_read,
            LongOp.READ_4K: self._read_4k,
            LongOp.ERASE_ALL: self._erase_all,
            LongOp.ERASE_4K: self._erase_4k,
            LongOp.READ_STATUS: self._read_status,
            LongOp.WRITE_STATUS: self._write_status,
            LongOp.SPI_EXCHANGE: self._spi_exchange,
            LongOp.ERASE: self._erase,
        }

    def reset(self) -> None:
        """Start anew, as after any reset of the chip."""
        self._linked = False
        self._registers.clear()

    def link(self) -> None:
        """Take commands from the first moment, as if a LinkCheck had come."""
        self._linked = True

    def serve(self, heard: Heard, at_s: float) -> Outcome:
        """What a command does at a time. Before the link nothing but a link is answered."""
        if not isinstance(heard, Frame):
            return SILENCE
        if not heard.is_long:
            return self._serve_short(heard)
        return self._serve_long(heard, at_s) if self._linked else SILENCE

    # --- short -----------------------------------------------------------------------------------

    def _serve_short(self, frame: Frame) -> Outcome:
        if frame.code == ShortCode.LINK_CHECK:
            return self._link_check(len(frame.payload))
        if frame.code == ShortCode.STAY_ROM and frame.payload == STAY_ARGUMENT:
            self._linked = True
        if not self._linked:
            return SILENCE
        work = self._short.get(frame.code)
        if work is None:
            return answer(ShortRefused(frame.code, Status.UNKNOWN_COMMAND))
        if len(frame.payload) != _SHORT_SIZES[ShortCode(frame.code)]:
            return answer(ShortRefused(frame.code, Status.BAD_LENGTH))
        return work(frame.payload)

    def _link_check(self, surplus: int) -> Outcome:
        """Its reply takes the length from the request, so a longer request breaks the reply."""
        self._linked = True
        reply = bytearray(encode_reply(Linked()))
        reply[2] = (reply[2] + surplus) & 0xFF
        return Outcome(bytes(reply), links=True)

    def _stay(self, payload: bytes) -> Outcome:
        return answer(Echo(ShortCode.STAY_ROM, payload), links=payload == STAY_ARGUMENT)

    def _read_register(self, payload: bytes) -> Outcome:
        (address,) = U32.unpack(payload)
        fixed = {CHIP_ID: self._facts.chip_id, DEVICE_ID: self._facts.device_id}
        value = fixed.get(address, self._registers.get(address, 0))
        return answer(Register(ShortCode.READ_REG, address, value))

    def _write_register(self, payload: bytes) -> Outcome:
        address, value = REGISTER.unpack(payload)
        if address == EFUSE_CONTROL and value & EFUSE_START:
            # done before the next question can arrive, so the start bit is never seen set
            index = value >> 8 & 0x1F
            self._registers[EFUSE_DATA] = EFUSE_VALID | self._efuse[index]
            self._registers[EFUSE_CONTROL] = value & ~EFUSE_START
        else:
            self._registers[address] = value
        return answer(Register(ShortCode.WRITE_REG, address, value))

    def _reboot(self, payload: bytes) -> Outcome:
        if payload == REBOOT_ARGUMENT:
            return Outcome(then=Then.RUN)
        return answer(Echo(ShortCode.REBOOT, payload))

    def _reset_by_magic(self, payload: bytes) -> Outcome:
        if payload == RESET_MAGIC:
            return Outcome(then=Then.RESET)
        return answer(Echo(ShortCode.RESET, payload))

    def _set_baud(self, payload: bytes) -> Outcome:
        rate, delay = BAUD.unpack(payload)
        return Outcome(
            encode_reply(BaudSet(rate, delay)),
            took_s=delay / 1000,
            baudrate=uart_rate(rate, nearest=self._facts.baud_nearest),
        )

    def _check_crc(self, payload: bytes) -> Outcome:
        found = range_crc(self._facts, self._flash, *RANGE.unpack(payload))
        if found is None:
            return Outcome(then=Then.HANG)
        value, took_s = found
        return answer(Crc(value), took_s)

    # --- long ------------------------------------------------------------------------------------

    def _serve_long(self, frame: Frame, at_s: float) -> Outcome:
        work = self._long.get(frame.code)
        if work is None:
            return answer(LongRefused(frame.code, Status.UNKNOWN_COMMAND))
        least, most = _LONG_SIZES[LongOp(frame.code)]
        if not least <= len(frame.payload) <= most:
            return answer(_failure(frame.code, Status.BAD_LENGTH, frame.payload))
        return work(frame.payload, at_s)

    def _until_ready(self, at_s: float) -> float:
        """The ROM asks the flash before it works with it, and waits."""
        return max(self._flash.busy_until_s - at_s, 0.0)

    def _flash_write(self, payload: bytes, at_s: float) -> Outcome:
        (address,) = U32.unpack_from(payload)
        data = payload[U32.size :]
        took_s = self._until_ready(at_s)
        took_s += self._flash.program(address & ADDRESS_BITS, data[:PAGE])
        return answer(Written(Status.OK, address, len(data) & 0xFF), took_s)

    def _write_4k(self, payload: bytes, at_s: float) -> Outcome:
        (address,) = U32.unpack_from(payload)
        took_s = self._until_ready(at_s)
        took_s += self._flash.program(address & ADDRESS_BITS, payload[U32.size :])
        return answer(Programmed(Status.OK, address), took_s)

    def _flash_read(self, payload: bytes, at_s: float) -> Outcome:
        (address,), size = U32.unpack_from(payload), payload[U32.size]
        data = self._flash.read(address & ADDRESS_BITS, size)
        took_s = self._until_ready(at_s) + self._flash.timings.read_s(size)
        return answer(FlashData(Status.OK, address, data), took_s)

    def _read_4k(self, payload: bytes, at_s: float) -> Outcome:
        (address,) = U32.unpack(payload)
        data = self._flash.read(address & ADDRESS_BITS, SECTOR_SIZE)
        took_s = self._until_ready(at_s) + self._flash.timings.read_s(SECTOR_SIZE)
        return answer(SectorData(Status.OK, address, data), took_s)

    def _timed_erase(
        self, address: int, size: int, limit_s: float, at_s: float
    ) -> tuple[int, float]:
        """Status and seconds of an erase that the ROM gives `limit_s` to finish."""
        begins_s = self._until_ready(at_s)
        took_s = self._flash.erase(address & ADDRESS_BITS, size)
        self._flash.occupy(at_s + begins_s + took_s)
        if took_s > limit_s:
            return Status.BUSY, begins_s + limit_s
        return Status.OK, begins_s + took_s

    def _erase_all(self, payload: bytes, at_s: float) -> Outcome:
        limit_s = payload[0]
        status, took_s = self._timed_erase(0, self._flash.size, float(limit_s), at_s)
        return answer(AllErased(status, limit_s), took_s)

    def _erase_4k(self, payload: bytes, at_s: float) -> Outcome:
        (address,) = U32.unpack(payload)
        status, took_s = self._timed_erase(address, SECTOR_SIZE, SECTOR_LIMIT_S, at_s)
        return answer(SectorErased(status, address), took_s)

    def _erase(self, payload: bytes, at_s: float) -> Outcome:
        size_command, address = ERASE.unpack(payload)
        if size_command not in ERASE_BYTES:
            return answer(Erased(Status.ADDRESS_REFUSED, size_command, address))
        size = ERASE_BYTES[EraseSize(size_command)]
        status, took_s = self._timed_erase(address, size, ERASE_LIMIT_S, at_s)
        return answer(Erased(status, size_command, address), took_s)

    # --- bare SPI transfers: nothing waits for the flash -----------------------------------------

    def _read_status(self, payload: bytes, at_s: float) -> Outcome:
        value = self._flash.exchange(payload + b"\0", at_s)[1]
        return answer(StatusRegister(Status.OK, payload[0], value))

    def _write_status(self, payload: bytes, at_s: float) -> Outcome:
        for out in (WRITE_ENABLE, payload, WRITE_DISABLE):
            self._flash.exchange(out, at_s)
        return answer(StatusWritten(Status.OK, payload[0], payload[1:]))

    def _spi_exchange(self, payload: bytes, at_s: float) -> Outcome:
        reply = bytearray(encode_reply(SpiData(Status.OK, self._flash.exchange(payload, at_s))))
        if self._mid_length_field_5 and payload[0] == READ_JEDEC_ID:
            length_at = len(LONG_REPLY_HEAD)
            (length,) = U16.unpack_from(reply, length_at)
            U16.pack_into(reply, length_at, length - 1)
        return Outcome(bytes(reply))
