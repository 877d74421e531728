"""What both emulated command servers share: the outcome of a command, speeds, checksums."""

# Ref: PROTOCOL.md, sections "Speed" and "Range checksum"

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from groundwire.chips.beken.codec import encode_reply
from groundwire.chips.beken.facts import ChipFacts
from groundwire.chips.beken.messages import Reply
from groundwire.chips.nor_flash import PAGE, NorFlash
from groundwire.framing.crc import crc32_uninverted

UART_CLOCK_HZ: Final = 26_000_000
SMALLEST_DIVISOR: Final = 5  # register value plus one
LARGEST_DIVISOR: Final = 0x2000
LONGEST_CRC: Final = 16 << 20  # a longer one keeps the chip busy practically for ever
LINK_RATE: Final = 115_200


class Then(Enum):
    """What the chip does when a command is finished."""

    STAY = "stay"
    RESET = "reset"  # the watchdog restarts it
    RUN = "run"  # it starts what is in flash
    HANG = "hang"  # it is busy until somebody resets it


@dataclass(frozen=True, slots=True)
class Outcome:
    """A command's effect as the line sees it: a reply `took_s` after its start, if any.

    `baudrate` is a new speed of the UART, in force from the start.
    """

    reply: bytes = b""
    took_s: float = 0.0
    then: Then = Then.STAY
    baudrate: float | None = None
    links: bool = False


SILENCE: Final = Outcome()


def answer(reply: Reply, took_s: float = 0.0, *, links: bool = False) -> Outcome:
    """The usual outcome: a reply after some time."""
    return Outcome(encode_reply(reply), took_s, links=links)


def uart_rate(asked: int, *, nearest: bool) -> float:
    """The speed that the divisor gives when `asked` baud are set.

    Loaders round to the nearest divisor, boot ROMs cut off. The limits are those of the loader.
    """
    if asked <= 0:
        divisor = LARGEST_DIVISOR
    elif nearest:
        divisor = (UART_CLOCK_HZ + asked // 2) // asked
    else:
        divisor = UART_CLOCK_HZ // asked
    return UART_CLOCK_HZ / min(max(divisor, SMALLEST_DIVISOR), LARGEST_DIVISOR)


def range_crc(facts: ChipFacts, flash: NorFlash, start: int, last: int) -> tuple[int, float] | None:
    """The CRC register over a range and the seconds it takes; None where it never ends.

    Loaders count whole pages, boot ROMs bytes, both with the last address included.
    """
    size = last - start + 1
    if facts.crc_pages:
        size = size // PAGE * PAGE
    if last < start or size > LONGEST_CRC:
        return None
    crc = crc32_uninverted(flash.read(start, size))
    return crc, size / flash.timings.crc_bytes_per_s
