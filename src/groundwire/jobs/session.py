"""One module on one port: linked, identified, at the best speed, and held through trouble."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from groundwire.chips.family import SECTOR, ChipFamily, Flasher, Identity, Layout
from groundwire.chips.ladder import Ladder, LadderOptions
from groundwire.errors import (
    ChipContradicted,
    LinkError,
    LinkLost,
    LoaderMissing,
    NoReply,
    PortFailed,
    ProtocolError,
    Unsupported,
    UnsupportedHere,
)
from groundwire.events import Notice, Phase, Severity, Tell, tell_nobody
from groundwire.link.runner import Stop, never_stop, run
from groundwire.quantities import Span
from groundwire.wire import Port, Procedure

T = TypeVar("T")

RATES: Final = (115_200, 230_400, 460_800, 921_600, 1_500_000, 2_000_000)
CLIMB: Final = (921_600, 1_500_000, 2_000_000)
FALL: Final = (460_800, 230_400)
RELINKS: Final = 5
DAMAGE_TOLERATED: Final = 4  # failed exchanges at one speed before it is lowered
KEEP_ALIVE_EVERY: Final = 0.3  # of the module's idle limit


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """What the user asked for: None means find out. `ladder` says how to link.

    `loader` is the vendor's RAM loader for the families that need one; `plain_loader` runs it as
    it is, without what groundwire changes in it to make it safe on a bad line.
    """

    chip: str | None = None
    rate: int | None = None
    flash_size: int | None = None
    ladder: LadderOptions = field(default_factory=LadderOptions)
    loader: bytes = b""
    plain_loader: bool = False


class Session:
    """The conversation of one job with one module.

    Procedures run through `do`, which brings the link back when it is lost: only procedures that
    may be repeated are given to it.
    """

    def __init__(
        self,
        port: Port,
        families: Sequence[ChipFamily],
        options: SessionOptions | None = None,
        *,
        tell: Tell = tell_nobody,
        stop: Stop = never_stop,
    ) -> None:
        self.port = port
        self.tell = tell
        self.stop = stop
        self._families = families
        self._options = options or SessionOptions()
        self._family: ChipFamily | None = None
        self._flasher: Flasher | None = None
        self._top_rate = max(RATES)
        self._damage_seen = False
        self.relinks = 0

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave the module so that the next command finds it, and close the port."""
        try:
            self.leave()
        finally:
            self.port.close()

    def leave(self) -> None:
        """Bring a linked module back to the speed at which the next command asks for it."""
        if self._flasher is not None:
            with contextlib.suppress(LinkError, ProtocolError):
                self.finish_orderly(self._flasher.release())

    # --- what is linked -------------------------------------------------------------------------

    @property
    def flasher(self) -> Flasher:
        if self._flasher is None:
            raise LinkLost(command="a command before any link")
        return self._flasher

    @property
    def family(self) -> ChipFamily:
        if self._family is None:
            raise LinkLost(command="a command before any link")
        return self._family

    @property
    def identity(self) -> Identity:
        return self.flasher.identity

    @property
    def layout(self) -> Layout:
        return self.flasher.layout

    def require_flash(self) -> int:
        """The size of the flash, once this module lets its flash be worked with.

        Raises:
            LoaderMissing, UnsupportedHere: it was identified, and more is not possible.
        """
        size = self.identity.flash_size
        if not size:
            self.run_once(self.flasher.read(Span(0, SECTOR)))
            raise UnsupportedHere(asked="working with the flash", reason="its size is not known")
        return size

    @property
    def line_does_damage(self) -> bool:
        """Whether any exchange of this session failed and was repeated."""
        return self._damage_seen or (self._flasher is not None and self._flasher.damaged > 0)

    # --- running procedures -----------------------------------------------------------------------

    def run_once(self, procedure: Procedure[T]) -> T:
        """Run a procedure that must not be repeated."""
        return run(procedure, self.port, self.tell, self.stop)

    def finish_orderly(self, procedure: Procedure[None]) -> None:
        """Run a last procedure although the job was asked to stop."""
        run(procedure, self.port, self.tell)

    def do(self, make: Callable[[], Procedure[T]]) -> T:
        """Run a repeatable procedure; when the link is lost, link again and repeat it."""
        for _ in range(RELINKS):
            try:
                return self.run_once(make())
            except LinkLost:
                self.relink()
        return self.run_once(make())

    def while_linked(self, act: Callable[[], T]) -> T:
        """Do something that takes time on this side without losing the module.

        A loader restarts when the line is idle, so while `act` runs in a thread of its own, this
        one keeps talking. On other modules `act` simply runs.
        """
        limit_s = self.flasher.idle_limit_s
        if limit_s is None:
            return act()
        result: list[T] = []
        failure: list[BaseException] = []

        def work() -> None:
            try:
                result.append(act())
            except BaseException as error:  # noqa: BLE001 - handed to the caller below
                failure.append(error)

        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        while worker.is_alive():
            worker.join(limit_s * KEEP_ALIVE_EVERY)
            if worker.is_alive():
                self.run_once(self.flasher.keep_alive())
        if failure:
            raise failure[0]
        return result[0]

    # --- linking --------------------------------------------------------------------------------

    def link(self, *, climb: bool = True) -> Identity:
        """Bring the module into download mode, find out what it is, and find the best speed.

        Raises:
            NothingLinked: nothing answered.
            ChipContradicted: the user named another chip than the one that answers.
        """
        self.tell(Phase("link", "getting the module to answer"))
        self._climb_ladder()
        self.tell(Phase("identify", "finding out what it is"))
        identity = self._identify()
        self._check_chip(identity)
        if climb:
            self._settle_speed()
        return identity

    def _climb_ladder(self) -> None:
        ladder = Ladder(self._in_order(), self._options.ladder, has_lines=self.port.has_lines)
        family = self.run_once(ladder.climb())
        if self._flasher is None or family is not self._family:
            self._family = family
            self._flasher = self._make_flasher(family)
        else:
            self._flasher.relinked()

    def _in_order(self) -> list[ChipFamily]:
        """The family that was met before or that the user names is asked first, and longest."""
        named = (self._options.chip or "").upper()

        def is_expected(family: ChipFamily) -> bool:
            if self._family is not None:
                return family is self._family
            return named in {part.upper() for part in family.parts}

        return sorted(self._families, key=lambda family: not is_expected(family))

    def _make_flasher(self, family: ChipFamily) -> Flasher:
        if family.check_loader is None:
            return family.flasher()
        return family.flasher(self._options.loader, plain=self._options.plain_loader)

    def _identify(self) -> Identity:
        """Identify; a chip that restarts while we ask is linked once more."""
        try:
            return self.run_once(self.flasher.identify(self._options.flash_size))
        except LinkLost:
            self._climb_ladder()
            return self.run_once(self.flasher.identify(self._options.flash_size))

    def _check_chip(self, identity: Identity) -> None:
        wanted = self._options.chip
        if wanted is None or identity.agrees_with(wanted):
            return
        evidence = "; ".join(
            f"{one.fact} {one.value} ({one.source})" for one in identity.evidence[:4]
        )
        raise ChipContradicted(
            rule=f"the module says otherwise: {evidence}",
            finding=f"{wanted} was named, but this is a {identity.chip}",
        )

    def relink(self) -> None:
        """Link again to the module that was lost, at a lower top speed.

        Raises:
            NothingLinked: it does not come back.
            ChipContradicted: another module answers.
        """
        self.relinks += 1
        before = self.identity
        self.tell(Notice("the module stopped answering; linking again", Severity.WARNING))
        self._top_rate = min(self._top_rate, _below(self.flasher.rate))
        self._climb_ladder()
        now = self.run_once(self.flasher.identify(before.flash_size))
        if (now.chip, now.flash_id) != (before.chip, before.flash_id):
            raise ChipContradicted(
                rule="the job belongs to the module that it began with",
                finding=f"a {now.chip} answers where a {before.chip} did",
            )
        self._settle_speed()

    # --- speed ------------------------------------------------------------------------------------

    def _settle_speed(self) -> None:
        """Climb as far as chip and adapter prove to work, and say where it ended."""
        asked = self._options.rate
        if asked is not None:
            self._top_rate = min(self._top_rate, asked)
            steps: tuple[int, ...] = (self._top_rate,)
        else:
            steps = tuple(rate for rate in CLIMB if rate <= self._top_rate)
        for rate in steps:
            if not self._try_speed(rate):
                break
        if self.flasher.rate == RATES[0] and self._top_rate > RATES[0]:
            for rate in FALL:
                if rate < self._top_rate and self._try_speed(rate):
                    break
        self.tell(Notice(f"speed: {self.flasher.rate} baud"))

    def _try_speed(self, rate: int) -> bool:
        if rate == self.flasher.rate:
            return True
        try:
            self.run_once(self.flasher.set_speed(rate))
        except PortFailed as error:
            self.tell(Notice(f"{rate} baud: {error.what}"))
            return False
        except LinkLost:
            self.tell(Notice(f"{rate} baud lost the module; linking again", Severity.WARNING))
            self._top_rate = _below(rate)
            self._climb_ladder()
            self.run_once(self.flasher.identify(self._options.flash_size))
            return False
        except (NoReply, ProtocolError) as error:
            self.tell(Notice(f"{rate} baud does not hold: {error.what}"))
            return False
        except (Unsupported, LoaderMissing):
            return False  # what is identified without it needs no speed; anything else will say so
        return True

    def watch_line(self) -> None:
        """Lower the speed when the line damages more than it should."""
        self._damage_seen = self.line_does_damage
        if self.flasher.damaged < DAMAGE_TOLERATED or self.flasher.rate == RATES[0]:
            return
        slower = _below(self.flasher.rate)
        self.tell(
            Notice(
                f"{self.flasher.damaged} damaged exchanges at {self.flasher.rate} baud; "
                f"going down to {slower}",
                Severity.WARNING,
            )
        )
        self._top_rate = slower
        try:
            self.run_once(self.flasher.set_speed(slower))
        except LinkLost:
            self.relink()
        except (LinkError, ProtocolError) as error:
            self.tell(Notice(f"staying at {self.flasher.rate} baud: {error.what}"))


def _below(rate: int) -> int:
    lower = [step for step in RATES if step < rate]
    return lower[-1] if lower else RATES[0]
