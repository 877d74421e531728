"""Decoding recorded packets by the hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from groundwire.meter.bl0942.codec import (
    COUNTER_RANGE,
    PACKET_HEADER,
    PACKET_SIZE,
    READ_COMMAND,
    Packet,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_FIELDS = {
    "i_rms": 1, "v_rms": 4, "i_fast_rms": 7, "watt": 10, "cf_cnt": 13, "freq": 16, "status": 19,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class PacketColumns:
    """Packets as columns, one value per packet; `offsets` says where each began in the input."""

    offsets: NDArray[np.int64]
    i_rms: NDArray[np.int32]
    v_rms: NDArray[np.int32]
    i_fast_rms: NDArray[np.int32]
    watt: NDArray[np.int32]
    cf_cnt: NDArray[np.int32]
    freq: NDArray[np.int32]
    status: NDArray[np.int32]
    discarded: int

    def __len__(self) -> int:
        return len(self.offsets)

    def packet(self, index: int) -> Packet:
        """One row as the value that the codec would have made."""
        return Packet(**{name: int(getattr(self, name)[index]) for name in _FIELDS})


def decode_stream(data: bytes, address: int = 0) -> PacketColumns:
    """All packets in a recording, with the same choices as `codec.PacketBuffer` makes.

    A header with a wrong sum costs one byte. Bytes that belong to no packet are counted, those at
    the end that may be the start of one included.
    """
    import numpy as np  # noqa: PLC0415 (a listing of the commands must not pay for it)

    raw = np.frombuffer(data, np.uint8)
    starts = _starts(raw, address)
    rows = raw[starts[:, None] + np.arange(PACKET_SIZE)].astype(np.int32)
    columns = {
        name: rows[:, at] | rows[:, at + 1] << 8 | rows[:, at + 2] << 16
        for name, at in _FIELDS.items()
    }
    watt = columns["watt"]
    columns["watt"] = np.where(watt >= COUNTER_RANGE // 2, watt - COUNTER_RANGE, watt)
    return PacketColumns(offsets=starts, discarded=len(data) - PACKET_SIZE * len(starts), **columns)


def _starts(raw: NDArray[np.uint8], address: int) -> NDArray[np.int64]:
    """Where packets with a right sum begin, none overlapping an earlier one."""
    import numpy as np  # noqa: PLC0415

    if len(raw) < PACKET_SIZE:
        return np.zeros(0, np.int64)
    running = np.concatenate(([0], np.cumsum(raw, dtype=np.int64)))
    totals = running[PACKET_SIZE:] - running[:-PACKET_SIZE]
    headers = raw[: len(totals)] == PACKET_HEADER
    found = np.flatnonzero(headers & ((totals + READ_COMMAND + address) & 0xFF == 0xFF))
    if len(found) < 2 or int(np.diff(found).min()) >= PACKET_SIZE:
        return found.astype(np.int64)
    kept: list[int] = []
    free_from = 0
    for start in found.tolist():
        if start >= free_from:
            kept.append(start)
            free_from = start + PACKET_SIZE
    return np.array(kept, np.int64)
