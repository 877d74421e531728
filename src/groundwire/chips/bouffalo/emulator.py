"""An emulated BL602/BL604 module: reset, BOOT pin, auto-baud, boot ROM, RAM loader, firmware.

The two conversations are in emulated_rom.py and emulated_loader.py, each with its own list of what
is measured. Measured here (on the device's own code, executed): the waits of 8 and 12 ms before
OK, the deaf millisecond after it, the idle limits, that a burst in mid-conversation blocks the
loader, the clocks and the snapping of rates. Assumed: 16 bytes of 0x55 are enough to measure, the
loader starts within 250 ms, the firmware's first lines come 100 ms after a start and then one a
second.
"""

from __future__ import annotations

import heapq
import re
from enum import Enum, auto
from itertools import count
from typing import Final

from groundwire.chips.bouffalo.emulated_chip import ChipOptions, Inside, Then, Work
from groundwire.chips.bouffalo.emulated_loader import FRAME_S, MISSES, LoaderStage
from groundwire.chips.bouffalo.emulated_rom import IDLE_S, RomStage
from groundwire.chips.bouffalo.facts import ChipFacts, chip_facts
from groundwire.chips.bouffalo.loader import LOADER_DESTINATION, MAGIC
from groundwire.chips.family import Emission
from groundwire.chips.nor_flash import NorFlash

BURST: Final = re.compile(rb"\x55{16,}")
DEAF_S: Final = 0.001
SMALLEST_FLASH: Final = 0x100000
SHORTEST_BYTE_S: Final = 10 / 3_000_000
LOADER_STARTS_S: Final = 0.25
BANNER_AFTER_S: Final = 0.1
LOG_RATE: Final = 2_000_000
LOG_EVERY_S: Final = 1.0
LOG_LINE: Final = b"Info:MAIN:Time 1, idle 170/s, free 70000, MQTT 0(0), bWifi 0\r\n"
BANNER: Final = (
    b"Starting bl602 now....\r\nBooting BL602 Chip...\r\n"
    b"RISC-V Core Feature:RV32-ACFIMX\r\nBuild Version: release_bl_iot_sdk_1.6.11\r\n"
)


def _flash_with(content: bytes | None, facts: ChipFacts) -> NorFlash:
    """A flash of the content's size, whose id says so; an erased one of the usual size without."""
    size = len(content) if content else facts.flash_size or SMALLEST_FLASH
    usual = size == facts.flash_size
    flash_id = facts.flash_id if usual else f"ef40{size.bit_length() - 1:02x}"
    return NorFlash(content or size, flash_id)


class Mode(Enum):
    """What the chip is doing."""

    OFF = auto()
    ROM_SCAN = auto()
    ROM = auto()
    LOADER_STARTING = auto()
    LOADER_SCAN = auto()
    LOADER = auto()
    FIRMWARE = auto()


class _Clock:
    """What auto-baud can measure with, and how long it waits before it says OK."""

    def __init__(self, hertz: int, snap_above: int, ok_after_s: float) -> None:
        self.hertz, self.snap_above, self.ok_after_s = hertz, snap_above, ok_after_s

    def rate(self, sender: float) -> float | None:
        """The rate that the chip takes for a burst at `sender` baud, if it takes any."""
        rate = self.hertz / max(1, round(self.hertz / sender))
        if rate > self.snap_above:
            rate = max(1, round(rate / 500_000)) * 500_000.0
        return rate if self.hertz > 3 * rate else None


ROM_CLOCK: Final = _Clock(32_000_000, 1_250_000, 0.008)
LOADER_CLOCK: Final = _Clock(40_000_000, 970_000, 0.012)


