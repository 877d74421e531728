"""What differs between the Bouffalo chips, read from facts.toml and flash.toml."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cache

from groundwire.chips.family import LoaderSource
from groundwire.tables.load import EvidenceKind, load_rows

PACKAGE = "groundwire.chips.bouffalo"
FILE = "facts.toml"
LOADER_PACKAGE = "bflb-mcu-tool"
LOADER_PACKAGE_VERSION = "1.10.0"
LOADER_CRYSTAL = 40_000  # kHz: what modules carry
LOADER_VERSION = 0xFFFF_FFFF  # in place of the boot ROM's version: a RAM loader answers


@dataclass(frozen=True, slots=True)
class ChipFacts:
    """One chip: a row of facts.toml."""

    name: str
    version: int
    info_size: int
    large_package: bool
    supported: bool
    reason: str
    boot_pin: str
    chip_rx: str
    chip_tx: str
    log_baudrate: int
    flash_id: str
    flash_size: int
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class LoaderFacts:
    """A RAM loader by its SHA-256; `size` is 0 where only the digest is known."""

    name: str
    file: str
    sha256: str
    size: int
    crystal: int
    recent: bool
    evidence: EvidenceKind
    source: str


@dataclass(frozen=True, slots=True)
class FlashFacts:
    """A flash chip; `known` where the RAM loader recognises it."""

    jedec_id: str
    part: str
    size: int
    known: bool
    evidence: EvidenceKind
    source: str


@cache
def all_chips() -> tuple[ChipFacts, ...]:
    """Every chip of the family."""
    return load_rows(PACKAGE, FILE, "chip", ChipFacts)


def chip_facts(name: str) -> ChipFacts:
    """The facts of a chip by its name; KeyError where the family has no such chip."""
    for chip in all_chips():
        if chip.name == name:
            return chip
    raise KeyError(name)


def chip_by_version(version: int) -> ChipFacts | None:
    """The first chip whose boot ROM sends this version word."""
    return next((chip for chip in all_chips() if chip.version == version), None)


def packages_of(chip: ChipFacts) -> tuple[str, ...]:
    """The other names that the same die bears in another package."""
    return tuple(
        other.name for other in all_chips() if other.version == chip.version and other != chip
    )


def all_loaders() -> tuple[LoaderFacts, ...]:
    """Every RAM loader whose digest is known."""
    return load_rows(PACKAGE, FILE, "loader", LoaderFacts)


def find_loader(data: bytes) -> LoaderFacts | None:
    """The known RAM loader that these bytes are."""
    digest = hashlib.sha256(data).hexdigest()
    return next((loader for loader in all_loaders() if loader.sha256 == digest), None)


@cache
def _flash_by_id() -> dict[str, FlashFacts]:
    rows = load_rows(PACKAGE, "flash.toml", "flash", FlashFacts)
    return {row.jedec_id: row for row in rows}


def find_flash(jedec_id: str) -> FlashFacts | None:
    """The flash chip with this id (six hex digits, wire order), if it is known."""
    return _flash_by_id().get(jedec_id)


def all_flash() -> tuple[FlashFacts, ...]:
    """Every flash chip of the table."""
    return tuple(_flash_by_id().values())


def flash_size_of(jedec_id: bytes) -> int:
    """The size that the third byte of an id declares, or 0 where it cannot be one.

    The vendor's own hosts use the same rule for every chip.
    """
    exponent = jedec_id[2] & 0x1F
    return 1 << exponent if 16 <= exponent <= 25 else 0


def published_loader() -> LoaderSource:
    """Where the vendor publishes the RAM loader for the crystal that modules carry."""
    row = next(one for one in all_loaders() if one.crystal == LOADER_CRYSTAL and one.recent)
    return LoaderSource(LOADER_PACKAGE, LOADER_PACKAGE_VERSION, row.file, row.sha256)
