"""The flags that verbs share, in one place, and the values they are parsed to."""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from groundwire.cli.invocation import Invocation
from groundwire.quantities import Span, parse_number, parse_span

R = TypeVar("R")

if TYPE_CHECKING:
    ParamType = click.ParamType[Any]
else:
    ParamType = click.ParamType  # generic in newer releases of click only

SLOWEST: Final = 115_200
FASTEST: Final = 6_000_000
QUOTED: Final = 60
LARGEST_FLASH: Final = 64 << 20
SMALLEST_FLASH: Final = 64 << 10
LONGEST_WAIT_S: Final = 3600.0
DEFAULT_WAIT_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Settings:
    """What the shared flags say. None means: find out."""

    port: str | None = None
    rate: int | None = None
    chip: str | None = None
    flash_size: int | None = None
    link_wait_s: float = DEFAULT_WAIT_S
    use_lines: bool = True
    ask_firmware: bool = True
    plain_loader: bool = False
    is_json: bool = False
    trace: Path | None = None
    verbosity: int = 0
    colour: bool = True


# --- kinds of values ----------------------------------------------------------------------------


def _quoted(value: object) -> str:
    """What was typed, short enough for a message."""
    text = str(value)
    return repr(text if len(text) <= QUOTED else f"{text[:QUOTED]}…")


class NumberType(ParamType):
    """A decimal or 0x number, K and M allowed behind it, within bounds."""

    name = "number"

    def __init__(self, smallest: int, largest: int) -> None:
        self._smallest = smallest
        self._largest = largest

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int:
        try:
            number = parse_number(str(value))
        except ValueError:
            self.fail(f"{_quoted(value)} is no number (decimal, 0x…, or with K or M)", param, ctx)
        if not self._smallest <= number <= self._largest:
            self.fail(f"{number} is not between {self._smallest} and {self._largest}", param, ctx)
        return number


class SecondsType(ParamType):
    """A time that can be waited for."""

    name = "seconds"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        try:
            seconds = float(str(value))
        except ValueError:
            self.fail(f"{_quoted(value)} is no time in seconds", param, ctx)
        if not 0 <= seconds <= LONGEST_WAIT_S:  # refuses nan, which click's range lets through
            self.fail(f"{seconds} is not between 0 and {LONGEST_WAIT_S:.0f} seconds", param, ctx)
        return seconds


class RangeType(click.FloatRange):
    """A number within bounds; unlike click's own, nan is none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"{_quoted(value)} is no number", param, ctx)
        return number


class BaudType(ParamType):
    """`auto`, or a speed."""

    name = "baud"

    def __init__(self) -> None:
        self._rate = NumberType(SLOWEST, FASTEST)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        if str(value).lower() == "auto":
            return None
        return self._rate.convert(value, param, ctx)


class SpanType(ParamType):
    """A range of flash addresses."""

    name = "span"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> Span:
        if isinstance(value, Span):
            return value
        try:
            return parse_span(str(value))
        except ValueError:
            self.fail(
                f"{_quoted(value)} is no range: START+SIZE or START..END, decimal or 0x", param, ctx
            )


class ChipType(ParamType):
    """The name of a chip that some family knows, in any case."""

    name = "chip"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        known = {part.upper(): part for part in known_chips()}
        found = known.get(str(value).upper())
        if found is None:
            self.fail(f"{_quoted(value)} is none of {', '.join(known.values())}", param, ctx)
        return found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Chips that begin like this."""
        return _matching(known_chips(), incomplete)


class PortType(ParamType):
    """The name of a port; offers those that are there."""

    name = "port"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> str:
        if not str(value).strip():
            self.fail("an empty name is no port", param, ctx)
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[click.shell_completion.CompletionItem]:
        """Adapters that are present, and emulated modules."""
        from groundwire.link.discover import find_adapters  # noqa: PLC0415 - only on Tab

        present = [adapter.device for adapter in find_adapters()]
        return _matching([*present, *(f"sim:{chip.lower()}" for chip in known_chips())], incomplete)


def known_chips() -> list[str]:
    """The chips of all families."""
    from groundwire.chips.registry import families  # noqa: PLC0415 - the families are heavy

    return [part for family in families() for part in family.parts]


def _matching(words: Iterable[str], incomplete: str) -> list[click.shell_completion.CompletionItem]:
    lowered = incomplete.lower()
    return [
        click.shell_completion.CompletionItem(word)
        for word in words
        if word.lower().startswith(lowered)
    ]


