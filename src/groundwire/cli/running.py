"""One verb on one module: port, screen, interrupts and session, and how they end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from groundwire.chips.ladder import LadderOptions
from groundwire.chips.registry import families
from groundwire.cli.failures import NoAdapter, SeveralAdapters
from groundwire.cli.interrupts import Interrupts
from groundwire.cli.options import Settings
from groundwire.cli.portless import Shown
from groundwire.cli.screen import Screen, make_screen
from groundwire.errors import LinkError
from groundwire.events import Event, Notice, Severity, Tell
from groundwire.jobs.ports import OpenedPort, open_port
from groundwire.jobs.session import Session, SessionOptions
from groundwire.link.discover import explain_opening, find_adapters, usb_hints


@dataclass(frozen=True)
class Job:
    """What a verb works with once its module is linked."""

    session: Session
    screen: Screen
    settings: Settings
    interrupts: Interrupts
    port_name: str
    is_emulated: bool
    warnings: list[str] = field(default_factory=list)


def choose_port(settings: Settings, tell: Tell) -> str:
    """The port that was named, or the only one there is.

    Raises:
        NoAdapter, SeveralAdapters: there is none to take, or no telling which.
    """
    if settings.port is not None:
        return settings.port
    # ports on the board are there without anything being connected: they must be named
    devices = tuple(adapter.device for adapter in find_adapters() if adapter.vid)
    if not devices:
        raise NoAdapter(hints=tuple(usb_hints()))
    if len(devices) > 1:
        raise SeveralAdapters(seen=devices)
    tell(Notice(f"port: {devices[0]}, the only adapter present"))
    return devices[0]


def open_named(name: str, trace: Path | None) -> OpenedPort:
    """Open a port; where that fails, find out why from the system."""
    try:
        return open_port(name, trace=trace)
    except LinkError as error:
        raise explain_opening(error) from error


def session_options(settings: Settings, loader: bytes) -> SessionOptions:
    """The shared flags as a session takes them."""
    return SessionOptions(
        chip=settings.chip,
        rate=settings.rate,
        flash_size=settings.flash_size,
        loader=loader,
        plain_loader=settings.plain_loader,
        ladder=LadderOptions(
            hands_s=settings.link_wait_s,
            ask_firmware=settings.ask_firmware,
            use_lines=settings.use_lines,
        ),
    )


def with_module(
    settings: Settings,
    verb: str,
    act: Callable[[Job], Shown],
    *,
    before: Callable[[Screen], None] | None = None,
    open_it: Callable[[str, Path | None], OpenedPort] = open_named,
    climb: bool = True,
) -> None:
    """Link to a module, let `act` do its work, show what it reports.

    `before` runs first and may refuse while nothing has been opened yet.
    """
    with make_screen(settings) as screen, Interrupts() as interrupts:
        if before is not None:
            before(screen)
        warnings: list[str] = []

        def tell(event: Event) -> None:
            if isinstance(event, Notice) and event.severity is Severity.WARNING:
                warnings.append(event.text)
            screen.tell(event)

        name = choose_port(settings, tell)
        opened = open_it(name, settings.trace)
        try:
            session = Session(
                opened.port,
                families(),
                session_options(settings, opened.loader),
                tell=opened.listener(tell),
                stop=interrupts.stop,
            )
            try:
                session.link(climb=climb)
                job = Job(session, screen, settings, interrupts, name, opened.is_emulated, warnings)
                shown = act(job)
            finally:
                session.leave()
        finally:
            opened.port.close()
            if failure := getattr(opened.port, "failure", ""):
                tell(Notice(f"the trace is incomplete: {failure}", Severity.WARNING))
        values = {"port": name, "emulated": opened.is_emulated, "warnings": warnings}
        screen.result(verb, shown.lines, {**values, **shown.values})
