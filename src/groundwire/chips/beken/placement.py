"""Where an image goes on a Beken module, and why it may not."""

# Ref: PROTOCOL.md, sections on brick risks and memory maps; beken-images 4 and 7

from __future__ import annotations

from typing import Final

from groundwire.chips.beken.facts import Group, chip_facts
from groundwire.chips.family import (
    SECTOR,
    BootloaderPolicy,
    Identity,
    Layout,
    Piece,
    Placement,
    RegionKind,
)
from groundwire.errors import (
    DamagedImage,
    ImageTooLarge,
    RefusedBySafety,
    UnknownImage,
    WrongFamily,
)
from groundwire.images.convert import Form, convert
from groundwire.images.recognise import ImageKind, Recognition, recognise
from groundwire.quantities import Span

APP_START: Final = 0x11000
MARKER_AT: Final = 0x110
FROM_ZERO: Final = (ImageKind.QIO, ImageKind.DUMP)
# Files that hold an image of another kind: ESPHome's packages, dumps read from the middle on.
OPENED: Final = {ImageKind.UF2: Form.UA, ImageKind.ROTATED_DUMP: Form.DUMP}
CHOOSE: Final = "choose the release file for {} whose name ends in QIO or UA"
ADVICE: Final = {
    ImageKind.RBL: "an update for the running firmware's web page, not for the serial line",
    ImageKind.UG: "an update for the vendor's update path, not for the serial line",
    ImageKind.PLAIN_APP: "plain linker output that no packer has made an image of yet",
    ImageKind.SETTINGS_ONLY: "settings without any program",
    ImageKind.OBK_CONFIG: "an OpenBeken configuration without any program",
    ImageKind.ERASED: "an erased flash: every byte is FF",
    ImageKind.BOOTLOADER: "a bootloader without an application",
}


def place(
    data: bytes, name: str, identity: Identity, layout: Layout, policy: BootloaderPolicy
) -> Placement:
    """The parts of an image that are to be written to this module.

    Raises:
        UnknownImage, DamagedImage, WrongFamily, ImageTooLarge: it would not start.
        RefusedBySafety: it would take the way back away.
    """
    seen = recognise(data)
    kind = seen.kind.value
    if seen.kind in OPENED:
        data = convert(data, OPENED[seen.kind], name=name).data
        seen = recognise(data)
    if seen.family and seen.family != identity.family:
        _require_this_chip(seen, name, identity)
    if seen.kind not in (*FROM_ZERO, ImageKind.UA):
        raise UnknownImage(
            name=name, size=len(data), finding=_finding(seen), advice=CHOOSE.format(identity.chip)
        )
    _require_this_chip(seen, name, identity)
    if seen.app is None or not seen.app_valid:
        where = "; ".join(str(problem) for problem in seen.problems[:3])
        raise DamagedImage(name=name, finding=where or "its application is incomplete")
    if seen.kind is ImageKind.UA:
        pieces = [Piece(APP_START, data, "application")]
        left_out: list[tuple[Span, str]] = []
        app_end = APP_START + seen.app.end
    else:
        pieces, left_out = _from_zero(data, name, seen, identity, layout, policy)
        app_end = seen.app.end
    room = layout.of_kind(RegionKind.APP)[0].span
    end = max(piece.span.end for piece in pieces)
    if app_end > room.end or end > identity.flash_size:
        limit = room.end if app_end > room.end else identity.flash_size
        raise ImageTooLarge(
            name=name, span=Span.between(room.start, max(app_end, end)), limit=limit
        )
    version = seen.version or "unknown version"
    return Placement(f"{kind}, {version}", tuple(pieces), tuple(left_out), seen.evidence)


def _finding(seen: Recognition) -> str:
    if seen.kind in ADVICE:
        return f"it is {ADVICE[seen.kind]}"
    if seen.kind is ImageKind.UNKNOWN:
        return "; ".join(problem.text for problem in seen.problems[:2]) or "nothing in it is known"
    return f"it is a {seen.kind.value} file"


