"""Spans, sizes and addresses: how numbers are held, read and shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

KIB = 1024
MIB = 1024 * KIB


def hex_address(value: int) -> str:
    """An address as text: at least five hex digits, as flash maps are written."""
    return f"0x{value:05X}"


def size_text(size: int) -> str:
    """A byte count for people: exact in KiB or MiB where that is whole, else in bytes."""
    for unit, name in ((MIB, "MiB"), (KIB, "KiB")):
        if size >= unit and size % unit == 0:
            return f"{size // unit} {name}"
    return f"{size:,} bytes" if size != 1 else "1 byte"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A range of addresses or offsets; `end` is exclusive, always."""

    start: int
    size: int

    def __post_init__(self) -> None:
        if self.start < 0 or self.size < 0:
            raise ValueError(f"a span cannot be negative: {self.start}, {self.size}")

    @classmethod
    def between(cls, start: int, end: int) -> Span:
        """The span from `start` up to but not including `end`."""
        return cls(start, end - start)

    @property
    def end(self) -> int:
        return self.start + self.size

    def __str__(self) -> str:
        return f"{hex_address(self.start)}..{hex_address(self.end)}"

    def contains(self, other: Span) -> bool:
        """Whether all of `other` lies inside."""
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other: Span) -> bool:
        """Whether at least one address is in both."""
        return self.start < other.end and other.start < self.end

    def intersection(self, other: Span) -> Span | None:
        """The addresses in both, or None."""
        start, end = max(self.start, other.start), min(self.end, other.end)
        return Span.between(start, end) if start < end else None

    def is_aligned(self, unit: int) -> bool:
        """Whether the span is made of whole units."""
        return self.start % unit == 0 and self.size % unit == 0

    def widened(self, unit: int) -> Span:
        """The smallest span of whole units that contains this one."""
        return Span.between(self.start // unit * unit, -(-self.end // unit) * unit)

    def units(self, unit: int) -> Iterator[Span]:
        """The parts of the span between multiples of `unit`; first and last may be shorter."""
        at = self.start
        while at < self.end:
            end = min((at // unit + 1) * unit, self.end)
            yield Span.between(at, end)
            at = end

    def of(self, data: bytes | bytearray | memoryview) -> bytes:
        """The bytes of the span in a buffer that starts at address 0."""
        return bytes(data[self.start : self.end])


def merge_spans(spans: list[Span]) -> tuple[Span, ...]:
    """The same addresses in as few spans as possible, in order."""
    merged: list[Span] = []
    for span in sorted(spans):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span.between(merged[-1].start, max(merged[-1].end, span.end))
        elif span.size:
            merged.append(span)
    return tuple(merged)


def parse_number(text: str) -> int:
    """A decimal or 0x number, with an optional K, KiB, M or MiB behind it.

    Raises ValueError for anything else, negative numbers included.
    """
    lowered = text.strip().lower().replace("_", "")
    factor = 1
    for suffix, value in (("kib", KIB), ("mib", MIB), ("k", KIB), ("m", MIB)):
        if lowered.endswith(suffix):
            lowered, factor = lowered.removesuffix(suffix).strip(), value
            break
    value = int(lowered, 16) if lowered.startswith("0x") else int(lowered, 10)
    if value < 0:
        raise ValueError(f"negative: {text}")
    return value * factor


def parse_span(text: str) -> Span:
    """`START+SIZE` or `START..END` (end exclusive), each number decimal or 0x.

    Raises ValueError where it is neither, or where it is empty or reversed.
    """
    if ".." in text:
        start, end = (parse_number(part) for part in text.split("..", 1))
        size = end - start
    elif "+" in text:
        start, size = (parse_number(part) for part in text.split("+", 1))
    else:
        raise ValueError(f"neither START+SIZE nor START..END: {text}")
    if size <= 0:
        raise ValueError(f"empty or reversed: {text}")
    return Span(start, size)
