"""The seam between chip families and the rest of the house.

A family offers one `ChipFamily` value. Jobs speak to a linked module through `Flasher`, plans are
made from `Layout` and `Placement`, and emulators are driven through `Emulator`. Nothing above this
seam knows an opcode, a checksum or the name of a boot ROM.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from groundwire.evidence import Evidence
from groundwire.quantities import Span
from groundwire.wire import Procedure

SECTOR = 4096


# --- what is known of a module -----------------------------------------------------------------


class RfHealth(StrEnum):
    """State of the radio calibration area."""

    PRESENT = "present"
    ERASED = "erased"
    DAMAGED = "damaged"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Identity:
    """All that is known of a module without writing to it.

    `key_class` names the instruction cipher the chip applies ("tuya", "zero", ...), or "" where
    the chip does not tell. `may_be` are chips that answer the same where nothing on the module
    tells them apart. `mac` is "" where no calibration area holds one. `partitions` are the
    regions that a table in the module's own flash declares, where it has one.
    """

    family: str
    chip: str
    protocol: str
    flash_size: int
    flash_size_source: str
    flash_id: str = ""
    flash_part: str = ""
    key_class: str = ""
    bootloader: str = ""
    mac: str = ""
    rf: RfHealth = RfHealth.UNKNOWN
    rf_addresses: tuple[int, ...] = ()
    partitions: tuple[Region, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    warnings: tuple[str, ...] = ()
    may_be: tuple[str, ...] = ()

    def agrees_with(self, wanted: str) -> bool:
        """Whether it is, or may be, the chip that somebody named."""
        return wanted.upper() in {name.upper() for name in (self.chip, *self.may_be)}


# --- what the flash is for ----------------------------------------------------------------------


class RegionKind(StrEnum):
    """What a region of the flash is for; safety rules hang on it."""

    BOOTLOADER = "bootloader"
    APP = "application"
    DOWNLOAD = "update area"
    RF = "radio calibration"
    SETTINGS = "settings"


@dataclass(frozen=True, slots=True)
class Region:
    """A named part of the flash."""

    name: str
    kind: RegionKind
    span: Span


@dataclass(frozen=True, slots=True)
class Layout:
    """The flash of one chip, in order of address.

    `serves_protocol` is the span whose loss makes the module unreachable over the serial line, or
    None where the mask ROM serves the protocol.
    """

    regions: tuple[Region, ...]
    serves_protocol: Span | None = None

    def of_kind(self, kind: RegionKind) -> tuple[Region, ...]:
        """All regions of one kind."""
        return tuple(region for region in self.regions if region.kind is kind)


class BootloaderPolicy(StrEnum):
    """What to do with the bootloader that the module has."""

    KEEP = "keep"
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of an image and the flash address they go to."""

    address: int
    data: bytes
    why: str

    @property
    def span(self) -> Span:
        return Span(self.address, len(self.data))


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts of one image go on one module, and what was left out and why."""

    kind: str
    pieces: tuple[Piece, ...]
    left_out: tuple[tuple[Span, str], ...] = ()
    evidence: tuple[Evidence, ...] = ()


# --- speaking to a linked module ------------------------------------------------------------------


class Flasher(Protocol):
    """One linked module. Each method that talks is a procedure; spans are flash addresses.

    Errors: `LinkError` and `ProtocolError` mean that the exchange failed after its retries and
    that the state of the flash must be proven again; `LinkLost` that only a reset helps.
    """

    @property
    def identity(self) -> Identity:
        """What `identify` found; raises where it has not run."""
        ...

    @property
    def layout(self) -> Layout: ...

    @property
    def erase_units(self) -> tuple[int, ...]:
        """Sizes that one erase command can take, smallest first."""
        ...

    @property
    def idle_limit_s(self) -> float | None:
        """How long the module stays linked without a byte; None means for ever."""
        ...

    @property
    def digest_name(self) -> str:
        """The name of the on-chip proof, for manifests: "crc32" or "sha256"."""
        ...

    @property
    def damaged(self) -> int:
        """How many exchanges failed and were repeated since the speed was last set."""
        ...

    @property
    def rate(self) -> int:
        """The speed of the line, as last proven."""
        ...

    def identify(self, flash_size: int | None = None) -> Procedure[Identity]: ...

    def relinked(self) -> None:
        """The module was reset and has linked again at the link speed."""
        ...

    def set_speed(self, rate: int) -> Procedure[None]:
        """Change both ends to `rate` and prove it with real reads; on failure both are back."""
        ...

    def read(self, span: Span) -> Procedure[bytes]:
        """The bytes of whole sectors; retried, but not yet proven."""
        ...

    def digest(self, span: Span) -> Procedure[bytes]:
        """The chip's own checksum over a span of whole sectors."""
        ...

    def digest_of(self, data: bytes) -> bytes:
        """The same checksum computed here."""
        ...

    def begin_writing(self) -> Procedure[None]:
        """Lift the write protection, only if it is set."""
        ...

    def end_writing(self) -> Procedure[None]:
        """Put the write protection back as it was found."""
        ...

    def erase(self, span: Span) -> Procedure[None]:
        """One erase command: the span is one aligned unit of `erase_units`."""
        ...

    def program(self, address: int, data: bytes) -> Procedure[None]:
        """Program whole sectors; bits can only go from 1 to 0."""
        ...

    def cannot_write(self, span: Span) -> str:
        """Why this module would not let us write a span, or "" where it does."""
        ...

    def keep_alive(self) -> Procedure[None]:
        """Send what keeps the module linked; cheap, never harmful."""
        ...

    def reboot(self) -> Procedure[None]:
        """Start the firmware; nothing confirms it."""
        ...

    def release(self) -> Procedure[None]:
        """Leave the module so that the next command links to it as it is."""
        ...


