"""Files that are whole or absent: written beside their name, flushed, then renamed."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from groundwire.errors import InputUnreadable, OutputUnwritable

PRIVATE = 0o600
LARGEST_INPUT = 64 << 20
TEMPORARY = ".groundwire-"  # short, so that every name that the disk takes can be written


def _check_free(path: Path) -> None:
    try:
        taken = path.lstat() is not None
    except FileNotFoundError:
        return
    except (OSError, ValueError) as error:
        raise OutputUnwritable(path=str(path), reason=_reason(error)) from error
    if taken:
        raise OutputUnwritable(path=str(path), reason="a file of that name exists already")


def _reason(error: OSError | ValueError) -> str:
    """Why the system refused; ValueError means a name that no file system can hold."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def write_atomically(path: Path, data: bytes, *, replace: bool = False) -> None:
    """Write a file that never bears its name before it is complete, readable by its owner only.

    Raises:
        OutputUnwritable: the folder or disk does not take it, or the name is taken.
    """
    if not replace:
        _check_free(path)
    temporary = ""
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY, suffix=".part")
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), PRIVATE)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
        _sync_folder(path.parent)
    except (OSError, ValueError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise OutputUnwritable(path=str(path), reason=_reason(error)) from error


def check_writable(path: Path, size: int) -> None:
    """Find out before a long job whether its result can be written.

    Raises:
        OutputUnwritable: the name is taken, the folder is missing or closed, or the disk is full.
    """
    _check_free(path)
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=TEMPORARY) as file:
            os.posix_fallocate(file.fileno(), 0, max(size, 1))
    except (OSError, ValueError) as error:
        raise OutputUnwritable(path=str(path), reason=_reason(error)) from error


def make_folder(path: Path) -> None:
    """Create a folder for results, readable by its owner only."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, ValueError) as error:
        raise OutputUnwritable(path=str(path), reason=_reason(error)) from error


def read_input(path: Path, limit: int = LARGEST_INPUT) -> bytes:
    """The bytes of a file that the user named.

    Raises:
        InputUnreadable: it is missing, forbidden, a folder, or larger than any flash image.
    """
    try:
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        raise InputUnreadable(path=str(path), reason=_reason(error)) from error
    if len(data) > limit:
        raise InputUnreadable(path=str(path), reason="larger than any flash image")
    return data


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
