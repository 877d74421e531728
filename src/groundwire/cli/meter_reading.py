"""groundwire meter read, watch and discover."""

from __future__ import annotations

import click

from groundwire.cli.meter_options import (
    EPILOG,
    MeterFlags,
    board_options,
    chip_options,
    open_board,
    reading_options,
)
from groundwire.cli.meter_shapes import (
    code_of,
    discovery_lines,
    discovery_values,
    look_lines,
    look_shape,
    miss_shape,
    outcome_shape,
)
from groundwire.cli.meter_view import make_view
from groundwire.cli.options import RangeType, SecondsType, Settings
from groundwire.cli.render import EMULATED
from groundwire.errors import NoMeter
from groundwire.jobs.meter import Look, find_wiring
from groundwire.jobs.meter_ports import is_emulated
from groundwire.meter.bl0942.bus import Miss

MOST_ROUNDS = 10_000_000


@click.command("read", epilog=EPILOG)
@chip_options("read")
def read(settings: Settings, flags: MeterFlags) -> None:
    """Read each chip once: voltage, current, power, power factor, frequency, pulse counter.

    What cannot be true is shown as doubted, with the reason, and without values. Tag and MODE
    are written to each chip, as the only proof of which chip answers (--read-only forbids it).
    """
    with open_board(settings, flags) as job:
        outcomes = job.session(reading_options(flags, job.tell)).read()
        looks = [one for one in outcomes if isinstance(one, Look)]
        if not looks:
            losses = ", ".join(str(one.loss) for one in outcomes if isinstance(one, Miss))
            raise NoMeter(verdict="no chip gave a reading", evidence=(f"losses: {losses}",))
        lines = [line for outcome in outcomes for line in look_lines(outcome)]
        if job.opened.is_emulated:
            lines.append(f"  {EMULATED}")
        values = {
            "chips": [_without_type(look_shape(one)) for one in looks],
            "missing": [
                _without_type(miss_shape(one)) for one in outcomes if isinstance(one, Miss)
            ],
        }
        job.screen.result("meter read", lines, {**job.values(), **values})


def _without_type(shape: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in shape.items() if name != "type"}


EVERY = click.option(
    "--every",
    "every_s",
    type=SecondsType(),
    default=1.0,
    show_default=True,
    metavar="SECONDS",
    help="One reading of each chip in this time; chips renew theirs every 0.4 s.",
)
FOR = click.option(
    "--for",
    "for_s",
    type=RangeType(min=0.1, max=400 * 86400.0),
    metavar="SECONDS",
    help="Stop after so long; left out: until Ctrl-C. An emulated board then takes no real time.",
)


@click.command("watch", epilog=EPILOG)
@EVERY
@FOR
@chip_options("watch")
def watch(settings: Settings, flags: MeterFlags, every_s: float, for_s: float | None) -> None:
    """Show all chips live: a table and a plot of power in a terminal, else a line a reading.

    Energy counts from the start of watching. Ctrl-C ends it well: the exit status is then 0.
    """
    counts = {"readings": 0, "doubted": 0, "missed": 0}
    with open_board(settings, flags, paced=for_s is None) as job:
        session = job.session(reading_options(flags, job.tell))
        with make_view(job.screen, settings, session.names) as view:
            for outcome in session.rounds(every_s, for_s=for_s):
                kind = "missed" if isinstance(outcome, Miss) else "readings"
                counts[kind] += 1
                counts["doubted"] += isinstance(outcome, Look) and not outcome.believable
                view.show(outcome, outcome_shape(outcome))
        losses = {
            name: {code_of(loss): times for loss, times in state.losses.items()}
            for name, state in session.bus.states.items()
        }
        line = "{readings} readings, {doubted} doubted, {missed} turns without one".format(**counts)
        lines = [line, *([f"  {EMULATED}"] if is_emulated(job.port_name) else [])]
        job.screen.result("meter watch", lines, {**job.values(), **counts, "losses": losses})


@click.command("discover", epilog=EPILOG)
@click.option(
    "--tries",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    help="How often each way is asked.",
)
@board_options("discover")
def discover(settings: Settings, flags: MeterFlags, tries: int) -> None:
    """Find out how an unknown board is wired: H1 to H5, or that it cannot be told, with evidence.

    Asks every way there is (transmit line, address, speed), then writes a tag through each that
    answers and reads it through all others: only an equal tag is the same chip. The tags are
    taken back. H1, H3: a transmit line each, on the pin that was named (P24) or another; H2: in
    parallel and alike, which no software can separate; H4: one pair of wires, two speeds; H5:
    one pair of wires, two addresses.
    """
    with open_board(settings, flags) as job:
        found = find_wiring(job.opened, tries=tries, tell=job.tell, stop=job.interrupts.stop)
        named = job.opened.lines[1].name if len(job.opened.lines) > 1 else None
        lines = discovery_lines(found, second_pin=named)
        if job.opened.is_emulated:
            lines.append(f"  {EMULATED}")
        values = {**job.values(), **discovery_values(found), "second_pin": named}
        job.screen.result("meter discover", lines, values)
