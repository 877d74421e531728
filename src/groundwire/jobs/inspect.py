"""The inspect job: everything that a dump or a firmware file holds. No port, no module."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace

from groundwire.errors import DamagedImage, GroundwireError, UnknownImage
from groundwire.images import uf2
from groundwire.images.beken import package, rf, ug
from groundwire.images.beken.content import BekenContent, read_content
from groundwire.images.bouffalo import partition_table
from groundwire.images.findings import Check, Finding
from groundwire.images.health import Expected, Health, Verdict, health_of
from groundwire.images.kinds import ImageKind, Recognition, Weight
from groundwire.images.recognise import recognise_with_content
from groundwire.openbeken.littlefs import FileSystem, find_file_systems
from groundwire.openbeken.search import FoundConfig, find_configs
from groundwire.openbeken.wiring import read_wiring
from groundwire.pins import NoPins, Wiring
from groundwire.quantities import Span, hex_address
from groundwire.tuya.device import TuyaDevice, read_device
from groundwire.tuya.storage import StoredValue, TuyaStore, ValueState

SECTOR = 4096
LARGEST_FLASH = 16 << 20  # settings are looked for in no more than a flash chip holds
MOST_CONFIGS = 32  # a flash has one; more are left-overs, or made to waste time
SETTINGS = frozenset({ImageKind.OBK_CONFIG, ImageKind.SETTINGS_ONLY})


@dataclass(frozen=True, slots=True, eq=False)
class Inspection:
    """What a file holds.

    Spans of `recognition` and `health` are offsets in the file; those of partitions, calibration
    and settings are flash addresses, which are others in a rotated dump. `wirings` are all
    statements about the pins, the one to go by first; there is always one, which may only name the
    reason why nothing is known.
    """

    size: int
    sha256: str
    recognition: Recognition
    health: Health
    partitions: tuple[tuple[str, Span], ...]
    radios: tuple[rf.RfSector, ...]
    device: TuyaDevice
    configs: tuple[FoundConfig, ...]
    file_systems: tuple[FileSystem, ...]
    wirings: tuple[Wiring, ...]

    @property
    def wiring(self) -> Wiring:
        """The statement about the pins to go by."""
        return self.wirings[0]

    @property
    def chip(self) -> str:
        """The likeliest chip, or ""."""
        chips = self.recognition.chips
        return chips[0] if chips else self.wiring.chip

    @property
    def macs(self) -> tuple[str, ...]:
        """The MAC addresses of all calibration sectors, each once."""
        blocks = (sector.block for sector in self.radios)
        return tuple(dict.fromkeys(block.mac_text for block in blocks if block and block.mac))

    @property
    def usable(self) -> bool:
        """Whether the file is sound, or is nothing but settings that can be read."""
        if self.recognition.kind not in SETTINGS:
            return self.health.verdict is Verdict.SOUND
        store = self.device.store
        readable = bool(self.configs) or (store is not None and store.configured)
        return readable and all(check.ok for check in self.health.checks)


def inspect_bytes(data: bytes, expected: Expected | None = None) -> Inspection:
    """Find out everything that a file holds. Never raises, whatever the bytes are."""
    found, content = recognise_with_content(data)
    health = health_of(data, found, content, expected or Expected())
    flash = content.flash if content is not None else data
    flash = flash[: SECTOR if found.kind is ImageKind.ERASED else LARGEST_FLASH]
    device = read_device(flash, application_code(data, found, content))
    configs = find_configs(flash, found.chips[0] if found.chips else "")[:MOST_CONFIGS]
    systems = find_file_systems(flash)
    judged = Settings(device, configs, systems, content)
    return Inspection(
        size=len(data),
        sha256=hashlib.sha256(data).hexdigest(),
        recognition=found,
        health=health.extended(tuple(judged.findings()), tuple(judged.checks())),
        partitions=partitions_of(flash, content),
        radios=rf.find(flash) if found.family != "bouffalo" else (),
        device=device,
        configs=configs,
        file_systems=systems,
        wirings=wirings_of(found, device, configs),
    )


def application_code(data: bytes, found: Recognition, content: BekenContent | None) -> bytes:
    """The plain application, where there is one that can be read; else nothing."""
    try:
        if found.kind is ImageKind.UG:
            return package.unpack(ug.parse(data).payload).payload
        if found.kind is ImageKind.RBL:
            return package.unpack(data).payload
        if found.kind is ImageKind.UF2 and found.family == "beken":
            parts = uf2.parse(data).extract(uf2.Scheme.FLASHER_SINGLE)
            app = next((part.data for part in parts if part.name == "app"), b"")
            content = read_content(app)
    except GroundwireError:
        return b""  # what is wrong with it is among the findings already
    return content.app.plain() if content is not None and content.app is not None else b""


def partitions_of(flash: bytes, content: BekenContent | None) -> tuple[tuple[str, Span], ...]:
    """The partitions that the file's own table declares, by address."""
    if content is not None:
        table = content.bootloader.table if content.bootloader is not None else ()
        rows = [(entry.name, entry.span) for entry in table if entry.is_plausible]
        return tuple(sorted(rows, key=lambda row: row[1]))
    bouffalo = partition_table.in_force(flash)
    if bouffalo is None:
        return ()
    slots = [(row.name, row.active_slot) for row in bouffalo.rows if row.is_plausible]
    known = [(name, span) for name, span in slots if span is not None]
    return tuple(sorted(known, key=lambda row: row[1]))


