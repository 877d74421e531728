"""What the bytes say that arrive while no module has linked yet."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from groundwire.chips.family import ChipFamily

ENOUGH_BYTES: Final = 12
TEXT_SHARE: Final = 0.85
REPEATS: Final = 3
BANNER_CHARS: Final = 12
TEXT_BYTES: Final = frozenset(range(0x20, 0x7F)) | {0x09, 0x0A, 0x0D, 0x1B}
# OpenBeken begins every line of its log like this, and says the same once a second when all is well
LOG_LINE: Final = re.compile(rb"(?:Info|Warn|Error|Debug|ExtraDebug):")
RESTART: Final = re.compile(rb"[^\r\n\x00]{%d,}" % BANNER_CHARS)


class HeardKind(StrEnum):
    """The findings; each has its own message and its own next step."""

    SILENCE = "silence"
    ECHO = "echo"
    BOOT_TEXT = "boot text"
    BROKEN_BANNERS = "broken banners"
    OTHER_FAMILY = "another chip family"
    VENDOR_FRAMES = "vendor frames"
    WRONG_SPEED = "bytes at a wrong speed"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was heard, what it likely means, and one thing to do."""

    kind: HeardKind
    detail: str
    likely: str
    advice: str


def is_echo(heard: bytes, sent: bytes) -> bool:
    """Whether the line gives back what we send: most of it is our own frames."""
    unit = sent[: max(len(sent) // 8, 1)] if sent else b""
    if len(unit) < 4 or len(heard) < len(unit) * REPEATS:
        return False
    return heard.count(unit) * len(unit) >= len(heard) * 0.8


def text_share(heard: bytes) -> float:
    """The share of bytes that a log would consist of."""
    return sum(byte in TEXT_BYTES for byte in heard) / max(len(heard), 1)


def repeated_banner(heard: bytes) -> str:
    """The start of a line that comes again and again, or ""."""
    lines = [line for line in RESTART.findall(heard) if not LOG_LINE.match(line)]
    starts = Counter(line[:BANNER_CHARS] for line in lines)
    start: bytes
    for start, count in starts.most_common(1):
        if count >= REPEATS and count * len(starts) >= starts.total() * 0.5:
            return start.decode("ascii", "replace")
    return ""


def _first_line(heard: bytes) -> str:
    line = max(re.split(rb"[\r\n]+", heard), key=len)[:60]
    return repr(line.decode("ascii", "replace"))


def classify(heard: bytes, sent: bytes, families: Iterable[ChipFamily]) -> Finding:
    """The finding for what arrived; `sent` is what we were sending meanwhile."""
    if not heard:
        return Finding(
            HeardKind.SILENCE,
            "the line is silent",
            "no power at the module, RX and TX swapped, or its firmware prints nothing here",
            "check 3.3 V and ground, swap RX and TX once, then reset the module by hand",
        )
    if is_echo(heard, sent):
        return Finding(
            HeardKind.ECHO,
            "our own bytes come back",
            "TX and RX of the adapter touch each other, or no module is connected",
            "part the two wires; adapter TX goes to chip RX1, adapter RX to chip TX1",
        )
    for family in families:
        if name := family.looks_like_mine(heard):
            return Finding(
                HeardKind.OTHER_FAMILY,
                f"{name} ({family.title}) speaks on this line",
                "the module carries another chip than its printing suggests",
                f"bring it into the download mode of {name} and run the same command again",
            )
    if len(heard) >= ENOUGH_BYTES and text_share(heard) >= TEXT_SHARE:
        return _text_finding(heard)
    if heard.count(b"\x55\xaa") >= REPEATS:
        return Finding(
            HeardKind.VENDOR_FRAMES,
            f"{heard.count(bytes([0x55, 0xAA]))} frames that begin 55 AA",
            "the vendor's firmware runs and talks to a second chip on these pins",
            "hold CEN to GND for half a second; if nothing links, lift or reset the second chip",
        )
    return Finding(
        HeardKind.WRONG_SPEED,
        f"{len(heard)} bytes arrived and none formed an answer",
        "something talks at another speed: the firmware's log, or a chip still linked faster",
        "take the power away for ten seconds, then give it back while this command waits",
    )


def logging_finding(family: ChipFamily) -> Finding:
    """The finding where a family's log can be read, at the speed that only it logs at."""
    return Finding(
        HeardKind.OTHER_FAMILY,
        f"a {family.title} prints its log at {family.log_baudrate} baud",
        "the module runs its firmware, and may be another chip than its printing suggests",
        family.hands or "reset the module while this command waits",
    )


def _text_finding(heard: bytes) -> Finding:
    banner = repeated_banner(heard)
    if banner:
        return Finding(
            HeardKind.BROKEN_BANNERS,
            f"the same line starts again and again: {banner!r}",
            "the module restarts before it gets going: its 3.3 V supply is too weak",
            "feed 3.3 V from a supply good for 500 mA instead of the adapter's pin",
        )
    return Finding(
        HeardKind.BOOT_TEXT,
        f"the firmware prints text: {_first_line(heard)}",
        "the module runs its firmware and was not reset while this command asked",
        "hold CEN to GND for half a second while this command waits",
    )