FILE: Final = click.Path(path_type=Path)


def flagged(
    *flags: Callable[[Callable[..., R]], Callable[..., R]],
) -> Callable[[Callable[..., R]], Callable[..., R]]:
    """Several flags as one decorator, in the order of the help page."""

    def decorate(act: Callable[..., R]) -> Callable[..., R]:
        for flag in reversed(flags):
            act = flag(act)
        return act

    return decorate


# --- the flags ----------------------------------------------------------------------------------

SCREEN_FLAGS: Final = (
    click.option("--json", "is_json", is_flag=True, help="One JSON object a line, nothing else."),
    click.option("-v", "--verbose", "verbosity", count=True, help="Say more; -vv for defects."),
    click.option("--no-color", "no_color", is_flag=True, help="No colour (also: NO_COLOR)."),
)

PORT_FLAGS: Final = (
    click.option(
        "-p",
        "--port",
        type=PortType(),
        envvar="GROUNDWIRE_PORT",
        show_envvar=True,
        help="/dev/ttyUSB0, socket://HOST:PORT, rfc2217://… or sim:CHIP; "
        "left out, the only adapter present is taken.",
    ),
    click.option(
        "-b",
        "--baud",
        type=BaudType(),
        envvar="GROUNDWIRE_BAUD",
        show_envvar=True,
        default="auto",
        show_default=True,
        help="Top speed; auto climbs as far as adapter and chip prove to work.",
    ),
    click.option(
        "-c", "--chip", type=ChipType(), help="The chip you expect; refused if another answers."
    ),
    click.option(
        "--flash-size",
        type=NumberType(SMALLEST_FLASH, LARGEST_FLASH),
        help="Flash size in bytes, K or M, where it cannot be found out.",
    ),
    click.option(
        "--link-wait",
        "link_wait_s",
        type=SecondsType(),
        default=DEFAULT_WAIT_S,
        show_default=True,
        metavar="SECONDS",
        help="How long to wait for a reset by hand; 0 for not at all.",
    ),
    click.option("--no-lines", is_flag=True, help="Leave DTR and RTS alone."),
    click.option("--no-ask", is_flag=True, help="Do not ask the running firmware to reboot."),
    click.option(
        "--plain-loader",
        is_flag=True,
        help="Run the vendor's RAM loader as it is, without the guard against line noise.",
    ),
    click.option(
        "--trace", type=FILE, metavar="FILE", help="Write every byte on the line to a file."
    ),
)


def _settings(values: dict[str, object]) -> Settings:
    """Take the shared flags out of what click parsed."""
    taken: dict[str, object] = {}
    for name in Settings.__dataclass_fields__:
        if name in values:
            taken[name] = values.pop(name)
    if "baud" in values:
        taken["rate"] = values.pop("baud")
    for name, flag in (("use_lines", "no_lines"), ("ask_firmware", "no_ask")):
        if flag in values:
            taken[name] = not values.pop(flag)
    taken["colour"] = not values.pop("no_color", False)
    return Settings(**taken)  # type: ignore[arg-type]


def _with_flags(
    flags: Iterable[Callable[[Callable[..., R]], Callable[..., R]]], act: Callable[..., R]
) -> Callable[..., R]:
    @functools.wraps(act)
    def command(**values: object) -> R:
        settings = _settings(values)
        invocation = click.get_current_context().find_object(Invocation)
        if invocation is not None:
            invocation.is_json = settings.is_json
            invocation.verbosity = settings.verbosity
            invocation.trace = settings.trace
        return act(settings, **values)

    wrapped: Callable[..., R] = command
    # click collects the flags of a function from its attribute; the inner ones come last on a page
    for flag in reversed(list(flags)):
        wrapped = flag(wrapped)
    wrapped.__doc__ = inspect.getdoc(act)
    return wrapped


def screen_options(act: Callable[..., R]) -> Callable[..., R]:
    """--json, -v and --no-color, for verbs without a module; the function gets `Settings` first."""
    return _with_flags(SCREEN_FLAGS, act)


def module_options(act: Callable[..., R]) -> Callable[..., R]:
    """All shared flags, for verbs that speak to a module; the function gets `Settings` first."""
    return _with_flags((*PORT_FLAGS, *SCREEN_FLAGS), act)
