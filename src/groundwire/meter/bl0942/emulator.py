"""An emulated BL0942: registers, UART and energy counter of one chip.

# Ref: BL0942 data sheet V1.10 (English).

Stated by the data sheet: all register widths, reset values and the write protection; half a bit
between request and answer; the 16 ms limit of a request; no answer to anything wrong; a break of
more than 32 bits resets the UART; no-load zeroes WATT and I_RMS; speed by strap and MODE.
Seen on devices: MODE and CF_CNT fall back to their reset values at a brown-out; USR_WRPROT reads
back 1 when unlocked.
Assumed: TX is open drain; a soft reset leaves the write protection open; algebraic counting
wraps below zero; a byte that starts no request is dropped and the next one looked at; what
arrives while the chip is answering is ignored.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from groundwire.errors import CorruptFrame
from groundwire.meter.bl0942.codec import (
    COUNTER_RANGE,
    MODE_AFTER_RESET,
    SOFT_RESET_KEY,
    UNLOCK_KEY,
    Mode,
    Packet,
    ReadPacket,
    ReadRegister,
    Register,
    Request,
    Status,
    WriteRegister,
    baudrate_of,
    decode_request,
    encode_packet,
    encode_register_reply,
    request_size,
)
from groundwire.meter.bl0942.facts import registers

REQUEST_LIMIT_S = 0.016
ANSWER_AFTER_BITS = 0.5
BREAK_BITS = 32
PULSE_COUNTS_S = 419430.4
CREEP_SCALE = 3125 / 256


@dataclass(frozen=True, slots=True)
class Load:
    """What is at the pins, in register counts; `freq` 0 stands for no mains."""

    v_rms: int = 3_653_168
    i_rms: int = 228_279
    watt: int = 130_272
    i_fast_rms: int = 82_865
    freq: int = 20_006


NO_MAINS = Load(v_rms=0, i_rms=0, watt=0, i_fast_rms=0, freq=0)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a chip begins to send, and when."""

    start_s: float
    data: bytes


