"""Opening a conversation: the burst that the chip measures its speed with, and what comes back."""

# Ref: PROTOCOL.md, section 2 (download mode), section 8 (telling the families apart)

from __future__ import annotations

from typing import Final

from groundwire.chips.bouffalo.codec import CommandFrame, burst, encode_command, encode_frame
from groundwire.chips.bouffalo.messages import GetBootInfo, Op
from groundwire.chips.bouffalo.replies import (
    BootInfo,
    Kind,
    LongBootInfo,
    ReplyBuffer,
    decode_reply,
)
from groundwire.chips.family import LinkTry
from groundwire.errors import CorruptFrame, PortFailed
from groundwire.wire import Discard, Procedure, Receive, Send, SetBaudrate, Wait

LINK_RATE: Final = 115_200
GET_BOOT_INFO: Final = encode_command(GetBootInfo())
OK: Final = Kind.OK.value
AFTER_BURST_S: Final = 0.06  # the loader answers 12 ms after the burst began; adapters add 16
SETTLE_S: Final = 0.03  # the vendor's hosts wait as long before the first command
INFO_WITHIN_S: Final = 0.06
ROM_FORGETS_S: Final = 2.1
LOADER_FORGETS_S: Final = 4.5
PAUSE_S: Final = 0.02
HEARD_LIMIT: Final = 64 * 1024
SHORT_INFO: Final = 24  # OK, length and the 20 bytes of a BL602
SHORT_S: Final = 0.005
AFTER_RESET_S: Final = 0.13  # so short a try follows a reset: nothing can be fast or open then
SHORT_TRY_S: Final = 0.15
FAST_WITHIN_S: Final = 0.025
FAST_RATES: Final = (230_400, 460_800, 921_600, 1_500_000, 2_000_000)
A_FEW: Final = 16  # more is somebody who talks, not an answer that was read at a wrong speed
FLUSH: Final = bytes(8)  # completes what the head of a frame may have begun
FAILURES: Final = 3
# Refused for its length: changes nothing, and the third failure ends a loader's conversation.
# No single flipped bit makes a harmful command of it.
SURE_FAILURE: Final = encode_frame(CommandFrame(Op.READ, 0, b""))
LOG_SIGNS: Final = (b"Starting bl602", b"Booting BL602", b"Boot2 ISP", b"release_bl_iot_sdk")

Info = BootInfo | LongBootInfo


def find_info(data: bytes) -> Info | None:
    """The boot info in bytes that may hold other things too."""
    frames = ReplyBuffer(Op.GET_BOOT_INFO)
    frames.feed(data)
    while (frame := frames.next_frame()) is not None:
        try:
            reply = decode_reply(Op.GET_BOOT_INFO, frame)
        except CorruptFrame:
            continue
        if isinstance(reply, BootInfo | LongBootInfo):
            return reply
    return None


def ask_info() -> Procedure[tuple[Info | None, bytes]]:
    """Boot info if somebody gives it at once, and all bytes that came; safe in every state."""
    yield Send(GET_BOOT_INFO)
    heard = b""
    left_s = INFO_WITHIN_S
    while left_s > 0:
        answer = yield Receive(left_s, at_least=SHORT_INFO, quiet_s=PAUSE_S)
        left_s = left_s - answer.took_s if answer.data else 0.0
        heard = (heard + answer.data)[-HEARD_LIMIT:]
        info = find_info(heard)
        if info is not None:
            return info, heard
    return None, heard


def send_burst(rate: int) -> Procedure[tuple[bool, bytes]]:
    """One burst at the line's present speed: whether the chip said OK, and all that came."""
    heard = b""
    yield Send(burst(rate))
    left_s = AFTER_BURST_S
    while left_s > 0 and OK not in heard:
        answer = yield Receive(left_s)
        left_s = left_s - answer.took_s if answer.data else 0.0
        heard = (heard + answer.data)[-HEARD_LIMIT:]
    if OK not in heard:
        return False, heard
    yield Wait(SETTLE_S)
    return True, heard