def wirings_of(
    found: Recognition, device: TuyaDevice, configs: tuple[FoundConfig, ...]
) -> tuple[Wiring, ...]:
    """All statements about the pins; those of the firmware that is in the file come first.

    Of two firmwares' settings the ones that name pins win over a mere reason.
    """
    chip = found.chips[0] if found.chips else ""
    own = [read_wiring(item.config, chip) for item in configs]
    vendor = device.wiring
    runs_vendor = found.version.startswith("Tuya")
    order = [vendor, *own] if runs_vendor else [*own, vendor]
    told = [wiring for wiring in order if wiring is vendor or not wiring.empty or wiring.reason]
    told.sort(key=lambda wiring: wiring.empty)
    if len(told) > 1 and told[-1].reason is NoPins.NO_SETTINGS:
        told.pop()
    return tuple(wiring if wiring.chip else replace(wiring, chip=chip) for wiring in told)


def require_usable(seen: Inspection, name: str) -> None:
    """Fail where the file is not sound and not settings that can be read either.

    Raises:
        DamagedImage: it is damaged, or made of parts for two chips.
        UnknownImage: it is no flash image.
    """
    if seen.usable:
        return
    if seen.health.verdict is Verdict.NO_IMAGE:
        problems = seen.recognition.problems
        finding = problems[0].text if problems else f"it is {seen.recognition.kind}"
        raise UnknownImage(name=name, size=seen.size, finding=finding)
    worst = [one for one in seen.health.findings if one.weight is not Weight.NOTE]
    more = f"; findings like this: {len(worst)}" if len(worst) > 1 else ""
    raise DamagedImage(name=name, finding=f"at {worst[0]}{more}")


# --- the health of settings -----------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class Settings:
    """The settings of a file, as far as they add to the verdict on it."""

    device: TuyaDevice
    configs: tuple[FoundConfig, ...]
    systems: tuple[FileSystem, ...]
    content: BekenContent | None

    def checks(self) -> Iterator[Check]:
        """What was checked."""
        store = self.device.store
        if store is not None and store.sectors:
            good = sum(sector.sum_ok for sector in store.sectors)
            yield Check("sectors of the vendor's settings store", good, len(store.sectors))
            read = sum(value.state is not ValueState.DAMAGED for value in store.values)
            yield Check("values of the vendor's settings store", read, len(store.values))
        own = self.device.parameters
        if own is not None and own.check_stored is not None:
            yield Check("check value of the pin settings", int(own.check_ok), 1)
        for item in self.configs:
            ok = int(item.config.checksum_ok)
            yield Check(f"OpenBeken configuration at {item.where}", ok, 1)
        for system in self.systems:
            readable = sum(file.content is not None for file in system.files)
            where = hex_address(system.span.start)
            yield Check(f"files of the LittleFS at {where}", readable, len(system.files))

    def findings(self) -> Iterator[Finding]:
        """What is wrong, and where in the file.

        An interrupted write of the store is ordinary: it costs nothing while the values can be
        read from an older copy.
        """
        store = self.device.store
        if store is not None:
            yield from self._store(store)
        for item in self.configs:
            if not item.config.checksum_ok:
                weight = Weight.NOTE if item.expected_here is False else Weight.DAMAGE
                text = "the checksum of this OpenBeken configuration is wrong"
                yield self._found(weight, item.span, text)
        for system in self.systems:
            for text in system.findings[:8]:
                yield self._found(Weight.NOTE, system.span, f"LittleFS: {text}")

    def _store(self, store: TuyaStore) -> Iterator[Finding]:
        for sector in store.sectors:
            if not sector.sum_ok:
                text = f"block {sector.block} of the settings store: its write was interrupted"
                yield self._found(Weight.NOTE, Span(sector.offset, SECTOR), text)
        for value in store.values:
            if value.state is ValueState.DAMAGED:
                text = f"value {value.name!r} of the settings store: {value.problem}"
                yield self._found(Weight.DAMAGE, self._place(store, value), text)

    def _place(self, store: TuyaStore, value: StoredValue) -> Span:
        """The sector that holds the index entry of a value."""
        wanted = (value.block, value.generation)
        for sector in store.sectors:
            if (sector.block, sector.generation) == wanted:
                return Span(sector.offset, SECTOR)
        return Span(store.sectors[0].offset, SECTOR)

    def _found(self, weight: Weight, span: Span, text: str) -> Finding:
        return Finding(weight, self.content.file_span(span) if self.content else span, text)
