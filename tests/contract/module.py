"""An emulated module whose flash outlives its ports, and the jobs run on it."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from contract.rigs import Rig
from groundwire.chips.family import BootloaderPolicy, Emulator
from groundwire.chips.ladder import LadderOptions
from groundwire.chips.nor_flash import NorFlash
from groundwire.chips.registry import families
from groundwire.errors import GroundwireError
from groundwire.events import Event, NeedHands
from groundwire.jobs.session import Session, SessionOptions
from groundwire.jobs.write import WriteReport, WriteRequest, change_flash, image_request
from groundwire.link.runner import Stop, never_stop
from groundwire.quantities import Span
from groundwire.sim.bench import Adapter, BenchPort
from groundwire.sim.faults import LineFaults

BENCH_LIMIT_S = 900.0  # no job on the bench may take longer, whatever the line does
HANDS_S = 8.0


class BoundedBench(BenchPort):
    """A bench port that fails the test when a job does not end, and that records what is sent."""

    def __init__(
        self,
        emulator: Emulator,
        adapter: Adapter | None = None,
        faults: LineFaults | None = None,
        limit_s: float = BENCH_LIMIT_S,
    ) -> None:
        super().__init__(emulator, adapter, faults)
        self.limit_s = limit_s
        self.sent: list[bytes] = []
        self.damage: Callable[[int, bytes], bytes] | None = None

    def send(self, data: bytes) -> None:
        assert self.now() < self.limit_s, f"still sending after {self.limit_s} s of bench time"
        self.sent.append(data)
        if self.damage is not None:
            data = self.damage(len(self.sent) - 1, data)
        super().send(data)

    def receive(self, within_s: float, at_least: int = 1, quiet_s: float | None = None) -> bytes:
        assert self.now() < self.limit_s, f"still waiting after {self.limit_s} s of bench time"
        return super().receive(within_s, at_least, quiet_s)


@dataclass
class Module:
    """One part with its flash; every `plug` is a new port and a module that has just power."""

    rig: Rig
    content: bytes | None = None
    flash: NorFlash = field(init=False)

    def __post_init__(self) -> None:
        content = self.rig.stock if self.content is None else self.content
        self.flash = self.rig.family.emulator(self.rig.part, content).flash

    @property
    def now(self) -> bytes:
        """What the flash holds."""
        return bytes(self.flash.data)

    def plug(
        self, faults: LineFaults | None = None, adapter: Adapter | None = None
    ) -> BoundedBench:
        """A port on which this module has just been given power."""
        self.flash.power_cycle()
        return BoundedBench(self.rig.family.emulator(self.rig.part, self.flash), adapter, faults)


def count_stop(after: int) -> Stop:
    """A stop flag that turns true at the operation with this number."""
    counter = itertools.count()
    return lambda: next(counter) >= after


@dataclass
class Told:
    """A listener that keeps every event and resets the module when hands are asked for."""

    bench: BenchPort
    hands: bool = True
    events: list[Event] = field(default_factory=list)

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if self.hands and isinstance(event, NeedHands) and not self.bench.hands_are_busy:
            self.bench.press_reset(0.3)


def open_session(
    bench: BenchPort,
    *,
    stop: Stop = never_stop,
    rate: int | None = None,
    hands: bool = True,
    link: bool = True,
    loader: bytes = b"",
) -> Session:
    """A session on a bench port, linked unless told otherwise."""
    session = Session(
        bench,
        families(),
        SessionOptions(rate=rate, loader=loader, ladder=LadderOptions(hands_s=HANDS_S)),
        tell=Told(bench, hands=hands),
        stop=stop,
    )
    if link:
        session.link()
    return session


def request_for(
    session: Session,
    rig: Rig,
    base: Path,
    backup: Path | None = None,
    policy: BootloaderPolicy = BootloaderPolicy.KEEP,
) -> WriteRequest:
    """The request to write the rig's image."""
    request = image_request(rig.image, "image.bin", session, policy, base)
    return replace(request, given_backup=backup)


def write(
    module: Module,
    base: Path,
    *,
    bench: BenchPort | None = None,
    backup: Path | None = None,
    stop: Stop = never_stop,
) -> WriteReport:
    """The whole write job on a freshly plugged module, or on a given port."""
    session = open_session(bench or module.plug(), stop=stop, loader=module.rig.loader)
    return change_flash(session, request_for(session, module.rig, base, backup))


def attempt(job: Callable[[], object]) -> GroundwireError | None:
    """Run a job; the error of the house that it ended with, if any. Others fail the test."""
    try:
        job()
    except GroundwireError as error:
        return error
    return None


def differing_sectors(one: bytes, other: bytes) -> list[Span]:
    """The sectors in which two flashes differ."""
    return [
        sector for sector in Span(0, len(one)).units(4096) if sector.of(one) != sector.of(other)
    ]
