"""One file of a corpus as one row of a table: plain values, no secret, nothing of an owner."""

from __future__ import annotations

import hashlib
import hmac
import lzma
from dataclasses import dataclass
from pathlib import Path

from groundwire.backup.files import LARGEST_INPUT, read_input
from groundwire.errors import DamagedImage, GroundwireError, InputUnreadable
from groundwire.exports.pin_table import describe
from groundwire.images.kinds import ImageKind, Weight
from groundwire.jobs.inspect import Inspection, inspect_bytes
from groundwire.tuya.storage import TuyaStore

PACKED = ".xz"


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """What the table says of a file.

    `device` tells dumps of one module from those of another by a number that means nothing outside
    the table; `store_generation` orders them. While the table is being made, `device_tag` holds a
    keyed hash of the module's MAC or id.
    """

    path: str
    size: int = 0
    sha256: str = ""
    duplicate_of: str = ""
    device: int = 0
    error: str = ""
    kind: str = ""
    family: str = ""
    chip: str = ""
    key_class: str = ""
    verdict: str = ""
    damaged: int = 0
    first_finding: str = ""
    bootloader: str = ""
    application: str = ""
    application_sha256: str = ""
    store: str = ""
    store_generation: int = 0
    platform: str = ""
    product_key: str = ""
    firmware_key: str = ""
    firmware_version: str = ""
    module: str = ""
    pins: str = ""
    pins_from: str = ""
    no_pins: str = ""
    meter: str = ""
    led_driver: str = ""
    openbeken_configs: int = 0
    files: int = 0
    device_tag: str = ""

    @property
    def is_image(self) -> bool:
        """Whether the file is anything that is known."""
        return self.kind not in ("", ImageKind.UNKNOWN.value)


def row_of(path: str, tag_key: bytes = b"") -> CorpusRow:
    """Read and inspect one file. Never raises: what fails becomes the row's `error`."""
    try:
        data = read_packed(Path(path))
    except GroundwireError as error:
        return CorpusRow(path, error=error.what)
    return row_from(path, data, inspect_bytes(data), tag_key)


def read_packed(path: Path) -> bytes:
    """The bytes of a file, unpacked where its name ends in .xz.

    Raises:
        InputUnreadable: it cannot be read, or is larger than any flash image, packed or not.
        DamagedImage: it is not packed as its name says.
    """
    data = read_input(path)
    if path.suffix != PACKED:
        return data
    try:
        unpacker = lzma.LZMADecompressor(memlimit=LARGEST_INPUT * 4)
        plain = unpacker.decompress(data, LARGEST_INPUT + 1)
    except (lzma.LZMAError, EOFError) as error:
        raise DamagedImage(name=path.name, finding=f"not an xz file: {error}") from error
    if len(plain) > LARGEST_INPUT:
        raise InputUnreadable(path=str(path), reason="unpacked it is larger than any flash image")
    if not unpacker.eof:
        raise DamagedImage(name=path.name, finding="its xz stream is cut off")
    return plain


def row_from(path: str, data: bytes, seen: Inspection, tag_key: bytes) -> CorpusRow:
    """The row of a file that was inspected."""
    found, wiring, device = seen.recognition, seen.wiring, seen.device
    worst = [one for one in seen.health.findings if one.weight is not Weight.NOTE]
    store = device.store
    return CorpusRow(
        path=path,
        size=seen.size,
        sha256=seen.sha256,
        kind=found.kind.value,
        family=found.family,
        chip=seen.chip,
        key_class=found.key_class,
        verdict=seen.health.verdict.value,
        damaged=len(seen.health.damaged_spans),
        first_finding=str(worst[0]) if worst else "",
        bootloader=found.bootloader_version,
        application=found.version,
        application_sha256=_sha256(found.app.of(data)) if found.app is not None else "",
        store=str(store.generation or "erased") if store is not None else "",
        store_generation=_newest(store),
        platform=device.platform,
        product_key=device.product_key,
        firmware_key=device.firmware_key,
        firmware_version=device.versions.get("application", ""),
        module=wiring.module,
        pins="; ".join(f"P{pin.pin} {describe(pin)}" for pin in wiring.pins),
        pins_from=wiring.source,
        no_pins=str(wiring.reason or ""),
        meter=str(wiring.meter.chip) if wiring.meter is not None else "",
        led_driver=str(wiring.led_driver.chip) if wiring.led_driver is not None else "",
        openbeken_configs=len(seen.configs),
        files=sum(len(system.files) for system in seen.file_systems),
        device_tag=device_tag(seen, tag_key),
    )


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _newest(store: TuyaStore | None) -> int:
    sectors = store.sectors if store is not None else ()
    return max((sector.generation for sector in sectors), default=0)


def device_tag(seen: Inspection, key: bytes) -> str:
    """A keyed hash of what only one module has: its MAC, else what its store names it.

    A plain hash of a MAC is soon guessed, so the key is new for every table and thrown away.
    """
    store = seen.device.store
    identity = "".join(seen.macs[:1])
    if not identity and store is not None:
        names = ("gw_bi", "gw_di")
        values = (store.get(name) for name in names)
        identity = next((value.content.sha256() for value in values if value is not None), "")
    return hmac.new(key, identity.encode(), "sha256").hexdigest() if identity else ""
