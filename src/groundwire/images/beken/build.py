"""Code partitions as a packer makes them: cipher, checksum packets and the container at the end."""

# Ref: beken-images, section 3.1, last paragraphs

from __future__ import annotations

from dataclasses import dataclass

from groundwire.errors import ImageTooLarge
from groundwire.images.beken import crc_blocks, rbl
from groundwire.images.beken.cipher import KeyStream
from groundwire.quantities import Span

Buffer = bytes | bytearray | memoryview

_TAIL = b"\xff" * 16  # not enciphered; makes the payload 16 more than whole packets


@dataclass(frozen=True, slots=True)
class PartitionRecipe:
    """Where a code partition goes and what its container says. `size` counts logical bytes."""

    name: str
    logical: int
    size: int
    version: str
    packed_at: int

    @property
    def span(self) -> Span:
        """The partition in flash."""
        return Span(crc_blocks.physical_address(self.logical), crc_blocks.physical_size(self.size))


# The partitions that the packers of each loader make. Source: beken-images, sections 3.1 and 5.1.
TUYA_BOOTLOADER = PartitionRecipe("bootloader", 0, 0x10000, "1.00", 0)
SDK_BOOTLOADER = PartitionRecipe("bootloader", 0, 0xF000, "2M.1220", 0)
TUYA_APP = PartitionRecipe("app", 0x10000, 0x108700, "1.00", 0)
SDK_APP = PartitionRecipe("app", 0x10000, 0x110000, "2M.1220", 0)


def stored_code(plain: Buffer, stream: KeyStream, logical: int) -> bytes:
    """Plain code as it is stored, before checksums: filled up, enciphered, with its tail.

    Code that is 16 bytes more than whole packets has been through a packer and keeps its tail.
    """
    if len(plain) % crc_blocks.DATA_SIZE == len(_TAIL):
        return stream.apply(plain, logical)
    short = -len(plain) % crc_blocks.DATA_SIZE
    return stream.apply(bytes(plain) + b"\xff" * short, logical) + _TAIL


def code_partition(plain: Buffer, stream: KeyStream, recipe: PartitionRecipe) -> bytes:
    """A whole partition: code from its start, erased bytes, the container's header at its end.

    Raises ImageTooLarge where the code leaves no room for the header.
    """
    stored = stored_code(plain, stream, recipe.logical)
    packets = crc_blocks.add(stored)
    room = recipe.span.size - rbl.INTERLEAVED_SIZE
    if len(packets) > room:
        raise ImageTooLarge(
            name=recipe.name,
            span=Span(recipe.span.start, len(packets)),
            limit=recipe.span.start + max(room, 0),
        )
    header = rbl.describe(stored, recipe.name, recipe.version, recipe.packed_at).build()
    return packets.ljust(room, b"\xff") + crc_blocks.add(header)
