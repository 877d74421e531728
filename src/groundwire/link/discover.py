"""Serial adapters as the system shows them: what they are, who may open them, who holds them.

Everything is read from /sys, /dev and /proc, so nothing is opened and no line moves.
"""

from __future__ import annotations

import getpass
import grp
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from groundwire.errors import LinkError, PortBusy, PortDenied, PortMissing
from groundwire.tables.usb_adapters import UsbAdapter, find_usb_adapter

LONGEST_TEXT: Final = 120
PARENTS_MOST: Final = 8
NO_UART: Final = "0"
SLOW_LATENCY_MS: Final = 2
MEDDLERS: Final = {
    "brltty": "brltty is running and takes serial adapters for Braille displays; "
    "without a Braille display: sudo systemctl stop brltty-udev brltty, or sudo apt remove brltty",
    "ModemManager": "ModemManager is running and speaks to new ports for some seconds; "
    "for the job: sudo systemctl stop ModemManager",
}


@dataclass(frozen=True, slots=True)
class System:
    """Where the system's own files are; tests build a small one."""

    sys: Path = Path("/sys")
    dev: Path = Path("/dev")
    proc: Path = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process that has a port open."""

    pid: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid})"


@dataclass(frozen=True, slots=True)
class Access:
    """Whether this user may open a port, and what to do where not."""

    allowed: bool
    group: str = ""
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Adapter:
    """One serial port that is present."""

    device: str
    description: str = ""
    maker: str = ""
    serial: str = ""
    vid: str = ""
    pid: str = ""
    driver: str = ""
    stable_name: str = ""
    latency_ms: int | None = None
    known: UsbAdapter | None = None
    access: Access = field(default_factory=lambda: Access(allowed=True))
    holders: tuple[Holder, ...] = ()
    advice: tuple[str, ...] = ()


def find_adapters(system: System | None = None) -> tuple[Adapter, ...]:
    """All serial ports that have hardware behind them, in order of their names."""
    where = system or System()
    names = _names(where.sys / "class/tty")
    found = [one for name in names if (one := _adapter(where, name)) is not None]
    return tuple(sorted(found, key=lambda adapter: _natural(adapter.device)))


def _natural(name: str) -> tuple[str, int]:
    stem = name.rstrip("0123456789")
    return stem, int(name[len(stem) :] or 0)


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def _text(path: Path) -> str:
    """The first line of a small file of the system, or ""."""
    try:
        with path.open("rb") as file:
            raw = file.read(4 * LONGEST_TEXT)
    except OSError:
        return ""
    return raw.decode("utf-8", "replace").strip()[:LONGEST_TEXT]


def _link_name(path: Path) -> str:
    try:
        return path.resolve(strict=True).name
    except OSError:
        return ""


def _adapter(system: System, name: str) -> Adapter | None:
    entry = system.sys / "class/tty" / name
    device = system.dev / name
    if not (entry / "device").exists() or not device.exists():
        return None
    usb = _usb_device(entry / "device")
    if usb is None and _text(entry / "type") in ("", NO_UART):
        return None  # a place for a UART on the board without one in it
    vid, pid = (_text(usb / "idVendor"), _text(usb / "idProduct")) if usb else ("", "")
    known = find_usb_adapter(vid, pid) if usb else None
    latency = _text(entry / "device/latency_timer")
    latency_ms = int(latency) if latency.isdigit() else None
    return Adapter(
        device=str(device),
        description=_text(usb / "product") if usb else "serial port on the board",
        maker=_text(usb / "manufacturer") if usb else "",
        serial=_text(usb / "serial") if usb else "",
        vid=vid,
        pid=pid,
        driver=_link_name(entry / "device/driver"),
        stable_name=_stable_name(system, device),
        latency_ms=latency_ms,
        known=known,
        access=access_of(device),
        holders=holders_of(device, system),
        advice=tuple(_advice(name, latency_ms, known)),
    )


def _advice(name: str, latency_ms: int | None, known: UsbAdapter | None) -> Iterator[str]:
    if latency_ms is not None and latency_ms > SLOW_LATENCY_MS:
        yield (
            f"it holds bytes back for {latency_ms} ms; faster: "
            f"echo 1 | sudo tee /sys/class/tty/{name}/device/latency_timer"
        )
    elif known is not None and known.quirk:
        yield known.quirk


def _usb_device(device: Path) -> Path | None:
    """The folder of the USB device that a port belongs to."""
    try:
        at = device.resolve(strict=True)
    except OSError:
        return None
    for _ in range(PARENTS_MOST):
        if (at / "idVendor").exists():
            return at
        at = at.parent
    return None


def _stable_name(system: System, device: Path) -> str:
    """The name under /dev/serial/by-id, which stays the same in another socket."""
    folder = system.dev / "serial/by-id"
    for name in _names(folder):
        if _link_name(folder / name) == device.name:
            return str(folder / name)
    return ""


# --- who may open a port, and who has it open ---------------------------------------------------


def access_of(device: Path) -> Access:
    """Whether this user may open a port; where not, the group that may and how to join it."""
    try:
        status = device.stat()
    except OSError:
        return Access(allowed=False)
    group = _group_name(status.st_gid)
    if os.access(device, os.R_OK | os.W_OK):
        return Access(allowed=True, group=group)
    user = _user_name()
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o060 != 0o060:
        remedy = f"only its owner may open it: sudo chmod g+rw {device}"
    elif user in _members(status.st_gid):
        remedy = f"{user} is in the group {group!r} since after this log-in: log out and in again"
    else:
        remedy = f"run: sudo usermod -aG {group} {user}, then log out and in again"
    return Access(allowed=False, group=group, remedy=remedy)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _members(number: int) -> list[str]:
    try:
        return grp.getgrgid(number).gr_mem
    except KeyError:
        return []


def _user_name() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "$USER"


def processes(system: System | None = None) -> Iterator[Holder]:
    """All running processes, as far as this user may see them."""
    proc = (system or System()).proc
    for name in _names(proc):
        if name.isdigit():
            yield Holder(int(name), _text(proc / name / "comm"))


def holders_of(device: Path, system: System | None = None) -> tuple[Holder, ...]:
    """The processes that have a port open; those of other users are seen by root only."""
    where = system or System()
    try:
        target = device.resolve()
    except OSError:
        return ()
    found = []
    for process in processes(where):
        if process.pid == os.getpid():
            continue
        folder = where.proc / str(process.pid) / "fd"
        for name in _names(folder):
            try:
                is_it = (folder / name).readlink() == target
            except OSError:
                continue
            if is_it:
                found.append(process)
                break
    return tuple(found)


def meddlers(system: System | None = None) -> tuple[str, ...]:
    """Running programs that are known to take ports away, and what to do about each."""
    names = {process.name for process in processes(system)}
    return tuple(text for name, text in MEDDLERS.items() if name in names)


# --- adapters that have no port -----------------------------------------------------------------


def usb_hints(system: System | None = None) -> tuple[str, ...]:
    """Known adapters that are plugged in and have no port: taken away, or without their driver."""
    where = system or System()
    root = where.sys / "bus/usb/devices"
    running = meddlers(where)
    hints = []
    for name in _names(root):
        known = find_usb_adapter(_text(root / name / "idVendor"), _text(root / name / "idProduct"))
        if known is None or _has_port(root, name):
            continue
        brltty = any("brltty" in text for text in running)
        cause = (
            "brltty took it away: sudo apt remove brltty, then plug it in again"
            if brltty
            else f"its driver is missing: sudo modprobe {known.driver}"
        )
        hints.append(f"a {known.name} is plugged in (USB {name}) but has no port: {cause}")
    return tuple(hints)


def _has_port(root: Path, name: str) -> bool:
    for interface in _names(root / name):
        folder = root / name / interface
        if interface.startswith(f"{name}:") and (
            (folder / "tty").is_dir() or any(part.startswith("ttyUSB") for part in _names(folder))
        ):
            return True
    return False


def explain_opening(error: LinkError, system: System | None = None) -> LinkError:
    """The same failure to open a port, with what the system knows about its cause."""
    where = system or System()
    match error:
        case PortBusy(port=port, holder=""):
            holders = holders_of(Path(port), where)
            return PortBusy(port=port, holder=", ".join(str(one) for one in holders))
        case PortDenied(port=port):
            access = access_of(Path(port))
            return PortDenied(port=port, group=access.group) if access.group else error
        case PortMissing(port=port, seen=()) if "://" not in port:
            seen = tuple(adapter.device for adapter in find_adapters(where))
            return PortMissing(port=port, seen=seen or usb_hints(where))
        case _:
            return error
