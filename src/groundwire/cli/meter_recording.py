"""groundwire meter record, totals, plot and publish."""

from __future__ import annotations

import os
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

import click

from groundwire.backup.files import check_writable, write_atomically
from groundwire.cli.meter_options import (
    EPILOG,
    MeterFlags,
    MeterJob,
    chip_options,
    open_board,
    plain_options,
    reading_options,
)
from groundwire.cli.meter_reading import EVERY, FOR
from groundwire.cli.meter_shapes import outcome_shape, row_text
from groundwire.cli.options import FILE, RangeType, SecondsType, Settings
from groundwire.cli.portless import Shown, without_module
from groundwire.cli.render import EMULATED, table
from groundwire.errors import BadArgument
from groundwire.events import Notice, Severity
from groundwire.exports.home_assistant import topics_of
from groundwire.jobs.meter import Look
from groundwire.jobs.meter_plot import QUANTITIES, chart_bytes, recorded_lines
from groundwire.jobs.meter_publish import Publisher, connect
from groundwire.jobs.meter_record import Pace, RecordReport, record
from groundwire.jobs.meter_store import MeterStore, Totals
from groundwire.link.mqtt import parse_broker
from groundwire.meter.bl0942.bus import Miss

PASSWORD: Final = "GROUNDWIRE_MQTT_PASSWORD"  # noqa: S105 - the name of a variable


def _report_values(report: RecordReport) -> dict[str, object]:
    return {
        "readings": report.readings,
        "doubted": report.doubted,
        "missed": report.missed,
        "totals": report.totals,
    }


def _report_lines(report: RecordReport, job: MeterJob) -> list[str]:
    lines = [
        f"{report.readings} readings, {report.doubted} doubted, {report.missed} turns without one"
    ]
    rows = [(name, _totals_text(one)) for name, one in (report.totals or {}).items()]
    return [*lines, *table(rows), *([f"  {EMULATED}"] if job.opened.is_emulated else [])]


def _totals_text(totals: Totals) -> str:
    text = f"{totals.imported_kwh:.4f} kWh in, {totals.exported_kwh:.4f} kWh out"
    if totals.undirected_kwh:
        text += f", {totals.undirected_kwh:.4f} kWh of unknown direction"
    return text


@click.command("record", epilog=EPILOG)
@click.argument("file", type=FILE)
@EVERY
@FOR
@click.option(
    "--keep-days",
    type=RangeType(min=0),
    metavar="DAYS",
    help="Drop single readings that are older; totals and the roll-ups stay.",
)
@chip_options("record")
def record_command(
    settings: Settings,
    flags: MeterFlags,
    file: Path,
    every_s: float,
    for_s: float | None,
    keep_days: float | None,
) -> None:
    """Record all chips into FILE (SQLite): readings, totals, roll-ups by hour and day.

    Totals go on over a wrap of the chip's counter, its restart, and any end of the recorder; what
    a chip counted meanwhile is booked at the next start. Ctrl-C ends it well: the exit status is
    then 0. -v shows each reading.
    """
    check_record(flags)
    with (
        closing(MeterStore(file)) as store,
        open_board(settings, flags, paced=for_s is None) as job,
    ):
        options = replace(reading_options(flags, job.tell), states=store.states)

        def listen(outcome: Look | Miss, _totals: Totals | None) -> None:
            if settings.is_json or settings.verbosity:
                job.screen.show([row_text(outcome)], outcome_shape(outcome))

        report = record(
            job.session(options), store, Pace(every_s, for_s), listen, keep_days=keep_days
        )
        values = {**job.values(), "file": str(file), **_report_values(report)}
        job.screen.result("meter record", _report_lines(report, job), values)


def check_record(flags: MeterFlags) -> None:
    """Refuse a name that cannot be kept apart from others, before a file is made."""
    names = [text.split("=", 1)[0] for text in flags.channel]
    if len(set(names)) != len(names):
        raise BadArgument(name="channel", value=", ".join(names), expected="names that differ")


@click.command("totals")
@click.argument("file", type=FILE)
@click.option(
    "--by",
    type=click.Choice(["day", "hour"]),
    default="day",
    show_default=True,
    help="Roll-up; days are those of this place.",
)
@plain_options("totals")
def totals_command(settings: Settings, file: Path, by: str) -> None:
    """Show totals and roll-ups of a FILE that `record` wrote."""

    def act(_screen: object) -> Shown:
        with closing(MeterStore(file, must_exist=True)) as store:
            rows = store.days() if by == "day" else store.hours()
            totals = store.totals
        lines = ["totals", *table([(name, _totals_text(one)) for name, one in totals.items()])]
        lines += [f"by {by}", *(_roll_text(row, by) for row in rows)]
        return Shown(lines, {"file": str(file), "totals": totals, by: rows})

    without_module(settings, "meter totals", act)


