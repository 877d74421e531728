"""The host side of a linked Bouffalo module: read, prove, erase, program."""

# Ref: PROTOCOL.md

from __future__ import annotations

import hashlib
from typing import Final

from groundwire.chips.bouffalo import access, identify, unlock
from groundwire.chips.bouffalo.exchange import RETRIED, Exchange, Stage
from groundwire.chips.bouffalo.facts import find_loader
from groundwire.chips.bouffalo.identify import Findings
from groundwire.chips.bouffalo.layout import layout_for
from groundwire.chips.bouffalo.linking import GET_BOOT_INFO, LINK_RATE, LOADER_FORGETS_S, hang_up
from groundwire.chips.bouffalo.loader import RamImage, plain_to_send, ready_to_send
from groundwire.chips.bouffalo.messages import ProveGuard, Reset
from groundwire.chips.bouffalo.replies import BootInfo, Done
from groundwire.chips.bouffalo.upload import start_loader
from groundwire.chips.family import SECTOR, Identity, Layout
from groundwire.errors import (
    LinkLost,
    LoaderMissing,
    NoReply,
    SpanOutside,
    SpanUnaligned,
    UnsupportedHere,
    WrongReply,
)
from groundwire.events import Notice, Severity
from groundwire.quantities import Span
from groundwire.wire import Discard, Procedure, Send, SetBaudrate

ERASE_UNITS: Final = (0x1000, 0x8000, 0x10000)
IDLE_LIMIT_S: Final = 2.0
SPEED_PROOF: Final = 0x4000
UNKNOWN_LOADER_FRAME: Final = 0x2000  # the vendor's document names 8 KiB
GUARD_WITHIN_S: Final = 0.1
RESET_WITHIN_S: Final = 0.2
SPEED_BURSTS: Final = 2


