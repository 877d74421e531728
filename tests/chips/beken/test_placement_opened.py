"""Files that hold an image of another kind are opened: ESPHome's packages and rotated dumps."""

from __future__ import annotations

import pytest

from corpus import dump
from groundwire.chips.beken.offline import identify_dump, layout_for
from groundwire.chips.beken.placement import place
from groundwire.chips.family import BootloaderPolicy, Identity
from groundwire.sim.modules import BOOTLOADER_SIZE, stock_flash


def module() -> Identity:
    identity = identify_dump(stock_flash("BK7231N"))
    assert identity is not None
    return identity


@pytest.mark.corpus
def test_an_esphome_package_goes_to_the_application() -> None:
    identity = module()
    keep = BootloaderPolicy.KEEP
    placed = place(dump("uf2-kickstart-n"), "kickstart", identity, layout_for(identity), keep)
    (piece,) = placed.pieces
    assert placed.kind == "uf2, LibreTiny 1.8.0"
    assert (piece.address, piece.why) == (BOOTLOADER_SIZE, "application")
    assert b"LibreTiny" not in piece.data  # it is enciphered for the chip, as it must be in flash
    assert piece.data[:4] == bytes.fromhex("2f07b594")


def test_a_dump_that_starts_in_the_middle_is_turned_round() -> None:
    identity = module()
    straight = stock_flash("BK7231N")
    rotated = straight[BOOTLOADER_SIZE:] + straight[:BOOTLOADER_SIZE]
    layout, keep = layout_for(identity), BootloaderPolicy.KEEP
    same = place(straight, "straight", identity, layout, keep)
    assert place(rotated, "rotated", identity, layout, keep).pieces == same.pieces
