"""Patterns that no flash content has by itself: stuck bits, dead sectors, wrapped reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from groundwire.quantities import KIB, Span, merge_spans, size_text

if TYPE_CHECKING:
    from numpy.typing import NDArray

SECTOR = 4096
# Up to four equal sectors in a row occur in real dumps (settings stores keep several copies).
_REPEATS_MAX = 16
_DEAD_MIN = 4 * SECTOR
_SMALLEST_FLASH = 512 * KIB
_STUCK_SAMPLE = 64 * KIB


def _sectors(data: bytes) -> NDArray[np.uint8]:
    count = len(data) // SECTOR
    return np.frombuffer(data, dtype=np.uint8, count=count * SECTOR).reshape(count, SECTOR)


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """First and one past the last index of each run of set flags."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.view(np.int8), [0]))))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def dead_sectors(data: bytes) -> tuple[Span, ...]:
    """Sectors in which every byte is the same and not 0xFF: the flash did not answer."""
    rows = _sectors(data)
    flags = (rows[:, 0] != 0xFF) & (rows == rows[:, :1]).all(axis=1)
    spans = [Span(first * SECTOR, (end - first) * SECTOR) for first, end in _runs(flags)]
    return merge_spans(spans)


def repeated_sectors(data: bytes) -> tuple[Span, ...]:
    """Long runs of sectors that all equal the one before: the reading stood still."""
    rows = _sectors(data)
    if len(rows) < 2:
        return ()
    same = (rows[1:] == rows[:-1]).all(axis=1) & (rows[1:, 0] != rows[1:].max(axis=1))
    return tuple(
        Span(first * SECTOR, (end - first + 1) * SECTOR)
        for first, end in _runs(same)
        if end - first + 1 >= _REPEATS_MAX
    )


def wrapped_at(data: bytes) -> int | None:
    """The flash size at which the reading wrapped around and began again, or None.

    Reading past the end of a flash gives its start again. Both halves being erased is no sign.
    """
    size = _SMALLEST_FLASH
    while size < len(data):
        again = data[size : 2 * size]
        if data.startswith(again) and again.count(0xFF) < len(again):
            return size
        size *= 2
    return None


def stuck_bits(data: bytes) -> tuple[int, int]:
    """The bits that are 0, and those that are 1, in every byte that is not erased."""
    flat = np.frombuffer(data, dtype=np.uint8)
    written = flat[flat != 0xFF]
    if len(written) < _STUCK_SAMPLE:
        return 0, 0
    low = ~int(np.bitwise_or.reduce(written)) & 0xFF
    high = int(np.bitwise_and.reduce(written))
    return low, high


def describe(data: bytes) -> tuple[tuple[Span, str], ...]:
    """Everything of the kind that a content shows; single sectors of zeros can be a file's."""
    dead = [span for span in dead_sectors(data) if span.size >= _DEAD_MIN]
    found = [(span, "every byte is the same: the flash did not answer") for span in dead]
    found += [(span, "the same sector over and over") for span in repeated_sectors(data)]
    size = wrapped_at(data)
    if size is not None:
        text = f"the content repeats: the flash has {size_text(size)} and was read past its end"
        found.append((Span.between(size, len(data)), text))
    low, high = stuck_bits(data)
    for bits, level in ((low, 0), (high, 1)):
        if bits:
            text = f"bits 0x{bits:02X} are {level} in every byte: stuck"
            found.append((Span(0, len(data)), text))
    return tuple(found)
