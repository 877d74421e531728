"""groundwire emulate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from groundwire.backup.files import check_writable, read_input, write_atomically
from groundwire.chips.family import Emulator
from groundwire.cli.interrupts import Interrupts
from groundwire.cli.options import FILE, ChipType, SecondsType, Settings, flagged, screen_options
from groundwire.cli.render import EMULATED
from groundwire.cli.screen import make_screen
from groundwire.events import Notice
from groundwire.jobs.emulate import EmulateOptions, make_emulator, serve_emulated
from groundwire.link.serve import PtyEndpoint, TcpEndpoint
from groundwire.sim.faults import LineFaults


@dataclass(frozen=True, slots=True)
class Faults:
    """What the line between the module and the other program does to bytes."""

    flips: float = 0.0
    drops: float = 0.0
    echo: bool = False
    deaf: bool = False
    unplug_after: int | None = None
    seed: int = 0

    def of_line(self) -> LineFaults | None:
        """The faults as the line takes them, or None for a good line."""
        if self == Faults(seed=self.seed):
            return None
        return LineFaults(
            seed=self.seed,
            flips_to_chip=self.flips,
            flips_to_host=self.flips,
            drops_to_chip=self.drops,
            drops_to_host=self.drops,
            echo=self.echo,
            deaf=self.deaf,
            unplug_at_byte=self.unplug_after,
        )


RATE = click.FloatRange(0, 0.5)
FAULT_FLAGS = (
    click.option("--flips", type=RATE, default=0.0, metavar="RATE", help="Bits that turn over."),
    click.option("--drops", type=RATE, default=0.0, metavar="RATE", help="Bytes that get lost."),
    click.option("--echo", is_flag=True, help="RX and TX touch: what is sent comes back."),
    click.option("--deaf", is_flag=True, help="Nothing reaches the module."),
    click.option(
        "--unplug-after",
        type=click.IntRange(min=1),
        metavar="BYTES",
        help="The port vanishes when so many have passed.",
    ),
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
@click.option(
    "--hands",
    "hands_s",
    type=SecondsType(),
    default=2.0,
    show_default=True,
    metavar="SECONDS",
    help="Reset the module when it was asked in vain for so long; 0: never.",
)
@click.option(
    "--save", type=FILE, metavar="FILE", help="Where to keep what its flash holds at the end."
)
@click.option(
    "--log", is_flag=True, help="A second pty, for what the module prints on its log pin."
)
@flagged(*FAULT_FLAGS)
@screen_options
def command(
    settings: Settings,
    over: Path | None,
    tcp: int | None,
    hands_s: float,
    save: Path | None,
    log: bool,
    **faults: object,
) -> None:
    """Serve an emulated CHIP on a pty or a TCP port until Ctrl-C, for any tool to try.

    The name of the port comes first on standard output, that of --log second. Ctrl-C is how it
    ends, so its exit status is then 0.
    """
    module = make_emulator(settings.chip or "", read_input(over) if over is not None else None)
    line = Faults(**faults).of_line()  # type: ignore[arg-type]
    if save is not None:
        check_writable(save, 0)
    endpoint = PtyEndpoint() if tcp is None else TcpEndpoint(tcp)
    options = EmulateOptions(hands_s=hands_s, faults=line)
    log_endpoint = PtyEndpoint(waits=False) if log else None
    emulate(settings, module, options, endpoint, save, log_endpoint)


def emulate(
    settings: Settings,
    module: Emulator,
    options: EmulateOptions,
    endpoint: PtyEndpoint | TcpEndpoint,
    save: Path | None = None,
    log: PtyEndpoint | None = None,
) -> None:
    """Say the endpoint's name, serve until stopped, keep the flash if asked to."""
    chip = settings.chip
    with make_screen(settings) as screen, Interrupts(quiet=True) as interrupts:
        try:
            names = [endpoint.name, *([log.name] if log is not None else [])]
            log_name = log.name if log is not None else None
            shape = {"type": "serving", "port": endpoint.name, "log_port": log_name, "chip": chip}
            screen.show(names, shape)
            screen.tell(Notice(f"an emulated {chip}; Ctrl-C ends it"))
            flash = serve_emulated(module, endpoint, options, interrupts.stop, log)
        finally:
            endpoint.close()
            if log is not None:
                log.close()
        if save is not None:
            write_atomically(save, flash)
        screen.result("emulate", [EMULATED], {"chip": chip, "port": endpoint.name})
