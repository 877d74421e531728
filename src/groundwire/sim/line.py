"""What a UART reads when the other side sends at another speed: bit by bit."""

from __future__ import annotations

BIT_ERROR_LIMIT = 0.03  # a UART samples the middle of each bit; ten bits may slip by about half one


def as_read(data: bytes, sent_at: float, read_at: float) -> bytes:
    """The bytes that a receiver at `read_at` baud sees when `data` is sent at `sent_at`.

    Bytes follow each other without a gap, the line idles high before and after. A byte whose stop
    bit reads low is delivered all the same, as most receivers do.
    """
    if abs(read_at / sent_at - 1) <= BIT_ERROR_LIMIT:
        return data
    levels = bytearray()
    for byte in data:
        levels.append(0)
        levels.extend(byte >> bit & 1 for bit in range(8))
        levels.append(1)
    step = sent_at / read_at  # sender bits per receiver bit
    count = len(levels)

    def level(at: float) -> int:
        index = int(at)
        return levels[index] if index < count else 1

    out = bytearray()
    at = 0.0
    while True:
        index = int(at)
        while index < count and levels[index]:
            index += 1
        if index >= count:
            return bytes(out)
        start = max(at, float(index))
        value = 0
        for bit in range(8):
            value |= level(start + step * (bit + 1.5)) << bit
        out.append(value)
        at = start + step * 9.5
        if not level(at):  # a framing error: wait for the line to rise again
            index = int(at)
            while index < count and not levels[index]:
                index += 1
            at = float(index)
