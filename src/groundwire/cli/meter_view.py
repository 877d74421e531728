"""Where `groundwire meter watch` shows readings: a live table and plot, plain lines, or JSON."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Protocol

from groundwire.cli.braille import braille_plot
from groundwire.cli.meter_shapes import clock_text, row_text, values_of, why_text
from groundwire.cli.options import Settings
from groundwire.cli.screen import LiveScreen, Screen
from groundwire.cli.streams import clean
from groundwire.jobs.meter import Look
from groundwire.meter.bl0942.bus import Miss

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.live import Live

POINTS_KEPT: Final = 600
PLOT_ROWS: Final = 6
WIDEST_PLOT: Final = 100
AXIS_WIDTH: Final = 12
STYLES: Final = ("cyan", "magenta", "green", "yellow")


class View(Protocol):
    """What shows one reading after the other."""

    def show(self, outcome: Look | Miss, shape: Mapping[str, object]) -> None:
        """One reading."""
        ...

    def __enter__(self) -> View: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class LineView:
    """A line or an object a reading."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen

    def show(self, outcome: Look | Miss, shape: Mapping[str, object]) -> None:
        self._screen.show([row_text(outcome)], shape)

    def __enter__(self) -> LineView:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return


class LiveView:
    """A table with a row for each chip, and a plot of the power of each."""

    def __init__(self, names: Sequence[str], *, colour: bool) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import
        from rich.live import Live  # noqa: PLC0415

        self._latest: dict[str, Look | Miss] = {}
        self._names = tuple(names)
        self._power: dict[str, deque[float | None]] = {
            name: deque(maxlen=POINTS_KEPT) for name in names
        }
        self._console = Console(color_system="auto" if colour else None, highlight=False)
        self._live: Live = Live(console=self._console, auto_refresh=False, transient=False)

    def show(self, outcome: Look | Miss, shape: Mapping[str, object]) -> None:
        del shape
        if isinstance(outcome, Look):
            name = outcome.sample.channel
            power = outcome.sample.measurement.active_power_w if outcome.believable else None
        else:
            name, power = outcome.channel, None
        self._latest[name] = outcome
        self._power[name].append(power)
        self._live.update(self.picture(), refresh=True)

    def picture(self) -> RenderableType:
        """Table and plots as they stand."""
        from rich.console import Group  # noqa: PLC0415

        plots = [plot for index, name in enumerate(self._names) for plot in self._plot(index, name)]
        return Group(self._table(), *plots)

    def _table(self) -> RenderableType:
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        table = Table(box=None, pad_edge=False)
        for title in ("chip", "time"):
            table.add_column(title)
        for title in ("voltage", "current", "power", "PF", "frequency", "in", "out"):
            table.add_column(title, justify="right")
        table.add_column("")
        for index, name in enumerate(self._names):
            style = STYLES[index % len(STYLES)]
            outcome = self._latest.get(name)
            if outcome is None:
                continue
            if isinstance(outcome, Miss):
                row = [clock_text(outcome.at_s), *["-"] * 7, f"no reading: {outcome.loss}"]
                table.add_row(Text(clean(name), style=style), *map(Text, row))
                continue
            sample = outcome.sample
            energy = (f"{sample.imported_kwh:.4f} kWh", f"{sample.exported_kwh:.4f} kWh")
            cells = [clock_text(sample.at_s), *values_of(outcome), *energy]
            why = Text(why_text(outcome), style="" if outcome.believable else "bold yellow")
            table.add_row(Text(clean(name), style=style), *map(Text, cells), why)
        return table

    def _plot(self, index: int, name: str) -> list[RenderableType]:
        from rich.text import Text  # noqa: PLC0415

        width = max(20, min(WIDEST_PLOT, self._console.width - AXIS_WIDTH))
        plot = braille_plot(list(self._power[name])[-2 * width :], width, PLOT_ROWS)
        if not plot.rows:
            return []
        style = STYLES[index % len(STYLES)]
        axis = [f"{plot.highest:.0f} W", *[""] * (PLOT_ROWS - 2), f"{plot.lowest:.0f} W"]
        lines = [f"{label:>{AXIS_WIDTH - 2}}  " for label in axis]
        shown: list[RenderableType] = [Text(clean(name), style=style)]
        for label, row in zip(lines, plot.rows, strict=True):
            shown.append(Text.assemble(label, (row, style)))
        return shown

    def __enter__(self) -> LiveView:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()


def make_view(screen: Screen, settings: Settings, names: Sequence[str]) -> View:
    """The view that fits where the output goes."""
    if isinstance(screen, LiveScreen) and sys.stdout.isatty():
        return LiveView(names, colour=settings.colour)
    return LineView(screen)
