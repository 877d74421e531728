"""Reading an image that the user named, and refusing early what is none."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.backup.files import read_input
from groundwire.chips.family import BootloaderPolicy
from groundwire.errors import UnknownImage
from groundwire.images.recognise import ImageKind, recognise

BOOTLOADER_FLAG = click.option(
    "--bootloader",
    type=click.Choice([one.value for one in BootloaderPolicy]),
    default=BootloaderPolicy.KEEP.value,
    show_default=True,
    help="Keep the module's bootloader, or replace it by the image's if that is a valid one.",
)


def load_image(path: Path) -> bytes:
    """The bytes of an image file; what no module could use is refused before a port is opened.

    Raises:
        InputUnreadable: it cannot be read.
        UnknownImage: it is empty, blank, or nothing that is known.
    """
    data = read_input(path)
    seen = recognise(data)
    if seen.kind in (ImageKind.UNKNOWN, ImageKind.ERASED):
        finding = seen.problems[0].text if seen.problems else "nothing in it is known"
        raise UnknownImage(name=path.name, size=len(data), finding=finding)
    return data
