"""The meter jobs: find the chips, read them, and go on reading them.

A chip is named by the way that leads to it (`TX1/0/4800`) where the user gives it no other name:
such a name still means the same chip when another one has died.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from groundwire.errors import BadArgument, Cancelled, NoMeter
from groundwire.events import Notice, Severity, Tell, tell_nobody
from groundwire.jobs.meter_ports import OpenedMeter
from groundwire.link.runner import Stop, never_stop, run
from groundwire.meter.bl0942.bus import Bus, Miss, SetUp
from groundwire.meter.bl0942.codec import ADDRESSES, BAUDRATES, MODE_SIGNED
from groundwire.meter.bl0942.discover import Discovery, discover, ways_to_try
from groundwire.meter.bl0942.energy import Booking, EnergyState
from groundwire.meter.bl0942.exchange import Channel, TransmitLine
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT, Gains
from groundwire.meter.bl0942.monitor import Monitor, Sample
from groundwire.meter.bl0942.ports import require_lines
from groundwire.meter.bl0942.reading import Doubt, compare_mains

QUICK_TRIES: Final = 4
READ_TRIES: Final = 5
NAP_S: Final = 0.25
SAME_MOMENT_S: Final = 5.0
LONGEST_NAME: Final = 32
ONLY_LINE: Final = "TX"
FIRST_SESSION_TAG: Final = 0xFFBF
# What a reader must be told of a booking; the others are the normal course.
TOLD_BOOKINGS: Final = (Booking.RESTARTED, Booking.SUSPECT, Booking.GAP)

_CHANNEL = re.compile(r"(?:([^=/]{1,32})=)?([A-Za-z0-9_]{1,16})/([0-3])/(\d{4,5})")


@dataclass(frozen=True, slots=True)
class Look:
    """One sample, and the doubts that only a comparison with the other chips raises."""

    sample: Sample
    compared: frozenset[Doubt] = frozenset()

    @property
    def doubts(self) -> frozenset[Doubt]:
        return self.sample.measurement.doubts | self.compared

    @property
    def believable(self) -> bool:
        return not self.doubts


@dataclass(frozen=True, slots=True)
class MeterOptions:
    """How a board is read.

    `gains` by chip; chips that are missing there have `default`. Without `sets_up` nothing is
    written to the chips, and nothing proves which chip answers. `wall_s` is the time of day.
    """

    gains: Mapping[str, Gains] = field(default_factory=dict)
    default: Gains = ESPHOME_DEFAULT
    sets_up: bool = True
    most_power_w: float | None = None
    states: Mapping[str, EnergyState] = field(default_factory=dict)
    wall_s: Callable[[], float] = time.time


# --- the chips --------------------------------------------------------------------------------


def parse_channel(text: str, lines: Sequence[TransmitLine]) -> Channel:
    """A chip as a user names it: `NAME=LINE/ADDRESS/BAUD`, or without the name.

    Raises:
        BadArgument: it is not of this form, or there is no such line.
    """
    found = _CHANNEL.fullmatch(text.strip())
    known = {line.name: line for line in lines}
    expected = "NAME=LINE/ADDRESS/BAUD, as A=" + "/".join((next(iter(known), ONLY_LINE), "0/4800"))
    if found is None:
        raise BadArgument(name="channel", value=text, expected=expected)
    name, wire, address, rate = found.groups()
    if int(rate) not in BAUDRATES or int(address) not in ADDRESSES:
        raise BadArgument(name="channel", value=text, expected=expected)
    if wire not in (known or {ONLY_LINE}):
        raise BadArgument(
            name="channel", value=text, expected="a line among " + ", ".join(known or (ONLY_LINE,))
        )
    way = f"{wire}/{address}/{rate}"
    if name is not None and not name.isprintable():
        raise BadArgument(name="channel", value=text, expected="a printable name")
    return Channel((name or way).strip(), int(address), int(rate), known.get(wire))


def find_wiring(
    opened: OpenedMeter,
    *,
    tries: int | None = None,
    tell: Tell = tell_nobody,
    stop: Stop = never_stop,
) -> Discovery:
    """The procedure that finds out how a board is wired; writes a tag and takes it back."""
    ways = ways_to_try(opened.lines)
    require_lines(opened.port, ways)
    procedure = (
        discover(ways, latency_s=opened.latency_s)
        if tries is None
        else discover(ways, tries=tries, latency_s=opened.latency_s)
    )
    return run(procedure, opened.port, tell, stop)


def find_channels(
    opened: OpenedMeter,
    named: Sequence[str] = (),
    *,
    tell: Tell = tell_nobody,
    stop: Stop = never_stop,
) -> tuple[Channel, ...]:
    """The chips that were named, or those that a quick look for them finds.

    Raises:
        NoMeter: nothing answers, or chips that cannot be told apart.
    """
    if named:
        channels = tuple(parse_channel(text, opened.lines) for text in named)
        require_lines(opened.port, channels)
        return channels
    found = find_wiring(opened, tries=QUICK_TRIES, tell=tell, stop=stop)
    if not found.chips:
        raise NoMeter(verdict=str(found.verdict), evidence=found.evidence)
    names = ", ".join(channel.name for channel in found.channels)
    tell(Notice(f"found: {names}"))
    return found.channels


def set_up_of(channel: Channel, lines: Sequence[TransmitLine]) -> SetUp:
    """What a chip is told once. The tag follows from its way alone.

    So the chips keep their tags whichever of them a run reads, in whatever order; and no tag of a
    search for the wiring that was broken off can be taken for one of these.
    """
    line = next((at for at, one in enumerate(lines) if one == channel.line), 0)
    rate = BAUDRATES.index(channel.baudrate)
    way = (line * len(BAUDRATES) + rate) * len(ADDRESSES) + channel.address
    return SetUp(MODE_SIGNED, FIRST_SESSION_TAG - way)


# --- reading ----------------------------------------------------------------------------------


class MeterSession:
    """All chips of a board, read one after the other."""

    def __init__(
        self,
        opened: OpenedMeter,
        channels: Sequence[Channel],
        options: MeterOptions | None = None,
        *,
        tell: Tell = tell_nobody,
        stop: Stop = never_stop,
    ) -> None:
        self.opened = opened
        self.options = options or MeterOptions()
        self.tell = tell
        self.stop = stop
        require_lines(opened.port, channels)
        self.bus = Bus(
            channels,
            set_up=[set_up_of(one, opened.lines) for one in channels]
            if self.options.sets_up
            else None,
            latency_s=opened.latency_s,
            clock=opened.port.now,
        )
        gains = {
            channel.name: self.options.gains.get(channel.name, self.options.default)
            for channel in channels
        }
        self.monitor = Monitor(
            self.bus,
            gains,
            epoch_s=self.options.wall_s() - opened.port.now(),
            states=self.options.states,
            most_power_w=self.options.most_power_w,
        )
        self._latest: dict[str, Sample] = {}
        self._told: dict[str, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.bus.states)

    @property
    def states(self) -> dict[str, EnergyState]:
        """What has to be kept to go on counting later."""
        return self.monitor.states

    def turn(self) -> Look | Miss:
        """The chip whose turn it is."""
        outcome = run(self.monitor.turn(), self.opened.port, self.tell, self.stop)
        if isinstance(outcome, Miss):
            # of the same clock as samples
            miss = Miss(
                outcome.channel,
                outcome.loss,
                self.monitor.epoch_s + outcome.at_s,
                outcome.received,
            )
            self._tell_once(miss.channel, f"{miss.channel}: no reading: {miss.loss}")
            return miss
        look = self._compare(outcome)
        self._report(look)
        return look

    def read(self) -> list[Look | Miss]:
        """One believable reading of each chip, or the last that came of several tries."""
        found: dict[str, Look | Miss] = {}
        for _ in range(READ_TRIES * len(self.names)):
            if all(isinstance(one, Look) and one.believable for one in found.values()) and len(
                found
            ) == len(self.names):
                break
            outcome = self.turn()
            name = outcome.sample.channel if isinstance(outcome, Look) else outcome.channel
            earlier = found.get(name)
            if isinstance(earlier, Look) and (
                isinstance(outcome, Miss) or (earlier.believable and not outcome.believable)
            ):
                continue
            found[name] = outcome
        return [found[name] for name in self.names if name in found]

    def rounds(
        self, every_s: float, *, for_s: float | None = None, rounds: int | None = None
    ) -> Iterator[Look | Miss]:
        """All chips again and again until stopped, or for so long, or for so many rounds.

        A chip that rests because it never answers is asked again when its rest is over.
        """
        port = self.opened.port
        began_s = port.now()
        for number in count():
            if rounds is not None and number >= rounds:
                return
            due_s = began_s + number * every_s
            if for_s is not None and max(due_s, port.now()) - began_s >= for_s:
                return
            if not self._wait_until(due_s):
                return
            for _ in range(self._awake()):
                try:
                    yield self.turn()
                except Cancelled:
                    return
                if self.stop():
                    return

    def _awake(self) -> int:
        now_s = self.bus.line.now_s
        return sum(state.next_poll_s <= now_s for state in self.bus.states.values())

    def _wait_until(self, due_s: float) -> bool:
        """Whether that moment was reached before somebody asked to stop."""
        port = self.opened.port
        while not self.stop():
            left_s = due_s - port.now()
            if left_s <= 0:
                return True
            port.wait(min(left_s, NAP_S))
        return False

    # --- what is worth telling --------------------------------------------------------------

    def _compare(self, sample: Sample) -> Look:
        self._latest[sample.channel] = sample
        near = {
            name: other.measurement
            for name, other in self._latest.items()
            if abs(other.at_s - sample.at_s) <= SAME_MOMENT_S
        }
        return Look(sample, compare_mains(near).get(sample.channel, frozenset()))

    def _report(self, look: Look) -> None:
        sample = look.sample
        name = sample.channel
        if sample.step.booking in TOLD_BOOKINGS:
            self.tell(Notice(f"{name}: {sample.step.booking}", Severity.WARNING))
        if look.doubts:
            why = "; ".join(sorted(look.doubts))
            self._tell_once(name, f"{name}: doubted: {why}")
        else:
            self._told.pop(name, None)

    def _tell_once(self, name: str, text: str) -> None:
        """The same trouble of a chip in a row is one line."""
        if self._told.get(name) != text:
            self._told[name] = text
            self.tell(Notice(text, Severity.WARNING))
