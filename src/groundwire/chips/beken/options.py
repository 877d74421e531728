"""What can be chosen about an emulated Beken module, and the flash it has by default."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from groundwire.chips.beken.application import Application
from groundwire.chips.beken.facts import ChipFacts
from groundwire.chips.nor_flash import NorFlash

MARKER_AT: Final = 0x110
BOOTLOADER_END: Final = 0x11000


class Start(Enum):
    """The state in which an emulated module is handed over.

    OFF waits for power; RUNNING has had its firmware running for long; LINKED is in download mode
    (a loader's idle limit counts from the first byte on).
    """

    OFF = "off"
    RUNNING = "running"
    LINKED = "linked"


@dataclass(frozen=True, slots=True)
class BekenOptions:
    """What can be chosen about an emulated module; times in seconds.

    `idle_restart_s` None is the chip's own. `brownout_after_s`: the firmware gets that far, then
    the supply gives in and the module starts again, for ever. `efuse_key` are the four key words,
    None for those of the chip's key class. `mid_length_field_5`: the flash id comes with length
    field 5 instead of 6.
    """

    start: Start = Start.OFF
    application: Application = field(default_factory=Application)
    brownout_after_s: float | None = None
    ready_after_s: float = 0.002
    window_s: float = 0.005
    stretched_window_s: float = 0.8
    idle_restart_s: float | None = None
    partial_frame_s: float = 0.1
    relisten_s: float = 0.0002
    efuse_key: tuple[int, int, int, int] | None = None
    mid_length_field_5: bool = False


def default_flash(facts: ChipFacts) -> NorFlash:
    """A flash as a working module has it: a bootloader that is none, and nothing else."""
    content = bytearray(b"\xff" * facts.flash_size)
    content[:BOOTLOADER_END] = (bytes(range(1, 252)) * (BOOTLOADER_END // 251 + 1))[:BOOTLOADER_END]
    if facts.marker:
        content[MARKER_AT : MARKER_AT + 8] = facts.marker.encode("ascii").ljust(8, b"\0")
    return NorFlash(content, facts.flash_id)
