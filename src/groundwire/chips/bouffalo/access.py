"""What a RAM loader does with the flash: read, hash, erase, program, status registers."""

# Ref: PROTOCOL.md, section 5 (RAM loader commands)

from __future__ import annotations

from typing import Final

from groundwire.chips.bouffalo.codec import PAIR, U32, checksum
from groundwire.chips.bouffalo.exchange import ATTEMPTS, RETRIED, SMALLEST_FRAME, Exchange
from groundwire.chips.bouffalo.messages import (
    Erase,
    GuardedErase,
    Program,
    Read,
    ReadStatus,
    Sha256,
    WriteStatus,
)
from groundwire.chips.bouffalo.replies import Data, Digest, Done
from groundwire.chips.bouffalo.status import Status
from groundwire.errors import CommandRefused, GroundwireError, WrongReply
from groundwire.quantities import MIB, Span
from groundwire.wire import Procedure

READ_WITHIN_S: Final = 0.3
PROGRAM_WITHIN_S: Final = 1.0  # the frame before it may still be on its way into the flash
STATUS_WITHIN_S: Final = 0.5
HASH_LEAST_S: Final = 0.5
HASH_PER_MIB_S: Final = 3.0
ERASE_WITHIN_S: Final = 3.0  # old loaders say nothing while they erase a block
FRAME_TRIES: Final = 2  # at one frame size
SHORTEST_FRAME: Final = 16


def read_span(link: Exchange, span: Span) -> Procedure[bytes]:
    """The bytes of a span, in frames as large as the line and the loader carry.

    Raises:
        LinkError, ProtocolError: not even small frames arrive.
    """
    out = bytearray()
    failed = 0
    while len(out) < span.size:
        size = min(link.frame, span.size - len(out))
        try:
            part = yield from _read_once(link, span.start + len(out), size)
        except RETRIED as error:
            failed += 1
            # a loader with a smaller limit cuts reads without a word; that is no fault of the line
            was_cut = isinstance(error, WrongReply) and link.frame > SMALLEST_FRAME
            link.damaged += not was_cut
            yield from link.recover(error, "Read")
            if was_cut or failed % FRAME_TRIES == 0:
                if link.frame <= SMALLEST_FRAME:
                    raise
                link.smaller_frames()
            continue
        failed = 0
        out += part
    return bytes(out)


def _read_once(link: Exchange, address: int, size: int) -> Procedure[bytes]:
    reply = yield from link.ask_once(
        Read(address, size), Data, within_s=READ_WITHIN_S, size=size + 4
    )
    if len(reply.data) != size:
        raise WrongReply(command="Read", asked=f"{size} bytes", got=f"{len(reply.data)} bytes")
    return reply.data


def hash_span(link: Exchange, span: Span) -> Procedure[bytes]:
    """SHA-256 over a span, computed by the chip."""
    reply = yield from link.ask(
        Sha256(span.start, span.size),
        Digest,
        within_s=HASH_LEAST_S + HASH_PER_MIB_S * span.size / MIB,
    )
    return reply.digest


def checked_last(span: Span) -> int:
    """The last address of an erase, chosen so that its checksum is not 0.

    A frame whose sum is 0 counts as unchecked; every address in the last sector means the same.
    """
    last = span.end - 1
    while not checksum(PAIR.pack(span.start, last)):
        last -= 1
    return last


def erase_span(link: Exchange, span: Span) -> Procedure[None]:
    """Erase the sectors of a span. Repeating it is harmless."""
    kind = GuardedErase if link.guarded else Erase
    command = kind(span.start, checked_last(span))
    yield from link.ask(command, Done, within_s=ERASE_WITHIN_S)


def program_frames(address: int, data: bytes, largest: int) -> list[Program]:
    """The frames that bring data into flash, none of them with a checksum of 0.

    What an erased flash holds anyway is left out at the end.
    """
    data = data.rstrip(b"\xff")
    data += b"\xff" * (-len(data) % 4)
    out: list[Program] = []
    at = 0
    while at < len(data):
        size = min(largest, len(data) - at)
        while size > SHORTEST_FRAME and not _sum_of(address + at, data[at : at + size]):
            size -= SHORTEST_FRAME
        out.append(Program(address + at, data[at : at + size]))
        at += size
    return [_lengthened(frame) for frame in out]


def _sum_of(address: int, data: bytes) -> int:
    return checksum(U32.pack(address) + data)


def _lengthened(frame: Program) -> Program:
    """Four bytes of data would make an erase's length, should its number be damaged into one."""
    if len(frame.data) == 4:
        return Program(frame.address, frame.data + b"\xff" * 4)
    return frame


def program_span(link: Exchange, address: int, data: bytes) -> Procedure[None]:
    """Program data; the loader answers when it has a frame, and programs it meanwhile.

    A frame that the loader refuses for its checksum was not programmed and is sent again. After
    any other failure the content is unknown until it is erased or hashed.
    """
    done = 0
    refused = 0
    while done < len(data):
        frames = program_frames(address + done, data[done:], link.frame)
        if not frames:
            return
        try:
            yield from link.ask_once(frames[0], Done, within_s=PROGRAM_WITHIN_S)
        except RETRIED as error:
            link.damaged += 1
            refused += 1
            yield from link.recover(error, "Program")
            if refused % FRAME_TRIES == 0 or not _is_damage(error):
                link.smaller_frames()
            if not _is_damage(error) or refused >= ATTEMPTS:
                raise
            continue
        refused = 0
        done += len(frames[0].data)


def _is_damage(error: GroundwireError) -> bool:
    return isinstance(error, CommandRefused) and error.status == Status.CMD_CRC


def read_register(link: Exchange, flash_command: int) -> Procedure[int]:
    """A status register of the flash."""
    reply = yield from link.ask(ReadStatus(flash_command, 1), Data, within_s=STATUS_WITHIN_S)
    if len(reply.data) != 1:
        raise WrongReply(command="ReadStatus", asked="1 byte", got=f"{len(reply.data)} bytes")
    return reply.data[0]


def write_registers(link: Exchange, flash_command: int, value: int, size: int) -> Procedure[None]:
    """Write one status register, or both at once."""
    yield from link.ask(WriteStatus(flash_command, size, value), Done, within_s=STATUS_WITHIN_S)
