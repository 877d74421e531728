"""Every error groundwire raises: what happened, what it likely means, what to do next.

An error is raised with typed values and builds its own text, so no message is written twice and
every field reaches `--json`. `code` is stable: documents, the JSON output and
`groundwire explain CODE` hang on it. The docstring of each class is what `explain` prints.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from groundwire.quantities import Span, hex_address, size_text


class ExitCode(IntEnum):
    """The exit status of the command line: one number for each kind of ending."""

    DONE = 0
    INTERNAL = 1
    USAGE = 2
    LINK = 3
    PROTOCOL = 4
    FLASH = 5
    IMAGE = 6
    UNSUPPORTED = 7
    REFUSED = 8
    RESUMABLE = 9
    UNDECIDED = 10
    CANCELLED = 130


EXIT_CODE_MEANINGS: dict[ExitCode, str] = {
    ExitCode.DONE: "done, and proven where something was to be proven",
    ExitCode.INTERNAL: "a defect in groundwire itself",
    ExitCode.USAGE: "the request cannot be understood or carried out as written",
    ExitCode.LINK: "the port, or getting a module to answer",
    ExitCode.PROTOCOL: "the module answers, but not with what was asked",
    ExitCode.FLASH: "erasing, programming or verifying the flash; or a proof that failed",
    ExitCode.IMAGE: "the file is not an image, is damaged, or is for another chip",
    ExitCode.UNSUPPORTED: "this chip, boot ROM or flash cannot do that",
    ExitCode.REFUSED: "a safety rule forbids it",
    ExitCode.RESUMABLE: "stopped part-way; the same command again finishes the job",
    ExitCode.UNDECIDED: "the module was not seen to come up, or nothing that is known explains it",
    ExitCode.CANCELLED: "stopped by the user before anything was changed",
}


@dataclass(eq=False, kw_only=True)
class GroundwireError(Exception):
    """The root of all errors that groundwire raises on purpose."""

    code: ClassVar[str] = "error"
    exit_code: ClassVar[ExitCode] = ExitCode.INTERNAL
    # what `means` is: a guess at the cause, or the rule or evidence behind a refusal
    means_label: ClassVar[str] = "likely"

    @property
    def what(self) -> str:
        """What happened, with numbers and units."""
        return "something went wrong"

    @property
    def means(self) -> str:
        """What it most likely means."""
        return ""

    @property
    def next_step(self) -> str:
        """One physical or software act."""
        return ""

    def __str__(self) -> str:
        lines = [self.what]
        if self.means:
            lines.append(f"  {self.means_label:8} {self.means}")
        if self.next_step:
            lines.append(f"  next     {self.next_step}")
        return "\n".join(lines)

    def fields(self) -> dict[str, object]:
        """The typed values the error was raised with."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


# --- usage: exit 2 -----------------------------------------------------------------------------


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


# --- port and link: exit 3 -----------------------------------------------------------------------


class LinkError(GroundwireError):
    """The port, or the way to a first answer."""

    code = "link"
    exit_code = ExitCode.LINK


@dataclass(eq=False, kw_only=True)
class PortMissing(LinkError):
    """The port does not exist, or went away before it was opened."""

    code = "port.missing"
    port: str
    seen: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        return f"there is no port {self.port!r}"

    @property
    def means(self) -> str:
        if self.seen:
            return "the adapter has another name; present now: " + ", ".join(self.seen)
        return "the adapter is not plugged in, or another program took it away (brltty does)"

    @property
    def next_step(self) -> str:
        return "plug the adapter in and look at the list of ports"


@dataclass(eq=False, kw_only=True)
class PortDenied(LinkError):
    """The system does not let this user open the port."""

    code = "port.denied"
    port: str
    group: str = "dialout"

    @property
    def what(self) -> str:
        return f"this user may not open {self.port!r}"

    @property
    def means(self) -> str:
        return f"the user is not in the group {self.group!r}"

    @property
    def next_step(self) -> str:
        return f"run: sudo usermod -aG {self.group} $USER, then log out and in again"


