"""groundwire inspect."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from groundwire.backup.files import check_writable, read_input
from groundwire.cli.options import FILE, Settings, flagged, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.screen import Screen
from groundwire.errors import UnsupportedHere

if TYPE_CHECKING:
    from groundwire.jobs.inspect import Inspection


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files to write from what was found; None means: not asked for."""

    template: Path | None = None
    commands: Path | None = None
    esphome: Path | None = None
    tasmota: Path | None = None
    drawing: Path | None = None
    extract: Path | None = None


def _output(name: str, metavar: str, text: str) -> Callable[..., Callable[..., object]]:
    return click.option(f"--{name}", type=FILE, metavar=metavar, help=text)


OUTPUT_FLAGS: Final = (
    _output("template", "FILE", "Write the pins as an OpenBeken template."),
    _output("commands", "FILE", "Write the pins as OpenBeken console commands."),
    _output("esphome", "FILE", "Write the pins as an ESPHome configuration."),
    _output(
        "tasmota", "FILE", "Write the pins as a template for an ESP8266 in the module's place."
    ),
    _output("drawing", "FILE", "Write a drawing of the module with labelled pins, as SVG."),
    _output("extract", "DIR", "Write the files of the LittleFS into a new or empty folder."),
)


@click.command("inspect")
@click.argument("file", type=FILE)
@flagged(*OUTPUT_FLAGS)
@click.option("--show-secrets", is_flag=True, help="Show passwords and keys instead of a mask.")
@screen_options
def command(settings: Settings, file: Path, show_secrets: bool, **outputs: Path | None) -> None:
    """Tell everything that a dump or a firmware file holds. No port, no module.

    FILE is recognised by its content. Status 0: it is sound, or nothing but settings that can be
    read. Status 6: it is damaged, for two chips at once, or no flash image; what can be found in
    it is shown all the same.
    """
    inspect(settings, file, Outputs(**outputs), show_secrets=show_secrets)


def inspect(
    settings: Settings,
    file: Path,
    outputs: Outputs | None = None,
    *,
    show_secrets: bool = False,
) -> None:
    """Read, inspect, show, write what was asked for; a file that is not sound fails at the end."""
    wanted = outputs or Outputs()

    def act(screen: Screen) -> Shown:
        _check_outputs(wanted)
        data = read_input(file)
        # numpy and the cipher take longer to import than a file name that is wrong takes to see
        from groundwire.cli.inspected import inspection_lines, inspection_shape  # noqa: PLC0415
        from groundwire.jobs.inspect import inspect_bytes, require_usable  # noqa: PLC0415

        seen = inspect_bytes(data)
        screen.show(
            inspection_lines(file.name, seen, show_secrets=show_secrets),
            inspection_shape(str(file), seen, show_secrets=show_secrets),
        )
        written, notes = _write(wanted, seen, file.stem, show_secrets=show_secrets)
        require_usable(seen, file.name)
        lines = [*(f"note: {note}" for note in notes), *(f"written: {path}" for path in written)]
        values = {"file": str(file), "verdict": seen.health.verdict, "written": written}
        return Shown(lines, {**values, "notes": notes})

    without_module(settings, "inspect", act)


def _check_outputs(outputs: Outputs) -> None:
    """Refuse before any work what could not be written after it."""
    for field in fields(outputs):
        path = getattr(outputs, field.name)
        if path is not None and field.name != "extract":
            check_writable(path, 1)


def _write(
    outputs: Outputs, seen: Inspection, name: str, *, show_secrets: bool
) -> tuple[list[str], list[str]]:
    """Write what was asked for; the paths and the notes."""
    if outputs == Outputs():
        return [], []
    from groundwire.jobs.inspect_outputs import Exports, extract_files  # noqa: PLC0415

    exports = Exports(seen.wiring, name, show_secrets=show_secrets)
    written: list[str] = []
    notes: list[str] = []
    failed: UnsupportedHere | None = None
    makers = {
        "template": exports.template,
        "commands": exports.commands,
        "esphome": exports.esphome,
        "tasmota": exports.tasmota,
        "drawing": exports.drawing,
    }
    for kind, write in makers.items():
        path: Path | None = getattr(outputs, kind)
        if path is None:
            continue
        try:
            notes += write(path)
            written.append(str(path))
        except UnsupportedHere as error:
            failed = failed or error  # the others are written all the same
    if outputs.extract is not None:
        written += [str(path) for path in extract_files(seen.file_systems, outputs.extract)]
    if failed is not None:
        raise failed
    return written, notes
