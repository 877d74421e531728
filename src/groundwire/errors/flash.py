"""A flash that does not hold what it should: exit 5."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors.shape import ExitCode, GroundwireError
from groundwire.quantities import Span, size_text


class FlashError(GroundwireError):
    """The flash does not hold what it should."""

    code = "flash"
    exit_code = ExitCode.FLASH


@dataclass(eq=False, kw_only=True)
class VerifyMismatch(FlashError):
    """A range of the flash differs from what it should hold."""

    code = "flash.mismatch"
    spans: tuple[Span, ...]

    @property
    def what(self) -> str:
        total = sum(span.size for span in self.spans)
        shown = ", ".join(str(span) for span in self.spans[:4])
        more = f" and {len(self.spans) - 4} more" if len(self.spans) > 4 else ""
        return f"{size_text(total)} differ: {shown}{more}"

    @property
    def means(self) -> str:
        return "the module holds something else, or the flash did not take what was written"

    @property
    def next_step(self) -> str:
        return "run the same write again; if the same addresses stay wrong, the flash is worn"


@dataclass(eq=False, kw_only=True)
class FlashChanged(FlashError):
    """The content of the flash changed while it was only being read.

    On chips whose boot ROM serves the protocol, one flipped bit turns a read request into an
    erase of the same sector. The checksum that was taken before the read shows it.
    """

    code = "flash.changed"
    span: Span

    @property
    def what(self) -> str:
        return f"{self.span} changed while it was being read"

    @property
    def means(self) -> str:
        return "the line damaged a read request and the chip took it for an erase"

    @property
    def next_step(self) -> str:
        return "use a lower speed and shorter wires; the rest of the flash is untouched"


@dataclass(eq=False, kw_only=True)
class FlashProtected(FlashError):
    """The flash chip refuses to be erased or programmed and could not be unlocked."""

    code = "flash.protected"
    flash_id: str
    status: int
    mask: int

    @property
    def what(self) -> str:
        return (
            f"flash {self.flash_id} keeps its write protection: status 0x{self.status:04X}, "
            f"protection bits 0x{self.mask:04X}"
        )

    @property
    def means(self) -> str:
        return "its status register is locked until the power is taken away, or for ever"

    @property
    def next_step(self) -> str:
        return "take the power away for ten seconds and try again"


@dataclass(eq=False, kw_only=True)
class FlashSilent(FlashError):
    """The chip answers but its flash memory does not: every byte reads zero."""

    code = "flash.silent"
    flash_id: str

    @property
    def what(self) -> str:
        return f"the chip answers but its flash does not (it gives {self.flash_id} as its id)"

    @property
    def means(self) -> str:
        return "the flash was caught in the middle of an operation by a reset, or is damaged"

    @property
    def next_step(self) -> str:
        return "take the power away completely for ten seconds, then try again"


@dataclass(eq=False, kw_only=True)
class BackupUnusable(FlashError):
    """What was read cannot be the content of a working flash, so it is not kept as a backup."""

    code = "flash.backup-unusable"
    finding: str

    @property
    def what(self) -> str:
        return f"this is no backup: {self.finding}"

    @property
    def means(self) -> str:
        return "the flash is erased, does not answer, or is smaller than it seemed"

    @property
    def next_step(self) -> str:
        return "take the power away for ten seconds, identify the module, and read it again"


@dataclass(eq=False, kw_only=True)
class RedactionUnproven(FlashError):
    """A redacted dump did not pass its proof: a removed value is left, or too much was changed.

    Nothing was written. The original stays as private as it was.
    """

    code = "redact.unproven"
    left: tuple[str, ...]

    @property
    def what(self) -> str:
        shown = "; ".join(self.left[:4])
        more = f" and {len(self.left) - 4} more" if len(self.left) > 4 else ""
        return f"the redacted dump did not pass its proof: {shown}{more}"

    @property
    def means(self) -> str:
        return "a value stands where it is not known to be kept, for example inside the firmware"

    @property
    def next_step(self) -> str:
        return "do not post the dump; report the places named above, which are no secret"
