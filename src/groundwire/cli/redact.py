"""groundwire redact."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundwire.backup.files import check_writable, read_input, write_atomically
from groundwire.cli.options import FILE, Settings, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import spans_text, table
from groundwire.cli.screen import Screen
from groundwire.events import Phase

if TYPE_CHECKING:
    from groundwire.jobs.redact import RedactReport


@click.command("redact")
@click.argument("dump", type=FILE)
@click.argument("out", type=FILE)
@screen_options
def command(settings: Settings, dump: Path, out: Path) -> None:
    """Write a copy of DUMP that can be posted in public: it still boots and still shows its pins.

    Passwords, keys, tokens, the device's own part of the MAC and ids are overwritten in every
    generation and copy, checksums are rebuilt. Then every removed value is looked for again in
    every form that is known; if one is found, OUT is not written and the status is 5.
    """
    redact(settings, dump, out)


def redact(settings: Settings, dump: Path, out: Path) -> None:
    """Read, redact, prove, write."""

    def act(screen: Screen) -> Shown:
        data = read_input(dump)
        check_writable(out, len(data))
        from groundwire.jobs.redact import redact_dump  # noqa: PLC0415 - numpy is slow to import

        screen.tell(Phase("redact", "overwriting secrets and looking for them again"))
        report = redact_dump(data, dump.name)
        write_atomically(out, report.data)
        return _shown(report, out)

    without_module(settings, "redact", act)


def _shown(report: RedactReport, out: Path) -> Shown:
    count = sum(number for _, number in report.removed)
    digest = hashlib.sha256(report.data).hexdigest()
    lines = [
        f"redacted, and proven: {count} values removed, none is left in {report.patterns} forms",
        *table([(what, f"{number} x") for what, number in report.removed]),
        *table(
            [
                ("changed", spans_text(report.changed)),
                ("file", str(out)),
                ("SHA-256", digest),
                ("order", "a rotated dump was put in order" if report.turned else ""),
            ]
        ),
        *(f"  note: {note}" for note in report.notes),
    ]
    values = {
        "file": str(out),
        "sha256": digest,
        "removed": dict(report.removed),
        "patterns": report.patterns,
        "changed": report.changed,
        "notes": report.notes,
        "turned": report.turned,
    }
    return Shown(lines, values)
