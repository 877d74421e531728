"""The journal of a write: every act is on disk before it is carried out.

After a power cut the journal tells that a job is unfinished, with which image and which backup.
What the flash really holds is asked of the chip again: the journal is a pointer, not a proof.
"""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path

from groundwire.backup.files import PRIVATE, read_input
from groundwire.errors import OutputUnwritable
from groundwire.quantities import Span

LARGEST = 8 << 20


@dataclass(frozen=True, slots=True)
class JournalHead:
    """What the job is: the same image for the same module continues it."""

    image_sha256: str
    after_sha256: str
    chip: str
    mac: str
    flash_id: str
    backup: str
    total_sectors: int


class Journal:
    """An open journal; every line is flushed to the disk before `note_…` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, PRIVATE)
            size = os.lseek(handle, 0, os.SEEK_END)
            is_torn = size > 0 and os.pread(handle, 1, size - 1) != b"\n"
        except OSError as error:
            raise self._unwritable(error) from error
        self._handle = handle
        if is_torn:
            self._write(b"\n")  # a torn line must not swallow the next one

    def _unwritable(self, error: OSError) -> OutputUnwritable:
        return OutputUnwritable(path=str(self._path), reason=error.strerror or str(error))

    def _append(self, row: dict[str, object]) -> None:
        self._write((json.dumps(row) + "\n").encode())

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._handle, data) :]  # a disk that fills up takes a part
            os.fsync(self._handle)
        except OSError as error:
            raise self._unwritable(error) from error

    def note_head(self, head: JournalHead) -> None:
        """The job begins."""
        self._append({"job": "write", **dataclasses.asdict(head)})

    def note_erase(self, span: Span) -> None:
        """A span is about to be erased."""
        self._append({"erase": [span.start, span.size]})

    def note_program(self, addresses: tuple[int, ...]) -> None:
        """Sectors are about to be programmed."""
        self._append({"program": list(addresses)})

    def note_done(self) -> None:
        """The whole flash was proven to be as planned."""
        self._append({"done": True})

    def close(self) -> None:
        """Close the file."""
        os.close(self._handle)


def read_journal(path: Path) -> tuple[JournalHead | None, bool]:
    """The head of a journal and whether the job was finished; a torn last line is ignored."""
    head: JournalHead | None = None
    done = False
    for line in read_input(path, LARGEST).splitlines():
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            continue
        if not isinstance(row, dict):
            continue
        if row.get("job") == "write":
            head = _head(row)
        done = done or row.get("done") is True
    return head, done


def _head(row: dict[str, object]) -> JournalHead | None:
    texts = [row.get(key) for key in ("image_sha256", "after_sha256", "chip", "mac", "flash_id")]
    backup, total = row.get("backup"), row.get("total_sectors")
    if not all(isinstance(text, str) for text in [*texts, backup]) or not isinstance(total, int):
        return None
    image, after, chip, mac, flash_id = (str(text) for text in texts)
    return JournalHead(image, after, chip, mac, flash_id, str(backup), total)
