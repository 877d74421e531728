"""Beken BK72xx: two kinds of chip behind one serial protocol."""

from groundwire.chips.beken.emulator import BekenEmulator
from groundwire.chips.beken.facts import all_chips
from groundwire.chips.beken.flasher import BekenFlasher
from groundwire.chips.beken.linking import LINK_RATE, looks_like_beken, try_link
from groundwire.chips.beken.offline import identify_dump, layout_for
from groundwire.chips.beken.placement import place
from groundwire.chips.family import ChipFamily

FAMILY = ChipFamily(
    name="beken",
    title="Beken BK72xx",
    parts=tuple(chip.name for chip in all_chips()),
    link_baudrate=LINK_RATE,
    try_link=try_link,
    flasher=BekenFlasher,
    layout=layout_for,
    identify_dump=identify_dump,
    place=place,
    emulator=BekenEmulator,
    looks_like_mine=looks_like_beken,
    log_pin=True,
)
