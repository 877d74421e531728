"""The verify job: does the module hold this image? Asked by checksum, told by address."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.chips.family import SECTOR, BootloaderPolicy, Piece
from groundwire.errors import VerifyMismatch
from groundwire.events import Phase
from groundwire.jobs.read import read_proven
from groundwire.jobs.session import Session
from groundwire.jobs.survey import differing
from groundwire.quantities import Span, merge_spans


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What was proven: the spans that were compared and how many bytes they hold."""

    kind: str
    spans: tuple[Span, ...]
    size: int


def verify_image(
    session: Session, data: bytes, name: str, policy: BootloaderPolicy
) -> VerifyReport:
    """Compare an image with the linked module.

    Raises:
        VerifyMismatch: they differ; it names the spans.
        ImageError: the file is no image for this module.
    """
    session.require_flash()
    placement = session.family.place(data, name, session.identity, session.layout, policy)
    session.tell(Phase("verify", "comparing by the chip's own checksum"))
    wrong: list[Span] = []
    for piece in placement.pieces:
        wrong += _differing_spans(session, piece)
    if wrong:
        raise VerifyMismatch(spans=merge_spans(wrong))
    spans = merge_spans([piece.span for piece in placement.pieces])
    return VerifyReport(placement.kind, spans, sum(span.size for span in spans))


def _differing_spans(session: Session, piece: Piece) -> list[Span]:
    whole = len(piece.data) // SECTOR * SECTOR
    wrong = []
    if whole:
        addresses = differing(session, piece.data[:whole], piece.address, "verify")
        wrong += [Span(at, SECTOR) for at in addresses]
    tail = piece.data[whole:]
    if tail:
        # the chip's checksum covers whole pages only, so the last sector is read
        sector = Span(piece.address + whole, SECTOR)
        if read_proven(session, sector, "verify")[: len(tail)] != tail:
            wrong.append(Span(sector.start, len(tail)))
    return wrong
