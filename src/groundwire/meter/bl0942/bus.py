"""Reading any number of chips over one receive line, each packet credited to its own chip.

Channels take turns. A channel that fails three times in a row gets a break and its set-up again;
after ten it is asked once a minute only, so a dead chip costs its neighbours little. Where a
set-up is given, each chip carries a tag of its own and a MODE that no reset restores: reading
both back proves which chip answers and that it has not restarted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from groundwire.errors import (
    BadArgument,
    CorruptFrame,
    LinkError,
    NoReply,
    ProtocolError,
    RegisterUnchanged,
)
from groundwire.meter.bl0942.codec import (
    LOCK_KEY,
    MODE_SIGNED,
    UNLOCK_KEY,
    Mode,
    Packet,
    ReadPacket,
    ReadRegister,
    Register,
    decode_packet,
    decode_register_reply,
    write_of,
)
from groundwire.meter.bl0942.counter import Mark, possible_step
from groundwire.meter.bl0942.exchange import LATENCY_USB_S, Channel, LineOwner, Loss
from groundwire.wire import Procedure

ATTEMPTS = 3
BREAK_AFTER = 3
REST_AFTER = 10
REST_S = 60.0
BURST = 2
CHECK_EVERY_S = 300.0
CHECK_AFTER_LOSS_S = 120.0
FIRST_TAG = 0xFFFE
TAG_AFTER_RESET = 0xFFFF


@dataclass(frozen=True, slots=True)
class SetUp:
    """What a chip is told once: how to count, and the tag that proves which chip it is."""

    mode: Mode
    tag: int


class Identity(StrEnum):
    """What a look at tag and MODE shows."""

    SAME = "the same chip, not restarted"
    RESTARTED = "registers at their reset values"
    OTHER_CHIP = "the tag of another chip"


@dataclass(frozen=True, slots=True)
class Reading:
    """One packet of one chip.

    `generation` changes when the chip was found restarted: its energy counter began anew.
    """

    channel: str
    packet: Packet
    at_s: float
    generation: int


@dataclass(frozen=True, slots=True)
class Miss:
    """A turn without a reading, and why."""

    channel: str
    loss: Loss
    at_s: float
    received: bytes = b""


@dataclass(slots=True)
class ChannelState:
    """What is known of one channel; the counts are for reports."""

    channel: Channel
    set_up: SetUp | None
    polls: int = 0
    readings: int = 0
    junk_bytes: int = 0
    breaks: int = 0
    restarts: int = 0
    checks: int = 0
    generation: int = 0
    failures: int = 0
    next_poll_s: float = 0.0
    check_due_s: float = 0.0
    ready: bool = False
    last_loss: Loss = Loss.SILENCE
    counted: Mark | None = None
    suspect: Mark | None = None
    losses: Counter[Loss] = field(default_factory=Counter)


def set_ups(count: int, mode: Mode = MODE_SIGNED) -> tuple[SetUp, ...]:
    """A set-up for each of several chips, every one with a tag of its own."""
    return tuple(SetUp(mode, FIRST_TAG - index) for index in range(count))


class Bus:
    """All channels of one line. Only one procedure of a bus may run at a time.

    Give the port's `now` as `clock` where time passes between turns: without it, only the time of
    operations counts, and an energy counter that went on meanwhile would seem to jump.
    """

    def __init__(
        self,
        channels: Sequence[Channel],
        *,
        set_up: Sequence[SetUp] | None = None,
        latency_s: float = LATENCY_USB_S,
        clock: Callable[[], float] | None = None,
    ) -> None:
        names = [channel.name for channel in channels]
        ways = {(channel.line, channel.address, channel.baudrate) for channel in channels}
        if not channels or len(set(names)) != len(names) or len(ways) != len(names):
            raise BadArgument(
                name="channels",
                value=", ".join(names),
                expected="a list in which each has a name and a way to its chip of its own",
            )
        wanted: Sequence[SetUp | None] = set_up or [None] * len(channels)
        if len(wanted) != len(channels):
            raise BadArgument(
                name="set_up", value=str(len(wanted)), expected="one for each channel"
            )
        self.line = LineOwner(latency_s, clock)
        self.states = {
            channel.name: ChannelState(channel, its, ready=its is None)
            for channel, its in zip(channels, wanted, strict=True)
        }
        self._order = list(names)

    # --- taking turns ------------------------------------------------------------------------

    def turn(self) -> Procedure[Reading | Miss]:
        """Poll the channel whose turn it is; waits while all of them rest."""
        now_s = self.line.now_s
        name = next((n for n in self._order if self.states[n].next_poll_s <= now_s), None)
        if name is None:
            name = min(self._order, key=lambda n: self.states[n].next_poll_s)
            yield from self.line.wait(self.states[name].next_poll_s - now_s)
        self._order.remove(name)
        self._order.append(name)
        return (yield from self.poll(name))

    def poll(self, name: str) -> Procedure[Reading | Miss]:
        """Ask one channel for its packet, after its set-up or check where one is due."""
        state = self.states[name]
        state.polls += 1
        if state.set_up is not None and not (state.ready and self.line.now_s < state.check_due_s):
            loss = yield from self._prove(state, state.set_up)
            if loss is not None:
                return (yield from self._missed(state, loss, b""))
        channel = state.channel
        catch = yield from self.line.exchange(channel, ReadPacket(channel.address))
        state.junk_bytes += catch.junk
        if catch.loss is not None:
            return (yield from self._missed(state, catch.loss, catch.data))
        if state.failures >= BURST and state.set_up is not None:
            # It was away: what it sent may come after a restart, or from another chip.
            loss = yield from self._prove(state, state.set_up)
            if loss is not None:
                return (yield from self._missed(state, loss, catch.data))
        packet = decode_packet(catch.data, channel.address)
        if not self._continues(state, Mark(packet.cf_cnt, self.line.now_s)):
            return (yield from self._missed(state, Loss.COUNTER_JUMP, catch.data))
        state.failures = 0
        state.next_poll_s = 0.0
        state.readings += 1
        return Reading(name, packet, self.line.now_s, state.generation)

    def ask_for_check(self, name: str) -> None:
        """Let the next turn prove the chip first; for readings that are hard to believe."""
        self.states[name].check_due_s = 0.0

    @property
    def line_is_dead(self) -> bool:
        """Whether no channel has answered for a while, which points at the line and not a chip."""
        return all(state.failures >= BREAK_AFTER for state in self.states.values())

    def _continues(self, state: ChannelState, mark: Mark) -> bool:
        """Whether the energy counter went on from where this chip's last packet left it.

        If not, it is another chip's packet, or the chip restarted: the reading is dropped and the
        chip proven. Where the next packet goes on from there, the counter did begin anew.
        """
        if state.counted is None or possible_step(state.counted, mark, signed=True) is not None:
            state.counted, state.suspect = mark, None
            return True
        if state.suspect is None or possible_step(state.suspect, mark, signed=True) is None:
            state.suspect = mark
            state.check_due_s = 0.0
            return False
        state.counted, state.suspect = mark, None
        state.generation += 1
        return True

    def _missed(self, state: ChannelState, loss: Loss, received: bytes) -> Procedure[Miss]:
        """Count a loss, and help a chip that stays away."""
        state.losses[loss] += 1
        state.failures += 1
        state.check_due_s = min(state.check_due_s, self.line.now_s + CHECK_AFTER_LOSS_S)
        at_s = self.line.now_s
        if state.failures == BREAK_AFTER or state.failures >= REST_AFTER:
            state.breaks += 1
            state.ready = state.set_up is None
            yield from self.line.send_break(state.channel)
        if state.failures >= REST_AFTER:
            state.next_poll_s = self.line.now_s + REST_S
        return Miss(state.channel.name, loss, at_s, received)

    # --- identity ------------------------------------------------------------------------

    def _prove(self, state: ChannelState, wanted: SetUp) -> Procedure[Loss | None]:
        """Set a chip up, or look whether it is still itself; a loss where it is not."""
        try:
            found = yield from self.identify(state.channel.name)
            if found is Identity.OTHER_CHIP:
                return Loss.OTHER_CHIP
            if found is Identity.RESTARTED:
                yield from self.set_up(state.channel.name, wanted)
                state.restarts += state.ready
                state.generation += 1
                state.counted = state.suspect = None
        except RegisterUnchanged:
            return Loss.UNCHANGED
        except (LinkError, ProtocolError):
            return state.last_loss
        restarted = found is Identity.RESTARTED and state.ready
        state.ready = True
        state.check_due_s = self.line.now_s + CHECK_EVERY_S
        return Loss.RESTARTED if restarted else None

    def identify(self, name: str) -> Procedure[Identity]:
        """Read tag and MODE back and compare them with what this channel's chip was given.

        A difference counts only if it is seen twice: a sum of one byte lets one damaged answer
        in 256 pass.
        """
        state = self.states[name]
        state.checks += 1
        found: tuple[int, int] | None = None
        for _attempt in range(ATTEMPTS):
            tag = yield from self.read_register(name, Register.I_FAST_RMS_TH)
            mode = yield from self.read_register(name, Register.MODE)
            if state.set_up is not None and (tag, mode) == (state.set_up.tag, state.set_up.mode):
                return Identity.SAME
            if found == (tag, mode):
                break
            found = tag, mode
        others = {s.set_up.tag for s in self.states.values() if s.set_up and s is not state}
        return Identity.OTHER_CHIP if found and found[0] in others else Identity.RESTARTED

    def set_up(self, name: str, wanted: SetUp) -> Procedure[None]:
        """Write MODE and the tag, each proven by reading it back."""
        yield from self.write_register(name, Register.MODE, int(wanted.mode))
        yield from self.write_register(name, Register.I_FAST_RMS_TH, wanted.tag)

    # --- registers ------------------------------------------------------------------------

    def read_register(self, name: str, register: Register) -> Procedure[int]:
        """The value of one register; three tries, then the most telling of the failures."""
        state = self.states[name]
        request = ReadRegister(state.channel.address, register.value)
        worst: LinkError | ProtocolError | None = None
        for _attempt in range(ATTEMPTS):
            catch = yield from self.line.exchange(state.channel, request)
            state.junk_bytes += catch.junk
            if catch.loss is None:
                return decode_register_reply(catch.data, request)
            state.last_loss = catch.loss
            if catch.loss is not Loss.SILENCE:
                worst = CorruptFrame(reason=f"{register.name}: {catch.loss}", frame=catch.data)
        raise worst or NoReply(command=f"read {register.name} of {name}", within_s=0.1)

    def write_register(self, name: str, register: Register, value: int) -> Procedure[None]:
        """Unlock, write, lock and read back; the chip itself never confirms a write."""
        channel = self.states[name].channel
        write = write_of(channel.address, register, value)
        found = -1
        for _attempt in range(ATTEMPTS):
            for step in (
                write_of(channel.address, Register.USR_WRPROT, UNLOCK_KEY),
                write,
                write_of(channel.address, Register.USR_WRPROT, LOCK_KEY),
            ):
                yield from self.line.exchange(channel, step)
            found = yield from self.read_register(name, register)
            if found == value:
                return
        raise RegisterUnchanged(register=register.name, wanted=value, found=found)