def hang_up() -> Procedure[None]:
    """End a loader's conversation at once: its third failed command does.

    How many have failed before is not known, so up to three are sent. Where the line is too bad
    for that, the loader's own limit does the same in four seconds.
    """
    for _ in range(FAILURES):
        yield Send(SURE_FAILURE)
        answer = yield Receive(INFO_WITHIN_S, at_least=4, quiet_s=PAUSE_S)
        if not answer.data:
            break
    yield Wait(SHORT_S)


def _fetch_fast_loader() -> Procedure[None]:
    """Bring a loader that an earlier command left at a higher speed to the link speed.

    Questions at the wrong speed may keep its conversation open for ever, so waiting is no way.
    The speeds go upwards: what is sent more slowly than the loader listens reads as zeros, at worst
    as one frame with a wrong checksum; what is sent faster may read as a frame without end.
    """
    for rate in FAST_RATES:
        try:
            yield SetBaudrate(rate)
        except PortFailed:
            continue  # so nothing was left at that speed through this adapter
        yield Send(FLUSH)
        yield Discard(SHORT_S, within_s=4 * SHORT_S)
        yield Send(GET_BOOT_INFO)
        answer = yield Receive(FAST_WITHIN_S, at_least=SHORT_INFO, quiet_s=PAUSE_S)
        if find_info(answer.data) is not None:
            yield from hang_up()
            break
    yield SetBaudrate(LINK_RATE)


def try_link(seconds: float) -> Procedure[LinkTry]:
    """Ask for a link for about `seconds`, at least once.

    A short try asks for what is there already, at higher speeds too; a very short one follows a
    reset and does not. A long one waits for a reset, which this chip does not forget while BOOT was
    high, so it asks seldom.

    A chip that waits for a burst is silent to everything else, so the question comes first: it
    finds a conversation that is still open, into which a burst must not go. Nothing here forms a
    command of another family. A chip that speaks but makes no sense is left alone until it has
    forgotten the conversation that somebody left open.
    """
    heard = bytearray()
    sent = GET_BOOT_INFO + burst(LINK_RATE)
    left_s = seconds
    if AFTER_RESET_S <= seconds <= SHORT_TRY_S:
        info, said = yield from ask_info()
        heard += said
        if info is not None:
            return LinkTry(linked=True, heard=bytes(heard), sent=sent)
        if len(said) <= A_FEW:
            # before any burst: what is one here is noise at another speed, and enough to block it
            yield from _fetch_fast_loader()
    while True:
        info, said = yield from _ask_and_burst()
        heard += said
        if info is not None:
            return LinkTry(linked=True, heard=bytes(heard), sent=sent)
        del heard[:-HEARD_LIMIT]
        if _is_out_of_step(said):
            yield Discard(ROM_FORGETS_S, within_s=2 * ROM_FORGETS_S)
        left_s -= AFTER_BURST_S + INFO_WITHIN_S
        if left_s < AFTER_BURST_S + INFO_WITHIN_S:
            return LinkTry(linked=False, heard=bytes(heard), sent=sent)


def _ask_and_burst() -> Procedure[tuple[Info | None, bytes]]:
    """Boot info of a conversation that is open, or of one that a burst opens."""
    info, heard = yield from ask_info()
    if info is None:
        opened, said = yield from send_burst(LINK_RATE)
        heard += said
        if opened:
            info, said = yield from ask_info()
            heard += said
    return info, heard


def _is_out_of_step(said: bytes) -> bool:
    """Whether a boot ROM answered in the middle of a conversation."""
    return b"FL\x02\x01" in said or (said.startswith(OK) and len(said) <= 64)


def looks_like_bouffalo(heard: bytes) -> str:
    """The name of a Bouffalo chip that shows itself in stray bytes, or ""."""
    if any(sign in heard for sign in LOG_SIGNS):
        return "a BL602 running its firmware"
    if find_info(heard) is not None:
        return "a BL602 in download mode"
    return ""