@dataclass(eq=False, kw_only=True)
class PortBusy(LinkError):
    """Another program holds the port."""

    code = "port.busy"
    port: str
    holder: str = ""

    @property
    def what(self) -> str:
        return f"{self.port!r} is in use" + (f" by {self.holder}" if self.holder else "")

    @property
    def means(self) -> str:
        return "a terminal program, ModemManager or another flasher has it open"

    @property
    def next_step(self) -> str:
        return "close that program and try again"


@dataclass(eq=False, kw_only=True)
class Unplugged(LinkError):
    """The adapter went away while it was in use."""

    code = "port.unplugged"
    port: str

    @property
    def what(self) -> str:
        return f"{self.port!r} went away"

    @property
    def means(self) -> str:
        return "the adapter was unplugged, or its USB connection dropped"

    @property
    def next_step(self) -> str:
        return "plug it in again and run the same command"


@dataclass(eq=False, kw_only=True)
class PortFailed(LinkError):
    """The system refuses an operation on the port."""

    code = "port.failed"
    port: str
    reason: str

    @property
    def what(self) -> str:
        return f"{self.port!r} failed: {self.reason}"

    @property
    def next_step(self) -> str:
        return "unplug the adapter, plug it in again and run the same command"


@dataclass(eq=False, kw_only=True)
class NothingLinked(LinkError):
    """No module could be brought into download mode within the time.

    `heard` says what arrived instead: nothing, an echo, boot text, bytes at a wrong speed, a chip
    of another family, or banners that break off.
    """

    code = "link.nothing"
    waited_s: float
    heard: str
    stray_bytes: int
    likely: str
    advice: str

    @property
    def what(self) -> str:
        return f"no module linked in {self.waited_s:.0f} s: {self.heard}"

    @property
    def means(self) -> str:
        return self.likely

    @property
    def next_step(self) -> str:
        return self.advice


@dataclass(eq=False, kw_only=True)
class NoReply(LinkError):
    """A linked module did not answer a command in time."""

    code = "link.no-reply"
    command: str
    within_s: float
    stray_bytes: int = 0

    @property
    def what(self) -> str:
        tail = f"; {self.stray_bytes} bytes arrived that form no reply" if self.stray_bytes else ""
        return f"no answer to {self.command} within {self.within_s * 1000:.0f} ms{tail}"

    @property
    def means(self) -> str:
        if self.stray_bytes:
            return "the line damages bytes, or the chip runs at another speed"
        return "a byte was lost, or the supply dipped and the chip restarted"

    @property
    def next_step(self) -> str:
        return "check the ground wire and the 3.3 V supply, or use a lower speed"


@dataclass(eq=False, kw_only=True)
class LinkLost(LinkError):
    """The module answered before and no longer answers at any speed that was in use."""

    code = "link.lost"
    command: str

    @property
    def what(self) -> str:
        return f"the module stopped answering at {self.command}"

    @property
    def means(self) -> str:
        return "the chip restarted (supply dip), or a damaged command keeps it busy"

    @property
    def next_step(self) -> str:
        return "take the power away for ten seconds and run the same command again"


@dataclass(eq=False, kw_only=True)
class PatternNotSeen(LinkError):
    """The line was watched for as long as was asked, and the pattern did not come."""

    code = "link.pattern-not-seen"
    pattern: str
    watched_s: float
    lines: int

    @property
    def what(self) -> str:
        seen = f"{self.lines} lines came" if self.lines else "nothing came"
        return f"{self.pattern!r} was not seen in {self.watched_s:.0f} s: {seen}"

    @property
    def means(self) -> str:
        return "" if self.lines else "the module was not restarted, or prints on other pins"

    @property
    def next_step(self) -> str:
        return "restart the module while the line is watched"


