"""groundwire erase."""

from __future__ import annotations

import click

from groundwire.chips.family import SECTOR
from groundwire.cli.changing import (
    BACKUP_FLAGS,
    FOLDER_FLAG,
    YES_FLAGS,
    Change,
    Conditions,
    Source,
)
from groundwire.cli.options import LARGEST_FLASH, Settings, SpanType, flagged, module_options
from groundwire.cli.running import Job
from groundwire.errors import SpanOutside, SpanUnaligned
from groundwire.jobs.erase import erase_request, erase_span
from groundwire.jobs.write import WriteReport
from groundwire.quantities import Span


@click.command("erase")
@click.argument("span", type=SpanType())
@flagged(*YES_FLAGS, *BACKUP_FLAGS, FOLDER_FLAG)
@module_options
def command(settings: Settings, span: Span, **conditions: object) -> None:
    """Erase a range of whole sectors after a backup, and prove the whole flash.

    SPAN is START+SIZE or START..END (end not included), decimal or 0x: 0x1E0000+0x1000. The
    bootloader and the radio calibration are refused.
    """
    erase(settings, span, Conditions(**conditions))  # type: ignore[arg-type]


def erase(settings: Settings, span: Span, conditions: Conditions | None = None) -> None:
    """Link, back up, plan, ask, erase, prove, show."""
    terms = conditions or Conditions()
    if span.end > LARGEST_FLASH:
        raise SpanOutside(span=span, flash_size=LARGEST_FLASH)
    if not span.is_aligned(SECTOR):
        raise SpanUnaligned(span=span, unit=SECTOR)

    def act(job: Job, change: Change) -> WriteReport:
        request = change.conditioned(erase_request(span, terms.base), job)
        return erase_span(job.session, span, request)

    source = Source(f"erase {span}", b"")
    Change("erase", settings, source, terms, traced=False).run(act)
