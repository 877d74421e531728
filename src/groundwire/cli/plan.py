"""groundwire plan."""

from __future__ import annotations

from pathlib import Path

import click

from groundwire.backup.files import read_input
from groundwire.chips.family import BootloaderPolicy, Identity
from groundwire.cli.images import BOOTLOADER_FLAG, load_image
from groundwire.cli.options import FILE, Settings, module_options
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import identity_lines, plan_lines
from groundwire.cli.running import Job, with_module
from groundwire.cli.shapes import identity_shape, plan_shape
from groundwire.errors import ChipContradicted
from groundwire.jobs.plan import owner_of_dump, plan_on_module, plan_over_dump
from groundwire.jobs.write import image_request
from groundwire.planning.plan import WritePlan


@click.command("plan")
@click.argument("image", type=FILE)
@click.option(
    "--over",
    type=FILE,
    metavar="DUMP",
    help="Plan over the dump of a whole flash instead of a module; no port is needed.",
)
@BOOTLOADER_FLAG
@module_options
def command(settings: Settings, image: Path, over: Path | None, bootloader: str) -> None:
    """Show what writing an image would erase, write and keep, and why. Nothing is changed."""
    plan(settings, image, over, BootloaderPolicy(bootloader))


def plan(
    settings: Settings,
    image: Path,
    over: Path | None = None,
    policy: BootloaderPolicy = BootloaderPolicy.KEEP,
) -> None:
    """Plan over a dump, or over a linked module."""
    data = load_image(image)
    if over is not None:
        dump = read_input(over)
        without_module(
            settings,
            "plan",
            lambda _screen: _over_dump(settings, (data, image.name), (dump, over.name), policy),
        )
        return

    def act(job: Job) -> Shown:
        request = image_request(data, image.name, job.session, policy, Path())
        return _shown(job.session.identity, plan_on_module(job.session, request))

    with_module(settings, "plan", act)


def _over_dump(
    settings: Settings, image: tuple[bytes, str], dump: tuple[bytes, str], policy: BootloaderPolicy
) -> Shown:
    _family, identity = owner_of_dump(*dump)
    if settings.chip is not None and not identity.agrees_with(settings.chip):
        raise ChipContradicted(
            rule="the content of the dump says otherwise",
            finding=f"{settings.chip} was named, but the dump is from a {identity.chip}",
        )
    return _shown(identity, plan_over_dump(image[0], dump[0], policy, name=image[1]))


def _shown(identity: Identity, made: WritePlan) -> Shown:
    lines = [*identity_lines(identity), *plan_lines(made)]
    values = {"identity": identity_shape(identity), "plan": plan_shape(made)}
    return Shown(lines, values)
