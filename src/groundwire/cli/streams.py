"""Standard output and error that survive a closed pipe, a full disk and odd text."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final, TextIO

LONGEST: Final = 4000
# Marks that change the direction of text, or hide it: a name from a module could fake a message.
HIDDEN: Final = frozenset(
    [*range(0x200B, 0x2010), *range(0x202A, 0x202F), *range(0x2060, 0x206A), 0xFEFF]
)


def clean(text: str, limit: int = LONGEST) -> str:
    """Text from a module or a file as it may be shown: no control characters, bounded."""
    if len(text) > limit:
        text = f"{text[:limit]}… ({len(text) - limit} more characters)"
    return "".join(char if _is_plain(char) else _escaped(char) for char in text)


def _is_plain(char: str) -> bool:
    code = ord(char)
    if char == "\n":
        return True
    return 0x20 <= code < 0x7F or (code >= 0xA0 and code not in HIDDEN and not _is_half(code))


def _is_half(code: int) -> bool:
    return 0xD800 <= code < 0xE000


def _escaped(char: str) -> str:
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


@dataclass(slots=True)
class _Broken:
    """Why standard output no longer takes anything, if so. A run has one standard output."""

    reason: str = ""
    is_pipe: bool = False


_broken = _Broken()


def prepare_streams() -> None:
    """Text that the terminal's encoding lacks is escaped instead of failing."""
    _broken.reason, _broken.is_pipe = "", False
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")


def put(text: str) -> None:
    """A line to standard output. Where nobody reads it any more, the job goes on without."""
    if _broken.reason:
        return
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        note_broken(error)


def note(text: str) -> None:
    """A line to standard error, as far as it goes."""
    try:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()
    except (OSError, ValueError):
        _silence(sys.stderr)


def note_broken(error: Exception) -> None:
    """Remember that standard output is gone, and keep the interpreter from trying again."""
    _broken.reason = getattr(error, "strerror", None) or str(error)
    _broken.is_pipe = isinstance(error, BrokenPipeError)
    _silence(sys.stdout)


def _silence(stream: TextIO) -> None:
    try:
        handle = os.open(os.devnull, os.O_WRONLY)
        os.dup2(handle, stream.fileno())
        os.close(handle)
    except (OSError, ValueError):
        return  # the stream has no file behind it, so nothing will be flushed to one


def finish_streams(exit_code: int, *, is_json: bool) -> int:
    """Flush, and turn a lost result into a failure.

    A reader that stopped reading (`| head`) got what it wanted. A full disk did not: the job may
    be done, but the one who asked does not have the answer.
    """
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        note_broken(error)
    if _broken.reason and not _broken.is_pipe and exit_code == 0:
        from groundwire.errors import OutputUnwritable  # noqa: PLC0415 - rarely needed

        lost = OutputUnwritable(path="standard output", reason=_broken.reason)
        note(lost.what if is_json else str(lost))
        return int(lost.exit_code)
    return exit_code
