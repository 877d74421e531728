"""The USB serial adapters that are known by their ids."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.tables.load import EvidenceKind, load_rows


@dataclass(frozen=True, slots=True)
class UsbAdapter:
    """One row of usb_adapters.toml; `vid` and `pid` are four hex digits."""

    name: str
    vid: str
    pid: str
    driver: str
    top_rate: int
    quirk: str
    evidence: EvidenceKind
    source: str


def usb_adapters() -> tuple[UsbAdapter, ...]:
    """All known adapters."""
    return load_rows("groundwire.tables", "usb_adapters.toml", "adapter", UsbAdapter)


def find_usb_adapter(vid: str, pid: str) -> UsbAdapter | None:
    """The adapter with these ids, if it is known."""
    wanted = (vid.lower(), pid.lower())
    return next((one for one in usb_adapters() if (one.vid, one.pid) == wanted), None)
