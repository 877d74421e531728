"""Files that are not what the module needs: exit 6."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors.shape import ExitCode, GroundwireError
from groundwire.quantities import Span, hex_address, size_text


class ImageError(GroundwireError):
    """The file is not what the module needs."""

    code = "image"
    exit_code = ExitCode.IMAGE


@dataclass(eq=False, kw_only=True)
class UnknownImage(ImageError):
    """The file is not a firmware image of a kind that groundwire knows."""

    code = "image.unknown"
    name: str
    size: int
    finding: str
    advice: str = (
        "choose the firmware's release file for this chip: for a Beken its name ends in QIO or UA, "
        "for a BL602 it is OpenBL602_ with the version, or the same with _OTA"
    )

    @property
    def what(self) -> str:
        return f"{self.name!r} ({size_text(self.size)}) is no firmware image: {self.finding}"

    @property
    def next_step(self) -> str:
        return self.advice


@dataclass(eq=False, kw_only=True)
class DamagedImage(ImageError):
    """The file is an image, but some of its own checksums are wrong."""

    code = "image.damaged"
    name: str
    finding: str

    @property
    def what(self) -> str:
        return f"{self.name!r} is damaged: {self.finding}"

    @property
    def means(self) -> str:
        return "the download broke off, or the dump was read at too high a speed"

    @property
    def next_step(self) -> str:
        return "fetch the file again"


@dataclass(eq=False, kw_only=True)
class WrongFamily(ImageError):
    """The image was built for another chip or another key, and would not start on this one."""

    code = "image.wrong-chip"
    means_label = "because"
    name: str
    found: str
    expected: str
    evidence: str

    @property
    def what(self) -> str:
        return f"{self.name!r} is for {self.found}, this module is {self.expected}"

    @property
    def means(self) -> str:
        return f"it would be written without an error and never start: {self.evidence}"

    @property
    def next_step(self) -> str:
        return f"choose the release file for {self.expected}"


@dataclass(eq=False, kw_only=True)
class ImageTooLarge(ImageError):
    """The image reaches past the room that the module has for it."""

    code = "image.too-large"
    name: str
    span: Span
    limit: int

    @property
    def what(self) -> str:
        return f"{self.name!r} needs {self.span}, the room for it ends at {hex_address(self.limit)}"

    @property
    def next_step(self) -> str:
        return "choose an image for this flash size"


@dataclass(eq=False, kw_only=True)
class NotALoader(ImageError):
    """The file is not a RAM loader that a boot ROM of this family would run."""

    code = "image.not-a-loader"
    size: int
    finding: str

    @property
    def what(self) -> str:
        return f"a file of {size_text(self.size)} is no RAM loader: {self.finding}"

    @property
    def means(self) -> str:
        return "another file was named, or it is damaged"

    @property
    def next_step(self) -> str:
        return "run: groundwire loader get"


@dataclass(eq=False, kw_only=True)
class ConversionRefused(ImageError):
    """A conversion was asked for whose result would not boot, or cannot be made from this file."""

    code = "image.conversion-refused"
    name: str
    form: str
    reason: str
    advice: str = ""

    @property
    def what(self) -> str:
        return f"{self.name!r} is not made into {self.form}: {self.reason}"

    @property
    def means(self) -> str:
        return "the result would not boot, or would lose what the module needs"

    @property
    def next_step(self) -> str:
        return self.advice or "inspect the file to see what is in it"
