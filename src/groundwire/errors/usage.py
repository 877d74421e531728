"""Requests that cannot be carried out as written: exit 2."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors.shape import ExitCode, GroundwireError
from groundwire.quantities import Span, hex_address, size_text


class UsageError(GroundwireError):
    """A request that cannot be carried out as written, whatever the module does."""

    code = "usage"
    exit_code = ExitCode.USAGE


@dataclass(eq=False, kw_only=True)
class SpanOutside(UsageError):
    """The range asked for reaches past the end of the flash."""

    code = "usage.span-outside"
    span: Span
    flash_size: int

    @property
    def what(self) -> str:
        return (
            f"{self.span} ends {size_text(self.span.end - self.flash_size)} past the end "
            f"of a flash of {size_text(self.flash_size)}"
        )

    @property
    def means(self) -> str:
        return (
            "the address is counted as the processor sees it, or is meant for a larger flash; "
            "this chip would wrap around and touch its own bootloader"
        )

    @property
    def next_step(self) -> str:
        return f"choose a range below {hex_address(self.flash_size)}"


@dataclass(eq=False, kw_only=True)
class SpanUnaligned(UsageError):
    """Flash is erased in whole sectors; the range asked for is not made of whole ones."""

    code = "usage.span-unaligned"
    span: Span
    unit: int

    @property
    def what(self) -> str:
        return f"{self.span} is not made of whole sectors of {self.unit} bytes"

    @property
    def next_step(self) -> str:
        return f"start and end at a multiple of {hex_address(self.unit)}"


@dataclass(eq=False, kw_only=True)
class BadArgument(UsageError):
    """A value on the command line or in a call cannot be read."""

    code = "usage.bad-argument"
    name: str
    value: str
    expected: str

    @property
    def what(self) -> str:
        return f"{self.name}: {self.value!r} is not {self.expected}"


@dataclass(eq=False, kw_only=True)
class OutputUnwritable(UsageError):
    """The file or folder for the result cannot be written; nothing on the module was changed."""

    code = "usage.output-unwritable"
    path: str
    reason: str

    @property
    def what(self) -> str:
        return f"cannot write {self.path!r}: {self.reason}"

    @property
    def next_step(self) -> str:
        return "name another place, or free some space, and run the command again"


@dataclass(eq=False, kw_only=True)
class InputUnreadable(UsageError):
    """A file named on the command line cannot be read."""

    code = "usage.input-unreadable"
    path: str
    reason: str

    @property
    def what(self) -> str:
        return f"cannot read {self.path!r}: {self.reason}"

    @property
    def next_step(self) -> str:
        return "check the name and the permissions of the file"


@dataclass(eq=False, kw_only=True)
class CannotCalibrate(UsageError):
    """The loads and readings that were given do not determine a calibration."""

    code = "meter.cannot-calibrate"
    reason: str

    @property
    def what(self) -> str:
        return f"no calibration follows from that: {self.reason}"

    @property
    def next_step(self) -> str:
        return "measure a resistive load of at least a tenth of the meter's range"


@dataclass(eq=False, kw_only=True)
class TwoRecorders(UsageError):
    """Another recorder wrote to the same file for the same chip; this one stopped.

    Two recorders of one chip would each count its energy, so the totals would be too high.
    """

    code = "meter.two-recorders"
    path: str
    chip: str

    @property
    def what(self) -> str:
        return f"{self.path!r} was written by another recorder of {self.chip!r} meanwhile"

    @property
    def next_step(self) -> str:
        return "end the other recorder, or name another file"


@dataclass(eq=False, kw_only=True)
class LoaderMissing(UsageError):
    """This chip's boot ROM can neither read nor prove its flash; a small program must do it.

    The program is the chip vendor's RAM loader. It runs in RAM only and is gone after a reset.
    groundwire ships no vendor software, so the file has to be fetched once.
    """

    code = "usage.loader-missing"
    asked: str
    chip: str

    @property
    def what(self) -> str:
        return f"{self.asked} on a {self.chip} needs the vendor's RAM loader, and none is at hand"

    @property
    def means(self) -> str:
        return "groundwire ships no vendor software; the file is fetched once and kept"

    @property
    def next_step(self) -> str:
        return "run: groundwire loader get"


@dataclass(eq=False, kw_only=True)
class LoaderNotFetched(UsageError):
    """The vendor's RAM loader could not be fetched from its published package."""

    code = "usage.loader-not-fetched"
    package: str
    reason: str

    @property
    def what(self) -> str:
        return f"the RAM loader could not be fetched from {self.package}: {self.reason}"

    @property
    def means(self) -> str:
        return "this computer has no network, no pip, or the package has changed"

    @property
    def next_step(self) -> str:
        return "fetch the package on another computer and add the loader file from it"
