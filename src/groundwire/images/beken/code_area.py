"""One code partition of a Beken flash: its packets, its container, its cipher and its extent."""

from __future__ import annotations

from dataclasses import dataclass

from groundwire.images.beken import crc_blocks, rbl
from groundwire.images.beken.cipher import KeyStream, find_stream
from groundwire.images.beken.crc_blocks import DATA_SIZE, PACKET_SIZE, PacketCheck, PacketState
from groundwire.quantities import Span, merge_spans

Buffer = bytes | bytearray | memoryview

BOOTLOADER_SPAN = Span(0, 0x11000)
APP_START = 0x11000
APP_LOGICAL = 0x10000
MARKER_OFFSET = 0x100
MARKERS = (b"BK7231\0\0", b"BK7238\0\0")
_SECTOR = 4096
_HEADERS_MAX = 16  # each is compared with the whole code


@dataclass(frozen=True, slots=True, eq=False)
class CodeArea:
    """A bootloader or an application as it lies in flash. Spans are flash addresses.

    `used` reaches from the first packet to the end of the code; `damaged` are the ranges inside
    it whose packets are not valid. `container` is the header at the end, `container_ok` whether
    it describes this code (None: a header that only the slow hash could tell).
    """

    start: int
    logical: int
    check: PacketCheck
    stored: bytes
    stream: KeyStream | None
    used: Span
    damaged: tuple[Span, ...]
    container: rbl.FoundHeader | None
    container_ok: bool | None

    @property
    def key_class(self) -> str:
        """The name of the key set, "other" for a recovered one, "" where none deciphers it."""
        return self.stream.name if self.stream is not None else ""

    @property
    def code_size(self) -> int:
        """The bytes of code, checksums not counted."""
        return self.used.size // PACKET_SIZE * DATA_SIZE

    @property
    def end(self) -> int:
        """The end of all that belongs to it, its container's header included."""
        return max(self.used.end, self.container.end if self.container is not None else 0)

    @property
    def marker(self) -> str:
        """The chip family's name that the packer leaves in the code, or ""."""
        return marker_of(self.plain_head(MARKER_OFFSET + 8)) or marker_of(self.stored)

    def plain_head(self, size: int) -> bytes:
        """The first bytes of the code, deciphered."""
        return self._deciphered(self.stored[:size])

    def plain(self) -> bytes:
        """The whole code, deciphered."""
        return self._deciphered(self.stored[: self.code_size])

    def _deciphered(self, stored: bytes) -> bytes:
        return self.stream.apply(stored, self.logical) if self.stream is not None else stored


def marker_of(code: Buffer) -> str:
    """The chip family's name at its fixed place in plain code, or ""."""
    found = bytes(code[MARKER_OFFSET : MARKER_OFFSET + 8])
    return found.rstrip(b"\0").decode("ascii") if found in MARKERS else ""


def _is_lost_sector(run: Span) -> bool:
    """Whether an erased run is whole sectors in the middle of code, and no end of it."""
    return run.start % _SECTOR == 0 and -run.end % _SECTOR < PACKET_SIZE and run.size >= _SECTOR / 2


def _end_by_scan(check: PacketCheck) -> int:
    """How many packets the code takes, judged by the packets alone.

    Code ends where a valid packet is followed by erased ones: packers leave no erased packet
    inside. What lies further on is the container's header, or the rest of an older firmware.
    """
    used = check.used()
    if used is None:
        return 0
    for run in check.runs(PacketState.ERASED, 0, used[1]):
        first = (run.start - check.start) // PACKET_SIZE
        if not first or check.states[first - 1] != PacketState.VALID:
            continue
        if not _is_lost_sector(run):
            return first
    return used[1]


def _describes(header: rbl.RblHeader, check: PacketCheck, stored: bytes) -> bool | None:
    """Whether a container's header fits the code before it."""
    packets = -(-header.payload_size // DATA_SIZE)
    if not 0 < packets <= len(check):
        return False
    if header.is_stored_plainly:
        found = rbl.check_body(header, stored)
        return found if found is not None else _ends_here(check, packets)
    return None if _ends_here(check, packets) else False


def _ends_here(check: PacketCheck, packets: int) -> bool:
    whole = bool((check.states[:packets] == PacketState.VALID).all())
    return whole and (packets == len(check) or check.states[packets] != PacketState.VALID)


def _used_packets(header: rbl.RblHeader, seen: int, there: int, *, fits: bool | None) -> int:
    """How many packets the code should have, by its container and by what was seen.

    A container that does not fit and claims more than there is tells of a lost end; one that
    claims less was left behind by an older and shorter application.
    """
    claimed = -(-header.payload_size // DATA_SIZE)
    if fits is not False:
        return claimed
    return min(claimed, there) if claimed > seen else seen


def read_code(
    data: Buffer,
    start: int,
    logical: int,
    headers: tuple[rbl.FoundHeader, ...],
) -> CodeArea | None:
    """The code in `data`, which begins at the flash address `start`; None where there is none.

    `headers` are the interleaved containers that may belong to it, offsets being flash addresses.
    """
    check = crc_blocks.check(data, start)
    stored = crc_blocks.strip(data)
    stream = find_stream(stored, logical)
    if stream is None and check.used() is None:
        return None
    last = headers[-_HEADERS_MAX:]
    judged = [(found, _describes(found.header, check, stored)) for found in last]
    fitting = [pair for pair in judged if pair[1] is not False] or judged[-1:]
    container, container_ok = fitting[0] if fitting else (None, None)
    packets = _end_by_scan(check)
    if container is not None:
        packets = _used_packets(container.header, packets, len(check), fits=container_ok)
    damaged = check.runs(PacketState.DAMAGED, 0, packets)
    erased = check.runs(PacketState.ERASED, 0, packets)
    return CodeArea(
        start=start,
        logical=logical,
        check=check,
        stored=stored,
        stream=stream,
        used=check.packet_span(0, packets),
        damaged=merge_spans([*damaged, *erased]),
        container=container,
        container_ok=container_ok,
    )
