"""The health of a Beken file: packets, containers, hashes, tables, calibration."""

from __future__ import annotations

from groundwire.errors import GroundwireError
from groundwire.images.beken import crc_blocks, package, rbl, rf
from groundwire.images.beken.code_area import CodeArea
from groundwire.images.beken.content import BekenContent
from groundwire.images.beken.crc_blocks import PACKET_SIZE, PacketState
from groundwire.images.findings import Check, Finding
from groundwire.images.kinds import ImageKind, Recognition, Weight
from groundwire.quantities import MIB, Span

Result = tuple[tuple[Finding, ...], tuple[Check, ...]]

_RF_BY_CHIP = {"BK7231N": 0x1D0000, "BK7231M": 0x1D0000, "BK7231T": 0x1E0000}
_RF_DEFAULT = 0x1E0000
_UPDATES_MAX = 8


def mac_addresses(content: BekenContent) -> tuple[bytes, ...]:
    """The MAC addresses of all calibration sectors that can be read."""
    found = (sector.block for sector in rf.find(content.flash) if sector.block is not None)
    return tuple(block.mac for block in found if block.mac)


def examine(content: BekenContent, recognition: Recognition) -> Result:
    """Everything that can be checked in a Beken file."""
    findings = [
        Finding(problem.weight, problem.span, problem.text) for problem in recognition.problems
    ]
    checks: list[Check] = []
    loader = content.bootloader
    if loader is not None:
        _packets(loader.code, "bootloader", checks)
        if loader.payload is not None:
            checks.append(Check("container and hash of the bootloader", int(loader.payload.ok), 1))
        _table(content, findings, checks)
    if content.app is not None:
        _packets(content.app, "application", checks)
        _application_hash(content, content.app, findings, checks)
    _updates(content, findings, checks)
    _damaged_headers(content, recognition.kind, findings)
    _calibration(content, recognition, findings, checks)
    return tuple(findings), tuple(checks)


def _packets(area: CodeArea, name: str, checks: list[Check]) -> None:
    total = area.used.size // PACKET_SIZE
    good = int((area.check.states[:total] == PacketState.VALID).sum())
    checks.append(Check(f"checksum packets of the {name}", good, total))


def _application_hash(
    content: BekenContent, app: CodeArea, findings: list[Finding], checks: list[Check]
) -> None:
    if app.container is None:
        text = "the application has no container header: only its packets could be checked"
        findings.append(Finding(Weight.NOTE, content.file_span(app.used), text))
        return
    check = rbl.check_payload(app.container.header, app.stored, app.stream, app.logical)
    checks.append(Check("container and hash of the application", int(check.ok), 1))
    if not check.ok and app.container_ok is not False:
        span = content.file_span(app.used)
        findings.append(Finding(Weight.DAMAGE, span, "the application does not match its hash"))


def _table(content: BekenContent, findings: list[Finding], checks: list[Check]) -> None:
    """Bounds of the loader's partitions: within the flash and apart from each other."""
    loader = content.bootloader
    if loader is None or not loader.table:
        return
    span = content.file_span(loader.code.used)
    good = [entry for entry in loader.table if entry.is_plausible]
    checks.append(Check("entries of the partition table", len(good), len(loader.table)))
    for entry in loader.table:
        if entry not in good:
            text = f"partition {entry.name!r} of the table is damaged or outside every flash"
            findings.append(Finding(Weight.DAMAGE, span, text))
    for at, entry in enumerate(good):
        for other in good[at + 1 :]:
            if entry.span.overlaps(other.span):
                text = f"partitions {entry.name!r} and {other.name!r} overlap"
                findings.append(Finding(Weight.DAMAGE, span, text))
    if content.is_flash_sized:
        for entry in good:
            if entry.span.end > len(content.flash):
                text = f"partition {entry.name!r} ends at {entry.span.end:#x}, behind the flash"
                findings.append(Finding(Weight.DAMAGE, span, text))