class BouffaloFlasher:
    """A `family.Flasher`; see there for the contract.

    `loader` is the vendor's RAM loader as a file's bytes, or nothing. Without it a module is
    identified and no more. `plain` leaves the program in it as it is.
    """

    def __init__(self, loader: bytes = b"", *, plain: bool = False) -> None:
        make_ready = plain_to_send if plain else ready_to_send
        self._image: RamImage | None = make_ready(loader) if loader else None
        self._plain = plain
        self._known_loader = not loader or find_loader(loader) is not None
        self._link = Exchange(LINK_RATE)
        self._found = Findings()
        self._identity: Identity | None = None
        self._layout: Layout | None = None
        self._protection: unlock.Protection | None = None

    # --- what is known ------------------------------------------------------------------------

    @property
    def identity(self) -> Identity:
        if self._identity is None:
            raise UnsupportedHere(asked="working with the module", reason="it was not identified")
        return self._identity

    @property
    def layout(self) -> Layout:
        if self._layout is None:
            raise UnsupportedHere(asked="planning", reason="the module was not identified")
        return self._layout

    @property
    def erase_units(self) -> tuple[int, ...]:
        return ERASE_UNITS

    @property
    def idle_limit_s(self) -> float | None:
        return IDLE_LIMIT_S

    @property
    def digest_name(self) -> str:
        return "sha256"

    @property
    def damaged(self) -> int:
        return self._link.damaged

    @property
    def rate(self) -> int:
        return self._link.rate

    @property
    def frame(self) -> int:
        """How many bytes of flash go into one frame now."""
        return self._link.frame

    def digest_of(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    # --- identify -----------------------------------------------------------------------------

    def identify(self, flash_size: int | None = None) -> Procedure[Identity]:
        """Without a RAM loader: chip, MAC, locks and what eFuse tells; with one, all."""
        found = Findings()
        if flash_size is not None:
            found.size, found.size_source = flash_size, "given by the user"
        info = yield from identify.find_chip(self._link, found)
        self._found = found
        if found.facts.supported and info is not None:
            running = self._link.stage is Stage.LOADER
            if running or (not found.locked and self._image is not None):
                yield from self._enter_loader(found)
                yield from identify.find_device_info(self._link, found, info)
                yield from identify.find_flash_chip(self._link, found)
                yield from identify.find_content(self._link, found)
            else:
                yield from identify.find_device_info(self._link, found, info)
        self._identity = identify.finish(found)
        self._layout = layout_for(self._identity)
        return self._identity

    def relinked(self) -> None:
        frame = self._link.frame
        self._link = Exchange(LINK_RATE)
        self._link.frame = frame

    def _enter_loader(self, found: Findings) -> Procedure[None]:
        link = self._link
        if link.stage is Stage.LOADER:
            link.guarded = yield from self._is_guarded()
            found.note("RAM loader", "was already running", "GetBootInfo")
        elif self._image is not None:
            # said at once: the upload takes seconds, and the chip may be another than expected
            yield Notice(f"this is a {found.facts.name}, MAC {found.mac or 'unknown'}")
            yield from start_loader(link, self._image)
            link.guarded = self._image.guarded and (yield from self._is_guarded())
            name = self._image.name or "of unknown origin"
            found.note("RAM loader", name, "uploaded, hash checked by the boot ROM")
        if not self._known_loader:
            link.frame = min(link.frame, UNKNOWN_LOADER_FRAME)
        if not link.guarded:
            how = "is used as it is" if self._plain else "could not be guarded"
            text = f"this RAM loader {how}: on a bad line a read may become an erase"
            found.warnings.append(text)
            yield Notice(text, Severity.WARNING)

    def _is_guarded(self) -> Procedure[bool]:
        """Whether the running loader answers to what only a guarded one knows."""
        try:
            yield from self._link.ask_once(ProveGuard(), BootInfo, within_s=GUARD_WITHIN_S)
        except RETRIED as error:
            if not isinstance(error, NoReply):
                yield Discard(0.03, within_s=0.3)
            return False
        return True

    def _need_loader(self, asked: str) -> None:
        """Refuse what the boot ROM cannot do.

        Raises:
            UnsupportedHere: nobody knows how on this chip.
            LoaderMissing: the vendor's loader would do it and is not at hand.
        """
        chip = self.identity.chip
        if self._link.stage is Stage.LOADER:
            return
        reason = self._found.facts.reason or self._found.locked
        if reason:
            raise UnsupportedHere(asked=f"{asked} of a {chip}", reason=reason)
        if self._image is None:
            raise LoaderMissing(asked=asked, chip=chip)
        raise LinkLost(command=asked)  # it ran before: the chip has restarted

    # --- speed --------------------------------------------------------------------------------

    def set_speed(self, rate: int) -> Procedure[None]:
        """The loader has no command for it: end the conversation and open one at another speed."""
        self._need_loader("another speed")
        link = self._link
        old = link.rate
        if rate != old:
            # an adapter that cannot do it says so here, before the chip is left
            yield SetBaudrate(rate)
            yield SetBaudrate(old)
            yield from self._move(rate)
        try:
            yield from self._prove_speed()
        except RETRIED:
            if rate != old:
                yield from self._move_back(old)
            raise
        link.damaged = 0

    def _move(self, rate: int) -> Procedure[None]:
        old = self._link.rate
        if (yield from self._open_at(rate)):
            return
        yield from self._move_back(old)
        raise NoReply(command=f"a burst at {rate} baud", within_s=LOADER_FORGETS_S)

    def _move_back(self, rate: int) -> Procedure[None]:
        if not (yield from self._open_at(rate)):
            yield from self._link.open_again("the change of speed")

    def _open_at(self, rate: int) -> Procedure[bool]:
        link = self._link
        yield from hang_up()
        if (yield from link.open_at(rate)):
            return True
        yield from link.let_forget()
        return (yield from link.open_at(rate))

    def _prove_speed(self) -> Procedure[None]:
        """A read whose bytes the chip's own hash confirms; one damaged frame is no verdict."""
        link = self._link
        link.damaged = 0
        span = Span(0, min(SPEED_PROOF, self.identity.flash_size))
        data = yield from access.read_span(link, span)
        digest = yield from access.hash_span(link, span)
        if digest != self.digest_of(data):
            raise WrongReply(command="Read", asked="the bytes in flash", got="other bytes")
        if link.damaged > 2:
            raise NoReply(command=f"reads at {link.rate} baud", within_s=access.READ_WITHIN_S)

    # --- read and prove -----------------------------------------------------------------------

    def _check(self, span: Span) -> None:
        if span.end > self.identity.flash_size:
            raise SpanOutside(span=span, flash_size=self.identity.flash_size)
        if not span.is_aligned(SECTOR):
            raise SpanUnaligned(span=span, unit=SECTOR)

    def read(self, span: Span) -> Procedure[bytes]:
        self._need_loader("reading the flash")
        self._check(span)
        return (yield from access.read_span(self._link, span))

    def digest(self, span: Span) -> Procedure[bytes]:
        self._need_loader("proving the flash")
        self._check(span)
        return (yield from access.hash_span(self._link, span))

    # --- write --------------------------------------------------------------------------------

    def begin_writing(self) -> Procedure[None]:
        self._need_loader("writing the flash")
        if self._protection is None:
            self._protection = yield from unlock.lift(self._link, self.identity.flash_id)

    def end_writing(self) -> Procedure[None]:
        if self._protection is not None:
            yield from unlock.put_back(self._link, self._protection)
            self._protection = None

    def erase(self, span: Span) -> Procedure[None]:
        self._need_loader("erasing the flash")
        self._check(span)
        if span.size not in ERASE_UNITS or span.start % span.size:
            raise SpanUnaligned(span=span, unit=SECTOR)
        yield from access.erase_span(self._link, span)

    def program(self, address: int, data: bytes) -> Procedure[None]:
        self._need_loader("writing the flash")
        self._check(Span(address, len(data)))
        yield from access.program_span(self._link, address, data)

    def cannot_write(self, span: Span) -> str:
        """Nothing: the boot ROM is in mask and every sector can be written."""
        del span
        return ""

    # --- the rest -----------------------------------------------------------------------------

    def keep_alive(self) -> Procedure[None]:
        yield Send(GET_BOOT_INFO)
        yield Discard(0.005, within_s=0.05)

    def release(self) -> Procedure[None]:
        # linking looks for a loader that was left at another speed
        yield from ()

    def reboot(self) -> Procedure[None]:
        """Restart; the firmware runs if BOOT is no longer held high."""
        try:
            yield from self._link.ask_once(Reset(), Done, within_s=RESET_WITHIN_S)
        except RETRIED:
            yield Send(GET_BOOT_INFO)  # only its answer may be lost; nothing else confirms it
        yield SetBaudrate(LINK_RATE)
        self._link.rate = LINK_RATE
