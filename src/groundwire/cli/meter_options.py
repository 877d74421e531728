"""The flags that the sub-verbs of `groundwire meter` share, and how they open a board."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import click

from groundwire.backup.files import read_input
from groundwire.cli.interrupts import Interrupts
from groundwire.cli.invocation import Invocation
from groundwire.cli.options import FILE, PortType, RangeType, Settings, screen_options
from groundwire.cli.running import choose_port
from groundwire.cli.screen import Screen, make_screen
from groundwire.errors import InputUnreadable, LinkError
from groundwire.events import Event, Notice, Severity, Tell
from groundwire.jobs.meter import MeterOptions, MeterSession, find_channels
from groundwire.jobs.meter_ports import MeterAccess, OpenedMeter, Select, is_emulated, open_meter
from groundwire.link.discover import explain_opening
from groundwire.meter.bl0942.calibration_file import read_calibration
from groundwire.meter.bl0942.discover import NAMED_PIN
from groundwire.meter.bl0942.facts import circuits
from groundwire.meter.bl0942.gains import ESPHOME_DEFAULT, Gains

R = TypeVar("R")

DANGER: Final = (
    "DANGER: the low-voltage side of a meter board is at MAINS POTENTIAL while mains is connected",
    "never connect a grounded adapter or computer to it: use an isolator, or disconnect mains",
)
EPILOG: Final = "; ".join(DANGER) + "."
UNCALIBRATED: Final = "not calibrated: ESPHome's default constants are used"
MOST_LATENCY_MS: Final = 2000.0


class MeterPortType(PortType):
    """The name of a port, or of an emulated board."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Adapters that are present, and emulated boards."""
        from groundwire.link.discover import find_adapters  # noqa: PLC0415 - only on Tab
        from groundwire.sim.meters import BOARDS  # noqa: PLC0415 - only on Tab

        words = [adapter.device for adapter in find_adapters()]
        words += [f"sim:{name}" for name in BOARDS]
        return [
            click.shell_completion.CompletionItem(word)
            for word in words
            if word.lower().startswith(incomplete.lower())
        ]


@dataclass(frozen=True, slots=True)
class MeterFlags:
    """What the shared flags say of the board; which port is still to be chosen."""

    join: str | None = None
    select: Select = Select.NONE
    second_pin: str = NAMED_PIN
    latency_ms: float | None = None
    channel: tuple[str, ...] = ()
    calibration: Path | None = None
    circuit: str | None = None
    read_only: bool = False
    most_power_w: float | None = None


@dataclass(frozen=True, slots=True)
class MeterJob:
    """What a sub-verb works with once its board is open."""

    opened: OpenedMeter
    screen: Screen
    tell: Tell
    interrupts: Interrupts
    port_name: str
    warnings: list[str]
    flags: MeterFlags

    def values(self) -> dict[str, object]:
        """What the result of each sub-verb says of the port."""
        return {
            "port": self.port_name,
            "emulated": self.opened.is_emulated,
            "warnings": self.warnings,
        }

    def session(self, options: MeterOptions) -> MeterSession:
        """The chips that were named or that answer, ready to be read."""
        channels = find_channels(
            self.opened, self.flags.channel, tell=self.tell, stop=self.interrupts.stop
        )
        return MeterSession(
            self.opened, channels, options, tell=self.tell, stop=self.interrupts.stop
        )


PORT_FLAGS: Final = (
    click.option(
        "-p",
        "--port",
        type=MeterPortType(),
        envvar="GROUNDWIRE_METER_PORT",
        show_envvar=True,
        help="/dev/ttyUSB0, socket://HOST:PORT, rfc2217://… or sim:meter; "
        "left out, the only adapter present is taken.",
    ),
    click.option(
        "--join",
        type=MeterPortType(),
        metavar="PORT2",
        help="A second adapter whose TX leads to the second chip; receive lines joined.",
    ),
    click.option(
        "--select",
        type=click.Choice([one.value for one in Select]),
        default=Select.NONE.value,
        show_default=True,
        help="Modem lines that let TX through to a chip: rts or dtr (asserted: the first chip, "
        "released: the second), both (RTS: the first, DTR: the second).",
    ),
    click.option(
        "--second-pin",
        default=NAMED_PIN,
        show_default=True,
        metavar="NAME",
        help="The module's pin that the second transmit line is wired to; no software sees it.",
    ),
    click.option(
        "--latency",
        "latency_ms",
        type=RangeType(0.1, MOST_LATENCY_MS),
        metavar="MS",
        help="The longest time for which adapter and system hold bytes back; left out: 2 on "
        "board, 16 over USB, 100 over a network.",
    ),
    click.option(
        "--trace", type=FILE, metavar="FILE", help="Write every byte on the line to a file."
    ),
)

