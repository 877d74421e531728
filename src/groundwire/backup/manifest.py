"""The manifest beside a backup: what module it is from and how its bytes were proven."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from groundwire.backup.files import read_input, write_atomically
from groundwire.errors import DamagedImage

FORMAT = 1
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is recorded of a backup. `digests` are hex, one for each 64 KiB block."""

    chip: str
    family: str
    mac: str
    flash_id: str
    flash_size: int
    key_class: str
    bootloader: str
    sha256: str
    digest_name: str
    digests: tuple[str, ...]
    baudrate: int
    tool: str
    made_at: str
    format: int = FORMAT

    def to_json(self) -> bytes:
        """The manifest as it stands on disk."""
        return (json.dumps(dataclasses.asdict(self), indent=2) + "\n").encode()


def manifest_path(backup: Path) -> Path:
    """Where the manifest of a backup lies: beside it, with .json added to its name."""
    return backup.with_name(backup.name + ".json")


def save_backup(path: Path, data: bytes, manifest: Manifest) -> None:
    """Write a proven backup and its manifest; the backup gets its name last."""
    write_atomically(manifest_path(path), manifest.to_json())
    try:
        write_atomically(path, data)
    except BaseException:
        manifest_path(path).unlink(missing_ok=True)
        raise


def load_backup(path: Path) -> tuple[bytes, Manifest | None]:
    """A backup and its manifest, if it has one.

    Raises:
        InputUnreadable: the file cannot be read.
        DamagedImage: the manifest is unreadable, or the bytes are not those it was made for.
    """
    data = read_input(path)
    beside = manifest_path(path)
    if not os.path.lexists(beside):  # Path.exists raises for a name that is too long
        return data, None
    manifest = parse_manifest(read_input(beside, LARGEST), beside.name)
    if hashlib.sha256(data).hexdigest() != manifest.sha256:
        raise DamagedImage(name=path.name, finding="its bytes are not those of its manifest")
    return data, manifest


def parse_manifest(raw: bytes, name: str) -> Manifest:
    """A manifest from its text.

    Raises:
        DamagedImage: it is not one.
    """
    try:
        values = json.loads(raw)
        fields = dataclasses.fields(Manifest)
        return Manifest(**{field.name: _checked(field, values) for field in fields})
    except (ValueError, TypeError, LookupError, RecursionError) as error:
        raise DamagedImage(name=name, finding="it is no manifest of a backup") from error


def _checked(field: dataclasses.Field[Any], values: dict[str, Any]) -> Any:
    """The value of a field; TypeError, ValueError or LookupError where it is none."""
    value = values[field.name]
    if field.name == "digests":
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise TypeError(field.name)
        return tuple(value)
    if type(value) is not {"str": str, "int": int}[str(field.type)]:
        raise TypeError(field.name)
    return value
