"""The memory behind every emulated chip: an SPI NOR flash that behaves like one.

Programming can only clear bits, erasing sets them, addresses wrap at the size, and what the status
registers protect stays as it is without a word. Operations return the seconds they take and never
wait: time belongs to the emulator that owns the flash.

Modelled after common data sheets (not one part): protected ranges, status bits, opcodes. Taken
from reports on real modules: the quirks. Believed: all durations, and what a power cut leaves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from groundwire.quantities import MIB
from groundwire.tables.flash_chips import StatusWrite, find_flash_chip

PAGE: Final = 256
SECTOR: Final = 4096
BLOCK_32K: Final = 0x8000
BLOCK_64K: Final = 0x10000

WIP: Final = 0x0001  # a program, erase or status write is going on
WEL: Final = 0x0002  # write enable latch
SRP1: Final = 0x0100  # the status registers are locked until power is removed
QE: Final = 0x0200
CMP: Final = 0x4000  # turns the protected range inside out
STATUS_WRITABLE: Final = 0x7BFC  # all but WIP, WEL, the suspend bits and one reserved bit
DEFAULT_PROTECT_MASK: Final = 0x407C

_BLANK_SECTOR: Final = b"\xff" * SECTOR


@dataclass(frozen=True, slots=True)
class FlashTimings:
    """How long the flash takes; typical values of data sheets, in seconds."""

    read_sector_s: float = 0.001
    program_page_s: float = 0.0006
    erase_sector_s: float = 0.045
    erase_32k_s: float = 0.200
    erase_64k_s: float = 0.350
    erase_chip_s_per_mib: float = 1.75
    write_status_s: float = 0.005
    crc_bytes_per_s: float = 600_000.0

    def erase_s(self, size: int) -> float:
        """The duration of one erase command; more than a block is the whole chip."""
        if size <= SECTOR:
            return self.erase_sector_s
        if size <= BLOCK_32K:
            return self.erase_32k_s
        if size <= BLOCK_64K:
            return self.erase_64k_s
        return self.erase_chip_s_per_mib * size / MIB

    def read_s(self, size: int) -> float:
        """The duration of reading so many bytes."""
        return self.read_sector_s * size / SECTOR


@dataclass(frozen=True, slots=True)
class FlashQuirks:
    """Misbehaviour of real parts; each can be switched on for any part.

    `noop_status_write_sets_all`: writing the value that the registers already hold clocks ones
    instead (seen on a P25Q16HBK: 0x0000 became 0x7BFC until power was removed).
    `ignores_pair_write`: 01 with two bytes is acknowledged and changes nothing (P25Q16HB).
    `silent`: the flash does not answer; everything reads 00 and nothing can be changed.
    """

    noop_status_write_sets_all: bool = False
    ignores_pair_write: bool = False
    silent: bool = False

    @classmethod
    def of_part(cls, jedec_id: str) -> FlashQuirks:
        """The quirks that the part with this id has shown."""
        row = find_flash_chip(jedec_id)
        return cls(
            noop_status_write_sets_all=jedec_id == "852015",
            ignores_pair_write=row is not None and row.status_write is StatusWrite.SEPARATE,
        )


@dataclass(slots=True)
class FlashWear:
    """What was done to the flash: tests prove with it that nothing was touched in vain."""

    operations: int = 0
    erases_by_sector: dict[int, int] = field(default_factory=dict)
    programs_by_page: dict[int, int] = field(default_factory=dict)
    status_writes: int = 0

    @property
    def sectors_erased(self) -> tuple[int, ...]:
        """Addresses of all sectors that were erased at least once."""
        return tuple(sorted(self.erases_by_sector))


class NorFlash:
    """One flash chip: its content, its status registers and its raw SPI commands."""

    def __init__(
        self,
        content: int | bytes | bytearray,
        jedec_id: str = "eb6015",
        *,
        status: int = 0,
        timings: FlashTimings | None = None,
        quirks: FlashQuirks | None = None,
    ) -> None:
        """Make a flash that is erased (`content` is its size) or holds the given bytes.

        `status` is both registers, the second in the high byte, as they come up at power-on.
        """
        self.data = bytearray(b"\xff" * content) if isinstance(content, int) else bytearray(content)
        if not self.data or len(self.data) % SECTOR:
            raise ValueError(f"a flash is made of whole sectors, not {len(self.data)} bytes")
        row = find_flash_chip(jedec_id)
        self.jedec_id = jedec_id
        self.timings = timings or FlashTimings()
        self.quirks = quirks if quirks is not None else FlashQuirks.of_part(jedec_id)
        self.protect_mask = row.protect_mask if row else DEFAULT_PROTECT_MASK
        self.status_bytes = (row.status_bytes or 2) if row else 2
        self.status = status & STATUS_WRITABLE
        self.unique_id = hashlib.sha256(jedec_id.encode()).digest()[:8]
        self.wear = FlashWear()
        self.cut_at_operation: int | None = None
        self.on_power_cut: Callable[[], None] | None = None
        self.powered = True
        self.seed = 0
        self._write_enabled = False
        self._asleep = False
        self._reset_enabled = False
        self._status_locked = bool(status & SRP1)
        self._busy_until_s = 0.0

    @property
    def size(self) -> int:
        return len(self.data)

    # --- power ---------------------------------------------------------------------------------

    def power_cycle(self) -> None:
        """Supply off and on: latches and volatile locks are gone, the content stays."""
        self.powered = True
        self._write_enabled = self._asleep = self._reset_enabled = False
        if self._status_locked or self.status & SRP1:
            # seen: a register set to 0x7BFC by the quirk could be written again after a restart
            self.status &= ~SRP1
            self._status_locked = False
        self._busy_until_s = 0.0

    def _power_fails_now(self) -> bool:
        """Count one operation; whether it is the one during which power is cut."""
        self.wear.operations += 1
        return self.cut_at_operation is not None and self.wear.operations >= self.cut_at_operation

    def _cut(self) -> None:
        self.cut_at_operation = None
        self.powered = False
        if self.on_power_cut is not None:
            self.on_power_cut()

    @property
    def _dead(self) -> bool:
        return not self.powered or self.quirks.silent or self._asleep

    # --- protection ----------------------------------------------------------------------------

    def protected(self, address: int) -> bool:
        """Whether erase and program do nothing at the address."""
        bits = self.status & self.protect_mask
        level = bits >> 2 & 7
        from_bottom, by_sectors = bits >> 5 & 1, bits >> 6 & 1
        if level == 0:
            covered = 0
        elif level == 7:
            covered = self.size
        elif by_sectors:
            covered = min(SECTOR << (level - 1), BLOCK_32K)
        else:
            covered = min(BLOCK_64K << (level - 1), self.size)
        at = address % self.size
        inside = at < covered if from_bottom else at >= self.size - covered
        return inside != bool(bits & CMP)

    def write_status(self, command: int, values: bytes, at_s: float = 0.0) -> float:
        """Write status registers by flash command 01 or 31, with write enable; seconds taken.

        A locked register, an unknown command and missing values change nothing, without a word.
        """
        if self._dead or self._status_locked or not values or command not in (0x01, 0x31):
            return 0.0
        self.wear.status_writes += 1
        self._busy_until_s = at_s + self.timings.write_status_s
        pair = command == 0x01 and len(values) >= 2
        if pair and self.quirks.ignores_pair_write:
            return self.timings.write_status_s
        if command == 0x31:
            wanted = self.status & 0xFF | values[0] << 8
        elif pair and self.status_bytes >= 2:
            wanted = values[0] | values[1] << 8
        else:
            wanted = self.status & 0xFF00 | values[0]
        wanted &= STATUS_WRITABLE if self.status_bytes >= 2 else STATUS_WRITABLE & 0xFF
        if pair and wanted == self.status and self.quirks.noop_status_write_sets_all:
            wanted = STATUS_WRITABLE
        self.status = wanted
        self._status_locked = bool(wanted & SRP1)
        return self.timings.write_status_s

    def read_status(self, command: int, at_s: float = 0.0) -> int:
        """A status register by flash command 05, 35 or 15; WIP shows while the flash is busy."""
        if not self.powered or self.quirks.silent:
            return 0
        if command == 0x05:
            latch = WEL if self._write_enabled else 0
            return self.status & 0xFF | latch | (WIP if self.busy(at_s) else 0)
        if command == 0x35 and self.status_bytes >= 2:
            return self.status >> 8
        return 0

    def busy(self, at_s: float) -> bool:
        """Whether an operation begun over raw SPI or a status write is still going on."""
        return at_s < self._busy_until_s

    @property
    def busy_until_s(self) -> float:
        return self._busy_until_s

    def occupy(self, until_s: float) -> None:
        """The flash works until then; commands over raw SPI meet a busy flash."""
        self._busy_until_s = until_s

    # --- content -------------------------------------------------------------------------------

    def read(self, address: int, size: int) -> bytes:
        """Bytes from an address on; addresses wrap at the size of the flash."""
        if self._dead:
            return bytes(size)
        at = address % self.size
        if at + size <= self.size:
            return bytes(self.data[at : at + size])
        turns = -(-(at + size) // self.size)
        return (bytes(self.data) * turns)[at : at + size]

    def program(self, address: int, data: bytes) -> float:
        """Clear bits, page by page; bytes under protection stay. Seconds taken."""
        took_s, done = 0.0, 0
        while done < len(data) and not self._dead:
            at = (address + done) % self.size
            count = min(PAGE - at % PAGE, len(data) - done)
            took_s += self._program_page(at, data[done : done + count])
            done += count
        return took_s

    def _program_page(self, at: int, data: bytes) -> float:
        if self.protected(at):
            return 0.0
        if cut := self._power_fails_now():
            data = data[: self._dice(at, 1)[0] * len(data) // PAGE]
        page = at // PAGE * PAGE
        self.wear.programs_by_page[page] = self.wear.programs_by_page.get(page, 0) + 1
        end = at + len(data)
        both = int.from_bytes(self.data[at:end], "little") & int.from_bytes(data, "little")
        self.data[at:end] = both.to_bytes(len(data), "little")
        if cut:
            self._cut()
            return self.timings.program_page_s / 2
        return self.timings.program_page_s

    def erase(self, address: int, size: int) -> float:
        """Erase the aligned unit of `size` bytes around an address. Seconds taken.

        As on real parts, a unit that is protected in any place is left alone as a whole.
        """
        size = min(size, self.size)
        start = address % self.size // size * size
        if self._dead or any(self.protected(at) for at in range(start, start + size, SECTOR)):
            return 0.0
        cut = self._power_fails_now()
        for at in range(start, start + size, SECTOR):
            self.wear.erases_by_sector[at] = self.wear.erases_by_sector.get(at, 0) + 1
            self.data[at : at + SECTOR] = self._half_erased(at) if cut else _BLANK_SECTOR
        if cut:
            self._cut()
            return self.timings.erase_s(size) / 2
        return self.timings.erase_s(size)

    def erase_all(self) -> float:
        """Erase the whole chip. Seconds taken."""
        return self.erase(0, self.size)

    def _dice(self, at: int, size: int) -> bytes:
        """Bytes that look random and are the same in every run."""
        label = f"{self.seed}:{self.wear.operations}:{at}"
        return hashlib.shake_128(label.encode()).digest(size)

    def _half_erased(self, at: int) -> bytes:
        """A sector whose erase was cut: some bits old, the others at chance."""
        old = int.from_bytes(self.data[at : at + SECTOR], "little")
        dice = self._dice(at, 2 * SECTOR)
        keep = int.from_bytes(dice[:SECTOR], "little")
        chance = int.from_bytes(dice[SECTOR:], "little")
        return (chance ^ (chance ^ old) & keep).to_bytes(SECTOR, "little")

    # --- raw SPI -------------------------------------------------------------------------------

    def exchange(self, out: bytes, at_s: float = 0.0) -> bytes:
        """Clock bytes out and as many in; the whole exchange is one chip select.

        Known commands: 9F, 90, AB, B9, 4B, 05, 35, 15, 01, 31, 06, 04, 02, 03, 20, 52, D8, C7, 60,
        66, 99. All others answer FF. Program, erase and status write need write enable and let the
        flash be busy; while it is, only the status can be read.
        """
        if not out:
            return b""
        if not self.powered or self.quirks.silent:
            return bytes(len(out))
        command = out[0]
        armed, self._reset_enabled = self._reset_enabled, command == 0x66
        if self._asleep and command != 0xAB:
            return b"\xff" * len(out)
        if command in (0x05, 0x35, 0x15):
            reading = bytes([self.read_status(command, at_s)])
            return _answer(out, 1, reading * (len(out) - 1))
        if command == 0x04:  # honoured even while busy: 01 is seen as the status, not 03
            self._write_enabled = False
        elif not self.busy(at_s):
            return self._idle_exchange(out, at_s, armed=armed)
        return _answer(out, 1, b"")

    def _idle_exchange(self, out: bytes, at_s: float, *, armed: bool) -> bytes:
        command = out[0]
        address = int.from_bytes(out[1:4], "big")
        match command:
            case 0x9F:
                return _answer(out, 1, bytes.fromhex(self.jedec_id))
            case 0x90 | 0xAB:
                self._asleep = False
                maker, _, capacity = bytes.fromhex(self.jedec_id)
                device = bytes([capacity - 1])
                return _answer(out, 4, device if command == 0xAB else bytes([maker]) + device)
            case 0x4B:
                return _answer(out, 5, self.unique_id)
            case 0x03 if len(out) > 4:
                return _answer(out, 4, self.read(address, len(out) - 4))
            case 0x06:
                self._write_enabled = True
            case 0xB9:
                self._asleep = True
            case 0x99 if armed:
                self._write_enabled = False
            case _ if self._write_enabled:
                self._write_exchange(out, address, at_s)
            case _:
                pass
        return _answer(out, 1, b"")

    def _write_exchange(self, out: bytes, address: int, at_s: float) -> None:
        command = out[0]
        took_s = 0.0
        if command in (0x01, 0x31):
            took_s = self.write_status(command, out[1:], at_s)
        elif command == 0x02 and len(out) > 4:
            took_s = self._program_wrapped(address, out[4:])
        elif command in (0x20, 0x52, 0xD8) and len(out) == 4:
            took_s = self.erase(address, {0x20: SECTOR, 0x52: BLOCK_32K, 0xD8: BLOCK_64K}[command])
        elif command in (0xC7, 0x60) and len(out) == 1:
            took_s = self.erase_all()
        else:
            return
        self._write_enabled = False
        self._busy_until_s = at_s + took_s

    def _program_wrapped(self, address: int, data: bytes) -> float:
        """Page program: what runs past the end of the page lands at its start; last byte wins."""
        page = address % self.size // PAGE * PAGE
        image = bytearray(b"\xff" * PAGE)
        for index, value in enumerate(data):
            image[(address + index) % PAGE] = value
        first = address % PAGE
        if first + len(data) <= PAGE:
            return self._program_page(page + first, data)
        return self._program_page(page, bytes(image))


def _answer(out: bytes, after: int, data: bytes) -> bytes:
    """What comes in: 00 with the command byte, FF until the data and behind it."""
    coming = b"\0" + b"\xff" * (after - 1) + data
    return (coming + b"\xff" * len(out))[: len(out)]