@dataclass(eq=False, kw_only=True)
class NoMeter(LinkError):
    """No meter chip answers on any way, or chips answer that cannot be told apart."""

    code = "meter.none"
    verdict: str
    evidence: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        return f"no meter chip could be reached: {self.verdict}"

    @property
    def means(self) -> str:
        return self.evidence[-1] if self.evidence else ""

    @property
    def next_step(self) -> str:
        return "check supply, ground and both data lines; then look for the wiring again"


@dataclass(eq=False, kw_only=True)
class BrokerUnreachable(LinkError):
    """The MQTT broker cannot be reached, or does not let this client in."""

    code = "mqtt.unreachable"
    broker: str
    reason: str

    @property
    def what(self) -> str:
        return f"the MQTT broker {self.broker} cannot be used: {self.reason}"

    @property
    def next_step(self) -> str:
        return "check host, port, user and password of the broker, and that it runs"


# --- protocol: exit 4 --------------------------------------------------------------------------


class ProtocolError(GroundwireError):
    """The module answers, but not with what was asked."""

    code = "protocol"
    exit_code = ExitCode.PROTOCOL


@dataclass(eq=False, kw_only=True)
class CorruptFrame(ProtocolError):
    """Bytes arrived that do not form a message of the protocol."""

    code = "protocol.corrupt-frame"
    reason: str
    frame: bytes = b""

    @property
    def what(self) -> str:
        head = self.frame[:16].hex(" ")
        return f"a damaged frame: {self.reason}" + (f" ({head})" if head else "")

    @property
    def means(self) -> str:
        return "the line damages bytes"

    @property
    def next_step(self) -> str:
        return "shorten the wires, connect ground, or use a lower speed"


@dataclass(eq=False, kw_only=True)
class WrongReply(ProtocolError):
    """A well-formed reply, but to another question: its opcode, address or size differs."""

    code = "protocol.wrong-reply"
    command: str
    asked: str
    got: str

    @property
    def what(self) -> str:
        return f"{self.command} asked for {self.asked} and was answered for {self.got}"

    @property
    def means(self) -> str:
        return "the command was damaged on its way and the chip did something else"

    @property
    def next_step(self) -> str:
        return "use a lower speed; every range is proven again before the job is called done"


@dataclass(eq=False, kw_only=True)
class CommandRefused(ProtocolError):
    """The chip refused a command with a status code."""

    code = "protocol.refused"
    command: str
    status: int
    meaning: str

    @property
    def what(self) -> str:
        return f"{self.command} was refused with status {self.status}: {self.meaning}"

    @property
    def means(self) -> str:
        return "the chip protects that address, or the command was damaged on its way"

    @property
    def next_step(self) -> str:
        return "identify the module again and compare the chip with what you expected"


@dataclass(eq=False, kw_only=True)
class RegisterUnchanged(ProtocolError):
    """A register of a metering chip reads back otherwise than it was written."""

    code = "meter.register-unchanged"
    register: str
    wanted: int
    found: int

    @property
    def what(self) -> str:
        return f"{self.register} was set to 0x{self.wanted:X} and reads 0x{self.found:X}"

    @property
    def means(self) -> str:
        return "writes do not reach the chip, or another program sets it up as well"

    @property
    def next_step(self) -> str:
        return "check the transmit wire to the chip, and stop other programs that read it"


# --- flash: exit 5 -----------------------------------------------------------------------------


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


# --- image: exit 6 -----------------------------------------------------------------------------


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


# --- unsupported: exit 7 -----------------------------------------------------------------------


class Unsupported(GroundwireError):
    """This chip, boot ROM or flash cannot do that, or nobody knows how it would."""

    code = "unsupported"
    exit_code = ExitCode.UNSUPPORTED


@dataclass(eq=False, kw_only=True)
class UnsupportedHere(Unsupported):
    """This chip, boot ROM or flash cannot do what was asked."""

    code = "unsupported.here"
    asked: str
    reason: str
    advice: str = ""

    @property
    def what(self) -> str:
        return f"{self.asked} is not possible here: {self.reason}"

    @property
    def next_step(self) -> str:
        return self.advice


