"""The emulate job: a module in memory behind a port that other programs open."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, runtime_checkable

from groundwire.chips.family import SECTOR, Emission, Emulator
from groundwire.chips.listening import ENOUGH_BYTES, TEXT_SHARE, text_share
from groundwire.chips.nor_flash import NorFlash
from groundwire.errors import UnknownImage, Unplugged
from groundwire.jobs.ports import made_emulator, part_name
from groundwire.link.serve import Endpoint, serve
from groundwire.quantities import size_text
from groundwire.sim.faults import LineFaults
from groundwire.sim.modules import stock_flash

ASKED_WITHIN_S: Final = 0.5
HELD_S: Final = 0.25
LARGEST_FLASH: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class EmulateOptions:
    """What somebody at the bench and the line do.

    `hands_s`: when another program asks and hears nothing for so long, the module is reset, as a
    person at the bench would do it; 0 for never.
    """

    hands_s: float = 2.0
    faults: LineFaults | None = None


def make_emulator(chip: str, flash: bytes | None = None) -> Emulator:
    """An emulated module with this content, or with made-up vendor content.

    Raises:
        BadArgument: no family knows the chip.
        UnknownImage: the content cannot be that of a whole flash.
    """
    part = part_name(chip)
    if flash is not None and (not flash or len(flash) % SECTOR or len(flash) > LARGEST_FLASH):
        raise UnknownImage(
            name="dump",
            size=len(flash),
            finding=f"{size_text(len(flash))} is no flash made of whole sectors",
        )
    return made_emulator(part, flash if flash is not None else stock_flash(part))


@runtime_checkable
class HoldsFlash(Protocol):
    """An emulated module whose flash can be looked into."""

    flash: NorFlash


def serve_emulated(
    module: Emulator,
    endpoint: Endpoint,
    options: EmulateOptions,
    stop: Callable[[], bool],
    log: Endpoint | None = None,
) -> bytes:
    """Let an emulated module live on an endpoint until `stop` turns true or the line is unplugged.

    Returns what its flash holds at the end.
    """
    emulator = HelpingHands(module, options.hands_s) if options.hands_s > 0 else module
    if options.faults is not None:
        endpoint = FaultyEndpoint(endpoint, options.faults)
    with contextlib.suppress(Unplugged):
        serve(emulator, endpoint, stop, log=log)
    return bytes(module.flash.data) if isinstance(module, HoldsFlash) else b""


class HelpingHands:
    """An emulated module and somebody who resets it when it is asked and does not answer."""

    def __init__(self, emulator: Emulator, patience_s: float) -> None:
        self._emulator = emulator
        self._patience_s = patience_s
        self._asked_s = float("-inf")
        self._answered_s = 0.0
        self._release_s: float | None = None

    @property
    def baudrate(self) -> float:
        return self._emulator.baudrate

    def power(self, *, on: bool, at_s: float) -> None:
        self._emulator.power(on=on, at_s=at_s)

    def hold_reset(self, *, held: bool, at_s: float) -> None:
        self._emulator.hold_reset(held=held, at_s=at_s)

    def on_bytes(self, data: bytes, first_s: float, byte_s: float) -> None:
        if first_s - self._asked_s > ASKED_WITHIN_S:
            self._answered_s = max(self._answered_s, first_s)  # patience begins with the asking
        self._asked_s = first_s
        self._emulator.on_bytes(data, first_s, byte_s)

    def advance(self, now_s: float) -> None:
        self._emulator.advance(now_s)
        if self._release_s is not None:
            if now_s >= self._release_s:
                self._release_s = None
                self._answered_s = now_s
                self._emulator.hold_reset(held=False, at_s=now_s)
            return
        asks = now_s - self._asked_s < ASKED_WITHIN_S
        if asks and now_s - self._answered_s > self._patience_s:
            self._release_s = now_s + HELD_S
            self._emulator.hold_reset(held=True, at_s=now_s)

    def next_event_s(self) -> float | None:
        own = self._emulator.next_event_s()
        if self._release_s is None:
            return own
        return self._release_s if own is None else min(own, self._release_s)

    def take_output(self) -> list[Emission]:
        emissions = self._emulator.take_output()
        answers = [one for one in emissions if not one.on_log_pin and not _is_log(one.data)]
        if answers:
            self._answered_s = answers[-1].start_s
        return emissions


def _is_log(data: bytes) -> bool:
    """Whether the firmware talks to itself: whoever asks is not answered by that."""
    return len(data) >= ENOUGH_BYTES and text_share(data) >= TEXT_SHARE


class FaultyEndpoint:
    """An endpoint on a line that damages or loses bytes, or is unplugged after so many."""

    def __init__(self, endpoint: Endpoint, faults: LineFaults) -> None:
        self._endpoint = endpoint
        self._faults = faults
        self._passed = 0

    def _count(self, size: int) -> None:
        self._passed += size
        limit = self._faults.unplug_at_byte
        if limit is not None and self._passed >= limit:
            raise Unplugged(port="the emulated line")

    def fileno(self) -> int:
        return self._endpoint.fileno()

    def read(self) -> bytes:
        data = self._endpoint.read()
        self._count(len(data))
        if self._faults.echo and data:
            self._endpoint.write(data)
        return b"" if self._faults.deaf else self._faults.to_chip(data)

    def write(self, data: bytes) -> None:
        self._count(len(data))
        self._endpoint.write(self._faults.to_host(data))

    def rate(self) -> int | None:
        return self._endpoint.rate()

    def close(self) -> None:
        self._endpoint.close()
