"""The RAM loader of an emulated BL602: its parser and its commands.

Measured (on the vendor's loader 1.10.0, executed): frame limit, checksum rule, the third failure,
silence for unknown commands, PD for each erase step and the size of the steps, the blank check,
the early OK of a program frame, the cut read, what is lost behind a complete frame, and (read in
its code) that chip erase does not look at the length. Assumed: all times but the 2 s limits; that
a frame which completes while another is programmed is answered after that.
"""

from __future__ import annotations

import hashlib
import lzma
from typing import Final

from groundwire.chips.bouffalo.codec import (
    HEAD,
    MAX_LOADER_PAYLOAD,
    XZ_STARTS,
    CommandFrame,
    decode_command,
)
from groundwire.chips.bouffalo.emulated_chip import EFUSE_SIZE, RAM_BASE, Inside, Then, Work
from groundwire.chips.bouffalo.facts import LOADER_VERSION
from groundwire.chips.bouffalo.loader import LOADER_DESTINATION, MAX_LOADER, command_table
from groundwire.chips.bouffalo.messages import (
    BootFromFlash,
    Command,
    Erase,
    EraseAll,
    GetBootInfo,
    GuardedErase,
    Op,
    Program,
    ProgramCheck,
    ProgramXz,
    ProveGuard,
    Read,
    ReadEfuse,
    ReadJedecId,
    ReadLog,
    ReadMac,
    ReadMemory,
    ReadStatus,
    Reset,
    SegmentHeader,
    Sha256,
    WriteEfuse,
    WriteMemory,
    WriteStatus,
    XipRead,
    XipSha256,
)
from groundwire.chips.bouffalo.replies import (
    Busy,
    Data,
    Digest,
    Done,
    Failed,
    Mac,
    Reply,
    encode_reply,
)
from groundwire.chips.bouffalo.status import Status
from groundwire.chips.nor_flash import BLOCK_32K, BLOCK_64K, SECTOR
from groundwire.errors import CorruptFrame
from groundwire.framing.crc import crc32

FRAME_S: Final = 2.0
MISSES: Final = 2
FAILURES: Final = 3
ANSWER_S: Final = 0.0002
RESET_S: Final = 0.005
POLL_S: Final = 1.0
BLANK_CHECK_FROM: Final = 0x2800
XZ_MEMORY: Final = 1 << 20
BOOT_OPS: Final = (Op.RESET, Op.BOOT_FROM_FLASH)
OPS: Final = frozenset({
    Op.GET_BOOT_INFO, Op.RESET, Op.ERASE, Op.PROGRAM, Op.READ, Op.BOOT_FROM_FLASH, Op.XIP_READ,
    Op.READ_JEDEC_ID, Op.READ_STATUS, Op.WRITE_STATUS, Op.PROGRAM_CHECK, Op.SET_FLASH,
    Op.ERASE_ALL, Op.SHA256, Op.XIP_SHA256, Op.PROGRAM_XZ, Op.WRITE_EFUSE, Op.READ_EFUSE,
    Op.READ_MAC, Op.WRITE_MEMORY, Op.READ_MEMORY, Op.XIP_START, Op.XIP_FINISH, Op.READ_LOG,
})  # fmt: skip
WRONG_LENGTH: Final = {
    Op.ERASE: Status.FLASH_ERASE_PARA,
    Op.GUARDED_ERASE: Status.FLASH_ERASE_PARA,
    Op.SET_FLASH: Status.FLASH_SET_PARA,
    Op.WRITE_EFUSE: Status.EFUSE_WRITE_PARA,
    Op.READ_EFUSE: Status.EFUSE_READ_PARA,
    Op.WRITE_MEMORY: Status.EFUSE_WRITE_PARA,
    Op.READ_MEMORY: Status.EFUSE_READ_PARA,
}
# their handlers never look at the payload
LENGTH_IGNORED: Final = frozenset({
    Op.GET_BOOT_INFO, Op.RESET, Op.BOOT_FROM_FLASH, Op.READ_JEDEC_ID, Op.PROGRAM_CHECK,
    Op.ERASE_ALL, Op.READ_MAC, Op.XIP_START, Op.XIP_FINISH, Op.READ_LOG, Op.PROVE_GUARD,
})  # fmt: skip


def erase_steps(first: int, last: int) -> list[tuple[int, int]]:
    """Address and size of each step that an erase is made of."""
    steps: list[tuple[int, int]] = []
    at = first // SECTOR * SECTOR
    while at <= last:
        remains = last + 1 - at
        size = SECTOR
        if at % BLOCK_64K == 0 and remains > BLOCK_64K - SECTOR:
            size = BLOCK_64K
        elif at % BLOCK_32K == 0 and remains > BLOCK_32K - SECTOR:
            size = BLOCK_32K
        steps.append((at, size))
        at += size
    return steps


