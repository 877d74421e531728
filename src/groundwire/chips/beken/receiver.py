"""The chip's side of framing: cuts commands out of what its UART receives, faults included.

The two parsers differ where the real ones do. A loader does not look again at the byte that broke
a header, so `01 01 E0 FC` is lost on it, while a boot ROM takes a repeated 01. A loader programs
flash while a write command is still arriving; a boot ROM collects the whole frame first.
"""

# Ref: PROTOCOL.md, sections "Frames" and "What the parsers do with damage"

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

from groundwire.chips.beken.codec import COMMAND_HEAD, LONG_MARK, U16, U32
from groundwire.chips.beken.messages import LongOp

LENGTH_AT: Final = len(COMMAND_HEAD)
CODE_AT: Final = LENGTH_AT + 1
LONG_BODY_AT: Final = CODE_AT + 3  # behind the 16-bit length
SHORTEST_FRAME: Final = CODE_AT + 1
STREAM_PAGE: Final = 256
STREAM_HEAD: Final = 5  # opcode and address, then the data streams
STREAMED_OPS: Final = (LongOp.FLASH_WRITE, LongOp.WRITE_4K)


@dataclass(frozen=True, slots=True)
class Frame:
    """A command that is complete by its own length; nothing is checked beyond that."""

    code: int
    payload: bytes
    is_long: bool


@dataclass(frozen=True, slots=True)
class StreamedData:
    """Part of a write command's data, handed over while the command is still arriving.

    `start` is the command's own address, `done` how many bytes came before these; `ends` marks the
    last part.
    """

    op: int
    start: int
    done: int
    data: bytes
    ends: bool

    @property
    def address(self) -> int:
        """Where these bytes go."""
        return self.start + self.done

    @property
    def total(self) -> int:
        """How many bytes the command has brought so far."""
        return self.done + len(self.data)


Heard = Frame | StreamedData


@dataclass(slots=True)
class _Stream:
    op: int
    start: int
    declared: int
    page: bytearray
    done: int = 0

    @property
    def ends(self) -> bool:
        """Whether the real loop ever ends: Write4K only counts whole pages, and only after one."""
        if self.op == LongOp.FLASH_WRITE:
            return True
        return self.declared > 0 and self.declared % STREAM_PAGE == 0

    @property
    def wants(self) -> int:
        """Bytes missing to the end of the page, or of the command if that comes first."""
        missing = STREAM_PAGE - len(self.page)
        if self.ends:
            missing = min(missing, self.declared - self.done - len(self.page))
        return missing


@dataclass(slots=True)
class Coming:
    """Bytes on their way to the receiver: the first comes at `first_s`, then every `byte_s`."""

    data: bytes
    first_s: float
    byte_s: float

    def count_until(self, limit_s: float, *, inclusive: bool) -> int:
        """How many of them arrive up to a time."""
        if self.byte_s <= 0 or limit_s == math.inf:
            return len(self.data)
        steps = (limit_s - self.first_s) / self.byte_s
        count = math.floor(steps) + 1 if inclusive else math.ceil(steps)
        return min(max(count, 0), len(self.data))

    def time_of(self, index: int) -> float:
        """When the byte with this index arrives."""
        return self.first_s + index * self.byte_s

    def drop(self, count: int) -> None:
        """Take the first bytes away."""
        self.data = self.data[count:]
        self.first_s += count * self.byte_s


