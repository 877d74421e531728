"""The erase job: a span of whole sectors to FF, with the same proofs as a write."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

from groundwire.chips.family import SECTOR, Identity, Layout, Piece, Placement
from groundwire.jobs.session import Session
from groundwire.jobs.write import WriteReport, WriteRequest, change_flash
from groundwire.planning.rules import check_erase
from groundwire.quantities import Span


def erase_span(session: Session, span: Span, request: WriteRequest) -> WriteReport:
    """Erase whole sectors after a backup; `request` carries the conditions.

    Raises:
        SpanOutside, SpanUnaligned: the span is none that can be erased.
        RefusedBySafety: it touches the bootloader or the radio calibration.
    """
    check_erase(span, session.layout, session.require_flash(), SECTOR)
    return change_flash(session, request)


def erase_request(span: Span, base: Path, conditions: WriteRequest | None = None) -> WriteRequest:
    """The request to erase a span; `conditions` lends consent and backup choices."""

    def place(_identity: Identity, _layout: Layout) -> Placement:
        piece = Piece(span.start, b"\xff" * span.size, "erased as asked")
        return Placement(f"erase {span}", (piece,))

    source = hashlib.sha256(f"erase {span}".encode()).hexdigest()
    if conditions is None:
        return WriteRequest(name=str(span), base=base, source_sha256=source, place=place)
    return replace(conditions, name=str(span), source_sha256=source, place=place)
