"""The ways into download mode, tried in a sensible order and named as they are tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from groundwire.chips.family import ChipFamily, LinkTry
from groundwire.chips.listening import (
    ENOUGH_BYTES,
    Finding,
    HeardKind,
    classify,
    is_echo,
    logging_finding,
    text_share,
)
from groundwire.errors import NothingLinked, PortFailed
from groundwire.events import Attempt, Heard, NeedHands
from groundwire.wire import Discard, Procedure, Receive, Send, SetBaudrate, SetLines, Wait

REBOOT_TEXT: Final = b"reboot\r\n"
HELD_S: Final = 0.25
ALREADY_S: Final = 0.15
AFTER_TEXT_S: Final = 0.6
AFTER_PULSE_S: Final = 0.4
ROUND_S: Final = 1.0
TEXT_EVERY: Final = 10  # rounds of waiting for hands
LISTEN_EVERY: Final = 4
HEARD_LIMIT: Final = 16 * 1024
LISTEN_S: Final = 1.1  # firmware that is idle says something about once a second
LISTEN_BYTES: Final = 48
LISTEN_QUIET_S: Final = 0.05
READABLE: Final = 0.9
HANDS: Final = (
    "reset the module: connect CEN to GND for half a second and let go, "
    "or take its power away for two seconds and give it back"
)


@dataclass(frozen=True, slots=True)
class Pulse:
    """One way to wire a reset to modem lines: what to set while held, and what afterwards."""

    name: str
    held: SetLines
    after: SetLines


PULSES: Final = (
    Pulse("RTS resets", SetLines(dtr=False, rts=True), SetLines(dtr=False, rts=False)),
    Pulse("DTR resets", SetLines(dtr=True, rts=False), SetLines(dtr=False, rts=False)),
    Pulse("DTR and RTS reset", SetLines(dtr=True, rts=True), SetLines(dtr=False, rts=False)),
    Pulse("RTS resets, inverted", SetLines(dtr=False, rts=False), SetLines(dtr=False, rts=True)),
    Pulse("DTR resets, inverted", SetLines(dtr=False, rts=False), SetLines(dtr=True, rts=False)),
)


def hands_for(families: Sequence[ChipFamily], logging: ChipFamily | None = None) -> str:
    """What a person has to do, for the families that may be there."""
    if logging is not None and logging.hands:
        return logging.hands
    plain = [family for family in families if not family.hands]
    others = [f"on a {family.title}: {family.hands}" for family in families if family.hands]
    if not plain and len(families) == 1:
        return families[0].hands
    return "; ".join(([HANDS] if plain else []) + others)


@dataclass(frozen=True, slots=True)
class LadderOptions:
    """How long to wait for hands (0 for not at all), and which rungs to use."""

    hands_s: float = 60.0
    ask_firmware: bool = True
    use_lines: bool = True


class Ladder:
    """One climb: keeps what was heard, so that a failure can say what the line said."""

    def __init__(
        self, families: Sequence[ChipFamily], options: LadderOptions, *, has_lines: bool
    ) -> None:
        self._families = families
        self._options = options
        self._has_lines = has_lines and options.use_lines
        self._heard = bytearray()
        self._sent = b""
        self._echo: LinkTry | None = None
        self._waited_s = 0.0
        self._told: HeardKind | None = None
        self._logging: ChipFamily | None = None

    def climb(self) -> Procedure[ChipFamily]:
        """Link to whatever module is there.

        Raises:
            NothingLinked: no way worked in the time; it says what was heard instead.
        """
        yield SetBaudrate(self._families[0].link_baudrate)
        yield Attempt("already", "asking whether it is in download mode already")
        family = yield from self._already()
        if family is None and self._options.ask_firmware:
            family = yield from self._ask_firmware()
        if family is None and self._has_lines:
            family = yield from self._pulse_lines()
        if family is None and self._options.hands_s > 0:
            family = yield from self._wait_for_hands()
        if family is None:
            finding = self._finding()
            raise NothingLinked(
                waited_s=self._waited_s,
                heard=finding.detail,
                stray_bytes=len(self._heard),
                likely=finding.likely,
                advice=finding.advice,
            )
        return family

    def _finding(self) -> Finding:
        if self._logging is not None:
            return logging_finding(self._logging)
        # each family's words come back on their own, so an echo shows in a single try
        echo = self._echo
        heard, sent = (echo.heard, echo.sent) if echo else (bytes(self._heard), self._sent)
        return classify(heard, sent, self._families)

    def _listen_at_log_speeds(self) -> Procedure[None]:
        """What is noise at the link speed may be the log of a family that logs at another."""
        for family in self._families:
            if family.log_baudrate == family.link_baudrate:
                continue
            try:
                yield SetBaudrate(family.log_baudrate)
            except PortFailed:
                continue
            answer = yield Receive(LISTEN_S, at_least=LISTEN_BYTES, quiet_s=LISTEN_QUIET_S)
            readable = len(answer.data) >= ENOUGH_BYTES and text_share(answer.data) >= READABLE
            if family.looks_like_mine(answer.data) or readable:
                self._logging = family
                break
        yield SetBaudrate(self._families[0].link_baudrate)

    def _already(self) -> Procedure[ChipFamily | None]:
        """Find a conversation that is open; those go first whom the others' words would disturb."""
        self._echo = None
        for family in sorted(self._families, key=lambda family: not family.forgets_s):
            if (yield from self._try(family, ALREADY_S)):
                return family
        return None

    def _after_silence(self) -> Procedure[ChipFamily | None]:
        """What was said to the others may have confused one in mid-conversation: let it forget."""
        for family in self._families:
            if family.forgets_s:
                yield Discard(family.forgets_s, within_s=2 * family.forgets_s)
                self._waited_s += family.forgets_s
                if (yield from self._try(family, ALREADY_S)):
                    return family
        return None

    def _round(self, seconds: float) -> Procedure[ChipFamily | None]:
        """Ask in the words of each family once; the first family has most of the time."""
        self._echo = None
        shares = [seconds] if len(self._families) == 1 else [seconds * 0.8]
        shares += [seconds * 0.2 / max(len(self._families) - 1, 1)] * (len(self._families) - 1)
        for family, share_s in zip(self._families, shares, strict=True):
            if (yield from self._try(family, share_s)):
                return family
        return None

    def _try(self, family: ChipFamily, seconds: float) -> Procedure[bool]:
        result = yield from family.try_link(seconds)
        if is_echo(result.heard, result.sent):
            self._echo = result
        self._waited_s += seconds
        self._heard += result.heard
        del self._heard[:-HEARD_LIMIT]
        self._sent = result.sent or self._sent
        return result.linked

    def _ask_firmware(self) -> Procedure[ChipFamily | None]:
        yield Attempt("text", "asking the running firmware to reboot")
        yield Send(REBOOT_TEXT)
        return (yield from self._round(AFTER_TEXT_S))

    def _pulse_lines(self) -> Procedure[ChipFamily | None]:
        for pulse in PULSES:
            yield Attempt("lines", f"pulsing the modem lines: {pulse.name}")
            yield pulse.after
            yield pulse.held
            yield Wait(HELD_S)
            yield pulse.after
            family = yield from self._round(AFTER_PULSE_S)
            if family is not None:
                return family  # the lines stay as they are: another change would reset it again
        yield SetLines(dtr=False, rts=False)
        return None

    def _wait_for_hands(self) -> Procedure[ChipFamily | None]:
        yield Attempt("hands", "waiting for a reset by hand")
        left_s = self._options.hands_s
        rounds = 0
        self._heard.clear()
        while left_s > 0:
            yield NeedHands(hands_for(self._families, self._logging), left_s)
            family = yield from self._round(min(ROUND_S, left_s))
            if family is not None:
                return family
            finding = self._finding()
            if finding.kind is HeardKind.WRONG_SPEED and rounds % LISTEN_EVERY == 0:
                yield from self._listen_at_log_speeds()
                finding = self._finding()
                if self._logging is None and (family := (yield from self._after_silence())):
                    return family
            if finding.kind is not self._told:
                self._told = finding.kind
                yield Heard(finding.kind.value, finding.detail, finding.advice)
            left_s -= ROUND_S
            rounds += 1
            if rounds % TEXT_EVERY == 0 and self._options.ask_firmware:
                yield Send(REBOOT_TEXT)
        return None
