"""How an unknown board is wired, without soldering: ask every way there is, then compare tags.

Each way (transmit line, address, speed) is asked for a packet several times. What answers is then
given a tag through one way and asked for it through every other: the same tag is the same chip,
another tag is another chip. There is no other proof of identity. Tags are put back at the end.

The hypotheses, for two chips whose answers share one receive line:

    H1  one transmit line each, the second one on the pin that was named (P24)
    H2  everything in parallel, same address, same speed: cannot be told apart by software
    H3  as H1, but on another pin
    H4  one pair of wires, different speeds
    H5  one pair of wires, different addresses
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import product

from groundwire.errors import BadArgument, LinkError, ProtocolError
from groundwire.events import Notice, Phase, Progress
from groundwire.meter.bl0942.bus import FIRST_TAG, Bus
from groundwire.meter.bl0942.codec import ADDRESSES, BAUDRATES, ReadPacket, ReadRegister, Register
from groundwire.meter.bl0942.exchange import LATENCY_USB_S, Channel, Loss, TransmitLine
from groundwire.wire import Procedure

TRIES = 10
PAUSE_S = 0.060
# Bit-banged lines are not tried faster: no interrupt-driven sender can keep the edges there.
SLOW_BAUDRATES = BAUDRATES[:2]
NAMED_PIN = "P24"
MOST_WAYS = 64
MOST_CHIPS = 16
ONE_WIRE = "the only transmit line"
_HEARD_BUT_WRONG = (Loss.BAD_SUM, Loss.TOO_LONG, Loss.SHORT)


class Verdict(StrEnum):
    """How the board is wired, as far as it can be told."""

    H1 = "H1: one transmit line for each chip, the second on the pin that was named"
    H2 = "H2: chips in parallel with the same address and speed; no software can separate them"
    H3 = "H3: one transmit line for each chip, the second on another pin"
    H4 = "H4: one pair of wires, the chips differ in speed"
    H5 = "H5: one pair of wires, the chips differ in address"
    CANNOT_TELL = "cannot tell"


@dataclass(slots=True)
class Way:
    """One combination of line, address and speed, and what came of asking there."""

    channel: Channel
    tries: int = 0
    packets: int = 0
    losses: dict[Loss, int] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        return self.packets > 0

    @property
    def garbled(self) -> bool:
        """Whether something answers most of the time and almost never rightly."""
        wrong = sum(self.losses.get(loss, 0) for loss in _HEARD_BUT_WRONG)
        return wrong >= self.tries * 0.7 and self.packets <= self.tries * 0.2

    def text(self) -> str:
        """One line of evidence."""
        line = self.channel.line.name if self.channel.line else ONE_WIRE
        said = f"{self.packets} of {self.tries} answers right"
        lost = ", ".join(f"{count} {loss}" for loss, count in sorted(self.losses.items()))
        where = f"{line}, address {self.channel.address}, {self.channel.baudrate} baud"
        return f"{where}: {said}" + (f" ({lost})" if lost else "")


@dataclass(frozen=True, slots=True)
class FoundChip:
    """One chip: all ways that reach it; the first is the one to use."""

    channels: tuple[Channel, ...]


@dataclass(frozen=True, slots=True)
class Discovery:
    """The verdict, the chips to build a bus of, and what it rests on."""

    verdict: Verdict
    chips: tuple[FoundChip, ...]
    evidence: tuple[str, ...]

    @property
    def channels(self) -> tuple[Channel, ...]:
        """One channel for each chip that was found."""
        return tuple(chip.channels[0] for chip in self.chips)


def ways_to_try(lines: Sequence[TransmitLine] = ()) -> tuple[Channel, ...]:
    """All ways of the procedure, the likeliest first.

    Every address and speed on the first line, which a UART drives, and address 0 at 4800 and 9600
    baud on each further line, which may be a bit-banged pin.
    """
    named: tuple[TransmitLine | None, ...] = tuple(lines) or (None,)
    first = product(named[:1], BAUDRATES, ADDRESSES)
    further = product(named[1:], SLOW_BAUDRATES, (0,))
    return tuple(
        Channel(_name_of(line, address, rate), address, rate, line)
        for line, rate, address in (*first, *further)
    )


def _name_of(line: TransmitLine | None, address: int, rate: int) -> str:
    return f"{line.name if line else 'TX'}/{address}/{rate}"


def discover(
    channels: Sequence[Channel], *, tries: int = TRIES, latency_s: float = LATENCY_USB_S
) -> Procedure[Discovery]:
    """Find out which chips there are and how each is reached.

    Writes to register 0x15 of what answers, and puts back what was there. Takes about a tenth of
    a second for each try on a way where nothing answers.
    """
    if not 0 < len(channels) <= MOST_WAYS or tries < 1:
        raise BadArgument(
            name="channels", value=str(len(channels)), expected=f"1 to {MOST_WAYS} ways to try"
        )
    bus = Bus(channels, latency_s=latency_s)
    yield Phase("ask", "Asking every way there is")
    ways = []
    for done, channel in enumerate(channels):
        ways.append((yield from _ask(bus, channel, tries)))
        yield Progress("ask", done + 1, len(channels))
    answering = [way.channel.name for way in ways if way.answers and not way.garbled]
    evidence = [way.text() for way in ways if way.answers or way.garbled]
    parallel = yield from _parallel(bus, ways, tries)
    yield Phase("tags", "Telling the chips apart by tags")
    tags = _Tags(bus, answering[:MOST_CHIPS])
    chips = yield from tags.tell_apart()
    evidence += [*tags.notes, *parallel, *_reasons(chips, ways)]
    return Discovery(_verdict_of(chips, parallel=bool(parallel)), chips, tuple(evidence))


def _ask(bus: Bus, channel: Channel, tries: int) -> Procedure[Way]:
    """Ask one way for packets; two silent tries in a row at the start are enough to give it up."""
    way = Way(channel)
    for attempt in range(tries):
        yield from bus.line.wait(PAUSE_S)
        catch = yield from bus.line.exchange(channel, ReadPacket(channel.address))
        way.tries += 1
        if catch.loss is None:
            way.packets += 1
        else:
            way.losses[catch.loss] = way.losses.get(catch.loss, 0) + 1
        silent = way.losses.get(Loss.SILENCE, 0) == way.tries
        if silent and attempt + 1 >= max(2, tries // 2):
            break
    return way


def _parallel(bus: Bus, ways: Sequence[Way], tries: int) -> Procedure[list[str]]:
    """Ways on which what is equal in all chips reads well although packets never do.

    Two chips that answer at once give the bits that both send: a register at its reset value comes
    through, readings do not. Noise would damage both alike.
    """
    found = []
    for way in ways:
        if not way.garbled:
            continue
        right = 0
        request = ReadRegister(way.channel.address, Register.WA_CREEP.value)
        for _attempt in range(tries):
            yield from bus.line.wait(PAUSE_S)
            catch = yield from bus.line.exchange(way.channel, request)
            right += catch.loss is None
        if right >= tries * 0.7:
            found.append(
                f"{way.channel.name}: packets are damaged, a register at its reset value reads "
                f"well {right} times of {tries}: two chips send the same bits at once"
            )
    return found


# --- identity ------------------------------------------------------------------------------


class _Tags:
    """Tells chips apart by writing a tag through one way and reading it through all others."""

    def __init__(self, bus: Bus, names: Sequence[str]) -> None:
        self.bus = bus
        self.names = names
        self.notes: list[str] = []
        self.before: dict[str, int] = {}
        self.chip_of: dict[str, str] = {}

    def tell_apart(self) -> Procedure[tuple[FoundChip, ...]]:
        """The chips, each with all ways that lead to it."""
        for name in self.names:
            tag = yield from self._read(name)
            if tag is not None:
                self.before[name] = tag
        # A tag that some chip carries from an earlier day would make two chips look like one.
        unused = (tag for tag in range(FIRST_TAG, 0, -1) if tag not in self.before.values())
        written: list[str] = []
        try:
            for name in self.before:
                if name not in self.chip_of:
                    written.append(name)
                    yield from self._mark(name, next(unused))
        finally:
            for name in written:
                yield from self._put_back(name)
        return tuple(
            FoundChip(
                tuple(
                    self.bus.states[name].channel
                    for name in self.names
                    if self.chip_of.get(name) == first
                )
            )
            for first in dict.fromkeys(self.chip_of.values())
        )

    def _mark(self, name: str, tag: int) -> Procedure[None]:
        try:
            yield from self.bus.write_register(name, Register.I_FAST_RMS_TH, tag)
        except (LinkError, ProtocolError) as error:
            self.notes.append(f"{name}: no tag could be written: {error.what}")
            return
        self.chip_of[name] = name
        for other in self.before:
            if other == name:
                continue
            found = yield from self._read(other)
            if found is not None:
                self.notes.append(f"tag {tag:04X} written through {name}, {found:04X} at {other}")
                if found == tag:
                    self.chip_of.setdefault(other, name)

    def _read(self, name: str) -> Procedure[int | None]:
        try:
            return (yield from self.bus.read_register(name, Register.I_FAST_RMS_TH))
        except (LinkError, ProtocolError) as error:
            self.notes.append(f"{name}: its tag could not be read: {error.what}")
            return None

    def _put_back(self, name: str) -> Procedure[None]:
        try:
            yield from self.bus.write_register(name, Register.I_FAST_RMS_TH, self.before[name])
        except (LinkError, ProtocolError) as error:
            yield Notice(f"{name}: its register 0x15 keeps our tag: {error.what}")


# --- the verdict ---------------------------------------------------------------------------


def _verdict_of(chips: Sequence[FoundChip], *, parallel: bool) -> Verdict:
    """Only what the evidence forces."""
    if len(chips) < 2:
        return Verdict.H2 if parallel and not chips else Verdict.CANNOT_TELL
    pairs = list(product(chips[0].channels, chips[1].channels))
    same_line = [(one, two) for one, two in pairs if one.line == two.line]
    if any(one.address != two.address for one, two in same_line):
        return Verdict.H5
    if same_line:
        return Verdict.H4
    names = {channel.line.name for channel in chips[1].channels if channel.line}
    return Verdict.H1 if NAMED_PIN in names else Verdict.H3


def _reasons(chips: Sequence[FoundChip], ways: Sequence[Way]) -> Iterator[str]:
    if chips:
        yield f"chips with tags of their own: {len(chips)}"
    if len(chips) == 1:
        yield (
            "one chip answers: the other has no supply, hangs on a line that was not tried, "
            "or answers in parallel with exactly the same bits, as two chips without mains may"
        )
    if not any(way.answers or way.garbled for way in ways):
        yield "nothing answers on any way: no supply, no common ground, or another chip"
    elif not chips:
        yield "no way gives good packets: chips in parallel, or a line that damages bytes"
    if len(chips) > 2:
        yield "more than two chips: the verdict speaks of the first two only"
