"""Getting the RAM loader into a chip: from an open boot ROM conversation to the loader's own."""

# Ref: PROTOCOL.md, section 4 (upload), section 7 (RAM loader)

from __future__ import annotations

from typing import Final

from groundwire.chips.bouffalo.codec import MAX_ROM_PAYLOAD
from groundwire.chips.bouffalo.exchange import RETRIED, Exchange, Stage
from groundwire.chips.bouffalo.loader import RamImage
from groundwire.chips.bouffalo.messages import (
    CheckImage,
    LoadBootHeader,
    LoadSegmentData,
    LoadSegmentHeader,
    RunImage,
)
from groundwire.chips.bouffalo.replies import Done, SegmentTaken
from groundwire.chips.bouffalo.status import Status
from groundwire.errors import CommandRefused, UnsupportedHere, WrongReply
from groundwire.events import Progress
from groundwire.wire import Procedure, Wait

ROM_WITHIN_S: Final = 1.0
RUN_WITHIN_S: Final = 0.2
FRAME: Final = MAX_ROM_PAYLOAD
STARTS_S: Final = 0.3
ATTEMPTS: Final = 5
OPENINGS: Final = 3
CLOSED: Final = frozenset({
    Status.IMG_BOOTHEADER_SIGN_NOTFIT, Status.IMG_BOOTHEADER_ENCRYPT_NOTFIT, Status.PROTECTED,
})  # fmt: skip


def start_loader(link: Exchange, image: RamImage) -> Procedure[None]:
    """Upload, have the boot ROM check the hash, run, and open the loader's conversation.

    Every failure starts the upload anew: the boot ROM allows that at any time.

    Raises:
        UnsupportedHere: the chip takes signed or encrypted programs only.
        LinkLost: the loader does not answer.
        LinkError, ProtocolError: the line is too bad to get it there.
    """
    for attempt in range(1, ATTEMPTS + 1):
        try:
            yield from _send(link, image)
            break
        except RETRIED as error:
            if isinstance(error, CommandRefused) and error.status in CLOSED:
                raise UnsupportedHere(
                    asked="running the RAM loader",
                    reason=error.meaning,
                    advice="this module's maker has locked the chip; nothing can be done serially",
                ) from error
            if attempt == ATTEMPTS:
                raise
            link.damaged += 1
            yield from link.recover(error, "the upload of the RAM loader")
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