class LoaderStage:
    """One conversation with the RAM loader."""

    def __init__(self, inside: Inside) -> None:
        self.inside = inside
        self.ops = self._own_table() or OPS
        self.failures = 0
        self._held = bytearray()
        self._swallowing = False
        self._program_failed = 0
        self._xz: lzma.LZMADecompressor | None = None
        self._xz_at = 0

    def _own_table(self) -> frozenset[int]:
        """What the program in RAM says of itself, where it is a loader with a command table."""
        ram = bytes(self.inside.ram[(LOADER_DESTINATION & 0x0FFF_FFFF) - RAM_BASE :])
        segment = SegmentHeader(LOADER_DESTINATION, min(len(ram), MAX_LOADER), 0, 0)
        return frozenset(row.op for row in command_table(ram, segment) if row.on)

    # --- frames --------------------------------------------------------------------------------

    @property
    def limit(self) -> int:
        return self.inside.options.small_frames or MAX_LOADER_PAYLOAD

    def take(self, chunk: bytes) -> tuple[int, Work] | None:
        """The work of the frame that these bytes complete, and how many of them it needed.

        What lies behind the frame in the same chunk is lost.
        """
        if self._swallowing:
            return None
        before = len(self._held)
        self._held += chunk
        if len(self._held) < HEAD.size:
            return None
        op, check, length = HEAD.unpack_from(self._held)
        if length > self.limit:
            self._swallowing = True
            return None
        size = HEAD.size + int(length)
        if len(self._held) < size:
            return None
        frame = CommandFrame(op, check, bytes(self._held[HEAD.size : size]))
        self._held.clear()
        return max(size - before, 1), self._execute(frame)

    # --- commands ------------------------------------------------------------------------------

    def _execute(self, frame: CommandFrame) -> Work:
        work = Work()
        if not frame.check_fits:
            work.say(encode_reply(Failed(Status.CMD_CRC)), ANSWER_S)
            work.then = Then.HANG_UP if frame.op == Op.WRITE_EFUSE else Then.STAY
            return work
        if frame.op not in self.ops:
            return work
        if frame.op in LENGTH_IGNORED:
            frame = CommandFrame(frame.op, 0, b"")
        try:
            command = decode_command(frame)
        except CorruptFrame:
            wrong = WRONG_LENGTH.get(Op(frame.op), Status.FLASH_WRITE_PARA)
            self._refuse(work, wrong)
            return work
        self._perform(command, work)
        if self.inside.options.double_ok and work.sends:
            work.sends[0] = (work.sends[0][0], b"OK" + work.sends[0][1])
        return work

    def _refuse(self, work: Work, status: int, after_s: float = ANSWER_S) -> None:
        work.say(encode_reply(Failed(status)), after_s)
        self.failures += 1
        if self.failures >= FAILURES:
            work.then = Then.HANG_UP

    def _reply(self, work: Work, reply: Reply, after_s: float = 0.0) -> None:
        if isinstance(reply, Failed):
            self._refuse(work, reply.number, ANSWER_S + after_s)
        else:
            work.say(encode_reply(reply), ANSWER_S + after_s)

    def _perform(self, command: Command, work: Work) -> None:
        """Commands that take long, or that end the conversation; the others answer at once."""
        match command:
            case Erase(first, last) | GuardedErase(first, last):
                self._erase(first, last, work)
            case EraseAll():
                self._erase_all(work)
            case Program(address, data):
                self._program(address, data, work)
            case ProgramXz(address, data, starts):
                self._program_xz(address, data, work, starts=starts)
            case Sha256(address, size) | XipSha256(address, size):
                data = self.inside.flash.read(address, min(size, 4 * self.inside.flash.size))
                took_s = size / self.inside.options.sha_bytes_per_s
                self._reply(work, Digest(hashlib.sha256(data).digest()), took_s)
            case Reset():
                self._reply(work, Done())
                work.then, work.busy_s = Then.RESET, RESET_S
            case BootFromFlash():
                self._reply(work, Done())
                work.then, work.busy_s = Then.BOOT_FLASH, RESET_S
            case _:
                took_s, reply = self._answer(command)
                self._reply(work, reply, took_s)

    def _answer(self, command: Command) -> tuple[float, Reply]:
        inside = self.inside
        flash = inside.flash
        took_s = 0.0
        reply: Reply = Done()
        match command:
            case GetBootInfo() | ProveGuard():
                reply = inside.boot_info(LOADER_VERSION)
            case ReadJedecId():
                reply = inside.jedec()
            case ReadMac():
                mac = inside.options.mac[::-1]
                reply = Mac(mac, crc32(mac))
            case Read(address, size) | XipRead(address, size):
                data = flash.read(address, min(size, self.limit))
                took_s, reply = flash.timings.read_s(len(data)), Data(data)
            case ProgramCheck():
                reply = Failed(self._program_failed) if self._program_failed else Done()
            case ReadStatus(flash_command, size):
                value = flash.read_status(flash_command)
                reply = Data(value.to_bytes(4, "little")[: max(1, min(size, 4))])
            case WriteStatus(flash_command, size, value):
                values = value.to_bytes(4, "little")[: max(1, min(size, 4))]
                took_s = flash.write_status(flash_command, values)
            case ReadLog():
                reply = Data(b"")
            case _:
                reply = self._memory(command)
        return took_s, reply

    def _memory(self, command: Command) -> Reply:
        """EFuse and memory; flash settings and XIP on and off, which always succeed."""
        inside = self.inside
        match command:
            case ReadEfuse(offset, size):
                return self._read_efuse(offset, size)
            case WriteEfuse(offset, data) if offset & ~3 < EFUSE_SIZE and data:
                inside.burn(offset & ~3, data)
            case WriteEfuse():
                return Failed(Status.EFUSE_WRITE_PARA)
            case WriteMemory(pairs):
                for address, word in pairs:
                    inside.write_word(address, word)
            case ReadMemory(address, size):
                return Data(inside.read_words(address, min(size, MAX_LOADER_PAYLOAD)))
            case _:
                pass
        return Done()

    def _read_efuse(self, offset: int, size: int) -> Reply:
        if offset % 4 or offset >= EFUSE_SIZE:
            return Failed(Status.EFUSE_READ_ADDR)
        if size % 4 or offset + size > EFUSE_SIZE:
            return Failed(Status.EFUSE_READ_PARA)
        return Data(bytes(self.inside.efuse[offset : offset + size]))

    # --- erase and program ---------------------------------------------------------------------

    def _busy(self, work: Work, after_s: float) -> None:
        if self.inside.options.old_loader:
            work.say(b"", after_s)
        else:
            work.say(encode_reply(Busy()), after_s)

    def _erase(self, first: int, last: int, work: Work) -> None:
        flash = self.inside.flash
        self._program_failed = 0
        last = min(last, first + flash.size - 1)
        size = last + 1 - first
        winbond = flash.jedec_id.startswith("ef")
        if winbond and size >= BLANK_CHECK_FROM and flash.read(first, size).count(0xFF) == size:
            self._reply(work, Done(), flash.timings.read_s(size))
            return
        took_s = ANSWER_S
        for at, step in erase_steps(first, last):
            if self.inside.options.erase_fails:
                self._refuse(work, Status.FLASH_ERASE, took_s)
                return
            self._busy(work, took_s)
            took_s = flash.erase(at, step)
        self._reply(work, Done(), took_s)

    def _erase_all(self, work: Work) -> None:
        took_s = self.inside.flash.erase_all()
        left_s = took_s
        while left_s > 0:
            self._busy(work, POLL_S if left_s < took_s else ANSWER_S)
            left_s -= POLL_S
        self._reply(work, Done(), max(0.0, left_s + POLL_S))

    def _program(self, address: int, data: bytes, work: Work) -> None:
        if address == 0xFFFF_FFFF:
            self._refuse(work, Status.FLASH_WRITE_ADDR)
            return
        self._reply(work, Done())
        if self.inside.options.program_fails:
            self._fail_later(work, Status.FLASH_WRITE)
            return
        work.busy_s = self.inside.flash.program(address, data)

    def _fail_later(self, work: Work, status: int) -> None:
        self._program_failed = status
        self._refuse(work, status, 0.001)

    def _program_xz(self, address: int, data: bytes, work: Work, *, starts: bool) -> None:
        self._reply(work, Done())
        if starts:
            self._xz = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY)
            self._xz_at = address & ~XZ_STARTS
        if self._xz is None:
            self._fail_later(work, Status.FLASH_DECOMPRESS_WRITE)
            return
        room = self.inside.flash.size
        while not self._xz.eof and (data or not self._xz.needs_input):
            try:
                plain = self._xz.decompress(data, room)
            except (lzma.LZMAError, EOFError):
                self._xz = None
                self._fail_later(work, Status.FLASH_WRITE_XZ)
                return
            data = b""
            work.busy_s += self.inside.flash.program(self._xz_at, plain)
            self._xz_at += len(plain)
