"""Where a verb shows what happens: a live terminal, plain lines, or JSON lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Final, Literal, Protocol, Self, assert_never

from groundwire.cli.options import Settings
from groundwire.cli.shapes import done_result, event_shape, json_line
from groundwire.cli.streams import clean, note, put
from groundwire.events import (
    Attempt,
    Event,
    Heard,
    Listening,
    NeedHands,
    Notice,
    Phase,
    Printed,
    Progress,
    Restarted,
    Severity,
)

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

PLAIN_STEPS: Final = 4  # lines of progress for one phase, where nothing can be redrawn
COUNTDOWN_EVERY_S: Final = 10.0
HANDS: Final = "waiting for your hands"


class Screen(Protocol):
    """What a verb needs of the outside."""

    @property
    def can_ask(self) -> bool:
        """Whether a question could be seen and answered here."""
        ...

    def tell(self, event: Event) -> None:
        """An event of the job."""
        ...

    def show(self, lines: Sequence[str], shape: Mapping[str, object]) -> None:
        """An interim result: lines for people, an object for programs."""
        ...

    def result(self, verb: str, lines: Sequence[str], values: Mapping[str, object]) -> None:
        """The result of a verb that did what it was asked; the last thing on standard output."""
        ...

    def pause(self) -> None:
        """Stop redrawing, because a question comes."""
        ...

    def __enter__(self) -> Screen: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


class StillScreen:
    """A screen on which nothing moves: entering, pausing and leaving it change nothing."""

    def pause(self) -> None:
        return

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        return


class JsonScreen(StillScreen):
    """Every event and the result as one object a line on standard output."""

    can_ask = False

    def tell(self, event: Event) -> None:
        put(json_line(event_shape(event)))

    def show(self, lines: Sequence[str], shape: Mapping[str, object]) -> None:
        put(json_line(shape))

    def result(self, verb: str, lines: Sequence[str], values: Mapping[str, object]) -> None:
        put(json_line(done_result(verb, values)))


class PlainScreen(StillScreen):
    """Lines that are never redrawn: for files, pipes and terminals without abilities."""

    def __init__(self) -> None:
        self._step = 0
        self._countdown_s: float | None = None

    @property
    def can_ask(self) -> bool:
        return sys.stdin.isatty()

    def tell(self, event: Event) -> None:
        match event:
            case Phase(_, title):
                self._step = 0
                self._countdown_s = None
                note(f"-- {clean(title)}")
            case Progress(action, done, total):
                step = done * PLAIN_STEPS // max(total, 1)
                if step > self._step:
                    self._step = step
                    note(f"   {clean(action)}: {done * 100 // max(total, 1)} %")
            case NeedHands(instruction, left_s):
                if self._countdown_s is None:
                    note(f"   >> {clean(instruction)}")
                if self._countdown_s is None or self._countdown_s - left_s >= COUNTDOWN_EVERY_S:
                    self._countdown_s = left_s
                    note(f"   waiting, {left_s:.0f} s left")
            case Attempt() | Heard() | Notice() | Listening() | Restarted():
                for line in event_lines(event):
                    note(line)
            case Printed():
                put(printed_line(event))
            case _:
                assert_never(event)

    def show(self, lines: Sequence[str], shape: Mapping[str, object]) -> None:
        for line in lines:
            put(clean(line))

    def result(self, verb: str, lines: Sequence[str], values: Mapping[str, object]) -> None:
        self.show(lines, {"verb": verb, **values})


Told = Attempt | Heard | Notice | Listening | Restarted


def printed_line(event: Printed) -> str:
    """A line of a log with its time, escaped, and marked where the module did not end it."""
    label = f"{clean(event.source, 20)} " if event.source else ""
    cut = "" if event.whole else " (not ended)"
    return f"{label}[{event.at_s:9.3f}] {clean(event.text)}{cut}"


def event_lines(event: Told) -> list[str]:
    """The lines for an event that is told once; cleaned, because a module's words are in it."""
    match event:
        case Attempt(_, detail):
            return [f"   trying: {clean(detail)}"]
        case Heard(_, detail, next_step):
            return [f"   heard: {clean(detail)}", f"          {clean(next_step)}"]
        case Notice(text, severity):
            mark = "warning: " if severity is Severity.WARNING else ""
            return [f"   {mark}{clean(text)}"]
        case Listening(rate, why, source):
            return [f"   {_label(source)}listening at {rate} baud: {clean(why)}"]
        case Restarted(boot, at_s, last_line, source):
            before = f"; before it: {clean(last_line, 80)}" if last_line else ""
            return [f"-- {_label(source)}boot {boot} at {at_s:.3f} s{before}"]


