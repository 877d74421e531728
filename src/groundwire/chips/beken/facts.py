"""What differs between the Beken chips, read from facts.toml; see there for the columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from groundwire.chips.family import Layout, Region, RegionKind
from groundwire.quantities import Span
from groundwire.tables.load import EvidenceKind, load_rows

PACKAGE = "groundwire.chips.beken"
FILE = "facts.toml"


class Group(StrEnum):
    """Who serves the protocol."""

    ROM = "rom"
    LOADER = "loader"


PROTOCOLS = {Group.ROM: "boot ROM", Group.LOADER: "bootloader in flash"}


class AboveSize(StrEnum):
    """What erase and program do past the end of the flash."""

    WRAPS = "wraps"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class ChipFacts:
    """One chip: a row of facts.toml."""

    name: str
    group: Group
    chip_id: int
    device_id: int
    key_class: str
    efuse_key: bool
    marker: str
    layout: str
    flash_id: str
    flash_size: int
    guard: int
    write4k_guard: int
    above_size: AboveSize
    crc_pages: bool
    crc_locks: bool
    never_locks: tuple[str, ...]
    code_end: int
    idle_restart_s: float
    baud_nearest: bool
    boot_version: str
    second_uart: bool
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class LayoutFacts:
    """Addresses of one flash layout."""

    name: str
    bootloader: int
    app_end: int
    rf: tuple[int, ...]
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class LoaderFacts:
    """A loader by the CRC-32 of its first bytes."""

    crc: int
    size: int
    version: str
    evidence: EvidenceKind
    source: str


def all_chips() -> tuple[ChipFacts, ...]:
    """Every chip of the family."""
    return load_rows(PACKAGE, FILE, "chip", ChipFacts)


def chip_facts(name: str) -> ChipFacts:
    """The facts of a chip by its name; KeyError where the family has no such chip."""
    for chip in all_chips():
        if chip.name == name:
            return chip
    raise KeyError(name)


def layout_facts(name: str) -> LayoutFacts:
    """The facts of a layout by its name."""
    for layout in load_rows(PACKAGE, FILE, "layout", LayoutFacts):
        if layout.name == name:
            return layout
    raise KeyError(name)


def loader_version(crc: int, size: int) -> str:
    """The loader whose first `size` bytes have this CRC-32, or ""."""
    for loader in load_rows(PACKAGE, FILE, "loader", LoaderFacts):
        if (loader.crc, loader.size) == (crc, size):
            return loader.version
    return ""


def build_layout(chip: ChipFacts, flash_size: int, rf_addresses: tuple[int, ...]) -> Layout:
    """The regions of a flash; `rf_addresses` are the places where calibration was found.

    Where none was found, the layout's first place is kept free for it all the same.
    """
    facts = layout_facts(chip.layout)
    fits = tuple(at for at in rf_addresses or facts.rf[:1] if at < flash_size)
    regions = [
        Region("bootloader", RegionKind.BOOTLOADER, Span.between(0, facts.bootloader)),
        Region("application", RegionKind.APP, Span.between(facts.bootloader, facts.app_end)),
    ]
    at = facts.app_end
    for rf in fits:
        kind = RegionKind.DOWNLOAD if at == facts.app_end else RegionKind.SETTINGS
        if rf > at:
            regions.append(Region(kind.value, kind, Span.between(at, rf)))
        regions.append(Region("radio calibration", RegionKind.RF, Span(rf, 0x1000)))
        at = rf + 0x1000
    if at < flash_size:
        regions.append(Region("settings", RegionKind.SETTINGS, Span.between(at, flash_size)))
    serves = regions[0].span if chip.group is Group.LOADER else None
    return Layout(tuple(regions), serves)
