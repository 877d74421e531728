"""The boot ROM of an emulated BL602: its parser with its faults, and its commands.

Measured (on the mask ROM's own code, executed): the order of all checks, what is accepted and
refused, the ignored checksum, over-long frames, the lost rest of a chunk after one, the re-run of
the command before by an unknown one. Assumed: how many bytes arrive together (those of one call),
all times, and that erase with its first address above its last does nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Final

from groundwire.chips.bouffalo.codec import (
    HEAD,
    MAX_ROM_PAYLOAD,
    PAIR,
    U32,
    CommandFrame,
    decode_command,
    pack_segment,
    segment_fits,
)
from groundwire.chips.bouffalo.emulated_chip import EFUSE_SIZE, Inside, Then, Work
from groundwire.chips.bouffalo.loader import (
    BOOT_WORD_AT,
    CRC_AT,
    HASH_AT,
    IGNORE_CRC,
    IGNORE_HASH,
    MAGIC,
)
from groundwire.chips.bouffalo.messages import (
    ChangeRate,
    CheckImage,
    Command,
    Erase,
    LoadBootHeader,
    LoadSegmentData,
    LoadSegmentHeader,
    Op,
    Program,
    ReadEfuse,
    ReadMemory,
    Reset,
    RunImage,
    SegmentHeader,
    WriteEfuse,
    WriteMemory,
)
from groundwire.chips.bouffalo.replies import Data, Done, Failed, Reply, SegmentTaken, encode_reply
from groundwire.chips.bouffalo.status import Status
from groundwire.chips.nor_flash import SECTOR
from groundwire.errors import CorruptFrame
from groundwire.framing.crc import crc32

IDLE_S: Final = 2.0
ANSWER_S: Final = 0.0002
RATE_CHANGE_S: Final = 0.004
RUN_S: Final = 0.004
DEAD_BEEF: Final = 0xDEADBEEF
NOT_LOADED: Final = 1 << 10
PROTECTED_ROM: Final = 0x0100_0000  # the lower half of the ROM, under each of its addresses
KNOWN: Final = frozenset({
    Op.GET_BOOT_INFO, Op.LOAD_BOOT_HEADER, Op.LOAD_PUBLIC_KEY, Op.LOAD_SIGNATURE, Op.LOAD_AES_IV,
    Op.LOAD_SEGMENT_HEADER, Op.LOAD_SEGMENT_DATA, Op.CHECK_IMAGE, Op.RUN_IMAGE, Op.CHANGE_RATE,
    Op.RESET, Op.ERASE, Op.PROGRAM, Op.BOOT_FROM_FLASH, Op.WRITE_EFUSE, Op.READ_EFUSE,
    Op.WRITE_MEMORY, Op.READ_MEMORY,
})  # fmt: skip
WRONG_LENGTH: Final = {
    Op.LOAD_BOOT_HEADER: Status.IMG_BOOTHEADER_LEN,
    Op.LOAD_SEGMENT_HEADER: Status.IMG_SECTIONHEADER_LEN,
    Op.ERASE: Status.FLASH_ERASE_PARA,
    Op.PROGRAM: Status.FLASH_WRITE_PARA,
    Op.WRITE_EFUSE: Status.EFUSE_WRITE_PARA,
    Op.READ_EFUSE: Status.EFUSE_READ_PARA,
    Op.WRITE_MEMORY: Status.MEMORY_WRITE_PARA,
    Op.READ_MEMORY: Status.MEMORY_READ_PARA,
}
SILENT_WHEN_WRONG: Final = frozenset({Op.CHANGE_RATE, Op.BOOT_FROM_FLASH})


@dataclass(slots=True)
class Upload:
    """The image that is being loaded; `state` as in PROTOCOL.md, section 4."""

    state: int = 0
    header: bytes = b""
    segments_left: int = 0
    segment: SegmentHeader | None = None
    received: int = 0
    hashed: hashlib._Hash = field(default_factory=hashlib.sha256)


class RomStage:
    """One conversation with the boot ROM."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self.upload = Upload()
        self._held = bytearray()
        self._before: int | None = None

    # --- frames --------------------------------------------------------------------------------

    def take(self, chunk: bytes) -> list[tuple[int, Work]]:
        """The work that the bytes of one call lead to, each with how many of them it needed."""
        out: list[tuple[int, Work]] = []
        before = len(self._held)
        self._held += chunk
        used = -before
        while True:
            count, work = self._step(together=len(chunk) >= HEAD.size)
            if not count:
                return out
            del self._held[:count]
            used += count
            if work is not None:
                out.append((max(used, 1), work))

    def _step(self, *, together: bool) -> tuple[int, Work | None]:
        """How many bytes one turn of the parser takes, and what it does."""
        held = self._held
        known = bool(held) and held[0] in KNOWN
        rerun = together and self.inside.options.rerun_unknown
        if held and not known and not (rerun and len(held) >= HEAD.size):
            return 1, None
        if len(held) < HEAD.size:
            return 0, None
        op, _check, length = HEAD.unpack_from(held)
        if length > MAX_ROM_PAYLOAD:
            work = Work()
            work.say(encode_reply(Failed(Status.CMD_LEN)), ANSWER_S)
            return len(held), work  # the rest of what arrived together is lost
        size = HEAD.size + length
        if len(held) < size:
            return 0, None
        self._before = op if known else self._before
        if self._before is None:
            return size, None
        return size, self._execute(self._before, bytes(held[HEAD.size : size]))

    # --- commands ------------------------------------------------------------------------------

    def _execute(self, op: int, payload: bytes) -> Work:
        work = Work()
        if op == Op.GET_BOOT_INFO:
            work.say(encode_reply(self.inside.boot_info(self.inside.facts.version)), ANSWER_S)
            return work
        try:
            command = decode_command(CommandFrame(op, 0, payload))
        except CorruptFrame:
            if op not in SILENT_WHEN_WRONG:
                wrong = WRONG_LENGTH.get(Op(op), Status.CMD_SEQ)
                work.say(encode_reply(Failed(wrong)), ANSWER_S)
            return work
        if isinstance(command, ChangeRate):
            if command.old and command.new:
                work.rate_factor = command.new / command.old
                work.say(encode_reply(Done()), RATE_CHANGE_S)
            return work
        took_s, reply = self._answer(command)
        work.say(encode_reply(reply), ANSWER_S + took_s)
        if isinstance(reply, Done):
            if op == Op.RUN_IMAGE:
                work.then, work.busy_s = Then.RUN_IMAGE, RUN_S
            elif op == Op.RESET:
                work.then, work.busy_s = Then.RESET, RUN_S
        return work

    def _answer(self, command: Command) -> tuple[float, Reply]:
        inside = self.inside
        took_s = 0.0
        reply: Reply = Done()
        match command:
            case Erase(first, last):
                took_s, reply = self._erase(first, last)
            case Program(address, data):
                took_s = inside.flash.program(address, data) if inside.ready_flash else 0.0
            case ReadEfuse(offset, size):
                reply = self._read_efuse(offset, size)
            case WriteEfuse(offset, data) if offset & ~3 < EFUSE_SIZE:
                inside.burn(offset & ~3, data)
            case WriteEfuse():
                reply = Failed(Status.EFUSE_WRITE_ADDR)
            case WriteMemory(pairs):
                for address, word in pairs:
                    inside.write_word(address, word)
            case ReadMemory(address, size):
                reply = self._read_memory(address, size)
            case _:
                reply = self._load(command)
        return took_s, reply

    def _erase(self, first: int, last: int) -> tuple[float, Reply]:
        flash = self.inside.flash
        self.inside.ready_flash = True
        if self.inside.options.erase_fails:
            return 0.0, Failed(Status.FLASH_ERASE)
        last = min(last, first + flash.size - 1)
        starts = range(first // SECTOR * SECTOR, last + 1, SECTOR)
        return sum(flash.erase(at, SECTOR) for at in starts), Done()

    def _read_efuse(self, offset: int, size: int) -> Reply:
        if offset % 4 or offset >= EFUSE_SIZE:
            return Failed(Status.EFUSE_READ_ADDR)
        if size % 4 or offset + size > EFUSE_SIZE:
            return Failed(Status.EFUSE_READ_PARA)
        return Data(bytes(self.inside.efuse[offset : offset + size]))

    def _read_memory(self, address: int, size: int) -> Reply:
        if address & 0x0FFF_0000 == PROTECTED_ROM or size > MAX_ROM_PAYLOAD:
            return Failed(Status.MEMORY_READ_PARA)
        return Data(self.inside.read_words(address, size))

    # --- the upload ----------------------------------------------------------------------------

    def _load(self, command: Command) -> Reply:
        up = self.upload
        reply: Reply = Failed(Status.CMD_SEQ)
        match command:
            case LoadBootHeader(header):
                reply = self._load_header(header)
            case LoadSegmentHeader(segment) if up.state == 4:
                reply = self._load_segment(segment)
            case LoadSegmentData(data) if up.state == 5:
                reply = self._load_data(data)
            case CheckImage():
                reply = self._check()
            case Reset():
                reply = Done()
            case RunImage() if up.state == 7:
                reply = Done()
            case _:
                pass
        return reply

    def _load_header(self, header: bytes) -> Reply:
        (word, count) = PAIR.unpack_from(header, BOOT_WORD_AT)
        (crc,) = U32.unpack_from(header, CRC_AT)
        unchecked = word & IGNORE_CRC and crc == DEAD_BEEF
        refusals = (
            (not unchecked and crc != crc32(header[:CRC_AT]), Status.IMG_BOOTHEADER_CRC),
            (bool(word & NOT_LOADED), Status.IMG_BOOTHEADER_NOT_LOAD),
            (not header.startswith(MAGIC), Status.IMG_BOOTHEADER_MAGIC),
            (bool(word >> 2 & 3), Status.IMG_BOOTHEADER_ENCRYPT_NOTFIT),
            ((word & 3 != 0) != (self.inside.sign != 0), Status.IMG_BOOTHEADER_SIGN_NOTFIT),
            (count == 0, Status.IMG_SEGMENT_CNT),
        )
        for wrong, status in refusals:
            if wrong:
                return Failed(status)
        self.upload = Upload(state=1 if self.inside.sign else 4, header=header, segments_left=count)
        return Done()

    def _load_segment(self, segment: SegmentHeader) -> Reply:
        if not segment_fits(segment):
            return Failed(Status.IMG_SECTIONHEADER_CRC)
        if not self.inside.in_ram(segment.destination, segment.size):
            return Failed(Status.IMG_SECTIONHEADER_DST)
        up = self.upload
        up.segment, up.received, up.state = segment, 0, 5
        up.hashed.update(pack_segment(segment))
        return SegmentTaken(segment)

    def _load_data(self, data: bytes) -> Reply:
        up = self.upload
        segment = up.segment
        if segment is None or up.received + len(data) > segment.size:
            return Failed(Status.IMG_SECTIONDATA_TLEN)
        self.inside.load(segment.destination + up.received, data)
        up.hashed.update(data)
        up.received += len(data)
        if up.received == segment.size:
            up.segments_left -= 1
            up.state = 4 if up.segments_left else 6
        return Done()

    def _check(self) -> Reply:
        up = self.upload
        if up.state != 6:
            return Failed(Status.IMG_HALFBAKED)
        (word,) = U32.unpack_from(up.header, BOOT_WORD_AT)
        (first,) = U32.unpack_from(up.header, HASH_AT)
        unchecked = word & IGNORE_HASH and first == DEAD_BEEF
        if not unchecked and up.hashed.digest() != up.header[HASH_AT : HASH_AT + 32]:
            return Failed(Status.IMG_HASH)
        up.state = 7
        return Done()
