"""groundwire verify."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.chips.family import BootloaderPolicy
from groundwire.cli.images import BOOTLOADER_FLAG, load_image
from groundwire.cli.options import FILE, Settings, module_options
from groundwire.cli.portless import Shown
from groundwire.cli.render import EMULATED, spans_text, table
from groundwire.cli.running import Job, with_module
from groundwire.jobs.verify import verify_image
from groundwire.quantities import size_text


@click.command("verify")
@click.argument("image", type=FILE)
@BOOTLOADER_FLAG
@module_options
def command(settings: Settings, image: Path, bootloader: str) -> None:
    """Compare an image with the module by the chip's own checksum; says where they differ.

    With --bootloader keep, the bootloader of the image is not compared: it would not be written.
    """
    verify(settings, image, BootloaderPolicy(bootloader))


def verify(
    settings: Settings, image: Path, policy: BootloaderPolicy = BootloaderPolicy.KEEP
) -> None:
    """Link, compare, show."""
    data = load_image(image)

    def act(job: Job) -> Shown:
        report = verify_image(job.session, data, image.name, policy)
        rows = [
            ("image", f"{image.name} ({report.kind})"),
            ("compared", spans_text(report.spans)),
            ("size", size_text(report.size)),
        ]
        lines = ["the module holds this image: proven by its own checksum", *table(rows)]
        if job.is_emulated:
            lines.append(f"  {EMULATED}")
        return Shown(lines, {"kind": report.kind, "spans": report.spans, "size": report.size})

    with_module(settings, "verify", act)
