"""groundwire loader."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.backup.files import read_input
from groundwire.cli.options import FILE, Settings, screen_options
from groundwire.cli.portless import Shown, without_module
from groundwire.jobs.loader import KeptLoader, add_loader, get_loader, kept_loaders


@click.group("loader")
def command() -> None:
    """The vendor's RAM loader, which a BL602 needs to be read and written.

    The boot ROM of a BL602 can neither read nor prove its flash; a small program of the vendor,
    loaded into RAM, does it. groundwire ships no vendor software, so the file is fetched once.
    """


@command.command("get")
@screen_options
def get(settings: Settings) -> None:
    """Fetch it from the vendor's published package, by pip, and keep that one file."""
    without_module(settings, "loader", lambda _screen: _shown((get_loader(),)))


@command.command("add")
@click.argument("file", type=FILE)
@screen_options
def add(settings: Settings, file: Path) -> None:
    """Keep a loader FILE that you have."""
    without_module(settings, "loader", lambda _screen: _shown((add_loader(read_input(file)),)))


@command.command("show")
@screen_options
def show(settings: Settings) -> None:
    """Tell which loader is at hand."""
    without_module(settings, "loader", lambda _screen: _shown(kept_loaders()))


def _shown(kept: tuple[KeptLoader, ...]) -> Shown:
    lines = [f"{one.family}: {one.name} at {one.path}" for one in kept]
    values = {
        "loaders": [
            {"family": one.family, "name": one.name, "path": str(one.path), "sha256": one.sha256}
            for one in kept
        ]
    }
    return Shown(lines or ["no loader is at hand; `groundwire loader get` fetches it"], values)
