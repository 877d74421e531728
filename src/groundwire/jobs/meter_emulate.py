"""An emulated meter board on a pty or a TCP port, for any program to read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from groundwire.chips.family import Emission
from groundwire.errors import BadArgument, Unplugged
from groundwire.link.serve import Endpoint, serve
from groundwire.meter.bl0942.served import ServedMeter
from groundwire.sim.meters import BOARDS, meter_board


def served_board(name: str) -> ServedMeter[Emission]:
    """An emulated board that can be served.

    Raises:
        BadArgument: there is no such board, or it needs two transmit lines, which no pty has.
    """
    board = meter_board(name)
    if board.lines:
        fit = ", ".join(one for one in BOARDS if not meter_board(one).lines)
        raise BadArgument(name="board", value=name, expected=f"one with one transmit line: {fit}")
    return ServedMeter(board.line, Emission)


def serve_board(board: ServedMeter[Emission], endpoint: Endpoint, stop: Callable[[], bool]) -> None:
    """Let a board live on an endpoint until `stop` turns true."""
    with contextlib.suppress(Unplugged):
        serve(board, endpoint, stop)
