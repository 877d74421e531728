"""One rig for each part of each family: what its flash holds and what a write must make of it.

A new family adds one function to `MAKERS`; every contract test then runs on all of its parts. What
a rig expects is worked out here from the bytes alone, not by the planning that is under test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from groundwire.chips.family import SECTOR, ChipFamily
from groundwire.chips.registry import families
from groundwire.quantities import Span
from groundwire.sim import bouffalo
from groundwire.sim.modules import RECIPES, firmware_image, stock_flash


@dataclass(frozen=True)
class Rig:
    """One part on the bench.

    `pieces` are what of the image lands where when the bootloader is kept; `room` is the only span
    that such a write may change; `radio` is never written, `settings` may be erased. `answers_from_flash` tells that losing
    the bootloader loses the module; `loader` is what the session must upload, if
    anything; a chip that `measures_speed` follows an adapter that is off.
    """

    family: ChipFamily
    part: str
    stock: bytes
    image: bytes
    pieces: tuple[tuple[int, bytes], ...]
    room: Span
    radio: Span
    settings: Span
    mac: str
    answers_from_flash: bool = False
    loader: bytes = b""
    measures_speed: bool = False

    def __repr__(self) -> str:
        return f"Rig({self.part})"

    @property
    def size(self) -> int:
        return len(self.stock)

    @property
    def last_sector(self) -> int:
        """The address of the last sector that the image reaches."""
        address, data = self.pieces[-1]
        return (address + len(data) - 1) // SECTOR * SECTOR

    def written(self, stock: bytes | None = None) -> bytes:
        """The flash after the image was written and the bootloader kept."""
        flash = bytearray(self.stock if stock is None else stock)
        for address, data in self.pieces:
            end = address + len(data)
            flash[address:end] = data
            tail = -(-end // SECTOR) * SECTOR
            flash[end:tail] = b"\xff" * (tail - end)
        return bytes(flash)

    def nearly_written(self) -> bytes:
        """A flash that lacks little: sectors of every state, so that a write is short.

        Among them is a whole block that must be erased, a blank sector, one that lacks only
        cleared bits, and single sectors far from each other.
        """
        flash = bytearray(self.written())
        start = self.pieces[0][0]
        block = (start // 0x10000 + 1) * 0x10000
        for at in range(block, block + 0x10000, SECTOR):
            flash[at : at + 16] = b"old firmware 1.0"
        flash[start : start + SECTOR] = b"\xff" * SECTOR
        one = block + 0x14000
        flash[one : one + 8] = bytes(byte | 0x81 for byte in flash[one : one + 8])
        other = block + 0x24000
        flash[other : other + 8] = b"\0" * 8
        last = self.last_sector - SECTOR
        flash[last : last + SECTOR] = b"\x55" * SECTOR
        return bytes(flash)


def _beken(family: ChipFamily) -> list[Rig]:
    return [_beken_part(family, part) for part in family.parts]


def _beken_part(family: ChipFamily, part: str) -> Rig:
    radio, image = RECIPES[part].radio, firmware_image(part)
    return Rig(
        family=family,
        part=part,
        stock=stock_flash(part),
        image=image,
        pieces=((0x11000, image[0x11000:]),),
        room=Span.between(0x11000, 0x12A000 if radio == 0x1D0000 else 0x132000),
        radio=Span(radio, SECTOR),
        settings=Span(0x1EE000, 0x4000),
        mac="02:00:5E:10:00:01",
        answers_from_flash=part in ("BK7231T", "BK7231U", "BK7252"),
    )


def _bouffalo(family: ChipFamily) -> list[Rig]:
    """The parts whose RAM loader runs; BL604 is the same die in a larger package."""
    image = firmware_image("BL602")
    return [
        Rig(
            family=family,
            part=part,
            stock=stock_flash(part),
            image=image,
            pieces=((0x10000, bouffalo.with_header(image)),),
            room=Span.between(0x10000, 0xD8000),
            radio=Span(bouffalo.DEVICE_TREE_AT, 0x8000),
            settings=Span(bouffalo.SETTINGS_AT, 0x4000),
            mac="7C:B9:4C:00:00:01",
            loader=bouffalo.stand_in_loader(),
            measures_speed=True,
        )
        for part in ("BL602", "BL604")
    ]


MAKERS: dict[str, Callable[[ChipFamily], list[Rig]]] = {"beken": _beken, "bouffalo": _bouffalo}


@lru_cache(maxsize=1)
def all_rigs() -> dict[str, Rig]:
    """Every rig by the name of its part."""
    made = [
        rig for family in families() if family.name in MAKERS for rig in MAKERS[family.name](family)
    ]
    return {rig.part: rig for rig in made}


def rig_of(part: str) -> Rig:
    """The rig of one part."""
    return all_rigs()[part]


PARTS = list(all_rigs())
# one part of each kind runs in every suite, the others in the slow one
KINDS = ("BK7231N", "BK7231T", "BL602")
