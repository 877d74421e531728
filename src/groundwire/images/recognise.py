"""What a file is, by its content alone: never by its name."""

from __future__ import annotations

import re

from groundwire.evidence import Evidence
from groundwire.images import containers
from groundwire.images.beken import identify
from groundwire.images.beken.cipher import find_stream
from groundwire.images.beken.content import BekenContent, read_content
from groundwire.images.kinds import IMAGE_MAX, ImageKind, Problem, Recognition
from groundwire.quantities import Span, size_text

__all__ = ["ImageKind", "Problem", "Recognition", "recognise", "recognise_with_content"]

_SECTOR = 4096
_LITTLEFS = b"littlefs"
_CONFIG = b"CFG"
_CALIBRATION = b"TLV\0"


def recognise(data: bytes) -> Recognition:
    """What a file is, with the evidence and everything that is wrong with it. Never raises.

    A file of 2 MiB takes some 10 ms. A damaged file is still named for what it was meant to be;
    `problems` then says where it is damaged.
    """
    return recognise_with_content(data)[0]


def recognise_with_content(data: bytes) -> tuple[Recognition, BekenContent | None]:
    """The same, together with the Beken code that was read on the way, where there is some."""
    simple = _without_content(data) or containers.recognise_container(data)
    if simple is not None:
        return simple, None
    beken = read_content(data)
    if beken is not None:
        return identify.identify(beken), beken
    return containers.recognise_plain(data) or _settings_only(data) or _unknown(data), None


def _unknown_because(data: bytes, text: str) -> Recognition:
    return Recognition(ImageKind.UNKNOWN, problems=(Problem(Span(0, len(data)), text),))


def _without_content(data: bytes) -> Recognition | None:
    if not data:
        return _unknown_because(data, "the file is empty")
    if len(data) > IMAGE_MAX:
        return _unknown_because(data, f"{size_text(len(data))} is larger than any flash image")
    first = data[0]
    if data.count(first) < len(data):
        return None
    if first == 0xFF:
        whole = Problem(Span(0, len(data)), "every byte is 0xFF: the flash was erased")
        return Recognition(ImageKind.ERASED, problems=(whole,))
    return _unknown_because(data, f"every byte is 0x{first:02X}: the flash did not answer")


def _settings_evidence(data: bytes) -> list[Evidence]:
    """Signs of settings stores at the starts of sectors."""
    found: list[Evidence] = []
    for name, magic, skip in (
        ("OpenBeken configuration", _CONFIG, 0),
        ("radio calibration", _CALIBRATION, 0),
        ("LittleFS", _LITTLEFS, 8),
    ):
        for match in re.finditer(re.escape(magic), data):
            offset = match.start() - skip
            if offset >= 0 and offset % _SECTOR == 0:
                found.append(Evidence(name, str(Span(offset, _SECTOR)), "magic of a sector"))
                break
    for offset in range(0, len(data) - _SECTOR + 1, _SECTOR):
        # A short record, filled up with 0xFF and enciphered block by block, repeats one block.
        tail = data[offset + 32 : offset + _SECTOR]
        head = data[offset : offset + 16]
        if tail[16:] == tail[:-16] and head != tail[:16] and len(set(tail[:16])) > 8:
            where = str(Span(offset, _SECTOR))
            found.append(Evidence("Tuya key sector", where, "one enciphered block repeats"))
            break
    return found


def _settings_only(data: bytes) -> Recognition | None:
    evidence = _settings_evidence(data)
    if not evidence:
        return None
    config = data.startswith(_CONFIG) and len(data) <= 2 * _SECTOR
    kind = ImageKind.OBK_CONFIG if config else ImageKind.SETTINGS_ONLY
    note = Evidence("code", "none", "no bootloader and no application in the file")
    return Recognition(kind, evidence=(*evidence, note))


def _unknown(data: bytes) -> Recognition:
    if len(data) >= 32 and find_stream(data, 0x10000) is not None:
        return _unknown_because(data, "enciphered code without checksums: no form that boots")
    return _unknown_because(data, "no code, container or settings store of a known kind in it")
