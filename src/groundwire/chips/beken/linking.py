"""Asking a Beken chip for a link: the beat that fits into its few milliseconds after reset."""

# Ref: PROTOCOL.md, section on download mode (window after reset, cadence, draining)

from __future__ import annotations

from typing import Final

from groundwire.chips.beken.codec import ReplyBuffer, decode_reply, encode_command
from groundwire.chips.beken.messages import LinkCheck, Linked
from groundwire.chips.family import LinkTry
from groundwire.errors import CorruptFrame
from groundwire.wire import Discard, Procedure, Receive, Send

LINK_RATE: Final = 115_200
LINK_CHECK: Final = encode_command(LinkCheck())
# The window is 5 ms and a frame takes 0.43 ms: one every 1.5 ms is whole inside it at least twice,
# with gaps, because a loader sees an unbroken stream 4 ms late.
BEAT_S: Final = 0.0015
DRAIN_QUIET_S: Final = 0.02  # below the idle limit of the loaders
CONFIRM_WITHIN_S: Final = 0.04
HEARD_LIMIT: Final = 64 * 1024


def _holds_link(frames: ReplyBuffer) -> bool:
    while (frame := frames.next_frame()) is not None:
        try:
            if isinstance(decode_reply(frame), Linked):
                return True
        except CorruptFrame:
            continue
    return False


def confirm_link(tries: int = 3) -> Procedure[bool]:
    """Whether a LinkCheck is answered now; surplus answers are drained first."""
    for _ in range(tries):
        yield Discard(DRAIN_QUIET_S, within_s=0.3)
        frames = ReplyBuffer()
        yield Send(LINK_CHECK)
        answer = yield Receive(CONFIRM_WITHIN_S, at_least=8)
        frames.feed(answer.data)
        if _holds_link(frames):
            return True
    return False


def try_link(seconds: float) -> Procedure[LinkTry]:
    """Repeat LinkCheck for about `seconds`; harmless to anything else on the line."""
    heard, sent = bytearray(), 0
    frames = ReplyBuffer()
    left_s = seconds
    while left_s > 0:
        answer = yield Send(LINK_CHECK)
        left_s -= answer.took_s
        sent += 1
        answer = yield Receive(BEAT_S)
        left_s -= max(answer.took_s, BEAT_S / 4)  # a babbling line ends as surely as a silent one
        if not answer.data:
            continue
        heard += answer.data
        del heard[:-HEARD_LIMIT]
        frames.feed(answer.data)
        if _holds_link(frames):
            linked = yield from confirm_link()
            if linked:
                return LinkTry(linked=True, heard=bytes(heard), sent=LINK_CHECK * min(sent, 8))
    return LinkTry(linked=False, heard=bytes(heard), sent=LINK_CHECK * min(sent, 8))


def looks_like_beken(heard: bytes) -> str:
    """The name of a Beken chip that shows itself in stray bytes, or ""."""
    return "a Beken chip in download mode" if b"\x04\x0e\x05\x01\xe0\xfc" in heard else ""
