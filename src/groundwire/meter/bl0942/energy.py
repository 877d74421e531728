"""Energy from the pulse counter, of which no damaged, foreign or restarted reading can add much.

The counter has 24 bits and cannot itself tell a wrap from a restart. What can: how many pulses
the input could have made since the last reading. A step within that is booked, even over a wrap.
Any other step is held back until the next reading says which of the two counts was true; what lay
between them is never booked. So a packet of another chip, or a chip that restarted, can add no
more than the power that the input takes at its full scale for the time that has passed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from groundwire.meter.bl0942.codec import COUNTER_RANGE, Packet, Status
from groundwire.meter.bl0942.counter import MOST_PULSES_PER_S, Mark, most_pulses, possible_step
from groundwire.meter.bl0942.gains import Gains
from groundwire.meter.bl0942.reading import doubts_of


class Booking(StrEnum):
    """What became of one reading of the counter."""

    FIRST = "first reading: the count is the baseline"
    COUNTED = "counted"
    WRAPPED = "counted over a wrap of the counter"
    RESTARTED = "the chip restarted: new baseline, nothing booked"
    SUSPECT = "a step that no load can make: held back"
    DOUBTED = "the packet itself cannot be true: not looked at"
    GAP = "too long without a reading to tell a wrap: new baseline, nothing booked"


@dataclass(frozen=True, slots=True)
class Step:
    """What one reading added; `pulses` is negative for export."""

    booking: Booking
    pulses: int = 0


@dataclass(frozen=True, slots=True)
class EnergyState:
    """All that has to be kept to go on counting later, in pulses.

    `undirected` are pulses of a chip that counts absolutely, made while the direction changed.
    """

    imported: int = 0
    exported: int = 0
    undirected: int = 0
    baseline: Mark | None = None
    suspect: Mark | None = None
    generation: int = 0
    held_back: int = 0
    restarts: int = 0
    wraps: int = 0

    def imported_kwh(self, gains: Gains) -> float:
        """Energy taken."""
        return self.imported / gains.pulses_per_kwh

    def exported_kwh(self, gains: Gains) -> float:
        """Energy given back."""
        return self.exported / gains.pulses_per_kwh

    def undirected_kwh(self, gains: Gains) -> float:
        """Energy whose direction is not known."""
        return self.undirected / gains.pulses_per_kwh


class Ledger:
    """The energy of one chip.

    `signed` says how the chip counts (MODE: algebraic or absolute). `most_pulses_per_s` may be
    lowered to what the installation can draw; it is never above what the chip's input can take.
    """

    def __init__(
        self,
        *,
        signed: bool,
        state: EnergyState | None = None,
        most_pulses_per_s: float = MOST_PULSES_PER_S,
    ) -> None:
        self.signed = signed
        self.state = state or EnergyState()
        self.most_pulses_per_s = min(most_pulses_per_s, MOST_PULSES_PER_S)

    def add(self, packet: Packet, at_s: float, generation: int = 0) -> Step:
        """Book one packet; times are seconds of one clock that does not run backwards.

        `generation` is the reader's: a change says that the chip was found restarted.
        """
        if doubts_of(packet):
            return Step(Booking.DOUBTED)
        mark = Mark(packet.cf_cnt, at_s, _flows_back(packet))
        state = self.state
        if state.baseline is None:
            self._rebase(mark, generation)
            return Step(Booking.FIRST)
        if generation != state.generation:
            return self._restarted(mark, generation)
        if most_pulses(state.baseline, mark, self.most_pulses_per_s) >= COUNTER_RANGE // 2:
            self._rebase(mark, generation)
            return Step(Booking.GAP)
        return self._continue(state.baseline, mark, generation)

    def _continue(self, baseline: Mark, mark: Mark, generation: int) -> Step:
        """Book the step if a load can have made it, else hold it back or believe the new count."""
        pulses = self._possible(baseline, mark)
        if pulses is not None:
            return self._book(baseline, mark, pulses)
        suspect = self.state.suspect
        if suspect is not None and self._possible(suspect, mark) is not None:
            return self._restarted(mark, generation)
        self.state = replace(self.state, suspect=mark, held_back=self.state.held_back + 1)
        return Step(Booking.SUSPECT)

    def _possible(self, earlier: Mark, later: Mark) -> int | None:
        return possible_step(earlier, later, signed=self.signed, per_s=self.most_pulses_per_s)

    def _book(self, earlier: Mark, later: Mark, pulses: int) -> Step:
        wrapped = not 0 <= earlier.count + pulses < COUNTER_RANGE
        state = self.state
        imported, exported, undirected = state.imported, state.exported, state.undirected
        if self.signed:
            imported += max(0, pulses)
            exported += max(0, -pulses)
        elif earlier.backwards != later.backwards:
            undirected += pulses
        elif later.backwards:
            exported += pulses
            pulses = -pulses
        else:
            imported += pulses
        self.state = replace(
            state,
            imported=imported,
            exported=exported,
            undirected=undirected,
            baseline=later,
            suspect=None,
            wraps=state.wraps + wrapped,
        )
        return Step(Booking.WRAPPED if wrapped else Booking.COUNTED, pulses)

    def _restarted(self, mark: Mark, generation: int) -> Step:
        self._rebase(mark, generation)
        self.state = replace(self.state, restarts=self.state.restarts + 1)
        return Step(Booking.RESTARTED)

    def _rebase(self, mark: Mark, generation: int) -> None:
        self.state = replace(self.state, baseline=mark, suspect=None, generation=generation)


def _flows_back(packet: Packet) -> bool:
    """Which way power flows; without power, which way the last pulse went."""
    if packet.watt:
        return packet.watt < 0
    return bool(packet.flags & Status.LAST_PULSE_NEGATIVE)
