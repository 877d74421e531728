"""An emulated Beken module: power, reset, the window, download mode and the firmware.

Executed in the real loader code (BK7231S 1.0.1 to 1.0.6, BK7231u and BK7251 1.0.13/1.0.15) and
copied from it: the parser and what it loses, the guards and the addresses in refusals, wrapping or
ignoring beyond the size, page-wise checksums, the order of unprotecting and locking, programming
while data arrives, the endless checksum and the endless write, the 512-byte ring, the commands
that are swallowed, both lengths of the window, the idle restart, the divisor.

Captured from boot ROMs (BK7238, BK7231N): the byte-exact checksum with its last byte, the chip id,
flash id and status replies. From the source of an older and a newer relative of those ROMs: status
codes, dropped bytes while busy, replies to partial frames, the marker at 0x110, StayROM, the reset
word, FlashRead, EraseAll.

Assumed: every duration but the windows; what a short frame's missing fields hold (loader: what an
earlier frame left, boot ROM: status 4); that the idle limit does not count inside a frame; that a
ROM parser falls back to 01 anywhere in the header; that a ROM refuses other erase sizes with
status 6; that the ring loses whole turns; that Reboot lets a ROM start the flash without a new
window; that any change in the loader's own flash kills it at the next reset.
"""

# Ref: PROTOCOL.md, all sections

from __future__ import annotations

import math
import struct
from collections import deque
from dataclasses import replace
from enum import Enum
from typing import Final

from groundwire.chips.beken.application import RunningApplication
from groundwire.chips.beken.facts import Group, chip_facts
from groundwire.chips.beken.loader_serving import LoaderServer
from groundwire.chips.beken.options import MARKER_AT, BekenOptions, Start, default_flash
from groundwire.chips.beken.receiver import Coming, Heard, Receiver
from groundwire.chips.beken.rom_serving import RomServer, reply_to_partial
from groundwire.chips.beken.serving import LINK_RATE, Outcome, Then, uart_rate
from groundwire.chips.family import BootText, Emission
from groundwire.chips.nor_flash import NorFlash
from groundwire.images.beken.cipher import KNOWN_KEYS

NEVER: Final = math.inf
RING_SIZE: Final = 512
WINDOW_BYTE_AT: Final = 0x116
SHORTEST_WINDOW_MS: Final = 5
NO_WINDOW: Final = 0xE1
EFUSE_SIZE: Final = 32
IDENTICAL_WORD: Final = 0x5A5A5A5A  # the key words of BK7238 and BK7252N are all the same


class State(Enum):
    """What the module is doing."""

    OFF = "off"
    HELD = "held in reset"
    STARTING = "starting"
    WINDOW = "window"
    LINKED = "linked"
    RUNNING = "running"
    DEAD = "dead"


