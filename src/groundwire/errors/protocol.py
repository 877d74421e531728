"""A module that answers, but not with what was asked: exit 4."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors.shape import ExitCode, GroundwireError


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