CHIP_FLAGS: Final = (
    click.option(
        "--channel",
        multiple=True,
        metavar="NAME=LINE/ADDRESS/BAUD",
        help="A chip as `discover` shows it, with a name of yours; may be repeated. "
        "Left out, a quick look finds them.",
    ),
    click.option(
        "--calibration", type=FILE, metavar="FILE", help="Constants that `calibrate` wrote."
    ),
    click.option(
        "--circuit",
        metavar="NAME",
        help="Constants of a usual circuit, where nothing was calibrated: "
        + "; ".join(circuits())
        + ".",
    ),
    click.option(
        "--most-power",
        "most_power_w",
        type=RangeType(1, 1e6),
        metavar="WATTS",
        help="What the installation can draw; a step of the energy counter above it is not booked.",
    ),
    click.option(
        "--read-only",
        is_flag=True,
        help="Write nothing to the chips; needs --channel, and identity is then not proven.",
    ),
)
Command = Callable[..., R]


def _wrapped(
    verb: str, flags: tuple[Callable[[Command[R]], Command[R]], ...], act: Command[R]
) -> Command[R]:
    names = set(MeterFlags.__dataclass_fields__)

    @functools.wraps(act)
    def command(settings: Settings, **values: object) -> R:
        invocation = click.get_current_context().find_object(Invocation)
        if invocation is not None:
            invocation.verb = f"meter {verb}"
        taken = {name: values.pop(name) for name in names & set(values) if flags}
        if "select" in taken:
            taken["select"] = Select(str(taken["select"]))
        if flags:
            return act(settings, MeterFlags(**taken), **values)  # type: ignore[arg-type]
        return act(settings, **values)

    wrapped: Command[R] = command
    for flag in reversed(flags):
        wrapped = flag(wrapped)
    return screen_options(wrapped)


def board_options(verb: str) -> Callable[[Command[R]], Command[R]]:
    """The flags of a sub-verb that opens a board; it gets `Settings` and `MeterFlags` first."""
    return lambda act: _wrapped(verb, PORT_FLAGS, act)


def chip_options(verb: str) -> Callable[[Command[R]], Command[R]]:
    """`board_options`, and which chips with which constants."""
    return lambda act: _wrapped(verb, (*PORT_FLAGS, *CHIP_FLAGS), act)


def plain_options(verb: str) -> Callable[[Command[R]], Command[R]]:
    """The flags of a sub-verb that opens nothing; it gets `Settings` first."""
    return lambda act: _wrapped(verb, (), act)


# --- constants --------------------------------------------------------------------------------


def check_flags(flags: MeterFlags) -> None:
    """Refuse flags that do not go together, before anything is opened."""
    if flags.read_only and not flags.channel:
        raise click.UsageError("--read-only needs --channel: looking for chips writes to them")


def read_gains(path: Path) -> dict[str, Gains]:
    """The constants by chip of a calibration file."""
    try:
        text = read_input(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputUnreadable(path=str(path), reason="not text") from error
    return read_calibration(text, str(path))


def reading_options(flags: MeterFlags, tell: Tell) -> MeterOptions:
    """How a board is read, as the flags say; tells where nothing is calibrated."""
    gains = read_gains(flags.calibration) if flags.calibration is not None else {}
    default = Gains.of_circuit(flags.circuit) if flags.circuit is not None else ESPHOME_DEFAULT
    if not gains and flags.circuit is None:
        tell(Notice(UNCALIBRATED))
    return MeterOptions(
        gains=gains,
        default=default,
        sets_up=not flags.read_only,
        most_power_w=flags.most_power_w,
    )


# --- opening ----------------------------------------------------------------------------------


def warn_of_mains(tell: Tell) -> None:
    """What must be known before a wire is touched; every real port says it."""
    for text in DANGER:
        tell(Notice(text, Severity.WARNING))


@contextmanager
def open_board(settings: Settings, flags: MeterFlags, *, paced: bool = False) -> Iterator[MeterJob]:
    """A board with screen and interrupts; closed at the end, and its trace looked after."""
    check_flags(flags)
    with make_screen(settings) as screen, Interrupts(quiet=True) as interrupts:
        warnings: list[str] = []

        def tell(event: Event) -> None:
            if isinstance(event, Notice) and event.severity is Severity.WARNING:
                warnings.append(event.text)
            screen.tell(event)

        name = choose_port(settings, tell)
        if not is_emulated(name):
            warn_of_mains(tell)
        latency_s = flags.latency_ms / 1000 if flags.latency_ms is not None else None
        access = MeterAccess(name, flags.join, flags.select, flags.second_pin, latency_s)
        try:
            opened = open_meter(access, trace=settings.trace, paced=paced)
        except LinkError as error:
            raise explain_opening(error) from error
        try:
            yield MeterJob(opened, screen, tell, interrupts, name, warnings, flags)
        finally:
            opened.port.close()
            if failure := getattr(opened.port, "failure", ""):
                tell(Notice(f"the trace is incomplete: {failure}", Severity.WARNING))
