"""groundwire read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from groundwire.backup.files import check_writable, write_atomically
from groundwire.chips.family import SECTOR
from groundwire.cli.options import FILE, Settings, SpanType, module_options
from groundwire.cli.portless import Shown
from groundwire.cli.render import table
from groundwire.cli.running import Job, with_module
from groundwire.cli.screen import Screen
from groundwire.errors import SpanOutside
from groundwire.events import Phase
from groundwire.jobs.read import read_proven
from groundwire.quantities import Span, size_text


@click.command("read")
@click.argument("span", type=SpanType())
@click.argument("file", type=FILE)
@module_options
def command(settings: Settings, span: Span, file: Path) -> None:
    """Read a range of the flash into FILE, every byte proven by the chip's own checksum.

    SPAN is START+SIZE or START..END (end not included), decimal or 0x: 0x1D0000+0x1000.
    """
    read(settings, span, file)


def read(settings: Settings, span: Span, file: Path) -> None:
    """Link, read, prove, keep."""

    def before(_screen: Screen) -> None:
        check_writable(file, span.size)

    def act(job: Job) -> Shown:
        session = job.session
        size = session.require_flash()
        if span.end > size:
            raise SpanOutside(span=span, flash_size=size)
        session.tell(Phase("read", f"reading and proving {span}"))
        whole = span.widened(SECTOR)
        sectors = read_proven(session, whole)
        data = Span(span.start - whole.start, span.size).of(sectors)
        session.while_linked(lambda: write_atomically(file, data))
        digest = hashlib.sha256(data).hexdigest()
        rows = [("range", str(span)), ("size", size_text(span.size)), ("file", str(file))]
        lines = ["read, and proven", *table([*rows, ("SHA-256", digest)])]
        return Shown(lines, {"span": span, "file": str(file), "sha256": digest})

    with_module(settings, "read", act, before=before)