def _roll_text(row: dict[str, object], by: str) -> str:
    if by == "day":
        when = str(row["day"])
    else:
        when = time.strftime("%Y-%m-%d %H:00", time.localtime(float(str(row["start_s"]))))
    mean = row["power_mean_w"]
    power = f"{mean:8.1f} W" if isinstance(mean, float) else "       - W"
    return (
        f"  {when}  {row['chip']!s:<14}  {row['imported_kwh']:9.4f} kWh in  "
        f"{row['exported_kwh']:9.4f} kWh out  {power}  {row['samples']} readings"
    )


@click.command("plot")
@click.argument("file", type=FILE)
@click.option("-o", "--output", type=FILE, required=True, metavar="PICTURE", help="A .svg or .png.")
@click.option(
    "--quantity",
    type=click.Choice(list(QUANTITIES)),
    default="power",
    show_default=True,
    help="What to draw.",
)
@click.option(
    "--last",
    "last_h",
    type=RangeType(min=0.001, max=24 * 366 * 100),
    metavar="HOURS",
    help="Only so many hours before the last reading.",
)
@plain_options("plot")
def plot_command(
    settings: Settings, file: Path, output: Path, quantity: str, last_h: float | None
) -> None:
    """Draw a FILE that `record` wrote as SVG, a line for each chip; doubted values are gaps.

    PNG needs the extra `png` (cairosvg).
    """

    def act(_screen: object) -> Shown:
        chart_bytes([], title="", quantity=quantity, ending=output.suffix.lower())
        check_writable(output, 0)
        lines = recorded_lines(file, quantity, last_h)
        title = f"{quantity} ({file.name})"
        drawn = chart_bytes(lines, title=title, quantity=quantity, ending=output.suffix.lower())
        write_atomically(output, drawn)
        points = sum(len(line.points) for line in lines)
        values = {"file": str(output), "quantity": quantity, "points": points}
        return Shown([f"{points} readings of {len(lines)} chips drawn to {output}"], values)

    without_module(settings, "meter plot", act)


@click.command("publish", epilog=EPILOG)
@click.option(
    "--broker",
    required=True,
    metavar="URL",
    help=f"mqtt://[USER@]HOST[:PORT] or mqtts://…; the password comes from {PASSWORD}.",
)
@click.option("--node", default="meter", show_default=True, help="What this reader is called.")
@click.option(
    "--prefix",
    default="homeassistant",
    show_default=True,
    help="Where Home Assistant looks for new entities.",
)
@click.option(
    "--db", type=FILE, metavar="FILE", help="Record there too, so that totals outlive a restart."
)
@click.option(
    "--every",
    "every_s",
    type=SecondsType(),
    default=10.0,
    show_default=True,
    metavar="SECONDS",
    help="One reading of each chip in this time.",
)
@FOR
@chip_options("publish")
def publish_command(
    settings: Settings,
    flags: MeterFlags,
    *,
    broker: str,
    node: str,
    prefix: str,
    db: Path | None,
    every_s: float,
    for_s: float | None,
) -> None:
    """Publish all chips over MQTT; Home Assistant finds them by itself.

    Energy is a total that only grows; a doubted reading publishes its doubts and no values; the
    broker says "offline" for a reader that vanished. Needs the extra `mqtt` (paho-mqtt). Ctrl-C
    ends it well: the exit status is then 0.
    """
    check_record(flags)
    where = parse_broker(broker, os.environ.get(PASSWORD))
    topics_of(node, [])
    with open_board(settings, flags, paced=for_s is None) as job:
        store = MeterStore(db) if db is not None else None
        if store is None:
            text = "without --db, totals begin at zero at every start"
            job.tell(Notice(text, Severity.WARNING))
        try:
            options = reading_options(flags, job.tell)
            if store is not None:
                options = replace(options, states=store.states)
            session = job.session(options)
            topics = topics_of(node, session.names)
            link = connect(where, topics, session.names, every_s=every_s, prefix=prefix)
            job.tell(Notice(f"publishing to {where.name} as {topics.availability}"))
            with closing(link):
                publisher = Publisher(link, topics, job.tell)
                report = record(session, store, Pace(every_s, for_s), publisher.listen)
        finally:
            if store is not None:
                store.close()
        sent = {"broker": where.name, "published": publisher.published, "dropped": link.dropped}
        values = {**job.values(), **sent, **_report_values(report)}
        job.screen.result("meter publish", _report_lines(report, job), values)
