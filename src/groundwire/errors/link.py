"""The port, and the way to a first answer: exit 3."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors.shape import ExitCode, GroundwireError


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