class BouffaloEmulator:
    """A `family.Emulator`; `baudrate` is 0 while the chip measures the speed of what arrives."""

    def __init__(
        self,
        chip: str = "BL602",
        flash: NorFlash | bytes | None = None,
        options: ChipOptions | None = None,
    ) -> None:
        """Make a module with a chip of `facts.toml` (KeyError for another) and its flash."""
        facts = chip_facts(chip)
        self.flash = flash if isinstance(flash, NorFlash) else _flash_with(flash, facts)
        self.options = options or ChipOptions()
        self.inside = Inside(facts, self.flash, self.options)
        self.mode = Mode.OFF
        self.resets = 0
        self._stage: RomStage | LoaderStage = RomStage(self.inside)
        self._rate = 0.0
        self._powered = self._held = False
        self._events: list[tuple[float, int, bytes | Then, float]] = []
        self._order = count()
        self._free_s = 0.0
        self._deaf_until_s = 0.0
        self._limit_s: float | None = None
        self._misses = 0
        self._out: list[Emission] = []

    # --- the outside ---------------------------------------------------------------------------

    @property
    def baudrate(self) -> float:
        return 0.0 if self.mode in (Mode.ROM_SCAN, Mode.LOADER_SCAN) else self._rate

    def power(self, *, on: bool, at_s: float) -> None:
        """Supply on or off."""
        self.advance(at_s)
        if on and not (self._powered and self.flash.powered):
            self.flash.power_cycle()
        self._powered = on
        self._start(at_s, by_hands=True)

    def hold_reset(self, *, held: bool, at_s: float) -> None:
        """CHIP_EN low or released."""
        self.advance(at_s)
        self._held = held
        self._start(at_s, by_hands=True)

    def on_bytes(self, data: bytes, first_s: float, byte_s: float) -> None:
        """Bytes reach the receiver; see `family.Emulator`."""
        self.advance(first_s)
        byte_s = max(byte_s, SHORTEST_BYTE_S)
        deaf = (
            0 if first_s > self._deaf_until_s else int((self._deaf_until_s - first_s) / byte_s) + 1
        )
        data, first_s = data[deaf:], first_s + deaf * byte_s
        if not data or not self.flash.powered:
            return
        if self.mode in (Mode.ROM_SCAN, Mode.LOADER_SCAN):
            self._measure(data, first_s, byte_s)
        elif self.mode is Mode.ROM:
            self._to_rom(data, first_s, byte_s)
        elif self.mode is Mode.LOADER:
            self._to_loader(data, first_s, byte_s)

    def advance(self, now_s: float) -> None:
        """Let everything happen that is due."""
        while (due := self.next_event_s()) is not None and due <= now_s:
            if self._events and self._events[0][0] <= due:
                at, _order, what, rate = heapq.heappop(self._events)
                self._happen(at, what, rate)
            else:
                self._limit_passed(due)

    def next_event_s(self) -> float | None:
        """When something happens next, if nothing arrives."""
        times = [self._events[0][0]] if self._events else []
        if self._limit_s is not None:
            times.append(self._limit_s)
        return min(times) if times else None

    def take_output(self) -> list[Emission]:
        """What the chip began to send since the last call."""
        out, self._out = self._out, []
        return out

    # --- starts and ends -----------------------------------------------------------------------

    def _start(self, at_s: float, *, by_hands: bool) -> None:
        self._events.clear()
        self._limit_s = None
        self._free_s = self._deaf_until_s = at_s
        self.inside.reset()
        self.mode = Mode.OFF
        if not self._powered or self._held:
            return
        self.resets += 1
        if self.options.boot_strapped or (by_hands and self.options.boot_by_hands):
            self.mode = Mode.ROM_SCAN
        else:
            self._boot(at_s)

    def _boot(self, at_s: float) -> None:
        self._limit_s = None
        self.mode, self._rate = Mode.FIRMWARE, float(LOG_RATE)
        if self.flash.read(0, 4) == MAGIC:
            self._later(at_s + BANNER_AFTER_S, BANNER, self._rate)
            self._later(at_s + LOG_EVERY_S, LOG_LINE, self._rate)

    def _later(self, at_s: float, what: bytes | Then, rate: float = 0.0) -> None:
        heapq.heappush(self._events, (at_s, next(self._order), what, rate))

    def _happen(self, at_s: float, what: bytes | Then, rate: float) -> None:
        if not self.flash.powered:
            self._events.clear()
            self.mode, self._limit_s = Mode.OFF, None
            return
        if isinstance(what, bytes):
            if what:
                self._out.append(Emission(at_s, what, rate))
            if what is LOG_LINE:
                self._later(at_s + LOG_EVERY_S, LOG_LINE, rate)
            return
        match what:
            case Then.RESET:
                self._start(at_s, by_hands=False)
            case Then.BOOT_FLASH:
                self._boot(at_s)
            case Then.RUN_IMAGE:
                self._run_image(at_s)
            case Then.HANG_UP:
                self._scan()
            case Then.STAY:
                pass

    def _run_image(self, at_s: float) -> None:
        upload = self._stage.upload if isinstance(self._stage, RomStage) else None
        segment = upload.segment if upload else None
        self._limit_s = None
        if self.mode is Mode.LOADER_STARTING:
            self.mode = Mode.LOADER_SCAN
        elif segment is not None and segment.destination == LOADER_DESTINATION:
            self.mode = Mode.LOADER_STARTING
            self._later(at_s + LOADER_STARTS_S, Then.RUN_IMAGE)
        else:
            self.mode, self._rate = Mode.FIRMWARE, float(LOG_RATE)

    def _scan(self) -> None:
        self.mode = Mode.ROM_SCAN if self.mode is Mode.ROM else Mode.LOADER_SCAN
        self._limit_s = None

    # --- the burst -----------------------------------------------------------------------------

    def _measure(self, data: bytes, first_s: float, byte_s: float) -> None:
        burst = BURST.search(data)
        if burst is None:
            return
        in_rom = self.mode is Mode.ROM_SCAN
        clock = ROM_CLOCK if in_rom else LOADER_CLOCK
        rate = clock.rate(10 / byte_s)
        if rate is None:
            return
        began_s = first_s + (burst.start() - 1) * byte_s
        opens_s = began_s + clock.ok_after_s
        self.mode = Mode.ROM if in_rom else Mode.LOADER
        self._stage = RomStage(self.inside) if in_rom else LoaderStage(self.inside)
        self._rate, self._misses = rate, 0
        self._free_s, self._deaf_until_s = opens_s, opens_s + DEAF_S
        self._limit_s = opens_s + (IDLE_S if in_rom else FRAME_S)
        self._later(opens_s, b"OK", rate)
        rest_s = first_s + burst.start() * byte_s
        self.on_bytes(data[burst.start() :], rest_s, byte_s)

    def _limit_passed(self, at_s: float) -> None:
        self._misses += 1
        if self.mode is Mode.ROM or self._misses >= MISSES:
            self._scan()
        else:
            self._limit_s = at_s + FRAME_S

    # --- conversations -------------------------------------------------------------------------

    def _to_rom(self, data: bytes, first_s: float, byte_s: float) -> None:
        stage = self._stage
        if not isinstance(stage, RomStage):
            return
        last_s = first_s + byte_s * (len(data) - 1)
        self._limit_s = last_s + IDLE_S
        for used, work in stage.take(data):
            self._carry_out(work, first_s + byte_s * (used - 1))
        self._limit_s = max(last_s, self._free_s) + IDLE_S

    def _to_loader(self, data: bytes, first_s: float, byte_s: float) -> None:
        stage = self._stage
        if not isinstance(stage, LoaderStage):
            return
        taken = stage.take(data)
        if taken is None:
            return
        used, work = taken
        self._carry_out(work, first_s + byte_s * (used - 1))
        self._misses = 0
        if self.mode is Mode.LOADER:
            self._limit_s = self._free_s + FRAME_S

    def _carry_out(self, work: Work, complete_s: float) -> None:
        at = max(complete_s, self._free_s)
        self._rate *= work.rate_factor
        for after_s, data in work.sends:
            at += after_s
            self._later(at, data, self._rate)
        at += work.busy_s
        self._free_s = at
        if work.then is not Then.STAY:
            self._later(at, work.then)
            self._limit_s = None
