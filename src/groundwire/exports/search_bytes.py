"""Finding many byte strings in a dump at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

SHORTEST = 4


def find_all(data: bytes, patterns: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """Every place of every pattern, by rising offset, longer patterns first.

    Two tables over pairs of bytes leave a handful of candidates, so hundreds of patterns cost
    about as much as one. Patterns shorter than four bytes are left out.
    """
    by_head: dict[bytes, list[bytes]] = {}
    for pattern in {bytes(pattern) for pattern in patterns}:
        if len(pattern) >= SHORTEST:
            by_head.setdefault(pattern[:SHORTEST], []).append(pattern)
    if not by_head or len(data) < SHORTEST:
        return
    first, second = np.zeros(65536, dtype=bool), np.zeros(65536, dtype=bool)
    for head in by_head:
        first[int.from_bytes(head[:2], "little")] = True
        second[int.from_bytes(head[2:4], "little")] = True
    array = np.frombuffer(data, dtype=np.uint8).astype(np.uint16)
    pairs = array[:-1] | array[1:] << 8
    candidates = np.flatnonzero(first[pairs[:-2]] & second[pairs[2:]])
    for at in candidates.tolist():
        patterns_here = by_head.get(data[at : at + SHORTEST], ())
        for pattern in sorted(patterns_here, key=len, reverse=True):
            if data.startswith(pattern, at):
                yield at, pattern
