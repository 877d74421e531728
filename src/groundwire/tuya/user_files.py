"""The small file area that Tuya's SDK keeps beside its store; one file is a copy of the settings.

Measured on 27 dumps: two equal directory sectors behind the network sector, entries of 100 bytes
from offset 16 with a name of 32 bytes, a u32 length and the u16 sector numbers of the file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from groundwire.tuya.parameters import CodeDefault, parse_parameters
from groundwire.tuya.sectors import SECTOR

DIRECTORY_MAGIC = 0x98764321
ENTRY = struct.Struct("<32sI32H")
FIRST_ENTRY = 16
ENTRY_LIMIT = 32
COPY_LIMIT = 32
# Calibration and look-up tables: they belong to the device, not to its owner.
OPEN_FILES = ("oem_cfg", "gamma_cfg", "measure_coe", "user_param_key")


@dataclass(frozen=True, slots=True)
class UserFile:
    """One file: its name and the offsets of its sectors, in order."""

    name: str
    size: int
    sectors: tuple[int, ...]


def directories(flash: bytes) -> list[int]:
    """The offsets of directory sectors."""
    magic = DIRECTORY_MAGIC.to_bytes(4, "little")
    return [at for at in range(0, len(flash) - SECTOR + 1, SECTOR) if flash[at : at + 4] == magic]


def user_files(flash: bytes, directory: int) -> list[UserFile]:
    """The files that a directory lists, whose sectors are inside the dump."""
    files = []
    for number in range(ENTRY_LIMIT):
        name, size, *blocks = ENTRY.unpack_from(
            flash, directory + FIRST_ENTRY + number * ENTRY.size
        )
        text = name.split(b"\0", 1)[0]
        if not text or not all(0x21 <= byte < 0x7F for byte in text):
            break
        needed = min(-(-size // SECTOR), len(blocks))
        sectors = tuple(directory + block * SECTOR for block in blocks[:needed] if 1 < block < 256)
        if sectors and len(sectors) == needed and max(sectors) + SECTOR <= len(flash):
            files.append(UserFile(text.decode("ascii"), size, sectors))
    return files


def kept_sectors(flash: bytes) -> set[int]:
    """Directories and the sectors of files that hold nothing personal."""
    kept = {copy.offset for copy in find_copies(flash)}
    found = directories(flash)
    for directory in found:
        kept.add(directory)
        if directory - SECTOR in found:
            continue  # the second copy: its sector numbers count from the first
        for file in user_files(flash, directory):
            if file.name in OPEN_FILES:
                kept.update(file.sectors)
    return kept


def find_copies(flash: bytes) -> tuple[CodeDefault, ...]:
    """Copies of the pin settings in the clear, each at the start of a sector.

    Those with a right check value come first. They are the device's own, and
    outlive the erasure of the store.
    """
    found: dict[str, CodeDefault] = {}
    for at in range(0, len(flash) - SECTOR + 1, SECTOR):
        if flash[at] != ord("{") or flash[at + 1] == 0xFF:
            continue
        end = flash.find(b"\xff", at, at + 2 * SECTOR)
        text = flash[at : end if end > 0 else at + SECTOR].split(b"\0", 1)[0]
        text = text[: text.rfind(b"}") + 1]
        if not text.isascii() or b"crc:" not in text:
            continue
        if len(found) >= COPY_LIMIT:
            break
        parameters = parse_parameters(text.decode("ascii"))
        if parameters is not None:
            found.setdefault(parameters.text, CodeDefault(at, parameters))
    return tuple(sorted(found.values(), key=lambda item: not item.parameters.check_ok))