class BekenEmulator:
    """One module; implements `family.Emulator`."""

    def __init__(
        self,
        chip: str = "BK7231N",
        flash: NorFlash | bytes | None = None,
        options: BekenOptions | None = None,
        *,
        boot_text: BootText | None = None,
    ) -> None:
        """Make a module with a chip of `facts.toml` (KeyError for another) and its flash."""
        self.facts = facts = chip_facts(chip)
        self._boot_text = boot_text
        self.options = options = options or BekenOptions()
        if isinstance(flash, NorFlash):
            self.flash = flash
        else:
            self.flash = NorFlash(flash, facts.flash_id) if flash else default_flash(facts)
        self._is_rom = facts.group is Group.ROM
        self._server: RomServer | LoaderServer
        if self._is_rom:
            efuse, five = self._efuse(), options.mid_length_field_5
            self._server = RomServer(facts, self.flash, efuse, mid_length_field_5=five)
        else:
            self._server = LoaderServer(facts, self.flash)
        self._receiver = Receiver(takes_repeated_01=self._is_rom, streams_writes=not self._is_rom)
        self._loader_code = bytes(self.flash.data[: facts.code_end])
        self._has_loader = self._loader_code.count(0xFF) < len(self._loader_code)
        self._application: RunningApplication | None = None
        self._coming: deque[Coming] = deque()
        self._output: list[Emission] = []
        self._ring = bytearray()
        self._now = -NEVER
        self._free_at = -NEVER
        self._last_byte_s = -NEVER
        self._state_ends_s = NEVER
        self._reset_s = -NEVER
        self._held = False
        self._baudrate = self._link_rate
        self.state = State.OFF
        self.resets = 0
        self._hand_over(options.start)

    # --- the contract ----------------------------------------------------------------------------

    @property
    def baudrate(self) -> float:
        return self._baudrate

    def power(self, *, on: bool, at_s: float) -> None:
        self.advance(at_s)
        if on and self.state is State.OFF:
            self.flash.power_cycle()
            self._begin(at_s)
        elif not on:
            self._stop(State.OFF, at_s)

    def hold_reset(self, *, held: bool, at_s: float) -> None:
        self.advance(at_s)
        released = self._held and not held
        self._held = held
        if self.state is State.OFF:
            return
        if held:
            self._stop(State.HELD, at_s)
        elif released:
            self._begin(at_s)

    def on_bytes(self, data: bytes, first_s: float, byte_s: float) -> None:
        if data:
            self._coming.append(Coming(bytes(data), first_s, byte_s))

    def advance(self, now_s: float) -> None:
        while True:
            timer_s = self._timer_s()
            byte_s = self._coming[0].first_s if self._coming else NEVER
            if min(timer_s, byte_s) > now_s or timer_s == byte_s == NEVER:
                break
            if timer_s <= byte_s:
                self._on_timer(timer_s)
            else:
                self._on_coming(min(now_s, timer_s))
        self._now = max(self._now, now_s)

    def next_event_s(self) -> float | None:
        times = [self._timer_s(), self._next_heard_s()]
        times += [out.start_s for out in self._output if out.start_s > self._now]
        first = min(times)
        return first if first < NEVER else None

    def take_output(self) -> list[Emission]:
        ready = [out for out in self._output if out.start_s <= self._now]
        self._output = [out for out in self._output if out.start_s > self._now]
        return ready

    # --- power and reset -------------------------------------------------------------------------

    @property
    def _link_rate(self) -> float:
        return uart_rate(LINK_RATE, nearest=self.facts.baud_nearest)

    def _efuse(self) -> bytes:
        words = self.options.efuse_key
        if words is None:
            known = KNOWN_KEYS[self.facts.key_class]
            words = known if self.facts.efuse_key else (IDENTICAL_WORD,) * 4
        return struct.pack("<4I", *words).ljust(EFUSE_SIZE, b"\0")

    def _hand_over(self, start: Start) -> None:
        if start is Start.RUNNING:
            self.state = State.RUNNING
            self._application = RunningApplication(self.options.application)
            self._baudrate = self.options.application.baudrate
            if self.options.brownout_after_s is not None:
                self._state_ends_s = self.options.brownout_after_s
        elif start is Start.LINKED:
            self._link()

    def _stop(self, state: State, at_s: float) -> None:
        """Everything ends: what the chip was sending breaks off."""
        self.state = state
        self._state_ends_s = NEVER
        self._application = None
        self._ring.clear()
        self._receiver.reset()
        self._server.reset()
        kept: list[Emission] = []
        for out in self._output:
            sent = math.ceil((at_s - out.start_s) * out.baudrate / 10)
            if sent > 0:
                kept.append(replace(out, data=out.data[:sent]))
        self._output = kept

    def _begin(self, at_s: float) -> None:
        """Leave reset, if nobody holds it."""
        self._stop(State.HELD, at_s)
        if self._held:
            return
        self.resets += 1
        self._baudrate = self._link_rate
        self._reset_s = self._free_at = at_s
        if not self._is_rom and not self._loader_lives():
            self.state = State.DEAD
            return
        self.state = State.STARTING
        self._state_ends_s = at_s + self.options.ready_after_s

    def _loader_lives(self) -> bool:
        """Whether the flash still holds the loader that the module came with."""
        return self._has_loader and self.flash.data.startswith(self._loader_code)

    # --- states and their ends -------------------------------------------------------------------

    def _bootable(self) -> bool:
        marker = self.facts.marker.encode("ascii")
        return self.flash.read(MARKER_AT, len(marker)) == marker

    def _window_s(self) -> float:
        if not self._is_rom:
            return self.options.window_s
        if not self._bootable():
            return NEVER
        stated = self.flash.read(WINDOW_BYTE_AT, 1)[0]
        if stated == NO_WINDOW:
            return 0.0
        if stated < SHORTEST_WINDOW_MS or stated == 0xFF:
            return self.options.window_s
        return stated / 1000

    def _open_window(self, at_s: float) -> None:
        self.state = State.WINDOW
        self._free_at = self._last_byte_s = at_s
        self._state_ends_s = at_s + self._window_s()

    def _link(self) -> None:
        self.state = State.LINKED
        self._state_ends_s = NEVER
        if isinstance(self._server, RomServer):
            self._server.link()

    def _run(self, at_s: float) -> None:
        """The firmware starts; with a weak supply it does not get far."""
        self._stop(State.RUNNING, at_s)
        application = self.options.application
        self._application = RunningApplication(application)
        self._baudrate = application.baudrate
        text, starts_s = application.boot_text, at_s + application.starts_after_s
        if self.options.brownout_after_s is not None:
            self._state_ends_s = at_s + self.options.brownout_after_s
            room_s = self._state_ends_s - starts_s
            text = text[: max(int(room_s * application.baudrate / 10), 0)]
        if text:
            self._output.append(Emission(starts_s, text, application.baudrate))
        if self._boot_text is not None:
            self._output += [
                Emission(at_s + after_s, line, self._link_rate, on_log_pin=True)
                for after_s, line in self._boot_text(bytes(self.flash.data))
                if at_s + after_s < self._state_ends_s
            ]

    def _timer_s(self) -> float:
        """When something happens without a byte."""
        if self._ring:
            return self._free_at
        ends_s = self._state_ends_s
        if self.state is State.WINDOW:
            ends_s = max(ends_s, self._free_at)
        if self.state not in (State.WINDOW, State.LINKED):
            return ends_s
        quiet_since_s = max(self._last_byte_s, self._free_at)
        if self._is_rom and self._receiver.partial:
            return min(ends_s, quiet_since_s + self.options.partial_frame_s)
        if not self._is_rom and self.state is State.LINKED and self._receiver.between_frames:
            limit_s = self.options.idle_restart_s
            limit_s = self.facts.idle_restart_s if limit_s is None else limit_s
            return min(ends_s, quiet_since_s + limit_s) if quiet_since_s > -NEVER else ends_s
        return ends_s

    def _on_timer(self, at_s: float) -> None:
        if self._ring:
            count, heard = self._receiver.take(self._ring)
            del self._ring[:count]
            if heard is not None:
                self._serve(heard, at_s)
        elif self.state is State.STARTING:
            self._open_window(at_s)
        elif self.state is State.RUNNING:
            self._begin(at_s)
        elif at_s >= self._state_ends_s:
            self._run(at_s)
        elif self._is_rom:
            self._give_up_frame(at_s)
        else:
            self._begin(at_s)  # the loader's idle limit

    def _give_up_frame(self, at_s: float) -> None:
        partial = self._receiver.partial
        self._receiver.reset()
        if self.state is State.LINKED:
            self._send(reply_to_partial(partial), at_s)

    # --- bytes -----------------------------------------------------------------------------------

    def _next_heard_s(self) -> float:
        """When the bytes on their way can first make the chip do something."""
        if not self._coming:
            return NEVER
        coming = self._coming[0]
        last = len(coming.data) - 1
        if self.state not in (State.WINDOW, State.LINKED):
            return coming.time_of(last)
        if coming.first_s < self._free_at:
            return min(coming.time_of(last), self._free_at)
        return coming.time_of(min(last, self._receiver.wants - 1))

    def _on_coming(self, limit_s: float) -> None:
        """Let the bytes in that arrive up to a time, or up to the first that does something."""
        coming = self._coming[0]
        count = coming.count_until(limit_s, inclusive=True) or 1
        if self.state in (State.WINDOW, State.LINKED):
            used = self._receive(coming, count)
        elif self.state is State.RUNNING and self._application is not None:
            restarts = self._application.take(coming.data[:count])
            used = count if restarts is None else restarts
            if restarts is not None:
                self._begin(coming.time_of(restarts - 1))
        else:
            used = count
        coming.drop(used)
        if not coming.data:
            self._coming.popleft()

    def _receive(self, coming: Coming, count: int) -> int:
        if not self._is_rom and self.state is State.WINDOW:
            # any byte switches the silent exit off; the limit from the start remains
            self._state_ends_s = self._reset_s + self.options.stretched_window_s
        if coming.first_s < self._free_at:
            count = min(count, max(coming.count_until(self._free_at, inclusive=False), 1))
            if not self._is_rom:  # a boot ROM loses what comes while it works
                self._ring += coming.data[:count]
                if coming.byte_s > 0:  # bytes that nothing paces (a pty) are not to be lost
                    del self._ring[: len(self._ring) // RING_SIZE * RING_SIZE]
            self._last_byte_s = coming.time_of(count - 1)
            return count
        used, heard = self._receiver.take(coming.data[:count])
        self._last_byte_s = coming.time_of(used - 1)
        if heard is not None:
            self._serve(heard, self._last_byte_s)
        return used

    # --- commands --------------------------------------------------------------------------------

    def _serve(self, heard: Heard, at_s: float) -> None:
        outcome = self._server.serve(heard, at_s)
        if not self.flash.powered:
            self._stop(State.OFF, at_s + outcome.took_s)
            return
        if outcome.baudrate is not None:
            self._baudrate = outcome.baudrate
        first_link = outcome.links and self.state is not State.LINKED
        if first_link:
            self._link()
        self._free_at = at_s + outcome.took_s
        self._send(outcome.reply, self._free_at)
        if first_link and self._is_rom:
            self._free_at += self.options.relisten_s
        self._go_on(outcome, at_s)

    def _go_on(self, outcome: Outcome, at_s: float) -> None:
        match outcome.then:
            case Then.HANG:
                self._free_at = NEVER
            case Then.RESET:
                self._begin(at_s)
            case Then.RUN if self._bootable():
                self._run(at_s)
            case Then.RUN:
                self._begin(at_s)
            case Then.STAY:
                pass

    def _send(self, reply: bytes, at_s: float) -> None:
        """Put a reply on the line; the chip is busy until its last bit has left."""
        if reply:
            self._output.append(Emission(at_s, reply, self._baudrate))
            self._free_at = at_s + len(reply) * 10 / self._baudrate
