"""Readings, units, doubts and energy of all chips of a line, put together.

What a front end shows or a job records is one `Sample` after the other. A sample that is doubted
holds no values; a step of the counter that no load can make books nothing and has the chip proven.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from groundwire.errors import LinkError, ProtocolError
from groundwire.meter.bl0942.bus import Bus, Miss
from groundwire.meter.bl0942.codec import Mode, Register
from groundwire.meter.bl0942.counter import MOST_PULSES_PER_S
from groundwire.meter.bl0942.energy import Booking, EnergyState, Ledger, Step
from groundwire.meter.bl0942.gains import PULSE_COUNTS_S, Gains
from groundwire.meter.bl0942.reading import Measurement, measure
from groundwire.wire import Procedure


@dataclass(frozen=True, slots=True)
class Sample:
    """One reading of one chip in units, and its energy so far.

    `at_s` is seconds on the caller's clock. Both energies only ever grow.
    """

    channel: str
    at_s: float
    measurement: Measurement
    step: Step
    imported_kwh: float
    exported_kwh: float


class Monitor:
    """Watches all channels of a bus.

    `epoch_s` is the caller's time when the bus's clock shows zero; with `states` of an earlier
    run it must be of the same clock as then. `most_power_w` is what the installation can draw.
    """

    def __init__(
        self,
        bus: Bus,
        gains: Mapping[str, Gains],
        *,
        epoch_s: float = 0.0,
        states: Mapping[str, EnergyState] | None = None,
        most_power_w: float | None = None,
    ) -> None:
        self.bus = bus
        self.gains = dict(gains)
        self.epoch_s = epoch_s
        self.most_power_w = most_power_w
        # Generations count restarts within one run of the reader.
        self._kept = {name: replace(state, generation=0) for name, state in (states or {}).items()}
        self._ledgers: dict[str, Ledger] = {}

    @property
    def states(self) -> dict[str, EnergyState]:
        """What has to be kept to go on counting later."""
        return self._kept | {name: ledger.state for name, ledger in self._ledgers.items()}

    def turn(self) -> Procedure[Sample | Miss]:
        """The reading of the channel whose turn it is."""
        outcome = yield from self.bus.turn()
        if isinstance(outcome, Miss):
            return outcome
        name = outcome.channel
        if name not in self._ledgers:
            signed = yield from self._counts_signed(name)
            if signed is None:
                return Miss(name, self.bus.states[name].last_loss, self.bus.line.now_s)
            self._ledgers[name] = self._ledger(name, signed=signed)
        ledger = self._ledgers[name]
        gains = self.gains[name]
        at_s = self.epoch_s + outcome.at_s
        step = ledger.add(outcome.packet, at_s, outcome.generation)
        if step.booking in {Booking.SUSPECT, Booking.DOUBTED}:
            self.bus.ask_for_check(name)
        return Sample(
            channel=name,
            at_s=at_s,
            measurement=measure(outcome.packet, gains),
            step=step,
            imported_kwh=ledger.state.imported_kwh(gains),
            exported_kwh=ledger.state.exported_kwh(gains),
        )

    def _counts_signed(self, name: str) -> Procedure[bool | None]:
        """How this chip counts: as it was set up, or as it says; None where it does not."""
        wanted = self.bus.states[name].set_up
        if wanted is not None:
            return not wanted.mode & Mode.COUNT_ABSOLUTE
        try:
            mode = yield from self.bus.read_register(name, Register.MODE)
        except (LinkError, ProtocolError):
            return None
        return not mode & Mode.COUNT_ABSOLUTE

    def _ledger(self, name: str, *, signed: bool) -> Ledger:
        most = MOST_PULSES_PER_S
        if self.most_power_w is not None:
            most = self.most_power_w * self.gains[name].counts_per_watt / PULSE_COUNTS_S
        return Ledger(signed=signed, state=self._kept.get(name), most_pulses_per_s=most)
