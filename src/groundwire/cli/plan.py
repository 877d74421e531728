"""groundwire plan."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from groundwire.backup.files import read_input
from groundwire.chips.family import BootloaderPolicy, ChipFamily, Identity
from groundwire.chips.registry import families
from groundwire.cli.images import BOOTLOADER_FLAG, load_image
from groundwire.cli.options import FILE, Settings, module_options
from groundwire.cli.render import identity_lines, plan_lines
from groundwire.cli.running import Job, Shown, with_module, without_module
from groundwire.cli.shapes import identity_shape, plan_shape
from groundwire.errors import ChipContradicted, UnknownImage
from groundwire.jobs.write import change_flash, image_request
from groundwire.planning.plan import WritePlan, plan_over
from groundwire.planning.rules import Allowances, check_plan


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
            lambda _screen: _plan_over_dump(
                settings, (data, image.name), (dump, over.name), policy
            ),
        )
        return

    def act(job: Job) -> Shown:
        request = image_request(data, image.name, job.session, policy, Path())
        report = change_flash(job.session, replace(request, only_plan=True))
        return _shown(report.identity, report.plan)

    with_module(settings, "plan", act)


def _plan_over_dump(
    settings: Settings,
    image: tuple[bytes, str],
    dump: tuple[bytes, str],
    policy: BootloaderPolicy,
) -> Shown:
    family, identity = _owner(*dump)
    if settings.chip is not None and settings.chip != identity.chip:
        raise ChipContradicted(
            rule="the content of the dump says otherwise",
            finding=f"{settings.chip} was named, but the dump is from a {identity.chip}",
        )
    layout = family.layout(identity)
    placement = family.place(*image, identity, layout, policy)
    made = plan_over(dump[0], placement, layout)
    check_plan(made, Allowances(bootloader=policy is BootloaderPolicy.REPLACE))
    return _shown(identity, made)


def _owner(data: bytes, name: str) -> tuple[ChipFamily, Identity]:
    """The family and module that a dump is from.

    Raises:
        UnknownImage: no family knows it as a dump of a whole flash.
    """
    for family in families():
        identity = family.identify_dump(data)
        if identity is not None:
            return family, identity
    finding = "it is not the dump of a whole flash of any known chip"
    raise UnknownImage(name=name, size=len(data), finding=finding)


def _shown(identity: Identity, made: WritePlan) -> Shown:
    lines = [*identity_lines(identity), *plan_lines(made)]
    values = {"identity": identity_shape(identity), "plan": plan_shape(made)}
    return Shown(lines, values)
