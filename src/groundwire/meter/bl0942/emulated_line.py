"""An emulated line: any number of chips, any wiring, every fault, one virtual clock.

Transmit lines are named; each chip hears one or more of them and all chips answer on the one
receive line. The switches are the rows of the fault table, and the plain damages of an answer.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from groundwire.meter.bl0942.codec import ReadPacket, encode_packet, encode_request
from groundwire.meter.bl0942.emulator import BREAK_BITS, Chip, Reply
from groundwire.meter.bl0942.waves import BITS_PER_BYTE, Heard, Receiver, Wave, Wire
from groundwire.wire import SetLines

FOREVER_S = float("inf")
SAG_AFTER_S = 0.003
LATENCY_TIMER_S = 0.016
FOREIGN_BAUDRATE = 115_200
TURN_S = 0.06
ANSWERING_S = 0.005


class Fault(StrEnum):
    """What can go wrong on a shared line; the number is the row of the table it comes from."""

    SECOND_POLLER = "1 another poller asks without a lock"
    CROSSTALK = "2 every chip hears the request"
    LATE_ANSWER = "3 the answer begins after the reader gave up"
    HELD_BACK = "4 a driver delivers bytes in blocks of its latency timer"
    SAGGING_LINE = "5 the line sags low between answers"
    NOISE = "6 junk bytes on the receive line"
    BROWN_OUT = "7 the supply fails in the middle of the answer"
    HUNG_CHIP = "8 the chip hangs until a break"
    STUCK_LOW = "9 an output keeps the receive line low"
    DAMAGED_REQUEST = "10 a bit of the request flips"
    ANSWER_UNASKED = "11 an answer to somebody else begins"
    FOREIGN_SPEED = "12 traffic at another speed on a transmit line"
    LOG_OUTPUT = "13 log text on a transmit line"
    ASKED_TOO_SOON = "14 a chip is asked while another answers"
    FLIPPED_BIT = "a bit of the answer flips"
    LOST_BYTE = "a byte of the answer is lost"
    BROKEN_OFF = "the answer ends early"
    NO_ANSWER = "the chip does not answer"


_DISTURBANCES = {
    Fault.SECOND_POLLER,
    Fault.ANSWER_UNASKED,
    Fault.STUCK_LOW,
    Fault.NOISE,
    Fault.FOREIGN_SPEED,
    Fault.LOG_OUTPUT,
    Fault.ASKED_TOO_SOON,
}
_JUNK = (0x55, 0x00, 0xAA, 0x37)
LOG_TEXT = b"Info:MAIN:Time 42, idle 0/s\r\n"


@dataclass(frozen=True, slots=True)
class Spoken:
    """What a chip meant to say, whatever became of it."""

    chip: str
    start_s: float
    data: bytes


class MeterLine:
    """Chips on transmit lines and their common receive line.

    `wiring` maps the name of a transmit line to the chips that hear it. `faults` maps a fault to
    its probability per request of the host.
    """

    def __init__(
        self,
        wiring: Mapping[str, Sequence[Chip]],
        *,
        faults: Mapping[Fault, float] | None = None,
        seed: int = 0,
        push_pull: bool = False,
    ) -> None:
        self.now_s = 0.0
        self.faults = dict(faults or {})
        self.rng = random.Random(seed)
        self.happened: Counter[Fault] = Counter()
        self.spoken: deque[Spoken] = deque(maxlen=64)
        self.hold_back_s = 0.0
        self.receive_wire = Wire(push_pull=push_pull, rng=self.rng)
        self.send_wires = {name: Wire() for name in wiring}
        self.rewire(wiring)
        self._events: list[tuple[float, int, Callable[[], object]]] = []
        self._order = itertools.count()
        self._reply_faults: list[Fault] = []
        self._sag: Wave | None = None

    def rewire(self, wiring: Mapping[str, Sequence[Chip]]) -> None:
        """Let other chips hear the same transmit lines from now on."""
        self.hears = {name: tuple(chips) for name, chips in wiring.items()}
        chips = {id(chip): chip for heard in self.hears.values() for chip in heard}
        self.chips = tuple(chips.values())
        self._receivers = {}
        for key, chip in chips.items():
            wires = [self.send_wires[name] for name in self.hears if chip in self.hears[name]]
            self._receivers[key] = Receiver(wires, chip.bit_s)
            self._receivers[key].restart(self.now_s)

    # --- time ------------------------------------------------------------------------

    def at(self, at_s: float, act: Callable[[], object]) -> None:
        """Do something at a moment of the virtual clock."""
        heapq.heappush(self._events, (at_s, next(self._order), act))

    @property
    def next_event_s(self) -> float:
        return self._events[0][0] if self._events else FOREVER_S

    def advance(self, to_s: float) -> None:
        """Let everything happen up to a moment."""
        while self._events and self._events[0][0] <= to_s:
            at_s, _order, act = heapq.heappop(self._events)
            self.now_s = max(self.now_s, at_s)
            act()
        self.now_s = max(self.now_s, to_s)

    # --- requests ------------------------------------------------------------------------

    def send(self, name: str, data: bytes, baudrate: float) -> float:
        """The host puts bytes on a transmit line now; returns when the last one is through."""
        for fault, rate in self.faults.items():
            if self.rng.random() < rate:
                self.happened[fault] += 1
                data = self._befall(fault, name, data)
        return self.drive(name, data, baudrate)

    def drive(self, name: str, data: bytes, baudrate: float) -> float:
        """Anybody puts bytes on a transmit line now; no fault is thrown for it."""
        wave = Wave(self.now_s, 1 / baudrate, data)
        wire = self.send_wires[name]
        wire.forget_before(self.now_s - 1.0)
        wire.add(wave)
        self.at(wave.end_s, lambda: self._listen(name))
        for chip in self.hears[name]:
            # A receiver at another speed, or on a collision, may complete its byte later.
            self.at(wave.end_s + (BITS_PER_BYTE + 1) * chip.bit_s, lambda: self._listen(name))
            if 9 * wave.bit_s > BREAK_BITS * chip.bit_s < wave.longest_low_s():
                self.at(wave.end_s, chip.on_break)
        return wave.end_s

    def _listen(self, name: str) -> None:
        for chip in self.hears[name]:
            receiver = self._receivers[id(chip)]
            receiver.bit_s = chip.bit_s
            for heard in receiver.take(self.now_s):
                reply = chip.on_byte(*heard)
                if reply is not None:
                    self._speak(chip, reply)

    # --- answers ------------------------------------------------------------------------

    def _speak(self, chip: Chip, reply: Reply) -> None:
        start_s = max(reply.start_s, self.now_s)
        self.spoken.append(Spoken(chip.name, start_s, reply.data))
        data = reply.data
        faults, self._reply_faults = self._reply_faults, []
        for fault in faults:
            data, start_s = self._spoil(fault, chip, data, start_s)
        if self._sag is not None:
            self._sag.end_s = start_s - 0.5 * chip.bit_s
            self._sag = None
        self.receive_wire.forget_before(self.now_s - 1.0)
        if data:
            wave = Wave(start_s, chip.bit_s, data)
            self.receive_wire.add(wave)
            if Fault.SAGGING_LINE in faults:
                self._sag = Wave.low(wave.end_s + SAG_AFTER_S, FOREVER_S)
                self.receive_wire.add(self._sag)

    def answer_unasked(self, chip: Chip) -> None:
        """A chip begins to answer a request that this host never made."""
        self.drive_receive_line(
            chip.name, encode_packet(chip.packet_at(self.now_s), chip.address), chip.bit_s
        )

    def drive_receive_line(self, speaker: str, data: bytes, bit_s: float) -> None:
        """Anybody pulls the receive line now."""
        self.spoken.append(Spoken(speaker, self.now_s, data))
        self.receive_wire.add(Wave(self.now_s, bit_s, data))

    # --- faults ------------------------------------------------------------------------

    def _befall(self, fault: Fault, name: str, data: bytes) -> bytes:
        """Something happens at a request; the bytes that are sent in its place."""
        match fault:
            case Fault.DAMAGED_REQUEST:
                return _with_flipped_bit(data, self.rng)
            case Fault.HUNG_CHIP:
                self.rng.choice(self.hears[name]).hung = True
            case Fault.HELD_BACK:
                self.hold_back_s = LATENCY_TIMER_S
            case Fault.CROSSTALK:
                for other in self.send_wires:
                    if other != name:
                        self.drive(other, data, self._baudrate_on(name))
            case _ if fault in _DISTURBANCES:
                soonest_s = ANSWERING_S if fault is Fault.ASKED_TOO_SOON else 0.0
                later_s = self.now_s + self.rng.uniform(soonest_s, TURN_S)
                self.at(later_s, lambda: self._disturb(fault, name))
            case _:
                self._reply_faults.append(fault)
        return data

    def _disturb(self, fault: Fault, name: str) -> None:
        """Something else happens on the line while the host waits."""
        rng = self.rng
        match fault:
            case Fault.SECOND_POLLER | Fault.ASKED_TOO_SOON:
                self._second_poller()
            case Fault.ANSWER_UNASKED:
                self.answer_unasked(rng.choice(self.chips))
            case Fault.STUCK_LOW:
                end_s = self.now_s + rng.uniform(0.005, 1.0)
                self.receive_wire.add(Wave.low(self.now_s, end_s))
            case Fault.NOISE:
                junk = bytes(rng.choice(_JUNK) for _ in range(rng.randint(1, 3)))
                self.receive_wire.add(Wave(self.now_s, 1 / self._baudrate_on(name), junk))
            case Fault.FOREIGN_SPEED:
                self.drive(name, rng.randbytes(rng.randint(1, 40)), FOREIGN_BAUDRATE)
            case _:
                self.drive(name, LOG_TEXT, self._baudrate_on(name))

    def _second_poller(self) -> None:
        name = self.rng.choice(list(self.hears))
        chip = self.rng.choice(self.hears[name])
        self.drive(name, encode_request(ReadPacket(chip.address)), chip.baudrate)

    def _baudrate_on(self, name: str) -> float:
        return self.hears[name][0].baudrate if self.hears[name] else 4800

    def _spoil(self, fault: Fault, chip: Chip, data: bytes, start_s: float) -> tuple[bytes, float]:
        """What an answer becomes, and when it begins."""
        at = self.rng.randrange(len(data)) if data else 0
        match fault:
            case Fault.FLIPPED_BIT:
                data = _with_flipped_bit(data, self.rng)
            case Fault.LOST_BYTE:
                data = data[:at] + data[at + 1 :]
            case Fault.BROKEN_OFF:
                data = data[:at]
            case Fault.NO_ANSWER:
                data = b""
            case Fault.LATE_ANSWER:
                start_s += self.rng.uniform(0.004, 0.2)
            case Fault.BROWN_OUT:
                data = data[:at]
                fails_s = start_s + at * BITS_PER_BYTE * chip.bit_s
                self.at(fails_s, lambda: chip.reset(self.now_s, self.rng.uniform(0.01, 2.0)))
            case _:
                pass
        return data, start_s


def _with_flipped_bit(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes((data[at] ^ 1 << rng.randrange(8),)) + data[at + 1 :]


SELECT_FIRST = SetLines(dtr=False, rts=True)
SELECT_SECOND = SetLines(dtr=True, rts=False)


class LinePort:
    """The host's end of an emulated line, as a `wire.Port` on the line's own clock.

    `lines` maps the state of RTS and DTR to the transmit line that it lets through; without it
    the only transmit line is always driven.
    """

    def __init__(
        self,
        line: MeterLine,
        lines: Mapping[SetLines, str] | None = None,
        *,
        baudrate: int = 4800,
    ) -> None:
        self.line = line
        self._lines = dict(lines or {})
        self._selected = next(iter(line.send_wires))
        self._state = SetLines(dtr=False, rts=False)
        self._baudrate = baudrate
        self._receiver = Receiver([line.receive_wire], 1 / baudrate)
        self._inbox: deque[Heard] = deque()

    @property
    def name(self) -> str:
        return "emulated meter"

    @property
    def has_lines(self) -> bool:
        return bool(self._lines)

    @property
    def baudrate(self) -> int:
        return self._baudrate

    def now(self) -> float:
        """Seconds on the virtual clock."""
        return self.line.now_s

    def send(self, data: bytes) -> None:
        """Put bytes on the selected transmit line; the clock stands after the last one."""
        self.line.advance(self.line.send(self._selected, data, self._baudrate))

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        """What arrives until there are so many bytes, or they pause, or the time has passed."""
        deadline_s = self.line.now_s + within_s
        while True:
            step_s = min(deadline_s, self.line.next_event_s)
            self._hear(step_s)
            done_s = self._inbox[at_least - 1].at_s if len(self._inbox) >= at_least else FOREVER_S
            if quiet_s is not None and self._inbox:
                done_s = min(done_s, self._pause_s(quiet_s))
            if done_s <= step_s:
                self.line.advance(done_s)
                break
            self.line.advance(step_s)
            if step_s >= deadline_s:
                break
        return self._take()

    def _pause_s(self, quiet_s: float) -> float:
        """When the bytes that have arrived are first followed by so long a silence."""
        last_s = self._inbox[0].at_s
        for heard in self._inbox:
            if heard.at_s - last_s > quiet_s:
                break
            last_s = heard.at_s
        return last_s + quiet_s

    def set_baudrate(self, rate: int) -> None:
        """Change the speed of both directions; what is half received is lost."""
        self._hear(self.line.now_s)
        self._baudrate = rate
        self._receiver.bit_s = 1 / rate
        self._receiver.restart(self.line.now_s)

    def set_lines(self, *, dtr: bool | None, rts: bool | None) -> None:
        """Select a transmit line; a state that lets none through leaves the last one."""
        self._state = SetLines(
            dtr=self._state.dtr if dtr is None else dtr,
            rts=self._state.rts if rts is None else rts,
        )
        self._selected = self._lines.get(self._state, self._selected)

    def wait(self, seconds: float) -> None:
        """Let time pass; what arrives is kept."""
        self.line.advance(self.line.now_s + seconds)

    def close(self) -> None:
        """Nothing to give back."""

    def _hear(self, until_s: float) -> None:
        hold_s = self.line.hold_back_s
        for heard in self._receiver.take(until_s):
            at_s = heard.at_s if not hold_s else (heard.at_s // hold_s + 1) * hold_s
            self._inbox.append(Heard(heard.value, at_s))

    def _take(self) -> bytes:
        taken = bytearray()
        while self._inbox and self._inbox[0].at_s <= self.line.now_s:
            taken.append(self._inbox.popleft().value)
        return bytes(taken)
