"""Getting the RAM loader into a chip: from an open boot ROM conversation to the loader's own."""

# Ref: PROTOCOL.md, section 4 (upload), section 7 (RAM loader)

from __future__ import annotations

from typing import Final

from groundwire.chips.bouffalo.codec import MAX_ROM_PAYLOAD
from groundwire.chips.bouffalo.exchange import (
    QUIET_LIMIT_S,
    QUIET_S,
    RETRIED,
    Exchange,
    Stage,
)
from groundwire.chips.bouffalo.loader import RamImage, make_trusting
from groundwire.chips.bouffalo.messages import (
    CheckImage,
    LoadBootHeader,
    LoadSegmentData,
    LoadSegmentHeader,
    ReadMemory,
    RunImage,
    WriteMemory,
)
from groundwire.chips.bouffalo.replies import Data, Done, SegmentTaken
from groundwire.chips.bouffalo.status import Status, status_meaning
from groundwire.errors import (
    CommandRefused,
    GroundwireError,
    NoReply,
    UnsupportedHere,
    WrongReply,
)
from groundwire.events import Progress
from groundwire.wire import Discard, Procedure, Wait

ROM_WITHIN_S: Final = 1.0
RUN_WITHIN_S: Final = 0.2
FRAME: Final = MAX_ROM_PAYLOAD
STARTS_S: Final = 0.3
ATTEMPTS: Final = 8
DAMAGED_LIMIT: Final = 2
MEND_BLOCK: Final = 1024
MEND_TRIES: Final = 10
MEND_ROUNDS: Final = 5
MEND_WITHIN_S: Final = 0.2
OPENINGS: Final = 3
CLOSED: Final = frozenset({
    Status.IMG_BOOTHEADER_SIGN_NOTFIT, Status.IMG_BOOTHEADER_ENCRYPT_NOTFIT, Status.PROTECTED,
})  # fmt: skip


def start_loader(link: Exchange, image: RamImage) -> Procedure[None]:
    """Upload, have the boot ROM check the hash, run, and open the loader's conversation.

    Every failure starts the upload anew: the boot ROM allows that at any time. When it arrives
    damaged twice, it is sent once more, read back and mended in RAM before it runs.

    Raises:
        UnsupportedHere: the chip takes signed or encrypted programs only.
        LinkLost: the loader does not answer.
        LinkError, ProtocolError: the line is too bad to get it there.
    """
    damaged = 0
    for attempt in range(1, ATTEMPTS + 1):
        try:
            if damaged < DAMAGED_LIMIT:
                yield from _send(link, image)
            else:
                yield from _send(link, make_trusting(image))
                yield from _mend(link, image)
            break
        except RETRIED as error:
            status = error.status if isinstance(error, CommandRefused) else None
            if status in CLOSED:
                raise UnsupportedHere(
                    asked="running the RAM loader",
                    reason=status_meaning(status),
                    advice="this module's maker has locked the chip; nothing can be done serially",
                ) from error
            if attempt == ATTEMPTS:
                raise
            damaged += status == Status.IMG_HASH
            link.damaged += 1
            if status is None:
                yield from link.recover(error, "the upload of the RAM loader")
    yield from _run(link)


def _run(link: Exchange) -> Procedure[None]:
    try:
        yield from link.ask_once(RunImage(), Done, within_s=RUN_WITHIN_S)
    except RETRIED:
        link.damaged += 1  # only its answer may be lost: whether it runs shows below
    yield Wait(STARTS_S)
    for _ in range(OPENINGS):
        if (yield from link.open_at(link.rate)):
            return
    link.stage = Stage.LOADER
    yield from link.open_again("the start of the RAM loader")


def _send(link: Exchange, image: RamImage) -> Procedure[None]:
    link.stage = Stage.ROM
    total = image.size
    yield from link.ask_once(LoadBootHeader(image.header), Done, within_s=ROM_WITHIN_S)
    taken = yield from link.ask_once(
        LoadSegmentHeader(image.segment), SegmentTaken, within_s=ROM_WITHIN_S
    )
    if taken.segment != image.segment:
        raise WrongReply(
            command="LoadSegmentHeader", asked=str(image.segment), got=str(taken.segment)
        )
    for at in range(0, len(image.data), FRAME):
        part = image.data[at : at + FRAME]
        yield from link.ask_once(LoadSegmentData(part), Done, within_s=ROM_WITHIN_S)
        yield Progress("load", min(at + len(part), total), total)
    yield from link.ask_once(CheckImage(), Done, within_s=ROM_WITHIN_S)


def _mend(link: Exchange, image: RamImage) -> Procedure[None]:
    """Read the program back from RAM and write again what differs, until nothing does.

    Raises:
        WrongReply: some part never reads back as it was sent.
    """
    base = image.segment.destination
    wrote = True
    rounds = 0
    while wrote:
        wrote = False
        rounds += 1
        for at in range(0, len(image.data), MEND_BLOCK):
            wanted = image.data[at : at + MEND_BLOCK]
            wrote |= yield from _mend_block(link, base + at, wanted)
        if wrote and rounds >= MEND_ROUNDS:
            raise WrongReply(command="ReadMemory", asked="the program sent", got="other bytes")


def _mend_block(link: Exchange, address: int, wanted: bytes) -> Procedure[bool]:
    """Make one block right; whether anything had to be written. A damaged answer is asked again."""
    wrote = False
    for attempt in range(MEND_TRIES):
        got = yield from _read_back(link, address, len(wanted))
        wrong = [at for at in range(0, len(wanted), 4) if got[at : at + 4] != wanted[at : at + 4]]
        if not wrong:
            return wrote
        if attempt:
            pairs = tuple((address + at, _word(wanted, at)) for at in wrong)
            yield from _tolerant(link, WriteMemory(pairs))
            wrote = True
    raise WrongReply(command="ReadMemory", asked="the program sent", got="other bytes")


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4].ljust(4, b"\0"), "little")


def _read_back(link: Exchange, address: int, size: int) -> Procedure[bytes]:
    rounded = -(-size // 4) * 4
    try:
        reply = yield from link.ask_once(
            ReadMemory(address, rounded), Data, within_s=MEND_WITHIN_S, size=rounded + 4
        )
    except RETRIED as error:
        yield from _settle(link, error)
        return b""
    return reply.data[:size] if len(reply.data) == rounded else b""


def _tolerant(link: Exchange, command: WriteMemory) -> Procedure[None]:
    try:
        yield from link.ask_once(command, Done, within_s=MEND_WITHIN_S)
    except RETRIED as error:
        yield from _settle(link, error)


def _settle(link: Exchange, error: GroundwireError) -> Procedure[None]:
    """Only a silent chip needs a new conversation, and that does not touch what is in RAM.

    The upload's state would be lost with it, so that failure is the caller's.
    """
    link.damaged += 1
    if isinstance(error, NoReply) and not error.stray_bytes:
        raise error
    yield Discard(QUIET_S, within_s=QUIET_LIMIT_S)
