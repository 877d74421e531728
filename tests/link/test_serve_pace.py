"""Pieces of a frame that a program hands over at once reach the chip one behind the other."""

from __future__ import annotations

import os

from groundwire.chips.family import Emission
from groundwire.link.serve import serve

PIECES = (b"a" * 400, b"b" * 3)


class OnePiecePerRead:
    """An endpoint that always has the next piece ready; it is its own wake-up pipe."""

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.write(self._write, b"x" * len(PIECES))
        self._left = list(PIECES)

    def fileno(self) -> int:
        return self._read

    def read(self) -> bytes:
        os.read(self._read, 1)
        return self._left.pop(0)

    def write(self, data: bytes) -> None:
        raise AssertionError(f"nothing was asked: {data!r}")

    def rate(self) -> int:
        return 9600

    @property
    def is_empty(self) -> bool:
        return not self._left

    def close(self) -> None:
        os.close(self._read)
        os.close(self._write)


class Listener:
    """Takes note of when the first and the last byte of each piece arrive."""

    baudrate = 9600.0

    def __init__(self) -> None:
        self.heard: list[tuple[float, float]] = []

    def power(self, *, on: bool, at_s: float) -> None: ...

    def hold_reset(self, *, held: bool, at_s: float) -> None: ...

    def on_bytes(self, data: bytes, first_s: float, byte_s: float) -> None:
        self.heard.append((first_s, first_s + byte_s * (len(data) - 1)))

    def advance(self, now_s: float) -> None: ...

    def next_event_s(self) -> float | None:
        return None

    def take_output(self) -> list[Emission]:
        return []


def test_a_piece_waits_until_the_line_is_free() -> None:
    endpoint, listener = OnePiecePerRead(), Listener()
    serve(listener, endpoint, lambda: endpoint.is_empty)
    endpoint.close()
    (_first, last), (first, _last) = listener.heard
    assert last > 400 * 10 / 9600
    assert first > last