class Chip:
    """One BL0942; it is told what its receiver hears and hands back what it answers.

    `clock_error` is the relative error of its oscillator: 0.01 makes its bits 1 % shorter.
    `load_at` gives what it measures at a moment.
    """

    def __init__(
        self,
        name: str,
        address: int = 0,
        *,
        strap_fast: bool = False,
        clock_error: float = 0.0,
        load_at: Callable[[float], Load] | None = None,
    ) -> None:
        self.name = name
        self.address = address
        self.strap_fast = strap_fast
        self.clock_error = clock_error
        self.load_at = load_at or (lambda _now_s: Load())
        self.hung = False
        self.off_until_s = 0.0
        self.answered_until_s = 0.0
        self._words: dict[int, int] = {}
        self._pulses = 0.0
        self._counted_until_s = 0.0
        self._freq = 0
        self._request = bytearray()
        self._command_end_s = 0.0
        self.reset(0.0)

    # --- what the bench may look at and do ----------------------------------------------

    @property
    def mode(self) -> Mode:
        return Mode(self._words[Register.MODE])

    @property
    def baudrate(self) -> int:
        return baudrate_of(self.mode, strap_fast=self.strap_fast)

    @property
    def bit_s(self) -> float:
        return 1 / (self.baudrate * (1 + self.clock_error))

    @property
    def cf_cnt(self) -> int:
        return int(self._pulses // 1) % COUNTER_RANGE

    @cf_cnt.setter
    def cf_cnt(self, value: int) -> None:
        self._pulses = float(value)

    def word(self, register: Register) -> int:
        """What a register holds, without reading it over the line."""
        return self._words.get(register.value, 0)

    def reset(self, at_s: float, off_s: float = 0.0) -> None:
        """Supply lost and back after `off_s`: every register at its reset value."""
        self._words = {fact.number: fact.reset for fact in registers().values()}
        self._words[Register.MODE] = int(MODE_AFTER_RESET)
        self._freq = self._words[Register.FREQ]
        self._pulses = 0.0
        self._counted_until_s = max(at_s + off_s, self._counted_until_s)
        self.off_until_s = at_s + off_s
        self.hung = False
        self._request.clear()

    def on_break(self) -> None:
        """More than 32 bits of low: the UART part starts anew."""
        self.hung = False
        self._request.clear()

    # --- the line ------------------------------------------------------------------------

    def on_byte(self, value: int, at_s: float) -> Reply | None:
        """One byte whose stop bit has passed at `at_s`; the answer, if it completes a request."""
        if self.hung or at_s < self.off_until_s or at_s < self.answered_until_s:
            return None
        if self._request and at_s - self._command_end_s > REQUEST_LIMIT_S:
            self._request.clear()
        if not self._request:
            if request_size(value) is None:
                return None
            self._command_end_s = at_s
        self._request.append(value)
        if len(self._request) < (request_size(self._request[0]) or 0):
            return None
        data, self._request = bytes(self._request), bytearray()
        return self._carry_out(data, at_s)

    def _carry_out(self, data: bytes, at_s: float) -> Reply | None:
        try:
            request = decode_request(data)
        except CorruptFrame:
            return None
        if request.address != self.address:
            return None
        self._count_energy(at_s)
        reply = self._answer(request, at_s)
        if reply is None:
            return None
        start_s = at_s + ANSWER_AFTER_BITS * self.bit_s
        # The limit ends with the header of a packet, with the last byte of a register.
        counted = 1 if isinstance(request, ReadPacket) else len(reply)
        if start_s + counted * 10 * self.bit_s - self._command_end_s > REQUEST_LIMIT_S:
            return None
        self.answered_until_s = start_s + len(reply) * 10 * self.bit_s
        return Reply(start_s, reply)

    def _answer(self, request: Request, at_s: float) -> bytes | None:
        match request:
            case ReadPacket():
                data = encode_packet(self.packet_at(at_s), self.address)
                self._clear_if_asked()
                return data
            case ReadRegister():
                word = self._read(request.number, at_s)
                if request.number == Register.CF_CNT:
                    self._clear_if_asked()
                return encode_register_reply(self.address, request.number, word)
            case WriteRegister():
                self._write(request.number, request.word, at_s)
                return None

    # --- registers ------------------------------------------------------------------------

    def packet_at(self, at_s: float) -> Packet:
        """What the chip would send: values change every 400 or 800 ms, the counter at once."""
        period_s = 0.8 if self.mode & Mode.UPDATE_800_MS else 0.4
        load = self.load_at(at_s // period_s * period_s)
        quiet = self._is_no_load(load)
        status = Status(0)
        if load.v_rms <= 0x7FFFF:
            status |= Status.VOLTAGE_BELOW_THRESHOLD
        elif load.freq:
            self._freq = load.freq
        if load.i_rms <= 0x3FFFF:
            status |= Status.CURRENT_BELOW_THRESHOLD
        if quiet:
            status |= Status.NO_LOAD
        if load.watt < 0 and not quiet:
            status |= Status.LAST_PULSE_NEGATIVE
        return Packet(
            i_rms=0 if quiet else load.i_rms,
            v_rms=load.v_rms,
            i_fast_rms=load.i_fast_rms,
            watt=0 if quiet else load.watt,
            cf_cnt=self.cf_cnt,
            freq=self._freq,
            status=int(status),
        )

    def _is_no_load(self, load: Load) -> bool:
        return abs(load.watt) < self._words[Register.WA_CREEP] * CREEP_SCALE

    def _read(self, number: int, at_s: float) -> int:
        packet = self.packet_at(at_s)
        live = {
            Register.I_RMS: packet.i_rms,
            Register.V_RMS: packet.v_rms,
            Register.I_FAST_RMS: packet.i_fast_rms,
            Register.WATT: packet.watt & 0xFFFFFF,
            Register.CF_CNT: packet.cf_cnt,
            Register.FREQ: packet.freq,
            Register.STATUS: packet.status,
        }
        if number in live:
            return live[Register(number)]
        if number == Register.USR_WRPROT:
            return int(self._words[number] == UNLOCK_KEY)
        return self._words.get(number, 0)

    def _write(self, number: int, word: int, at_s: float) -> None:
        fact = registers().get(number)
        if fact is None or not fact.writable:
            return
        if number == Register.USR_WRPROT:
            self._words[number] = word & fact.mask
        elif self._words[Register.USR_WRPROT] != UNLOCK_KEY:
            return
        elif number == Register.SOFT_RESET:
            if word == SOFT_RESET_KEY:
                self.reset(at_s)
                self._words[Register.USR_WRPROT] = UNLOCK_KEY
        else:
            self._words[number] = word & fact.mask

    def _clear_if_asked(self) -> None:
        if self.mode & Mode.CLEAR_ON_READ:
            self._pulses = 0.0

    def _count_energy(self, now_s: float) -> None:
        """Pulses since the last time, with the load that is there now."""
        passed_s = now_s - self._counted_until_s
        if passed_s <= 0:
            return
        self._counted_until_s = now_s
        load = self.load_at(now_s)
        if not self.mode & Mode.COUNT_ENERGY or self._is_no_load(load):
            return
        pulses = load.watt * passed_s / PULSE_COUNTS_S
        self._pulses += abs(pulses) if self.mode & Mode.COUNT_ABSOLUTE else pulses