def _label(source: str) -> str:
    return f"{clean(source, 20)}: " if source else ""


class LiveScreen:
    """A terminal that can be redrawn: phases, bars and countdowns through rich."""

    def __init__(self, *, colour: bool) -> None:
        from rich.console import Console  # noqa: PLC0415 - slow to import

        system: Literal["auto"] | None = "auto" if colour else None
        self._errors: Console = Console(
            stderr=True, color_system=system, highlight=False, soft_wrap=True
        )
        self._out: Console = Console(color_system=system, highlight=False, soft_wrap=True)
        self._bars: Bars | None = None
        self._task: TaskID | None = None
        self._action = ""
        self._hands_s = 0.0

    @property
    def can_ask(self) -> bool:
        return sys.stdin.isatty()

    def _line(self, text: str, style: str = "") -> None:
        from rich.text import Text  # noqa: PLC0415

        (self._bars.console if self._bars else self._errors).print(Text(text, style=style))

    def _bar(self, action: str, done: float, total: float, tail: str = "") -> None:
        if self._bars is None:
            self._bars = self._make_bars()
            self._bars.start()
            self._task = None
        if self._task is None or self._action != action:
            if self._task is not None:
                self._bars.remove_task(self._task)
            self._action = action
            self._task = self._bars.add_task(clean(action, 40), total=total)
        text = f"{clean(action, 40)}{tail}"
        self._bars.update(self._task, completed=done, total=total, description=text)

    def _make_bars(self) -> Bars:
        from rich.progress import (  # noqa: PLC0415
            BarColumn,
            Progress,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )

        return Progress(
            TextColumn("   {task.description}", markup=False),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=self._errors,
            transient=True,
        )

    def pause(self) -> None:
        if self._bars is not None:
            self._bars.stop()
        self._bars, self._task = None, None

    def tell(self, event: Event) -> None:
        match event:
            case Phase(_, title):
                self.pause()
                self._line(clean(title), "bold")
            case Progress(action, done, total):
                self._bar(action, done, total)
            case NeedHands(instruction, left_s):
                if self._action != HANDS:
                    self._line(f"   >> {clean(instruction)}", "bold yellow")
                    self._hands_s = left_s
                self._bar(HANDS, self._hands_s - left_s, self._hands_s, f", {left_s:.0f} s left")
            case Attempt() | Heard() | Notice() | Listening() | Restarted():
                style = _style_of(event)
                for line in event_lines(event):
                    self._line(line, style)
            case Printed():
                self.show([printed_line(event)], {})
            case _:
                assert_never(event)

    def show(self, lines: Sequence[str], shape: Mapping[str, object]) -> None:
        self.pause()
        from groundwire.cli.colours import coloured  # noqa: PLC0415

        for line in lines:
            # rich ends the process on a closed pipe, so only a terminal is written to by it
            if sys.stdout.isatty():
                self._out.print(coloured(clean(line)))
            else:
                put(clean(line))

    def result(self, verb: str, lines: Sequence[str], values: Mapping[str, object]) -> None:
        self.show(lines, {"verb": verb, **values})

    def __enter__(self) -> LiveScreen:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.pause()


def _style_of(event: Told) -> str:
    match event:
        case Attempt() | Listening():
            return "dim"
        case Restarted():
            return "bold"
        case Heard():
            return "yellow"
        case Notice(_, severity):
            return "yellow" if severity is Severity.WARNING else ""


def make_screen(settings: Settings) -> Screen:
    """The screen that fits where the output goes."""
    if settings.is_json:
        return JsonScreen()
    colour = settings.colour and not os.environ.get("NO_COLOR")
    if sys.stderr.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown", ""):
        return LiveScreen(colour=colour)
    return PlainScreen()