def _require_this_chip(seen: Recognition, name: str, identity: Identity) -> None:
    """The image must be for this chip and for its key; both mistakes verify well and never boot."""
    source = "; ".join(f"{one.fact}: {one.value}" for one in seen.evidence[:4])
    found = " or ".join(seen.chips) or seen.family or "an unknown chip"
    expected = f"{identity.chip} with key class {identity.key_class or 'unknown'}"
    # without a readable key an N counts as either of the two chips that differ only in it
    either = {"BK7231N", "BK7231M"} if not identity.key_class else set()
    mine = {identity.chip} | (either if identity.chip in either else set())
    if seen.family != identity.family or not mine & set(seen.chips):
        raise WrongFamily(name=name, found=found, expected=expected, evidence=source)
    app_key = next(
        (one.value for one in identity.evidence if one.fact == "key of the application"), ""
    )
    key = identity.key_class or app_key
    if key and seen.key_class and key != seen.key_class:
        raise WrongFamily(
            name=name,
            found=f"{found} with key class {seen.key_class}",
            expected=expected,
            evidence=f"its code is enciphered for key class {seen.key_class}",
        )


def _from_zero(
    data: bytes,
    name: str,
    seen: Recognition,
    identity: Identity,
    layout: Layout,
    policy: BootloaderPolicy,
) -> tuple[list[Piece], list[tuple[Span, str]]]:
    """Pieces of an image that begins at flash address 0."""
    left_out: list[tuple[Span, str]] = []
    start = 0
    if policy is BootloaderPolicy.KEEP:
        start = APP_START
        left_out.append((Span.between(0, APP_START), "the module keeps its own bootloader"))
    else:
        _require_bootloader(data, name, seen, identity)
    room = layout.of_kind(RegionKind.APP)[0].span
    radio = [region.span for region in layout.of_kind(RegionKind.RF)]
    app_end = min(len(data), room.end)
    why = "application" if start else "bootloader and application"
    pieces = [Piece(start, data[start:app_end], why)]
    for sector in Span.between(app_end, max(len(data), app_end)).units(SECTOR):
        part = sector.of(data)
        if any(sector.overlaps(span) for span in radio):
            left_out.append((sector, "radio calibration is never written, only restored"))
        elif seen.kind is ImageKind.DUMP or part.count(0xFF) < len(part):
            pieces.append(Piece(sector.start, part, "data behind the application"))
        else:
            left_out.append((sector, "the image only fills it up"))
    return _joined(pieces), left_out


def _joined(pieces: list[Piece]) -> list[Piece]:
    """The same pieces with neighbours of the same kind joined."""
    out: list[Piece] = []
    for piece in pieces:
        if out and out[-1].why == piece.why and out[-1].span.end == piece.address:
            out[-1] = Piece(out[-1].address, out[-1].data + piece.data, piece.why)
        else:
            out.append(piece)
    return out


def _require_bootloader(data: bytes, name: str, seen: Recognition, identity: Identity) -> None:
    """Replacing the bootloader needs a valid one, on a chip that does not live on it."""
    facts = chip_facts(identity.chip)
    if facts.group is Group.LOADER:
        raise RefusedBySafety(
            rule="on this chip the bootloader in flash is what answers on the serial line",
            finding=f"replacing the bootloader of a {identity.chip}",
            override="keep the bootloader: the application is written without touching it",
        )
    if seen.bootloader is None or not seen.bootloader_valid:
        raise DamagedImage(name=name, finding="it holds no valid bootloader")
    marker = facts.marker.encode()
    if data[MARKER_AT : MARKER_AT + len(marker)] != marker:
        raise DamagedImage(
            name=name,
            finding=f"the boot ROM would not start it: {facts.marker} is missing at 0x110",
        )