# --- an emulated module ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Emission:
    """Bytes that an emulated chip begins to send at `start_s`, at `baudrate`.

    They leave on the flashing pins, or on the log pin of a chip that has one.
    """

    start_s: float
    data: bytes
    baudrate: float
    on_log_pin: bool = False


BootText = Callable[[bytes], Sequence[tuple[float, bytes]]]
"""What a firmware prints on the log pin, by the flash: seconds after its start, and text."""


class Emulator(Protocol):
    """An emulated module, driven by bytes and by time; all times are on the caller's clock.

    The caller tells it everything in order of time. It answers garbage as the chip does and never
    raises. The line (speed mismatch, noise, delays) is not its business: it is given the bytes
    that the chip's receiver would see, each with the time at which its stop bit has passed.
    """

    @property
    def baudrate(self) -> float:
        """The speed that the chip's UART runs at, as its divisor gives it.

        0 while the chip measures the speed of what arrives: then it reads bytes as they were sent.
        """
        ...

    def power(self, *, on: bool, at_s: float) -> None:
        """Supply on or off; off and on again is a reset."""
        ...

    def hold_reset(self, *, held: bool, at_s: float) -> None:
        """CEN low or released."""
        ...

    def on_bytes(self, data: bytes, first_s: float, byte_s: float) -> None:
        """Bytes reach the receiver: the first is complete at `first_s`, then every `byte_s`."""
        ...

    def advance(self, now_s: float) -> None:
        """Let time pass up to `now_s`."""
        ...

    def next_event_s(self) -> float | None:
        """When the chip will next do something by itself, if it will."""
        ...

    def take_output(self) -> list[Emission]:
        """What the chip began to send since the last call, in order of time."""
        ...


# --- the family -----------------------------------------------------------------------------------


class ProbeResult(StrEnum):
    """What a family's link attempt ended with."""

    LINKED = "linked"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True)
class LinkTry:
    """One round of asking for a link: whether it came, and all bytes that arrived meanwhile."""

    linked: bool
    heard: bytes
    sent: bytes


@dataclass(frozen=True, slots=True)
class LoaderSource:
    """Where a family's RAM loader is published: a package, a file in it, and that file's hash."""

    package: str
    version: str
    member: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ChipFamily:
    """One registered family: what it is called and how its parts are made.

    `try_link(seconds)` is a procedure that asks for a link for about that long and never harms a
    chip of another family. `flasher()` makes a host side for a module that has just linked; where
    the family has a `check_loader`, it is `flasher(loader, plain=...)` instead: the bytes of the
    vendor's RAM loader, or b"" where none is at hand, and whether to run it unchanged.
    `check_loader(data)` names such a file, or raises `ImageError`, and `loader_source` says where
    the vendor publishes it.

    `layout(identity)` gives the regions of its flash, and `identify_dump(data)` what a whole-flash
    dump tells of its module, or None. `place(data, name, identity, layout, policy)` decides where
    an image goes, or raises `ImageError`. `looks_like_mine(heard)` names a chip of this family
    from stray bytes, or returns "". `log_baudrate` is the speed that the firmware logs at, `hands`
    what a person has to do so that the module comes up in download mode ("" for a plain reset).
    `log_pin` says that the firmware logs on a pin of its own, and that `emulator` therefore takes
    `boot_text`; without one, the log comes on the flashing pins.
    `forgets_s` is how much silence makes its chips drop a conversation that others disturbed, or 0
    where there is nothing to disturb; such a family is asked first whether one is open.
    """

    name: str
    title: str
    parts: tuple[str, ...]
    link_baudrate: int
    try_link: Callable[[float], Procedure[LinkTry]]
    flasher: Callable[..., Flasher]
    layout: Callable[[Identity], Layout]
    identify_dump: Callable[[bytes], Identity | None]
    place: Callable[[bytes, str, Identity, Layout, BootloaderPolicy], Placement]
    emulator: Callable[..., Emulator]
    looks_like_mine: Callable[[bytes], str] = lambda _heard: ""
    check_loader: Callable[[bytes], str] | None = None
    loader_source: LoaderSource | None = None
    log_baudrate: int = 115_200
    log_pin: bool = False
    hands: str = ""
    forgets_s: float = 0.0
