"""groundwire emulate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from groundwire.backup.files import read_input
from groundwire.cli.changing import flagged
from groundwire.cli.interrupts import Interrupts
from groundwire.cli.options import FILE, ChipType, SecondsType, Settings, screen_options
from groundwire.cli.render import EMULATED
from groundwire.cli.screen import make_screen
from groundwire.events import Notice
from groundwire.jobs.emulate import EmulateOptions, serve_emulated
from groundwire.link.serve import PtyEndpoint, TcpEndpoint
from groundwire.sim.faults import LineFaults


@dataclass(frozen=True, slots=True)
class Faults:
    """What the line between the module and the other program does to bytes."""

    flips: float = 0.0
    drops: float = 0.0
    echo: bool = False
    deaf: bool = False
    seed: int = 0

    def of_line(self) -> LineFaults | None:
        """The faults as the line takes them, or None for a good line."""
        if not (self.flips or self.drops or self.echo or self.deaf):
            return None
        return LineFaults(
            seed=self.seed,
            flips_to_chip=self.flips,
            flips_to_host=self.flips,
            drops_to_chip=self.drops,
            drops_to_host=self.drops,
            echo=self.echo,
            deaf=self.deaf,
        )


RATE = click.FloatRange(0, 0.5)
FAULT_FLAGS = (
    click.option("--flips", type=RATE, default=0.0, metavar="RATE", help="Bits that turn over."),
    click.option("--drops", type=RATE, default=0.0, metavar="RATE", help="Bytes that get lost."),
    click.option("--echo", is_flag=True, help="RX and TX touch: what is sent comes back."),
    click.option("--deaf", is_flag=True, help="Nothing reaches the module."),
    click.option("--seed", type=int, default=0, help="Another draw of the same faults."),
)


@click.command("emulate")
@click.argument("chip", type=ChipType())  # lands in Settings.chip, like --chip elsewhere
@click.option("--over", type=FILE, metavar="DUMP", help="The content of its flash.")
@click.option(
    "--tcp",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help="Serve on a TCP port of this machine (0: any free one) instead of a pty.",
)
@click.option("--unpaced", is_flag=True, help="Bytes take no time on the line.")
@click.option(
    "--hands",
    "hands_s",
    type=SecondsType(),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Reset the module when it was asked in vain for so long; 0: never.",
)
@flagged(*FAULT_FLAGS)
@screen_options
def command(
    settings: Settings,
    over: Path | None,
    tcp: int | None,
    unpaced: bool,
    hands_s: float,
    **faults: object,
) -> None:
    """Serve an emulated CHIP on a pty or a TCP port until Ctrl-C, for any tool to try.

    The name of the port comes first on standard output. Ctrl-C is how it ends, so its exit
    status is then 0.
    """
    options = EmulateOptions(
        flash=read_input(over) if over is not None else None,
        hands_s=hands_s,
        paced=not unpaced,
        faults=Faults(**faults).of_line(),  # type: ignore[arg-type]
    )
    emulate(settings, settings.chip or "", options, tcp)


def emulate(settings: Settings, chip: str, options: EmulateOptions, tcp: int | None = None) -> None:
    """Open the endpoint, say its name, serve until stopped."""
    with make_screen(settings) as screen, Interrupts(quiet=True) as interrupts:
        endpoint = PtyEndpoint() if tcp is None else TcpEndpoint(tcp)
        try:
            shape = {"type": "serving", "port": endpoint.name, "chip": chip}
            screen.show([endpoint.name], shape)
            screen.tell(Notice(f"an emulated {chip}; Ctrl-C ends it"))
            serve_emulated(chip, endpoint, options, interrupts.stop)
        finally:
            endpoint.close()
        screen.result("emulate", [EMULATED], {"chip": chip, "port": endpoint.name})
