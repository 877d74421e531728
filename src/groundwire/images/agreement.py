"""Compare what is read from an image with what reference tools said of it.

Nothing is ever read from the reference side but to compare with it. The reference is the block
`own` of an `.expected.json` file, from another implementation of the same format descriptions,
and the plaintext hashes of bk7231tools.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from groundwire.errors import GroundwireError
from groundwire.images import uf2
from groundwire.images.beken import package, rbl, rf, ug
from groundwire.images.beken.cipher import known_stream
from groundwire.images.beken.code_area import CodeArea
from groundwire.images.beken.content import BekenContent
from groundwire.images.beken.partitions import FalEntry
from groundwire.images.bouffalo import boot_header, partition_table
from groundwire.images.kinds import ImageKind, Recognition
from groundwire.images.recognise import recognise_with_content

Reference = Mapping[str, Any]

ALWAYS_TUYA = "bk7231tools deciphers with the Tuya key set whatever the image has"


@dataclass(frozen=True, slots=True)
class Comparison:
    """One value of ours and of the reference; `reason` argues why ours may differ."""

    field: str
    ours: object
    theirs: object
    reason: str = ""

    @property
    def agrees(self) -> bool:
        return self.ours == self.theirs

    @property
    def failed(self) -> bool:
        """Whether the values differ and nothing argues for ours."""
        return not self.agrees and not self.reason


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _hex(value: int) -> str:
    return f"0x{value:X}"


def _values(name: str, theirs: Reference, ours: Mapping[str, object]) -> Iterator[Comparison]:
    """One comparison for each of our values that the reference has; its hex text is a number."""
    for key, value in ours.items():
        if key not in theirs:
            continue
        other = theirs[key]
        if isinstance(value, int) and isinstance(other, str) and other.startswith("0x"):
            other = int(other, 16)
        yield Comparison(f"{name}: {key}", value, other)


def compare_image(data: bytes, document: Reference) -> list[Comparison]:
    """All values of an image that the reference document also has."""
    own: Reference = document.get("own") or {}
    found, content = recognise_with_content(data)
    out = list(_recognition(found, own))
    if content is not None:
        out += _beken(content, own)
        tool = (document.get("reference") or {}).get("bk7231tools") or {}
        out += _bk7231tools(content, tool)
    if own.get("ug"):
        out += _wrapper(data, own)
    elif own.get("ota"):
        out += _update("update", data, own["ota"])
    if own.get("uf2"):
        out += _uf2(data, own["uf2"])
    if own.get("bl602"):
        out += _bouffalo(data, own["bl602"])
    return out


def _recognition(found: Recognition, own: Reference) -> Iterator[Comparison]:
    guess = own.get("chip_guess")
    # Without code the chip follows from the settings store, which is not read here.
    if guess and found.kind is not ImageKind.SETTINGS_ONLY:
        yield Comparison("chip", found.chips[0] if found.chips else None, guess)
    code = own.get("app") or {}
    if code.get("coefficients"):
        yield Comparison("key set", found.key_class, code["coefficients"])
    if code.get("obk_version"):
        yield Comparison("version", found.version.rpartition(" ")[2], code["obk_version"])
    if "rotated_by" in own:
        rotated = found.kind is ImageKind.ROTATED_DUMP
        yield Comparison("rotated", rotated, bool(own["rotated_by"]))
    for version in (own.get("bootloader") or {}).get("version_strings") or ():
        ours = version if version.strip("_") in found.bootloader_version else ""
        yield Comparison("bootloader version", ours, version)


# --- Beken ----------------------------------------------------------------------------------------


def _beken(content: BekenContent, own: Reference) -> Iterator[Comparison]:
    loader, app = content.bootloader, content.app
    theirs = own.get("bootloader")
    yield Comparison("bootloader present", loader is not None, bool(theirs))
    if loader is not None and theirs:
        prints = {
            "crc32_first256": loader.fingerprint_256,
            "crc32_first257": loader.fingerprint_257,
        }
        yield from _values("bootloader", theirs, prints)
        yield from _code("bootloader", loader.code, theirs, [theirs.get("rbl")])
        yield from _table(loader.table, theirs.get("fal") or [])
    theirs = own.get("app")
    yield Comparison("application present", app is not None, bool(theirs))
    if app is not None and theirs:
        yield from _code("application", app, theirs, theirs.get("rbl") or [])
    yield from _calibration(content, own.get("rf") or [])
    yield from _updates(content, own.get("download") or [])


def _table(table: tuple[FalEntry, ...], theirs: list[Reference]) -> Iterator[Comparison]:
    names = [entry.name for entry in table]
    yield Comparison("partition names", names, [entry.get("name") for entry in theirs])
    for entry, reference in zip(table, theirs, strict=False):
        ours = {
            "table_logical": entry.table_offset,
            "device": entry.device,
            "offset": entry.offset,
            "length": entry.size,
            "crc": str(entry.check),
        }
        yield from _values(f"partition {entry.name}", reference, ours)


def _code(
    name: str, area: CodeArea, theirs: Reference, containers: list[Reference | None]
) -> Iterator[Comparison]:
    ours: dict[str, object] = {
        "valid_packets_from_start": area.check.valid_from_start(),
        "coefficients": area.key_class,
        "phys_offset": area.start,
        "plain_len": area.code_size,
        "body_len": area.code_size,
        "plain_first8": area.plain_head(8).hex(),
        "encrypted_first8": area.stored[:8].hex(),
        "plain_sha256": _sha256(area.plain()),
        "cipher_sha256": _sha256(area.stored[: area.code_size]),
        "marker_0x100": area.marker or None,
    }
    yield from _values(name, theirs, ours)
    listed = [reference for reference in containers if reference]
    yield Comparison(f"{name}: container present", area.container is not None, bool(listed))
    if area.container is None or not listed:
        return
    header = area.container.header
    check = rbl.check_payload(header, area.stored, area.stream, area.logical)
    ours = {
        "name": header.name,
        "version": header.version,
        "timestamp": header.packed_at,
        "body_crc32": header.package_crc,
        "hash": header.payload_hash,
        "size_raw": header.raw_size,
        "size_package": header.package_size,
        "header_phys": area.container.offset,
        "trailing_is_ota_header": check.update_copy,
        "body_crc_ok": check.body_ok,
    }
    judged = [listed[-1][key] for key in listed[-1] if key.startswith("fnv1a_ok")]
    if judged:
        yield Comparison(f"{name} container: hash fits", check.hash_ok, any(judged))
    yield from _values(f"{name} container", listed[-1], ours)


def _calibration(content: BekenContent, theirs: list[Reference]) -> Iterator[Comparison]:
    found = [sector for sector in rf.find(content.flash) if sector.block is not None]
    places = [_hex(sector.span.start) for sector in found]
    yield Comparison("calibration places", places, [entry.get("offset") for entry in theirs])
    for sector, entry in zip(found, theirs, strict=False):
        if sector.block is None:
            continue
        ours = {
            "sector_sha256": _sha256(sector.span.of(content.flash)),
            "payload_len": sector.block.size,
            "mac_oui": sector.block.mac[:3].hex(),
            "mac_sha256": _sha256(sector.block.mac),
            "mac_offset_in_sector": sector.block.mac_offset,
        }
        yield from _values("calibration", entry, ours)
        groups = [(_hex(g.tag), g.size, len(g.items)) for g in sector.block.groups]
        wanted = [(g["tag"], g["length"], len(g["items"])) for g in entry.get("groups") or ()]
        yield Comparison("calibration groups", groups, wanted)


def _updates(content: BekenContent, theirs: list[Reference]) -> Iterator[Comparison]:
    found = [entry for entry in content.headers if not entry.interleaved]
    places = [_hex(entry.offset) for entry in found]
    yield Comparison("updates in flash", places, [entry.get("phys") for entry in theirs])
    for entry, reference in zip(found, theirs, strict=False):
        yield from _update("update in flash", content.flash[entry.offset :], reference)


def _update(name: str, data: bytes, theirs: Reference) -> Iterator[Comparison]:
    try:
        opened = package.unpack(data)
    except GroundwireError:
        yield Comparison(f"{name}: opens", False, bool(theirs.get("hash_ok")))  # noqa: FBT003
        return
    ours = {
        "name": opened.header.name,
        "version": opened.header.version,
        "size_raw": opened.header.raw_size,
        "size_package": opened.header.package_size,
        "body_crc_ok": opened.body_ok,
        "raw_len_ok": opened.size_ok,
        "hash_ok": opened.hash_ok,
        "plain_sha256": _sha256(opened.payload),
        "plain_first8": opened.payload[:8].hex(),
    }
    yield from _values(name, theirs, ours)


def _bk7231tools(content: BekenContent, tool: Reference) -> Iterator[Comparison]:
    """The tool's plain texts: with the container's padding, or what a scan of packets found."""
    hashes = tool.get("decrypted_sha256") or {}
    loader = content.bootloader.code if content.bootloader is not None else None
    for label, theirs in hashes.items():
        area = loader if label.startswith("bootloader") else content.app
        if area is None:
            continue
        payload = area.stored[: area.code_size]
        if "pattern_scan" not in label and area.container is not None:
            header = area.container.header
            pad = header.package_size - header.raw_size
            payload = area.stored[: header.raw_size] + bytes([pad & 0xFF]) * max(pad, 0)
        stream = area.stream or known_stream("zero")
        ours = _sha256(stream.apply(payload, area.logical))
        scrambled = _sha256(known_stream("tuya").apply(payload, area.logical))
        reason = ALWAYS_TUYA if scrambled == theirs != ours else ""
        yield Comparison(f"bk7231tools {label}", ours, theirs, reason)


# --- files that describe themselves ---------------------------------------------------------------


def _wrapper(data: bytes, own: Reference) -> Iterator[Comparison]:
    opened = ug.parse(data)
    ours = {
        "version": opened.version,
        "size": opened.declared_size,
        "header_sum_ok": opened.header_sum_ok,
        "sum_ok": opened.payload_sum_ok,
        "length_ok": opened.size_ok,
    }
    yield from _values("wrapper", own["ug"], ours)
    if own.get("ota"):
        yield from _update("update", opened.payload, own["ota"])


def _uf2(data: bytes, theirs: Reference) -> Iterator[Comparison]:
    opened = uf2.parse(data)
    ours = {
        "blocks": len(opened.blocks),
        "family": opened.family,
        "partitions": {
            part.name: [_hex(part.span.start), _hex(part.span.size)] for part in opened.partitions
        },
    }
    yield from _values("UF2", theirs, ours)
    schemes = {"device": uf2.Scheme.DEVICE_SINGLE, "flasher": uf2.Scheme.FLASHER_SINGLE}
    for who, images in (theirs.get("images") or {}).items():
        parts = {part.name: part for part in opened.extract(schemes[who])}
        yield Comparison(f"UF2 {who} partitions", sorted(parts), sorted(images))
        for name in sorted(set(parts) & set(images)):
            part, image = parts[name], images[name]
            yield Comparison(
                f"UF2 {who} {name}",
                (_hex(part.address or 0), len(part.data), _sha256(part.data)),
                (image["flash_offset"], image["length"], image["sha256"]),
            )


def _bouffalo(data: bytes, theirs: Reference) -> Iterator[Comparison]:
    for entry in theirs.get("headers") or ():
        at = int(entry["offset"], 16)
        header = boot_header.parse(data[at:])
        gap = boot_header.image_start_of(data) if at == 0 else boot_header.IMAGE_GAP
        ours = {
            "rev": header.revision,
            "fc_ok": header.flash_ok,
            "clk_ok": header.clock_ok,
            "crc_ok": header.header_ok,
            "bootcfg": header.boot_word,
            "img_len": header.image_size,
            "entry": header.entry,
            "img_start": header.image_start,
            "hash": header.image_hash.hex(),
            "hash_ok": header.hash_fits(data[at + gap :]),
        }
        yield from _values(f"boot header {_hex(at)}", entry, ours)
    found = partition_table.find(data)
    listed = theirs.get("partition_tables") or []
    places = [_hex(at) for at, _ in found]
    yield Comparison("table places", places, [entry.get("offset") for entry in listed])
    for entry, (at, table) in zip(listed, found, strict=False):
        ours = {"age": table.age, "header_crc_ok": table.head_ok, "entries_crc_ok": table.rows_ok}
        yield from _values(f"table {_hex(at)}", entry, ours)
        for row, reference in zip(table.rows, entry.get("entries") or (), strict=False):
            ours = {
                "name": row.name,
                "type": row.kind,
                "active": row.active,
                "addr0": row.address[0],
                "addr1": row.address[1],
                "len0": row.size[0],
                "len1": row.size[1],
                "image_len": row.length,
            }
            yield from _values(f"table {_hex(at)} {row.name}", reference, ours)
