"""Bytes in any chunking to timed lines, in bounded memory.

A module's log reaches us as a serial port delivers it or as somebody pasted it into a forum: with
CR, CR LF or CR CR LF, colours, NULs from a supply coming up, timestamps of a terminal program in
front of each line, broken UTF-8, or one line without an end. All of it becomes `Line` values.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_LINE_BYTES = 1024
SHOWN_CHARS = 200
DAMAGED = "\ufffd"

_ANSI = re.compile(
    rb"\x1b(?:\[[0-9;?]{0,32}[ -/]?[@-~]|\][^\x07\x1b]{0,128}(?:\x07|\x1b\\)|[@-Z\\^_])"
)
_NULS = re.compile(rb"\x00{2,}")  # what a receiver makes of a supply that comes up
_UNCOMMON = re.compile(rb"[^\t -%'-~]")  # not plain text, or an ampersand
_LINE_END = re.compile(rb"[\r\n]")
_SPACES = re.compile(r"[ \t\u00a0\u2007\u202f]+")
_TIME = r"(?P<h>\d{1,2})[:.h](?P<m>\d{2})[:.](?P<s>\d{2}(?:[.,:]\d{1,6})?)(?!\d)"
_STAMP = re.compile(
    r"^[\[(<|> ]{0,3}(?:[\w.,/\-]{1,12} ){0,5}?(?:\d{4}-\d\d-\d\dT)?"
    + _TIME
    + r"(?:\s?[AaPp]\.?[Mm]\.?)?Z?[\])>|]{0,2}(?!\s?(?:TUYA|ty)\b)\s*(?:[-=]{1,2}>|[>|:])?\s*"
)
_ORNAMENT = re.compile(r"^(?:[>|]\s?){1,4}|^(?:RX|TX|<-|<<|->)[:>]?(?:\s+|$)")
_SECONDS_STAMP = re.compile(r"^\[\s{0,8}(?P<s>\d{1,9}\.\d{1,6})\]\s*")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|nbsp|#39);")
_TYPOGRAPHY = str.maketrans(
    {
        "\N{HORIZONTAL ELLIPSIS}": "...",
        "\N{RIGHT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT SINGLE QUOTATION MARK}": "'",
        "\N{LEFT DOUBLE QUOTATION MARK}": '"',
        "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
        "\N{EN DASH}": "-",
        "\N{ZERO WIDTH NO-BREAK SPACE}": None,
    }
)  # what forum software makes of plain characters
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufff9-\ufffc]"
)


def escape(text: str, limit: int = SHOWN_CHARS) -> str:
    """Text from outside, safe for a screen: control and direction characters become escapes."""
    shown = _UNPRINTABLE.sub(_as_escape, text[:limit])
    return shown + ("..." if len(text) > limit else "")


def _as_escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


@dataclass(frozen=True, slots=True)
class Line:
    """One line as the rules read it.

    `number` counts line feeds from 1, as an editor does; `offset` is the first byte in the stream.
    `text` has no colours, no control characters, no host timestamp and single spaces only; what
    the line damaged reads U+FFFD in it and is counted in `damaged`. `ended` is False for the last
    piece of the stream and for pieces of a line longer than `MAX_LINE_BYTES`.
    """

    number: int
    offset: int
    at_s: float | None
    text: str
    damaged: int = 0
    ended: bool = True

    @property
    def shown(self) -> str:
        """The text, escaped and shortened for a screen."""
        return escape(self.text)


def strip_stamp(text: str) -> tuple[str, float | None]:
    """Take the timestamp of a terminal program off the front; seconds of the day, or None."""
    text = _ORNAMENT.sub("", text)
    if (match := _STAMP.match(text)) is not None:
        seconds = float(match["s"].replace(",", ".").replace(":", "."))
        rest = _ORNAMENT.sub("", text[match.end() :])
        return rest, int(match["h"]) * 3600 + int(match["m"]) * 60 + seconds
    if (match := _SECONDS_STAMP.match(text)) is not None:
        return _ORNAMENT.sub("", text[match.end() :]), float(match["s"])
    return text, None


def clean(raw: bytes) -> tuple[str, int]:
    """The text of one line without its end, and how many of its bytes no text would hold."""
    if not _UNCOMMON.search(raw):
        return _SPACES.sub(" ", raw.decode("ascii")).strip(" "), 0
    raw = _NULS.sub(b"", _ANSI.sub(b"", raw)).strip(b"\x00")
    decoded = raw.decode("utf-8", errors="replace")
    damaged = decoded.count(DAMAGED)
    text = "".join(
        DAMAGED if (char < " " and char != "\t") or char == "\x7f" else char for char in decoded
    )
    damaged = text.count(DAMAGED) if text != decoded else damaged
    text = text.translate(_TYPOGRAPHY)
    if "&" in text:
        text = _ENTITY.sub(lambda match: html.unescape(match[0]), text)
    return _SPACES.sub(" ", text).strip(" "), damaged


class LineSplitter:
    """Feeds on bytes, gives lines. Memory is bounded whatever arrives; blank lines are dropped."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._held_at_s: float | None = None
        self._held_offset = 0
        self._number = 1
        self._offset = 0
        self._first_bytes: bytes | None = b""
        self._utf16: codecs.IncrementalDecoder | None = None

    def feed(self, data: bytes, at_s: float | None = None) -> Iterator[Line]:
        """The lines that end within `data`; `at_s` is when it arrived."""
        data = self._as_utf8(data)
        if not data:
            return
        start = 0
        for match in _LINE_END.finditer(data):
            yield from self._take(data[start : match.start()], at_s, self._offset + start)
            yield from self._flush(ended=True)
            if match[0] == b"\n":
                self._number += 1
            start = match.end()
        yield from self._take(data[start:], at_s, self._offset + start)
        self._offset += len(data)

    @property
    def pending(self) -> str:
        """The text of the line that has not ended yet."""
        return clean(bytes(self._held))[0] if self._held else ""

    def finish(self) -> Iterator[Line]:
        """What is left when the stream ends."""
        if self._first_bytes:
            first, self._first_bytes = self._first_bytes, None
            yield from self.feed(first)
        yield from self._flush(ended=False)

    def _as_utf8(self, data: bytes) -> bytes:
        """Windows shells save redirected output as UTF-16; the first two bytes tell."""
        if self._first_bytes is not None:
            data = self._first_bytes + data
            if len(data) < 2:
                self._first_bytes = data
                return b""
            self._first_bytes = None
            if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                self._utf16 = codecs.getincrementaldecoder("utf-16")("replace")
        if self._utf16 is None:
            return data
        return self._utf16.decode(data).encode("utf-8", "replace")

    def _take(self, piece: bytes, at_s: float | None, offset: int) -> Iterator[Line]:
        while piece:
            if not self._held:
                self._held_at_s, self._held_offset = at_s, offset
            room = MAX_LINE_BYTES - len(self._held)
            self._held += piece[:room]
            offset += room
            piece = piece[room:]
            if len(self._held) >= MAX_LINE_BYTES:
                yield from self._flush(ended=False)

    def _flush(self, *, ended: bool) -> Iterator[Line]:
        if not self._held:
            return
        raw = bytes(self._held)
        self._held.clear()
        text, damaged = clean(raw)
        text, stamp_s = strip_stamp(text)
        if text or damaged:
            at_s = self._held_at_s if self._held_at_s is not None else stamp_s
            yield Line(self._number, self._held_offset, at_s, text, damaged, ended)