def _updates(content: BekenContent, findings: list[Finding], checks: list[Check]) -> None:
    """Update files in the download partition: rests of updates, harmless when damaged."""
    packages = [found for found in content.headers if not found.interleaved][:_UPDATES_MAX]
    for found in packages:
        at = found.offset - content.base
        size = rbl.HEADER_SIZE + found.header.package_size
        span = Span(found.offset, min(size, len(content.flash) - at))
        try:
            opened = package.unpack(content.flash[at : at + size])
            good, text = opened.ok, "checksum or hash wrong"
        except GroundwireError as error:
            good, text = False, error.what
        checks.append(Check(f"update file at {found.offset:#x}", int(good), 1))
        if not good:
            note = f"the rest of an update that cannot be used: {text}"
            findings.append(Finding(Weight.NOTE, content.file_span(span), note))


def _header_places(content: BekenContent, kind: ImageKind) -> set[int]:
    """Where headers of missing containers would end, by the packers and the loader's table."""
    loader, app = content.bootloader, content.app
    places: set[int] = set()
    if loader is not None and loader.code.container is None:
        places |= {0x11000, 0xFF00}
    if app is None or app.container is not None:
        return places
    entry = loader.partition("app") if loader is not None else None
    if entry is not None:
        places.add(entry.span.end)
    end = content.base + len(content.flash)
    if kind in {ImageKind.QIO, ImageKind.UA} and end - rbl.INTERLEAVED_SIZE >= app.used.end:
        places.add(end)
    return places


def _damaged_headers(content: BekenContent, kind: ImageKind, findings: list[Finding]) -> None:
    """Something in a container header's place that is neither erased, nor code, nor whole.

    With a valid packet among the three it was a header; else it may be anything.
    """
    for end in sorted(_header_places(content, kind)):
        start = end - rbl.INTERLEAVED_SIZE
        if start < content.base or end > content.base + len(content.flash):
            continue
        raw = content.flash[start - content.base : end - content.base]
        check = crc_blocks.check(raw)
        if check.count(PacketState.DAMAGED) == 0 and not raw.startswith(rbl.MAGIC):
            continue
        was_header = check.count(PacketState.VALID) > 0 or raw.startswith(rbl.MAGIC)
        weight = Weight.DAMAGE if was_header else Weight.NOTE
        text = "the header of a container fails its checksums"
        findings.append(Finding(weight, content.file_span(Span.between(start, end)), text))


def _calibration(
    content: BekenContent, recognition: Recognition, findings: list[Finding], checks: list[Check]
) -> None:
    if recognition.kind not in {ImageKind.DUMP, ImageKind.ROTATED_DUMP}:
        return
    sectors = rf.find(content.flash)
    present = [sector for sector in sectors if sector.state is rf.RfState.PRESENT]
    checks.append(Check("radio calibration", min(len(present), 1), 1))
    for sector in sectors:
        if sector.state is rf.RfState.DAMAGED:
            weight = Weight.NOTE if present else Weight.DAMAGE
            text = f"radio calibration: {sector.problem}"
            findings.append(Finding(weight, content.file_span(sector.span), text))
    if sectors:
        return
    chip = recognition.chips[0] if recognition.chips else ""
    at = rf.look_at(content.flash, _RF_BY_CHIP.get(chip, _RF_DEFAULT))
    if at is None:
        return
    if at.state is rf.RfState.ERASED:
        text = "the radio calibration is erased: the module had lost its MAC address"
        findings.append(Finding(Weight.NOTE, content.file_span(at.span), text))
        return
    # Other chips and larger flashes have it at places that are not all known.
    usual = chip in _RF_BY_CHIP and len(content.flash) == 2 * MIB
    weight = Weight.DAMAGE if usual else Weight.NOTE
    text = "no radio calibration where this chip has it"
    findings.append(Finding(weight, content.file_span(at.span), text))
