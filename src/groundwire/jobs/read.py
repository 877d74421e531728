"""Reading flash so that every byte is proven by the chip's own checksum."""

from __future__ import annotations

from typing import Final

from groundwire.chips.family import SECTOR
from groundwire.errors import FlashChanged, VerifyMismatch
from groundwire.events import Progress
from groundwire.jobs.session import Session
from groundwire.quantities import Span

BLOCK: Final = 0x10000
CHUNK: Final = 4 * SECTOR  # between two looks at the line
ROUNDS: Final = 8
BLANK_SECTOR: Final = b"\xff" * SECTOR


def read_proven(session: Session, span: Span, action: str = "read") -> bytes:
    """The bytes of whole sectors, each block confirmed by the chip's checksum.

    The checksum is asked for before the bytes, so that a flash that changes under a damaged read
    request is found out; a block that the checksum shows to be blank is not moved at all.

    Raises:
        FlashChanged: a read request was damaged into an erase, and the content is lost.
        VerifyMismatch: a block stays different however often it is read.
    """
    out = bytearray()
    for block in span.units(BLOCK):
        out += _read_block(session, block, action, len(out), span.size)
        session.tell(Progress(action, len(out), span.size))
    return bytes(out)


def digest(session: Session, span: Span) -> bytes:
    """The chip's checksum of a span; the link is brought back where it is lost."""
    return session.do(lambda: session.flasher.digest(span))


def _digest_before(session: Session, block: Span) -> bytes:
    """The checksum before the bytes are read; over a line that does damage, two must agree."""
    value = digest(session, block)
    while session.line_does_damage:
        again = digest(session, block)
        if again == value:
            break
        value = again
    return value


def holds(session: Session, span: Span, data: bytes) -> bool:
    """Whether the module holds exactly these bytes, by its own checksum.

    A mismatch is asked for twice: a damaged answer is likelier than a damaged flash.
    """
    wanted = session.flasher.digest_of(data)
    return digest(session, span) == wanted or digest(session, span) == wanted


def _read_block(session: Session, block: Span, action: str, done: int, total: int) -> bytes:
    first = _digest_before(session, block)
    if first == session.flasher.digest_of(b"\xff" * block.size):
        return b"\xff" * block.size
    data = bytearray()
    retried: list[Span] = []
    for chunk in block.units(CHUNK):
        damaged = session.flasher.damaged
        data += _read_chunk(session, chunk)
        if session.flasher.damaged != damaged:
            retried.append(chunk)
            session.watch_line()
        session.tell(Progress(action, done + len(data), total))
    if session.flasher.digest_of(bytes(data)) == first:
        return bytes(data)
    return _settle_block(session, block, first, data, retried)


def _read_chunk(session: Session, chunk: Span) -> bytes:
    return session.do(lambda: session.flasher.read(chunk))


def _settle_block(
    session: Session, block: Span, first: bytes, data: bytearray, retried: list[Span]
) -> bytes:
    """A block whose bytes and first checksum disagree: find the sectors, read them again."""
    bad: list[Span] = []
    for _ in range(ROUNDS):
        bad = [
            sector
            for sector in block.units(SECTOR)
            if not holds(session, sector, _part(data, block, sector))
        ]
        if not bad:
            break
        for sector in bad:
            start = sector.start - block.start
            data[start : start + SECTOR] = _read_chunk(session, sector)
        session.watch_line()
    else:
        raise VerifyMismatch(spans=tuple(bad))
    if session.flasher.digest_of(bytes(data)) == first:
        return bytes(data)
    # The bytes are what the flash holds now. The first checksum was either damaged on the line,
    # or taken before a damaged read request erased a sector: then a retried sector reads blank.
    for chunk in retried:
        for sector in chunk.units(SECTOR):
            if _part(data, block, sector) == BLANK_SECTOR:
                raise FlashChanged(span=sector)
    return bytes(data)


def _part(data: bytearray, block: Span, sector: Span) -> bytes:
    start = sector.start - block.start
    return bytes(data[start : start + sector.size])
