"""Which pins a port listens on, told from what came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from groundwire.bootlog.evidence import Pins
from groundwire.bootlog.linerate import LineKind
from groundwire.bootlog.watch import Watched

MCU_FRAMES = 2
BOOTLOADER_ON_FLASHING_PINS = ("BK7238", "BK7252N")


@dataclass(frozen=True, slots=True)
class Which:
    """The pins of one port, and why; UNKNOWN where nothing tells."""

    pins: Pins
    why: str


def which_pins(watched: Watched) -> Which:
    """What one port alone tells."""
    if watched.mcu_frames >= MCU_FRAMES:
        return Which(Pins.FLASHING, f"{watched.mcu_frames} frames of a TuyaMCU came")
    if watched.facts.verdict.kind is LineKind.ZEROS:
        return Which(Pins.FLASHING, "only zeros came: a slow meter or MCU line")
    return _by_text(watched)


def _by_text(watched: Watched) -> Which:
    facts = watched.facts
    if facts.has("bl602.boot", "bl602.core", "bl602.start"):
        return Which(Pins.FLASHING, "a BL602 prints its log on the pins that it is flashed by")
    if any(boot.app_lines for boot in facts.boots) and watched.settled:
        return Which(Pins.LOG, "an application prints here")
    if facts.bootloader.startswith(BOOTLOADER_ON_FLASHING_PINS):
        return Which(Pins.FLASHING, f"{facts.bootloader} prints there, its application does not")
    if facts.banners:
        return Which(Pins.LOG, f"the bootloader {facts.bootloader} prints here")
    return Which(Pins.UNKNOWN, "nothing tells")


def tell_apart(watches: Sequence[Watched]) -> tuple[Which, ...]:
    """Which is which of two ports: where one is known, the other is the other."""
    found = [which_pins(watched) for watched in watches]
    if len(found) != 2:
        return tuple(found)
    for at, other in ((0, 1), (1, 0)):
        if found[at].pins is Pins.UNKNOWN and found[other].pins is Pins.LOG:
            found[at] = Which(Pins.FLASHING, "the log is on the other port")
        elif found[at].pins is Pins.UNKNOWN and found[other].pins is Pins.FLASHING:
            found[at] = Which(Pins.LOG, "the flashing pins are on the other port")
    return tuple(found)
