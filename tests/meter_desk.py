"""An emulated board whose chips live on from one session to the next, on one clock."""

from dataclasses import replace

from groundwire.jobs.meter import MeterOptions, MeterSession, find_channels
from groundwire.jobs.meter_ports import OpenedMeter
from groundwire.meter.bl0942.codec import Register
from groundwire.meter.bl0942.exchange import LATENCY_ON_BOARD_S
from groundwire.sim.meters import load_of, meter_board

EPOCH_S = 1_700_000_000.0


def impossible(_at_s):
    """More power than voltage times current."""
    load = load_of(230.0, 500.0)
    return replace(load, watt=load.watt * 2)


class MeterDesk:
    """A board, and sessions on it whose time of day goes with the board's clock."""

    def __init__(self, name="meter-h5", **options):
        self.board = meter_board(name, **options)
        self.line = self.board.line
        self.clock_off_s = 0.0
        self.events = []

    @property
    def opened(self):
        return OpenedMeter(self.board.port, self.board.lines, LATENCY_ON_BOARD_S, True)

    def wall_s(self):
        return EPOCH_S + self.clock_off_s + self.line.now_s

    def chip(self, name):
        return next(chip for chip in self.line.chips if chip.name == name)

    def session(self, *channels, **options):
        found = find_channels(self.opened, channels or ("A=TX/1/4800", "B=TX/2/4800"))
        wanted = MeterOptions(wall_s=self.wall_s, **options)
        return MeterSession(self.opened, found, wanted, tell=self.events.append)

    def tags(self):
        return {chip.name: chip.word(Register.I_FAST_RMS_TH) for chip in self.line.chips}