# --- refused by a safety rule: exit 8 ----------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class RefusedBySafety(GroundwireError):
    """A safety rule forbids the request; nothing was changed."""

    code = "safety.refused"
    exit_code = ExitCode.REFUSED
    means_label = "because"
    rule: str
    finding: str
    override: str = ""

    @property
    def what(self) -> str:
        return f"refused: {self.finding}"

    @property
    def means(self) -> str:
        return self.rule

    @property
    def next_step(self) -> str:
        return self.override or "nothing was changed; there is no override for this rule"


@dataclass(eq=False, kw_only=True)
class ChipContradicted(RefusedBySafety):
    """The chip named by the user is not the chip that answers."""

    code = "safety.chip-contradicted"

    @property
    def next_step(self) -> str:
        return "leave the chip to be found out, or connect the module you mean"


# --- endings: exit 9, 10 and 130 ---------------------------------------------------------------


@dataclass(eq=False, kw_only=True)
class StoppedPartWay(GroundwireError):
    """A write was interrupted; the journal and the backup hold all that is needed to finish."""

    code = "stopped.resumable"
    exit_code = ExitCode.RESUMABLE
    reason: str
    done_sectors: int
    total_sectors: int
    folder: str

    @property
    def what(self) -> str:
        return f"stopped after {self.done_sectors} of {self.total_sectors} sectors: {self.reason}"

    @property
    def means(self) -> str:
        return f"the module is half written; its backup and journal are in {self.folder!r}"

    @property
    def next_step(self) -> str:
        return "run the same command again: it proves what is there and writes only the rest"


@dataclass(eq=False, kw_only=True)
class DidNotComeUp(GroundwireError):
    """The flash is written and proven, but the module was not seen to come up afterwards."""

    code = "boot.not-up"
    exit_code = ExitCode.UNDECIDED
    sentence: str
    step: str

    @property
    def what(self) -> str:
        return f"the flash is proven, but the module was not seen to come up: {self.sentence}"

    @property
    def next_step(self) -> str:
        return self.step


@dataclass(eq=False, kw_only=True)
class NoDiagnosis(GroundwireError):
    """Nothing that groundwire knows fits what was seen; it names the tests that would tell."""

    code = "diagnosis.unknown"
    exit_code = ExitCode.UNDECIDED
    subject: str
    seen: str
    tests: tuple[str, ...] = ()

    @property
    def what(self) -> str:
        return f"no diagnosis of {self.subject}: {self.seen}"

    @property
    def means(self) -> str:
        return f"{len(self.tests)} tests would tell" if self.tests else ""

    @property
    def next_step(self) -> str:
        return self.tests[0] if self.tests else "record a longer log"


@dataclass(eq=False, kw_only=True)
class Cancelled(GroundwireError):
    """Stopped on request before anything was changed."""

    code = "cancelled"
    exit_code = ExitCode.CANCELLED
    during: str = ""

    @property
    def what(self) -> str:
        return "cancelled" + (f" while {self.during}" if self.during else "")

    @property
    def means(self) -> str:
        return "nothing on the module was changed"


@dataclass(eq=False, kw_only=True)
class InternalError(GroundwireError):
    """A defect in groundwire; the module was not the cause."""

    code = "internal"
    exit_code = ExitCode.INTERNAL
    detail: str

    @property
    def what(self) -> str:
        return f"groundwire itself failed: {self.detail}"

    @property
    def next_step(self) -> str:
        return "please report this with the trace file of the run"


def error_classes() -> dict[str, type[GroundwireError]]:
    """All error classes by their code, for `explain` and the generated reference."""
    found: dict[str, type[GroundwireError]] = {}
    waiting: list[type[GroundwireError]] = [GroundwireError]
    while waiting:
        cls = waiting.pop()
        found.setdefault(cls.code, cls)
        waiting.extend(cls.__subclasses__())
    return dict(sorted(found.items()))
