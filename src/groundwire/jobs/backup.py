"""The backup job: the whole flash, every byte proven, checked for sense, on disk or not at all."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from groundwire._version import __version__
from groundwire.backup.files import check_writable
from groundwire.backup.manifest import Manifest, manifest_path, save_backup
from groundwire.chips.family import Identity
from groundwire.errors import BackupUnusable
from groundwire.events import Phase
from groundwire.jobs.read import BLOCK, read_proven
from groundwire.jobs.session import Session
from groundwire.quantities import Span, size_text

SMALLEST_PERIOD: Final = 1
MANIFEST_ROOM: Final = 64 * 1024


@dataclass(frozen=True)
class Backup:
    """A proven backup in memory, and where it was written, if it was."""

    data: bytes
    manifest: Manifest
    path: Path | None = None


def repeating_unit(data: bytes) -> int | None:
    """The length of the shortest power-of-two pattern that the data repeats, if it does."""
    period = SMALLEST_PERIOD
    while period * 2 <= len(data):
        if data[period : period * 2] == data[:period] and data[period:] == data[:-period]:
            return period
        period *= 2
    return None


def check_sense(data: bytes) -> None:
    """Refuse what cannot be the content of a working flash.

    Raises:
        BackupUnusable: all bytes are equal, or the content repeats itself.
    """
    period = repeating_unit(data)
    if period is None:
        return
    if period == 1:
        meaning = {0x00: "the flash does not answer", 0xFF: "the flash is erased"}
        finding = f"every byte is 0x{data[0]:02X}"
        raise BackupUnusable(finding=f"{finding}, {meaning.get(data[0], 'a line is stuck')}")
    check_size(data)


def check_size(data: bytes) -> None:
    """Refuse the content of a flash whose addresses wrap: a write would hit its bootloader.

    Raises:
        BackupUnusable: the content repeats itself.
    """
    period = repeating_unit(data)
    if period is not None and period > 1:
        finding = f"the content repeats every {size_text(period)}"
        raise BackupUnusable(finding=f"{finding}: the flash is smaller than it seems")


def read_whole(session: Session) -> bytes:
    """The whole flash of the linked module, proven."""
    session.tell(Phase("backup", "reading and proving the whole flash"))
    return read_proven(session, Span(0, session.require_flash()), "backup")


def make_manifest(session: Session, data: bytes) -> Manifest:
    """The manifest for what was just read from the linked module."""
    identity = session.identity
    flasher = session.flasher
    digests = (flasher.digest_of(block.of(data)).hex() for block in Span(0, len(data)).units(BLOCK))
    return Manifest(
        chip=identity.chip,
        family=identity.family,
        mac=identity.mac,
        flash_id=identity.flash_id,
        flash_size=identity.flash_size,
        key_class=identity.key_class,
        bootloader=identity.bootloader,
        sha256=hashlib.sha256(data).hexdigest(),
        digest_name=flasher.digest_name,
        digests=tuple(digests),
        baudrate=flasher.rate,
        tool=f"groundwire {__version__}",
        made_at=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def backup_name(identity: Identity, at: datetime.datetime) -> str:
    """A file name that says what it is: chip, MAC and time."""
    mac = identity.mac.replace(":", "").lower() or "no-mac"
    return f"{identity.chip.lower()}-{mac}-{at:%Y%m%d-%H%M%S}"


def take_backup(session: Session, path: Path) -> Backup:
    """Back the linked module up to a file.

    Raises:
        OutputUnwritable: before anything is read, if the place cannot take it.
        BackupUnusable: what was read cannot be the content of a working flash.
    """
    size = session.require_flash()
    check_writable(path, size + MANIFEST_ROOM)
    check_writable(manifest_path(path), MANIFEST_ROOM)
    data = read_whole(session)
    check_sense(data)
    manifest = make_manifest(session, data)
    session.while_linked(lambda: save_backup(path, data, manifest))
    return Backup(data, manifest, path)
