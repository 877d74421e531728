"""groundwire report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from groundwire.cli.options import FILE, Settings, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.screen import Screen
from groundwire.errors import OutputUnwritable
from groundwire.jobs.support_bundle import FILE_NAME, make_bundle, write_bundle


@click.command("report")
@click.argument("paths", type=FILE, nargs=-1, required=True, metavar="FOLDER|FILES...")
@click.option("-o", "--output", type=FILE, metavar="FILE", help="Where to; left out, support.md.")
@click.option("--show-mac", is_flag=True, help="Leave MAC addresses whole.")
@screen_options
def command(
    settings: Settings, paths: tuple[Path, ...], output: Path | None, show_mac: bool
) -> None:
    """Make one text of a case that can be posted in a forum: masked Markdown.

    FOLDER is that of a job; FILES are logs, backups and images. The text holds the diagnosis,
    module, plan, journal, the health of the files, the log and the versions. No password, no key
    and no content of a flash goes into it; MACs are masked unless --show-mac is given.
    """
    report(settings, paths, output, show_mac=show_mac)


def report(
    settings: Settings, paths: Sequence[Path], output: Path | None = None, *, show_mac: bool = False
) -> None:
    """Make the text, keep it, say where."""

    def act(_screen: Screen) -> Shown:
        target = output or _default_target(paths)
        if any(target.resolve() == path.resolve() for path in paths):
            raise OutputUnwritable(path=str(target), reason="it is one of the files to report on")
        bundle = make_bundle([path for path in paths if path.name != FILE_NAME], show_mac=show_mac)
        write_bundle(target, bundle)
        lines = [
            f"{target} can be posted as it is; read it once before you do",
            *(diagnosis.sentence for diagnosis in bundle.diagnoses),
        ]
        values = {
            "file": target,
            "logs": bundle.logs,
            "sentences": [diagnosis.sentence for diagnosis in bundle.diagnoses],
        }
        return Shown(lines, values)

    without_module(settings, "report", act)


def _default_target(paths: Sequence[Path]) -> Path:
    folder = next((path for path in paths if path.is_dir()), Path())
    return folder / FILE_NAME
