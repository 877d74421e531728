"""groundwire convert."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from groundwire.backup.files import check_writable, read_input, write_atomically
from groundwire.cli.failures import BadCommandLine
from groundwire.cli.options import FILE, ChipType, NumberType, Settings, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import table
from groundwire.cli.screen import Screen
from groundwire.quantities import hex_address, parse_number, size_text

if TYPE_CHECKING:
    from groundwire.jobs.convert import Conversion

# the forms of images.kinds.Form, which is heavy to import; a test compares the two
FORMS: Final = (
    "qio", "ua", "dump", "plain", "enciphered", "rbl", "ug",
    "bl602-app", "bl602-raw", "bl602-ota", "bl602-whole",
)  # fmt: skip
HIGHEST: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Wanted:
    """What to make of the file: exactly one of form, part and pieces."""

    form: str | None = None
    part: str | None = None
    pieces: tuple[tuple[int, Path], ...] = ()
    address: int = 0
    bootloader: Path | None = None
    key: str = ""
    chip: str = ""
    version: str = ""


def _pieces(
    _context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[tuple[int, Path], ...]:
    found = []
    for value in values:
        address, equals, name = value.partition("=")
        try:
            number = parse_number(address)
        except ValueError:
            equals = ""
            number = 0
        if not equals or not name or number > HIGHEST:
            raise click.BadParameter(f"{value[:60]!r} is not ADDRESS=FILE")
        found.append((number, Path(name)))
    return tuple(found)


@click.command("convert")
@click.argument("source", metavar="IN", type=FILE)
@click.argument("out", type=FILE)
@click.option("--to", "form", type=click.Choice(FORMS), help="The form to convert into.")
@click.option("--cut", "part", metavar="PART", help="Take one part: bootloader, app, download, rf…")
@click.option(
    "--join",
    "pieces",
    metavar="ADDRESS=FILE",
    multiple=True,
    callback=_pieces,
    help="Put this file at that flash address beside IN; may be repeated.",
)
@click.option(
    "--at",
    "address",
    type=NumberType(0, HIGHEST),
    default=0,
    help="With --join: the flash address of IN; left out, 0.",
)
@click.option(
    "--bootloader", type=FILE, metavar="FILE", help="For qio: a file that holds the bootloader."
)
@click.option(
    "--key", default="", help="The key set of the result: tuya, zero, … or 32 hex digits."
)
@click.option("-c", "--chip", type=ChipType(), help="The chip, where the file fits several.")
@click.option("--version", default="", help="The version in the header of a new container.")
@screen_options
def command(settings: Settings, source: Path, out: Path, **wanted: object) -> None:
    """Convert IN into another form, cut a part out of it, or join it with others; write OUT.

    qio is bootloader and application, ua the application as it lies in flash, dump a whole flash
    (a rotated one is put in order), plain the code without cipher and checksums, enciphered the
    code without checksums, rbl and ug updates over the air. A conversion whose result would not
    boot is refused with the reason, and OUT is not written.
    """
    chip = settings.chip or ""
    convert(settings, source, out, Wanted(chip=chip, **wanted))  # type: ignore[arg-type]


def convert(settings: Settings, source: Path, out: Path, wanted: Wanted) -> None:
    """Read, convert, prove, write."""
    _check(wanted)

    def act(_screen: Screen) -> Shown:
        check_writable(out, 1)
        data = read_input(source)
        made = _made(data, source.name, wanted)
        write_atomically(out, made.data)
        digest = hashlib.sha256(made.data).hexdigest()
        rows = [
            ("kind", made.kind),
            ("size", size_text(len(made.data))),
            ("file", str(out)),
            ("SHA-256", digest),
        ]
        lines = [f"{source.name} converted", *table(rows), *(f"  {note}" for note in made.notes)]
        values = {"file": str(out), "kind": made.kind, "size": len(made.data), "sha256": digest}
        return Shown(lines, {**values, "notes": made.notes})

    without_module(settings, "convert", act)


def _check(wanted: Wanted) -> None:
    asked = [bool(wanted.form), bool(wanted.part), bool(wanted.pieces)]
    if asked.count(True) != 1:
        message = "say what to make of it: one of --to, --cut and --join"
        raise BadCommandLine(message=message, help_command="groundwire convert --help")


def _made(data: bytes, name: str, wanted: Wanted) -> Conversion:
    from groundwire.jobs.convert import (  # noqa: PLC0415 - numpy is slow to import
        ConvertOptions,
        Form,
        convert_file,
        cut_part,
        join_files,
    )

    if wanted.part:
        return cut_part(data, wanted.part, name)
    if wanted.pieces:
        others = [(address, read_input(path)) for address, path in wanted.pieces]
        names = ", ".join(
            [name, *(f"{path.name} at {hex_address(at)}" for at, path in wanted.pieces)]
        )
        return join_files([(wanted.address, data), *others], names)
    loader = read_input(wanted.bootloader) if wanted.bootloader is not None else b""
    options = ConvertOptions(wanted.key, loader, wanted.chip, wanted.version)
    return convert_file(data, Form(str(wanted.form)), options, name)
