"""groundwire meter."""

from __future__ import annotations

import click

from groundwire.cli.meter_calibrating import calibrate_command
from groundwire.cli.meter_constants import convert_command
from groundwire.cli.meter_emulating import emulate_command
from groundwire.cli.meter_options import EPILOG
from groundwire.cli.meter_reading import discover, read, watch
from groundwire.cli.meter_recording import (
    plot_command,
    publish_command,
    record_command,
    totals_command,
)


@click.group("meter", epilog=EPILOG)
def command() -> None:
    """Clamp meters and plugs with BL0942 chips: read, watch, find the wiring, calibrate, record.

    One or more chips, on one receive line, through an adapter, two joined adapters, modem lines
    or a serial port in the network. `-p sim:meter` is an emulated board with two clamps.
    """


for _sub in (
    read,
    watch,
    discover,
    calibrate_command,
    convert_command,
    record_command,
    totals_command,
    plot_command,
    publish_command,
    emulate_command,
):
    command.add_command(_sub)