class Receiver:
    """Takes bytes in any chunking and stops behind each thing it has heard."""

    def __init__(self, *, takes_repeated_01: bool, streams_writes: bool) -> None:
        self._takes_repeated_01 = takes_repeated_01
        self._streams_writes = streams_writes
        self._frame = bytearray()
        self._stream: _Stream | None = None

    def reset(self) -> None:
        """Forget what has come of a frame."""
        self._frame.clear()
        self._stream = None

    @property
    def between_frames(self) -> bool:
        """Whether no frame is open: at most a part of the header has come."""
        return len(self._frame) <= LENGTH_AT and self._stream is None

    @property
    def partial(self) -> bytes:
        """What has come of the open frame, header included."""
        return bytes(self._frame)

    @property
    def wants(self) -> int:
        """The least number of bytes after which something can have been heard."""
        if self._stream is not None:
            return max(self._stream.wants, 1)
        if len(self._frame) <= LENGTH_AT:
            return SHORTEST_FRAME - len(self._frame)
        return max(self._target() - len(self._frame), 1)

    def take(self, data: bytes | bytearray) -> tuple[int, Heard | None]:
        """Consume bytes up to the first thing heard; how many, and what it was."""
        at = 0
        while at < len(data):
            if self._stream is not None:
                at, heard = self._fill_page(self._stream, data, at)
            elif len(self._frame) < LENGTH_AT:
                at, heard = self._match_header(data, at), None
            else:
                at, heard = self._fill_frame(data, at)
            if heard is not None:
                return at, heard
        return at, None

    def _match_header(self, data: bytes | bytearray, at: int) -> int:
        if not self._frame:
            found = data.find(COMMAND_HEAD[:1], at)
            if found < 0:
                return len(data)
            at = found
        byte = data[at]
        if byte == COMMAND_HEAD[len(self._frame)]:
            self._frame.append(byte)
        else:
            self._frame.clear()
            if self._takes_repeated_01 and byte == COMMAND_HEAD[0]:
                self._frame.append(byte)
        return at + 1

    def _target(self) -> int:
        """The frame's size as far as its head tells; 0 where its length is 0."""
        held = self._frame
        if len(held) <= LENGTH_AT:
            return CODE_AT
        length = held[LENGTH_AT]
        if length == LONG_MARK[0]:
            if len(held) <= CODE_AT:
                return CODE_AT + 1
            if self._is_long:
                return self._long_target()
        return CODE_AT + length if length else 0

    def _long_target(self) -> int:
        held = self._frame
        if len(held) < LONG_BODY_AT:
            return LONG_BODY_AT
        (length,) = U16.unpack_from(held, CODE_AT + 1)
        if not self._streams_writes or length < STREAM_HEAD:
            return LONG_BODY_AT + int(length) if length else 0
        if len(held) == LONG_BODY_AT:
            return LONG_BODY_AT + 1
        streams = held[LONG_BODY_AT] in STREAMED_OPS
        return LONG_BODY_AT + (STREAM_HEAD if streams else int(length))

    @property
    def _is_long(self) -> bool:
        return self._frame[LENGTH_AT : CODE_AT + 1] == LONG_MARK

    def _fill_frame(self, data: bytes | bytearray, at: int) -> tuple[int, Heard | None]:
        count = min(self._target() - len(self._frame), len(data) - at)
        self._frame += data[at : at + count]
        at += count
        target = self._target()
        if target == 0:
            self._frame.clear()
        if target == 0 or len(self._frame) < target:
            return at, None
        return at, self._finish()

    def _finish(self) -> Heard | None:
        held = bytes(self._frame)
        if not self._is_long:
            self._frame.clear()
            return Frame(held[CODE_AT], held[CODE_AT + 1 :], is_long=False)
        op = held[LONG_BODY_AT]
        (length,) = U16.unpack_from(held, CODE_AT + 1)
        if not self._streams_writes or op not in STREAMED_OPS or length < STREAM_HEAD:
            self._frame.clear()
            return Frame(op, held[LONG_BODY_AT + 1 :], is_long=True)
        (address,) = U32.unpack_from(held, LONG_BODY_AT + 1)
        stream = _Stream(op, int(address), int(length) - STREAM_HEAD, bytearray())
        if stream.ends and stream.declared == 0:
            self._frame.clear()
            return StreamedData(op, stream.start, 0, b"", ends=True)
        self._stream = stream
        return None

    def _fill_page(
        self, stream: _Stream, data: bytes | bytearray, at: int
    ) -> tuple[int, Heard | None]:
        wants = stream.wants
        part = data[at : at + wants]
        stream.page += part
        at += len(part)
        if len(part) < wants:
            return at, None
        page, done = bytes(stream.page), stream.done
        stream.done += len(page)
        stream.page.clear()
        ends = stream.ends and stream.done >= stream.declared
        if ends:
            self.reset()
        return at, StreamedData(stream.op, stream.start, done, page, ends=ends)
