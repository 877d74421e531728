"""Wrong speed and wrong polarity, told from the bytes alone.

The line is modelled as ideal NRZ, 8N1: the receiver samples in the middle of each of its own bits,
resynchronises on the next falling edge and delivers a byte even where the stop bit is missing.
Typical boot text sent through that model gives one histogram of bytes for each ratio of speeds;
the bytes of a capture are compared with all of them.

Source: boot-logs, section 3; the closed byte sets of that section fall out of the same model.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

READABLE = frozenset({0x09, 0x0A, 0x0D, 0x1B, *range(0x20, 0x7F)})
KNOWN_TOKENS = (
    b"V:BK7231", b"BK7231", b"BK7238_", b"BK7252", b"REG:cpsr", b"CPSR:", b"J 0x10000",
    b"go os_addr", b"prvHeapInit", b"OpenBK", b"Info:MAIN:", b"TUYA ", b"Booting BL602",
    b"Starting bl602", b"[Flash]id:", b"bk_misc_init", b"RISC-V Core",
)  # fmt: skip
LIKELY_RATES = (115_200, 2_000_000, 9_600, 921_600, 1_500_000, 74_880, 57_600)
"""In the order worth trying, one reset each."""

_REFERENCE = (
    b"\r\r\nV:BK7231S_1.0.5\r\r\nCPSR:000000D3\r\r\nR0:00000000\r\r\nR1:00000000\r\r\n"
    b"R13:00000000\r\r\nR14(LR):00000000\r\r\nST:00000000\r\r\nJ 0x10000\r\r\n"
    b"REG:cpsr     spsr     r13      r14\r\r\nSVC:000000D3          00401C1C 000033AC\r\r\n"
    b"SYS:000000df          0040192c 00000158 \r\r\n"
    b"prvHeapInit-start addr:0x41f390, size:134256\r\n"
    b"OpenBK7231T, version 1.18.300\r\nEntering initLog()...\r\nCommands registered!\r\n"
    b"Info:MAIN:Main_Init_Before_Delay\r\nError:CMD:lfs is absent\r\n"
    b"Info:GEN:PIN_SetupPins pins have been set up.\r\ngtx_i_gain_comp        : 0x3ff\r\n"
    b"g_rx_dc_gain_tab 0 over: 0x1ff01ff\r\ntemp in flash is:236\r\n#Startup delayed 110ms#\r\n"
    b"Info:MQTT:MQTT_RegisterCallback called for bT cmnd/bekens_t/ subT cmnd/bekens_t/+\r\n"
    b"Info:MAIN:Time 3, idle 30261/s, free 97624, MQTT 0(0), bWifi 0, secondsWithNoPing -1\r\n"
    b"[01-01 18:12:15 TUYA Notice][tuya_main.c:311] thread_create name:sys_timer,priority:5\r\n"
)

_REFERENCE_BL602 = (
    b"Booting BL602 Chip...\r\n"
    + "██████╗ ██╗      ██████╗\r\n██╔══██╗██║     ██╔════╝ ╚════██╗\r\n".encode()
    + b"RISC-V Core Feature:RV32-ACFIMX\r\nBuild Version:      release_bl_iot_sdk_1.6.22\r\n"
    b"------------------------------------------------------------\r\n"
    b"Boot Reason:        BL_RST_POWER_OFF\r\nHeap 126848@0x42023080, 5888@0x4204a900\r\n"
    b"[         0][INFO  : hal_boot2.c: 285] [HAL] [BOOT2] Active Partition[0]\r\n"
)

RATIOS: tuple[tuple[int, int], ...] = (
    (1, 2), (2, 1), (4, 1), (8, 1), (13, 20), (2, 3), (6, 13), (3, 4), (10, 9), (20, 9), (5, 4),
)  # fmt: skip
"""Reading rate over true rate, as fractions: 115200 read at 57600 is (1, 2)."""


class LineKind(StrEnum):
    """What the bytes on a line look like."""

    SILENT = "silent"
    TEXT = "text"
    WRONG_RATE = "wrong rate"
    INVERTED = "inverted"
    ZEROS = "only zeros"
    SPARSE_NOISE = "few bytes that form nothing"
    NOISE = "noise"


@dataclass(frozen=True, slots=True)
class LineVerdict:
    """What the bytes say about the line.

    `ratio` is reading rate over true rate where it is known; `true_rate` is that applied to the
    reading rate, or 0 where either is unknown. `fit` is the likeness to the model, 0..1.
    """

    kind: LineKind
    ratio: float = 0.0
    true_rate: int = 0
    fit: float = 0.0
    reason: str = ""


def readable(data: bytes) -> float:
    """How far `data` is text of a boot log: its printable share, and 0.5 for each known token."""
    if not data:
        return 0.0
    share = sum(byte in READABLE for byte in data) / len(data)
    return share + 0.5 * sum(token in data for token in KNOWN_TOKENS)


@dataclass(frozen=True, slots=True)
class Receiver:
    """How one make of receiver samples: both are counted in its own bits.

    `sample_at` is the place of a sample within a bit. Where one rate is a whole multiple of the
    other the middle falls on an edge, and the real clocks decide which side is seen. `rearm_at` is
    when the next start bit is looked for, after the falling edge of this one.
    """

    sample_at: float = 0.5
    rearm_at: float = 9.5


RECEIVERS = (Receiver(0.49, 9.5), Receiver(0.51, 9.5), Receiver(0.49, 10.5), Receiver(0.51, 10.5))


def read_through(
    data: bytes, read_over_sent: float, *, inverted: bool = False, receiver: Receiver = RECEIVERS[1]
) -> bytes:
    """The bytes a receiver delivers that reads `data` at `read_over_sent` times its true rate."""
    levels = bytearray(b"\x01" * 20)
    for byte in data:
        levels += bytes((0, *((byte >> bit) & 1 for bit in range(8)), 1))
    levels += b"\x01" * 40
    if inverted:
        levels = bytearray(level ^ 1 for level in levels)
    falls = [i for i in range(1, len(levels)) if levels[i] < levels[i - 1]]
    step = 1 / read_over_sent
    first_sample = (1 + receiver.sample_at) * step
    out = bytearray()
    earliest = 0.0
    while (index := bisect_left(falls, earliest)) < len(falls):
        start = falls[index]
        if start + 9.5 * step >= len(levels):
            break
        value = 0
        for bit in range(8):
            value |= levels[int(start + first_sample + bit * step)] << bit
        out.append(value)
        earliest = start + receiver.rearm_at * step
    return bytes(out)


def uninvert(data: bytes) -> bytes:
    """The text behind a line of the wrong polarity, where its bytes follow without a pause.

    The receiver takes the inverted stop bit for a start bit, so that every byte it delivers is
    the inverted start bit and the first seven data bits, inverted.
    """
    return bytes(~(byte >> 1) & 0x7F for byte in data)


def judge_line(data: bytes, read_rate: int = 0) -> LineVerdict:
    """What the bytes of a capture say about speed and polarity. `read_rate` 0 means unknown."""
    if not data:
        return LineVerdict(LineKind.SILENT, reason="no byte arrived")
    counts = Counter(data)
    total = len(data)
    if counts[0] >= 0.97 * total and total >= 4:
        return _only_zeros(read_rate)
    if _is_text(data, counts):
        return LineVerdict(LineKind.TEXT, ratio=1.0, true_rate=read_rate, fit=1.0)
    verdict = _inverted(data) or _closed_set(counts, total, read_rate)
    if verdict is None and total >= 200:
        verdict = _by_histogram(counts, total, read_rate)
    if verdict is not None:
        return verdict
    if total < 600:
        return LineVerdict(
            LineKind.SPARSE_NOISE,
            true_rate=2_000_000 if read_rate in (0, 115_200) else 0,
            reason=f"{total} bytes without order: the sender is many times faster",
        )
    return LineVerdict(LineKind.NOISE, reason=f"{total} bytes that fit no speed")


def _is_text(data: bytes, counts: Counter[int]) -> bool:
    total = len(data)
    share = sum(counts[byte] for byte in READABLE) / total
    if share >= 0.9:
        return True
    tokens = sum(token in data for token in KNOWN_TOKENS)
    if tokens and share >= 0.5:
        return True
    # Block characters and accents are bytes above 0x7F as well.
    decoded = data.decode("utf-8", errors="replace")
    good = sum(
        (char.isprintable() and char != "\ufffd") or char in "\r\n\t\x1b" for char in decoded
    )
    whole = "\ufffd" not in decoded.rstrip("\ufffd")
    return total >= 8 and good >= 0.9 * len(decoded) and (share >= 0.3 or whole)


def _only_zeros(read_rate: int) -> LineVerdict:
    if read_rate >= 1_000_000:
        return LineVerdict(
            LineKind.WRONG_RATE, true_rate=115_200, fit=0.6,
            reason="only zero bytes: the sender is ten times slower or more",
        )  # fmt: skip
    return LineVerdict(
        LineKind.ZEROS, reason="only zero bytes: a far slower sender, or the line is held low"
    )


def _inverted(data: bytes) -> LineVerdict | None:
    odd = sum(byte & 1 for byte in data)
    if len(data) < 16 or odd < 0.6 * len(data):
        return None
    text = uninvert(data)
    share = sum(byte in READABLE for byte in text) / len(text)
    tokens = sum(token in text for token in KNOWN_TOKENS)
    if not tokens and (share < 0.9 or odd < 0.95 * len(data)):
        return None
    return LineVerdict(
        LineKind.INVERTED, ratio=1.0, fit=share,
        reason=f"with the polarity turned round, {share:.0%} of the bytes are text",
    )  # fmt: skip


_CLOSED_SETS: tuple[tuple[int, frozenset[int]], ...] = (
    (8, frozenset({0x00, 0x80})),
    (4, frozenset({0x00, 0x78, 0x80, 0xF8})),
    (2, frozenset(bytes.fromhex("0006181e6066787e8086989ee0e6f8fe"))),
)


def _closed_set(counts: Counter[int], total: int, read_rate: int) -> LineVerdict | None:
    """A reading rate that is a whole multiple of the true one can deliver few byte values only."""
    if total < 60:
        return None
    for factor, values in _CLOSED_SETS:
        share = sum(counts[value] for value in values) / total
        if share >= 0.95:
            return LineVerdict(
                LineKind.WRONG_RATE, ratio=factor, fit=share,
                true_rate=read_rate // factor if read_rate else 0,
                reason=f"{share:.0%} of the bytes are of the {len(values)} values "
                f"that a rate {factor} times too high delivers",
            )  # fmt: skip
    return None


def _by_histogram(counts: Counter[int], total: int, read_rate: int) -> LineVerdict | None:
    observed = [counts[value] / total for value in range(256)]
    fits = sorted(
        ((max(_likeness(observed, shares) for shares in models(ratio)), ratio) for ratio in RATIOS),
        reverse=True,
    )
    best, ratio = fits[0]
    factor = ratio[0] / ratio[1]
    others = [fit for fit, (a, b) in fits if abs(a / b / factor - 1) > 0.2]
    second = max(others, default=0.0)
    if best < MIN_LIKENESS or best < second + MIN_LEAD:
        return None
    return LineVerdict(
        LineKind.WRONG_RATE, ratio=factor, fit=best,
        true_rate=nearest_rate(read_rate / factor) if read_rate else 0,
        reason=f"the bytes are distributed as boot text read at {factor:.2g} times its rate "
        f"(likeness {best:.2f}, next best {second:.2f})",
    )  # fmt: skip


MIN_LIKENESS = 0.60
MIN_LEAD = 0.10


def _likeness(left: Sequence[float], right: Sequence[float]) -> float:
    dot = sum(a * b for a, b in zip(left, right, strict=True))
    return dot / (math.sqrt(sum(a * a for a in left) * sum(b * b for b in right)) or 1.0)


@lru_cache(maxsize=len(RATIOS))
def models(ratio: tuple[int, int]) -> tuple[tuple[float, ...], ...]:
    """The share of each byte value when boot text is read at this ratio of rates.

    One tuple for each kind of text and of receiver.
    """
    out = []
    for reference in (_REFERENCE, _REFERENCE_BL602):
        for receiver in RECEIVERS:
            read = read_through(reference, ratio[0] / ratio[1], receiver=receiver)
            counts = Counter(read)
            out.append(tuple(counts[value] / len(read) for value in range(256)))
    return tuple(out)


USUAL_RATES = (*LIKELY_RATES, 4_800, 19_200, 38_400, 76_800, 128_000, 230_400, 256_000, 460_800)


def nearest_rate(rate: float, rates: Iterable[int] = USUAL_RATES) -> int:
    """The usual rate within 4 % of `rate`, or `rate` rounded."""
    best = min(rates, key=lambda usual: abs(math.log(usual / rate)))
    return best if abs(best / rate - 1) < 0.04 else round(rate)
